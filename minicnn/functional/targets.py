"""Which question: what is asked of a classifier, and does it fit the logits?

Idea: logits of any shape become rows, one per position and K numbers long, and the target becomes one label or
one row of probabilities for each. Labels are the argument that is most often wrong (they start at 1, they are
one-hot, they have a leftover axis), so each of those mistakes has a message of its own.

Cost: one pass over the labels; the messages are only worked out when something is wrong.
What it does not do: check that probabilities are between 0 and 1 or that they sum to 1; PyTorch does not either.
Source: PyTorch's documentation of CrossEntropyLoss.  Next room: loss.py.
"""

import operator
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional import arguments


class Asked(NamedTuple):
    """A question to a classifier as rows: P positions, K classes; either labels or probabilities are there."""

    rows: np.ndarray  # (P, K) logits
    axis: int  # where x has its classes
    shape: tuple[int, ...]  # x's, without the classes: that of the losses
    labels: np.ndarray | None  # (P,), 0 … K-1, and 0 where ignored
    ignored: np.ndarray | None  # (P,), None where nothing is
    probabilities: np.ndarray | None  # (P, K)
    weight: np.ndarray | None  # (K,)
    smoothing: float

    def wanted(self) -> np.ndarray:
        """Return q, (P, K): what every position asks of every class.

        >>> asked("loss", np.zeros((2, 4)), np.array([1, -100]), None, -100, 0.5).wanted()
        array([[0.125, 0.625, 0.125, 0.125],
               [0.   , 0.   , 0.   , 0.   ]])
        """
        classes = self.rows.shape[1]
        if self.labels is None:
            q = self.probabilities if not self.smoothing else self.probabilities * (1 - self.smoothing) + self.smoothing / classes
            return q if self.weight is None else q * self.weight
        even = 1 if self.weight is None else self.weight
        q = np.full(self.rows.shape, self.smoothing / classes, self.rows.dtype) * even
        q[np.arange(len(q)), self.labels] += (1 - self.smoothing) * (1 if self.weight is None else self.weight[self.labels])
        if self.ignored is not None:
            q[self.ignored] = 0
        return q

    def divisor(self) -> np.float64:
        """Return what the sum of the losses is divided by for their mean, as a number that may be 0."""
        if self.labels is None:
            return np.float64(len(self.rows))
        if self.weight is None:
            return np.float64(len(self.rows) - (0 if self.ignored is None else np.count_nonzero(self.ignored)))
        own = self.weight[self.labels]
        return np.add.reduce(own if self.ignored is None else own[~self.ignored], dtype=np.float64)


def asked(what: str, x, target, weight, ignore_index, label_smoothing) -> Asked:
    """Return the question as rows, or say which argument does not fit the others.

    >>> asked("loss", np.zeros((2, 3, 5, 7)), np.zeros((2, 5, 7), np.uint8), None, -100, 0.0).rows.shape
    (70, 3)
    """
    x = check.float_array(x, "x", what)
    axis = _class_axis(x, what)
    classes, shape = x.shape[axis], x.shape[:axis] + x.shape[axis + 1 :]
    ignore_index, smoothing = _ignore(ignore_index, what), _smoothing(label_smoothing, what)
    weight = None if weight is None else _class_weight(weight, x, classes, what)
    rows = _rows(x, axis)
    target = _target(target, x, shape, axis, what)
    if target.dtype.kind == "f":
        if ignore_index >= 0:
            raise ArgumentError(
                f"{what}: ignore_index={ignore_index} is a label, but target holds class probabilities ({target.dtype}); "
                "leave ignore_index out, or pass labels: target.argmax(axis=…)."
            )
        return Asked(rows, axis, shape, None, None, _rows(target, axis), weight, smoothing)
    labels, ignored = _labels(target, classes, ignore_index, what)
    return Asked(rows, axis, shape, labels, ignored, None, weight, smoothing)


def _class_axis(x: np.ndarray, what: str) -> int:
    if x.ndim == 0:
        raise ShapeError(f"{what}: x must be logits (N, K), (K,) or (N, K, d1, …), but x.shape=() is a single number.")
    axis = min(x.ndim - 1, 1)
    if x.shape[axis] == 0:
        raise ShapeError(f"{what}: there must be at least one class, but x.shape={x.shape} has none in axis {axis}.")
    return axis


def _rows(x: np.ndarray, axis: int) -> np.ndarray:
    """Return (P, K): one row of K numbers for each position."""
    return x if x.ndim == 2 else np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def _ignore(ignore_index, what: str) -> int:
    try:
        return operator.index(ignore_index)
    except TypeError:
        raise ArgumentError(
            f"{what}: ignore_index must be a whole number, the label of positions to leave out, but it is {ignore_index!r}."
        ) from None


def _smoothing(label_smoothing, what: str) -> float:
    smoothing = arguments.real(label_smoothing, "label_smoothing", what)
    if not 0 <= smoothing <= 1:
        raise ArgumentError(f"{what}: label_smoothing is the share that is spread over all classes, 0 … 1, but it is {smoothing}.")
    return smoothing


