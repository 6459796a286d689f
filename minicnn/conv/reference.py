"""The law: the equation of convolution as the loops that it says.

    y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j  w[k,c,i,j] · x[n, g·C/G + c,  p·stride_h + i·dil_h - top,  q·stride_w + j·dil_w - left]

with g = floor(k / (K/G)), the group of output channel k.  Taps outside the input are skipped.
Sums are float64 and are rounded once, at the end.  (It is a cross-correlation: the kernel is not
flipped.  The deep-learning literature calls it convolution, and so do we.)

Its derivative stands below it: every product passes the gradient on to its two factors.

Letters: N images, C input channels, H×W input positions, K output channels, P×Q output positions,
R×S kernel positions, G groups.
Cost: N·K·P·Q·(C/G)·R·S multiply-adds, no workspace.  When it loses: always.  It is never optimised:
everything else in this package is tested against it.
Source: Goodfellow, Bengio, Courville, "Deep Learning" (2016), equation 9.6; PyTorch's Conv2d.
Next room: im2col.py, the same sum as one matrix product.
"""

import numpy as np

from minicnn.conv.algorithm import Prepared, activate, output_shape, plain
from minicnn.conv.jit import jit


@jit
def equation(x, weight, bias, y, stride, dilation, corner):
    """Fill y; stride, dilation and corner = (top, left) are pairs, one entry for rows and one for columns."""
    N, C, H, W = x.shape
    K, channels, R, S = weight.shape
    _, _, P, Q = y.shape
    G = C // channels
    for n in range(N):
        for k in range(K):
            g = k // (K // G)
            for p in range(P):
                for q in range(Q):
                    total = np.float64(bias[k])
                    for c in range(channels):
                        for i in range(R):
                            for j in range(S):
                                h = p * stride[0] + i * dilation[0] - corner[0]
                                w = q * stride[1] + j * dilation[1] - corner[1]
                                if 0 <= h < H and 0 <= w < W:
                                    total += np.float64(weight[k, c, i, j]) * np.float64(x[n, g * channels + c, h, w])
                    y[n, k, p, q] = total


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    return Prepared(plain(weight), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    (top, _), (left, _) = window.padding
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    terms = np.zeros(prepared.shape[0]) if bias is None else bias.astype(np.float64)
    equation(plain(x), prepared.weight, plain(terms), y, window.stride, window.dilation, (top, left))
    return activate(y, activation)


@jit
def equation_backward(grad, x, weight, grad_x, grad_weight, grad_bias, stride, dilation, corner):
    """Add up the gradients by x, weight and bias: every product w·x of the equation passes grad on to both of its factors."""
    N, C, H, W = x.shape
    K, channels, R, S = weight.shape
    _, _, P, Q = grad.shape
    G = C // channels
    for n in range(N):
        for k in range(K):
            g = k // (K // G)
            for p in range(P):
                for q in range(Q):
                    d = np.float64(grad[n, k, p, q])
                    grad_bias[k] += d
                    for c in range(channels):
                        for i in range(R):
                            for j in range(S):
                                h = p * stride[0] + i * dilation[0] - corner[0]
                                w = q * stride[1] + j * dilation[1] - corner[1]
                                if 0 <= h < H and 0 <= w < W:
                                    grad_x[n, g * channels + c, h, w] += d * np.float64(weight[k, c, i, j])
                                    grad_weight[k, c, i, j] += d * np.float64(x[n, g * channels + c, h, w])


def run_backward(grad, x, weight, window):
    """Return (grad_x, grad_weight, grad_bias), summed in float64 and rounded once."""
    window = window.resolve(x.shape[2:])
    (top, _), (left, _) = window.padding
    sums = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(weight.shape[0])
    equation_backward(plain(grad), plain(x), plain(weight), *sums, window.stride, window.dilation, (top, left))
    with np.errstate(over="ignore"):  # a sum beyond float32 is infinite there
        return tuple(total.astype(x.dtype) for total in sums)


def error_factor(terms: int) -> float:
    """float64 sums, rounded once: half an eps against exact arithmetic (two laws differ by one eps)."""
    return 1.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return 0
