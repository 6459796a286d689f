"""overlay, pattern, patches: numbers get their colours at their places, and words say what is seen."""

import matplotlib
import numpy as np
import pytest

from minicnn import nn, probe, show, trace
from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import Box

PHOTO = np.random.default_rng(0).random((6, 9, 3))


def layer(figure):
    """Return the colours that lie over the grey photo."""
    return np.asarray(figure.axes[1].images[1].get_array())


def test_numbers_of_one_sign_rise_from_nothing():
    heat = np.zeros((6, 9))
    heat[1, 2], heat[4, 8], heat[5, 0] = 2, 4, np.nan
    figure = show.overlay(PHOTO, heat, title="Heat", below="words", label="value")
    colours = layer(figure)
    assert colours.shape == (6, 9, 4)
    np.testing.assert_allclose(colours[4, 8, :3], matplotlib.colormaps["plasma"](1.0)[:3], atol=0.01)
    np.testing.assert_allclose(colours[1, 2, :3], matplotlib.colormaps["plasma"](0.5)[:3], atol=0.01)
    assert colours[0, 0, 3] == colours[5, 0, 3] == 0
    assert 0 < colours[1, 2, 3] < colours[4, 8, 3] < 1
    np.testing.assert_array_equal(np.asarray(figure.axes[0].images[0].get_array()), PHOTO)
    grey = np.asarray(figure.axes[1].images[0].get_array())
    assert (grey[..., 0] == grey[..., 2]).all()
    assert figure.axes[2].get_ylim() == (0, 4)
    assert [text.get_text() for text in figure.texts] == ["Heat", "words"]
    assert figure.png()


def test_numbers_of_both_signs_share_one_zero():
    heat = np.zeros((6, 9))
    heat[0, 0], heat[0, 1] = -1, 4
    figure = show.overlay(PHOTO, heat, title="Both", label="value")
    colours = layer(figure)
    assert figure.axes[2].get_ylim() == (-4, 4)
    assert colours[0, 1, 0] > colours[0, 1, 2]  # red
    assert colours[0, 0, 2] > colours[0, 0, 0]  # blue
    assert colours[3, 3, 3] < 0.06 < colours[0, 0, 3] < colours[0, 1, 3]


def test_top_cuts_the_scale():
    heat = np.arange(54.0).reshape(6, 9)
    figure = show.overlay(PHOTO, heat, title="Cut", top=10)
    np.testing.assert_array_equal(layer(figure)[5, 8], layer(figure)[1, 1])  # 53 and 10


def test_marks_and_a_part_of_the_photo():
    marks = [(Box(0, 1, 5, 6), "sees"), (Box(2, 2, 3, 4), "looks at")]
    figure = show.overlay(PHOTO, np.ones((6, 9)), title="Marks", marks=marks, view=Box(0, 1, 5, 6))
    for ax in figure.axes[:2]:
        outlines = [patch for patch in ax.patches if patch.get_edgecolor()[:3] != (1, 1, 1)]
        assert [(o.get_x(), o.get_y(), o.get_width(), o.get_height()) for o in outlines] == [(0.5, -0.5, 6, 6), (1.5, 1.5, 3, 2)]
    assert figure.axes[1].get_xlim() == (0.5, 6.5)
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["sees", "looks at"]


def test_pattern_shows_grey_for_nothing():
    net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, -1.0]]] * 3]).reshape(1, 3, 1, 2)))
    x = np.zeros((1, 3, 6, 9))
    x[0, :, 2, 3] = 1
    found = probe.deconvnet(net, trace(net, x), "conv1", 0)
    figure = show.pattern(PHOTO, found, title="Pattern")
    np.testing.assert_array_equal(np.asarray(figure.axes[1].images[0].get_array()), PHOTO[2:3, 3:5])
    np.testing.assert_array_equal(np.asarray(figure.axes[2].images[0].get_array()), [[[1, 1, 1], [0, 0, 0]]])
    with pytest.raises(ShapeError, match=r"show.pattern: the pattern must be that of this photo, 5×9, but it is 3×6×9"):
        show.pattern(PHOTO[:5], found, title="Pattern")


def test_patches_are_cut_from_their_photos():
    photos = [PHOTO, PHOTO[::-1].copy()]
    images = np.zeros((2, 1, 6, 9))
    images[0, 0, 2, 3], images[1, 0, 5, 8] = 1, 2
    net = nn.Sequential(nn.MaxPool2d(2, 1))
    found = probe.top_patches(net, images, "pool1", 0)
    figure = show.patches(photos, found, title="Patches")
    for ax, patch in zip(figure.axes, found, strict=True):
        box = patch.box
        expected = photos[patch.image][box.top : box.bottom + 1, box.left : box.right + 1]
        np.testing.assert_array_equal(np.asarray(ax.images[0].get_array()), expected)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["2  image 1", "1  image 0"]
    with pytest.raises(ArgumentError, match=r"show.patches: images \(and names\) are those that were asked, 2, but 1 came"):
        show.patches(photos[:1], found, title="Patches")


def test_a_patch_of_padding_and_places_of_one_photo():
    net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 1, 1)), np.array([1.0]), padding=1))
    found = probe.top_patches(net, -np.ones((1, 1, 6, 9)), "conv1", 0, k=2, per_image=None)
    figure = show.patches([PHOTO], found, title="Padding")
    assert figure.axes[0].get_title(loc="left") == "1  at place (0, 0)"
    assert [text.get_text() for text in figure.axes[0].texts] == ["padding only"]


def test_wrong_photos():
    with pytest.raises(ShapeError, match=r"show.overlay: heat must have a number for each pixel of the photo, 6×9, but it is 6×8"):
        show.overlay(PHOTO, np.zeros((6, 8)), title="")
    with pytest.raises(
        ShapeError, match=r"show.overlay: a photo is \(H, W, 3\) in \[0, 1\], but it is shape \(3, 6, 9\); pass load.to_hwc"
    ):
        show.overlay(PHOTO.transpose(2, 0, 1), np.zeros((6, 9)), title="")
