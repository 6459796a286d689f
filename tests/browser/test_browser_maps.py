"""The maps of a node: order, scales, dead channels, statistics; and the boxes that a cell and a pixel are joined by."""

import base64
import io

import numpy as np
import page_networks as networks
import pytest
from PIL import Image

from minicnn.field import hull, looked_at

ORDERS = {
    "mean": lambda maps: maps.mean((1, 2), dtype=np.float64),
    "max": lambda maps: maps.max((1, 2)),
    "zeros": lambda maps: (maps == 0).mean((1, 2)),
}
BRIGHTEST = [253, 231, 37]  # the last colour of viridis


FILL = """async (list) => {
  const frame = () => new Promise(requestAnimationFrame);
  for (let top = 0; top <= list.scrollHeight; top += 300) {
    list.scrollTop = top;
    for (const _ of [1, 2, 3]) await frame();
  }
  list.scrollTop = 0;
}"""


def channels(page) -> list[int]:
    """Return the channels as they stand in the list, whose cells are made when they come near."""
    page.locator(".channels").evaluate(FILL)
    return page.locator(".channels [role=option]").evaluate_all("all => all.map((one) => Number(one.dataset.channel))")


def painted(canvas) -> np.ndarray:
    """Return what a canvas shows, (rows, columns, 3)."""
    png = canvas.evaluate("(canvas) => canvas.toDataURL()").partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_is_that_of_numpy(open_report, order):
    net, found = networks.wide(50)
    maps = open_report(net, found).node("relu1")
    maps.locator("[data-key=order]").select_option("index")
    assert channels(maps) == list(range(50))
    maps.locator("[data-key=order]").select_option(order)
    key = ORDERS[order](found["relu1"].data[0]).astype(np.float32)
    assert channels(maps) == np.argsort(-key, kind="stable").tolist()


