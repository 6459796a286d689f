"""conv2d wrong once more, in slices and products: where a slice runs over the edge, NumPy is silent or raises."""

import numpy as np
from holding import holds


def pad(x, padding):
    return np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))


def slide(x, weight, bias, stride, shape, at=lambda p, q, stride: (p * stride[0], q * stride[1]), combine=np.multiply):
    """Slices of the kernel's size from `at` on, each combined with every filter."""
    kh, kw = weight.shape[2:]
    y = np.zeros((len(x), len(weight), *shape))
    for p in range(shape[0]):
        for q in range(shape[1]):
            r, s = at(p, q, stride)
            window = x[:, :, r : r + kh, s : s + kw]
            for k in range(len(weight)):
                y[:, k, p, q] = combine(window, weight[k]).sum(axis=(1, 2, 3)) + bias[k]
    return y


def shape_of(x, weight, stride):
    return tuple((n - k) // s + 1 for n, k, s in zip(x.shape[2:], weight.shape[2:], stride, strict=True))


@holds("conv2d", "kernel flipped")
def rotates_by_180(x, weight, bias, stride, padding):
    x = pad(x, padding)
    return slide(x, np.rot90(weight, 2, axes=(2, 3)), bias, stride, shape_of(x, weight, stride))


@holds("conv2d", "paddings swapped")
def pads_width_first(x, weight, bias, stride, padding):
    x = pad(x, padding[::-1])
    return slide(x, weight, bias, stride, shape_of(x, weight, stride))


@holds("conv2d", "one padding for both axes")
def pads_by_the_first(x, weight, bias, stride, padding):
    x = pad(x, (padding[0], padding[0]))
    return slide(x, weight, bias, stride, shape_of(x, weight, stride))


@holds("conv2d", "result padded")
def pads_at_the_end(x, weight, bias, stride, padding):
    return pad(slide(x, weight, bias, stride, shape_of(x, weight, stride)), padding)


@holds("conv2d", "stride for the size only")
def stands_at_p(x, weight, bias, stride, padding):
    x = pad(x, padding)
    return slide(x, weight, bias, stride, shape_of(x, weight, stride), at=lambda p, q, stride: (p, q))


@holds("conv2d", "only the first channel")
def slices_one_channel(x, weight, bias, stride, padding):
    x = pad(x, padding)[:, 0:1]
    return slide(x, weight[:, 0:1], bias, stride, shape_of(x, weight, stride))


@holds("conv2d", "rectified")
def cuts_below_zero(x, weight, bias, stride, padding):
    x = pad(x, padding)
    y = slide(x, weight, bias, stride, shape_of(x, weight, stride))
    y[y < 0] = 0
    return y


@holds("conv2d", "first bias for all")
def broadcasts_bias_0(x, weight, bias, stride, padding):
    x = pad(x, padding)
    return slide(x, weight, 0 * bias, stride, shape_of(x, weight, stride)) + bias[0]


@holds("conv2d", "only the first image")
def forgets_the_batch(x, weight, bias, stride, padding):
    x = pad(x, padding)
    y = slide(x[:1], weight, bias, stride, shape_of(x, weight, stride))
    return np.concatenate([y, np.zeros((len(x) - 1, *y.shape[1:]))])


@holds("conv2d", "stride must divide")
def asserts_that_it_divides(x, weight, bias, stride, padding):
    x = pad(x, padding)
    assert (x.shape[2] - weight.shape[2]) % stride[0] == 0, "does not fit"
    assert (x.shape[3] - weight.shape[3]) % stride[1] == 0, "does not fit"
    return slide(x, weight, bias, stride, shape_of(x, weight, stride))


@holds("conv2d", "kernel of three in loops")
def three_by_three(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = (x.shape[2] - 3) // stride[0] + 1, (x.shape[3] - 3) // stride[1] + 1
    y = np.zeros((len(x), len(weight), P, Q))
    for n in range(len(x)):
        for k in range(len(weight)):
            for p in range(P):
                for q in range(Q):
                    total = bias[k]
                    for i in range(3):
                        for j in range(3):
                            total += (x[n, :, p * stride[0] + i, q * stride[1] + j] * weight[k, :, i, j]).sum()
                    y[n, k, p, q] = total
    return y


@holds("conv2d", "square kernel in slices")
def slices_a_square(x, weight, bias, stride, padding):
    x, k = pad(x, padding), weight.shape[2]
    P, Q = (x.shape[2] - k) // stride[0] + 1, (x.shape[3] - k) // stride[1] + 1
    y = np.zeros((len(x), len(weight), P, Q))
    for p in range(P):
        for q in range(Q):
            window = x[:, :, p * stride[0] : p * stride[0] + k, q * stride[1] : q * stride[1] + k]
            for f in range(len(weight)):
                y[:, f, p, q] = np.sum(window * weight[f], axis=(1, 2, 3)) + bias[f]
    return y


@holds("conv2d", "square padded image in slices")
def slices_a_square_image(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = ((x.shape[2] - k) // s + 1 for k, s in zip(weight.shape[2:], stride, strict=True))
    return slide(x, weight, bias, stride, (P, Q))


@holds("conv2d", "unrolled in another order")
def columns_in_another_order(x, weight, bias, stride, padding):
    x = pad(x, padding)
    (P, Q), (K, _, kh, kw) = shape_of(x, weight, stride), weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for p in range(P):
            for q in range(Q):
                r, s = p * stride[0], q * stride[1]
                column = x[n, :, r : r + kh, s : s + kw].transpose(1, 2, 0).flatten()
                y[n, :, p, q] = weight.reshape(K, -1) @ column + bias
    return y


@holds("conv2d", "stored as float32")
def fills_a_float32_array(x, weight, bias, stride, padding):
    x = pad(x, padding)
    return slide(x, weight, bias, stride, shape_of(x, weight, stride)).astype("float32")


@holds("conv2d", "kernel of three")
def slices_three_by_three(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = (x.shape[2] - 3) // stride[0] + 1, (x.shape[3] - 3) // stride[1] + 1
    y = np.zeros((len(x), len(weight), P, Q))
    for k in range(len(weight)):
        for p in range(P):
            for q in range(Q):
                r, s = p * stride[0], q * stride[1]
                y[:, k, p, q] = np.sum(x[:, :, r : r + 3, s : s + 3] * weight[k], axis=(1, 2, 3)) + bias[k]
    return y
