"""Which question: which shape has every map of a network, before anything is computed?"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.network.node import one_image, result_shapes


def shapes_of(net, input_shape) -> dict[str, tuple[int, ...]]:
    """Return the shape of every input and result by name; a single (C, H, W) is a batch of one."""
    shapes = _input_shapes(net, input_shape)
    given = input_shape.values() if isinstance(input_shape, dict) else [input_shape]
    with one_image(input_shape is not None and all(len(shape) == 3 for shape in given)):
        for node in net.nodes:
            shapes.update(result_shapes(node, [shapes[name] for name in node.inputs]))
    return shapes


def is_one_image(net, name: str, shape) -> bool:
    """Return whether an input of this shape is one image (C, H, W), to be taken as a batch of one.

    Where the network knows how many axes its input has, an input of another number is refused.
    """
    wanted = net.input_shapes.get(name)
    if wanted is None or len(shape) == len(wanted) or (len(wanted), len(shape)) == (4, 3):
        return len(shape) == 3 and (wanted is None or len(wanted) == 4)
    raise ShapeError(f"network: {name} has {len(wanted)} axes in this network, such as {wanted}, but its shape is {tuple(shape)}.")


def _input_shapes(net, input_shape) -> dict:
    if input_shape is None:
        if set(net.input_shapes) != set(net.inputs):
            raise ArgumentError("describe: this network does not say which input it was made for; give input_shape, such as (3, 224, 224).")
        input_shape = dict(net.input_shapes)
    if not isinstance(input_shape, dict):
        if len(net.inputs) > 1:
            raise ArgumentError(
                f"describe: the network has several inputs; give a shape for each: {dict.fromkeys(net.inputs, (3, 224, 224))}."
            )
        input_shape = {net.inputs[0]: input_shape}
    if set(input_shape) != set(net.inputs):
        raise ArgumentError(f"describe: the inputs are {net.inputs}, but shapes were given for {tuple(input_shape)}.")
    return {name: _as_batch(net, input_shape[name], name) for name in net.inputs}


def _as_batch(net, shape, name: str) -> tuple[int, ...]:
    if isinstance(shape, np.ndarray) and shape.ndim > 1:
        raise ArgumentError(f"describe: input_shape is a shape such as (3, 224, 224), but an array came for {name}; pass {name}.shape.")
    try:
        one_image_only = len(shape) == 3 and name not in net.input_shapes
        least = [0 if axis == 0 and not one_image_only else 1 for axis in range(len(shape))]  # only a batch may be empty
        sizes = tuple(check.integer(n, f"{name}[{axis}]", "describe", least[axis]) for axis, n in enumerate(shape))
    except TypeError:
        raise ArgumentError(f"describe: input_shape is (C, H, W) or (N, C, H, W), but for {name} it is {shape!r}.") from None
    if not sizes and name not in net.input_shapes:
        raise ShapeError(f"describe: input_shape is (C, H, W) or (N, C, H, W), but for {name} it is {sizes}.")
    return (1, *sizes) if is_one_image(net, name, sizes) else sizes
