"""Which question: how do numbers go to the positions that winning indices name, and back?

Idea: a maximum hands out one number and forgets where it stood; its index remembers.  An index is row·W + column
in one plane, the same for all images and channels, so each plane is a list of numbers and a list of places.
What goes back through a maximum is added up at its place (`collect`); unpooling writes there (unpooling.py).
Indices that come from outside are read once before any kernel follows them into memory.

Cost: one pass over the indices, one over the plane.  What it does not do: find winners (pooling.py, adaptive.py).
Source: PyTorch's documentation of max_pool2d (return_indices) and max_unpool2d.  Next room: unpooling.py.
"""

import numpy as np

from minicnn.conv.algorithm import plain
from minicnn.errors import ArgumentError, DTypeError, ShapeError

WORTH_WAKING = 1 << 14  # numbers: pooling them takes one core about as long as waking the others


def collect(grad: np.ndarray, indices: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array (N, C, H, W) of `shape` that holds at each position the sum of grad where the index names it.

    >>> collect(np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[0, 3, 3]]]]), (1, 1, 2, 2))
    array([[[[1., 0.],
             [0., 5.]]]])
    """
    from minicnn.functional.pooling_kernel import add_at  # Numba loads here, not with the package

    total = np.empty((shape[0] * shape[1], shape[2] * shape[3]), grad.dtype)
    run(add_at, total.size, by_planes(grad), by_planes(indices), total)
    return total.reshape(shape)


def by_planes(array: np.ndarray) -> np.ndarray:
    """Return (N, C, P, Q) as kernels take it: one line of numbers per plane, contiguous and locked."""
    n, channels, rows, columns = array.shape
    return plain(array).reshape(n * channels, rows * columns)


def run(kernel, size: int, *arguments) -> None:
    """Run a kernel on this core where `size` numbers are not worth waking the others for, else on all (same bits)."""
    with np.errstate(all="ignore"):  # uncompiled, NumPy would remark on infinities
        (kernel.alone if size < WORTH_WAKING else kernel)(*arguments)


def check_indices(indices, shape: tuple[int, ...], size: tuple[int, int], what: str, of: str = "the output") -> np.ndarray:
    """Return indices when they are int64, of the given shape, and all name a position of a plane of `size`.

    >>> check_indices(np.array([[[0, 5]]]), (1, 1, 2), (2, 3), "max_unpool2d")
    array([[[0, 5]]])
    """
    if not isinstance(indices, np.ndarray) or indices.dtype != np.int64 or not indices.dtype.isnative:
        found = f"an array of {indices.dtype}" if isinstance(indices, np.ndarray) else f"a {type(indices).__name__}"
        raise DTypeError(
            f"{what}: indices must be an int64 array, as max_pool2d(…, return_indices=True) hands out, but it is {found}; "
            "pass np.asarray(indices, np.int64)."
        )
    if indices.shape != tuple(shape):
        raise ShapeError(
            f"{what}: indices must hold one place for every number of {of}, {tuple(shape)}, but indices.shape={indices.shape}; "
            "take those that the same pooling of the same map returned."
        )
    positions = size[0] * size[1]
    # read as unsigned, a negative number is larger than any plane: one comparison finds both mistakes
    if indices.size and int(indices.view(np.uint64).max()) >= positions:
        _refuse(indices, size, what)
    return np.asarray(indices)


def _refuse(indices: np.ndarray, size: tuple[int, int], what: str) -> None:
    """Say which index names no position."""
    height, width = size
    where = tuple(map(int, np.argwhere((indices < 0) | (indices >= height * width))[0]))
    wrong = int(indices[where])
    reading = f"row {wrong // width}, column {wrong % width}" if wrong >= 0 else "before the first"
    raise ArgumentError(
        f"{what}: an index is row·{width} + column in a plane of {height}×{width} positions, so 0 … {height}·{width} - 1 = "
        f"{height * width - 1}, but indices{list(where)} is {wrong} ({reading}). "
        "Indices belong to the plane that was pooled: its size must be the same here."
    )
