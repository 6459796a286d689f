"""Assignment 01: shapes.  Everything here is about one axis, in whole numbers.  The task is in README.md."""


def output_size(in_size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many outputs come out of an axis of `in_size` cells.

    padding: cells added before, and as many after.  dilation: the distance from one tap of the kernel to the next.
    """
    raise NotImplementedError


def same_padding(kernel: int, dilation: int) -> tuple[int, int]:
    """Return (before, after): the padding with which a stride of 1 keeps the size.  An odd cell goes after."""
    raise NotImplementedError


def receptive_field(layers: tuple[tuple[int, int, int, int], ...]) -> tuple[int, int, int]:
    """Return (size, stride, start) of what an output of a stack of layers sees of the input.

    layers: (kernel, stride, padding, dilation) of each, the first layer first.
    size: how many cells output 0 spans.  stride: how far output 1 is from output 0.  start: the first cell of output 0, below 0 in the padding.
    """
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{__file__}" --assignment 01')
