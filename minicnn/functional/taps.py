"""Which question: for one tap of a sliding kernel, which outputs does it serve, and from which inputs?

Idea: `Slide.sees` answers per output; `Slide.tap` is the same rule turned round, two slices per tap: the
outputs whose input lies inside 0 … n-1 are a contiguous run, and so are (with a step) their inputs. A loop
over the few taps then moves whole maps, and the padding is never stored.

Cost: O(kernel) slices, no copies.  When it loses: a kernel as large as the map is as many passes.
What it does not do: padding modes other than "zeros" (see pad in rearrange.py).
Source: Dumoulin & Visin (2016), section 2.  Next room: pooling.py.
"""

from collections.abc import Iterator

import numpy as np

from minicnn.axis import Slide


def taps(rule: Slide, n: int, outputs: int) -> Iterator[tuple[int, slice, slice]]:
    """Yield for each tap its number, the outputs that it serves and the inputs they read; taps that serve none are passed over.

    >>> for tap in taps(Slide(kernel=3, stride=2, before=1), 5, outputs=2):
    ...     print(tap)
    (0, slice(1, 2, None), slice(1, 2, 2))
    (1, slice(0, 2, None), slice(0, 3, 2))
    (2, slice(0, 2, None), slice(1, 4, 2))
    """
    for t in range(rule.kernel):
        served, read = rule.tap(t, n, outputs)
        if served.stop > served.start:
            yield t, served, read


def along(array: np.ndarray, axis: int, positions) -> np.ndarray:
    """Return array at `positions` (an index or a slice) of one axis, all of the others: a view.

    >>> along(np.arange(6).reshape(2, 3), 1, slice(0, 2))
    array([[0, 1],
           [3, 4]])
    """
    return array[(slice(None),) * axis + (positions,)]


def resized(array: np.ndarray, axis: int, size: int) -> tuple[int, ...]:
    """Return the shape of array with one axis of another size."""
    return (*array.shape[:axis], size, *array.shape[axis + 1 :])
