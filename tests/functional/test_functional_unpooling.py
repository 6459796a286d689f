"""Unpooling: by hand, as the way back of pooling, as an adjoint; and who refuses what."""

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError

SETTINGS = [(2, None, 0), ((3, 2), (2, 3), (1, 0)), ((2, 4), (3, 1), ((0, 1), (2, 1))), (1, (2, 3), 0)]
EVERY = pytest.mark.parametrize("given", SETTINGS)


def places_for(shape, positions, seed=0, repeated=False):
    """Return int64 indices below `positions`, all different in a plane, or not."""
    rng = np.random.default_rng(seed)
    size = shape[2] * shape[3]
    planes = [rng.integers(0, positions, size) if repeated else rng.permutation(positions)[:size] for _ in range(shape[0] * shape[1])]
    return np.array(planes, np.int64).reshape(shape)


def brute(x, indices, height, width):
    """The definition: write in reading order."""
    y = np.zeros((*x.shape[:2], height, width), x.dtype)
    for n, c, p, q in np.ndindex(x.shape):
        y[(n, c, *divmod(int(indices[n, c, p, q]), width))] = x[n, c, p, q]
    return y


def test_hand_worked():
    x = np.array([[[[1, 2, 3], [4, 5, 6]]]], np.float32)
    indices = np.array([[[[0, 3, 10], [19, 20, 17]]]])  # in a plane of 4×6
    y = F.max_unpool2d(x, indices, 2)
    assert_array_equal(y, [[[[1, 0, 0, 2, 0, 0], [0, 0, 0, 0, 3, 0], [0, 0, 0, 0, 0, 6], [0, 4, 5, 0, 0, 0]]]])
    assert y.dtype == np.float32
    grad = np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)
    assert_array_equal(F.max_unpool2d_backward(grad, x, indices, 2), indices)


def test_the_last_of_several_numbers_with_one_place_stays_and_only_it_has_a_gradient():
    x, indices = np.array([[[1.0, 2, 3]], [[4, 5, 6]]]), np.array([[[1, 5, 1]], [[0, 0, 0]]])
    assert_array_equal(F.max_unpool2d(x, indices, 2), [[[0, 3, 0, 0, 0, 2], [0] * 6], [[6, 0, 0, 0, 0, 0], [0] * 6]])
    grad = np.arange(1.0, 25).reshape(2, 2, 6)
    assert_array_equal(F.max_unpool2d_backward(grad, x, indices, 2), [[[0, 6, 2]], [[0, 0, 13]]])


@EVERY
@pytest.mark.parametrize("repeated", [False, True])
def test_against_the_definition_as_an_adjoint_and_as_a_derivative(given, repeated):
    x = np.random.default_rng(0).integers(-9, 10, (2, 3, 4, 5)).astype(float)
    height, width = F.max_unpool2d(x, np.zeros(x.shape, np.int64), *given).shape[2:]
    indices = places_for(x.shape, height * width, repeated=repeated)
    y = F.max_unpool2d(x, indices, *given)
    assert_array_equal(y, brute(x, indices, height, width))
    g = np.random.default_rng(1).integers(-9, 10, y.shape).astype(float)
    assert_adjoint(lambda x: F.max_unpool2d(x, indices, *given), lambda g: F.max_unpool2d_backward(g, x.shape, indices, *given), x, g)
    wide = spread(x.shape)
    assert_is_derivative(
        lambda x: F.max_unpool2d(x, indices, *given), [F.max_unpool2d_backward(g, wide, indices, *given)], [wide], [g], directions=2
    )
    assert_array_equal(F.max_unpool2d(x[1], indices[1], *given), y[1])
    assert_array_equal(F.max_unpool2d_backward(g[1], x[1], indices[1], *given), F.max_unpool2d_backward(g, x, indices, *given)[1])


@pytest.mark.parametrize("size", [(9, 7), (8, 6), (2, 11)])
def test_what_pooling_took_goes_back_to_its_place(size):
    x = spread((2, 3, *size)).astype(np.float32)
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, indices, 2, output_size=size)
    assert back.shape == x.shape
    assert_array_equal(back, F.max_pool2d_backward(y, x, 2))  # both put each number where its winner stood
    assert_array_equal(back[back != 0], x[back != 0])
    assert_array_equal(F.max_unpool2d(y, indices, 2, output_size=x.shape), back)


def test_no_images():
    x, indices = np.zeros((0, 3, 4, 5), np.float32), np.zeros((0, 3, 4, 5), np.int64)
    assert F.max_unpool2d(x, indices, 2).shape == (0, 3, 8, 10)
    assert F.max_unpool2d_backward(np.zeros((0, 3, 8, 10), np.float32), x, indices, 2).shape == x.shape


