"""Which question: how do two branches of a network come together?

Idea: add lays one map over the other, number by number (residual connections), or one number per channel over a
map (attention to channels); concat puts maps side by side along one axis (dense connections). Both ask for shapes
that meet exactly: NumPy's broadcasting would let a mistake pass as a larger result.

On the way back add hands its gradient to both sides, summed where one number served many positions, and
concat cuts its gradient where the arrays met.

Cost: one pass over what comes in.  When it loses: concat copies, where a network could have written in place.
What it does not do: broadcasting of any other kind.
Source: He et al. (2016) for addition; Huang et al. (2017), DenseNet, for concatenation.  Next room: rearrange.py.
"""

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import empty_like
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.passes import BLOCK, WORTH_A_KERNEL, WORTH_WAKING, one_pass
from minicnn.functional.taps import along

__all__ = ["add", "add_backward", "concat", "concat_backward"]

Shape = tuple[int, ...]


def add(x, y, *, activation=None) -> np.ndarray:
    """Return x + y, for two arrays of one shape, or of which one holds a single number per channel.

    z[n,c,h,w] = x[n,c,h,w] + y[n,c,h,w]; a (N, C, 1, 1) or (1, C, 1, 1) array counts at every position,
    and so does (C, 1, 1) under one image (C, H, W).  activation="relu" returns max(z, 0), as relu(add(x, y)) does,
    without a pass over memory of its own.
    x, y: any one shape, float32 or float64, the same out.

    Raises ShapeError, DTypeError; ArgumentError for another activation.  Source: torch.add, with less broadcasting.

    >>> add(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    array([11., 22.])
    >>> add(np.array([1.0, 2.0]), np.array([10.0, -20.0]), activation="relu")
    array([11.,  0.])
    """
    x, y = check.float_array(x, "x", "add"), check.float_array(y, "y", "add")
    check.same_dtype("add", x=x, y=y)
    shape = _sum_shape(x.shape, y.shape, "add")
    if activation is not None and not (isinstance(activation, str) and activation == "relu"):
        raise ArgumentError(f"add: activation must be None or 'relu', but it is {activation!r}; apply others to the sum, relu6(add(x, y)).")
    if x.shape == y.shape and x.size >= WORTH_A_KERNEL:
        from minicnn.functional.activation_kernel import add_all, add_relu_all  # Numba loads here, not with the package

        return one_pass(add_all if activation is None else add_relu_all, shape, x, y)
    with np.errstate(all="ignore"):
        z = np.add(x, y, out=empty_like(x) if x.shape == shape else np.empty(shape, x.dtype))
        return z if activation is None else np.maximum(z, 0, out=z)


def bind_add(size: int, activation):
    """Return fill(x, y, z), flat, that adds so many numbers, cut off below 0 where activation is "relu"."""
    from minicnn.functional.activation_kernel import add_all, add_relu_all

    kernel = add_all if activation is None else add_relu_all
    kernel = kernel if size >= WORTH_WAKING else kernel.alone
    return lambda x, y, z: kernel(x, y, z, BLOCK)


