"""What the page makes of an explanation, run by Node.js: the steps to a number, a layer's sizes read from its text, and the questions."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
from minicnn import Network, nn, trace
from minicnn.network import Node
from minicnn.probe import explain
from minicnn.show.encoded import jsonable
from minicnn.show.payload import payload

VIEWER = Path(minicnn.__file__).parent / "show" / "viewer"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed; it runs the page's JavaScript outside a browser")

ANSWERS = """
import { createInterface } from "node:readline";
import * as guess from "./guess.js";
import * as ledger from "./ledger.js";
import * as layer from "./layer.js";
import * as questions from "./questions.js";
import * as walk from "./walk.js";
const calls = { ...guess, ...ledger, ...layer, ...questions, ...walk, draws: (text, n) => Array.from({ length: n }, guess.seeded(text)) };
const words = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  console.log(JSON.stringify(calls[call](...given) ?? null, words));
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a function that calls one of the viewer's; one process answers all calls, a line each."""
    folder = tmp_path_factory.mktemp("walks")
    for file in VIEWER.glob("*.js"):
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "answers.js").write_text(ANSWERS)
    with subprocess.Popen(
        [NODE, "answers.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:

        def ask(call, *given):
            child.stdin.write(json.dumps({"call": call, "given": jsonable(given)}) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        yield ask
        child.stdin.close()
        assert child.wait(10) == 0


def normalization(channels, rng):
    own = {name: rng.uniform(0.5, 2, channels).astype(np.float32) for name in ("weight", "bias", "running_mean", "running_var")}
    return nn.BatchNorm2d(channels).with_(**own)


@pytest.fixture(scope="module")
def every():
    """One of each kind of layer, and its trace; channels, rows and columns all differ."""
    rng = np.random.default_rng(4)
    nodes = [
        Node("conv", nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2), rng=rng), ("x",)),
        Node("norm", normalization(8, rng), ("conv",)),
        Node("relu6", nn.ReLU6(), ("norm",)),
        Node("dilated", nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2, activation="relu", rng=rng), ("relu6",)),
        Node("depthwise", nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False, rng=rng), ("dilated",)),
        Node("mirrored", nn.Conv2d(8, 4, 3, padding=1, padding_mode="reflect", rng=rng), ("depthwise",)),
        Node("point", nn.Conv2d(8, 40, 1, rng=rng), ("depthwise",)),
        Node("silu", nn.SiLU(), ("point",)),
        Node("back", nn.Conv2d(40, 8, 1, rng=rng), ("silu",)),
        Node("add", nn.Add(), ("back", "relu6")),
        Node("cat", nn.Concat(), ("add", "mirrored")),
        Node("max", nn.MaxPool2d(3, 2, 1), ("cat",)),
        Node("avg", nn.AvgPool2d(2, padding=1, count_include_pad=False), ("max",)),
        Node("up", nn.Upsample(scale_factor=2, mode="bilinear"), ("avg",)),
        Node("back_up", nn.ConvTranspose2d(12, 4, 3, stride=2, rng=rng), ("up",)),
        Node("mean", nn.AdaptiveAvgPool2d(1), ("back_up",)),
        Node("flat", nn.Flatten(), ("mean",)),
        Node("fc", nn.Linear(4, 3, rng=rng), ("flat",)),
        Node("soft", nn.Softmax(1), ("fc",)),
    ]
    net = Network(nodes, inputs=["x"], outputs=["soft"])
    return net, trace(net, rng.normal(0, 1, (1, 3, 21, 26)).astype(np.float32))


SORTS = {
    "conv": "window",
    "norm": "line",
    "relu6": "function",
    "dilated": "window",
    "depthwise": "window",
    "mirrored": "window",
    "point": "column",
    "silu": "function",
    "back": "column",
    "add": "column",
    "cat": "moved",
    "max": "winner",
    "avg": "average",
    "up": "window",
    "back_up": "window",
    "mean": "average",
    "flat": "moved",
    "fc": "column",
    "soft": "softmax",
    "x": "input",
}


ALONE = {"up": ["moved"], "back_up": ["column"]}  # at a corner, where one cell alone counts


