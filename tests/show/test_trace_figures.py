"""histograms, memory_timeline, field_on_photo, and axes of one's own: what is drawn where."""

from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from minicnn import describe, models, nn, probe, show, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.field import Box
from minicnn.show.histograms import _counted
from minicnn.show.memory import _bands, _kept

H, W = 14, 18


def small(rng=None):
    rng = np.random.default_rng(3) if rng is None else rng
    return nn.Sequential(
        ("conv", nn.Conv2d(3, 4, 3, padding=1, rng=rng)),
        ("relu", nn.ReLU()),
        ("pool", nn.MaxPool2d(2)),
        ("deep", nn.Conv2d(4, 5, 3, rng=rng)),
        ("flatten", nn.Flatten()),
        ("linear", nn.Linear(5 * 5 * 7, 6, rng=rng)),
    )


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(1).random((H, W, 3))


@pytest.fixture(scope="module")
def traced(photo):
    return trace(small(), np.ascontiguousarray(photo.transpose(2, 0, 1)[None]).astype(np.float32))


# histograms


def identity(*values):
    return trace(nn.Sequential(("same", nn.Identity())), np.array([[[list(values)]]], np.float64))


def test_columns_hold_the_shares_of_their_maps(traced):
    edges, shares, width = _counted(list(traced))
    np.testing.assert_allclose(edges, -edges[::-1])
    assert len(edges) % 2 == 0  # an odd number of bins, so that zero is the middle of one
    for row, each in zip(shares, traced, strict=True):
        assert row.sum() == pytest.approx(1)
        values = np.arcsinh(each.data.astype(np.float64) / width)
        np.testing.assert_allclose(row, [((values >= low) & (values < high)).mean() for low, high in pairwise(edges)])
    relu = [each.name for each in traced].index("relu")
    middle = len(shares[relu]) // 2
    assert shares[relu][:middle].sum() == 0
    assert shares[relu][middle] >= (traced["relu"].data == 0).mean()
    mesh = show.histograms(traced).axes[0].collections[0]
    np.testing.assert_allclose(np.ma.filled(mesh.get_array(), 0).reshape(shares.T.shape), shares.T)


def test_means_deviations_and_zeros(traced):
    upper, lower, scale = show.histograms(traced).axes
    width = _counted(list(traced))[2]
    lines = {line.get_label(): width * np.sinh(line.get_ydata()) for line in upper.lines}
    np.testing.assert_allclose(lines["mean"], [each.mean() for each in traced], rtol=1e-6)
    np.testing.assert_allclose(lines["mean ± standard deviation"], [each.mean() + each.std() for each in traced], rtol=1e-6)
    np.testing.assert_allclose(lower.containers[0].datavalues, [100 * each.zeros for each in traced])
    assert upper.get_ylim()[0] == -upper.get_ylim()[1]
    assert [label.get_text() for label in lower.get_xticklabels()] == ["x", "conv", "relu", "pool", "deep", "flatten", "linear"]
    assert [ax.get_ylabel() for ax in (upper, lower, scale)] == ["value", "zeros (%)", "share of the map"]
    for label, place in zip(upper.get_yticklabels(), upper.get_yticks(), strict=True):
        assert float(label.get_text()) == pytest.approx(width * np.sinh(place), abs=1e-9)


def test_numbers_that_are_not_finite_are_left_out_and_told():
    figure = show.histograms(identity(np.nan, np.inf, 1.0, -3.0))
    assert figure.texts[1].get_text().endswith("\nNot drawn, since they are not finite: numbers of x, same.")
    assert "not finite" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert _counted(list(identity(np.nan, np.inf, 1.0, -3.0)))[1].sum() == pytest.approx(2 * 0.5)
    for values in ((np.nan, np.nan), (0.0, 0.0), (7.0,), (1e-300, 0.0), (1e300, -1.0)):
        assert show.histograms(identity(*values)).png()


def test_some_maps_only(traced):
    figure = show.histograms(traced, ["relu", "deep"])
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["relu", "deep"]
    with pytest.raises(UnknownNameError, match=r"there is no map 'rel'. Did you mean 'relu'"):
        show.histograms(traced, ["rel"])
    with pytest.raises(ArgumentError, match=r"show.histograms: the first argument is what trace\(net, x\) returned, but it is a dict"):
        show.histograms({})
    with pytest.raises(ArgumentError, match="at least one map with floating-point numbers must be drawn"):
        show.histograms(traced, [])