def add_backward(grad_output, x, y) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of Σ grad_output·add(x, y) by x and by y.

    grad_x = grad_output = grad_y; for an operand with one number per channel, such as (1, C, 1, 1), the sum of
    grad_output over the positions (and images) that it was laid over: grad_y[0,c,0,0] = Σ_n Σ_h Σ_w grad_output[n,c,h,w].
    x, y: the arrays or their shapes, only these count; grad_output: the shape of the sum. Both results are new arrays.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.add, with less broadcasting.

    >>> _, grad_y = add_backward(np.ones((2, 3, 4, 5)), (2, 3, 4, 5), (1, 3, 1, 1))
    >>> grad_y.ravel()
    array([40., 40., 40.])
    """
    x_shape, y_shape = arguments.shape_of(x, "add_backward"), arguments.shape_of(y, "add_backward", "y")
    shape = _sum_shape(x_shape, y_shape, "add_backward")
    grad = arguments.gradient(grad_output, shape, "add_backward", **arguments.arrays_among(x=x, y=y))
    return _summed_to(x_shape, grad), _summed_to(y_shape, grad)


def _summed_to(shape: Shape, grad: np.ndarray) -> np.ndarray:
    """Return grad summed over the axes on which an operand of this shape had one number for all."""
    repeated = tuple(axis for axis, (one, all_of_them) in enumerate(zip(shape, grad.shape, strict=True)) if one != all_of_them)
    with np.errstate(all="ignore"):
        return grad.sum(axis=repeated, keepdims=True) if repeated else grad.copy()


def _sum_shape(x: Shape, y: Shape, what: str) -> Shape:
    """Return the shape of the sum of arrays of two shapes, or raise where they do not meet."""
    if x == y or _per_channel(y, x):
        return x
    if _per_channel(x, y):
        return y
    raise ShapeError(
        f"{what}: x and y must have one shape, or one of them a single number per channel, (N, C, 1, 1) or (1, C, 1, 1), "
        f"but x.shape={x} and y.shape={y}. {_remedy(x, y)}"
    )


def _per_channel(small: Shape, large: Shape) -> bool:
    """Whether small is (N, C, 1, 1) or (1, C, 1, 1) under the large (N, C, H, W), or (C, 1, 1) under one image."""
    if len(small) != len(large) or len(large) not in (3, 4):
        return False
    if len(large) == 3:
        return small == (large[0], 1, 1)
    return small[0] in (1, large[0]) and small[1] == large[1] and set(small[2:]) == {1}


def _remedy(x: Shape, y: Shape) -> str:
    for name, vector, other in (("x", x, y), ("y", y, x)):
        if len(vector) == 1 and len(other) >= 3 and vector[0] == other[1]:
            ones = ", 1" * (len(other) - 2)
            return f"{name} looks like one number per channel: {name}.reshape(1, {vector[0]}{ones})."
    if len(x) != len(y):
        return f"x has {len(x)} axes and y has {len(y)}: give both the same."
    axis = next(i for i in range(len(x)) if x[i] != y[i])
    if axis == len(x) - 3:
        return f"Axis {axis}, the channels, is {x[axis]} in x and {y[axis]} in y: bring one to the other's with a 1×1 convolution."
    return f"Axis {axis} is {x[axis]} in x and {y[axis]} in y: compare the strides and paddings of the two branches."


def concat(arrays, dim=1) -> np.ndarray:
    """Return the arrays one after the other along one axis, the channels unless said otherwise.

    y[:, c₀ : c₀ + C_k] = arrays[k], where c₀ counts the channels before it.
    arrays: a list or tuple of float32 or float64 arrays, the same out, of equal shapes except along dim.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.cat, whose default is dim=0.

    >>> concat([np.zeros((1, 2, 4, 5)), np.zeros((1, 3, 4, 5))]).shape
    (1, 5, 4, 5)
    """
    if not isinstance(arrays, list | tuple) or not arrays:
        raise ArgumentError(f"concat: arrays must be a list of at least one array, but it is {_described(arrays)}; write concat([x, y]).")
    named = {f"arrays[{i}]": check.float_array(array, f"arrays[{i}]", "concat") for i, array in enumerate(arrays)}
    check.same_dtype("concat", **named)
    axis = _common_axis([array.shape for array in named.values()], dim, "concat")
    return np.concatenate(list(named.values()), axis=axis)


def concat_backward(grad_output, arrays, dim=1) -> tuple[np.ndarray, ...]:
    """Return the gradients of Σ grad_output·concat(arrays, dim) by each of the arrays: its piece of grad_output.

    grad_k = grad_output[:, c₀ : c₀ + C_k], where c₀ counts the channels before it.
    arrays: a list or tuple of what was joined, or of the shapes, only these count; grad_output: the shape of the
    whole. The pieces are copies, in memory of their own, so that they can be kept when grad_output is let go.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.cat, whose default is dim=0.

    >>> concat_backward(np.array([[1.0, 2.0, 3.0]]), [(1, 2), (1, 1)])
    (array([[1., 2.]]), array([[3.]]))
    """
    what = "concat_backward"
    if not isinstance(arrays, list | tuple) or not arrays:
        raise ArgumentError(
            f"{what}: arrays must be a list of at least one array or shape, but it is {_described(arrays)}; "
            "write concat_backward(grad_output, [x, y])."
        )
    named = {f"arrays[{i}]": array for i, array in enumerate(arrays)}
    shapes = [arguments.shape_of(array, what, name) for name, array in named.items()]
    axis = _common_axis(shapes, dim, what)
    ends = np.cumsum([shape[axis] for shape in shapes]).tolist()
    whole = (*shapes[0][:axis], ends[-1], *shapes[0][axis + 1 :])
    grad = arguments.gradient(grad_output, whole, what, **arguments.arrays_among(**named))
    return tuple(along(grad, axis, slice(start, end)).copy() for start, end in zip((0, *ends), ends, strict=False))


def _common_axis(shapes: list[Shape], dim, what: str) -> int:
    """Return the axis along which arrays of these shapes are joined, or raise where another one differs."""
    first = shapes[0]
    axis = arguments.axis(dim, first, what, of="arrays[0]")
    for i, shape in enumerate(shapes):
        same_axes = len(shape) == len(first)
        if not same_axes or shape[:axis] != first[:axis] or shape[axis + 1 :] != first[axis + 1 :]:
            remedy = f"give both {len(first)} axes, for one image arrays[{i}][None]."
            raise ShapeError(
                f"{what}: shapes must be equal except along dim={axis}, but arrays[0].shape={first} and arrays[{i}].shape={shape}; "
                + ("crop, pad or resize one of them first." if same_axes else remedy)
            )
    return axis


def _described(value) -> str:
    return "empty" if isinstance(value, list | tuple) else f"one {type(value).__name__}"