def places(net, found):
    """Yield a corner and a number inside of every map."""
    for name in found.shapes:
        _, channels, *size = found.shapes[name]
        yield name, 0, [0 for _ in size]
        yield name, channels - 1, [n // 2 for n in size]


@pytest.mark.parametrize("by", ["channel", "product"])
def test_a_walk_ends_at_the_stored_number_and_passes_the_engines_sum(page, every, by):
    for place in places(*every):
        told = explain(*every, *place).to_dict()
        walk = page("walkOf", told, by, 8)
        name, frames = place[0], walk["frames"]
        assert walk["sort"] in (SORTS[name], *ALONE.get(name, ())), place
        assert frames[-1]["kind"] == "stored"
        assert frames[-1]["running"] == told["stored"]
        assert all(frame["says"].endswith(".") for frame in frames)
        if walk["sort"] != "input":
            assert math.isclose(frames[-2]["running"], told["result"], rel_tol=1e-4 if name == "norm" else 1e-12, abs_tol=1e-15), place
        if walk["sort"] in ("window", "column", "average"):
            sums = [frame["running"] for frame in frames if frame["kind"] in ("add", "rest", "bias", "divide")]
            assert math.isclose(sums[-1], told["sum"], rel_tol=1e-12, abs_tol=1e-15), place


def test_every_term_is_in_one_group_and_groups_keep_the_engines_sums(page, every):
    for place in places(*every):
        explained = explain(*every, *place)
        groups = page("groupsOf", explained.to_dict())
        assert [(group["map"], group["channel"], group["sum"]) for group in groups] == [tuple(group[:3]) for group in explained.groups]
        assert sum(len(group["terms"]) for group in groups) == len(explained)
        for group in groups:
            assert math.isclose(sum(term["product"] for term in group["terms"]), group["sum"], rel_tol=1e-9, abs_tol=1e-12)


def test_one_map_added_to_itself_keeps_two_branches(page):
    net = Network([Node("twice", nn.Add(), ("x", "x"))], inputs=["x"])
    told = explain(net, trace(net, np.array([[[[3.0, 5.0]]]])), "twice", 0, (0, 1)).to_dict()
    assert [len(group["terms"]) for group in page("groupsOf", told)] == [1, 1]
    assert [frame["running"] for frame in page("walkOf", told)["frames"][1:]] == [5, 10, 10]


def test_of_many_channels_the_strongest_come_first_and_the_rest_has_one_sum(page, every):
    told = explain(*every, "back", 5, (2, 3)).to_dict()
    walk = page("walkOf", told, "channel", 8)
    sizes = [abs(group["sum"]) for group in walk["groups"]]
    assert len(sizes) == 8
    assert sizes == sorted(sizes, reverse=True)
    assert walk["rest"]["count"] == 32
    assert all(
        abs(group["sum"]) <= sizes[-1] for group in told["groups"] if group["channel"] not in {each["channel"] for each in walk["groups"]}
    )
    account = page("accountOf", walk)
    assert [row["label"] for row in account[8:]] == ["and 32 more", "bias", "stored"]
    assert math.isclose(sum(row["adds"] or 0 for row in account if row.get("adds") is not None), told["sum"], rel_tol=1e-9)
    opened = page("walkOf", told, "channel", 40)
    assert opened["rest"] is None
    assert len(opened["groups"]) == 40


def test_a_product_a_step_tells_every_product(page, every):
    told = explain(*every, "conv", 2, (0, 0)).to_dict()
    frames = [frame for frame in page("walkOf", told, "product")["frames"] if frame["kind"] == "add"]
    assert len(frames) == 3 * 3 * 5
    assert "padding" in frames[0]["says"]
    running = 0.0
    for frame, term in zip(frames, told["terms"], strict=True):
        running += term["product"]
        assert math.isclose(frame["running"], running, rel_tol=1e-9, abs_tol=1e-12)


def test_the_largest_is_found_cell_by_cell_and_nan_wins(page):
    net = nn.Sequential(nn.MaxPool2d((2, 3), padding=(0, 1)))
    x = np.array([[[[-4.0, 2.0, 1.0], [-5.0, 3.0, -1.0]]]])
    frames = page("walkOf", explain(net, trace(net, x), "pool1", 0, (0, 0)).to_dict())["frames"]
    assert [frame["running"] for frame in frames[1:]] == ["-Infinity", -4, 2, 2, 2, 3, 3]
    x[0, 0, 0, 1] = np.nan
    frames = page("walkOf", explain(net, trace(net, x), "pool1", 0, (0, 0)).to_dict())["frames"]
    assert [frame["running"] for frame in frames[-2:]] == ["NaN", "NaN"]


def test_nan_and_infinity_go_through_and_come_first(page):
    x = np.ones((1, 20, 1, 1), np.float32)
    x[0, 17], x[0, 3] = np.nan, np.inf
    net = nn.Sequential(nn.Conv2d.of(np.full((1, 20, 1, 1), 2, np.float32)))
    walk = page("walkOf", explain(net, trace(net, x), "conv1", 0, (0, 0)).to_dict())
    assert [group["channel"] for group in walk["groups"][:2]] == [3, 17]
    assert walk["frames"][-1]["running"] == "NaN"


def test_the_numbers_of_a_line_are_read_from_the_worked_equation(page):
    worked = "(-1.5e-05) · ((-0.3) - 2) / √(1e+03 + 1e-05) + (-2) = 1"
    found = page("lineNumbers", worked)
    assert (found["weight"], found["x"], found["mean"], found["variance"], found["eps"], found["bias"]) == (
        -1.5e-05,
        -0.3,
        2,
        1000,
        1e-05,
        -2,
    )
    assert page("lineNumbers", "something else") is None


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def windows(draw):
    """A convolution or a pooling, and the size of what it is given."""
    kernel, stride, dilation, size = (draw(pairs(low, high)) for low, high in ((1, 4), (1, 3), (1, 3), (1, 12)))
    if draw(st.booleans()):
        padding = draw(st.sampled_from(["same", 1, (2, 0), ((0, 1), (2, 3))]))
        return nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation, rng=np.random.default_rng(0)), size
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=draw(st.booleans())), size
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode=draw(st.booleans())), size


