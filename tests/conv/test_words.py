"""The vector words: compiled and as plain Python they do the same, and as Python they check their bounds."""

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from minicnn.conv.jit import jit, words
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import (
    add,
    broadcast,
    evens,
    fetch,
    fma,
    load,
    maximum,
    multiply,
    odds,
    select,
    slid,
    spread,
    store,
    subtract,
    transpose,
    weave,
    wide_broadcast,
    wide_load,
    wide_spread,
)

compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")


@jit
def every_word(x, y, number):
    """y[0:8] = x[1:9]·number + x[3:11]."""
    store(y, 0, fma(load(x, 1), broadcast(number), load(x, 3)))


@jit
def turned(x, y):
    rows = transpose(load(x, 0), load(x, 8), load(x, 16), load(x, 24), load(x, 32), load(x, 40), load(x, 48), load(x, 56))
    for i in range(8):
        store(y, 8 * i, rows[i])


@jit
def past_the_end(x, y, i):
    store(y, 0, load(x, i))


@pytest.mark.parametrize("kernel", [every_word, every_word.py_func], ids=["compiled", "python"])
def test_load_broadcast_fma_store(kernel):
    x, y = np.arange(16, dtype=np.float32), np.full(10, -1, np.float32)
    kernel(x, y, 10.0)
    np.testing.assert_array_equal(y, [*(10 * i + i + 2 for i in range(1, 9)), -1, -1])


@pytest.mark.parametrize("kernel", [turned, turned.py_func], ids=["compiled", "python"])
def test_transpose(kernel):
    x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    kernel(x, y)
    np.testing.assert_array_equal(y.reshape(8, 8), x.reshape(8, 8).T)


@pytest.mark.parametrize(("i", "j"), [(-1, 0), (3, 0)])
def test_a_stray_access_is_named_by_the_python_that_a_kernel_is(i, j):
    with pytest.raises(IndexError, match=rf"load: places {i} … {i + 7} of an array of 10"):
        past_the_end.py_func(np.zeros(10, np.float32), np.zeros(8, np.float32), i)
    with pytest.raises(IndexError, match=r"store: places 0 … 7 of an array of 7"):
        past_the_end.py_func(np.zeros(10, np.float32), np.zeros(7, np.float32), 0)


@compiled_only
def test_a_word_refuses_what_it_would_misread():
    locked = np.zeros(8, np.float32)
    locked.flags.writeable = False
    with pytest.raises(TypingError, match="store: the array is locked"):
        past_the_end(np.zeros(8, np.float32), locked, 0)
    for wrong in (np.zeros(8), np.zeros((2, 8), np.float32), np.zeros(16, np.float32)[::2]):
        with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
            past_the_end(wrong, np.zeros(8, np.float32), 0)


@compiled_only
def test_a_vector_stays_in_a_register():
    """The compiled loop multiplies eight numbers at a time: the machine code names a vector register, or LLVM's vector type does."""
    anew = numba.njit(every_word.py_func)  # what the disk cache holds cannot be looked at
    anew(np.zeros(16, np.float32), np.zeros(8, np.float32), 1.0)
    (code,) = anew.inspect_llvm().values()
    assert "<8 x float>" in code
    assert words.float32x8.name == "float32x8"


# Words that came later: eight lanes or LANES of them, lane by lane.