def test_a_rectified_map_goes_from_dark_to_bright_and_one_of_two_signs_over_zero(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    assert opened.node("relu1").locator(".legend").first.get_attribute("aria-label").startswith("colours from dark at 0 to bright at ")
    legend = opened.node("conv1").locator(".legend").first
    most = f"{np.abs(found['conv1'].data).max():.4g}"
    assert legend.get_attribute("aria-label") == f"colours from blue at -{most} over neutral at 0 to red at {most}"
    assert legend.locator(".legend-ends span").all_inner_texts() == [f"-{most}", "0", most]
    tile = opened.page.locator('[data-channel="0"] canvas')
    tile.wait_for()
    red, blue, numbers = painted(tile)[..., 0], painted(tile)[..., 2], found["conv1"].data[0, 0]
    sure = np.abs(numbers) > 0.02 * np.abs(numbers).max()
    np.testing.assert_array_equal((red > blue)[sure], (numbers > 0)[sure])


def test_each_map_on_its_own_scale_uses_all_of_it(open_report):
    net, found = networks.branching()
    maps = open_report(net, found).node("relu1")
    tiles = maps.locator(".channel canvas")
    tiles.nth(3).wait_for()
    brightest = [painted(tiles.nth(channel)).max((0, 1)).tolist() == BRIGHTEST for channel in (0, 1, 3)]
    assert not all(brightest)  # of one scale only what is near the largest
    maps.locator("[data-choice=each]").click()
    assert maps.locator("[data-choice=each]").get_attribute("aria-pressed") == "true"
    assert maps.locator("[data-choice=shared]").get_attribute("aria-pressed") == "false"
    tiles.nth(3).wait_for()
    for channel in (0, 1, 3):
        numbers, colours = found["relu1"].data[0, channel], painted(tiles.nth(channel))
        assert colours[np.unravel_index(numbers.argmax(), numbers.shape)].tolist() == BRIGHTEST
    for channel in (1, 3):
        maps.locator(f'[data-channel="{channel}"]').click()
        assert maps.locator(".legend-ends span").all_inner_texts()[-1] == f"{found['relu1'].data[0, channel].max():.4g}"


def test_a_dead_channel_is_marked_in_words(open_report):
    net, found = networks.branching()
    maps = open_report(net, found).node("relu1")
    dead = maps.locator(".channel.dead")
    assert dead.count() == 1
    assert dead.get_attribute("data-channel") == str(networks.DEAD)
    assert "dead" in dead.inner_text()
    assert dead.get_attribute("aria-label").endswith("dead: all zeros")
    assert "1 of 4 channels is dead" in maps.inner_text()


def test_statistics_and_histogram_are_those_of_the_map(open_report):
    net, found = networks.branching()
    maps, data = open_report(net, found).node("relu1"), found["relu1"].data
    said = dict(zip(maps.locator(".numbers-of dt").all_inner_texts(), maps.locator(".numbers-of dd").all_inner_texts(), strict=True))
    for word, value in {"mean": data.mean(dtype=np.float64), "smallest": data.min(), "largest": data.max()}.items():
        assert float(said[word]) == pytest.approx(float(value), rel=5e-4)
    assert said["standard deviation"] == f"{data.std(dtype=np.float64):.4g}"
    assert said["dead channels"] == "1"
    assert float(said["zeros"].rstrip("%")) == round(100 * float((data == 0).mean()))
    bars = [title.rpartition(": ")[2] for title in maps.locator(".histogram rect title").all_text_contents()]
    assert sum(int(bar.replace(",", "")) for bar in bars) == data.size


def test_the_chosen_channel_says_its_own_numbers(open_report):
    net, found = networks.branching()
    maps = open_report(net, found).node("conv2")
    for channel in (3, 1):
        maps.locator(f'[data-channel="{channel}"]').click()
        own = found["conv2"].data[0, channel]
        said = maps.locator("header.chosen").inner_text()
        assert f"Channel {channel}\n" in said
        assert f"from {own.min():.4g} to {own.max():.4g}" in said


BOX = """(rect) => {
  const { x, y, width, height } = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, Number(rect.getAttribute(name))]));
  return [y, x, y + height - 1, x + width - 1];
}"""
PATH = f"all => all.map((item) => [item.querySelector('button').textContent, ({BOX})(item.querySelector('rect.line'))])"


def box_of(rect) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of an outline, last row and column included."""
    return tuple(rect.evaluate(BOX))


def seen_between(net, shapes, name: str, cell) -> dict[str, np.ndarray]:
    """Return for every map on the way which of its cells one cell of `name` is computed from, layer by layer."""
    marks = {name: np.zeros(shapes[name][2:], bool)}
    marks[name][cell] = True
    for node in reversed(net.nodes):
        if node.name in marks:
            for feeder, rules in zip(node.inputs, node.layer.axes(*(shapes[each] for each in node.inputs)), strict=True):
                seen = looked_at(marks[node.name], rules, shapes[feeder][2:])
                marks[feeder] = marks.get(feeder, np.zeros_like(seen)) | seen
    return marks


def hover(target, row: int, column: int, rows: int, columns: int, margin=(0, 0)):
    """Move the mouse to the middle of a cell of something that shows rows × columns of them, within margins of so many cells."""
    target.scroll_into_view_if_needed()
    box, (my, mx) = target.bounding_box(), margin
    x = box["x"] + box["width"] * (column + mx + 0.5) / (columns + 2 * mx)
    y = box["y"] + box["height"] * (row + my + 0.5) / (rows + 2 * my)
    target.page.mouse.move(x, y)
    target.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def hover_pixel(maps, row: int, column: int, rows: int, columns: int):
    """Point at a pixel of the photo, around which an eighth is left for what lies outside."""
    hover(maps.locator("svg.photo-marks"), row, column, rows, columns, (int(np.ceil(rows * 0.12)), int(np.ceil(columns * 0.12))))


CELLS = {"relu1": [(0, 0), (3, 9), (6, 4)], "conv2": [(2, 2), (6, 9)], "add": [(1, 5)], "pool": [(0, 4), (3, 0), (2, 2)], "point": [(1, 4)]}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_has_its_box_on_the_photo_and_in_every_map_between(open_report, name):
    net, found = networks.branching()
    maps = open_report(net, found).node(name)
    rows, columns = found[name].shape[2:]
    maps.get_by_label("every layer").check()
    for cell in CELLS[name]:
        hover(maps.locator("[data-key=big-map]"), *cell, rows, columns)
        box = found.description.box(name, *cell)
        assert box_of(maps.locator(".photo-marks rect.line")) == (box.top, box.left, box.bottom, box.right), cell
        seen = seen_between(net, found.shapes, name, cell)
        between = dict(maps.locator("ol.path > li").evaluate_all(PATH))
        assert set(between) == set(seen) - {name, "x"}
        for each, outline in between.items():
            mine = hull(seen[each])
            assert outline == [mine.top, mine.left, mine.bottom, mine.right], (cell, each)
        assert f"rows {box.top}…{box.bottom}, columns {box.left}…{box.right}" in maps.locator(".told").inner_text()


@pytest.mark.parametrize("name", CELLS)
def test_what_a_window_reaches_for_outside_is_hatched(open_report, name):
    """As much as the closed form, which does not know that a photo ends, lies beyond the photo."""
    net, found = networks.branching()
    maps = open_report(net, found).node(name)
    rows, columns = found[name].shape[2:]
    height, width = found["x"].shape[2:]
    for cell in CELLS[name]:
        hover(maps.locator("[data-key=big-map]"), *cell, rows, columns)
        box = found[name].field.box(*cell)
        sides = {"above": -box.top, "below": box.bottom - height + 1, "left": -box.left, "right": box.right - width + 1}
        outside = {side: n for side, n in sides.items() if n > 0}
        said = maps.locator(".told").inner_text()
        for side, n in outside.items():
            assert f"{n} {'row' if side in ('above', 'below') else 'column'}{'s' * (n > 1)} {side}" in said, cell
        hatched = maps.locator(".photo-marks path.cut")
        assert hatched.count() == bool(outside), cell
        if outside:
            pattern = hatched.get_attribute("fill").removeprefix("url(").removesuffix(")")
            assert maps.locator(f"pattern{pattern} .hatch-line").count() == 1


@pytest.mark.parametrize("name", ["relu1", "conv2", "pool", "point"])
def test_a_pixel_has_the_cells_that_see_it(open_report, name):
    """Against the pixels of every cell, one after the other."""
    net, found = networks.branching()
    maps = open_report(net, found).node(name)
    (rows, columns), size = found[name].shape[2:], found["x"].shape[2:]
    seen = np.array([[found[name].pixels(i, j) for j in range(columns)] for i in range(rows)])
    for pixel in [(0, 0), (13, 18), (6, 9), (13, 1)]:
        hover_pixel(maps, *pixel, *size)
        box = hull(seen[:, :, pixel[0], pixel[1]])
        outline = maps.locator("[data-key=big-map] .cells rect.line")
        if box is None:
            assert outline.count() == 0
            assert f"no cell of {name} sees it" in maps.locator(".told").inner_text()
        else:
            assert box_of(outline) == (box.top, box.left, box.bottom, box.right), pixel


def test_a_click_on_a_pixel_chooses_a_cell_that_sees_it(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    maps = opened.node("relu1")
    hover_pixel(maps, 5, 12, *found["x"].shape[2:])
    opened.page.mouse.down()
    opened.page.mouse.up()
    top, left, bottom, right = box_of(maps.locator("[data-key=big-map] .chosen rect.line"))
    assert (top, left) == (bottom, right)
    assert found["relu1"].pixels(top, left)[5, 12]


def test_a_click_on_a_cell_steps_through_it(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    maps = opened.node("conv1")
    channel, (i, j) = networks.held(net, found)["conv1"][-1]
    maps.locator(f'[data-channel="{channel}"]').click()
    hover(maps.locator("[data-key=big-map]"), i, j, 7, 10)
    opened.page.mouse.down()
    opened.page.mouse.up()
    assert opened.page.locator("[role=tab][aria-selected=true]").inner_text() == "Step"
    assert opened.page.locator(".step header h2").inner_text() == f"conv1: channel {channel}, row {i}, column {j}"


def test_arrow_keys_walk_over_cells_and_channels(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    maps, page = opened.node("relu1"), opened.page
    big = maps.locator("[data-key=big-map]")
    big.focus()
    start = box_of(big.locator(".chosen rect.line"))[:2]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert box_of(big.locator(".chosen rect.line"))[:2] == (start[0] + 1, start[1] + 2)
    maps.locator('[data-channel="0"]').click()
    for channel in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        assert maps.locator("[aria-selected=true]").get_attribute("data-channel") == str(channel)
    assert page.evaluate("document.activeElement.dataset.channel") == "3"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.key") == "big-map"
    page.keyboard.press("Enter")
    page.locator(".step").wait_for()


def test_arrow_keys_on_the_photo_point_at_pixels(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    maps = opened.node("relu1")
    maps.locator("[data-key=photo-x]").focus()
    opened.page.keyboard.press("ArrowUp")  # from the middle, (7, 9)
    assert "Pixel row 6, column 9 of x" in maps.locator(".told").inner_text()
    opened.page.keyboard.press("Shift+ArrowRight")
    assert "Pixel row 6, column 17 of x" in maps.locator(".told").inner_text()
    assert "Pixel row 6, column 17" in opened.page.locator("[data-live]").inner_text()
