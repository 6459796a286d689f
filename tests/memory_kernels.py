"""A sample call for each kernel of the operations at memory speed: test_jit.py runs each compiled and uncompiled."""

import numpy as np

from minicnn.functional import (
    activation_kernel,
    erf,
    exponential_kernel,
    gelu_kernel,
    planes_kernel,
    pooling_lanes,
    resize_kernel,
    smooth_kernel,
)

MODULES = (activation_kernel, exponential_kernel, gelu_kernel, planes_kernel, pooling_lanes, resize_kernel, smooth_kernel)
X = np.array([np.nan, -np.inf, -4, -2, -0.0, 0, 0.5, 1, 3, 6, 7, np.inf, -1, 2, -3, 5, 4], np.float32)
DEEP = np.array([0, -0.0, -0.5, -3, -20, -88, -103, -104.5, -746, -1e30, -np.inf, np.nan])


BELL = tuple(
    tuple(map(np.float32, numbers)) for numbers in ((erf.ERFC_EDGE, erf.NEAR_ENDS, erf.NOTHING_LEFT), *erf.CENTRE, *erf.NEAR, *erf.FAR)
)


def locked(array):
    array = array.view()
    array.flags.writeable = False
    return array


def fills(shape, *before, after=()):
    """Return what calls a kernel (before…, y, after…) and hands out y."""

    def call(kernel):
        y = np.zeros(shape, np.float32)
        with np.errstate(all="ignore"):
            kernel(*(locked(part) if isinstance(part, np.ndarray) else part for part in before), y, *after)
        return y

    return call


def exponentials(dtype):
    def call(kernel):
        with np.errstate(all="ignore"):
            return [kernel(x) for x in DEEP.astype(dtype)]

    return call


def pooled_over_rows(kernel):
    lines = np.full(2 * 48, -np.inf, np.float32)
    x = np.arange(50, dtype=np.float32) % 7
    kernel(x, np.array([0, 20]), np.array([2, 3]), 10, 2, 10, lines, 48, 1)
    return lines


def pooled_over_columns(kernel):
    y = np.zeros((3, 2, 5), np.float32)
    for i, (kernel_w, stride, dilation) in enumerate(((3, 2, 1), (2, 1, 3), (1, 2, 1))):
        kernel(np.arange(96, dtype=np.float32) * 11 % 13, 48, 2, kernel_w, stride, dilation, y[i].reshape(-1), 0, 5)
    return y


def pooled(kernel, *head):
    y = np.zeros((3, 3, 5), np.float32)
    x = (np.arange(150, dtype=np.float32) * 11 % 17).reshape(3, 5, 10)
    starts, counts = np.array([0, 10, 30]), np.array([2, 3, 2])  # 3×3 windows of stride 2, one row and column of padding
    if kernel.__name__ == "pool_some":
        kernel(x.reshape(-1), y.reshape(-1), starts, counts, 10, (5, 10), (3, 5), 3, 2, 1, 1)
    else:
        kernel(x, y, starts, counts, 10, 3, 2, 1, 1)
    return y


def sample_calls() -> dict:
    planes = np.arange(60, dtype=np.float32).reshape(6, 10) - 20
    rows, columns = np.array([[0, 0, 1], [0, 1, 1]], np.uint32), np.array([[0, 0, 3, 4], [0, 1, 3, 4]], np.uint32)
    shares = np.array([[1, 0.5, 1], [0, 0.5, 0]], np.float32), np.array([[1, 0.75, 1, 1], [0, 0.25, 0, 0]], np.float32)
    map_ = planes.reshape(6, 2, 5)
    tops = map_.max(axis=1)

    def drawn(kernel):
        y = np.zeros((6, 3, 4), np.float32)
        kernel(locked(map_), y, locked(rows[0]), locked(columns[0]))
        return y

    def drawn_once(kernel):
        y = np.zeros((3, 4), np.float32)
        kernel(locked(map_)[0], y, locked(rows[0]), locked(columns[0]))
        return y

    def mixed(kernel):
        y = np.zeros((6, 3, 4), np.float32)
        kernel(locked(map_), y, rows, shares[0], columns, shares[1])
        return y

    def mixed_once(kernel):
        y = np.zeros((3, 4), np.float32)
        kernel(map_[0], y, np.zeros(5, np.float32), rows, shares[0], columns, shares[1])
        return y

    calls = {name: fills(17, X) for name in ("relu", "relu6", "hardswish", "sigmoid", "silu")}
    calls |= {f"{name}_all": fills(17, X, after=(5,)) for name in list(calls)}
    calls |= {"gelu": fills(17, X, *BELL), "gelu_all": fills(17, X, *BELL, after=(5,))}
    calls |= {"horner": lambda kernel: kernel(np.float32(0.3), BELL[1][0], BELL[1][1:])}
    calls |= {"sloped": fills(17, X[::-1].copy(), X, np.float32(0.25)), "sloped_all": fills(17, X, X, np.float32(-1), after=(5,))}
    calls |= {name: fills(17, X, X[::-1].copy()) for name in ("add", "add_relu")}
    calls |= {name: fills(17, X, X[::-1].copy(), after=(5,)) for name in ("add_all", "add_relu_all")}
    line = np.array([2, 3, 5], np.float32), np.array([1, -1, 0.5], np.float32)
    calls |= {
        "scale_some": fills((6, 10), planes, *line, after=(2,)),
        "scale_planes": fills((6, 10), planes, *line, after=(4,)),
        "sum_of": lambda kernel: kernel(planes[0]),
        "sum_some": fills(6, planes),
        "sum_planes": fills(6, planes, after=(4,)),
        "pick": drawn_once,
        "pick_planes": drawn,
        "mix": mixed_once,
        "mix_planes": mixed,
        "over_rows": pooled_over_rows,
        "over_columns": pooled_over_columns,
        "pool_some": pooled,
        "largest_in_lanes": pooled,
        "exp32": exponentials(np.float32),
        "exp64": exponentials(np.float64),
        "share_along": fills(2, np.zeros(2, np.float32), np.float32(0)),
        "shares_along": fills((6, 2), np.zeros((6, 2), np.float32), np.zeros(6, np.float32)),
        "share_across": fills((2, 5), map_[0] * 0 - 3, tops[0] * 0 - 3, after=(1, 4)),
        "shares_across": fills((6, 2, 5), map_, tops, after=(2,)),
    }
    return calls
