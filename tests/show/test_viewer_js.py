"""The viewer's reckoning, run by node: boxes equal the engine's, colours equal matplotlib's, numbers read as they should.

The same files run in a browser in the browser tests; here they run without one, a question and an answer a line.
"""

import base64
import json
import math
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from minicnn import describe, models, nn, trace
from minicnn.network.geometry import grid
from minicnn.text import count

sys.path.insert(0, str(Path(__file__).parents[1] / "network"))
from graphs import KINDS, MOVES, chains, networks

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed; the browser tests run these files too")

DRIVER = """
import * as dom from "./dom.js";
import * as colour from "./colour.js";
import * as fields from "./fields.js";
import * as gallery from "./gallery.js";
import * as zoom from "./zoom.js";
import { createInterface } from "node:readline";
const known = { ...dom, ...colour, ...fields, ...gallery, ...zoom };
let payload = null;
const real = (x) => (x && x.float !== undefined ? Number(x.float) : x);
for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  let answer;
  if (call === "payload") payload = given[0];
  else if (call === "every box") answer = payload.nodes.map(({ name, shape }) => {
    const [rows, columns] = fields.grid(shape);
    return Array.from({ length: rows * columns }, (_, at) => fields.backwards(payload, name, Math.floor(at / columns), at % columns));
  });
  else if (call === "every cell") answer = payload.nodes.map(({ name }) => {
    const [rows, columns] = fields.grid(payload.inputs[0].shape);
    return Array.from({ length: rows * columns }, (_, at) => fields.forwards(payload, payload.inputs[0].name, Math.floor(at / columns), at % columns, name));
  });
  else answer = known[call](...given.map((x) => (x === "payload" ? payload : real(x))));
  process.stdout.write(JSON.stringify({ answer: ArrayBuffer.isView(answer) ? [...answer] : answer ?? null }) + "\\n");
}
"""


