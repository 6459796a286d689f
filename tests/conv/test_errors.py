"""What bad input gets from conv2d: rule, received, remedy, in one message."""

import numpy as np
import pytest

from minicnn import conv2d
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, UnsupportedError

X = np.ones((2, 3, 9, 7), np.float32)
W = np.ones((4, 3, 3, 2), np.float32)


@pytest.mark.parametrize(
    ("error", "match", "x", "weight", "arguments"),
    [
        (ShapeError, r"expects 3 input channels but x has 224 \(x.shape=\(1, 224, 224, 3\)\). That looks like NHWC; .*x.transpose\(0, 3, 1, 2\)",
         np.ones((1, 224, 224, 3), np.float32), W, {}),
        (ShapeError, r"looks like HWC; minicnn uses CHW: x.transpose\(2, 0, 1\)", np.ones((20, 30, 3), np.float32), W, {}),
        (ShapeError, r"has 2 axes. A single grey image .* x\[None, None\]", np.ones((9, 7), np.float32), W, {}),
        (ShapeError, r"x must be \(N, C, H, W\) or \(C, H, W\), but x.shape=\(1, 1, 3, 9, 7\) has 5 axes", np.ones((1, 1, 3, 9, 7)), W, {}),
        (ShapeError, r"expects 3 input channels but x has 5 .*give x 3 channels, or build the layer for 5", np.ones((2, 5, 9, 7), np.float32), W, {}),
        (ShapeError, r"only the batch may be empty, but x.shape=\(2, 3, 0, 7\)", np.ones((2, 3, 0, 7), np.float32), W, {}),
        (ShapeError, r"weight must be \(K, C/groups, kernel rows, kernel columns\).* weight.shape=\(4, 3, 3\)", X, W[..., 0], {}),
        (ArgumentError, r"groups must divide the output channels, but 4 / 3 leaves 1", np.ones((2, 9, 9, 7), np.float32), W, {"groups": 3}),
        (ShapeError, r"expects 6 input channels but x has 3", X, W, {"groups": 2}),
        (ShapeError, r"kernel must fit .* over the rows a kernel of 3 with dilation 5 spans 11, but the padded input has 9 \+ 0 \+ 0 = 9.*pad by 2 more",
         X, W, {"dilation": 5}),
        (ShapeError, r"over the columns", X, np.ones((4, 3, 3, 8), np.float32), {}),
        (ArgumentError, r"stride must be at least 1, but it is 0", X, W, {"stride": 0}),
        (ArgumentError, r"stride\[1\] must be at least 1, but it is -2", X, W, {"stride": (1, -2)}),
        (ArgumentError, r"stride must be a whole number, but it is 1.5", X, W, {"stride": 1.5}),
        (ArgumentError, r"stride must be a whole number, but it is True", X, W, {"stride": True}),
        (ArgumentError, r"stride must be one whole number or a pair \(vertical, horizontal\), but it is \(1, 2, 3\)", X, W, {"stride": (1, 2, 3)}),
        (ArgumentError, r"padding must be at least 0, but it is -1", X, W, {"padding": -1}),
        (ArgumentError, r"dilation must be at least 1", X, W, {"dilation": 0}),
        (ArgumentError, r"from_torch_pad\(1, 1, 2, 2\)", X, W, {"padding": (1, 1, 2, 2)}),
        (ArgumentError, r"'valid' or 'same', but it is 'full'", X, W, {"padding": "full"}),
        (ArgumentError, r"padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', but it is 'mirror'", X, W, {"padding_mode": "mirror"}),
        (ShapeError, r"reflect padding takes at most 6 from 7 columns", X, W, {"padding": 7, "padding_mode": "reflect"}),
        (ArgumentError, r"accuracy must be one of 'exact', 'fast', but it is 'best'", X, W, {"accuracy": "best"}),
        (DTypeError, r"all arrays must have one dtype, but x is float64 and weight is float32; convert one: weight.astype\(np.float64\)",
         X.astype(np.float64), W, {}),
        (DTypeError, r"dtype is uint8; an image of bytes becomes numbers in \[0, 1\] by x.astype\(np.float32\) / 255", X.astype(np.uint8), W, {}),
        (DTypeError, r"x is a masked array, whose mask would be lost; fill it first", np.ma.masked_array(X), W, {}),
        (UnknownNameError, r"'auto' or one of these, but it is \['im2col'\]", X, W, {"algorithm": ["im2col"]}),
        (DTypeError, r"weight must be float32 or float64, but its dtype is int64; convert it with weight.astype", X, W.astype(int), {}),
        (DTypeError, r"dtype is int64; convert it with x.astype\(np.float32\)", X.astype(np.int64), W, {}),
        (DTypeError, r"dtype is float16; convert it", X.astype(np.float16), W, {}),
        (DTypeError, r"dtype is object; an object array usually comes from nested lists of unequal length", X.astype(object), W, {}),
        (DTypeError, r"dtype is complex64; take x.real", X.astype(np.complex64), W, {}),
        (DTypeError, r"dtype is >f4; convert it", X.astype(">f4"), W, {}),
        (DTypeError, r"x must be a NumPy array, but it is a list; pass np.asarray", X.tolist(), W, {}),
        (ShapeError, r"bias holds one number per output channel, \(4,\) .* bias.shape=\(3,\)", X, W, {"bias": np.ones(3, np.float32)}),
        (ShapeError, r"use bias.reshape\(4\)", X, W, {"bias": np.ones((4, 1), np.float32)}),
        (UnknownNameError, r"(?s)'auto' or one of these, but it is 'winograd':.*im2col: applies.*pointwise: does not apply: it is for 1×1 kernels",
         X, W, {"algorithm": "winograd"}),
        (UnsupportedError, r"(?s)'pointwise' does not apply here: it is for 1×1 kernels, and this one is 3×2. .*direct: applies",
         X, W, {"algorithm": "pointwise"}),
        (UnsupportedError, r"'depthwise' does not apply here: it is for one input channel per group \(groups = C = 3\), and groups is 1",
         X, W, {"algorithm": "depthwise"}),
    ],
)  # fmt: skip
def test_message(error, match, x, weight, arguments):
    with pytest.raises(error, match=match) as caught:
        conv2d(x, weight, **arguments)
    assert str(caught.value).startswith("conv2d: ")


def test_tensors_of_other_libraries_get_the_remedy():
    class Tensor:
        def numpy(self):
            return X

    with pytest.raises(DTypeError, match=r"x must be a NumPy array, but it is a Tensor; pass x.numpy\(\)"):
        conv2d(Tensor(), W)


def test_every_error_is_also_the_builtin_kind():
    from minicnn import errors

    for name in errors.__all__:
        assert issubclass(getattr(errors, name), (ValueError, TypeError, ArithmeticError)) or name == "MinicnnError"