def _class_weight(weight, x: np.ndarray, classes: int, what: str) -> np.ndarray:
    weight = check.float_array(weight, "weight", what)
    check.same_dtype(what, x=x, weight=weight)
    if weight.shape == (classes,):
        return weight
    remedy = f"its {classes} numbers are the factors of class 0 … {classes - 1}"
    if weight.shape == x.shape[:1]:
        remedy = "factors of the images go on the losses of reduction='none', and into grad_output"
    raise ShapeError(
        f"{what}: weight must have one number per class, ({classes},) for x.shape={x.shape}, but weight.shape={weight.shape}; {remedy}."
    )


def _target(target, x: np.ndarray, shape: tuple[int, ...], axis: int, what: str) -> np.ndarray:
    """Return the target when it is labels of the positions' shape, or probabilities of x's shape and dtype."""
    if isinstance(target, int | np.integer) and not isinstance(target, bool) and shape == ():
        target = np.asarray(target)
    if not isinstance(target, np.ndarray) or isinstance(target, np.ma.MaskedArray):
        remedy = "pass target.numpy()" if hasattr(target, "numpy") else "pass np.asarray(target)"
        if isinstance(target, np.ma.MaskedArray):
            remedy = "fill it first, with ignore_index where it is masked: target.filled(ignore_index)"
        raise DTypeError(
            f"{what}: target must be a NumPy array of whole numbers (class indices) or of floats (class probabilities), "
            f"but it is a {type(target).__name__}; {remedy}."
        )
    if target.dtype.kind in "iu" and target.shape == shape:
        return np.asarray(target)
    if target.dtype in check.FLOATS and target.shape == x.shape:
        check.same_dtype(what, x=x, target=target)
        return np.asarray(target)
    if target.dtype.kind not in "iuf":
        raise DTypeError(
            f"{what}: target must be whole numbers (class indices) or floats (class probabilities), but its dtype is {target.dtype}; "
            "for class indices pass target.astype(np.int64)."
        )
    raise _misfit(target, x, shape, axis, what)


def _misfit(target: np.ndarray, x: np.ndarray, shape: tuple[int, ...], axis: int, what: str) -> Exception:
    """Return the error for a target whose dtype and shape do not go together with x."""
    whole = target.dtype.kind in "iu"
    classes, count = x.shape[axis], int(np.prod(shape))
    if target.shape == x.shape and whole:
        return DTypeError(
            f"{what}: class indices have x's shape without its {classes} classes, {shape}, but target is {target.dtype} of x's shape {x.shape}, "
            f"as one-hot labels are; pass target.argmax(axis={axis}), or as probabilities target.astype(np.{x.dtype})."
        )
    if target.shape == shape:
        return DTypeError(
            f"{what}: class indices are whole numbers, but target is {target.dtype} of the labels' shape {shape}; "
            f"pass target.astype(np.int64), or class probabilities of x's shape {x.shape}."
        )
    if target.shape == x.shape:
        return DTypeError(f"{what}: class probabilities must be {x.dtype} as x is, but target is {target.dtype}; .astype(np.{x.dtype}).")
    rule = f"class indices have x's shape without its {classes} classes (axis {axis}), {shape}"
    if not whole:
        rule = f"class probabilities have x's shape, {x.shape}, and {rule}"
    remedy = f"x has {count} positions and target {target.size} numbers: give one label for each position"
    if target.size == count:
        remedy = f"it holds as many numbers as x has positions, {count}: target.reshape({shape})"
    elif x.ndim > 2 and target.shape == x.shape[:-1]:
        remedy = "x seems to have its classes last; minicnn wants them in axis 1: np.moveaxis(x, -1, 1)"
    return ShapeError(f"{what}: {rule}, but x.shape={x.shape} and target.shape={target.shape}; {remedy}.")


def _labels(target: np.ndarray, classes: int, ignore_index: int, what: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the labels as one row of indices, and which are ignored (None where nothing is)."""
    given = target.reshape(-1)
    labels = given.astype(np.intp, copy=False)
    largest = np.maximum.reduce(labels.view(np.uintp), initial=0)  # read as unsigned, a negative number is a huge one: one pass asks both
    if largest < classes and not 0 <= ignore_index < classes:
        return labels, None
    ignored = given == ignore_index
    wrong = ((labels < 0) | (labels >= classes)) & ~ignored
    if wrong.any():
        raise _outside(target, given[~ignored], int(wrong.argmax()), classes, what)
    return (np.where(ignored, 0, labels), ignored) if ignored.any() else (labels, None)


def _outside(target: np.ndarray, kept: np.ndarray, first: int, classes: int, what: str) -> ArgumentError:
    """Return the error for labels that are no class, which names the first of them."""
    place = ", ".join(str(int(i)) for i in np.unravel_index(first, target.shape))
    value, least, most = int(target.reshape(-1)[first]), int(kept.min()), int(kept.max())
    if least == 1 and most == classes:
        remedy = f"They run from 1 to {classes} and seem to start at 1: pass target - 1."
    elif value < 0:
        remedy = f"If it marks positions to leave out, pass ignore_index={value}."
    else:
        remedy = f"The largest label is {most}: x would need {most + 1} classes."
    return ArgumentError(
        f"{what}: labels must be 0 … {classes - 1} for the {classes} classes of x, but target{f'[{place}]' if place else ''} is {value}. {remedy}"
    )