SPECIAL = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-45, -3e38, 3e38, 0.1], np.float32)
PAIRS = np.stack(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)[:, : 112 // LANES * LANES]  # whole vectors of them


@jit
def in_eights(a, b, c, y):
    for i in range(0, a.size, 8):
        v, w, u = load(a, i), load(b, i), load(c, i)
        store(y, i, add(v, w))
        store(y, a.size + i, subtract(v, w))
        store(y, 2 * a.size + i, multiply(v, w))
        store(y, 3 * a.size + i, maximum(v, w))
        store(y, 4 * a.size + i, select(v, w, u))
        store(y, 5 * a.size + i, evens(v, w))
        store(y, 6 * a.size + i, odds(v, w))
        store(y, 7 * a.size + i, spread(a, i + 3))


@jit
def in_wides(a, b, c, y):
    for i in range(0, a.size, LANES):
        v, w, u = wide_load(a, i), wide_load(b, i), wide_load(c, i)
        store(y, i, add(v, w))
        store(y, a.size + i, subtract(v, w))
        store(y, 2 * a.size + i, multiply(v, w))
        store(y, 3 * a.size + i, maximum(v, w))
        store(y, 4 * a.size + i, select(v, w, u))
        store(y, 5 * a.size + i, evens(v, w))
        store(y, 6 * a.size + i, odds(v, w))
        store(y, 7 * a.size + i, wide_spread(a, i + 3))


def by_numpy(a, b, c, lanes):
    """What the eight words above give, said once more without them."""
    v, w, u = (array.reshape(-1, lanes) for array in (a, b, c))
    larger = np.array([x if np.isnan(x) or not (np.isnan(z) or x < z) else z for x, z in zip(a, b, strict=True)], np.float32)
    both = np.concatenate([v, w], axis=1)
    with np.errstate(all="ignore"):
        parts = v + w, v - w, v * w, larger, np.where(v < 0, w, u), both[:, ::2], both[:, 1::2], np.repeat(v[:, 3:4], lanes, axis=1)
    return np.concatenate([part.reshape(-1) for part in parts])


def assert_same_bits(found, expected):
    """Equal, -0.0 is not 0.0, and a NaN may have any sign."""
    np.testing.assert_array_equal(found, expected)
    kept = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[kept]), np.signbit(expected[kept]))


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("kernel", "lanes"), [(in_eights, 8), (in_wides, LANES)], ids=["eight", "wide"])
def test_words_lane_by_lane(kernel, lanes, compiled):
    (a, b), c = PAIRS, np.roll(PAIRS[0], 5)
    y = np.full(8 * a.size, 7, np.float32)
    with np.errstate(all="ignore"):
        (kernel if compiled else kernel.py_func)(a, b, c, y)
    assert_same_bits(y, by_numpy(a, b, c, lanes))


@pytest.mark.parametrize("kernel", [in_wides, in_wides.py_func], ids=["compiled", "python"])
def test_a_nan_wins_a_maximum_and_never_selects(kernel):
    a, b, c = (np.full(LANES, value, np.float32) for value in (np.nan, 1, 2))
    y = np.zeros(8 * LANES, np.float32)
    kernel(a, b, c, y)
    assert np.isnan(y[3 * LANES : 4 * LANES]).all()
    np.testing.assert_array_equal(y[4 * LANES : 5 * LANES], 2)
    kernel(b, a, c, y)
    assert np.isnan(y[3 * LANES : 4 * LANES]).all()


@jit
def broadcasts(y, number):
    store(y, 0, wide_broadcast(number))
    store(y, LANES, broadcast(number))


@pytest.mark.parametrize("kernel", [broadcasts, broadcasts.py_func], ids=["compiled", "python"])
def test_a_broadcast_rounds_to_float32(kernel):
    y = np.zeros(LANES + 9, np.float32)
    kernel(y, 0.1)
    np.testing.assert_array_equal(y, [*[np.float32(0.1)] * (LANES + 8), 0])


@jit
def slides(x, w, y, i, j):
    start = wide_load(w, 0)
    narrow = slid((start, start, start, start), x, i, w, j, 3, 1)
    broad = slid((start, start, start, start), x, i, w, j, 5, 2)
    for n in range(4):
        store(y, n * LANES, narrow[n])
        store(y, (4 + n) * LANES, broad[n])


