"""Which question: how many bytes are alive at each moment of a training step?

Idea: the step is walked from shapes alone.  Forward, a map stays if a gradient needs it and goes after
its last use otherwise; what a layer saves beside maps (winning indices, masks) stays.  Backward, all
of that is still there; the gradient of a node's output goes when those of its inputs have come, and the
parameters' gradients add up.

    forward   kept so far + maps in use
    backward  everything kept + gradients of maps on their way + gradients of parameters so far

Around it stand the parameters: the step's, those of the last finished epoch, which Ctrl-C keeps, and the
optimizer's arrays of both; at the end of a step the next ones come before the last ones go.
What it does not count: measuring a held out set, which holds less, at the same batch size; the data set itself, compiled code, Python's own objects.
Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (2016), section 3, for
what a gradient needs.  Next room: trace.py and backward.py, which do it.
"""

from math import prod

from minicnn.network.node import gradient_keeps, owners, result_names


def training_curve(net, shapes: dict, itemsize: int) -> list[tuple[str, int]]:
    """Return (moment, bytes of maps, gradients and what layers save) along one step: each node, then each node's gradient.

    Moments are node names, with " back" behind those of the way back.
    """
    memory, walk = owners(net), _Sizes(net, shapes, itemsize)
    kept = {memory[name] for name in gradient_keeps(net) | set(net.outputs)}
    last_use = {memory[name]: node.name for node in net.nodes for name in node.inputs}
    batch = sum(map(walk.size, net.inputs))  # the batch as it was taken from the data set
    alive, saved, curve = {name: walk.size(name) for name in net.inputs}, 0, []
    for node in net.nodes:
        alive.update({name: walk.size(name) for name in result_names(node) if memory[name] == name})
        saved += walk.saved(node)
        curve.append((node.name, batch + saved + sum(alive.values()) + walk.workspace(node)))
        for name in {*node.inputs, *result_names(node)}:
            owner = memory[name]
            if owner not in kept and last_use.get(owner, node.name) == node.name:
                alive.pop(owner, None)
    there = batch + saved + sum(alive.values())
    return curve + [(f"{name} back", there + more) for name, more in _way_back(net, walk)]


def _way_back(net, walk: "_Sizes") -> list[tuple[str, int]]:
    """Return (node, bytes of gradients alive while its own is computed) in the order of going back."""
    asked: set[str] = set()
    for node in net.nodes:
        if node.layer.parameters() or any(name in asked for name in node.inputs):
            asked.update(result_names(node))
    grads = {name: walk.size(name) for name in net.outputs}
    counted, by_parameters, curve = set(), 0, []
    for node in reversed(net.nodes):
        arriving = sum(grads.pop(name, 0) for name in result_names(node))
        if node.name not in asked:
            continue
        new = {name: walk.size(name) for name in node.inputs if name in asked}
        passed_on = node.layer.is_view or node.layer.passes_gradient_on
        if id(node.layer) not in counted:
            counted.add(id(node.layer))
            by_parameters += sum(array.nbytes for array in node.layer.parameters().values())
        beside = walk.workspace_back(node) + (0 if passed_on else sum(new.values()))
        twice = sum(size for name, size in new.items() if name in grads)  # a sum is a third array beside its two parts
        curve.append((node.name, by_parameters + arriving + sum(grads.values()) + beside + twice))
        grads.update(new)
    return curve


def training_bytes(net, curve: list[tuple[str, int]], arrays: int) -> int:
    """Return the most that `fit` holds at a time, with an optimizer of `arrays` arrays per parameter."""
    once = sum(array.nbytes for array in net.parameters().values())
    standing = 2 * once * (1 + arrays)  # the step's parameters and optimizer arrays, and those of the last finished epoch
    step_end = once * (1 + 1 + arrays + 1)  # gradients, the next parameters and optimizer arrays, the layers' copy
    return standing + max([step_end, *(size for _, size in curve)])


class _Sizes:
    """Bytes by name, from shapes."""

    def __init__(self, net, shapes: dict, itemsize: int):
        self.shapes, self.itemsize = shapes, itemsize

    def size(self, name: str) -> int:
        return prod(self.shapes[name]) * (8 if ":" in name else self.itemsize)  # winning indices are int64

    def saved(self, node) -> int:
        return node.layer.saved_bytes(*self._in_shapes(node), itemsize=self.itemsize)

    def workspace(self, node) -> int:
        return node.layer.workspace_bytes(*self._in_shapes(node), itemsize=self.itemsize)

    def workspace_back(self, node) -> int:
        return node.layer.workspace_bytes(*self._in_shapes(node), itemsize=self.itemsize, back=True)

    def _in_shapes(self, node) -> list:
        return [self.shapes[name] for name in node.inputs]
