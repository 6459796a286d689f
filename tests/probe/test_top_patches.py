"""top_patches: every box against the pixels that the number sees, every value against the map."""

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import nn, trace
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from minicnn.field import hull
from minicnn.probe import top_patches


@pytest.fixture(scope="module")
def photos():
    return np.concatenate([spread_photo((1, 2, 11, 13), seed) for seed in range(20)])


@pytest.mark.parametrize(("node", "channel"), [("conv1", 0), ("relu2", 3), ("conv3", 1), ("pool", 2)])
def test_values_places_and_boxes(photos, node, channel):
    net, before = small_classifier(), photos.copy()
    found = top_patches(net, photos, node, channel, k=7)
    maps = trace(net, photos)[node].data[:, channel]
    assert [patch.value for patch in found] == sorted(maps.max(axis=(1, 2)), reverse=True)[:7]
    for patch in found:
        assert maps[patch.image][patch.at] == patch.value == maps[patch.image].max()
        box = hull(net.pixels(node, *patch.at, photos.shape[1:]))
        assert patch.box == box
        np.testing.assert_array_equal(patch.pixels, photos[patch.image][:, box.top : box.bottom + 1, box.left : box.right + 1])
        assert not patch.pixels.flags.writeable
    np.testing.assert_array_equal(photos, before)
    assert (len(found), found.images) == (7, 20)
    assert len({patch.image for patch in found}) == 7


def test_what_is_cut_out_is_enough(photos):
    """A patch that no border has clipped makes the same number when it stands alone."""
    net = small_classifier()
    whole = [patch for patch in top_patches(net, photos, "conv1", 1, k=20) if patch.pixels.shape == (2, 3, 5)]
    assert whole
    for patch in whole:
        alone = np.einsum("cij,cij->", patch.pixels, net["conv1"].weight[1]) + net["conv1"].bias[1]
        assert alone == pytest.approx(patch.value, rel=1e-12)


@pytest.mark.parametrize("per_image", [2, None])
def test_more_than_one_place_of_an_image(photos, per_image):
    net = small_classifier()
    found = top_patches(net, photos[:4], "conv3", 0, k=6, per_image=per_image)
    maps = trace(net, photos[:4])["conv3"].data[:, 0].reshape(4, -1)
    best = np.sort(maps, axis=1)[:, ::-1][:, :per_image]
    np.testing.assert_array_equal([patch.value for patch in found], np.sort(best.ravel())[::-1][:6])


def test_images_of_any_size_one_by_one(photos):
    """A generator that fills one array again and again: what is cut out stays as it was."""
    net = small_classifier()
    buffer = np.empty((2, 11, 13))

    def refilled():
        for photo in photos:
            buffer[...] = photo
            yield buffer

    together, apart = top_patches(net, photos, "relu2", 0, k=5), top_patches(net, refilled(), "relu2", 0, k=5)
    assert [(a.image, a.at, a.value) for a in together] == [(b.image, b.at, b.value) for b in apart]
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
    mixed = top_patches(net, [photos[0], photos[1:3], spread_photo((2, 30, 9), 5)], "relu2", 0)
    assert mixed.images == 4
    assert {patch.image for patch in mixed} == {0, 1, 2, 3}


def test_ties_go_in_the_order_of_reading():
    net = nn.Sequential(nn.ReLU())
    images = np.zeros((3, 1, 2, 2))
    images[1:, 0, 1, 0] = images[1, 0, 0, 1] = 5
    found = top_patches(net, images, "relu1", 0, k=3)
    assert [(patch.image, patch.at) for patch in found] == [(1, (0, 1)), (2, (1, 0)), (0, (0, 0))]
    images[0] = np.nan
    assert [patch.image for patch in top_patches(net, images, "relu1", 0, k=2)] == [1, 2]


def test_a_place_that_sees_padding_only():
    net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 1, 1)), np.array([1.0]), padding=1))
    found = top_patches(net, -np.ones((1, 1, 2, 2)), "conv1", 0)
    assert (found[0].box, found[0].pixels.shape, found[0].value) == (None, (1, 0, 0), 1)
    assert "padding only" in repr(found)


def test_mistakes_are_taught(photos):
    net = small_classifier()
    with pytest.raises(UnknownNameError, match=r"top_patches: there is no map 'conv4'. Did you mean 'conv[123]'\?"):
        top_patches(net, photos, "conv4", 0)
    with pytest.raises(ArgumentError, match=r"top_patches: 'conv1' has channels 0 … 3, but channel 4 was asked for"):
        top_patches(net, photos, "conv1", 4)
    with pytest.raises(ShapeError, match=r"a place needs a map with rows and columns, but 'fc' is 16×5; name an earlier node"):
        top_patches(net, photos, "fc", 0)
    with pytest.raises(ArgumentError, match=r"top_patches: at least one image is needed, but none came"):
        top_patches(net, [], "conv1", 0)
    with pytest.raises(ArgumentError, match=r"images are an array \(N, C, H, W\), or hand out such arrays, but they are a str"):
        top_patches(net, "photos", "conv1", 0)
    with pytest.raises(DTypeError, match=r"top_patches: images\[1\] must be a NumPy array, but it is a str"):
        top_patches(net, [photos[0], "b.png"], "conv1", 0)
    with pytest.raises(ArgumentError, match=r"top_patches: k must be at least 1, but it is 0"):
        top_patches(net, photos, "conv1", 0, k=0)
    with pytest.raises(ArgumentError, match=r"top_patches: per_image must be at least 1, but it is 0"):
        top_patches(net, photos, "conv1", 0, per_image=0)
