"""Figures: what is drawn where, in which colours, and that nothing is cut off or laid over another."""

import subprocess
import sys
from itertools import combinations, pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from minicnn import describe, models, nn, probe, show, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError

H, W = 22, 30


def crooked():
    """A network with unequal kernels, strides and paddings, an enlarging layer and a head."""
    rng = np.random.default_rng(5)
    return nn.Sequential(
        ("wide.conv", nn.Conv2d(3, 5, (5, 3), stride=(2, 1), padding=(2, 1), rng=rng)),
        ("wide.relu", nn.ReLU()),
        ("pool", nn.MaxPool2d(2)),
        ("deep.conv", nn.Conv2d(5, 7, 3, dilation=2, padding=4, rng=rng)),
        ("deep.relu", nn.ReLU()),
        ("mean", nn.AdaptiveAvgPool2d(1)),
        ("flatten", nn.Flatten()),
    )


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(1).random((H, W, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def traced(photo):
    return trace(crooked(), np.ascontiguousarray(photo.transpose(2, 0, 1))[None])


@pytest.fixture(scope="module")
def facts():
    return describe(models.efficientnet_lite0(), (3, 224, 224))


def outlines(ax):
    """Return the labelled outlines of a panel as {number: (left, top, width, height)}."""
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_label() in set("1234567")]
    return {box.get_label(): (*box.get_xy(), box.get_width(), box.get_height()) for box in boxes}


def drawn(box):
    """Return how a box of pixels is drawn: a pixel covers half a step to each side."""
    return (box.left - 0.5, box.top - 0.5, box.right - box.left + 1, box.bottom - box.top + 1)


# boxes_on_photo


def test_boxes_are_those_of_the_description(traced, photo):
    units = ["wide.conv", ("pool", 0, 0), "deep.relu"]
    figure = show.boxes_on_photo(traced, photo, units)
    exact, closed = figure.axes
    places = [("wide.conv", 5, 15), ("pool", 0, 0), ("deep.relu", traced["deep.relu"].shape[2] // 2, traced["deep.relu"].shape[3] // 2)]
    for number, (name, i, j) in enumerate(places, 1):
        assert outlines(exact)[str(number)] == drawn(traced.description.box(name, i, j))
        assert outlines(closed)[str(number)] == drawn(traced.description.field(name).box(i, j))
    assert outlines(exact)["2"] != outlines(closed)["2"]  # the corner unit's field begins outside the photo
    assert outlines(closed)["2"][1] < -0.5


def test_outlines_differ_by_more_than_colour(facts):
    figure = show.boxes_on_photo(facts, np.zeros((224, 224, 3)))
    exact = [patch for patch in figure.axes[0].patches if patch.get_label() in set("12345")]
    assert len(exact) == 5 == len({patch.get_edgecolor() for patch in exact}) == len({str(patch.get_linestyle()) for patch in exact})
    tags = [text.get_text() for text in figure.axes[0].texts]
    assert {"1", "2", "3", "4", "5", "hatched: outside the image"} <= set(tags)
    assert any(patch.get_hatch() for patch in figure.axes[0].patches)


def test_the_legend_says_it_in_words(facts):
    figure = show.boxes_on_photo(facts, np.zeros((224, 224, 3)), ["stem.conv", "head.conv"])
    first, second = (text.get_text() for text in figure.legends[0].get_texts())
    assert first == "1  unit (56, 56) of stem.conv sees rows 112–114, columns 112–114: 3×3 px; closed form 3×3 px"
    assert second == "2  unit (3, 3) of head.conv sees the whole photo; closed form 851×851 px"


def test_whose_units_are_drawn_is_said(facts):
    photo = np.zeros((224, 224, 3))
    for units, said in (
        (None, "the one at the centre of its map"),
        (["head.conv"], "1 unit, each with the pixels that it sees, on the 224×224 photo."),
    ):
        assert said in " ".join(text.get_text().replace("\n", " ") for text in show.boxes_on_photo(facts, photo, units).texts)


def test_a_layer_that_sees_everything_has_no_closed_form(traced, photo):
    figure = show.boxes_on_photo(traced, photo, ["flatten"])
    assert outlines(figure.axes[1]) == {}
    assert figure.legends[0].get_texts()[0].get_text() == (
        "1  unit (0, 0) of flatten sees rows 0–20, columns 0–29: 21×30 px; it has no closed form"  # pooling drops the last row
    )


def test_stages_are_the_last_of_each_resolution(facts, traced):
    assert show.stages(facts) == ["block1.expand.relu6", "block3.expand.relu6", "block5.expand.relu6", "block11.expand.relu6", "head.relu6"]
    assert show.stages(traced.description) == ["wide.relu", "pool", "deep.relu"]


@pytest.mark.parametrize(
    ("image", "received"), [(np.zeros((W, H, 3)), r"22×30×3, but it is shape \(30, 22, 3\)"), ([[0]], r"22×30×3, but it is list")]
)
def test_another_photo_is_refused(traced, image, received):
    with pytest.raises(
        ShapeError, match=rf"show.boxes_on_photo: image must be the photo that the network saw, {received}; pass load.to_hwc"
    ):
        show.boxes_on_photo(traced, image)


def test_units_that_do_not_exist_or_are_too_many(traced, photo):
    with pytest.raises(UnknownNameError, match=r"there is no node 'pol'. Did you mean 'pool'"):
        show.boxes_on_photo(traced, photo, ["pol"])
    with pytest.raises(ArgumentError, match="at most 7 outlines can be told apart, but 8 units were given"):
        show.boxes_on_photo(traced, photo, ["pool"] * 8)


# map_grid


def colours_at(figure, place, feature_map):
    """Return the colour drawn at the middle of each cell of one tile of the figure's mosaic."""
    image = figure.axes[0].images[0]
    canvas = np.asarray(image.get_array())
    rows, columns = feature_map.shape[2:]
    numbers = [text.get_position() for text in figure.axes[0].texts if text.get_ha() == "left"]
    across, down = (len({position[axis] for position in numbers}) for axis in (0, 1))
    step_y, step_x = canvas.shape[0] // down, canvas.shape[1] // across
    tile = canvas[(place // across) * step_y : (place // across + 1) * step_y, (place % across) * step_x : (place % across + 1) * step_x]
    inked = tile[..., 3] > 0
    top, left = np.flatnonzero(inked.any(1))[0], np.flatnonzero(inked.any(0))[0]
    size_y, size_x = inked.any(1).sum() // rows, inked.any(0).sum() // columns
    return tile[top + size_y // 2 : top + rows * size_y : size_y, left + size_x // 2 : left + columns * size_x : size_x]


def feature(data, name="pool1"):
    """Return a map that holds exactly these numbers."""
    net = nn.Sequential((name, nn.Identity()))
    return trace(net, np.asarray(data, np.float32))[name]


def test_a_cell_has_the_colour_of_its_number():
    data = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    figure = show.map_grid(feature(data))
    for channel in (0, 1):
        expected = matplotlib.colormaps["viridis"](data[0, channel] / 23)
        np.testing.assert_allclose(colours_at(figure, channel, feature(data)), expected, atol=1e-6)


def test_negative_numbers_get_a_scale_with_zero_in_the_middle():
    data = np.array([[[[-1.0, 0.0, 4.0]]]])
    figure = show.map_grid(feature(data))
    expected = matplotlib.colormaps["RdBu_r"](np.array([[0.375, 0.5, 1.0]]))
    np.testing.assert_allclose(colours_at(figure, 0, feature(data)), expected, atol=1e-6)
    assert figure.axes[1].get_ylim() == (-4, 4)
    assert figure.axes[1].get_ylabel() == "value"


def test_each_channel_on_its_own_scale_says_its_range():
    data = np.array([[[[0.5, 1.0]], [[20.0, 40.0]]]])
    figure = show.map_grid(feature(data), scale="each")
    first, second = (colours_at(figure, place, feature(data)) for place in (0, 1))
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "to 1", "1", "to 40"]
    assert figure.axes[1].get_ylabel() == "share of the channel's largest |value|"


def test_dead_channels_are_marked_and_numbers_that_are_none_stand_out():
    data = np.zeros((1, 3, 2, 5))
    data[0, 1] = 2
    data[0, 2, 0, 0] = np.nan
    figure = show.map_grid(feature(data))
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "dead", "1", "", "2", ""]
    assert [patch.get_hatch() for patch in figure.axes[0].patches] == ["xx"]
    np.testing.assert_allclose(colours_at(figure, 2, feature(data))[0, 0], to_rgba("#ff00ff"), atol=1e-6)


def test_nothing_but_nan_is_drawn_too():
    assert show.map_grid(feature(np.full((1, 1, 2, 3), np.nan)), scale="each").png()


def test_titles_name_map_kind_and_field(traced):
    figure = show.map_grid(traced["wide.conv"], [3, 1])
    assert [text.get_text() for text in figure.texts] == [
        "wide.conv: 5×11×30, pre-activation",
        "each number looks at 5×3 px, step 2×1 px; 2 of 5 channels,\none colour scale for all",
    ]
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text().isdigit()] == ["3", "1"]


def test_strongest_are_the_largest_means():
    data = np.full((1, 80, 2, 3), 0.1)
    data[0, 10:20] = 0
    data[0, [7, 70]] = 5
    figure = show.map_grid(feature(data), "strongest")
    shown = [int(text.get_text()) for text in figure.axes[0].texts if text.get_text().isdigit()]
    assert len(shown) == 64
    assert {7, 70} <= set(shown)
    assert not set(range(10, 20)) & set(shown)
    assert shown == sorted(shown)
    assert "the 64 of 80 channels with the largest mean |value|" in figure.texts[1].get_text()


def test_what_a_grid_cannot_show(traced):
    with pytest.raises(ShapeError, match=r"a grid needs a map \(N, C, H, W\), but 'flatten' is 1×7: it has no rows and columns"):
        show.map_grid(traced["flatten"])
    with pytest.raises(ArgumentError, match="the map has channels 0 … 4, but channel 5 was asked for"):
        show.map_grid(traced["wide.conv"], [0, 5])
    with pytest.raises(ArgumentError, match="at least one channel must be drawn"):
        show.map_grid(traced["wide.conv"], [])
    with pytest.raises(ArgumentError, match="channels must be one of 'first', 'strongest', but it is 'best'"):
        show.map_grid(traced["wide.conv"], "best")
    with pytest.raises(ArgumentError, match="scale must be one of 'shared', 'each', but it is 'log'"):
        show.map_grid(traced["wide.conv"], scale="log")
    with pytest.raises(ArgumentError, match="the batch has 1 images, but image 1 was asked for"):
        show.map_grid(traced["wide.conv"], image=1)


# memory_curve and growth


def test_the_memory_curve_is_the_descriptions(facts):
    figure = show.memory_curve(facts)
    upper, lower = figure.axes
    curve = facts.memory_curve()
    live, peak = upper.lines
    np.testing.assert_allclose(live.get_ydata(), [size / 1e6 for _, size in curve])
    assert (peak.get_xdata()[0], peak.get_ydata()[0]) == (curve.index(("block1.expand.bn", 9633792)), 9.633792)
    assert upper.texts[0].get_text() == "peak 9.63 MB while block1.expand.bn is computed"
    held = lower.lines[0].get_ydata()
    assert held[-1] == pytest.approx(facts.bytes / 1e6)
    assert held[0] == pytest.approx((facts["x"].bytes + facts["stem.conv"].bytes) / 1e6)
    assert all(b > a for a, b in pairwise(held))
    assert [ax.get_ylabel() for ax in figure.axes] == ["alive (MB)", "held (MB)"]
    assert [label.get_text() for label in lower.get_xticklabels()][:3] == ["stem", "block0", "block1"]


def test_growth_draws_sizes_channels_and_fields(facts):
    resolution, channels, field = show.growth(facts).axes
    rows = list(facts)
    assert resolution.lines[0].get_ydata().tolist() == [row.shape[2] for row in rows if len(row.shape) == 4]
    assert [label.get_text() for label in resolution.get_yticklabels()] == ["224", "112", "56", "28", "14", "7", "1"]
    assert channels.lines[0].get_ydata().tolist() == [row.shape[1] for row in rows]
    assert channels.texts[0].get_text() == "1,280 at head.conv"
    assert max(field.lines[0].get_ydata()) == 851
    assert [text.get_text() for text in field.texts] == ["the photo: 224 px", "from pool on: sees everything: global pooling"]


def test_growth_keeps_rows_and_columns_apart(traced):
    resolution, _, field = show.growth(traced.description).axes
    assert [line.get_label() for line in resolution.lines] == ["rows", "columns"]
    assert resolution.lines[1].get_ydata().tolist()[:3] == [30, 30, 30]
    assert resolution.lines[0].get_ydata().tolist()[:3] == [22, 11, 11]
    assert field.lines[0].get_ydata().tolist()[:4] == [1, 5, 5, 7]
    assert field.lines[1].get_ydata().tolist()[:4] == [1, 3, 3, 4]


def test_networks_that_have_nothing_to_draw():
    with pytest.raises(ShapeError, match=r"show.memory_curve: the network has no nodes"):
        show.memory_curve(describe(nn.Network([]), (3, 5, 7)))
    flat = describe(nn.Sequential(nn.Linear(6, 2, rng=nn.SHAPE_ONLY)), (4, 6))
    with pytest.raises(ShapeError, match=r"show.growth: resolution needs maps \(N, C, H, W\), but x is 4×6"):
        show.growth(flat)
    assert show.memory_curve(flat).png()


# every figure


def everything(traced, photo, facts):
    yield "boxes", show.boxes_on_photo(traced, photo)
    yield "deep boxes", show.boxes_on_photo(facts, np.zeros((224, 224, 3)))
    yield "grid", show.map_grid(traced["deep.conv"], scale="each")
    yield "one channel", show.map_grid(traced["wide.relu"], 2)
    yield "memory", show.memory_curve(facts)
    yield "small memory", show.memory_curve(traced.description)
    yield "growth", show.growth(facts)
    yield "small growth", show.growth(traced.description)
    yield "training", show.memory_timeline(traced.description)
    yield "deep training", show.memory_timeline(facts, "Adam")
    yield "histograms", show.histograms(traced)
    field = probe.effective_field(traced.net, traced, "deep.relu", (3, 4))
    yield "fields", show.field_on_photo(photo, [field, probe.effective_field(traced.net, traced, "wide.relu", (0, 0))])
    row = {"loss": 0.5, "held_out_loss": 0.4, "accuracy": 1.0, "held_out_accuracy": 1.0, "seconds": 2, "step_losses": [0.7, 0.3]}
    yield "one epoch", show.learning_curve([{"epoch": 1, **row}])
    yield "ten thousand epochs", show.learning_curve([{"epoch": e, **row} for e in range(1, 10_001, 500)], loss="cross-entropy (nats)")
    yield "no accuracy", show.learning_curve([{"epoch": e, "loss": np.nan} for e in range(1, 6)])
    for shape in ((1, 1, 5, 5), (6, 1, 5, 5), (16, 3, 7, 5), (64, 1, 3, 3), (64, 4, 5, 3), (20, 2, 3, 9), (3, 1, 1, 1)):
        weight = np.random.default_rng(2).standard_normal(shape)
        yield f"filters {shape}", show.filters(weight)
        yield f"filters {shape}, before and after", show.filters(weight, before=1e-5 * weight, names=["a long name"] * shape[1])


def test_no_text_is_cut_off_or_covers_another(traced, photo, facts):
    for name, figure in everything(traced, photo, facts):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        # Ticks that lie outside an axis keep their texts although they are not drawn.
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and not _hidden_tick(figure, t)]
        boxes = {text: text.get_window_extent(renderer) for text in texts}
        wide, high = figure.canvas.get_width_height()
        for text, box in boxes.items():
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= wide + 1 and box.y1 <= high + 1
            assert inside, f"{name}: {text.get_text()!r} is cut off at {box}"
        upright = [(text, box) for text, box in boxes.items() if text.get_rotation() in (0, 90)]
        for (a, box_a), (b, box_b) in combinations(upright, 2):
            over_x = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
            over_y = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
            assert over_x <= 1 or over_y <= 1, f"{name}: {a.get_text()!r} and {b.get_text()!r} overlap"


def _hidden_tick(figure, text) -> bool:
    for ax in figure.axes:
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if text in (tick.label1, tick.label2):
                    return not low <= tick.get_loc() <= high
    return False


def test_figures_leave_pyplot_alone_and_show_themselves(traced):
    code = (
        "import sys, numpy as np; from minicnn import show, describe, models;"
        "f = show.growth(describe(models.lenet5(), (1, 32, 32))); print(f._repr_png_()[1:4].decode(), 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["PNG", "False"]


# files


def test_save_replaces_its_own_and_nothing_else(tmp_path, facts):
    figure = show.growth(facts)
    path = show.save(figure, tmp_path / "a.png")
    first = path.stat().st_size
    assert show.save(figure, path) == path
    assert path.stat().st_size == first
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]
    theirs = tmp_path / "b.png"
    theirs.write_bytes(figure.png())  # a PNG, but not one that carries our signature
    with pytest.raises(
        ArgumentError, match=r"only pictures that minicnn wrote are replaced, but '.*b.png' is not one; save under another name"
    ):
        show.save(figure, theirs)
    assert theirs.read_bytes() == figure.png()
    with pytest.raises(ArgumentError, match=r"figures are written as PNG, but the file is called 'a.jpg'; call it a.png"):
        show.save(figure, tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError):
        show.save(figure, tmp_path / "missing" / "a.png")


def test_a_failed_save_leaves_the_old_picture_and_no_rest(tmp_path, facts, monkeypatch):
    figure = show.growth(facts)
    path = show.save(figure, tmp_path / "a.png")
    before = path.read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space left"):
        show.save(figure, path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_of_others_is_refused(tmp_path, facts):
    folder = show.free_folder(tmp_path / "new" / "pictures")
    show.save(show.growth(facts), folder / "a.png")
    (folder / ".DS_Store").write_bytes(b"")
    assert show.free_folder(folder) == folder
    (folder / "notes.txt").write_text("mine")
    (folder / "b.png").write_bytes(b"not a picture")
    with pytest.raises(ArgumentError, match=r"holds files that minicnn did not write, such as b.png, notes.txt; name another folder"):
        show.free_folder(folder)
    with pytest.raises(ArgumentError, match=r"pictures go into a folder, but '.*notes.txt' is a file"):
        show.free_folder(folder / "notes.txt")
    assert (folder / "notes.txt").read_text() == "mine"
