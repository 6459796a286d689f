"""A kernel that slides: the numbers in every frame and on the page are the engine's, and nothing of someone else's is replaced."""

import re
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from PIL import Image

from minicnn import conv2d, show
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.probe.sliding import short, sliding
from minicnn.show.sliding import frame

X = np.array([[3.0, 0, 7, 2, 9], [1, 4, -2, 5, 0], [6, 1, 8, 0, 2], [0, 3, 1, 4, 5]])
KERNEL = np.array([[1.0, 0, -1], [2, 1, -2]])
SETTINGS = [{}, {"stride": 2, "padding": 1}, {"padding": ((0, 2), (1, 0)), "dilation": (2, 1), "stride": (1, 3)}, {"padding": "same"}]


def expected(**setting):
    return conv2d(X[None, None], KERNEL[None, None], np.array([2.0]), **setting)[0, 0]


@pytest.mark.parametrize("setting", SETTINGS)
def test_steps_are_the_equation(setting):
    """Window, products, sum and bias of each place, by hand from the padded input."""
    found, y = sliding(X, KERNEL, 2.0, **setting), expected(**setting)
    (above, below), (left, right) = found.layer.window.resolve(X.shape).padding
    padded = np.pad(X, ((above, below), (left, right)))
    np.testing.assert_array_equal(found.y[0], y)
    assert len(found) == y.size
    for number in range(len(found)):
        step = found.step(number)
        cells = padded[np.ix_(np.array(step.rows) + above, np.array(step.columns) + left)]
        np.testing.assert_array_equal(step.cells[0], cells)
        np.testing.assert_array_equal(step.products[0], np.where(step.padding, 0, cells * KERNEL))
        inside = np.logical_and.outer(
            [0 <= i < X.shape[0] for i in step.rows],
            [0 <= j < X.shape[1] for j in step.columns],
        )
        np.testing.assert_array_equal(~step.padding, inside)
        assert step.stored == step.sum == y[step.at] == step.products.sum() + 2
        assert (step.number, step.at) == (number, divmod(number, y.shape[1]))


def test_channels_and_filters():
    rng = np.random.default_rng(0)
    x, w, b = rng.integers(-5, 5, (2, 4, 5)).astype(float), rng.integers(-2, 3, (3, 2, 2, 3)).astype(float), np.array([1.0, 2, 3])
    found, y = sliding(x, w, b, stride=(1, 2)), conv2d(x[None], w, b, stride=(1, 2))[0]
    for k in range(3):
        for number in range(len(found)):
            step = found.step(number, k)
            assert step.stored == y[(k, *step.at)]
            assert sum(step.sums) + b[k] == step.stored


def test_arguments_are_left_as_they_were(tmp_path):
    x, kernel = X.copy(), KERNEL.copy()
    show.sliding_kernel(x, kernel, 1.0, padding=1, stride=3, path=tmp_path / "a.gif")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(kernel, KERNEL)


# the animation