# memory_timeline


@pytest.mark.parametrize("optimizer", [None, "SGD", "Adam"])
def test_the_pile_is_what_the_memory_says(optimizer):
    facts = describe(small(), (8, 3, H, W))
    found = probe.memory(small(), (8, 3, H, W), True, optimizer)
    figure = show.memory_timeline(facts, optimizer)
    (ax,) = figure.axes
    top = next(line for line in ax.lines if len(line.get_xdata()) == 2 * len(found.curve))
    standing = found.total_bytes - found.peak_bytes
    np.testing.assert_allclose(top.get_ydata()[::2] * 1e6, [standing + size for _, size in found.curve])
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[0] == "parameters"
    assert "maps kept and in use" in names
    assert ("the next parameters and arrays" in names) is (optimizer is not None)
    peak = max(found.curve, key=lambda moment: moment[1])
    assert f"at {peak[0]}" in ax.texts[-1].get_text()
    assert ax.get_ylabel() == "alive (MB)"


def test_maps_wait_and_gradients_of_parameters_add_up():
    """By hand: conv 3→4 on 14×18, float32, one image; the ReLU's and the linear layer's maps wait."""
    net = nn.Sequential(("conv", nn.Conv2d(3, 4, 3, padding=1)), ("relu", nn.ReLU()))
    facts = describe(net, (3, H, W))
    x, y = 4 * 3 * H * W, 4 * 4 * H * W
    assert _kept(facts) == x + x + y  # the batch, the convolution's input, which is the same again, and what the ReLU made
    found = probe.memory(net, (3, H, W), True)
    curve, (moments, bands) = found.curve, _bands(facts, found)
    assert moments == ["conv", "relu", "relu back", "conv back"]
    assert min(size for name, size in curve if name.endswith("back")) >= _kept(facts)
    weights = 4 * (4 * 3 * 9 + 4)
    parameters, _, maps, by_parameters, on_their_way, after = bands
    assert maps == [curve[0][1], curve[1][1], 2 * x + y, 2 * x + y]
    assert by_parameters == [0, 0, 0, weights]
    assert on_their_way[:3] == [0, 0, 2 * y]  # of the output, and of what the ReLU was made from
    assert parameters == [weights] * 4
    assert not any(after)


def test_the_output_stays_although_no_gradient_reads_it():
    x, y = 4 * 3 * H * W, 4 * 4 * H * W
    assert _kept(describe(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), (3, H, W))) == 2 * x + y


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "unet", "efficientnet_lite0"])
def test_every_band_is_there_or_not_but_never_negative(name):
    net, shape = models.build(name), models.input_shape(name)
    facts = describe(net, (2, *shape))
    found = probe.memory(net, (2, *shape), True, "momentum")
    moments, bands = _bands(facts, found)
    assert len(moments) == len(found.curve)
    assert min(min(band) for band in bands) >= 0
    gradients = [size for moment, size in zip(moments, bands[3], strict=True) if moment.endswith(" back")]
    assert gradients == sorted(gradients)
    assert gradients[-1] == found.parameter_bytes


def test_a_network_that_holds_nothing():
    with pytest.raises(ShapeError, match=r"show.memory_timeline: the network has no nodes, so nothing is held; add a layer"):
        show.memory_timeline(describe(nn.Network([]), (3, 5, 7)))


# field_on_photo


def rectangles(ax) -> list[tuple]:
    found = [patch for patch in ax.patches if patch.get_label() in set("1234567")]
    return [(patch.get_label(), *patch.get_xy(), patch.get_width(), patch.get_height()) for patch in found]


def as_drawn(number: int, box: Box) -> tuple:
    return (str(number), box.left - 0.5, box.top - 0.5, box.right - box.left + 1, box.bottom - box.top + 1)


