"""Which question: how does a network bend its values along straight lines, and what comes back through the bend?

Idea: each function is a few straight lines that meet in kinks, written on whole arrays with one result array and
at most two temporaries; its gradient stands below it: the line's slope times what comes back.  At a kink, where
there is no derivative, the slope is the one that PyTorch takes, and each docstring says which.
A NaN that comes in goes out, and infinities follow the equation, without NumPy's warnings.

Cost: a function is one pass over memory (passes.py), its gradient two to five; no multiply-adds are counted.  When it
loses: an activation at the store of a convolution would save the pass.  What it does not do: curves; those are in smooth.py.
Source: PyTorch's documentation of torch.nn.functional.  Next room: select.py.
"""

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import empty_like
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.passes import WORTH_A_KERNEL, one_pass
from minicnn.functional.select import copy_where, pass_where

__all__ = [
    "relu",
    "relu_backward",
    "relu6",
    "relu6_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "prelu",
    "prelu_backward",
    "hardswish",
    "hardswish_backward",
]


def relu(x) -> np.ndarray:
    """Return x where it is positive, else 0.

    y = max(x, 0), for any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.relu.

    >>> relu(np.array([-2.0, 0.5, np.nan]))
    array([0. , 0.5, nan])
    """
    x = check.float_array(x, "x", "relu")
    if x.size >= WORTH_A_KERNEL:
        from minicnn.functional.activation_kernel import relu_all  # Numba loads here, not with the package

        return one_pass(relu_all, x.shape, x)
    with np.errstate(all="ignore"):
        return np.maximum(x, 0, out=empty_like(x))  # np.maximum keeps NaN, where x * (x > 0) would make inf one


def relu_backward(grad_output, x) -> np.ndarray:
    """Return the gradient of relu by x: what came back, where x let something through.

    grad_x = 0 where x ≤ 0, else grad_output; so 0 at 0, and a NaN in x lets the gradient through.
    x: any shape; relu(x) may stand in its place, since both are positive at the same positions. grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.relu, which is threshold_backward with threshold 0.

    >>> relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.0, 0.5]))
    array([0., 0., 5.])
    """
    x = check.float_array(x, "x", "relu_backward")
    grad = arguments.gradient(grad_output, x.shape, "relu_backward", x=x)
    with np.errstate(all="ignore"):
        through = np.less_equal(x, 0, out=np.empty(x.shape, bool))
        np.logical_not(through, out=through)  # not x > 0, which would stop what comes back to a NaN
        return pass_where(grad, through)


def relu6(x) -> np.ndarray:
    """Return x held between 0 and 6, which keeps values small enough for 8-bit arithmetic.

    y = min(max(x, 0), 6), for any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.relu6; Howard et al. (2017), MobileNets.

    >>> relu6(np.array([-2.0, 0.5, 7.0]))
    array([0. , 0.5, 6. ])
    """
    x = check.float_array(x, "x", "relu6")
    if x.size >= WORTH_A_KERNEL:
        from minicnn.functional.activation_kernel import relu6_all

        return one_pass(relu6_all, x.shape, x)
    with np.errstate(all="ignore"):
        return np.clip(x, 0, 6, out=empty_like(x))


def relu6_backward(grad_output, x) -> np.ndarray:
    """Return the gradient of relu6 by x: what came back, where x is strictly between 0 and 6.

    grad_x = grad_output where 0 < x < 6, else 0; so 0 at 0, at 6 and at NaN.
    x: any shape; relu6(x) may stand in its place. grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.relu6, which is hardtanh with 0 and 6.

    >>> relu6_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.5, 6.0]))
    array([0., 5., 0.])
    """
    x = check.float_array(x, "x", "relu6_backward")
    grad = arguments.gradient(grad_output, x.shape, "relu6_backward", x=x)
    with np.errstate(all="ignore"):
        through = np.greater(x, 0, out=np.empty(x.shape, bool))
        np.logical_and(through, x < 6, out=through)
        return pass_where(grad, through)


