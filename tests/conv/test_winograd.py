"""Winograd's transforms: by hand, exactly in fractions, as the kernels have them, and what their rounding may amount to."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from uncompiled import uncompiled
from wide_shapes import WINOGRAD, made

from minicnn.conv import winograd, winograd_transforms
from minicnn.conv.algorithm import plain
from minicnn.conv.contract import allowed_error
from minicnn.conv.dispatch import conv2d
from minicnn.conv.gallery import load_algorithm
from minicnn.conv.jit.machine import COLUMNS, LANES
from minicnn.conv.winograd_transforms import A, B, G
from minicnn.window import Window

BRING = {2: winograd_transforms.bring_2, 4: winograd_transforms.bring_4}
TAKE = {2: winograd_transforms.take_2, 4: winograd_transforms.take_4}


# 1. By hand.


def test_hand_worked_f_2_3():
    """Two outputs of three taps w = (2, 1, -1) over d = (1, 2, 3, 4), by four products.

    The equation has six:   y0 = 2·1 + 1·2 - 1·3 = 1          y1 = 2·2 + 1·3 - 1·4 = 3
    G·w = (2, (2 + 1 - 1)/2, (2 - 1 - 1)/2, -1) = (2, 1, 0, -1)
    B·d = (1 - 3, 2 + 3, 3 - 2, 2 - 4) = (-2, 5, 1, -2)
    products (-4, 5, 0, 2);     y0 = -4 + 5 + 0 = 1,          y1 = 5 - 0 - 2 = 3
    """
    w, d = np.array([2, 1, -1]), np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(G[2] @ w, [2, 1, 0, -1])
    np.testing.assert_array_equal(B[2] @ d, [-2, 5, 1, -2])
    np.testing.assert_array_equal(A[2] @ ((G[2] @ w) * (B[2] @ d)), [1, 3])


def test_hand_worked_tile_of_2_by_2():
    """One tile is one output map here: a filter that takes the number above on the left and half of the one in the middle."""
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    w = np.array([[1, 0, 0], [0, 0.5, 0], [0, 0, 0]], np.float32).reshape(1, 1, 3, 3)
    for name in WINOGRAD:  # 0 + 5/2, 1 + 6/2; 4 + 9/2, 5 + 10/2
        np.testing.assert_allclose(conv2d(x, w, algorithm=name)[0, 0], [[2.5, 4], [8.5, 10]], atol=1e-5)


# 2. The matrices.


def fractions_of(matrix):
    """Return the entries, 1/24 too, as the fractions that they stand for."""
    return np.array([[Fraction(float(entry)).limit_denominator(24) for entry in row] for row in matrix], dtype=object)


@pytest.mark.parametrize("m", [2, 4])
def test_the_identity_holds_exactly(m):
    """A·[(G·w) ⊙ (B·d)] is the correlation of d with w: for every pair of unit vectors, so by linearity for all numbers."""
    a, b, g = (fractions_of(matrix[m]) for matrix in (A, B, G))
    assert (a.shape, b.shape, g.shape) == ((m, m + 2), (m + 2, m + 2), (m + 2, 3))
    for matrix, exact in ((A, a), (B, b), (G, g)):
        np.testing.assert_array_equal(matrix[m], exact.astype(np.float64))
    for i, j in np.ndindex(m + 2, 3):
        d, w = np.full(m + 2, Fraction(0)), np.full(3, Fraction(0))
        d[i], w[j] = Fraction(1), Fraction(1)
        y = a @ ((g @ w) * (b @ d))
        assert list(y) == [Fraction(int(i - j == p)) for p in range(m)]


# 3. The kernels' transforms are those matrices.


def both(kernel, *arguments, into):
    """Run a kernel compiled and as plain Python; whole numbers of this size leave both without rounding."""
    found = []
    kernel(*arguments, into)
    found.append(into.copy())
    with uncompiled():
        kernel.py_func(*arguments, into)
    found.append(into)
    np.testing.assert_array_equal(*found)
    return found[0]


@pytest.mark.parametrize("m", [2, 4])
def test_bring_is_b_d_bt(m):
    rng, side = np.random.default_rng(m), m + 2
    row, far, at, place = (side + 1) * LANES, 3 * LANES, LANES, 2 * LANES
    d = rng.integers(-50, 51, (side, side + 1, LANES)).astype(np.float32)  # rows are one pixel wider than a tile
    source = np.concatenate([np.full(at, np.nan, np.float32), d.reshape(-1), np.zeros(side * side * LANES, np.float32)])
    spare = at + d.size

    def brings(source, to):
        BRING[m](source, at, row, to, place, far, spare)

    brings.py_func = lambda source, to: BRING[m].py_func(source, at, row, to, place, far, spare)
    to = both(brings, source, into=np.full(place + side * side * far, np.nan, np.float32))
    got = to[place:].reshape(side, side, 3, LANES)
    exact = np.einsum("ip,pql,jq->ijl", B[m], d[:, :side], B[m])
    np.testing.assert_array_equal(got[:, :, 0], exact)
    assert np.isnan(got[:, :, 1:]).all()  # what lies between stays as it was
    assert np.isnan(to[:place]).all()


@pytest.mark.parametrize("m", [2, 4])
def test_take_is_a_s_at(m):
    rng, side = np.random.default_rng(m), m + 2
    far, at, place, row, k = 2 * LANES, LANES, LANES, (m + 1) * LANES, LANES
    s, bias = rng.integers(-20, 21, (side, side, 2, LANES)).astype(np.float32), rng.integers(-9, 10, 2 * LANES).astype(np.float32)
    sums = np.concatenate([np.full(at, np.nan, np.float32), s.reshape(-1)])
    room = place + m * row

    def takes(sums, to):
        TAKE[m](sums, at, far, to, place, row, bias, k, room)

    takes.py_func = lambda sums, to: TAKE[m].py_func(sums, at, far, to, place, row, bias, k, room)
    to = both(takes, sums, into=np.zeros(room + m * side * LANES, np.float32))
    got = to[place:room].reshape(m, m + 1, LANES)
    np.testing.assert_array_equal(got[:, :m], np.einsum("ip,pql,jq->ijl", A[m], s[:, :, 0], A[m]) + bias[k : k + LANES])
    np.testing.assert_array_equal(got[:, m], 0)  # beside the tile


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("filters", [1, LANES + 1])
def test_the_prepared_weight_is_g_w_gt(m, filters):
    """Along each axis as many roundings as a row of G has entries, and one of the entry: 8, and n of them amount to n·eps at the most."""
    w = np.random.default_rng(0).standard_normal((filters, 2, 3, 3), np.float32)
    points = winograd.prepare(m, w, None).weight.reshape((m + 2) ** 2, -1)[:, :-LANES]  # with a cache line between two of them
    packed = points.reshape((m + 2) ** 2, -1, 2, COLUMNS)  # point, panel, channel, filter
    exact, scale = G[m] @ w.astype(np.float64) @ G[m].T, np.abs(G[m]) @ np.abs(w).astype(np.float64) @ np.abs(G[m]).T
    for k in range(filters):
        found = packed[:, k // COLUMNS, :, k % COLUMNS].T.reshape(2, m + 2, m + 2)
        assert (np.abs(found - exact[k]) <= 8 * np.finfo(np.float32).eps * scale[k]).all()


# 4. Rounding: contract.py against the worst that data can do.


def adversaries():
    """Yield x and weight whose sums cancel, or whose sizes lie far apart."""
    rng = np.random.default_rng(7)
    x, w = rng.standard_normal((1, 12, 14, 15), np.float32), rng.standard_normal((5, 12, 3, 3), np.float32)
    rows, columns = np.indices((14, 15))
    yield "normal", x, w
    yield "positive", np.abs(x), np.abs(w)
    yield "a constant image, zero-mean filters", np.full_like(x, 1000.1), (w - w.mean(axis=(2, 3), keepdims=True)).astype(np.float32)
    yield "a nearly constant image", (x + np.float32(3e4)), (w - w.mean(axis=(1, 2, 3), keepdims=True)).astype(np.float32)
    yield "a chequered image", (x * 0 + 1.7 * (-1) ** (rows + columns)).astype(np.float32), w
    yield "stripes", (x * 0 + 1.3 * np.array([1, 1, -1, -1])[columns % 4]).astype(np.float32), w
    yield "a ramp", (x * 0 + np.float32(0.1) * (17 * rows + columns**2)).astype(np.float32), w
    huge = x.copy()
    huge[0, 3] *= np.float32(1e6)
    yield "one huge channel", huge, w
    dark = w.copy()
    dark[:, 3] = 0
    yield "one huge channel that no filter sees", huge, dark
    opposed = w.copy()
    opposed[:, 4] = -w[:, 3]
    twins = huge.copy()
    twins[0, 4] = twins[0, 3]
    yield "two huge channels that cancel", twins, opposed
    spike = x.copy()
    spike[0, :, 7, 7] = 1e7
    yield "one bright pixel", spike, w


@pytest.mark.parametrize("name", WINOGRAD)
@pytest.mark.parametrize(("what", "x", "w"), [pytest.param(*case, id=case[0]) for case in adversaries()])
def test_adversaries_stay_within_the_contract(name, what, x, w):
    for padding in (0, 1):
        law = conv2d(x, w, padding=padding, algorithm="reference")
        error = np.abs(conv2d(x, w, padding=padding, algorithm=name).astype(np.float64) - law)
        assert (error <= allowed_error(name, x, w, padding=padding)).all()


def by_matrices(m, x, w, a, b, g):
    """Return Winograd's sums in float64, for maps of whole tiles."""
    points = np.lib.stride_tricks.sliding_window_view(x, (m + 2, m + 2), axis=(2, 3))[:, :, ::m, ::m]
    sums = np.einsum("ncyxij,kcij->nkyxij", b @ points @ b.T, g @ w @ g.T)
    N, K, high, wide = sums.shape[:4]
    return (a @ sums @ a.T).transpose(0, 1, 2, 4, 3, 5).reshape(N, K, high * m, wide * m)


