"""Which question: what do Unfold and Fold answer?

Unfold lays every window of a map out as a column, Fold adds columns up to a map; each is the other's gradient.
Columns have no rows and columns of their own any more, so what looks at them looks, as far as positions are
concerned, at the whole map, as behind Flatten.
Source: PyTorch's Unfold and Fold.  Next room: functional/fold.py.
"""

from minicnn import check
from minicnn import functional as F
from minicnn.axis import Whole
from minicnn.functional.fold import maps_shape
from minicnn.layers.base import Layer, batched, like, short
from minicnn.window import Window


class _Windows(Layer):
    """What the two have in common: the settings of one window."""

    def _set_window(self, kernel_size, dilation, padding, stride) -> None:
        window = Window.of(kernel_size, stride, padding, dilation, what=type(self).__name__)
        self._set(kernel_size=window.kernel, dilation=window.dilation, padding=window.padding, stride=window.stride)

    def fields(self) -> dict:
        return {"kernel_size": self.kernel_size, "dilation": self.dilation, "padding": self.padding, "stride": self.stride}

    def describe_arguments(self) -> str:
        own = {"dilation": 1, "padding": 0, "stride": 1}
        changed = ((name, short(getattr(self, name))) for name in own)
        return ", ".join([f"{short(self.kernel_size)}", *(f"{name}={value!r}" for name, value in changed if value != own[name])])


class Unfold(_Windows):
    """Every window as a column: (N, C, H, W) → (N, C·kh·kw, number of windows).

    >>> import numpy as np
    >>> Unfold((3, 2))(np.ones((2, 4, 9, 7))).shape
    (2, 24, 42)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Unfold, its order of arguments.
    """

    kind = "unfold"

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        self._set_window(kernel_size, dilation, padding, stride)

    def forward(self, x, *, accuracy: str = "fast"):
        return F.unfold(x, **self.fields())

    def backward(self, grads, passage):
        return (F.unfold_backward(grads[0], passage.shapes[0], **self.fields()),), {}

    def output_shape(self, shape):
        n, channels, *size = batched(shape, "Unfold")
        window = Window.of(self.kernel_size, self.stride, self.padding, self.dilation, what="Unfold")
        rows, columns = window.output_size(tuple(size), "Unfold")
        return like(shape, (n, channels * self.kernel_size[0] * self.kernel_size[1], rows * columns))

    def axes(self, shape):
        return ((Whole("unfold"), Whole("unfold")),)


class Fold(_Windows):
    """Columns added up to a map of output_size: (N, C·kh·kw, number of windows) → (N, C, H, W).

    >>> import numpy as np
    >>> Fold((9, 7), (3, 2))(np.ones((2, 24, 42))).shape
    (2, 4, 9, 7)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Fold, its order of arguments.
    """

    kind = "fold"

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        self._set_window(kernel_size, dilation, padding, stride)
        self._set(output_size=check.pair(output_size, "output_size", "Fold", 1))

    def fields(self) -> dict:
        return {"output_size": self.output_size, **super().fields()}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.fold(x, **self.fields())

    def backward(self, grads, passage):
        return (F.fold_backward(grads[0], passage.shapes[0], **self.fields()),), {}

    def output_shape(self, shape):
        maps, _ = maps_shape("Fold", shape, **self.fields())
        return maps[1:] if len(shape) == 2 else maps

    def axes(self, shape):
        rows, columns = self.output_size
        return ((Whole("fold", rows), Whole("fold", columns)),)

    def describe_arguments(self) -> str:
        return f"{short(self.output_size)}, {super().describe_arguments()}"
