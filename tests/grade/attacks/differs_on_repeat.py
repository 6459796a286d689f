"""Is right when it is asked for the first time, and wrong from then on."""

import numpy as np

_seen = []


def conv2d(x, weight, bias, stride, padding):
    (n, _, height, width), (k, _, kh, kw) = x.shape, weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    out = ((height + 2 * padding[0] - kh) // stride[0] + 1, (width + 2 * padding[1] - kw) // stride[1] + 1)
    y = np.zeros((n, k, *out)) + bias[:, None, None]
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + stride[0] * out[0] : stride[0], j : j + stride[1] * out[1] : stride[1]][:, :, : out[0], : out[1]]
            y += np.einsum("nchw,kc->nkhw", part, weight[:, :, i, j])
    _seen.append(x.tobytes())
    return y + (_seen.count(_seen[-1]) > 1)
