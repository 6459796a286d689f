"""Which question: how does a map grow on a GPU?

    thread (n, k, p, q):  y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[c,k',i,j] · x[n, g·C/G + c, h, w]
                          where h·stride_h = p + top - i·dil_h and w·stride_w = q + left - j·dil_w, and h, w lie inside x

Idea: a convolution walked backwards stamps every input onto the outputs; were a thread given an input, threads would write over one
another. So a thread is given an output and looks up who stamps on it: the taps for which the division by the stride leaves nothing.

Memory traffic per output: 2·(C/G)·(R/stride_h)·(S/stride_w) reads, neighbours side by side along q, which the cache serves.
Arithmetic intensity: 0.25 flop/byte of the cache.  Occupancy: 75%, 40 registers for sm_90.  What limits it: loads, as in the rung "naive".
When it loses: many channels; a product of matrices and a rearrangement would share what is read.  U-Net has four such layers.
Source: Dumoulin & Visin, "A guide to convolution arithmetic" (2016), chapter 4.  Next room: upsample.py.
"""

from numba import cuda

from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import split
from minicnn.functional.cuda.launch import spread

TYPES = "f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4"


@kernel(TYPES)
def gather(x, weight, bias, y, C, H, W, K, filters, R, S, P, Q, stride_h, stride_w, dil_h, dil_w, top, left, G, size):
    """A thread for every output, columns fastest; `filters` and C/G are those of a group."""
    t = cuda.grid(1)
    if t < size:
        line, q = split(t, Q)
        plane, p = split(line, P)
        n, k = split(plane, K)
        group, own = split(k, filters)
        channels, _ = split(C, G)
        total = bias[k]
        for i in range(R):
            h = p + top - i * dil_h
            if h < 0 or h % stride_h != 0 or h >= H * stride_h:
                continue
            h //= stride_h
            for j in range(S):
                w = q + left - j * dil_w
                if w < 0 or w % stride_w != 0 or w >= W * stride_w:
                    continue
                w //= stride_w
                for c in range(channels):
                    channel = group * channels + c
                    total += weight[((channel * filters + own) * R + i) * S + j] * x[((n * C + channel) * H + h) * W + w]
        y[t] = total


def conv_transpose2d(x, weight, bias, stride, padding, groups: int, dilation, *, out):
    """Fill `out`, whose size holds the output padding; x: (N, C, H, W), weight: (C, K/groups, R, S), bias: (K,), on the device.

    stride and dilation are pairs, padding ((top, bottom), (left, right)): what layers.ConvTranspose2d holds, which checks them.
    """
    (_, C, H, W), (_, filters, R, S), (_, K, P, Q) = x.shape, weight.shape, out.shape
    (top, _), (left, _) = padding
    settings = (*stride, *dilation, top, left, groups, out.size)
    spread(gather, out.size, flat(x), flat(weight), bias, flat(out), C, H, W, K, filters, R, S, P, Q, *settings)
    return out
