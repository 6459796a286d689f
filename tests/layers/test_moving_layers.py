"""Layers that change no number, only where it is: worked by hand, whole numbers and truth values, views, adjoints, mistakes."""

import numpy as np
import pytest
from differences import assert_adjoint
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import nn, trace
from minicnn.conv.memory_format import channels_last
from minicnn.errors import ArgumentError, DTypeError, ShapeError, WeightsError
from minicnn.layers.base import Passage

KINDS = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
X = np.arange(24).reshape(2, 3, 4)

MOVES = {  # layer: what NumPy makes of X
    nn.Reshape((4, -1)): X.reshape(4, 6),
    nn.Reshape((0, -1, 2)): X.reshape(2, 6, 2),
    nn.Reshape((0, 0, 2, 2)): X.reshape(2, 3, 2, 2),
    nn.Reshape(-1): X.reshape(-1),
    nn.Unsqueeze((0, 2)): X[None, :, None],
    nn.Unsqueeze(-1): X[..., None],
    nn.Squeeze(): X,
    nn.Permute((2, 0, 1)): X.transpose(2, 0, 1),
    nn.Permute((-1, 1, 0)): X.transpose(2, 1, 0),
    nn.Permute(): X.T,
    nn.Slice(1, 3, 1): X[:, 1:3],
    nn.Slice((-3, 1), (-1, 99), (2, 1)): X[:, 1:, -3:-1],
    nn.Slice((3, -1), (-99, 0), (2, 1), (-2, -1)): X[:, -1:0:-1, 3::-2],
    nn.Slice((5,), (9,), (2,)): X[:, :, 5:9],
    nn.Slice((0, 1), (1, 3)): X[0:1, 1:3],
    nn.Take([2, 0, 2], 1): X[:, [2, 0, 2]],
    nn.Take(-1, -1): X[:, :, -1],
    nn.Take([[0, 3], [1, -1]], 2): X[:, :, [[0, 3], [1, -1]]],
    nn.Take([], 0): X[[]],
    nn.Pad(((0, 0), (1, 0), (0, 2))): np.pad(X, ((0, 0), (1, 0), (0, 2))),
    nn.Pad(((0, 0), (-1, 0), (2, -1)), "edge"): np.pad(X[:, 1:, :3], ((0, 0), (0, 0), (2, 0)), "edge"),
    nn.Pad(((0, 0), (2, 1), (3, 0)), "reflect"): np.pad(X, ((0, 0), (2, 1), (3, 0)), "reflect"),
    nn.Pad(((3, 0), (0, 7), (0, 0)), "wrap"): np.pad(X, ((3, 0), (0, 7), (0, 0)), "wrap"),
    nn.Pad(((0, 0), (0, 0), (-1, -1))): X[:, :, 1:-1],
    nn.Pad(((0, 0), (0, 0), (0, 0)), "edge"): X,
}
each = pytest.mark.parametrize(("layer", "moved"), [pytest.param(layer, y, id=repr(layer)) for layer, y in MOVES.items()])


def back(layer, grad, x):
    return layer.backward((grad,), Passage((x,), (None,), (x.shape,), None, False, (True,), False))[0][0]


@each
@KINDS
def test_against_numpy(layer, moved, dtype):
    x = X.astype(dtype)
    y = layer(x)
    assert y.dtype == dtype
    assert y.shape == layer.output_shape(x.shape)
    assert_array_equal(y, moved.astype(dtype))


@each
def test_what_comes_back_is_the_adjoint(layer, moved):
    rng = np.random.default_rng(0)
    x, g = (rng.integers(-9, 10, shape).astype(float) for shape in (X.shape, moved.shape))
    kept = g.copy()
    assert_adjoint(layer, lambda g: back(layer, g, x), x, g)
    assert back(layer, g, x).shape == X.shape
    assert_array_equal(g, kept)


@each
def test_the_repr_builds_it(layer, moved):
    assert_array_equal(eval(f"nn.{layer!r}", {"nn": nn})(X), moved)


@each
def test_a_view_says_so(layer, moved):
    y = layer(X)
    if y.size:
        assert np.shares_memory(y, X) == layer.is_view


