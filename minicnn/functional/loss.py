"""Which question: how wrong is the network, as one number, and how does that number move with what it put out?

Idea: cross entropy is minus the logarithm of the share that softmax gives to the right class. The largest logit
is taken off first, so no exponential overflows, and the logarithm is taken of the sum alone, so no share is ever
rounded to zero before it. Its gradient is the simplest of all: what was said minus what was asked for.
Every position (an image, or a pixel of a map) is one row of K logits, whatever the shape of x.

Cost: one exponential per logit and about six passes; no multiply-adds are counted.  Accumulation: within a
position in x's dtype; the sum over positions in float64, rounded once to x's dtype.
What it does not do: gradients by class probabilities or by class weights; layers (a loss has two inputs and no map).
Source: torch.nn.functional; Bridle (1990), "Probabilistic interpretation of feedforward classification network
outputs"; label smoothing: Szegedy et al. (2016), "Rethinking the Inception architecture", section 7.
Next room: targets.py, for what may be asked of a classifier; train/optimizer.py, for what is done with the gradient.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.targets import Asked, asked

__all__ = ["cross_entropy", "cross_entropy_backward", "mse_loss", "mse_loss_backward"]

REDUCTIONS = ("mean", "sum", "none")


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0) -> np.ndarray | np.floating:
    """Return how badly softmax(x) expects the classes in `target`.

    ℓ = -Σ_c q_c·log p_c with p = softmax(x), where q is what is asked of a position, ε = label_smoothing:
    class indices   q_c = w_y·(1 - ε)·[c = y] + w_c·ε/K, and q = 0 where y is ignore_index
    probabilities   q_c = w_c·((1 - ε)·t_c + ε/K)
    log p_c = (x_c - m) - log Σ_j e^(x_j - m) with m = max_j x_j.  'sum' adds ℓ over the positions; 'mean' divides that by
    Σ w_y over the positions that are not ignored (class indices), or by the number of positions (probabilities).

    x: logits (N, K), (K,) or (N, K, d1, d2, …), float32 or float64.
    target: whole numbers 0 … K-1 of any integer dtype in x's shape without K; or floats of x's shape and dtype, taken as they are.
    weight: (K,), one factor w_c per class, or None for 1.
    Returns one number of x's dtype ('mean', 'sum'), or with 'none' an array of x's shape without K.
    The mean over no position, or over ignored ones only, is 0/0 = NaN, as in PyTorch.

    Raises ShapeError, DTypeError; ArgumentError for a label outside 0 … K-1.  Source: torch.nn.functional.cross_entropy.

    >>> x = np.log(np.array([[1.0, 2.0, 5.0], [2.0, 2.0, 4.0]]))     # shares 1/8 2/8 5/8 and 1/4 1/4 2/4
    >>> cross_entropy(x, np.array([1, 2]), reduction="none")         # log 4 and log 2
    array([1.38629436, 0.69314718])
    >>> print(cross_entropy(x, np.array([1, 2])).round(4), cross_entropy(x, np.array([1, -100])).round(4))
    1.0397 1.3863
    """
    reduction = check.one_of(reduction, "reduction", "cross_entropy", REDUCTIONS)
    case = asked("cross_entropy", x, target, weight, ignore_index, label_smoothing)
    with np.errstate(all="ignore"):
        losses = _losses(case)
        return _reduced(losses, reduction, case.shape, case.divisor() if reduction == "mean" else 1)


def cross_entropy_backward(grad_output, x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0) -> np.ndarray:
    """Return the gradient of Σ grad_output·cross_entropy(x, …) by the logits x.

    ∂ℓ/∂x_c = p_c·Σ_j q_j - q_c, so p_c - [c = y] for a plain label; times grad_output, and for 'mean' over its divisor.

    grad_output: one number with 'mean' and 'sum' (1.0 for the loss's own gradient), an array of the losses' shape with 'none'.
    The other arguments are those of cross_entropy.  Returns an array of x's shape and dtype.  The gradient of an ignored
    position is 0, whatever its logits are.

    Raises ShapeError, DTypeError, ArgumentError.  Source: Bridle (1990); torch.nn.functional.cross_entropy.

    >>> x = np.log(np.array([[1.0, 2.0, 5.0], [2.0, 2.0, 4.0]]))
    >>> cross_entropy_backward(1.0, x, np.array([1, 2]))             # (p - one-hot) / 2
    array([[ 0.0625, -0.375 ,  0.3125],
           [ 0.125 ,  0.125 , -0.25  ]])
    """
    what = "cross_entropy_backward"
    reduction = check.one_of(reduction, "reduction", what, REDUCTIONS)
    case = asked(what, x, target, weight, ignore_index, label_smoothing)
    grad = _grad_output(grad_output, reduction, case.shape, what, x)
    with np.errstate(all="ignore"):
        if reduction == "mean":
            grad = float(np.float64(grad) / case.divisor())
        rows = _gradient_rows(case, grad if isinstance(grad, float) else grad.reshape(-1, 1))
    if x.ndim == 2:
        return rows
    return np.ascontiguousarray(np.moveaxis(rows.reshape(*case.shape, rows.shape[1]), -1, case.axis))  # the classes back to their axis


def _shifted(case: Asked) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x - max x, its exponential and the sum of that, row by row."""
    shifted = np.subtract(case.rows, np.maximum.reduce(case.rows, axis=1, keepdims=True))
    shares = np.exp(shifted)
    return shifted, shares, np.add.reduce(shares, axis=1, keepdims=True)


def _losses(case: Asked) -> np.ndarray:
    """Return the loss of every position, (P,)."""
    shifted, _, total = _shifted(case)
    if case.labels is None:
        return np.add.reduce((np.log(total) - shifted) * case.wanted(), axis=1)
    place = np.arange(len(shifted)), case.labels
    log_total = np.log(total[:, 0])
    losses = log_total - shifted[place]  # -log p_y
    if case.weight is not None:
        losses *= case.weight[case.labels]
    if case.smoothing:
        surprise = log_total[:, None] - shifted  # -log p_c of every class
        even = np.add.reduce(surprise if case.weight is None else surprise * case.weight, axis=1)
        losses = losses * (1 - case.smoothing) + even * (case.smoothing / shifted.shape[1])
    if case.ignored is not None:
        losses[case.ignored] = 0
    return losses


def _gradient_rows(case: Asked, scale) -> np.ndarray:
    """Return scale·(p·Σq - q), (P, K); scale is one number or (P, 1)."""
    _, p, total = _shifted(case)
    p /= total
    if case.labels is None or case.smoothing:
        q = case.wanted()
        p *= np.add.reduce(q, axis=1, keepdims=True)
        p -= q
        p *= scale
    else:
        p[np.arange(len(p)), case.labels] -= 1
        p *= scale if case.weight is None else scale * case.weight[case.labels][:, None]
    if case.ignored is not None:
        p[case.ignored] = 0
    return p


def mse_loss(x, target, reduction="mean") -> np.ndarray | np.floating:
    """Return how far x is from target, squared.

    ℓ = (x - target)²; 'mean' is Σℓ over the number of elements, 'sum' is Σℓ, 'none' keeps them apart.
    x, target: one shape, any; float32 or float64.  Returns one number of that dtype, or with 'none' an array of that shape.
    Nothing is broadcast, which PyTorch does with a warning.  The mean of no element is NaN.

    Raises ShapeError, DTypeError.  Source: torch.nn.functional.mse_loss.

    >>> print(mse_loss(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 5.0])))    # (0 + 4 + 1) / 3
    1.6666666666666667
    """
    x, target = _alike(x, target, "mse_loss")
    reduction = check.one_of(reduction, "reduction", "mse_loss", REDUCTIONS)
    with np.errstate(all="ignore"):
        losses = np.subtract(x, target, out=np.empty(x.shape, x.dtype))
        np.multiply(losses, losses, out=losses)
        return _reduced(losses, reduction, x.shape, x.size if reduction == "mean" else 1)


def mse_loss_backward(grad_output, x, target, reduction="mean") -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients of Σ grad_output·mse_loss(x, target) by x and by target.

    ∂ℓ/∂x = 2·(x - target)·grad_output, for 'mean' over the number of elements; ∂ℓ/∂target is minus that.
    grad_output: one number with 'mean' and 'sum', an array of x's shape with 'none'.  Returns two arrays of x's shape and dtype.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.mse_loss.

    >>> mse_loss_backward(1.0, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    (array([0., 2.]), array([-0., -2.]))
    """
    what = "mse_loss_backward"
    x, target = _alike(x, target, what)
    reduction = check.one_of(reduction, "reduction", what, REDUCTIONS)
    grad = _grad_output(grad_output, reduction, x.shape, what, x)
    with np.errstate(all="ignore"):
        grad_x = np.subtract(x, target, out=np.empty(x.shape, x.dtype))
        if reduction == "mean":
            grad = 2 * grad / max(x.size, 1)  # of no element there is no gradient to divide
        else:
            grad = 2 * grad
        np.multiply(grad_x, grad, out=grad_x)
        return grad_x, np.negative(grad_x, out=np.empty(x.shape, x.dtype))


def _alike(x, target, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return both arrays when they have one shape and one dtype."""
    x, target = check.float_array(x, "x", what), check.float_array(target, "target", what)
    check.same_dtype(what, x=x, target=target)
    if x.shape == target.shape:
        return x, target
    remedy = "give one target for every number of x"
    if x.size == target.size:
        remedy = f"both hold {x.size} numbers: target.reshape({x.shape})"
    else:
        try:
            wide = np.broadcast_shapes(x.shape, target.shape)
        except ValueError:
            wide = None
        if wide == x.shape:
            remedy = f"if one target stands for several numbers, say so: np.broadcast_to(target, {x.shape})"
    raise ShapeError(f"{what}: x and target must have one shape, but x.shape={x.shape} and target.shape={target.shape}; {remedy}.")


def _grad_output(grad_output, reduction: str, shape: tuple[int, ...], what: str, x: np.ndarray) -> float | np.ndarray:
    """Return the gradient by the loss: a float where the loss is one number, else an array of the losses' shape."""
    if reduction == "none" and (shape or isinstance(grad_output, np.ndarray)):
        return arguments.gradient(grad_output, shape, what, x=x)
    if isinstance(grad_output, np.ndarray):
        grad = check.float_array(grad_output, "grad_output", what)
        if grad.ndim:
            raise ShapeError(
                f"{what}: with reduction={reduction!r} the loss is one number, and so is grad_output, but grad_output.shape={grad.shape}; "
                "pass 1.0 for the gradient of the loss itself, or reduction='none' for one number per loss."
            )
        return float(grad)
    return arguments.real(grad_output, "grad_output", what)


def _reduced(losses: np.ndarray, reduction: str, shape: tuple[int, ...], divisor) -> np.ndarray | np.floating:
    """Return the losses in their shape, or their sum over the divisor, summed in float64 and rounded once."""
    if reduction == "none":
        return losses.reshape(shape)
    return losses.dtype.type(np.add.reduce(losses, axis=None, dtype=np.float64) / divisor)
