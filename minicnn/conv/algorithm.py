"""Which question: what do all algorithms of the gallery share?

`Prepared` is what `prepare` hands to `run`; `finish` adds the bias and applies the activation to an
output that was just computed; `plain` is the form in which kernels take arrays; `tap_by_tap` is for
weights that are not finite, whose product with a padding zero is no zero.
"""

import functools
from dataclasses import dataclass

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.window import Window

LINE = 16  # float32 numbers of a cache line
ACTIVATIONS = (None, "relu", "relu6", "silu")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A weight in the form that one algorithm wants it in, with the window that it slides in."""

    weight: np.ndarray  # the packed weight
    shape: tuple[int, int, int, int]  # of the weight as given: (K, C/groups, kernel rows, kernel columns)
    window: Window
    finite: bool = True  # whether every weight is: 0·∞ is NaN, so padding must then be skipped, not multiplied

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes


def plain(array: np.ndarray) -> np.ndarray:
    """Return an input as kernels take it: contiguous, aligned and locked.

    A read-only array is another type to Numba, and so another compilation.  Locking every input makes
    one type of all of them, spares the copy of arrays that came locked or memory-mapped, and turns a
    kernel that writes into its input into a compile error.
    """
    sound = type(array) is np.ndarray and array.flags.c_contiguous and array.flags.aligned
    locked = (array if sound else np.require(array, requirements=("C", "A"))).view()
    locked.flags.writeable = False
    return locked


def locked_view(array: np.ndarray) -> np.ndarray:
    """Return an array as the few kernels take it that follow any memory layout: locked, not copied unless it is unaligned."""
    locked = (array if type(array) is np.ndarray and array.flags.aligned else np.require(array, requirements="A")).view()
    locked.flags.writeable = False
    return locked


def float32_only(dtype) -> str | None:
    """Return why an algorithm whose vectors hold float32 does not take this dtype, or None."""
    return None if dtype == np.float32 else f"its vectors hold float32, and x is {np.dtype(dtype)}; float64 is im2col's"


def at_the_store(activation: str | None) -> tuple[int, np.float32]:
    """Return how a kernel finishes its sums as it stores them: 0 not at all, 1 cut off below 0 and above the number, 2 through SiLU.

    >>> at_the_store("relu6"), at_the_store("relu"), at_the_store("silu")
    ((1, np.float32(6.0)), (1, np.float32(inf)), (2, np.float32(inf)))
    """
    kind = {None: 0, "relu": 1, "relu6": 1, "silu": 2}.get(activation)
    if kind is None:
        raise ArgumentError(f"conv2d: activation must be one of {ACTIVATIONS}, but it is {activation!r}.")
    return kind, np.float32(6 if activation == "relu6" else np.inf)


def scratch(workers: int, numbers: int) -> np.ndarray:
    """Return so many float32 for each worker, for nobody to read before they are written; each share starts a cache line.

    A vector that lies across two lines costs two loads.
    """
    share = -(-numbers // LINE) * LINE
    room = np.empty(workers * share + LINE, np.float32)
    skip = -room.__array_interface__["data"][0] // room.itemsize % LINE
    return room[skip : skip + workers * share]


def lined_up(array: np.ndarray) -> np.ndarray:
    """Return float32 numbers flat and locked, from the start of a cache line on; others as they are."""
    if array.dtype != np.float32:
        return plain(array.reshape(-1))
    copy = scratch(1, array.size)[: array.size]
    copy.reshape(array.shape)[...] = array
    return plain(copy)


@functools.lru_cache(256)
def output_shape(x_shape, w_shape, window: Window) -> tuple[int, int, int, int]:
    """Return (N, K, P, Q)."""
    return (x_shape[0], w_shape[0], *window.output_size(x_shape[2:], "conv2d"))


def bias_or_zeros(bias: np.ndarray | None, channels: int, dtype) -> np.ndarray:
    """Return the bias as kernels take it, zeros where there is none."""
    return plain(np.zeros(channels, dtype) if bias is None else bias)


def run_loops(kernel, x, prepared: Prepared, bias, activation) -> np.ndarray:
    """Run a kernel (x, weight, bias, y, strides, dilations, top, left) that fills y, and apply the activation."""
    window = prepared.window.resolve(x.shape[2:])
    (top, _), (left, _) = window.padding
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    kernel(plain(x), prepared.weight, bias_or_zeros(bias, y.shape[1], y.dtype), y, *window.stride, *window.dilation, top, left)
    return activate(y, activation)


def activate(y: np.ndarray, activation: str | None) -> np.ndarray:
    """Apply an activation in place to an output that nobody has seen yet; NaN stays NaN."""
    if activation is None:
        return y
    if activation == "relu":
        return np.maximum(y, 0, out=y)
    if activation == "relu6":
        return np.minimum(np.maximum(y, 0, out=y), 6, out=y)
    if activation == "silu":
        below = np.exp(-y)  # overflows to ∞ where y is far below zero, and the quotient is -0 as it should
        return np.divide(y, np.add(below, 1, out=below), out=y)
    raise ArgumentError(f"conv2d: activation must be one of {ACTIVATIONS}, but it is {activation!r}.")


def finish(y: np.ndarray, bias: np.ndarray | None, activation: str | None) -> np.ndarray:
    """Add the bias and apply the activation, in place, to an output that nobody has seen yet."""
    if bias is not None:
        y += bias.reshape(1, -1, 1, 1)
    return activate(y, activation)


def tap_by_tap(x, weight, window, y):
    """Fill y with one small product per kernel position, over the outputs that find it inside the input."""
    (N, K, P, Q), (_, channels, R, S) = y.shape, weight.shape
    G, (H, W) = x.shape[1] // channels, x.shape[2:]
    rows, columns = window.axes((H, W))
    grouped = weight.reshape(1, G, K // G, channels, R, S)
    y[...] = 0
    for i, j in np.ndindex(R, S):
        (p, h), (q, w) = rows.tap(i, H, P), columns.tap(j, W, Q)
        taps = x[:, :, h, w].reshape(N, G, channels, -1)
        y[:, :, p, q] += np.matmul(grouped[..., i, j], taps).reshape(N, K, p.stop - p.start, q.stop - q.start)
    return y