@pytest.mark.parametrize("layer", [nn.Reshape((0, -1)), nn.Permute((0, 2, 3, 1)), nn.Slice(1, 3, 1), nn.Unsqueeze(0), nn.Take([1, 0], 1)])
def test_the_order_in_memory_changes_nothing(layer):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    assert_array_equal(layer(channels_last(x)), layer(x))


@given(st.data())
def test_any_slice_is_pythons(data):
    n = data.draw(st.integers(0, 6))
    start, end = data.draw(st.integers(-9, 9)), data.draw(st.integers(-9, 9))
    step = data.draw(st.sampled_from((-3, -2, -1, 1, 2, 3)))
    x = np.arange(2 * n).reshape(2, n)
    layer = nn.Slice(start, end, 1, step)
    assert_array_equal(layer(x), x[:, start:end:step])
    g = np.arange(1.0, 1 + layer(x).size).reshape(layer(x).shape)
    expected = np.zeros((2, n))
    expected[:, start:end:step] = g
    assert_array_equal(back(layer, g, x.astype(float)), expected)


def test_int64_extremes_mean_to_the_end():
    most = np.iinfo(np.int64).max
    assert_array_equal(nn.Slice(0, most, 0)(np.arange(5)), np.arange(5))
    assert_array_equal(nn.Slice(-1, -most, 0, -1)(np.arange(5)), np.arange(5)[::-1])


def test_reshape_of_an_empty_batch_and_of_nothing():
    assert nn.Reshape((0, -1))(np.ones((0, 3, 4))).shape == (0, 12)
    assert nn.Reshape((-1, 12))(np.ones((0, 3, 4))).shape == (0, 12)
    assert nn.Reshape((0, 5), allowzero=True)(np.ones((3, 0))).shape == (0, 5)
    assert nn.Reshape(())(np.ones((1, 1))).shape == ()


def test_shapes_are_worked_out_from_shapes():
    """What a file does: Shape → Gather → Concat → Reshape, in int64."""
    shape = np.array([2, 3, 4], np.int64)
    rows = nn.Unsqueeze(0)(nn.Take(np.array(0), 0)(shape))
    rest = nn.Reduce("prod", 0)(nn.Slice(1, 3, 0)(shape))
    wanted = np.concatenate([nn.Arithmetic("mul", 2)(rows), nn.Arithmetic("div", np.array([2]))(rest)])
    assert_array_equal(wanted, [4, 6])
    assert nn.Reshape(wanted)(X).shape == (4, 6)


def test_views_stand_in_a_trace():
    net = nn.Sequential(nn.Slice(0, 2, 1), nn.Permute((0, 2, 3, 1)), nn.Reshape((0, -1)), nn.Squeeze())
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    assert_array_equal(net(x), x[:, :2].transpose(0, 2, 3, 1).reshape(2, -1))
    assert_array_equal(trace(net, x).outputs[0], net(x))
    assert not np.shares_memory(net(x), x)