@pytest.mark.parametrize("m", [2, 4])
def test_a_coefficient_that_is_off_by_a_thousandth_breaks_the_contract(m):
    """So the bound, wide as it is for F(4, 3), is no free pass: every coefficient of the three matrices is held to three digits."""
    rng = np.random.default_rng(8)
    x, w = rng.standard_normal((1, 3, 4 * m + 2, 6 * m + 2), np.float32), rng.standard_normal((6, 3, 3, 3), np.float32)
    wide = x.astype(np.float64), w.astype(np.float64)
    law, allowed = conv2d(*wide, algorithm="reference"), allowed_error(f"winograd{m}", x, w)
    assert (np.abs(by_matrices(m, *wide, A[m], B[m], G[m]) - law) < 1e-12).all()
    for which in range(3):
        for entry in zip(*np.nonzero((A, B, G)[which][m]), strict=True):
            matrices = [matrix[m].copy() for matrix in (A, B, G)]
            matrices[which][entry] *= 1.001
            assert (np.abs(by_matrices(m, *wide, *matrices) - law) > allowed).any(), ("ABG"[which], entry)


@pytest.mark.parametrize("name", WINOGRAD)
def test_a_transformed_weight_that_is_off_by_a_thousandth_is_caught(name):
    """The same through the compiled kernels, at each of the points."""
    m, case = int(name[-1]), made((1, 3, 9, 14), (6, 3, 3, 3), "normal", bias=False)
    law, allowed = conv2d(case.x, case.weight, algorithm="reference"), allowed_error(name, case.x, case.weight)
    module, prepared = load_algorithm(name), load_algorithm(name).prepare(case.weight, Window.of(3))
    assert (np.abs(module.run(case.x, prepared) - law) <= allowed).all()
    for point in range((m + 2) ** 2):
        wrong = prepared.weight.copy()
        wrong.reshape((m + 2) ** 2, -1)[point, :-LANES] *= np.float32(1.001)  # without the cache line that lies between two points
        y = module.run(case.x, replace(prepared, weight=plain(wrong)))
        assert (np.abs(y - law) > allowed).any(), divmod(point, m + 2)