@pytest.fixture(scope="module")
def js(tmp_path_factory):
    """Return a function that calls one of the viewer's."""
    folder = tmp_path_factory.mktemp("viewer")
    for file in files("minicnn.show").joinpath("viewer").iterdir():
        if file.name.endswith(".js"):
            (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "driver.js").write_text(DRIVER, encoding="utf-8")
    with subprocess.Popen(
        [NODE, folder / "driver.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:

        def call(name, *given):
            process.stdin.write(json.dumps({"call": name, "given": given}, allow_nan=False) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, f"{name}{given}: node gave up"
            return json.loads(line)["answer"]

        yield call
        process.stdin.close()


def table(rule, n, out):
    """Return one axis as the page has it: first and last input of each output, and all of them where some between are left out."""
    seen = [rule.sees(i, n) for i in range(out)]
    if n > 1 and all(len(inputs) == n for inputs in seen):
        return {"all": out}
    found = {"lo": [min(inputs, default=-1) for inputs in seen], "hi": [max(inputs, default=-1) for inputs in seen]}
    gaps = any(inputs and max(inputs) - min(inputs) + 1 != len(inputs) for inputs in seen)
    return {**found, "seen": [list(inputs) for inputs in seen]} if gaps else found


def outside(rule, n, out):
    return max(rule.before, 0), max((out - 1) * rule.stride - rule.before + rule.extent - n, 0)


def positions(net, shape):
    """Return what fields.js needs of a network, made here from the one-axis rules."""
    facts = describe(net, shape)
    nodes = []
    for row in facts:
        rules = [] if row.layer is None else row.layer.axes(*(facts.shapes[name] for name in row.inputs))
        axes, padding = [], None
        for name, pair in zip(row.inputs, rules, strict=True):
            sizes = list(zip(pair, grid(facts.shapes[name]), grid(row.shape), strict=True))
            axes.append([table(*size) for size in sizes])
            if padding is None and all(hasattr(rule, "before") and hasattr(rule, "ceil") for rule in pair):
                (top, bottom), (left, right) = (outside(*size) for size in sizes)
                padding = {"top": top, "left": left, "bottom": bottom, "right": right}
        field = {
            key: value and [float(v) for v in value]
            for key, value in (("size", row.field.size), ("stride", row.field.stride), ("start", row.field.start))
        }
        nodes.append(
            {
                "name": row.name,
                "layer": row.layer and "",
                "inputs": list(row.inputs),
                "shape": list(row.shape),
                "axes": axes,
                "padding": padding,
                "field": field,
            }
        )
    return facts, {"inputs": [{"name": name, "shape": list(facts.shapes[name])} for name in net.inputs], "nodes": nodes}


def corners(box):
    return box and {"top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right}


def without_cut(box):
    return box and {side: value for side, value in box.items() if side != "clipped"}


def test_a_box_by_hand(js):
    """Two 3×3 convolutions with stride 2 and padding 1: cell 0 sees rows -3 … 3, of which 0 … 3 are there."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1), nn.Conv2d(1, 1, 3, stride=2, padding=(1, 0)))
    js("payload", positions(net, (1, 9, 11))[1])
    found = js("backwards", "payload", "conv2", 0, 0)
    assert found["x"] == {"top": 0, "left": 0, "bottom": 3, "right": 5, "clipped": {"top": 3, "left": 1, "bottom": 0, "right": 0}}
    assert found["conv1"] == {"top": 0, "left": 0, "bottom": 1, "right": 2, "clipped": {"top": 1, "left": 0, "bottom": 0, "right": 0}}
    assert js("forwards", "payload", "x", 3, 5, "conv2") == {"top": 0, "left": 0, "bottom": 1, "right": 1}


@settings(max_examples=60, deadline=None)
@given(drawn=networks(largest=8, nodes=6) | networks(largest=8, nodes=6, kinds=(*KINDS, *MOVES)))
def test_boxes_equal_the_engines_for_any_network(js, drawn):
    net, shape = drawn
    facts, payload = positions(net, shape)
    js("payload", payload)
    for row, boxes in zip(facts, js("every box"), strict=True):
        columns = grid(row.shape)[1]
        for at, found in enumerate(boxes):
            assert without_cut(found.get("x")) == corners(facts.box(row.name, at // columns, at % columns)), (row, at)


@settings(max_examples=20, deadline=None)
@given(drawn=networks(largest=6, nodes=5) | networks(largest=6, nodes=5, kinds=(*KINDS, *MOVES)))
def test_cells_that_see_a_pixel_are_those_whose_pixels_hold_it(js, drawn):
    net, shape = drawn
    facts, payload = positions(net, shape)
    js("payload", payload)
    for row, boxes in zip(facts, js("every cell"), strict=True):
        rows, columns = grid(row.shape)
        seen = np.stack([facts.pixels(row.name, i, j) for i in range(rows) for j in range(columns)]).reshape(rows, columns, -1)
        for pixel, found in enumerate(boxes):
            cells = np.argwhere(seen[:, :, pixel])
            (top, left), (bottom, right) = (cells.min(0), cells.max(0)) if len(cells) else ((0, 0), (0, 0))
            assert found == ({"top": top, "left": left, "bottom": bottom, "right": right} if len(cells) else None), (row, pixel)


@settings(max_examples=40, deadline=None)
@given(drawn=chains(largest=12, nodes=3))
def test_what_is_cut_off_is_what_the_closed_form_has_outside(js, drawn):
    net, shape = drawn
    facts, payload = positions(net, shape)
    js("payload", payload)
    for row, boxes in zip(facts, js("every box"), strict=True):
        columns = grid(row.shape)[1]
        for at, found in enumerate(boxes):
            if "x" not in found:
                continue
            whole = row.field.box(at // columns, at % columns)
            cut = {
                "top": max(0, -whole.top), "left": max(0, -whole.left),
                "bottom": max(0, whole.bottom - shape[1] + 1), "right": max(0, whole.right - shape[2] + 1),
            }  # fmt: skip
            assert found["x"]["clipped"] == cut


@settings(max_examples=40, deadline=None)
@given(drawn=chains(largest=24, nodes=3))
def test_what_is_cut_off_inner_maps_is_what_the_layers_behind_them_reach_for(js, drawn):
    """The closed form of the layers behind a map, taken as a network of their own, says what they reach for in it."""
    net, shape = drawn
    facts, payload = positions(net, shape)
    names = [row.name for row in facts]
    js("payload", {**payload, "nodes": [node | {"field": {"size": None}} for node in payload["nodes"]]})
    last = facts[names[-1]]
    boxes = js("every box")[-1]
    for k, inner in enumerate(names[:-1]):
        rest = nn.Network([(node.name, node.layer, node.inputs) for node in net.nodes[k:]], inputs=(inner,))
        size, behind = facts[inner].shape, describe(rest, facts[inner].shape[1:])
        assume(all(told(row, behind) for row in behind))
        columns = grid(last.shape)[1]
        for at, found in enumerate(boxes):
            if inner in found:
                whole = behind[names[-1]].field.box(at // columns, at % columns)
                cut = (max(0, -whole.top), max(0, whole.bottom - size[2] + 1), max(0, -whole.left), max(0, whole.right - size[3] + 1))
                assert tuple(found[inner]["clipped"][side] for side in ("top", "bottom", "left", "right")) == cut


def told(row, facts):
    """Return whether first and last inputs tell the stride and the length of a window: two windows that nothing cuts off, or one output."""
    if row.layer is None:
        return True
    for rule, n, out in zip(
        row.layer.axes(facts.shapes[row.inputs[0]])[0], grid(facts.shapes[row.inputs[0]]), grid(row.shape), strict=True
    ):
        free = [i for i in range(out) if i * rule.stride >= rule.before and i * rule.stride - rule.before + rule.extent < n]
        if len(free) < 2:
            return False
    return True


@pytest.fixture(scope="module")
def lite0():
    net = models.efficientnet_lite0(rng=nn.SHAPE_ONLY)
    return net, positions(net, (3, 224, 224))


def test_efficientnet_lite0_at_corners_borders_and_in_the_middle(js, lite0):
    _, (facts, payload) = lite0
    js("payload", payload)
    for name in ("stem.conv", "block2.add", "block5.depthwise.conv", "block10.add", "block14.project.conv", "head.conv", "classifier"):
        rows, columns = grid(facts[name].shape)
        for i, j in {(0, 0), (0, columns // 2), (rows // 2, columns // 2), (rows - 1, columns - 1), (rows // 3, columns - 1)}:
            found = js("backwards", "payload", name, i, j)
            assert without_cut(found["x"]) == corners(facts.box(name, i, j))
            for inner in ("stem.relu6", "block1.project.bn"):
                if inner in found:
                    assert {"top", "left", "bottom", "right", "clipped"} == set(found[inner])


def test_the_payloads_tables_give_the_engines_boxes(js):
    """What show.payload writes is what fields.js reads."""
    payload = pytest.importorskip("minicnn.show.payload").payload
    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    x = np.random.default_rng(1).random((1, 3, 64, 96), np.float32)
    seen = trace(net, x)
    held = payload(net, seen, ask=True)
    js("payload", json.loads(json.dumps(held)))
    for name, i, j in (("stem.conv", 31, 47), ("block4.add", 0, 5), ("head.conv", 1, 2), ("block15.project.bn", 0, 0), ("pool", 0, 0)):
        assert without_cut(js("backwards", "payload", name, i, j)["x"]) == corners(seen[name].box(i, j))


def test_branches_beyond_the_most_products_are_a_superset(js):
    """Sixty branches, each of which sees another row and column: the box may be larger, never smaller."""
    layers = [(f"row{k}", nn.Slice([k], [k + 1], [2]), ("x",)) for k in range(60)]
    net = nn.Network([*layers, ("all", nn.Add(), tuple(name for name, _, _ in layers))])
    facts, payload = positions(net, (1, 60, 3))
    js("payload", payload)
    assert without_cut(js("backwards", "payload", "all", 0, 1)["x"]) == corners(facts.box("all", 0, 1))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"), (0.123456, "0.1235"), (-2.5, "-2.5"), (123456, "123500"), (1e-9, "1e-9"), (12345678901234567890123.0, "1.235e+22"),
        ("NaN", "NaN"), ("Infinity", "∞"), ("-Infinity", "-∞"), (None, "NaN"),
    ],
)  # fmt: skip
def test_number_has_four_significant_digits(js, x, text):
    assert js("number", x) == text


@settings(max_examples=100, deadline=None)
@given(x=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_exact_reads_back_as_the_same_float32_and_is_as_short_as_numpys(js, x):
    text = js("exact", x) if x or math.copysign(1, x) > 0 else js("exact", {"float": "-0"})
    assert np.float32(text).tobytes() == np.float32(x).tobytes()
    digits = [len(t.split("e")[0].replace(".", "").replace("-", "").strip("0")) for t in (text, np.format_float_scientific(np.float32(x)))]
    assert digits[0] <= digits[1]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (-0.0013749, "-0.0014"),
        (0.123456, "0.1235"),
        (-12345.6, "-12350"),
        (1e-12, "1e-12"),
        ("NaN", "NaN"),
        ("Infinity", "∞"),
        (-123456789, "-1.2e+8"),
    ],
)
def test_narrow_fits_a_cell(js, x, text):
    assert js("narrow", x) == text


def test_exact_of_what_is_no_number(js):
    assert [js("exact", x) for x in ("NaN", "Infinity", "-Infinity")] == ["NaN", "∞", "-∞"]


@example(n=9_950_000)
@example(n=99_949)
@given(n=st.integers(0, 10**12))
@settings(max_examples=50, deadline=None)
def test_count_is_the_packages(js, n):
    assert js("count", n, "B") == count(n, "B")


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.00001, "< 0.1%"), (0.0123, "1.2%"), (0.5, "50%"), (0.9999, "> 99.9%"), (1, "100%"), ("NaN", "NaN")]
)
def test_percent_claims_neither_none_nor_all(js, share, text):
    assert js("percent", share) == text


@pytest.mark.parametrize(("call", "name", "first", "bound"), [("sequential", "viridis", 0, 3), ("diverging", "RdBu_r", -1, 1)])
def test_colours_are_matplotlibs(js, call, name, first, bound):
    """viridis is drawn through 33 of its 256 colours: three levels off at most; RdBu is made of eleven, and rounding is left."""
    for t in np.linspace(0, 1, 33 * 3):
        expected = [round(255 * part) for part in matplotlib.colormaps[name].resampled(4096)(t)[:3]] if call == "diverging" else None
        expected = expected or [round(255 * part) for part in matplotlib.colormaps[name](t)[:3]]
        found = js(call, first + t * (1 - first))
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= bound


def test_colours_end_at_their_ends(js):
    assert js("sequential", 7) == js("sequential", 1)
    assert js("diverging", -3) == js("diverging", -1)
    assert js("diverging", 0) == [247, 247, 247]


def test_scales_rectified_from_zero_and_signed_about_zero(js):
    assert js("scaleOf", 0.5, 3) == {"kind": "sequential", "lo": 0, "hi": 3}
    assert js("scaleOf", -1, 3) == {"kind": "diverging", "lo": -3, "hi": 3}
    assert js("scaleOf", 0.5, 3, True) == {"kind": "diverging", "lo": -3, "hi": 3}
    assert js("scaleOf", "NaN", "Infinity") == {"kind": "sequential", "lo": 0, "hi": 0}


def test_shared_scale_holds_99_of_100_numbers(js):
    histogram = {"edges": [-100, -10, 0, 10, 100], "counts": [1, 500, 498, 1]}
    node = {"what": "pre-activation", "statistics": {"min": -100, "max": 100}, "histogram": histogram, "thumbnails": None, "maps": None}
    assert js("sharedScale", node) == {"kind": "diverging", "lo": -10, "hi": 10, "cut": True}
    assert js("sharedScale", node | {"histogram": {"edges": [-100, 0, 100], "counts": [500, 500]}}) == {
        "kind": "diverging",
        "lo": -100,
        "hi": 100,
    }


def f4(*values):
    data = base64.b64encode(np.array(values, "<f4").tobytes()).decode()
    return {"dtype": "f4", "shape": [len(values)], "data": data}


def test_arrays_are_unpacked(js):
    assert js("unpack", f4(1.5, -2, 0.25)) == [1.5, -2, 0.25]
    assert js("unpack", {"dtype": "u1", "shape": [3], "data": base64.b64encode(bytes([0, 7, 255])).decode()}) == [0, 7, 255]


def test_thumbnails_are_dequantised_and_the_last_three_levels_are_no_numbers(js):
    data = {"dtype": "u1", "shape": [2, 1, 2], "data": base64.b64encode(bytes([9, 9, 126, 253])).decode()}
    node = {"thumbnails": {"channels": [4, 6], "rows": 1, "columns": 2, "lo": -1, "hi": 1, "data": data}}
    found = js("thumbnail", node, 6)
    assert (found["rows"], found["columns"]) == (1, 2)
    assert found["values"] == {"0": 0, "1": None}  # JSON writes NaN as null
    assert js("thumbnail", node, 5) is None


def test_channels_are_ordered_with_what_is_no_number_last(js):
    node = {
        "shape": [1, 4, 2, 3],
        "thumbnails": {"channels": [2]},
        "maps": None,
        "channels": {"mean": f4(1, 5, np.nan, 5), "zeros": f4(0, 0.5, 0.25, 1)},
    }
    assert js("ordered", node, "index") == [0, 1, 2, 3]
    assert js("ordered", node, "mean") == [1, 3, 0, 2]
    assert js("ordered", node, "zeros") == [3, 1, 2, 0]
    assert js("ordered", node, "pictures") == [2, 0, 1, 3]


def test_arrow_keys_stay_inside(js):
    assert js("moved", "ArrowLeft", 0, 10, 4) == 0
    assert js("moved", "ArrowDown", 8, 10, 4) == 9
    assert js("moved", "End", 3, 10, 4) == 9
    assert js("moved", "x", 3, 10, 4) is None


def test_places_that_the_page_explains(js):
    node = {"explained": {"3,0,2": {}, "3,1,1": {}, "5,4,4": {}}}
    assert js("heldUnits", node, 3) == [[0, 2], [1, 1]]
    assert js("heldUnits", node, None) == [[3, 0, 2], [3, 1, 1], [5, 4, 4]]
    assert js("heldUnits", {"explained": {"7": {}}}, None) == [[7]]
    assert js("heldUnits", {}, None) == []


def test_no_file_has_a_name_that_another_has():
    """Files are joined into one script, so top-level names are unique."""
    found = {}
    for file in sorted(files("minicnn.show").joinpath("viewer").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".js"):
            for name in re.findall(
                r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE
            ):
                assert name not in found, f"{name} is in {found[name]} and in {file.name}"
                found[name] = file.name


def test_the_viewer_names_no_other_host():
    for file in files("minicnn.show").joinpath("viewer").iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for word in ("http:", "https:", "//cdn", "innerHTML", "eval("):
            assert word not in text, (file.name, word)
