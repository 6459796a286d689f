"""Which question: what does a convolution cost, before anything is computed?

    multiply-adds   N·K·P·Q·(C/G)·R·S          bias and activation not counted
    bytes moved     x, w and y once each       what any algorithm must at least read and write
    workspace       per algorithm              what it keeps beside them while it runs

Source: Sze, Chen, Yang, Emer, "Efficient Processing of Deep Neural Networks" (2017), section III.
"""

from math import prod

from minicnn.conv.algorithm import output_shape
from minicnn.conv.gallery import load_algorithm
from minicnn.window import Window


def multiply_adds(x_shape, weight_shape, window: Window) -> int:
    """Return the number of multiply-adds of the equation, padding counted as if it were data.

    >>> multiply_adds((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3, padding=1))
    115605504
    """
    return prod(output_shape(x_shape, weight_shape, window)) * prod(weight_shape[1:])


def bytes_moved(x_shape, weight_shape, window: Window, itemsize: int = 4) -> int:
    """Return the bytes of x, weight and y: the least that is read and written.

    >>> bytes_moved((1, 1, 4, 4), (1, 1, 3, 3), Window.of(3))
    116
    """
    return (prod(x_shape) + prod(weight_shape) + prod(output_shape(x_shape, weight_shape, window))) * itemsize


def workspace_bytes(algorithm: str, x_shape, weight_shape, window: Window, itemsize: int = 4) -> int:
    """Return the bytes that an algorithm keeps beside x, weight and y while it runs.

    >>> workspace_bytes("im2col", (1, 2, 4, 4), (3, 2, 3, 3), Window.of(3))   # 2·9 rows of 2·2 columns
    288
    """
    return load_algorithm(algorithm).workspace_bytes(x_shape, weight_shape, window, itemsize)


def prepared_bytes(algorithm: str, x_shape, weight_shape, window: Window, itemsize: int = 4) -> int:
    """Return the bytes that an algorithm keeps for a layer from its first call on, beside the layer's own weight.

    >>> prepared_bytes("im2col", (1, 2, 4, 4), (3, 2, 3, 3), Window.of(3))     # the weight as it is: a view
    0
    """
    count = getattr(load_algorithm(algorithm), "prepared_bytes", None)
    return 0 if count is None else count(x_shape, weight_shape, window, itemsize)