@given(windows())
def test_sizes_and_cells_read_from_a_layers_text_are_the_engines(page, drawn):
    layer, size = drawn
    try:
        expected = layer.window.output_size(size)
    except minicnn.errors.ShapeError:
        assume(False)
    rules = page("slidesOver", repr(layer), size)
    for rule, own, n, out in zip(rules, layer.window.axes(size), size, expected, strict=True):
        assert page("sizeAlong", rule) == out
        assert page("sizeWords", rule).endswith(f"= {out}")
        seen = [t for t in page("tapsOf", rule, out - 1) if 0 <= t < n]
        assert seen == list(own.sees(out - 1, n))


def test_layers_that_slide_no_window_have_no_rule(page):
    for layer in (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.ConvTranspose2d(2, 2, 3), nn.Linear(3, 2), nn.Upsample(scale_factor=2)):
        assert page("slidesOver", repr(layer), (5, 6)) is None
    assert page("readLayer", "input") == {"kind": "input", "given": [], "named": {}}
    assert page("readLayer", "Odd(3, mode='a,b', pair=(1, 2), on=True, off=None)") == {
        "kind": "Odd",
        "given": [3],
        "named": {"mode": "a,b", "pair": [1, 2], "on": True, "off": None},
    }


def asked(page, every, name, place=None):
    net, found = every
    shown = json.loads(json.dumps(jsonable(payload(net, found, title="a page"))))
    node = next(node for node in shown["nodes"] if node["name"] == name)
    told = None if place is None else jsonable(explain(net, found, name, *place).to_dict())
    return {question["id"]: question for question in page("questionsOf", shown, node, told)}


def answers(question):
    return [field["answer"] for field in question["fields"]]


def test_questions_have_the_engines_answers(page, every):
    description = every[1].description
    for name in ("conv", "dilated", "depthwise", "point", "max", "fc"):
        questions = asked(page, every, name)
        if name != "fc":
            assert answers(questions["size"]) == list(description.shapes[name][2:])
        if name != "max":
            assert answers(questions["parameters"]) == [description[name].parameters]
            assert answers(questions["multiply-adds"]) == [description[name].multiply_adds]
    assert asked(page, every, "x") == {}
    assert asked(page, every, "cat") == {}


