"""Convolutions by the FFT: whole numbers come back a little off, and must pass."""

import numpy as np


def _correlate(x, kernels, pattern):
    """All full correlations at once: multiply by the conjugate, of a transform with room for no wrap-around."""
    (H, W), (kh, kw) = x.shape[-2:], kernels.shape[-2:]
    size = (H + kh - 1, W + kw - 1)
    fx, fw = np.fft.rfft2(x, size), np.fft.rfft2(kernels[..., ::-1, ::-1], size)
    return np.fft.irfft2(np.einsum(pattern, fx, fw), size)


def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, [(0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])])
    kh, kw = weight.shape[2:]
    full = _correlate(x, weight, "nchw,kchw->nkhw")
    return (full[:, :, kh - 1 : x.shape[2] : stride[0], kw - 1 : x.shape[3] : stride[1]] + bias[:, None, None]).astype(x.dtype)


def grouped_conv2d(x, weight, bias, stride, padding, dilation, groups):
    K, c, kh, kw = weight.shape
    spread = np.zeros((K, c, dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1), weight.dtype)
    spread[:, :, :: dilation[0], :: dilation[1]] = weight
    per = K // groups
    parts = [
        conv2d(x[:, g * c : g * c + c], spread[g * per : (g + 1) * per], bias[g * per : (g + 1) * per], stride, padding)
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=1)


def conv2d_backward(grad_output, x, weight, stride, padding):
    (N, K), (H, W), (kh, kw) = grad_output.shape[:2], x.shape[2:], weight.shape[2:]
    room = np.pad(x, [(0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])])
    spread = np.zeros((N, K, room.shape[2] - kh + 1, room.shape[3] - kw + 1), x.dtype)  # the stride's gaps, and what it never reads
    spread[:, :, :: stride[0], :: stride[1]] = grad_output
    grad_x = _correlate(spread, weight[..., ::-1, ::-1], "nkhw,kchw->nchw")[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W]
    full = _correlate(room, spread, "nchw,nkhw->kchw")
    grad_w = full[:, :, spread.shape[2] - 1 :, spread.shape[3] - 1 :][:, :, :kh, :kw]
    return grad_x, grad_w, grad_output.sum((0, 2, 3))