def test_indices_of_any_layout_stay_untouched():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    indices = places_for(x.shape, 80)
    turned = np.ascontiguousarray(np.flip(indices))[::-1, ::-1, ::-1, ::-1]
    turned.flags.writeable = False
    assert_array_equal(F.max_unpool2d(x, turned, 2), F.max_unpool2d(x, indices, 2))
    assert_array_equal(turned, indices)


class TestErrors:
    X, PLACES = np.zeros((1, 2, 3, 4)), np.zeros((1, 2, 3, 4), np.int64)

    @pytest.mark.parametrize(
        ("call", "what"),
        [
            (lambda x, indices: F.max_unpool2d(x, indices, (2, 3)), "max_unpool2d"),
            (lambda x, indices: F.max_unpool2d_backward(np.zeros((1, 2, 6, 12)), x, indices, (2, 3)), "max_unpool2d_backward"),
        ],
    )
    def test_indices(self, call, what):
        for wrong, found in (
            (self.PLACES.astype(np.int32), "an array of int32"),
            (self.PLACES.astype(float), "an array of float64"),
            (0, "a int"),
        ):
            with pytest.raises(
                DTypeError, match=rf"^{what}: indices must be an int64 array, as max_pool2d.* but it is {found}; pass np.asarray"
            ):
                call(self.X, wrong)
        with pytest.raises(
            ShapeError, match=rf"^{what}: indices must hold one place for every number of x, \(1, 2, 3, 4\), but .*\(2, 3, 4\)"
        ):
            call(self.X, self.PLACES[0])
        for wrong, reading in ((72, "row 6, column 0"), (-1, "before the first"), (2**62, "row")):
            places = self.PLACES.copy()
            places[0, 1, 2, 3] = wrong
            with pytest.raises(
                ArgumentError,
                match=rf"^{what}: an index is row·12 \+ column in a plane of 6×12 positions, so 0 … 6·12 - 1 = 71, but "
                rf"indices\[0, 1, 2, 3\] is {wrong} \({reading}.*its size must be the same here\.$",
            ):
                call(self.X, places)

    def test_output_size(self):
        with pytest.raises(
            ArgumentError,
            match=r"^max_unpool2d: output_size must be less than one stride from the default, but over the rows it is 8 and the default is "
            r"\(3 - 1\)·2 - 0 - 0 \+ 1·\(2 - 1\) \+ 0 \+ 1 = 6; use 5 … 7\.$",
        ):
            F.max_unpool2d(self.X, self.PLACES, 2, output_size=(8, 8))
        with pytest.raises(ArgumentError, match=r"over the columns it is 6 .* = 8; use 7 … 9"):
            F.max_unpool2d(self.X, self.PLACES, 2, output_size=(1, 2, 5, 6))
        for wrong in ((6,), (2, 6, 8), 6, "6x8"):
            with pytest.raises(
                ArgumentError, match=r"^max_unpool2d: output_size is \(rows, columns\) or a whole \(N, C, H, W\), but it is"
            ):
                F.max_unpool2d(self.X, self.PLACES, 2, output_size=wrong)
        with pytest.raises(ArgumentError, match=r"^max_unpool2d: output_size must be a whole number, but it is 6.0"):
            F.max_unpool2d(self.X, self.PLACES, 2, output_size=(6.0, 8))
        with pytest.raises(ArgumentError, match=r"use 1 … 2"):
            F.max_unpool2d(self.X[:, :, :1], self.PLACES[:, :, :1], (1, 2), 2, output_size=(3, 8))
        with pytest.raises(ArgumentError, match=r"^max_unpool2d_backward: output_size must be less than one stride"):
            F.max_unpool2d_backward(np.zeros((1, 2, 8, 8)), self.X, self.PLACES, 2, output_size=(8, 8))

    def test_settings(self):
        with pytest.raises(ArgumentError, match=r"^max_unpool2d: padding='same' has no meaning where maps grow; give the numbers"):
            F.max_unpool2d(self.X, self.PLACES, 2, padding="same")
        with pytest.raises(ArgumentError, match=r"^max_unpool2d: stride must be at least 1, but it is 0"):
            F.max_unpool2d(self.X, self.PLACES, 2, 0)
        with pytest.raises(ShapeError, match=r"^max_unpool2d: something must come out, but of the rows \(3 - 1\)·1 - 2 - 2 .* = 0"):
            F.max_unpool2d(self.X, self.PLACES, (2, 1), 1, (2, 0))
        with pytest.raises(
            ShapeError, match=r"^max_unpool2d_backward: grad_output must have the output's shape, max_unpool2d returns \(1, 2, 6, 8\)"
        ):
            F.max_unpool2d_backward(np.zeros((1, 2, 6, 6)), self.X, self.PLACES, 2)
        with pytest.raises(DTypeError, match=r"^max_unpool2d_backward: all arrays must have one dtype"):
            F.max_unpool2d_backward(np.zeros((1, 2, 6, 8), np.float32), self.X, self.PLACES, 2)
