"""Which question: do these gradients, or this state, belong to those parameters?

Idea: what a step needs comes by name, as {"conv1.weight": array}. One pass over names, shapes and dtypes asks
whether everything fits; only when it does not are the differences worked out and listed.

Cost: about half a microsecond per array.  What it does not do: look at the numbers.
Source: network/graph.py, whose check of weights this follows.  Next room: optimizer.py.
"""

from collections.abc import Mapping

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, WeightsError
from minicnn.layers.base import ShapeOnly
from minicnn.network.trace import locked

Arrays = Mapping[str, np.ndarray]


def parameters(params, what: str) -> Arrays:
    """Return params when it is a mapping from names to float arrays."""
    if not isinstance(params, Mapping):
        raise WeightsError(
            f"{what}: params is a mapping from names to arrays, such as net.parameters(), but it is a {type(params).__name__}."
        )
    for name, array in params.items():
        if type(array) is np.ndarray and array.dtype in check.FLOATS:
            continue
        if isinstance(array, ShapeOnly):
            raise WeightsError(
                f"{what}: params[{name!r}] knows its shape, {tuple(array.shape)}, but holds no numbers; build the model with weights=… or rng=…."
            )
        check.float_array(array, f"params[{name!r}]", what)
    return params


def fitting_gradients(params, grads, what: str) -> Arrays:
    """Return params when they are float arrays by name with one gradient each.

    >>> list(fitting_gradients({"w": np.ones(2)}, {"w": np.ones(2)}, "SGD.step"))
    ['w']
    """
    params = parameters(params, what)
    fitting(grads, params, what, "gradients", "backward(net, trace, grad) returns one for each of net.parameters()")
    return params


def fitting(arrays, params: Arrays, what: str, noun: str, remedy: str) -> Arrays:
    """Return arrays when it has one array of the same shape and dtype for every parameter, and no other.

    >>> fitting({"w": np.ones(3)}, {"w": np.zeros(3)}, "SGD.step", "gradients", "")["w"]
    array([1., 1., 1.])
    """
    if not isinstance(arrays, Mapping):
        raise WeightsError(f"{what}: the {noun} are a mapping from names to arrays, but received a {type(arrays).__name__}; {remedy}.")
    if arrays.keys() == params.keys():
        for name, parameter in params.items():
            array = arrays[name]
            if not isinstance(array, np.ndarray) or array.shape != parameter.shape or array.dtype != parameter.dtype:
                break
        else:
            return arrays
    raise _misfit(arrays, params, what, noun, remedy)


def _misfit(arrays: Mapping, params: Arrays, what: str, noun: str, remedy: str) -> WeightsError:
    other, missing, left = [], [], []
    for name, parameter in params.items():
        if name not in arrays:
            missing.append(f"  missing: {name} {parameter.shape}")
        elif not isinstance(arrays[name], np.ndarray):
            other.append(f"  no array: {name} is a {type(arrays[name]).__name__}")
        elif arrays[name].shape != parameter.shape:
            other.append(f"  another shape: {name} is {arrays[name].shape}, the parameter is {parameter.shape}")
        elif arrays[name].dtype != parameter.dtype:
            other.append(f"  another dtype: {name} is {arrays[name].dtype}, the parameter is {parameter.dtype}")
    left += [f"  left over: {name} {np.shape(array)}" for name, array in arrays.items() if name not in params]
    problems = [*other, *missing, *left]
    shown = problems[:12] + ([f"  … and {len(problems) - 12} more"] if len(problems) > 12 else [])
    return WeightsError(
        f"{what}: the {noun} must fit the {len(params)} parameters, but {len(other)} differ, {len(missing)} are missing and "
        f"{len(left)} are left over; {remedy}:\n" + "\n".join(shown)
    )


def state_parts(state, keys: tuple[str, ...], what: str) -> tuple[int, list]:
    """Return the step and what is under the other keys of a state, or say that it is not this optimizer's."""
    remedy = "start with optimizer.init(params), or go on with the state that the last step returned"
    if not isinstance(state, Mapping):
        raise WeightsError(
            f"{what}: the state is a mapping with the keys step, {', '.join(keys)}, but it is a {type(state).__name__}; {remedy}."
        )
    if set(state) != {"step", *keys}:
        raise WeightsError(
            f"{what}: the state has the keys step, {', '.join(keys)}, but this one has {', '.join(map(str, state)) or 'none'}, "
            f"so it is another optimizer's; {remedy}."
        )
    try:
        return check.integer(state["step"], "state['step']", what, 0), [state[key] for key in keys]
    except ArgumentError as error:
        raise WeightsError(f"{error} {remedy.capitalize()}.") from None


def zeros(params: Arrays) -> dict[str, np.ndarray]:
    """Return locked zeros, one array for every parameter."""
    return {name: locked(np.zeros(array.shape, array.dtype)) for name, array in params.items()}
