"""How far rounding may be off: every sound way of summing is inside, sums in float16 and float32 are outside; and accounts by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn import functional as F
from minicnn.grade import accounts, bounds
from minicnn.grade.domains import sliding

SETTINGS = sliding(stride=3, padding=2, N=(1, 2), C=(1, 3), K=(1, 3))


def drawn(data, dtype, scale=1.0):
    s, rng = data.draw(SETTINGS), np.random.default_rng(data.draw(st.integers(0, 99)))
    shapes = {"x": (s["N"], s["C"], s["H"], s["W"]), "weight": (s["K"], s["C"], s["kh"], s["kw"]), "bias": (s["K"],)}
    arrays = {name: (rng.standard_normal(shape) * scale).astype(dtype) for name, shape in shapes.items()}
    return {**arrays, "stride": (s["sh"], s["sw"]), "padding": (s["ph"], s["pw"])}


def law(arguments):
    return F.conv2d(*(arguments[name].astype(np.float64) for name in ("x", "weight", "bias")), arguments["stride"], arguments["padding"])


def by_fft(x, weight, bias, stride, padding):
    """Return conv2d by the correlation theorem, over as many points as padded image and kernel have together."""
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    kernel = weight.shape[2:]
    points = [n + k - 1 for n, k in zip(padded.shape[2:], kernel, strict=True)]
    product = np.einsum("nchw,kchw->nkhw", np.fft.rfft2(padded, points), np.conj(np.fft.rfft2(weight, points)))
    whole = np.fft.irfft2(product, points)[:, :, : padded.shape[2] - kernel[0] + 1, : padded.shape[3] - kernel[1] + 1]
    return whole[:, :, :: stride[0], :: stride[1]] + bias[:, None, None]


def one_by_one(x, weight, bias, stride, padding, dtype=None):
    """Return conv2d summed tap by tap, the bias first, in a dtype."""
    dtype = dtype or x.dtype
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding))).astype(dtype)
    (N, _, H, W), (K, C, *kernel) = x.shape, weight.shape
    P, Q = ((n - k) // s + 1 for n, k, s in zip((H, W), kernel, stride, strict=True))
    y = np.zeros((N, K, P, Q), dtype) + bias.astype(dtype)[:, None, None]
    for c, i, j in np.ndindex(C, *kernel):
        seen = x[:, c, i : i + (P - 1) * stride[0] + 1 : stride[0], j : j + (Q - 1) * stride[1] + 1 : stride[1]]
        y += seen[:, None] * weight[:, c, i, j].astype(dtype)[:, None, None]
    return y


@pytest.mark.parametrize("way", [by_fft, one_by_one])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_sound_ways_are_inside(way, dtype, data):
    arguments = drawn(data, dtype, scale=data.draw(st.sampled_from([1.0, 1e-3, 1e4])))
    assert (np.abs(way(**arguments) - law(arguments)) <= bounds.of_conv2d(arguments)).all()


@pytest.mark.parametrize(("inside", "outside"), [(np.float64, np.float32), (np.float32, np.float16)])
def test_a_narrower_dtype_is_outside(inside, outside):
    rng, told = np.random.default_rng(3), 0
    for _ in range(20):
        arrays = {
            name: rng.standard_normal(shape).astype(inside)
            for name, shape in (("x", (1, 2, 5, 4)), ("weight", (3, 2, 2, 3)), ("bias", (3,)))
        }
        arguments = {**arrays, "stride": (1, 2), "padding": (1, 0)}
        told += (np.abs(one_by_one(**arguments, dtype=outside) - law(arguments)) > bounds.of_conv2d(arguments)).any()
    assert told == 20


@given(st.data())
def test_backward_in_float32_is_inside(data):
    arguments = drawn(data, np.float32)
    y = law(arguments)
    grad = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    given_ = {"grad_output": grad, **{name: arguments[name] for name in ("x", "weight", "stride", "padding")}}
    right = F.conv2d_backward(
        *(given_[name].astype(np.float64) for name in ("grad_output", "x", "weight")), arguments["stride"], arguments["padding"]
    )
    for own, value, bound in zip(F.conv2d_backward(**given_), right, bounds.of_conv2d_backward(given_), strict=True):
        assert (np.abs(own - value) <= bound).all()
        assert np.broadcast_shapes(bound.shape, value.shape) == value.shape


def test_a_table_of_running_sums_is_inside():
    x = np.random.default_rng(4).standard_normal((2, 3, 7, 5)).astype(np.float32)
    table = np.pad(x.cumsum(2, dtype=np.float32).cumsum(3, dtype=np.float32), ((0, 0), (0, 0), (1, 0), (1, 0)))
    mean = (table[:, :, 2:, 3:] - table[:, :, :-2, 3:] - table[:, :, 2:, :-3] + table[:, :, :-2, :-3]) / 6
    off = np.abs(mean - F.avg_pool2d(x.astype(np.float64), (2, 3), 1))
    assert (off <= bounds.mean_bound(x)).all()
    wide = x.astype(np.float64)
    assert (np.abs(x.mean((2, 3)) - wide.mean((2, 3))) > bounds.mean_bound(wide)[:, :, 0, 0]).any()  # float32 where float64 is wanted


CONV = {
    "x": np.arange(1.0, 13).reshape(1, 2, 2, 3),
    "weight": np.arange(1.0, 9).reshape(2, 1, 2, 2),
    "bias": np.array([0.5, -1]),
    "stride": (1, 2),
    "padding": (0, 1),
    "groups": 2,
}


def test_account_of_a_grouped_convolution_by_hand():
    account = accounts.of_conv2d(CONV, (0, 1, 0, 0))
    assert account.equation == "y[0,1,0,0] = Σ x·weight + bias[1]"
    assert account.terms == (
        ("x[0,1,0,-1] is padding", 0.0, 5.0, 0.0),
        ("x[0,1,0,0] · weight[1,0,0,1]", 7.0, 6.0, 42.0),
        ("x[0,1,1,-1] is padding", 0.0, 7.0, 0.0),
        ("x[0,1,1,0] · weight[1,0,1,1]", 10.0, 8.0, 80.0),
        ("bias[1]", -1.0, None, None),
    )
    assert account.total == 121


def test_accounts_of_gradients_by_hand():
    grad = np.array([[[[1.0, 2]]]])
    arguments = {"grad_output": grad, "x": CONV["x"][:, :1], "weight": CONV["weight"][:1], "stride": (1, 2), "padding": (0, 1)}
    by_x = accounts.of_conv2d_backward(arguments, (0, 0, 0, 1, 2))
    assert by_x.terms == (("grad_output[0,0,0,1] · weight[0,0,1,1]", 2.0, 4.0, 8.0),)
    by_weight = accounts.of_conv2d_backward(arguments, (1, 0, 0, 1, 0))
    assert [term[0] for term in by_weight.terms] == ["x[0,0,1,-1] is padding", "x[0,0,1,1] · grad_output[0,0,0,1]"]
    assert by_weight.total == 2 * 5
    assert accounts.of_conv2d_backward(arguments, (2, 0)).total == 3
