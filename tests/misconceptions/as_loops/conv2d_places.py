"""conv2d wrong in where its windows stand: sizes, steps and edges, as they are handed in."""

import numpy as np
from holding import holds


def slide(x, weight, bias, stride, shape):
    """Windows of x from (p·stride, q·stride) on, into a result of this shape."""
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, *shape))
    for n in range(len(x)):
        for k in range(K):
            for p in range(shape[0]):
                for q in range(shape[1]):
                    r, s = p * stride[0], q * stride[1]
                    total = bias[k]
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                total = total + x[n, c, r + i, s + j] * weight[k, c, i, j]
                    y[n, k, p, q] = total
    return y


def padded(x, top, bottom, left, right):
    N, C, H, W = x.shape
    room = np.zeros((N, C, top + H + bottom, left + W + right))
    room[:, :, top : top + H, left : left + W] = x
    return room


def both(x, padding):
    return padded(x, padding[0], padding[0], padding[1], padding[1])


@holds("conv2d", "stride forgotten")
def steps_by_one(x, weight, bias, stride, padding):
    x = both(x, padding)
    return slide(x, weight, bias, (1, 1), (x.shape[2] - weight.shape[2] + 1, x.shape[3] - weight.shape[3] + 1))


@holds("conv2d", "stride for the size only")
def window_at_p(x, weight, bias, stride, padding):
    x = both(x, padding)
    K, _, kh, kw = weight.shape
    P, Q = (x.shape[2] - kh) // stride[0] + 1, (x.shape[3] - kw) // stride[1] + 1
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    y[n, k, p, q] = np.sum(x[n, :, p : p + kh, q : q + kw] * weight[k]) + bias[k]
    return y


