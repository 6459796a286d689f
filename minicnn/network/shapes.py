"""Which question: which shape has every map of a network, before anything is computed?"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.network.node import one_image, result_shapes


def shapes_of(net, input_shape) -> dict[str, tuple[int, ...]]:
    """Return the shape of every input and result by name; a single (C, H, W) is a batch of one."""
    given = input_shape.values() if isinstance(input_shape, dict) else [input_shape]
    shapes = _input_shapes(net, input_shape)
    with one_image(all(len(shape) == 3 for shape in given)):
        for node in net.nodes:
            shapes.update(result_shapes(node, [shapes[name] for name in node.inputs]))
    return shapes


def _input_shapes(net, input_shape) -> dict:
    if not isinstance(input_shape, dict):
        if len(net.inputs) > 1:
            raise ArgumentError(
                f"describe: the network has several inputs; give a shape for each: {dict.fromkeys(net.inputs, (3, 224, 224))}."
            )
        input_shape = {net.inputs[0]: input_shape}
    if set(input_shape) != set(net.inputs):
        raise ArgumentError(f"describe: the inputs are {net.inputs}, but shapes were given for {tuple(input_shape)}.")
    return {name: _as_batch(input_shape[name], name) for name in net.inputs}


def _as_batch(shape, name: str) -> tuple[int, ...]:
    if isinstance(shape, np.ndarray) and shape.ndim > 1:
        raise ArgumentError(f"describe: input_shape is a shape such as (3, 224, 224), but an array came for {name}; pass {name}.shape.")
    try:
        least = [0 if axis == 0 and len(shape) != 3 else 1 for axis in range(len(shape))]  # only a batch may be empty
        sizes = tuple(check.integer(n, f"{name}[{axis}]", "describe", least[axis]) for axis, n in enumerate(shape))
    except TypeError:
        raise ArgumentError(f"describe: input_shape is (C, H, W) or (N, C, H, W), but for {name} it is {shape!r}.") from None
    if not sizes:
        raise ShapeError(f"describe: input_shape is (C, H, W) or (N, C, H, W), but for {name} it is {sizes}.")
    return (1, *sizes) if len(sizes) == 3 else sizes
