"""Every rung of the ladder against the law: found from LADDER, so a new one is tested from its first day."""

import sys
from pathlib import Path

import numpy as np
import pytest
from device_marks import needs_device
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.conv.contract import allowed_error
from minicnn.conv.cuda.ladder import choose_rung
from minicnn.conv.dispatch import choose_algorithm, conv2d
from minicnn.conv.gallery import LADDER, load_algorithm
from minicnn.window import Window

sys.path.insert(0, str(Path(__file__).parents[1] / "conv"))
from convolutions import Case, convolutions

pytestmark = needs_device
RUNGS = list(LADDER)
FEW = settings(max_examples=5)  # a simulated thread is a thread of Python's
TILED = ("cuda_register_tiled", "cuda_pointwise")


def cropped(case: Case) -> Case:
    """Return the same convolution of fewer images with fewer positions: a simulated block takes a tenth of a second."""
    size = []
    for n, k, d, (before, after) in zip(
        case.x.shape[2:], case.weight.shape[2:], case.arguments["dilation"], case.arguments["padding"], strict=True
    ):
        size.append(min(n, max(d * (k - 1) + 1 - before - after, 1) + 3))
    return Case(case.x[:2, :, : size[0], : size[1]].copy(), case.weight, case.bias, case.arguments)


def fitting(name, **options):
    """Draw small cases to which the rung applies."""
    options.setdefault("kernels", st.just(1) if name == "cuda_pointwise" else st.integers(1, 3))
    cases = convolutions(dtype=np.float32, **options).map(cropped)
    if name == "cuda_depthwise":  # one input channel per group: cut the weight and x down
        cases = cases.map(lambda c: Case(c.x[:, : c.arguments["groups"]].copy(), c.weight[:, :1].copy(), c.bias, c.arguments))
    return cases


def law(*arrays, **arguments):
    return conv2d(*arrays, **arguments, algorithm="reference")


def integers(rng, *shape):
    return rng.integers(-8, 9, shape).astype(np.float32)


def run(name, x, weight, bias, window, groups=1, activation=None, **how):
    """Run a rung as the dispatcher does, or its kernel in another tile."""
    from minicnn.conv.cuda import family

    module = load_algorithm(name)
    prepared = module.prepare(weight, window, groups)
    if not how:
        return module.run(x, prepared, bias, activation)
    return family.through(x, prepared, bias, activation, lambda *given: module.launch(*given, **how))


# 1. By hand.

HAND_X = np.array([[[[1, 2, 0, 1], [0, 1, 3, 1], [2, 0, 1, 2]]]], np.float32)
HAND_W = np.array([[[[1, 0, -1], [2, 1, 0]]]], np.float32)


@pytest.mark.parametrize("name", RUNGS)
def test_rung_by_hand(name):
    """Rows 0-1, columns 0-2: 1·1 + 2·0 + 0·-1 + 0·2 + 1·1 + 3·0 = 2, and so on."""
    if name == "cuda_pointwise":
        x = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]], np.float32)  # two channels, one row, two columns
        w = np.array([[[[10.0]], [[1.0]]], [[[0.0]], [[-1.0]]], [[[1.0]], [[1.0]]]], np.float32)
        y = conv2d(x, w, np.array([0.0, 0.5, 0.0], np.float32), algorithm=name)
        np.testing.assert_array_equal(y[0], [[[13.0, 24.0]], [[-2.5, -3.5]], [[4.0, 6.0]]])
        return
    x, w = np.concatenate([HAND_X, 2 * HAND_X], 1), np.concatenate([HAND_W, -HAND_W])  # two channels, each with the filter of its own
    y = conv2d(x, w, groups=2, algorithm=name)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y[0], [[[2.0, 6.0], [1.0, 1.0]], [[-4.0, -12.0], [-2.0, -2.0]]])
    if name != "cuda_depthwise":
        strided = conv2d(HAND_X, HAND_W, np.array([10.0], np.float32), stride=(1, 2), padding=((0, 1), (1, 0)), algorithm=name)
        np.testing.assert_array_equal(strided[0, 0], [[8.0, 16.0], [11.0, 11.0], [10.0, 8.0]])


