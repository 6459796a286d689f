"""Which question: how far may an algorithm's answer lie from the law's, and why exactly that far?

    |y - law| ≤ m · eps · conv2d(|x|, |w|, |b|) + underflow        output by output

Derivation.  Let u = eps/2 be the unit of rounding and T = (C/G)·R·S the number of products of an
output.  A product is rounded once and then passes at most T additions (T - 1 among the products,
one of the bias) in whatever order they are summed, so with γ(n) = n·u / (1 - n·u)
(Higham 2002, section 3.1 and equation 3.5)

    |computed - exact| ≤ γ(T + 1) · Σ|w·x| + γ(T) · |b| ≤ γ(T + 1) · S,       S = conv2d(|x|, |w|, |b|).

The law sums in float64 and rounds once.  For float32 that is u·S and change of order eps64; for
float64 the law itself is one order of summing, so another γ(T + 1)·S.  Two such errors make
2·(T + 1)·u·S = (T + 1)·eps·S to first order; m = T + 2 leaves one eps for γ's denominator (as long as
T² < 1/eps, T < 2,896 in float32; beyond it 1/(1 - T·u) still is < 1 + T·eps and T·eps·(T + 1) < 1) and
for the law's rounding.  Every product or sum below the smallest normal number may lose half of the
smallest subnormal: T + 2 such losses are `underflow`.

It holds output by output, which is stricter than against the largest output.  A bound against max|y|
would be no contract: constant images under zero-mean filters cancel, and y says nothing about S.

The FFT sums no products of the equation.  Its error is relative to norms (Cauchy and Schwarz bound
every output by Σ_c ‖x_c‖₂·‖w_kc‖₂), so that is its scale; it includes inputs that a stride never
reads, and does not shrink where the map is dark.  m is in fft.py.

Activations (ReLU, ReLU6) change no two numbers by more than their distance, so the contract passes
through; SiLU's slope is at most 1.1 and its own rounding adds a few eps.
"""

import numpy as np

from minicnn.conv.dispatch import ALGORITHMS, conv2d, load_algorithm
from minicnn.window import Window


def terms(weight_shape) -> int:
    """Return T, the number of products that one output sums: (C/groups)·R·S."""
    return int(np.prod(weight_shape[1:]))


def allowed_error(algorithm: str, x, weight, bias=None, **arguments) -> np.ndarray:
    """Return how far `algorithm` may lie from the law at every output, an array of y's shape.

    `arguments` are conv2d's: stride, padding, dilation, groups, padding_mode.  Units are y's.

    >>> x, w = np.ones((1, 1, 2, 3)), np.ones((1, 1, 2, 2))
    >>> allowed_error("im2col", x, w) / np.finfo(float).eps      # (4 + 2) · (1·1 four times)
    array([[[[24., 24.]]]])
    """
    if algorithm not in ALGORITHMS:
        load_algorithm(algorithm)
    factor = load_algorithm(algorithm).error_factor
    info = np.finfo(x.dtype)
    count = terms(weight.shape)
    wide = [None if a is None else np.abs(a.astype(np.float64)) for a in (x, weight, bias)]
    with np.errstate(over="ignore", invalid="ignore"):
        scale = conv2d(*wide, **arguments, algorithm="reference")
        if algorithm == "fft":
            return _fft_error(factor, *wide, scale.shape, arguments) * info.eps
    underflow = (count + 2) * float(info.smallest_subnormal)
    return factor(count) * info.eps * scale + underflow


def _fft_error(factor, x, weight, bias, y_shape, arguments):
    from minicnn.conv.dispatch import pad_by_mode
    from minicnn.conv.fft import grid

    options = {name: arguments[name] for name in ("stride", "padding", "dilation", "padding_mode") if name in arguments}
    window = Window.of(weight.shape[2:], **options)
    padded, window = pad_by_mode(x if x.ndim == 4 else x[None], window)
    (N, C), (K, channels) = padded.shape[:2], weight.shape[:2]
    G = C // channels
    x_norm = np.sqrt((padded**2).sum((2, 3))).reshape(N, G, 1, channels)
    w_norm = np.sqrt((weight**2).sum((2, 3))).reshape(1, G, K // G, channels)
    scale = (x_norm * w_norm).sum(3).reshape(N, K, 1, 1)
    if bias is not None:
        scale = scale + bias.reshape(1, -1, 1, 1)
    rows, cols = grid(padded.shape[2:], window)
    bound = factor(0, points=max(rows * cols, 2), channels=channels) * scale
    return np.broadcast_to(bound, y_shape if x.ndim == 4 else (1, *y_shape)).reshape(y_shape)