def test_theoretical_and_effective_boxes(traced, photo):
    # The box is moved, so that it is told from the theoretical one, which is the same in a small network.
    fields = [
        replace(probe.effective_field(traced.net, traced, "deep", (2, 3)), box=Box(3, 5, 8, 9)),
        probe.effective_field(traced.net, traced, "relu", (0, 0)),
    ]
    figure = show.field_on_photo(photo, fields)
    left, right = figure.axes
    assert rectangles(left) == [as_drawn(at, field.theoretical_box) for at, field in enumerate(fields, 1)]
    assert rectangles(right) == [as_drawn(at, field.box) for at, field in enumerate(fields, 1)]
    first = fields[0]
    assert figure.legends[0].get_texts()[0].get_text() == (
        f"1  (2, 3) of deep sees {first.theoretical.sum()} pixels within 8×8, looks at {first.pixels} of them "
        f"({100 * first.share:.0f} %) within {first.box.size[0]}×{first.box.size[1]}"
    )
    tinted = np.asarray(right.images[0].get_array())
    grey = np.abs(tinted - tinted[..., :1]).max(axis=2) < 1e-9
    np.testing.assert_array_equal(~grey, first.mask | fields[1].mask)


def test_a_number_that_sees_padding_only(photo):
    net = nn.Sequential(("conv", nn.Conv2d.of(np.ones((1, 3, 1, 1)), padding=1)))
    found = trace(net, photo.transpose(2, 0, 1)[None])
    figure = show.field_on_photo(photo, probe.effective_field(net, found, "conv", (0, 0)))
    assert rectangles(figure.axes[0]) == rectangles(figure.axes[1]) == []
    assert figure.legends[0].get_texts()[0].get_text() == "1  (0, 0) of conv sees padding only"


def test_fields_of_another_photo(traced, photo):
    field = probe.effective_field(traced.net, traced, "deep", (2, 3))
    with pytest.raises(ShapeError, match=r"show.field_on_photo: the field of 'deep' must be that of this photo, 13×18, but it is 14×18"):
        show.field_on_photo(photo[:-1], field)
    with pytest.raises(ShapeError, match=r"a photo is \(H, W, 3\) in \[0, 1\], but it is shape \(3, 14, 18\); pass load.to_hwc"):
        show.field_on_photo(photo.transpose(2, 0, 1), field)
    with pytest.raises(ArgumentError, match=r"1 to 7 fields can be told apart, but 8 were given"):
        show.field_on_photo(photo, [field] * 8)
    with pytest.raises(ArgumentError, match=r"a field is what probe.effective_field returned, but it is a str"):
        show.field_on_photo(photo, ["deep"])


# axes of one's own


def test_pictures_are_drawn_into_given_axes(traced, photo):
    figure = Figure(figsize=(12, 12), layout="constrained")
    FigureCanvasAgg(figure)
    axs = figure.subplots(3, 2).ravel()
    field = probe.effective_field(traced.net, traced, "deep", (2, 3))
    drawn = [
        show.field_on_photo(photo, field, ax=axs[0]),
        show.boxes_on_photo(traced, photo, ["deep", "pool"], ax=axs[1]),
        show.overlay(photo, field.weight, title="Heat", label="weight", marks=[(field.box, "looks at")], ax=axs[2]),
        show.map_grid(traced["relu"], ax=axs[3]),
        show.histograms(traced, ax=axs[4]),
        show.memory_timeline(traced.description, ax=axs[5]),
    ]
    assert all(one is other for one, other in zip(drawn, axs, strict=True))
    assert all(ax.get_title(loc="left") for ax in axs)
    assert rectangles(axs[0]) == [as_drawn(1, field.theoretical_box), as_drawn(1, field.box)]
    assert rectangles(axs[1]) == [as_drawn(1, traced.description.box("deep", 2, 3)), as_drawn(2, traced.description.box("pool", 3, 4))]
    layer = np.asarray(axs[2].images[1].get_array())
    place = np.unravel_index(field.weight.argmax(), field.weight.shape)
    np.testing.assert_allclose(layer[place][:3], matplotlib.colormaps["plasma"](1.0)[:3], atol=0.01)
    assert [text.get_text() for text in axs[3].texts if text.get_text().isdigit()] == ["0", "1", "2", "3"]
    assert {"value", "weight", "share of the map"} <= {ax.get_ylabel() for ax in figure.axes}
    figure.canvas.draw()