def leaky_relu(x, negative_slope=0.01) -> np.ndarray:
    """Return x where it is positive, else a small part of it.

    y = x where x > 0, else negative_slope·x, for any shape; float32 or float64, the same out.

    Raises DTypeError; ArgumentError for a slope that is no number.  Source: torch.nn.functional.leaky_relu.

    >>> leaky_relu(np.array([-2.0, 0.5]), 0.25)
    array([-0.5,  0.5])
    """
    x = check.float_array(x, "x", "leaky_relu")
    return _sloped(x, x, arguments.real(negative_slope, "negative_slope", "leaky_relu"))


def leaky_relu_backward(grad_output, x, negative_slope=0.01) -> np.ndarray:
    """Return the gradient of leaky_relu by x: what came back, less of it where x is not positive.

    grad_x = grad_output where x > 0, else negative_slope·grad_output, at 0 and at NaN too.
    x: any shape; where negative_slope ≥ 0, leaky_relu(x) may stand in its place, since it then is positive where x is.
    grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for a slope that is no number.  Source: torch.nn.functional.leaky_relu.

    >>> leaky_relu_backward(np.array([4.0, 4.0, 4.0]), np.array([-2.0, 0.0, 0.5]), 0.25)
    array([1., 1., 4.])
    """
    x = check.float_array(x, "x", "leaky_relu_backward")
    grad = arguments.gradient(grad_output, x.shape, "leaky_relu_backward", x=x)
    return _sloped(grad, x, arguments.real(negative_slope, "negative_slope", "leaky_relu_backward"))


def _sloped(values: np.ndarray, x: np.ndarray, slope) -> np.ndarray:
    """Return values where x > 0, else slope·values: with values = x the function, with values = grad_output its gradient."""
    if x.size >= WORTH_A_KERNEL and np.size(slope) == 1:
        from minicnn.functional.activation_kernel import sloped_all

        return one_pass(sloped_all, x.shape, values, x, settings=(slope,))
    with np.errstate(all="ignore"):
        y = np.multiply(values, slope, out=empty_like(x))
        return copy_where(y, values, x > 0)


def prelu(x, weight) -> np.ndarray:
    """Return x where it is positive, else a part of it that is learned.

    y = x where x > 0, else weight·x, with one weight for all or weight[c] for channel c.
    x: any shape for a weight of one number, (N, C, …) for (C,); weight: (1,) or (C,); float32 or float64, the same out.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.prelu; He et al. (2015), "Delving deep into rectifiers".

    >>> prelu(np.array([[-4.0, -4.0], [3.0, 0.0]]), np.array([0.25, 0.5]))
    array([[-1., -2.],
           [ 3.,  0.]])
    """
    x, weight = _prelu_arrays(x, weight, "prelu")
    return _sloped(x, x, weight)


