"""embedding and neighbours: features by hand, and nearness against angles that are known."""

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.probe import embedding, neighbours


@pytest.fixture(scope="module")
def photos():
    return np.concatenate([spread_photo((1, 2, 11, 13), seed) for seed in range(18)])


def test_what_the_last_linear_takes(photos):
    net, before = small_classifier(), photos.copy()
    found = embedding(net, photos)
    assert found.node == "flatten"
    np.testing.assert_allclose(found.rows, trace(net, photos)["flatten"].data, rtol=1e-12)
    np.testing.assert_allclose(net["fc"](found.rows), net(photos), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(photos, before)
    assert not found.rows.flags.writeable


def test_maps_are_averaged(photos):
    net = small_classifier()
    found = embedding(net, photos, "relu2")
    np.testing.assert_allclose(found.rows, trace(net, photos)["relu2"].data.mean(axis=(2, 3)), rtol=1e-12)
    convolutional = nn.Sequential(nn.Conv2d.of(np.ones((1, 2, 1, 1))))
    last = embedding(convolutional, photos)
    assert last.node == "conv1"
    np.testing.assert_allclose(last.rows, photos.sum(axis=1).mean(axis=(1, 2))[:, None], rtol=1e-9, atol=1e-12)


def test_photos_come_one_by_one_as_well(photos):
    net = small_classifier()
    np.testing.assert_array_equal(embedding(net, list(photos)).rows, embedding(net, photos).rows)
    assert embedding(net, photos[0]).rows.shape == (1, 3)


def test_length_one():
    net = nn.Sequential(nn.Identity())
    x = np.array([[[[3.0]], [[4.0]]], [[[0.0]], [[0.0]]]])
    found = embedding(net, x, normalize=True)
    np.testing.assert_allclose(found.rows, [[0.6, 0.8], [0, 0]])
    assert embedding(net, x.astype(np.float32), normalize=True).rows.dtype == np.float32
    text = "Embedding of 2 photos at 'identity1': 2 numbers each, float64\n  length 0 … 1, 50.0% zeros"
    assert repr(found) == text
    np.testing.assert_array_equal(np.asarray(found), found.rows)


def test_angles_that_are_known():
    angles = np.radians([0, 90, 30, 180, 60])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array([[1], [2], [3], [4], [5]])
    found = neighbours(rows, np.array([1.0, 0.0]), k=5)
    np.testing.assert_array_equal(found.indices, [[0, 2, 4, 1, 3]])
    np.testing.assert_allclose(found.cosines, [np.cos(np.radians([0, 30, 60, 90, 180]))], atol=1e-15)
    several = neighbours(rows, rows[[1, 3]], k=2)
    np.testing.assert_array_equal(several.indices, [[1, 4], [3, 1]])


def test_zeros_and_ties():
    rows = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [-1.0, -1.0]])
    found = neighbours(rows, np.array([3.0, 3.0]), k=4)
    np.testing.assert_array_equal(found.indices, [[1, 2, 0, 3]])
    np.testing.assert_allclose(found.cosines, [[1, 1, 0, -1]])


def test_a_photo_is_its_own_neighbour(photos):
    found = embedding(small_classifier(), photos, "pool")
    near = neighbours(found, found, k=3)
    assert near.indices.shape == (18, 3)
    np.testing.assert_allclose(near.cosines[:, 0], 1)
    assert (np.diff(near.cosines, axis=1) <= 0).all()


def test_mistakes_are_taught(photos):
    net = small_classifier()
    with pytest.raises(UnknownNameError, match=r"embedding: there is no map 'flaten'. Did you mean 'flatten'\?"):
        embedding(net, photos, "flaten")
    with pytest.raises(ArgumentError, match=r"embedding: at least one photo is needed, but none came"):
        embedding(net, photos[:0])
    with pytest.raises(ArgumentError, match=r"embedding: normalize is True or False, but it is 2"):
        embedding(net, photos, normalize=2)
    rows = embedding(net, photos)
    with pytest.raises(ShapeError, match=r"a query has as many numbers, .* but they are \(18, 3\) and \(1, 4\); take both at one node"):
        neighbours(rows, np.ones(4))
    with pytest.raises(ArgumentError, match=r"neighbours: k is at most the number of embeddings, 18, but it is 19"):
        neighbours(rows, rows, k=19)
