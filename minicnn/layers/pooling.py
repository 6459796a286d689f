"""Which question: what do the pooling layers answer?

They hold no arrays: a window over each channel, or a number of outputs to share the input among.
On the way forward a maximum can save its winning indices; then no map need be kept for the way back, and without them the
winners are found again from the input.
Source: PyTorch's layers of the same names; Dumoulin & Visin (2016), chapter 3.
Next rooms: unpooling.py, functional/pooling.py.
"""

from math import prod

from minicnn import check
from minicnn import functional as F
from minicnn.axis import Adaptive
from minicnn.conv.memory_format import is_channels_last
from minicnn.errors import ArgumentError
from minicnn.functional.adaptive import bind_means
from minicnn.functional.passes import WORTH_A_KERNEL
from minicnn.functional.pooling import bind_largest, check_padding, window_rules
from minicnn.layers.base import Layer, batched, like, short
from minicnn.window import Window


class _Pool2d(Layer):
    kind = "pool"

    def _window(self, kernel_size, stride, padding, dilation, ceil_mode):
        what = type(self).__name__
        stride = kernel_size if stride is None else stride
        window = Window.of(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, what=what)
        if window.padding != "same":  # whose sides are known with the input
            check_padding(window, (1, 1), what)
        return window

    def output_shape(self, shape):
        batch = batched(shape, type(self).__name__)
        return like(shape, (*batch[:2], *self.window.output_size(batch[2:], type(self).__name__)))

    def axes(self, shape):
        return (self.window.axes(shape[-2:]),)

    def describe_arguments(self) -> str:
        window = self.window
        text = f"kernel_size={short(window.kernel)}, stride={short(window.stride)}"
        if window.padding != ((0, 0), (0, 0)):
            text += f", padding={short(window.padding)!r}"
        if window.dilation != (1, 1):
            text += f", dilation={short(window.dilation)}"
        return text + (", ceil_mode=True" if window.ceil_mode else "")


class MaxPool2d(_Pool2d):
    """The largest number of each window, per channel; with return_indices also where it was.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's MaxPool2d.
    """

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices: bool = False, ceil_mode: bool = False):
        self._set(window=self._window(kernel_size, stride, padding, dilation, ceil_mode), return_indices=bool(return_indices))
        if return_indices:
            self._set(results=("output", "indices"))

    def fields(self) -> dict:
        window = self.window
        return {
            "kernel_size": window.kernel,
            "stride": window.stride,
            "padding": window.padding,
            "dilation": window.dilation,
            "return_indices": self.return_indices,
            "ceil_mode": window.ceil_mode,
        }

    def _settings(self):
        window = self.window
        return window.kernel, window.stride, window.padding, window.dilation, window.ceil_mode

    def forward(self, x, *, accuracy: str = "fast"):
        return F.max_pool2d(x, *self._settings(), return_indices=self.return_indices)

    def bound(self, x, *, accuracy: str):
        if self.return_indices or not is_channels_last(x):
            return None
        return bind_largest(x.shape, window_rules("MaxPool2d", x.shape[2:], *self._settings()))

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        y, places = F.max_pool2d(x, *self._settings(), return_indices=True)
        return ((y, places) if self.return_indices else y), places, {}

    def backward(self, grads, passage):
        if grads[0] is None:  # only the indices were asked of, which have no gradient
            return (None,), {}
        x = passage.x if passage.saved is None else passage.shapes[0]
        return (F.max_pool2d_backward(grads[0], x, *self._settings(), indices=passage.saved),), {}

    def output_shape(self, shape):
        result = super().output_shape(shape)
        return (result, result) if self.return_indices else result

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 8 * prod(super().output_shape(shape))  # the winners' positions, int64

    def describe_arguments(self) -> str:
        return super().describe_arguments() + (", return_indices=True" if self.return_indices else "")


