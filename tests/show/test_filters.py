"""filters: each weight has its cell and its colour, before and after on one scale."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from minicnn import nn, show
from minicnn.errors import ArgumentError, DTypeError, ShapeError


def some(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def cells(ax, count, rows, columns):
    """Return the colours at the middle of each cell of each row of tiles of a panel, (tiles, rows, columns, 4)."""
    found = []
    for image in ax.images:
        canvas = np.asarray(image.get_array())
        left, right, bottom, top = image.get_extent()
        tiles = [patch for patch in ax.patches if abs(patch.get_y() - top) < 1e-9]
        for tile in tiles:
            x = tile.get_x() + (np.arange(columns) + 0.5) * tile.get_width() / columns
            y = tile.get_y() + (np.arange(rows) + 0.5) * tile.get_height() / rows
            i = ((y - top) / (bottom - top) * canvas.shape[0]).astype(int)
            j = ((x - left) / (right - left) * canvas.shape[1]).astype(int)
            found.append(canvas[np.ix_(i, j)])
    assert len(found) == count
    return np.stack(found)


def test_a_cell_has_the_colour_of_its_weight():
    weight = np.array([[[[-1.0, 0.0, 2.0], [0.5, -2.0, 1.0]]], [[[0.0, 0.0, 1.0], [4.0, -4.0, 2.0]]]])
    figure = show.filters(weight)
    expected = matplotlib.colormaps["RdBu_r"]((weight[:, 0] + 4) / 8)
    np.testing.assert_allclose(cells(figure.axes[0], 2, 2, 3), expected, atol=1e-6)
    assert figure.axes[1].get_ylim() == (-4, 4)
    assert figure.axes[1].get_ylabel() == "weight"
    assert [text.get_text() for text in figure.texts] == [
        "The filters of the first layer",
        "2 filters of 1×2×3; red above zero, blue below, one scale for all.",
    ]


@pytest.mark.parametrize("shape", [(1, 1, 5, 4), (6, 1, 5, 5), (16, 3, 7, 5), (20, 2, 3, 9), (64, 4, 3, 2), (17, 3, 11, 11)])
def test_every_filter_and_channel_has_its_tile_in_order(shape):
    """Bands of filters from the top; in each band a row per channel."""
    count, channels, rows, columns = shape
    weight = some(*shape)
    ax = show.filters(weight).axes[0]
    across = -(-count // -(-count // 16))
    bands = [weight[start : start + across] for start in range(0, count, across)]
    order = np.concatenate([band.transpose(1, 0, 2, 3).reshape(-1, rows, columns) for band in bands])
    top = np.abs(weight).max()
    expected = matplotlib.colormaps["RdBu_r"]((order.astype(np.float64) + top) / (2 * top))
    np.testing.assert_allclose(cells(ax, count * channels, rows, columns), expected, atol=0.012)  # one of 256 colours
    assert [text.get_text() for text in ax.texts if text.get_text().isdigit()] == [str(number) for number in range(count)]


def test_before_and_after_share_one_scale_and_are_named():
    before, after = some(6, 1, 5, 3, seed=1), 3 * some(6, 1, 5, 3, seed=2)
    figure = show.filters(after, before=before)
    top = float(np.abs(after).max())
    for ax, weight in zip(figure.axes, (before, after), strict=False):
        expected = matplotlib.colormaps["RdBu_r"]((weight[:, 0] + top) / (2 * top))
        np.testing.assert_allclose(cells(ax, 6, 5, 3), expected, atol=0.012)
    assert figure.axes[2].get_ylim() == pytest.approx((-top, top))
    upper, lower = figure.texts[2:]
    assert (upper.get_text(), lower.get_text()) == ("before", "after")
    assert upper.get_position()[1] > lower.get_position()[1]
    assert figure.axes[0].get_position().y0 > figure.axes[1].get_position().y1


def test_how_far_training_moved_them():
    before = np.zeros((1, 1, 2, 2), np.float32)
    before[0, 0, 0] = 3, 4
    after = before.copy()
    after[0, 0, 1, 1] = 2.5
    assert (
        show.filters(after, before=before)
        .texts[1]
        .get_text()
        .endswith("Training moved them by 2.5, 50 % of the length they had (the root of Σ w²).")
    )
    assert show.filters(before, before=0 * before).texts[1].get_text().endswith("Training moved them by 5.")


def test_channels_have_names():
    ax = show.filters(some(2, 3, 3, 3)).axes[0]
    assert [text.get_text() for text in ax.texts if not text.get_text().isdigit()] == ["channel 0", "channel 1", "channel 2"]
    ax = show.filters(some(2, 3, 3, 3), names=["red", "green", "blue"]).axes[0]
    assert [text.get_text() for text in ax.texts if not text.get_text().isdigit()] == ["red", "green", "blue"]
    assert [text.get_text() for text in show.filters(some(2, 1, 3, 3)).axes[0].texts] == ["0", "1"]


def test_numbers_that_are_none_stand_out_and_zeros_are_drawn():
    weight = some(2, 1, 2, 3)
    weight[1, 0, 0, 1] = np.nan
    figure = show.filters(weight, before=weight)
    np.testing.assert_allclose(cells(figure.axes[0], 2, 2, 3)[1, 0, 1], to_rgba("#ff00ff"), atol=1e-6)
    assert figure.texts[1].get_text().endswith("\nMagenta: not finite.")
    zeros = np.zeros((2, 1, 3, 3), np.float32)
    np.testing.assert_allclose(cells(show.filters(zeros).axes[0], 2, 3, 3)[..., :3], matplotlib.colormaps["RdBu_r"](0.5)[0], atol=0.012)
    assert len(show.filters(zeros).axes[0].patches) == 2  # a border each: zero is as white as the paper


def test_weights_are_left_as_they_are():
    weight = some(3, 2, 3, 3)
    weight.setflags(write=False)
    assert show.filters(weight, before=weight).png()


def test_wrong_weights():
    layer = nn.Conv2d(1, 2, 3)
    with pytest.raises(
        ShapeError, match=r"show.filters: weight is the array of a layer's weights, but it is the layer; pass weight.weight"
    ):
        show.filters(layer)
    with pytest.raises(ShapeError, match=r"weight must be \(K, C, kh, kw\), as a Conv2d's weight is, but its shape is \(6, 25\)"):
        show.filters(some(6, 25))
    with pytest.raises(ShapeError, match=r"but its shape is \(0, 1, 3, 3\)"):
        show.filters(some(0, 1, 3, 3))
    with pytest.raises(ShapeError, match=r"sees at most 4 channels, but weight has 16 \(6×16×5×5\).*or some channels: weight\[:, :3\]"):
        show.filters(some(6, 16, 5, 5))
    with pytest.raises(ShapeError, match=r"at most 64 filters can be told apart, but weight has 65; pass some of them: weight\[:64\]"):
        show.filters(some(65, 1, 3, 3))
    with pytest.raises(ShapeError, match=r"before must have the shape of weight, 6×1×5×5, but it is 6×1×5×3"):
        show.filters(some(6, 1, 5, 5), before=some(6, 1, 5, 3))
    with pytest.raises(DTypeError, match="before must be a NumPy array, but it is a list"):
        show.filters(some(6, 1, 5, 5), before=[1.0])
    with pytest.raises(DTypeError, match="weight must be float32 or float64, but its dtype is int64"):
        show.filters(np.ones((1, 1, 3, 3), np.int64))
    for names in (["red"], "rgb", [1, 2, 3]):
        with pytest.raises(ArgumentError, match="names has a str for each of the 3 input channels, but it is "):
            show.filters(some(2, 3, 3, 3), names=names)
