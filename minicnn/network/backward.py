"""Which question: how does an output change with every input and every parameter?

Idea: the chain rule, walked over the trace from its last node to its first.  A map that was used in
several places collects the sum of what comes back from each; a layer that stands in several nodes
collects the sum of its parameters' gradients; a map that nothing asked of gets nothing and costs nothing.

    grads[output] = grad
    for node in reversed(nodes):   grads of its inputs += layer.backward(grads of its results, passage)

`rules` puts another function in the place of a layer's own: what deconvnet and guided backpropagation
do to ReLU is one line each.
Cost: about two forward passes, less where `wrt` leaves half of the question out.
Source: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors" (1986);
Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3, for reverse accumulation.
Next room: layers/base.py for what a layer owes.
"""

from collections.abc import Callable, Mapping

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, nearest
from minicnn.layers import Layer
from minicnn.layers.base import Passage
from minicnn.network.graph import Network, as_network
from minicnn.network.node import Node, first_nodes, named, result_names
from minicnn.network.trace import Trace, locked

WRT = ("both", "inputs", "parameters")
Rule = Callable[[Layer, np.ndarray, Passage], "np.ndarray | tuple[np.ndarray, ...]"]


def backward(
    net: Network,
    trace: Trace,
    grad,
    rules: Mapping[type | str, Rule] | None = None,
    *,
    wrt: str = "both",
    maps: tuple[str, ...] = (),
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the gradients of Σ grad·output by the network's inputs and by its parameters, both by name.

    grad_inputs[x] = Σ grad · ∂output/∂x,   grad_params[p] = Σ grad · ∂output/∂p

    Parameters
    ----------
    trace : what trace(net, x) returned, with training=True where the gradient is to be that of training
    grad : an array of the output's shape; with several outputs one for each, in order, or a mapping from
        names of maps (any of them, not only outputs) to arrays of their shapes
    rules : {nn.ReLU: rule} or {"relu3": rule}; rule(layer, grad_output, passage) returns the gradient by
        the layer's input (a tuple where it has several) in place of the layer's own.  Parameters keep theirs.
    wrt : 'both', 'inputs' (no gradients of parameters are computed) or 'parameters'
    maps : names of maps whose gradients are wanted beside those of the inputs

    A parameter that no output depends on has a gradient of zeros; layers that stand in two nodes have one
    gradient, the sum.  All arrays are locked.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, 2.0]]]])), nn.ReLU())
    >>> x = np.array([[[[1.0, 1.0, -3.0]]]])
    >>> grad_inputs, grad_params = backward(net, trace(net, x), np.ones((1, 1, 1, 2)))
    >>> grad_inputs["x"], grad_params["conv1.weight"]            # the second output is cut off by the ReLU
    (array([[[[1., 2., 0.]]]]), array([[[[1., 1.]]]]))

    Raises ArgumentError, ShapeError, DTypeError, UnknownNameError.  Source: Rumelhart, Hinton, Williams (1986).
    """
    net = as_network(net, "backward")
    _check_trace(net, trace)
    wrt, rule_of = check.one_of(wrt, "wrt", "backward", WRT), _rules(net, rules)
    wanted = _wanted_maps(trace, maps)
    grads = _starting_gradients(net, trace, grad)
    asked = _leads_somewhere(net, wrt, wanted)
    first, by_parameter, answers = first_nodes(net), {}, {}
    for node in reversed(net.nodes):
        answers.update({name: grads[name] for name in result_names(node) if name in wanted and name in grads})
        results = tuple(grads.pop(name, None) for name in result_names(node))
        if all(result is None for result in results) or node.name not in asked:
            continue
        passage = _passage(node, trace, asked, wrt)
        by_inputs, by_own = _through(node, results, passage, rule_of(node))
        for name, part in zip(node.inputs, by_inputs, strict=True):
            if part is not None:
                grads[name] = grads[name] + part if name in grads else part
        for name, part in by_own.items():
            key = f"{first[id(node.layer)]}.{name}"
            by_parameter[key] = by_parameter[key] + part if key in by_parameter else part
    return _answered(net, trace, grads, answers, wanted, wrt), _all_parameters(net, trace, by_parameter, wrt)


def _check_trace(net: Network, trace) -> None:
    if not isinstance(trace, Trace):
        raise ArgumentError(f"backward: the second argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    same = trace.net is net or (
        trace.net.inputs == net.inputs
        and len(trace.net.nodes) == len(net.nodes)
        and all(a.name == b.name and a.layer is b.layer and a.inputs == b.inputs for a, b in zip(trace.net.nodes, net.nodes, strict=True))
    )
    if not same:
        raise ArgumentError(
            "backward: the trace must be of this network, since its maps are the gradient's factors, but it is of another one "
            f"({len(trace.net)} nodes, this one has {len(net)}, or other layers); trace this network again: trace(net, x)."
        )


def _rules(net: Network, rules) -> Callable[[Node], Rule | None]:
    """Return what finds a node's rule: by its name, then by its layer's class."""
    if rules is None:
        return lambda node: None
    if not isinstance(rules, Mapping):
        raise ArgumentError(f"backward: rules is a mapping such as {{nn.ReLU: rule}}, but it is a {type(rules).__name__}.")
    for key, rule in rules.items():
        if isinstance(key, str):
            net.node(key)
        elif not (isinstance(key, type) and issubclass(key, Layer)):
            raise ArgumentError(f"backward: the keys of rules are layer classes (nn.ReLU) or node names, but one is {key!r}.")
        if not callable(rule):
            raise ArgumentError(f"backward: a rule is a function of (layer, grad_output, passage), but that of {key!r} is {rule!r}.")
    for key in rules:
        if isinstance(key, type) and not any(isinstance(node.layer, key) for node in net.nodes):
            raise ArgumentError(
                f"backward: the rule for {key.__name__} has nothing to replace: no node of this network holds such a layer."
            )

    def rule_of(node: Node) -> Rule | None:
        kinds = (rules[kind] for kind in type(node.layer).__mro__ if kind in rules)  # the nearest class first
        return rules.get(node.name) or next(kinds, None)

    return rule_of


def _wanted_maps(trace: Trace, maps) -> set[str]:
    if not isinstance(maps, str | list | tuple | set) or not all(isinstance(name, str) for name in maps):
        raise ArgumentError(f"backward: maps are names of maps, such as maps=('relu2',), but they are {maps!r}.")
    maps = (maps,) if isinstance(maps, str) else tuple(maps)
    for name in maps:
        if name not in trace.shapes:
            raise UnknownNameError(f"backward: there is no map {name!r}.{nearest(str(name), trace.shapes)}")
    return set(maps)


def _starting_gradients(net: Network, trace: Trace, grad) -> dict[str, np.ndarray]:
    """Return the gradients that were given, by map."""
    if isinstance(grad, Mapping):
        given = list(grad.items())
    else:
        grads = tuple(grad) if isinstance(grad, list | tuple) else (grad,)
        if len(grads) != len(net.outputs):
            raise ArgumentError(
                f"backward: grad holds one array per output, {len(net.outputs)} ({', '.join(net.outputs)}), but {len(grads)} came; "
                "give {name: array} for some of them only."
            )
        given = list(zip(net.outputs, grads, strict=True))
    found: dict[str, np.ndarray] = {}
    for name, array in given:
        if name not in trace.shapes:
            raise UnknownNameError(f"backward: grad names the map {name!r}, and there is none.{nearest(str(name), trace.shapes)}")
        array = _fitting(array, f"grad[{name!r}]" if len(given) > 1 else "grad", trace.shapes[name], trace.dtype, f"map {name!r}")
        found[name] = found[name] + array if name in found else array.copy()  # an output may be named twice; the giver's stays his
    return found


def _fitting(array, what: str, shape, dtype, of: str) -> np.ndarray:
    array = check.float_array(array, what, "backward")
    if array.shape != shape:
        remedy = f"; add the batch axis: {what}[None]" if (1, *array.shape) == shape else ""
        raise ShapeError(f"backward: {what} must have the shape of {of}, {shape}, but its shape is {array.shape}{remedy}.")
    if array.dtype != dtype:
        raise DTypeError(
            f"backward: {what} must be {dtype}, as the maps of this trace are, but it is {array.dtype}; use .astype(np.{dtype})."
        )
    return array


def _leads_somewhere(net: Network, wrt: str, wanted: set[str]) -> set[str]:
    """Return the nodes and inputs whose gradients lead to something that is asked for."""
    asked = {name for name in net.inputs if wrt != "parameters" or name in wanted}
    for node in net.nodes:
        own = wrt != "inputs" and bool(node.layer.parameters())
        if own or not wanted.isdisjoint(result_names(node)) or any(name in asked for name in node.inputs):
            asked.update(result_names(node))
    return asked


def _passage(node: Node, trace: Trace, asked: set[str], wrt: str) -> Passage:
    def data(name):
        return trace.maps[name].data if name in trace.maps else None

    return Passage(
        inputs=tuple(map(data, node.inputs)),
        outputs=tuple(map(data, result_names(node))),
        shapes=tuple(trace.shapes[name] for name in node.inputs),
        saved=trace.saved.get(node.name),
        training=trace.training,
        needs=tuple(name in asked for name in node.inputs),
        needs_parameters=wrt != "inputs" and bool(node.layer.parameters()),
    )


def _through(node: Node, results: tuple, passage: Passage, rule: Rule | None):
    """Return what comes back through one node, by its inputs and by its parameters."""
    with named(node):
        if rule is None:
            return node.layer.backward(results, passage)
        by_own: dict = {}
        if passage.needs_parameters:
            only = Passage(passage.inputs, passage.outputs, passage.shapes, passage.saved, passage.training, (False,) * len(node.inputs))
            _, by_own = node.layer.backward(results, only)
        return _by_rule(rule, node, results[0], passage), by_own


def _by_rule(rule: Rule, node: Node, grad: np.ndarray, passage: Passage) -> tuple[np.ndarray | None, ...]:
    """Return what a rule makes of the gradient, copied: what is its own stays its own."""
    shown = grad.view()
    shown.flags.writeable = False  # other branches read it too
    try:
        given = rule(node.layer, shown, passage)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ArgumentError(
            "a rule returns a new array and writes into none, but it wrote into what it was given; write grad * (…)."
        ) from None
    parts = given if isinstance(given, tuple) else (given,)
    if len(parts) != len(node.inputs):
        raise ArgumentError(f"the rule must return one gradient per input, {len(node.inputs)}, but it returned {len(parts)}.")
    if all(part is None for part in parts) and any(passage.needs):
        raise ArgumentError("the rule must return a gradient, but it returned None; is `return` missing?")
    return tuple(
        None if part is None else _fitting(part, "what the rule returned", shape, grad.dtype, f"the input {name!r}").copy()
        for part, shape, name in zip(parts, passage.shapes, node.inputs, strict=True)
    )


def _answered(net: Network, trace: Trace, grads: dict, answers: dict, wanted: set[str], wrt: str) -> dict[str, np.ndarray]:
    names = [name for name in net.inputs if wrt != "parameters" or name in wanted] + [
        n for n in trace.shapes if n in wanted - set(net.inputs)
    ]
    found = {**grads, **answers}
    return {name: locked(found[name]) if name in found else locked(np.zeros(trace.shapes[name], trace.dtype)) for name in names}


def _all_parameters(net: Network, trace: Trace, found: dict, wrt: str) -> dict[str, np.ndarray]:
    """Return one gradient for every parameter, in the order and the dtype of net.parameters()."""
    if wrt == "inputs":
        return {}
    answer = {}
    for name, parameter in net.parameters().items():
        part = found[name] if name in found else np.zeros(parameter.shape, parameter.dtype)
        answer[name] = locked(part.astype(parameter.dtype, copy=False))
    return answer