# 2. Exact on small integers, and within the contract on everything else.


@pytest.mark.parametrize("name", RUNGS)
@FEW
@given(data=st.data())
def test_rung_is_exact_on_small_integers(name, data):
    case = data.draw(fitting(name, values="integer"))
    kept = [a.copy() for a in case.arrays if a is not None]
    np.testing.assert_array_equal(conv2d(*case.arrays, **case.arguments, algorithm=name), law(*case.arrays, **case.arguments))
    for before, after in zip(kept, (a for a in case.arrays if a is not None), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", RUNGS)
@FEW
@given(data=st.data())
def test_rung_is_within_the_contract(name, data):
    """Also where sums cancel: nearly constant images under zero-mean filters, whose y is tiny, and whose error is not."""
    case = data.draw(fitting(name))
    x, w, b = case.arrays
    if data.draw(st.booleans()):
        x, w, b = 1000 + x, w - w.mean(axis=(1, 2, 3), keepdims=True), None
    y = conv2d(x, w, b, **case.arguments, algorithm=name)
    error = np.abs(y.astype(np.float64) - law(x, w, b, **case.arguments))
    assert (error <= allowed_error(name, x, w, b, **case.arguments)).all()


@pytest.mark.parametrize("name", RUNGS)
@FEW
@given(data=st.data())
def test_rung_passes_non_finite_numbers_as_in_the_law(name, data):
    case = data.draw(fitting(name, values="integer"))
    x, w = case.x.copy(), case.weight.copy()
    for array in data.draw(st.sampled_from([(x,), (w,), (x, w)])):
        array.reshape(-1)[data.draw(st.integers(0, array.size - 1))] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    np.testing.assert_array_equal(conv2d(x, w, case.bias, **case.arguments, algorithm=name), law(x, w, case.bias, **case.arguments))


@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_rung_never_multiplies_padding_by_a_bad_weight(name, bad):
    """Σ over the corner's window leaves the bad weight out, for it stands on padding: 0·∞ would be NaN."""
    side = 1 if name == "cuda_pointwise" else 3
    groups = 2 if name == "cuda_depthwise" else 1
    w = np.ones((2, 2 // groups, side, side), np.float32)
    w[1, 0, 0, 0] = bad
    x = np.ones((1, 2, 4, 5), np.float32)
    y = conv2d(x, w, padding=1, groups=groups, algorithm=name)
    np.testing.assert_array_equal(y, law(x, w, padding=1, groups=groups))
    assert np.isfinite(y[0, 1, 0, 0])


@pytest.mark.parametrize("name", RUNGS)
def test_rung_sees_nothing_at_taps_that_are_not_there(name):
    """A tile's last taps are filled up with weights of 0: were x looked up there, 0·∞ would make a NaN of the sum, which is ∞."""
    groups, side = 3 if name == "cuda_depthwise" else 1, 1 if name == "cuda_pointwise" else 3
    x, w = np.full((1, 3, 4, 4), np.inf, np.float32), np.ones((3, 3 // groups, side, side), np.float32)
    np.testing.assert_array_equal(conv2d(x, w, groups=groups, algorithm=name), np.full((1, 3, 5 - side, 5 - side), np.inf))


@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize(("activation", "function"), [("relu", lambda y: np.maximum(y, 0)), ("relu6", lambda y: np.clip(y, 0, 6))])
def test_rung_applies_the_activation_at_the_store(name, activation, function):
    rng = np.random.default_rng(4)
    groups = 3 if name == "cuda_depthwise" else 1
    x, w = integers(rng, 1, 3, 4, 5), integers(rng, 3, 3 // groups, 1, 1)
    b, window = np.array([1.0, -2.0, np.nan], np.float32), Window.of(1, padding=1)
    plain = run(name, x, w, b, window, groups)
    np.testing.assert_array_equal(run(name, x, w, b, window, groups, activation), function(plain))


@pytest.mark.parametrize("name", RUNGS)
def test_rung_applies_silu_at_the_store(name):
    """v / (1 + e^-v): e^-|v| is rounded to 2 units, the sum, the quotient and a product to half a unit each; 8 halves allow for that."""
    rng = np.random.default_rng(5)
    groups = 3 if name == "cuda_depthwise" else 1
    x, w, window = integers(rng, 1, 3, 4, 5), integers(rng, 3, 3 // groups, 1, 1), Window.of(1)
    v = run(name, x, w, None, window, groups).astype(np.float64)
    expected = v / (1 + np.exp(-v))
    found = run(name, x, w, None, window, groups, "silu")
    assert (np.abs(found - expected) <= 4 * np.finfo(np.float32).eps * np.abs(expected) + np.finfo(np.float32).tiny).all()


@pytest.mark.parametrize("name", RUNGS)
def test_rung_takes_empty_batches_single_images_and_any_layout(name):
    groups, side = 2 if name == "cuda_depthwise" else 1, 1 if name == "cuda_pointwise" else 3
    w = integers(np.random.default_rng(0), 4, 2 // groups, side, side)
    y = conv2d(np.ones((0, 2, 5, 4), np.float32), w, groups=groups, algorithm=name)
    assert y.shape == (0, 4, 6 - side, 5 - side)
    one = np.arange(40, dtype=np.float32).reshape(2, 4, 5).transpose(0, 2, 1)  # its rows are not rows of memory
    single = conv2d(one, w, groups=groups, algorithm=name)
    np.testing.assert_array_equal(single, law(one[None], w, groups=groups)[0])
    assert single.flags.writeable


# 3. Tiles: their edges, and each of their sizes.


@pytest.mark.parametrize("side", [4, 16])
def test_tiled_in_tiles_of_two_sizes(side):
    """5 filters, 12 taps and 24 pixels: none of them whole tiles of 16, and several of 4."""
    from minicnn.conv.cuda import tiled

    rng = np.random.default_rng(1)
    x, w, b = integers(rng, 2, 6, 4, 4), integers(rng, 10, 3, 2, 2), integers(rng, 10)
    how = {"kernel": tiled.tile(side), "side": side}
    y = run("cuda_tiled", x, w, b, Window.of((2, 2), padding=((0, 0), (1, 0))), 2, **how)
    np.testing.assert_array_equal(y, law(x, w, b, padding=((0, 0), (1, 0)), groups=2))


CASES = {  # x, weight, groups: what lies at the edges of tiles
    "one tile of each of two groups, mostly empty": ((2, 16, 3, 4), (6, 8), 2),
    "two tiles of pixels, rows of which are four pixels wide": ((3, 8, 12, 4), (5, 8), 1),
    "two tiles of filters, and a third of taps that is empty but for one": ((1, 17, 3, 3), (34, 17), 1),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", TILED)
def test_tiles_in_the_size_that_is_chosen(name, case):
    x_shape, w_shape, groups = CASES[case]
    rng, side = np.random.default_rng(2), 1 if name == "cuda_pointwise" else 2
    x, w, b = integers(rng, *x_shape), integers(rng, *w_shape, side, side), integers(rng, w_shape[0])
    np.testing.assert_array_equal(conv2d(x, w, b, groups=groups, algorithm=name), law(x, w, b, groups=groups))


@pytest.mark.parametrize("size", [0, 1, 2])
@pytest.mark.parametrize("name", TILED)
def test_tiles_of_every_size(name, size):
    """The largest has 128 × 128 outputs: two blocks of filters, and a third of the pixels of one."""
    from minicnn.conv.cuda.product import TILES

    tile = list(TILES)[size]
    rng, side = np.random.default_rng(3), 1 if name == "cuda_pointwise" else 3
    x, w, b = integers(rng, 2, 8, 4, 5), integers(rng, tile.M + 2, 8, side, side), integers(rng, tile.M + 2)
    y = run(name, x, w, b, Window.of(side, padding=side // 2), 1, "relu", tile=tile)
    np.testing.assert_array_equal(y, np.maximum(law(x, w, b, padding=side // 2), 0))


@pytest.mark.parametrize("side_and_stride", [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_depthwise_kernels_that_are_written_out(side_and_stride):
    """Two filters a channel, unequal padding, and a number of rows that no strip divides."""
    from minicnn.conv.cuda import depthwise

    assert set(depthwise.KERNELS) == {(3, 1), (3, 2), (5, 1), (5, 2)}
    side, step = side_and_stride
    rng = np.random.default_rng(4)
    x, w, b = integers(rng, 2, 3, 9, 7), integers(rng, 6, 1, side, side), integers(rng, 6)
    how = {"stride": step, "padding": ((1, 0), (2, 1)), "groups": 3}
    np.testing.assert_array_equal(conv2d(x, w, b, **how, algorithm="cuda_depthwise"), law(x, w, b, **how))


@pytest.mark.parametrize("shape", [(3, 4), (3, 5)])
def test_pointwise_by_fours_and_one_by_one(shape):
    """12 pixels an image are three loads of four; 15 are not, nor are every second one's, nor channels that leave a tile's taps empty."""
    from minicnn.conv.cuda import pointwise
    from minicnn.conv.cuda.device import uploaded

    rng = np.random.default_rng(5)
    x, w = integers(rng, 3, 16, *shape), integers(rng, 7, 16, 1, 1)
    for steps in ({}, {"stride": (1, 2)}, {"padding": ((0, 1), (1, 1))}):
        prepared = pointwise.prepare(w, Window.of(1, **steps))
        assert pointwise.by_fours(uploaded(x), prepared) == (shape == (3, 4) and not steps)
        np.testing.assert_array_equal(conv2d(x, w, **steps, algorithm="cuda_pointwise"), law(x, w, **steps))
    assert not pointwise.by_fours(uploaded(x[:, :12].copy()), pointwise.prepare(w[:, :12].copy(), Window.of(1)))


def test_tiles_are_chosen_by_shape():
    from minicnn.conv.cuda.product import FLAT, LARGE, SMALL, TILES, choose_tile

    assert choose_tile(512, 8 * 28 * 28) == LARGE
    assert choose_tile(64, 8 * 112 * 112) == FLAT
    assert choose_tile(24, 8 * 56 * 56) == SMALL  # a tile of 64 rows would be 40 rows of nothing
    assert choose_tile(256, 14 * 14) == SMALL  # 4 large tiles would leave 128 of 132 multiprocessors idle
    for tile in TILES:
        assert tile.threads >= tile.N  # every thread has a pixel
        assert tile.threads * 4 == tile.M * 8  # and one load of four weights a tile


# 4. What a rung is asked for, and what it says.


def test_rungs_are_chosen_by_shape():
    assert choose_rung((2, 32, 9, 9), (32, 1, 3, 3)) == "cuda_depthwise"
    assert choose_rung((2, 32, 9, 9), (64, 32, 1, 1)) == "cuda_pointwise"
    assert choose_rung((2, 3, 9, 9), (64, 3, 7, 7)) == "cuda_register_tiled"
    assert choose_rung((2, 32, 9, 9), (64, 4, 3, 3)) == "cuda_register_tiled"  # 8 groups of 8 filters
    assert choose_rung((2, 32, 9, 9), (7, 32, 3, 3)) == "cuda_coalesced"
    assert choose_rung((2, 1, 9, 9), (64, 1, 1, 1)) == "cuda_pointwise"  # one channel in all is no depthwise layer


@given(case=convolutions(dtype=np.float32))
def test_the_rung_that_is_chosen_applies_and_hosts_arrays_never_take_one(case):
    window = Window.of(case.weight.shape[2:], case.arguments["stride"], case.arguments["padding"], case.arguments["dilation"])
    name = choose_rung(case.x.shape, case.weight.shape)
    assert load_algorithm(name).why_not(case.x.shape, case.weight.shape, window, np.float32) is None
    assert choose_algorithm(case.x.shape, case.weight.shape, window, np.float32) not in LADDER


@pytest.mark.parametrize("name", RUNGS)
def test_rungs_hold_float32(name):
    x, w = np.ones((1, 2, 3, 3)), np.ones((2, 1, 1, 1))
    with pytest.raises(ValueError, match=r"kernels for the GPU hold float32, and x is float64; float64 is im2col's"):
        conv2d(x, w, groups=2, algorithm=name)