def test_the_cells_that_are_asked_for_are_the_engines(page, every):
    net, found = every
    for name in ("conv", "dilated", "depthwise", "max", "avg"):
        question = asked(page, every, name)["seen"]
        i, j = map(int, re.search(r"row (\d+), column (\d+)", question["lines"][0]).groups())
        node = net.node(name)
        size = found.shapes[node.inputs[0]][2:]
        rows, columns = (rule.sees(at, n) for rule, at, n in zip(node.layer.window.axes(size), (i, j), size, strict=True))
        assert answers(question) == [rows[0], rows[-1], columns[0], columns[-1]], name


def test_a_value_is_right_as_it_is_stored_and_as_it_comes_from_the_shown_numbers(page, every):
    for name in ("norm", "relu6", "max", "avg", "add", "fc", "depthwise"):
        place = (1, () if name == "fc" else (1, 2))
        told = explain(*every, name, *place)
        question = asked(page, every, name, place)["value"]
        (field,) = question["fields"]
        assert math.isclose(field["answer"], told.stored, rel_tol=1e-5, abs_tol=1e-7), name
        assert page("judged", field, f"{told.stored:.4g}")["right"]
        assert not page("judged", field, f"{told.stored + 1:.4g}")["right"]
        if question.get("rows") and question["rows"][0]["factor"] is not None:
            shown = sum(0 if row["value"] == "padding" else float(row["value"]) * float(row["factor"]) for row in question["rows"])
            assert page("judged", field, repr(shown + (told.bias or 0)))["right"], name


def test_no_slip_is_a_right_answer(page, every):
    for name, channel, at in places(*every):
        for question in asked(page, every, name, (channel, at)).values():
            for field in question["fields"]:
                assert page("judged", field, repr(float(field["answer"])) if field["within"] else str(field["answer"]))["right"]
                for value, _ in field["slips"]:
                    assert abs(value - field["answer"]) > 2 * field["within"]


def test_known_slips_are_named(page, every):
    questions = asked(page, every, "conv", (1, (0, 0)))  # 21×26 under (3, 5), stride 2, padding (1, 2)
    rows, columns = questions["size"]["fields"]
    assert "without padding" in page("judged", rows, "10")["says"]
    assert "stride 1" in page("judged", rows, "21")["says"]
    assert "floor" in page("judged", columns, "13.5")["says"]
    assert "not yet" in page("judged", rows, "77")["says"]
    assert "without the bias" in page("judged", questions["parameters"]["fields"][0], "360")["says"]
    assert "used again" in page("judged", questions["multiply-adds"]["fields"][0], "360")["says"]
    assert "two operations" in page("judged", questions["multiply-adds"]["fields"][0], str(2 * 360 * 11 * 13))["says"]
    assert "of the 8 input channels" in page("judged", asked(page, every, "dilated")["parameters"]["fields"][0], str(8 * 8 * 9))["says"]
    assert "type a number" in page("judged", rows, "")["says"]
    assert "type a number" in page("judged", rows, "eleven")["says"]

    net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, 2.0, 4.0]]]]), np.array([10.0]), activation="relu"))
    x = np.array([[[[-7.0, 1.0, -3.0]]]])
    shown = json.loads(json.dumps(jsonable(payload(net, trace(net, x)))))
    told = jsonable(explain(net, trace(net, x), "conv1", 0, (0, 0)).to_dict())  # -7 + 2 - 12 + 10 = -7, then ReLU
    value = next(each for each in page("questionsOf", shown, shown["nodes"][1], told) if each["id"] == "value")["fields"][0]
    assert page("judged", value, "0")["right"]
    assert "turned around" in page("judged", value, str(-7 * 4 + 2 - 3))["says"]
    assert "before the activation" in page("judged", value, "-7")["says"]


def test_the_same_page_asks_the_same(page, every):
    assert asked(page, every, "conv") == asked(page, every, "conv")
    assert page("draws", "a page|conv", 4) == page("draws", "a page|conv", 4)
    assert page("draws", "a page|conv", 4) != page("draws", "another page|conv", 4)
    assert all(0 <= draw < 1 for draw in page("draws", "x", 200))


def test_numbers_are_read_as_people_type_them(page):
    typed = {"1,5": 1.5, " −2 ": -2, "1e3": 1000, "": None, "two": None, "1,024": 1.024}
    assert {text: page("typedNumber", text) for text in typed} == typed
    assert page("typedNumber", "1,024", True) == 1024
    assert page("typedNumber", "115 605 504", True) == 115605504
    assert page("typedNumber", "14.5", True) == 14.5
