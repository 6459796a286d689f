"""Which question: what are the kernel, stride, padding and dilation of one sliding step, in every spelling?

Idea: `Window` is what a convolution or pooling is given, for both axes; it hands each axis its rule
(axis.py), and is the one place where padding conventions are converted: PyTorch's numbers and pairs,
the order of torch's F.pad, ONNX's, and TensorFlow's SAME.

Cost: nothing is computed but sizes.  What it does not do: channels and groups; those are the layer's.
Source: Dumoulin & Visin (2016), relationship 14; TensorFlow's documentation of SAME padding.
Next rooms: field.py, conv/reference.py.
"""

from dataclasses import dataclass

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
Sides = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, padding and dilation of one sliding step over rows and columns.

    Build one with `Window.of`, which takes every convention that users have:

    >>> Window.of(3, stride=2, padding=1).output_size((7, 9))
    (4, 5)
    >>> Window.of((3, 5), padding=((0, 1), (2, 2))).padding
    ((0, 1), (2, 2))
    >>> Window.of(3, stride=2, padding="same").resolve((224, 224)).padding   # TensorFlow's rule
    ((0, 1), (0, 1))

    Raises ArgumentError for a setting outside its range, ShapeError where a kernel does not fit.
    Source: Dumoulin & Visin (2016), relationship 14; TensorFlow's documentation of SAME padding.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Sides | str  # the string is 'same', whose sides depend on the input's size
    dilation: tuple[int, int]
    padding_mode: str = "zeros"
    ceil_mode: bool = False

    @classmethod
    def of(cls, kernel, stride=1, padding=0, dilation=1, *, padding_mode="zeros", ceil_mode=False, what="window") -> "Window":
        return cls(
            kernel=check.pair(kernel, "kernel_size", what, 1),
            stride=check.pair(stride, "stride", what, 1),
            padding=sides(padding, what),
            dilation=check.pair(dilation, "dilation", what, 1),
            padding_mode=check.one_of(padding_mode, "padding_mode", what, PADDING_MODES),
            ceil_mode=bool(ceil_mode),
        )

    def resolve(self, in_size: tuple[int, int]) -> "Window":
        """Return the same window with 'same' turned into the sides that it means at this input size."""
        if self.padding != "same":
            return self
        rows, columns = (same_sides(n, k, s, d) for n, k, s, d in zip(in_size, self.kernel, self.stride, self.dilation, strict=True))
        return Window(self.kernel, self.stride, (rows, columns), self.dilation, self.padding_mode, self.ceil_mode)

    def axes(self, in_size: tuple[int, int]) -> tuple[Slide, Slide]:
        """Return the rule for rows and the rule for columns."""
        fixed = self.resolve(in_size)
        rows, columns = (
            Slide(k, s, before, after, d, self.ceil_mode, self.padding_mode)
            for k, s, (before, after), d in zip(fixed.kernel, fixed.stride, fixed.padding, fixed.dilation, strict=True)
        )
        return rows, columns

    def output_size(self, in_size: tuple[int, int], what: str = "window") -> tuple[int, int]:
        """Return (rows, columns) that come out; ShapeError where the kernel is larger than the padded input."""
        sizes = []
        for n, rule, word in zip(in_size, self.axes(in_size), ("rows", "columns"), strict=True):
            try:
                sizes.append(rule.out_size(n))
            except ShapeError as error:
                need = rule.extent - n - rule.before - rule.after
                raise ShapeError(
                    f"{what}: the kernel must fit into the padded input, but over the {word} {error} "
                    f"The input has {in_size[0]}×{in_size[1]} positions; pad by {need} more, or use a smaller kernel."
                ) from None
            if rule.mode == "reflect" and max(rule.before, rule.after) >= n or rule.mode == "circular" and max(rule.before, rule.after) > n:
                most = n - 1 if rule.mode == "reflect" else n
                raise ShapeError(
                    f"{what}: {rule.mode} padding takes at most {most} from {n} {word}, but padding is "
                    f"({rule.before}, {rule.after}); pad less, or use padding_mode='zeros'."
                )
        return sizes[0], sizes[1]

    @property
    def is_pointwise(self) -> bool:
        """Whether an output position sees one input position only."""
        return self.kernel == (1, 1)

    def padded(self, in_size: tuple[int, int]) -> bool:
        """Whether any side is padded at this input size."""
        return any(side for axis in self.resolve(in_size).padding for side in axis)


def sides(padding, what: str = "window") -> Sides | str:
    """Return ((top, bottom), (left, right)) from an int, a pair, two pairs, 'valid'; 'same' stays a word.

    >>> sides(1), sides((1, 2)), sides("valid")
    (((1, 1), (1, 1)), ((1, 1), (2, 2)), ((0, 0), (0, 0)))
    """
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ArgumentError(f"{what}: padding must be a number, a pair, two pairs, 'valid' or 'same', but it is {padding!r}.")
        return "same" if padding == "same" else ((0, 0), (0, 0))
    if isinstance(padding, list | tuple) and len(padding) == 4 and all(isinstance(side, int) for side in padding):
        raise ArgumentError(
            f"{what}: padding takes one number, (vertical, horizontal) or ((top, bottom), (left, right)), but it is {padding!r}. "
            f"From torch.nn.functional.pad's (left, right, top, bottom) write window.from_torch_pad{tuple(padding)}."
        )
    if isinstance(padding, list | tuple) and any(isinstance(side, list | tuple) for side in padding):
        if len(padding) != 2 or not all(isinstance(side, list | tuple) and len(side) == 2 for side in padding):
            raise ArgumentError(f"{what}: unequal padding is ((top, bottom), (left, right)), but it is {padding!r}.")
        (top, bottom), (left, right) = (check.pair(side, "padding", what, 0) for side in padding)
        return (top, bottom), (left, right)
    vertical, horizontal = check.pair(padding, "padding", what, 0)
    return (vertical, vertical), (horizontal, horizontal)


def same_sides(n: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return (before, after) so that out = ceil(n / stride), the odd one after: TensorFlow's SAME.

    >>> same_sides(224, kernel=3, stride=2, dilation=1), same_sides(224, kernel=5, stride=2, dilation=1)
    ((0, 1), (1, 2))
    """
    total = max((-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
    return total // 2, total - total // 2


def from_torch_pad(left: int, right: int, top: int = 0, bottom: int = 0) -> Sides:
    """Return our sides from the order of torch.nn.functional.pad, which starts at the last axis.

    >>> from_torch_pad(1, 2, 3, 4)
    ((3, 4), (1, 2))
    """
    return (top, bottom), (left, right)


def from_onnx_pads(top: int, left: int, bottom: int, right: int) -> Sides:
    """Return our sides from ONNX's order: all the begins, then all the ends.

    >>> from_onnx_pads(3, 1, 4, 2)
    ((3, 4), (1, 2))
    """
    return (top, bottom), (left, right)
