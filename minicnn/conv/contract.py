"""Which question: how far may an algorithm's answer lie from the law's, and why exactly that far?

    |y - law| ≤ m · eps · conv2d(|x|, |w|, |b|) + underflow        output by output

Derivation.  Let u = eps/2 be the unit of rounding and T = (C/G)·R·S the number of products of an
output.  A product is rounded once and then passes at most T additions (T - 1 among the products,
one of the bias) in whatever order they are summed, so with γ(n) = n·u / (1 - n·u)
(Higham 2002, section 3.1 and equation 3.5)

    |computed - exact| ≤ γ(T + 1) · Σ|w·x| + γ(T) · |b| ≤ γ(T + 1) · S,       S = conv2d(|x|, |w|, |b|).

float32: the law sums in float64 (error T·2⁻⁵³·S, far below u·S) and rounds once, at most u·S.  While
(T + 1)·u < 1/2, which is T < 8,388,607, γ(T + 1) + u ≤ 2·(T + 1)·u + u = (T + 3/2)·eps, and m = T + 2 holds.

float64: the law is itself one order of summing, so two such errors may stand against each other:
2·γ(T + 1) = (T + 1)·eps / (1 - (T + 1)·u), which is at most (T + 2)·eps while (T + 1)²·u ≤ 1 - (T + 1)·u,
that is T < 9·10⁷.  m = T + 2 again.

Every product or sum below the smallest normal number may lose half of the smallest subnormal: T + 2
such losses are `underflow`.  The premise is that nothing overflows; partial sums are at most S, so where
S exceeds the largest number of the dtype there is no contract (the bound is ∞): x = (1e30, 1e30) under
w = (1e10, -1e10) is 0 in the law, whose sums are float64, and NaN in float32 sums.

It holds output by output, which is stricter than against the largest output.  A bound against max|y|
would be no contract: constant images under zero-mean filters cancel, and y says nothing about S.

The FFT sums no products of the equation, so its error is relative to norms.  With n points a transform
errs by η·log2(n) relative to the 2-norm, η = 6.7·u (Higham 2002, theorem 24.2, for radix 2; mixed radices
make fewer passes).  Per pair (x_c, w_kc): the errors of the two forward transforms each reach an output by at
most η·log2(n)·‖x‖₂·‖w‖₂ (Cauchy and Schwarz); that of the inverse one by η·log2(n)·‖y‖₂, and
‖y‖₂ ≤ ‖x‖₂·‖w‖₁ ≤ √(R·S)·‖x‖₂·‖w‖₂ (Young, then Cauchy and Schwarz again).  The products and the sum over
channels add (channels + 8)·u.  In eps that is m = (6.7 + 3.35·√(R·S))·log2(n) + channels/2 + 5, against
Σ_c ‖x_c‖₂·‖w_kc‖₂ + |b|.  It includes inputs that a stride never reads, and does not shrink where the map is dark.
Losses to underflow in a forward transform are carried by the other one: n·(1 + Σ|x| + Σ|w|) of them are granted.

Winograd's products are not the equation's either, but they are a fixed sum of products of sums (winograd.py), so Higham's
argument of section 3.1 goes through step by step: a number that passes n roundings is off by γ(n) of the sum of
absolute values that it went through.  For y that sum is S_W = |A|·[Σ_c (|G||w||Gᵀ|) ⊙ (|B||x||Bᵀ|)]·|Aᵀ| + |b|, tile by tile,
and n counts the entries of the longest rows of A, B and G, each along two axes, the rounding of G's own entries, the product, the
channels and the bias.  γ(n) ≤ n·eps while n·u ≤ 1/2, which leaves the law's own rounding u·|y| room enough.  S_W is about 4 to 10 times S
for F(2, 3) and 30 to 100 times for F(4, 3): the price of fewer products.  Where B·x·Bᵀ overflows there is no contract.

Activations at the store (ReLU, ReLU6) change no two numbers by more than their distance, so the contract
passes through.
"""

import numpy as np

from minicnn.conv.dispatch import conv2d, pad_by_mode
from minicnn.conv.fft import grid
from minicnn.conv.gallery import ALGORITHMS, load_algorithm
from minicnn.conv.winograd import error_scale, lost_to_underflow
from minicnn.window import Window


def terms(weight_shape) -> int:
    """Return T, the number of products that one output sums: (C/groups)·R·S."""
    return int(np.prod(weight_shape[1:]))


def allowed_error(algorithm: str, x, weight, bias=None, **arguments) -> np.ndarray:
    """Return how far `algorithm` may lie from the law at every output, an array of y's shape.

    (T + 2)·eps·conv2d(|x|, |w|, |b|) + underflow, T products an output; the FFT has a bound of norms, Winograd one of its own sums.

    `arguments` are conv2d's: stride, padding, dilation, groups, padding_mode.  Units are y's.

    >>> x, w = np.ones((1, 1, 2, 3)), np.ones((1, 1, 2, 2))
    >>> allowed_error("im2col", x, w) / np.finfo(float).eps      # (4 + 2) · (1·1 four times)
    array([[[[24., 24.]]]])

    Raises what conv2d raises.  Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), chapters 3 and 24.
    """
    if algorithm not in ALGORITHMS:
        load_algorithm(algorithm)
    factor = load_algorithm(algorithm).error_factor
    info = np.finfo(x.dtype)
    wide = [None if a is None else np.abs(a.astype(np.float64)) for a in (x, weight, bias)]
    with np.errstate(all="ignore"):
        scale = conv2d(*wide, **arguments, algorithm="reference")
        if algorithm in ("winograd2", "winograd4"):
            scale, bound = _winograd_error(int(algorithm[-1]), factor, *wide, scale.shape, arguments, info)
        elif algorithm == "fft":
            bound = _fft_error(factor, *wide, scale.shape, arguments, info)
        else:
            count = terms(weight.shape)
            bound = factor(count) * float(info.eps) * scale + (count + 2) * float(info.smallest_subnormal)
    return np.where(scale <= float(info.max), bound, np.inf)


def _winograd_error(m, factor, x, weight, bias, y_shape, arguments, info):
    window = Window.of(weight.shape[2:], padding=arguments.get("padding", 0), padding_mode=arguments.get("padding_mode", "zeros"))
    padded, window = pad_by_mode(x if x.ndim == 4 else x[None], window)
    scale = error_scale(m, padded, weight, window)
    if bias is not None:
        scale = scale + bias.reshape(1, -1, 1, 1)
    if padded.max(initial=0) * 100 > float(info.max):  # the rows of B add up to 10 at the most
        scale = np.full_like(scale, np.inf)
    bound = factor(terms(weight.shape)) * float(info.eps) * scale + lost_to_underflow(m, padded, weight) * float(info.smallest_subnormal)
    return scale.reshape(y_shape), bound.reshape(y_shape)


def _fft_error(factor, x, weight, bias, y_shape, arguments, info):
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
    points = max(rows * cols, 2)
    lost = points * (1 + padded.sum() + weight.sum()) * float(info.smallest_subnormal)
    bound = factor(weight.shape[2] * weight.shape[3], points=points, channels=channels) * float(info.eps) * scale + lost
    return np.broadcast_to(bound, y_shape if x.ndim == 4 else (1, *y_shape)).reshape(y_shape)