@holds("conv2d", "written where the window stands")
def writes_at_r(x, weight, bias, stride, padding):
    x = both(x, padding)
    K, _, kh, kw = weight.shape
    y = np.zeros((len(x), K, (x.shape[2] - kh) // stride[0] + 1, (x.shape[3] - kw) // stride[1] + 1))
    for n in range(len(x)):
        for k in range(K):
            for r in range(0, x.shape[2] - kh + 1, stride[0]):
                for s in range(0, x.shape[3] - kw + 1, stride[1]):
                    y[n, k, r, s] = np.sum(x[n, :, r : r + kh, s : s + kw] * weight[k]) + bias[k]
    return y


@holds("conv2d", "first window not counted")
def no_plus_one(x, weight, bias, stride, padding):
    x = both(x, padding)
    return slide(x, weight, bias, stride, ((x.shape[2] - weight.shape[2]) // stride[0], (x.shape[3] - weight.shape[3]) // stride[1]))


@holds("conv2d", "one window short")
def range_ends_early(x, weight, bias, stride, padding):
    x = both(x, padding)
    kh, kw = weight.shape[2:]
    images = []
    for image in x:
        maps = []
        for filt, b in zip(weight, bias, strict=True):
            rows = []
            for r in range(0, x.shape[2] - kh, stride[0]):
                rows.append([np.sum(image[:, r : r + kh, s : s + kw] * filt) + b for s in range(0, x.shape[3] - kw, stride[1])])
            maps.append(rows)
        images.append(maps)
    return np.array(images)


@holds("conv2d", "last window left zero")
def loops_end_early(x, weight, bias, stride, padding):
    x = both(x, padding)
    K, _, kh, kw = weight.shape
    P, Q = (x.shape[2] - kh) // stride[0] + 1, (x.shape[3] - kw) // stride[1] + 1
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P - 1):
                for q in range(Q - 1):
                    r, s = p * stride[0], q * stride[1]
                    y[n, k, p, q] = np.sum(x[n, :, r : r + kh, s : s + kw] * weight[k]) + bias[k]
    return y


@holds("conv2d", "strides swapped")
def width_first(x, weight, bias, stride, padding):
    sw, sh = stride
    x = both(x, padding)
    return slide(x, weight, bias, (sh, sw), ((x.shape[2] - weight.shape[2]) // sh + 1, (x.shape[3] - weight.shape[3]) // sw + 1))


@holds("conv2d", "one stride for both axes")
def one_stride(x, weight, bias, stride, padding):
    s = stride[0]
    x = both(x, padding)
    return slide(x, weight, bias, (s, s), ((x.shape[2] - weight.shape[2]) // s + 1, (x.shape[3] - weight.shape[3]) // s + 1))


@holds("conv2d", "padding forgotten")
def never_pads(x, weight, bias, stride, padding):
    P, Q = (x.shape[2] - weight.shape[2]) // stride[0] + 1, (x.shape[3] - weight.shape[3]) // stride[1] + 1
    return slide(x, weight, bias, stride, (P, Q))


@holds("conv2d", "padded before only")
def pads_above(x, weight, bias, stride, padding):
    x = padded(x, padding[0], 0, padding[1], 0)
    P, Q = (x.shape[2] - weight.shape[2]) // stride[0] + 1, (x.shape[3] - weight.shape[3]) // stride[1] + 1
    return slide(x, weight, bias, stride, (P, Q))


@holds("conv2d", "negative index wraps")
def checks_the_end_only(x, weight, bias, stride, padding):
    N, C, H, W = x.shape
    K, _, kh, kw = weight.shape
    P, Q = (H + 2 * padding[0] - kh) // stride[0] + 1, (W + 2 * padding[1] - kw) // stride[1] + 1
    y = np.zeros((N, K, P, Q))
    for n in range(N):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    y[n, k, p, q] = bias[k]
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                h, w = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
                                if h < H and w < W:
                                    y[n, k, p, q] += x[n, c, h, w] * weight[k, c, i, j]
    return y


@holds("conv2d", "minus p where p is 0")
def fills_up_to_minus_p(x, weight, bias, stride, padding):
    ph, pw = padding
    room = np.zeros((x.shape[0], x.shape[1], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw))
    room[:, :, ph:-ph, pw:-pw] = x
    P, Q = (room.shape[2] - weight.shape[2]) // stride[0] + 1, (room.shape[3] - weight.shape[3]) // stride[1] + 1
    return slide(room, weight, bias, stride, (P, Q))


@holds("conv2d", "ceil for floor")
def rounds_up(x, weight, bias, stride, padding):
    H, W = x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]
    P, Q = int(np.ceil((H - weight.shape[2]) / stride[0])) + 1, int(np.ceil((W - weight.shape[3]) / stride[1])) + 1
    more = padded(x, padding[0], padding[0] + stride[0], padding[1], padding[1] + stride[1])
    return slide(more, weight, bias, stride, (P, Q))


@holds("conv2d", "square kernel")
def one_kernel_size(x, weight, bias, stride, padding):
    x = both(x, padding)
    K, C, k, _ = weight.shape
    P, Q = (x.shape[2] - k) // stride[0] + 1, (x.shape[3] - k) // stride[1] + 1
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for f in range(K):
            for p in range(P):
                for q in range(Q):
                    y[n, f, p, q] = bias[f]
                    for c in range(C):
                        for i in range(k):
                            for j in range(k):
                                y[n, f, p, q] += x[n, c, p * stride[0] + i, q * stride[1] + j] * weight[f, c, i, j]
    return y


@holds("conv2d", "square padded image")
def one_image_size(x, weight, bias, stride, padding):
    x = both(x, padding)
    size = x.shape[2]
    P, Q = (size - weight.shape[2]) // stride[0] + 1, (size - weight.shape[3]) // stride[1] + 1
    return slide(x, weight, bias, stride, (P, Q))


@holds("conv2d", "square image")
def one_formula_for_both(x, weight, bias, stride, padding):
    H = W = x.shape[2]
    P, Q = (H + 2 * padding[0] - weight.shape[2]) // stride[0] + 1, (W + 2 * padding[1] - weight.shape[3]) // stride[1] + 1
    return slide(both(x, padding), weight, bias, stride, (P, Q))