def test_long_indices_are_written_as_their_shape():
    layer = nn.Take(np.arange(100) % 4, 2)
    assert repr(layer) == "Take(nn.ShapeOnly((100,), 'int64'), dim=2)"
    known = eval(f"nn.{layer!r}", {"nn": nn})
    assert known.output_shape((2, 3, 4, 5)) == (2, 3, 100, 5)
    assert [rule.out_size(n) for rule, n in zip(known.axes((2, 3, 4, 5))[0], (4, 5), strict=True)] == [100, 5]
    with pytest.raises(WeightsError, match=r"is shape-only: it knows that its indices is \(100,\)"):
        known(np.ones((2, 3, 4, 5)))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (ArgumentError, r"Reshape: one length may be -1, which is worked out from the others, but shape is \(-1, -1\)", lambda: nn.Reshape((-1, -1))),
        (ArgumentError, r"shape\[0\] must be at least -1, but it is -2", lambda: nn.Reshape((-2, 3))),
        (ArgumentError, r"beside an axis of length 0 nothing tells what -1 is", lambda: nn.Reshape((0, -1), allowzero=True)),
        (ShapeError, r"x.shape=\(2, 3, 4\) holds 2 · 3 · 4 = 24 and shape=\(5, 5\) 25; let one length be -1", lambda: nn.Reshape((5, 5))(X)),
        (ShapeError, r"holds 2 · 3 · 4 = 24 and shape=\(5, -1\) a multiple of 5", lambda: nn.Reshape((5, -1))(X)),
        (ShapeError, r"0 means the length of x's axis at this place, axis 3, but x.shape=\(2, 3, 4\) has 3 axes", lambda: nn.Reshape((1, 2, 3, 0))(X)),
        (ShapeError, r"only an axis of length 1 can go, but axis 1 of x.shape=\(2, 3, 4\) has 3; .* nn.Take", lambda: nn.Squeeze(1)(X)),
        (ArgumentError, r"Squeeze: 3 is not an axis of x, which has 3; use -3 … 2", lambda: nn.Squeeze(3)(X)),
        (ArgumentError, r"Unsqueeze: 5 is not an axis of the result, which has 4", lambda: nn.Unsqueeze(5)(X)),
        (ArgumentError, r"Unsqueeze: every axis is named once, but \(0, -5\)", lambda: nn.Unsqueeze((0, -5))(X)),
        (ShapeError, r"dims=\(0, 1\) names 2 and x.shape=\(2, 3, 4\) has 3", lambda: nn.Permute((0, 1))(X)),
        (ArgumentError, r"Permute: every axis is named once, but \(0, 1, 1\)", lambda: nn.Permute((0, 1, 1))(X)),
        (ArgumentError, r"Slice: starts, ends, dims and steps hold one number per axis, but they hold 2, 1, 2 and 2", lambda: nn.Slice((0, 1), (2,))),
        (ArgumentError, r"Slice: a step of 0 goes nowhere", lambda: nn.Slice(0, 1, 0, 0)),
        (ArgumentError, r"Slice: every axis is named once", lambda: nn.Slice((0, 0), (1, 1), (1, -2))(X)),
        (ShapeError, r"axis 1 of x.shape=\(2, 3, 4\) has the positions -3 … 2, but indices names 3", lambda: nn.Take([0, 3], 1)(X)),
        (DTypeError, r"Take: indices are whole numbers, but their dtype is float64", lambda: nn.Take([0.5])),
        (ArgumentError, r"lists of equal lengths", lambda: nn.Take([[0], [1, 2]])),
        (ArgumentError, r"Take: dim must be between -3 and 2 for the 3 axes of x.shape=\(2, 3, 4\), but it is 3", lambda: nn.Take(0, 3)(X)),
        (ArgumentError, r"pads holds one pair \(before, after\) of whole numbers per axis of x.* ONNX lists all befores", lambda: nn.Pad((0, 1, 0, 1))),
        (ShapeError, r"it holds 1 and x.shape=\(2, 3, 4\) has 3 axes", lambda: nn.Pad(((0, 1),))(X)),
        (ShapeError, r"something must be left of axis 1, but 3 - 2 - 2 = -1 of x.shape", lambda: nn.Pad(((0, 0), (-2, -2), (0, 0)))(X)),
        (ShapeError, r"a mirror of 3 positions shows 2 beside its edge, but 3 are wanted of axis 1", lambda: nn.Pad(((0, 0), (3, 0), (0, 0)), "reflect")(X)),
        (ArgumentError, r"only mode='constant' takes a value, but mode is 'edge' and value is 2.0", lambda: nn.Pad(((0, 1),), "edge", 2)),
        (ArgumentError, r"mode must be one of 'constant', 'reflect', 'edge', 'wrap', but it is 'replicate'", lambda: nn.Pad(((0, 1),), "replicate")),
        (DTypeError, r"Reshape: x must be float32, float64, int64 or bool, but its dtype is uint8; convert it", lambda: nn.Reshape(-1)(np.ones(2, np.uint8))),
        (DTypeError, r"Permute: x must be a NumPy array|x must be a NumPy array", lambda: nn.Permute()([1])),
    ],
)  # fmt: skip
def test_mistakes(error, match, call):
    with pytest.raises(error, match=match):
        call()