def prelu_backward(grad_output, x, weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of prelu by x and by weight.

    grad_x = grad_output where x > 0, else weight·grad_output, at 0 and at NaN too
    grad_weight[c] = Σ grad_output·x over the positions of channel c where not x > 0, summed in float64 and rounded once
    Shapes: grad_x x's, grad_weight weight's; one weight for all has one sum.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.prelu; He et al. (2015), equation 3.

    >>> grad_output, x = np.array([[1.0, 10.0], [1.0, 10.0]]), np.array([[-4.0, -3.0], [3.0, -2.0]])
    >>> grad_x, grad_weight = prelu_backward(grad_output, x, np.array([0.25, 0.5]))
    >>> grad_x.tolist(), grad_weight.tolist()
    ([[0.25, 5.0], [1.0, 5.0]], [-4.0, -50.0])
    """
    given = weight
    x, weight = _prelu_arrays(x, weight, "prelu_backward")
    grad = arguments.gradient(grad_output, x.shape, "prelu_backward", x=x)
    grad_x = _sloped(grad, x, weight)
    with np.errstate(all="ignore"):
        terms = np.multiply(grad, x, out=empty_like(x))
        weightless = np.greater(x, 0, out=np.empty(x.shape, bool))  # where the weight has no part in y
        pass_where(terms, np.logical_not(weightless, out=weightless), out=terms)
        positions = tuple(axis for axis in range(x.ndim) if given.size == 1 or axis != 1)
        grad_weight = terms.sum(axis=positions, dtype=np.float64).astype(x.dtype)
    return grad_x, grad_weight.reshape(given.shape)


def _prelu_arrays(x, weight, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x, and weight in the shape that stands over it: (C, 1, 1) over (N, C, H, W), one number as (1,) or ()."""
    x, weight = check.float_array(x, "x", what), check.float_array(weight, "weight", what)
    check.same_dtype(what, x=x, weight=weight)
    fit_slopes(x.shape, count_slopes(weight.shape, what), what)
    if weight.size == 1:
        return x, weight.reshape(())
    return x, weight.reshape(-1, *(1,) * (x.ndim - 2))


def count_slopes(weight_shape: tuple[int, ...], what: str) -> int:
    """Return how many slopes a weight of this shape holds."""
    if len(weight_shape) != 1 or 0 in weight_shape:
        remedy = "give it at least one slope" if 0 in weight_shape else "use weight.reshape(-1)"
        raise ShapeError(
            f"{what}: weight holds one slope for all channels, (1,), or one for each, (C,), but weight.shape={tuple(weight_shape)}; {remedy}."
        )
    return weight_shape[0]


def fit_slopes(shape: tuple[int, ...], slopes: int, what: str) -> None:
    """Raise unless there is one slope, or one for each channel of x.

    >>> fit_slopes((2, 3, 5, 7), 3, "prelu")
    """
    if slopes == 1:
        return
    rule = f"{what}: weight has {slopes} slopes, one per channel, which is axis 1 of x"
    if len(shape) < 2:
        raise ShapeError(f"{rule}, but x.shape={tuple(shape)} has no axis 1; give x a batch axis, x[None], or weight one slope.")
    if len(shape) == 3 and shape[0] == slopes != shape[1]:
        raise ShapeError(f"{rule}, but x has {shape[1]} there (x.shape={tuple(shape)}). A single image needs its batch axis: x[None].")
    check.wants_channels(what, shape, slopes)


def hardswish(x) -> np.ndarray:
    """Return x weighted by a straight-lined sigmoid: silu for hardware that has no exponential.

    y = x·min(max(x + 3, 0), 6) / 6, for any shape; float32 or float64, the same out. As in the equation, -∞ gives -∞·0 = NaN.

    Raises DTypeError.  Source: torch.nn.functional.hardswish; Howard et al. (2019), "Searching for MobileNetV3".

    >>> hardswish(np.array([-4.0, -1.5, 0.0, 4.0]))
    array([-0.   , -0.375,  0.   ,  4.   ])
    """
    x = check.float_array(x, "x", "hardswish")
    if x.size >= WORTH_A_KERNEL:
        from minicnn.functional.activation_kernel import hardswish_all

        return one_pass(hardswish_all, x.shape, x)
    with np.errstate(all="ignore"):
        y = np.add(x, 3, out=empty_like(x))
        np.clip(y, 0, 6, out=y)
        np.divide(y, 6, out=y)  # before the product, which then cannot overflow
        return np.multiply(y, x, out=y)


def hardswish_backward(grad_output, x) -> np.ndarray:
    """Return the gradient of hardswish by x.

    grad_x = 0 where x ≤ -3, grad_output where x ≥ 3, (x/3 + 1/2)·grad_output between; so 0 at -3, all of it at 3.
    x: any shape; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.hardswish.

    >>> hardswish_backward(np.array([2.0, 2.0, 2.0, 2.0]), np.array([-4.0, -3.0, 0.0, 3.0]))
    array([0., 0., 1., 2.])
    """
    x = check.float_array(x, "x", "hardswish_backward")
    grad = arguments.gradient(grad_output, x.shape, "hardswish_backward", x=x)
    with np.errstate(all="ignore"):
        y = np.divide(x, 3, out=empty_like(x))
        np.add(y, 0.5, out=y)
        np.multiply(y, grad, out=y)
        copy_where(y, grad, x >= 3)
        return pass_where(y, np.logical_not(x <= -3), out=y)
