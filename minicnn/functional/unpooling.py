"""Which question: how does a pooled number get back to the place that it was taken from?

Idea: max pooling with return_indices says where each winner stood; unpooling writes numbers to those places of a
larger map that is 0 elsewhere. So the places stay sharp, which upsampling blurs. By x it is linear: on the way back each
number reads the gradient at its place.

Cost: one pass over the larger map.  When it loses: all but one position of a window are 0, so a convolution follows as a rule.
What it does not do: find out the size that was pooled. Pooling drops what does not divide, and an index counts in
the plane that was pooled: give output_size where that was not the default.
Source: PyTorch's documentation of max_unpool2d; Zeiler & Fergus (2014), section 2.1; Badrinarayanan et al. (2017), SegNet.
Next room: normalization.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import Transposed
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.winners import by_planes, check_indices, run
from minicnn.window import Window

__all__ = ["max_unpool2d", "max_unpool2d_backward"]


def max_unpool2d(x, indices, kernel_size, stride=None, padding=0, output_size=None) -> np.ndarray:
    """Return a map of zeros with the numbers of x at the places that indices name.

    y[n, c, i // W, i % W] = x[n,c,p,q] for i = indices[n,c,p,q]; of several numbers with one place the last in reading
    order stays (PyTorch does not say which).
    H = (P - 1)·stride_h - 2·padding_h + kernel_h, likewise W, or output_size: (rows, columns) or a whole
    (N, C, H, W), less than one stride away. x: (N, C, P, Q) or (C, P, Q), float32 or float64, the same out;
    indices: int64, the shape of x, each 0 … H·W - 1; stride: kernel_size where None.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.max_unpool2d.

    >>> max_unpool2d(np.array([[[[6.0, 8.0]]]]), np.array([[[[5, 2]]]]), 2)
    array([[[[0., 0., 8., 0.],
             [0., 6., 0., 0.]]]])
    """
    from minicnn.functional.pooling_kernel import put_at  # Numba loads here, not with the package

    batch, unbatched = check.image_batch(x, "max_unpool2d")
    size = unpooled_size("max_unpool2d", batch.shape[2:], kernel_size, stride, padding, output_size)
    indices = check_indices(indices, batch.shape[unbatched:], size, "max_unpool2d", "x").reshape(batch.shape)
    y = np.empty((batch.shape[0] * batch.shape[1], size[0] * size[1]), batch.dtype)
    run(put_at, y.size, by_planes(batch), by_planes(indices), y)
    return y.reshape(*batch.shape[unbatched:2], *size)


def max_unpool2d_backward(grad_output, x, indices, kernel_size, stride=None, padding=0, output_size=None) -> np.ndarray:
    """Return the gradient of Σ grad_output·max_unpool2d(x, indices, …) by x: what stands at each number's place.

    grad_x[n,c,p,q] = grad_output[n, c, i // W, i % W] for i = indices[n,c,p,q]; 0 where a later number has
    the same place, since it was written over (PyTorch hands the gradient to every one of them).
    x: (N, C, P, Q) or (C, P, Q), the array or its shape, only this counts; grad_output: the shape of the output. Indices
    are whole numbers: there is no gradient by them.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.max_unpool2d.

    >>> max_unpool2d_backward(np.arange(8.0).reshape(1, 1, 2, 4), (1, 1, 1, 2), np.array([[[[5, 2]]]]), 2)
    array([[[[5., 2.]]]])
    """
    from minicnn.functional.pooling_kernel import last_put

    what = "max_unpool2d_backward"
    shape, unbatched = arguments.image_shape(x, what)
    size = unpooled_size(what, shape[2:], kernel_size, stride, padding, output_size)
    out = (*shape[:2], *size)
    grad = arguments.gradient(grad_output, out[unbatched:], what, **arguments.arrays_among(x=x)).reshape(out)
    indices = check_indices(indices, shape[unbatched:], size, what, "x").reshape(shape)
    grad_x = np.empty((shape[0] * shape[1], shape[2] * shape[3]), grad.dtype)
    run(last_put, grad.size, by_planes(grad), by_planes(indices), grad_x)
    return grad_x.reshape(shape[unbatched:])


def unpooled_size(what: str, in_size: tuple[int, int], kernel_size, stride, padding, output_size=None) -> tuple[int, int]:
    """Return (rows, columns) of the larger map: the default, or output_size when pooling could have come from it."""
    rules = unpooling_rules(what, kernel_size, stride, padding)
    default = []
    for rule, n, word in zip(rules, in_size, ("rows", "columns"), strict=True):
        try:
            default.append(rule.out_size(n))
        except ShapeError as error:
            raise ShapeError(f"{what}: something must come out, but of the {word} {error}") from None
    if output_size is None:
        return default[0], default[1]
    given = list(output_size) if isinstance(output_size, list | tuple) else [output_size]
    if len(given) not in (2, 4):
        raise ArgumentError(f"{what}: output_size is (rows, columns) or a whole (N, C, H, W), but it is {output_size!r}.")
    sizes = [check.integer(size, "output_size", what, 1) for size in given[-2:]]
    for size, usual, rule, n, word in zip(sizes, default, rules, in_size, ("rows", "columns"), strict=True):
        if abs(size - usual) >= rule.stride:
            raise ArgumentError(
                f"{what}: output_size must be less than one stride from the default, but over the {word} it is {size} and the default is "
                f"{rule.derivation(n)}; use {max(usual - rule.stride + 1, 1)} … {usual + rule.stride - 1}."
            )
    return sizes[0], sizes[1]


def unpooling_rules(what: str, kernel_size, stride, padding) -> tuple[Transposed, Transposed]:
    """Return the rules that turn pooling's sizes round, with the settings checked."""
    if isinstance(padding, str):
        raise ArgumentError(f"{what}: padding={padding!r} has no meaning where maps grow; give the numbers that pooling was given.")
    window = Window.of(kernel_size, kernel_size if stride is None else stride, padding, what=what)
    rows, columns = (Transposed(k, s, *sides) for k, s, sides in zip(window.kernel, window.stride, window.padding, strict=True))
    return rows, columns