@pytest.mark.parametrize("kernel", [slides, slides.py_func], ids=["compiled", "python"])
def test_slid(kernel):
    """Sum n of a lane meets pixels n·stride, n·stride + 1, … of it."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 10, (13, LANES)).astype(np.float32), rng.integers(-9, 10, (7, LANES)).astype(np.float32)
    y = np.zeros((8, LANES), np.float32)
    kernel(x.reshape(-1), w.reshape(-1), y.reshape(-1), 2 * LANES, LANES)
    for n in range(4):
        np.testing.assert_array_equal(y[n], w[0] + sum(w[1 + t] * x[2 + n + t] for t in range(3)))
        np.testing.assert_array_equal(y[4 + n], w[0] + sum(w[1 + t] * x[2 + 2 * n + t] for t in range(5)))


@compiled_only
def test_slid_takes_numbers_that_are_written_in_the_kernel():
    @jit
    def any_taps(x, w, y, taps):
        start = wide_load(w, 0)
        store(y, 0, slid((start, start, start, start), x, 0, w, 0, taps, 1)[0])

    with pytest.raises(TypingError, match="slid: taps and stride are numbers written in the kernel"):
        any_taps(np.zeros(9 * LANES, np.float32), np.zeros(5 * LANES, np.float32), np.zeros(LANES, np.float32), 3)


@pytest.mark.parametrize(
    ("word", "lanes", "takes_a_vector"), [(load, 8, True), (wide_load, LANES, True), (spread, 8, False), (wide_spread, LANES, False)]
)
def test_a_stray_read_is_named(word, lanes, takes_a_vector):
    x, name = np.arange(20, dtype=np.float32), word.__name__
    last = 20 - lanes if takes_a_vector else 19
    assert word(x, last).shape == (lanes,)
    for stray in (-1, last + 1):
        places = rf"places {stray} … {stray + lanes - 1}" if takes_a_vector else rf"place {stray}"
        with pytest.raises(IndexError, match=rf"{name}: {places} of an array of 20"):
            word(x, stray)


def test_a_stray_access_of_wide_words_is_named():
    x, y = np.zeros(20, np.float32), np.zeros(LANES, np.float32)
    with pytest.raises(IndexError, match=rf"store: places 1 … {LANES} of an array of {LANES}"):
        store(y, 1, wide_load(x, 0))
    with pytest.raises(IndexError, match=rf"wide_load: places {12 * LANES} … "):
        slides.py_func(np.zeros(12 * LANES, np.float32), np.zeros(7 * LANES, np.float32), np.zeros(8 * LANES, np.float32), 2 * LANES, 0)


@compiled_only
def test_every_word_that_takes_an_array_refuses_what_it_would_misread():
    flat = np.zeros(13 * LANES, np.float32)
    for wrong in (flat.astype(np.float64), flat.reshape(1, -1), flat[::2]):
        for arguments in ((wrong, flat, flat), (flat, wrong, flat)):
            with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
                slides(*arguments, 0, 0)
        with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
            spreads(wrong, flat)
    locked = flat.copy()
    locked.flags.writeable = False
    with pytest.raises(TypingError, match="store: the array is locked"):
        slides(flat, flat, locked, 0, 0)


@jit
def spreads(x, y):
    store(y, 0, spread(x, 0))
    store(y, 8, wide_spread(x, 0))


@jit
def woven(x, y, i):
    fetch(x, -1000)  # outside: nothing is read
    weave(y, i, wide_load(x, 0), wide_load(x, LANES), wide_load(x, 2 * LANES))


@pytest.mark.parametrize("kernel", [woven, woven.py_func], ids=["compiled", "python"])
def test_weave(kernel):
    """Red, green and blue planes become pixels."""
    x, y = np.arange(3 * LANES, dtype=np.float32), np.full(3 * LANES + 2, -77, np.float32)
    kernel(x, y, 1)
    np.testing.assert_array_equal(y, [-77, *x.reshape(3, LANES).T.ravel(), -77])
    with pytest.raises(IndexError, match=rf"store: places 3 … {3 * LANES + 2} of an array of {3 * LANES + 2}"):
        woven.py_func(x, y, 3)