class AvgPool2d(_Pool2d):
    """The mean of each window, per channel.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's AvgPool2d.
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override=None):
        if divisor_override is not None:
            divisor_override = check.integer(divisor_override, "divisor_override", "AvgPool2d", 1)
        self._set(
            window=self._window(kernel_size, stride, padding, 1, ceil_mode),
            count_include_pad=bool(count_include_pad),
            divisor_override=divisor_override,
        )

    def fields(self) -> dict:
        window = self.window
        return {
            "kernel_size": window.kernel,
            "stride": window.stride,
            "padding": window.padding,
            "ceil_mode": window.ceil_mode,
            "count_include_pad": self.count_include_pad,
            "divisor_override": self.divisor_override,
        }

    def _settings(self):
        window = self.window
        return window.kernel, window.stride, window.padding, window.ceil_mode, self.count_include_pad, self.divisor_override

    def forward(self, x, *, accuracy: str = "fast"):
        return F.avg_pool2d(x, *self._settings())

    def backward(self, grads, passage):
        return (F.avg_pool2d_backward(grads[0], passage.shapes[0], *self._settings()),), {}

    def describe_arguments(self) -> str:
        text = super().describe_arguments() + ("" if self.count_include_pad else ", count_include_pad=False")
        return text + (f", divisor_override={self.divisor_override}" if self.divisor_override is not None else "")


class _AdaptivePool2d(Layer):
    kind = "pool"

    def _sizes(self, output_size):
        what = type(self).__name__
        pair = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
        if len(pair) != 2:
            raise ArgumentError(f"{what}: output_size is one number or (rows, columns), None keeping a size, but it is {output_size!r}.")
        return tuple(None if size is None else check.integer(size, "output_size", what, 1) for size in pair)

    def axes(self, shape):
        rows, columns = map(Adaptive, self.output_size)
        return ((rows, columns),)

    def output_shape(self, shape):
        batch = batched(shape, type(self).__name__)
        size = (rule.out_size(n) for rule, n in zip(self.axes(batch)[0], batch[2:], strict=True))
        return like(shape, (*batch[:2], *size))

    def describe_arguments(self) -> str:
        return f"{short(self.output_size)}"


class AdaptiveAvgPool2d(_AdaptivePool2d):
    """The mean of as many windows as asked for; (1, 1) is global average pooling.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d((1, 1))(np.ones((8, 512, 7, 7), np.float32)).shape
    (8, 512, 1, 1)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's AdaptiveAvgPool2d; Lin et al. (2014), section 3.2.
    """

    def __init__(self, output_size):
        self._set(output_size=self._sizes(output_size))

    def fields(self) -> dict:
        return {"output_size": self.output_size}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.adaptive_avg_pool2d(x, self.output_size)

    def bound(self, x, *, accuracy: str):
        return bind_means(x.shape) if self.output_size == (1, 1) and is_channels_last(x) and x.size >= WORTH_A_KERNEL else None

    def backward(self, grads, passage):
        return (F.adaptive_avg_pool2d_backward(grads[0], passage.shapes[0], self.output_size),), {}


class AdaptiveMaxPool2d(_AdaptivePool2d):
    """The largest number of as many windows as asked for.

    >>> import numpy as np
    >>> AdaptiveMaxPool2d(2)(np.arange(9.0).reshape(1, 1, 3, 3)).tolist()
    [[[[4.0, 5.0], [7.0, 8.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's AdaptiveMaxPool2d.
    """

    def __init__(self, output_size, return_indices: bool = False):
        self._set(output_size=self._sizes(output_size), return_indices=bool(return_indices))
        if return_indices:
            self._set(results=("output", "indices"))

    def fields(self) -> dict:
        return {"output_size": self.output_size, "return_indices": self.return_indices}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.adaptive_max_pool2d(x, self.output_size, return_indices=self.return_indices)

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        y, places = F.adaptive_max_pool2d(x, self.output_size, return_indices=True)
        return ((y, places) if self.return_indices else y), places, {}

    def backward(self, grads, passage):
        if grads[0] is None:
            return (None,), {}
        x = passage.x if passage.saved is None else passage.shapes[0]
        return (F.adaptive_max_pool2d_backward(grads[0], x, self.output_size, indices=passage.saved),), {}

    def output_shape(self, shape):
        result = super().output_shape(shape)
        return (result, result) if self.return_indices else result

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 8 * prod(super().output_shape(shape))  # the winners' positions, int64

    def describe_arguments(self) -> str:
        return super().describe_arguments() + (", return_indices=True" if self.return_indices else "")
