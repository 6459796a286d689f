"""The pooling layers hand every setting on, forwards and backwards, with saved indices and without."""

import numpy as np
import pytest

from minicnn import functional as F
from minicnn import nn
from minicnn.layers.base import Passage

X = np.random.default_rng(0).integers(-2, 3, (2, 3, 9, 7)).astype(np.float32)  # few values: many ties


def both_ways(layer, grad_of):
    """Return the layer's value and its gradients after a plain forward and after one that saved."""
    y = layer(X)
    first = y[0] if isinstance(y, tuple) else y
    grads = (grad_of(first), None)[: len(layer.results)]
    plain = Passage((X,), y if isinstance(y, tuple) else (y,), (X.shape,))
    again, saved, updates = layer.forward_saving(X, accuracy="exact", training=True, rng=None)
    for ours, theirs in zip(y if isinstance(y, tuple) else (y,), again if isinstance(again, tuple) else (again,), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert updates == {}
    kept = Passage((None,), (None,) * len(layer.results), (X.shape,), saved, True)
    found = [layer.backward(grads, passage) for passage in (plain, kept)]
    assert [parameters for _, parameters in found] == [{}, {}]
    (without,), (with_saved,) = (by_inputs for by_inputs, _ in found)
    np.testing.assert_array_equal(without, with_saved)
    return y, saved, without


def whole(y):
    return np.random.default_rng(1).integers(-9, 10, y.shape).astype(np.float32)


@pytest.mark.parametrize("indices", [False, True])
@pytest.mark.parametrize("settings", [(2,), ((2, 3), 2, 0, 1), ((3, 2), (2, 1), (1, 0), (2, 3)), (3, 2, ((0, 1), (1, 0)))])
@pytest.mark.parametrize("ceil", [False, True])
def test_max_pool2d(settings, ceil, indices):
    y, saved, grad_x = both_ways(nn.MaxPool2d(*settings, return_indices=indices, ceil_mode=ceil), whole)
    expected, places = F.max_pool2d(X, *settings, ceil_mode=ceil, return_indices=True)
    np.testing.assert_array_equal(y[0] if indices else y, expected)
    np.testing.assert_array_equal(saved, places)
    assert saved.nbytes == nn.MaxPool2d(*settings, ceil_mode=ceil).saved_bytes(X.shape)
    np.testing.assert_array_equal(grad_x, F.max_pool2d_backward(whole(expected), X, *settings, ceil_mode=ceil))


@pytest.mark.parametrize(
    "settings", [(2,), ((3, 2), (2, 3), (1, 0), True, False), ((3, 2), (2, 3), (1, 0), True), (2, 3, 1, False, True, 5)]
)
def test_avg_pool2d(settings):
    y, saved, grad_x = both_ways(nn.AvgPool2d(*settings), whole)
    np.testing.assert_array_equal(y, F.avg_pool2d(X, *settings))
    assert saved is None
    np.testing.assert_array_equal(grad_x, F.avg_pool2d_backward(whole(y), X, *settings))


@pytest.mark.parametrize("size", [1, (5, 3), (None, 4)])
def test_adaptive(size):
    y, saved, grad_x = both_ways(nn.AdaptiveAvgPool2d(size), whole)
    assert saved is None
    np.testing.assert_array_equal(grad_x, F.adaptive_avg_pool2d_backward(whole(y), X, size))
    for indices in (False, True):
        y, saved, grad_x = both_ways(nn.AdaptiveMaxPool2d(size, indices), whole)
        expected, places = F.adaptive_max_pool2d(X, size, True)
        np.testing.assert_array_equal(saved, places)
        np.testing.assert_array_equal(grad_x, F.adaptive_max_pool2d_backward(whole(expected), X, size))


def test_nothing_comes_back_from_indices():
    for layer in (nn.MaxPool2d(2, return_indices=True), nn.AdaptiveMaxPool2d(2, True)):
        assert layer.backward((None, None), Passage((X,), layer(X), (X.shape,))) == ((None,), {})
