"""Which question: how do channels become positions, and positions channels?

Idea: r·r channels hold the r·r pixels of a block that is to be drawn in the place of one pixel: a convolution works on the small map,
and its channels are laid out at the end.  Nothing is computed; the way back is the other direction.  Two orders are in use,
named after the order in which a channel's number is read, of (Depth, Column, Row):

    CRD   channel c·r² + i·r + j is pixel (i, j) of the block of channel c          PyTorch's
    DCR   channel (i·r + j)·C + c is                                                TensorFlow's, and ONNX's where nothing is said

Cost: one copy.  When it loses: a transposed convolution of stride r does both at once.  What it does not do: blocks that are no squares.
Source: Shi et al., "Real-time single image and video super-resolution" (2016), section 2.2; torch.nn.functional.pixel_shuffle;
ONNX's DepthToSpace and SpaceToDepth, whose order is DCR.  Next room: resample.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ShapeError
from minicnn.functional import arguments

__all__ = ["pixel_shuffle", "pixel_shuffle_backward", "pixel_unshuffle", "pixel_unshuffle_backward"]

MODES = ("CRD", "DCR")
Shape = tuple[int, ...]


def pixel_shuffle(x, upscale_factor, mode="CRD") -> np.ndarray:
    """Return x with every r·r channels laid out as a block of r·r pixels.

    y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w] ("CRD") or x[n, (i·r + j)·C + c, h, w] ("DCR"), r = upscale_factor.
    x: (N, C·r², H, W) or (C·r², H, W), float32 or float64, the same out; y: (N, C, H·r, W·r).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pixel_shuffle.

    >>> pixel_shuffle(np.arange(8.0).reshape(1, 4, 1, 2), 2)
    array([[[[0., 2., 1., 3.],
             [4., 6., 5., 7.]]]])
    """
    batch, unbatched = check.image_batch(x, "pixel_shuffle")
    r, mode = checked(upscale_factor, "upscale_factor", mode, "pixel_shuffle")
    shuffled_shape(batch.shape, r, "pixel_shuffle")
    y = _shuffled(batch, r, mode)
    return y[0] if unbatched else y


def pixel_shuffle_backward(grad_output, x, upscale_factor, mode="CRD") -> np.ndarray:
    """Return the gradient of Σ grad_output·pixel_shuffle(x, …) by x: grad_output with its blocks taken apart again.

    x: the array or its shape, only this counts; grad_output: the shape of the output; grad_x: x's.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pixel_shuffle.

    >>> pixel_shuffle_backward(np.arange(4.0).reshape(1, 1, 2, 2), (1, 4, 1, 1), 2).ravel()
    array([0., 1., 2., 3.])
    """
    what = "pixel_shuffle_backward"
    shape, unbatched = arguments.image_shape(x, what)
    r, mode = checked(upscale_factor, "upscale_factor", mode, what)
    grad = _gradient(grad_output, shuffled_shape(shape, r, what), unbatched, what, x)
    back = _unshuffled(grad, r, mode)
    return back[0] if unbatched else back


def pixel_unshuffle(x, downscale_factor, mode="CRD") -> np.ndarray:
    """Return x with every block of r·r pixels made into r·r channels: the way back of pixel_shuffle.

    y[n, c·r² + i·r + j, h, w] = x[n, c, h·r + i, w·r + j] ("CRD"), and its channel is (i·r + j)·C + c for "DCR", r = downscale_factor.
    x: (N, C, H·r, W·r) or (C, H·r, W·r), float32 or float64, the same out; y: (N, C·r², H, W).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pixel_unshuffle.

    >>> pixel_unshuffle(np.arange(4.0).reshape(1, 1, 2, 2), 2).ravel()
    array([0., 1., 2., 3.])
    """
    batch, unbatched = check.image_batch(x, "pixel_unshuffle")
    r, mode = checked(downscale_factor, "downscale_factor", mode, "pixel_unshuffle")
    unshuffled_shape(batch.shape, r, "pixel_unshuffle")
    y = _unshuffled(batch, r, mode)
    return y[0] if unbatched else y


def pixel_unshuffle_backward(grad_output, x, downscale_factor, mode="CRD") -> np.ndarray:
    """Return the gradient of Σ grad_output·pixel_unshuffle(x, …) by x: grad_output with its channels laid out as blocks.

    x: the array or its shape, only this counts; grad_output: the shape of the output; grad_x: x's.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pixel_unshuffle.

    >>> pixel_unshuffle_backward(np.arange(4.0).reshape(1, 4, 1, 1), (1, 1, 2, 2), 2)
    array([[[[0., 1.],
             [2., 3.]]]])
    """
    what = "pixel_unshuffle_backward"
    shape, unbatched = arguments.image_shape(x, what)
    r, mode = checked(downscale_factor, "downscale_factor", mode, what)
    grad = _gradient(grad_output, unshuffled_shape(shape, r, what), unbatched, what, x)
    back = _shuffled(grad, r, mode)
    return back[0] if unbatched else back


def checked(factor, name: str, mode, what: str) -> tuple[int, str]:
    """Return the factor and the order, checked."""
    return check.integer(factor, name, what, 1), check.one_of(mode, "mode", what, MODES)


def shuffled_shape(shape: Shape, r: int, what: str) -> Shape:
    """Return the shape of a batch after pixel_shuffle."""
    n, channels, height, width = shape
    if channels % (r * r):
        raise ShapeError(
            f"{what}: a block of {r}×{r} pixels needs {r * r} channels, but x has {channels} (x.shape={tuple(shape)}), which leaves "
            f"{channels % (r * r)}; give x {-(-channels // (r * r)) * r * r}."
        )
    return n, channels // (r * r), height * r, width * r


def unshuffled_shape(shape: Shape, r: int, what: str) -> Shape:
    """Return the shape of a batch after pixel_unshuffle."""
    n, channels, height, width = shape
    if height % r or width % r:
        raise ShapeError(
            f"{what}: rows and columns are cut into blocks of {r}, but x has {height}×{width} positions (x.shape={tuple(shape)}), which leaves "
            f"{height % r} and {width % r}; pad or crop x first."
        )
    return n, channels * r * r, height // r, width // r


def _gradient(grad_output, shape: Shape, unbatched: bool, what: str, x) -> np.ndarray:
    grad = arguments.gradient(grad_output, shape[unbatched:], what, **arguments.arrays_among(x=x))
    return grad[None] if unbatched else grad


def _shuffled(x: np.ndarray, r: int, mode: str) -> np.ndarray:
    n, channels, height, width = x.shape
    c = channels // (r * r)
    if mode == "CRD":
        blocks = x.reshape(n, c, r, r, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        blocks = x.reshape(n, r, r, c, height, width).transpose(0, 3, 4, 1, 5, 2)
    return blocks.copy(order="C").reshape(n, c, height * r, width * r)


def _unshuffled(x: np.ndarray, r: int, mode: str) -> np.ndarray:
    n, c, height, width = x.shape
    blocks = x.reshape(n, c, height // r, r, width // r, r)
    blocks = blocks.transpose((0, 1, 3, 5, 2, 4) if mode == "CRD" else (0, 3, 5, 1, 2, 4))
    return blocks.copy(order="C").reshape(n, c * r * r, height // r, width // r)