def texts(figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_frame_says_the_engines_numbers(setting):
    found, y = sliding(X, KERNEL, 2.0, **setting), expected(**setting)
    for number in (0, len(found) - 1):
        step, words = found.step(number), texts(frame(found, found.step(number), "Title"))
        outputs = words[words.index(f"output {y.shape[0]}×{y.shape[1]}") + 1 :][::2]  # every other one is a corner's
        assert outputs == [short(value) if place <= number else "" for place, value in enumerate(y.ravel())]
        products = words[words.index("products") + 1 :][::2][: KERNEL.size]
        assert products == [short(value) for value in step.products.ravel()]
        corners = [word for word in words if word.startswith("×")]
        assert corners == [f"×{short(value)}" for value in KERNEL.ravel()]


def test_padding_is_hatched_and_dilation_leaves_gaps():
    found = sliding(X, KERNEL, padding=1, dilation=2)
    step = found.step(0)
    patches = frame(found, step).axes[0].patches
    hatched = [patch for patch in patches if patch.get_hatch()]
    assert len(hatched) == 6 * 7 - X.size + int(step.padding.sum())  # of the input, and of the products
    window = [patch.get_xy() for patch in patches if not patch.get_fill() and patch.get_edgecolor() == to_rgba("#0072B2")]
    columns = sorted({round(x / 0.36) for x, _ in window})
    assert columns == [0, 2, 4]


def test_words_below_a_frame_are_the_sum():
    found = sliding(X, KERNEL, 2.0)
    figure = frame(found, found.step(1), "Title")
    head, where, total, result = (text.get_text() for text in figure.texts)
    assert head == "Title"
    assert where.split("\n") == [
        "row  p·stride - padding + i·dilation = 0·1 - 0 + (0…1)·1 = 0, 1",
        "column  q·stride - padding + j·dilation = 1·1 - 0 + (0…2)·1 = 1, 2, 3",
    ]
    assert total == "0·1 + 7·0 + 2·(-1) + 4·2 + (-2)·1 + 5·(-2) = -6"
    assert result == "y[0, 0, 1] = -6 + bias 2 = -4"


@pytest.mark.parametrize(
    ("shape", "kernel"), [((1, 5, 5), (3, 3)), ((3, 4, 6), (2, 3)), ((1, 1, 9), (1, 4)), ((1, 12, 12), (7, 7)), ((1, 3, 2), (1, 1))]
)
def test_no_text_of_a_frame_is_cut_off_or_covers_another(shape, kernel):
    rng = np.random.default_rng(1)
    for scale in (1, 1e-3):
        found = sliding(scale * rng.standard_normal(shape), rng.standard_normal((shape[0], *kernel)), 0.123, padding=1)
        figure = frame(found, found.step(len(found) // 2), "A title")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = {text: text.get_window_extent(canvas.get_renderer()) for text in figure.findobj(Text) if text.get_text().strip()}
        boxes = {text: box for text, box in boxes.items() if text.get_visible() and not re.fullmatch(r"[01]\.\d", text.get_text())}
        wide, high = canvas.get_width_height()
        for text, box in boxes.items():
            assert min(box.x0, box.y0, wide - box.x1, high - box.y1) >= 0, f"{text.get_text()!r} is cut off"
        for (a, one), (b, other) in combinations(boxes.items(), 2):
            over = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(over) <= 2, f"{a.get_text()!r} and {b.get_text()!r} overlap"


def test_a_gif_has_a_frame_a_step_and_begins_again(tmp_path):
    path = show.sliding_kernel(X, KERNEL, stride=2, padding=1, path=tmp_path / "conv.gif", seconds=0.5)
    with Image.open(path) as image:
        assert image.n_frames == len(sliding(X, KERNEL, stride=2, padding=1)) == 9
        assert image.info["loop"] == 0
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            durations.append(image.info["duration"])
        assert durations == [500] * 8 + [1500]
        pixels = []
        for number in (3, 4):
            image.seek(number)
            pixels.append(np.asarray(image.convert("RGB")).astype(int))
    found = sliding(X, KERNEL, stride=2, padding=1)
    for number, shown in zip((3, 4), pixels, strict=True):  # what is read back is what was drawn, but for the palette
        canvas = FigureCanvasAgg(frame(found, found.step(number), "A 2×3 kernel over 4×5: stride 2, padding 1"))
        canvas.draw()
        assert np.abs(np.asarray(canvas.buffer_rgba())[..., :3].astype(int) - shown).mean() < 3


def test_the_lectures_example_stays_small(tmp_path):
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(0, 10, (5, 5)).astype(float), rng.integers(-2, 3, (3, 3)).astype(float)
    path = show.sliding_kernel(x, kernel, padding=1, path=tmp_path / "conv.gif")
    assert path.stat().st_size < 1_000_000


# the page


def cells(section: str, caption: str) -> list[str]:
    table = next(table for table in re.findall(r"<table>.*?</table>", section, re.S) if f"{caption}</caption>" in table)
    return re.findall(r"<td[^>]*>(.*?)</td>", table)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_page_says_the_engines_numbers(setting, tmp_path):
    found, y = sliding(X, KERNEL, 2.0, **setting), expected(**setting)
    text = show.sliding_kernel(X, KERNEL, 2.0, **setting, path=tmp_path / "conv.html").read_text(encoding="utf-8")
    sections = re.findall(r"<section>.*?</section>", text, re.S)
    assert len(sections) == len(found)
    for number, section in enumerate(sections):
        step = found.step(number)
        assert cells(section, f"output {y.shape[0]}×{y.shape[1]}") == [
            short(value) if at <= number else "" for at, value in enumerate(y.ravel())
        ]
        assert cells(section, "products") == [short(value) for value in step.products.ravel()]
        assert section.count('class="w') == KERNEL.size
        assert f"y[0, {step.at[0]}, {step.at[1]}] = " in section
    assert not re.search(r"https?:|src=|href=|url\(|@import", text)  # it asks nothing of any host


def test_a_title_with_markup_is_text(tmp_path):
    path = show.sliding_kernel(X, KERNEL, path=tmp_path / "conv.html", title="<script>alert(1)</script>")
    assert "<script>alert" not in path.read_text(encoding="utf-8")


# files and mistakes


@pytest.mark.parametrize("name", ["conv.gif", "conv.html"])
def test_only_our_own_is_replaced(tmp_path, name):
    path = tmp_path / name
    first = show.sliding_kernel(X, KERNEL, stride=3, path=path)
    assert show.sliding_kernel(X, KERNEL, stride=3, path=path) == first == path
    assert [item.name for item in tmp_path.iterdir()] == [name]
    if name.endswith("gif"):
        Image.new("P", (3, 4)).save(path, comment=b"someone's")
    else:
        path.write_text("<html><head><title>minicnn by hand</title></head></html>")
    mine = path.read_bytes()
    with pytest.raises(
        ArgumentError, match=rf"show.sliding_kernel: only pictures that minicnn wrote are replaced, but '.*{name}' is not one"
    ):
        show.sliding_kernel(X, KERNEL, stride=3, path=path)
    assert path.read_bytes() == mine


def test_what_a_picture_cannot_show(tmp_path):
    path = tmp_path / "conv.gif"
    with pytest.raises(ShapeError, match=r"a picture has room for 16×16 cells of input and padding, .* but here are 17×5 cells, 1 channel"):
        show.sliding_kernel(np.ones((15, 3)), KERNEL, padding=1, path=path)
    with pytest.raises(ShapeError, match=r"3 channels and 256 steps, but here are 3×4 cells, 4 channels and 4 steps"):
        show.sliding_kernel(np.ones((4, 3, 4)), np.ones((4, 2, 3)), path=path)
    with pytest.raises(ShapeError, match=r"sliding_kernel: the kernel must fit into the padded input, .* spans 5, .* 4 \+ 0 \+ 0 = 4"):
        show.sliding_kernel(X, np.ones((5, 2)), path=path)
    with pytest.raises(ShapeError, match=r"at most 32×32 positions, but x has 33×2; take a part of x, or ask probe.explain"):
        show.sliding_kernel(np.ones((33, 2)), KERNEL, path=path)
    with pytest.raises(ShapeError, match=r"x must be \(H, W\) or \(C, H, W\), none of it empty, but x.shape=\(3,\)"):
        show.sliding_kernel(np.ones(3), KERNEL, path=path)
    with pytest.raises(ShapeError, match=r"weight expects 2 input channels but x has 1"):
        show.sliding_kernel(X, np.ones((2, 2, 2)), path=path)
    with pytest.raises(DTypeError, match=r"x must be float32 or float64"):
        show.sliding_kernel(X.astype(int), KERNEL, path=path)
    with pytest.raises(ArgumentError, match=r"weight has 1 filters, but filter 1 was asked for; use 0 … 0"):
        show.sliding_kernel(X, KERNEL, path=path, filter=1)
    with pytest.raises(ArgumentError, match=r"seconds is the time of a step, from 0.02 to 60, but it is 0"):
        show.sliding_kernel(X, KERNEL, path=path, seconds=0)
    with pytest.raises(ArgumentError, match=r"written as .gif or .html, but the file is called 'conv.png'; call it conv.gif"):
        show.sliding_kernel(X, KERNEL, path=tmp_path / "conv.png")
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_not_finite_are_shown_as_such():
    x = X.copy()
    x[0, 0], x[1, 1] = np.nan, np.inf
    with np.errstate(all="ignore"):
        found = sliding(x, KERNEL)
        words = texts(frame(found, found.step(0)))
    assert {"nan", "inf"} <= set(words)
