"""Which question: how is an operation that treats every number by itself done in one pass over memory?

Idea: NumPy reads and writes whole arrays once per step, and a map larger than the cache travels every time.  A kernel
does all steps while it has the number: `one_pass` calls one that treats all numbers alike, `by_planes` one that asks
which plane, one image's one channel, a number lies in.

A kernel's blocks depend on the size only, and no number meets another, so the bits do not depend on the number of threads.
Small arrays are in the cache anyway: below WORTH_A_KERNEL an operation keeps to NumPy, which spares loading Numba.

Cost: one read and one write, and some microseconds a call.  What it does not do: check its arguments; sums along an axis.
Source: Drepper (2007), "What every programmer should know about memory", section 6.2.  Next room: activation_kernel.py.
"""

import numpy as np

from minicnn.conv.algorithm import plain
from minicnn.conv.memory_format import empty, is_channels_last, pixels

WORTH_A_KERNEL = 1 << 14  # numbers: NumPy's passes over them stay in the cache
WORTH_WAKING = 1 << 17  # numbers: one core is done with them before the others are awake
BLOCK = 1 << 15  # numbers that a thread takes at a time
PIECE = 1 << 14  # numbers that stay in the nearest memories while they are read again


def one_pass(kernel, shape: tuple[int, ...], *arrays: np.ndarray, settings: tuple = ()) -> np.ndarray:
    """Return a new array that a kernel (arrays…, settings…, y, block) filled, all arrays as lines of numbers.

    Where all arrays are channels_last (conv/memory_format.py) so is y: the numbers are met in the order in which they lie.
    A setting is a number or a tuple of numbers, which the kernel gets in the arrays' dtype.
    """
    last = all(array.shape == shape and is_channels_last(array) for array in arrays)
    y = empty(shape, arrays[0].dtype) if last else np.empty(shape, arrays[0].dtype)
    lines = [plain(pixels(array) if last else array).reshape(-1) for array in arrays]
    line = (pixels(y) if last else y).reshape(-1)
    with np.errstate(all="ignore"):  # uncompiled, NumPy would remark on infinities
        number = y.dtype.type
        settings = [tuple(map(number, setting)) if isinstance(setting, tuple) else number(setting) for setting in settings]
        (kernel.alone if y.size < WORTH_WAKING else kernel)(*lines, *settings, line, BLOCK)
    return y


def by_planes(kernel, planes: np.ndarray, y: np.ndarray, *tables: np.ndarray) -> np.ndarray:
    """Return y, which a kernel (planes, tables…, y, planes of a block) filled from planes, (number, numbers of each)."""
    each = max(1, BLOCK // max(1, planes.shape[1]))
    with np.errstate(all="ignore"):
        (kernel.alone if planes.size < WORTH_WAKING else kernel)(plain(planes), *map(plain, tables), y, each)
    return y
