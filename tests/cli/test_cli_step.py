"""minicnn step: what is printed, what the keys do, what is saved, and what is refused."""

import asyncio
import builtins
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minicnn import conv2d, load, models, nn, trace
from minicnn.cli import step
from minicnn.cli.inputs import Chosen
from minicnn.cli.step_text import drawn
from minicnn.cli.step_walk import KernelWalk, MapWalk, Spot, moved
from minicnn.cli.terminal import Terminal
from minicnn.network import Network
from minicnn.probe import explain
from minicnn.probe.sliding import short, sliding

EXAMPLE = ("step", "--input", "5x5", "--kernel", "3x3", "--stride", "2", "--padding", "1")
INPUT, KERNEL = "3 0 7 2; 1 4 -2 5; 6 1 8 0", "1 0; 2 -1"
X, W = np.array([[3.0, 0, 7, 2], [1, 4, -2, 5], [6, 1, 8, 0]]), np.array([[1.0, 0], [2, -1]])


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "small photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def traced():
    net = models.lenet5(rng=np.random.default_rng(0))
    return net, trace(net, np.random.default_rng(1).random((1, 1, 32, 32), dtype=np.float32))


# printed


def test_every_step_is_printed_by_hand(run):
    result = run("step", "--input", INPUT, "--kernel", KERNEL, "--bias", "10", "--stride", "1x2", "--padding", "0x1")
    assert (result.exit_code, result.stderr) == (0, "")
    first, *others = result.stdout.split("step ")[1:]
    assert len(others) == 5
    assert first.rstrip().split("\n") == [
        "1 of 6: output row 0, column 0",
        "",
        "input 3×4, padded 3×6     kernel 2×2  products  output 2×3",
        " [·] [3]  0   7   2   ·     1   0       ·   0   [9] .  .",
        " [·] [1]  4  -2   5   ·     2  -1       ·  -1    .  .  .",
        "  ·   6   1   8   0   ·",
        "",
        "row     p·stride - padding + i·dilation = 0·1 - 0 + (0…1)·1 = 0, 1",
        "column  q·stride - padding + j·dilation = 0·2 - 1 + (0…1)·1 = -1, 0",
        "sum     3·0 + 1·(-1) = -1",
        "output  y[0, 0, 0] = -1 + bias 10 = 9",
    ]


def test_the_printed_numbers_are_the_engines(run):
    text = run(*EXAMPLE, "--seed", "4").stdout
    assert max(map(len, text.splitlines())) <= 80
    found = step.made({"input": "5x5", "kernel": "3x3", "stride": "2", "padding": "1", "dilation": None}, 1, None, 4, None)
    y = conv2d(found.x[None], found.layer.weight, found.layer.bias, stride=2, padding=1)[0, 0]
    results = re.findall(r"y\[0, (\d), (\d)\] = .* = (-?\d+)$", text, re.M)
    assert [(int(p), int(q), float(value)) for p, q, value in results] == [(p, q, y[p, q]) for p in range(3) for q in range(3)]
    sums = re.findall(r"^sum +(.*) = (-?\d+)$", text, re.M)
    assert len(sums) == 9
    for products, total in sums:
        assert eval(products.replace("·", "*"), {}) == int(total)  # our own words, of digits and signs only
    places = re.findall(r"^(?:row|column) .* = (\d)·2 - 1 \+ \(0…2\)·1 = (.*)$", text, re.M)
    assert [list(map(int, taps.split(", "))) for at, taps in places] == [[2 * int(at) - 1 + i for i in range(3)] for at, _ in places]


def test_numbers_follow_the_seed(run):
    assert run(*EXAMPLE).stdout == run(*EXAMPLE, "--seed", "0").stdout != run(*EXAMPLE, "--seed", "1").stdout


def test_one_step_only(run):
    text = run(*EXAMPLE, "--at", "1,2").stdout
    assert text.count("step ") == 1
    assert "step 6 of 9: output row 1, column 2" in text


def test_dilation_and_padding_are_seen(run):
    text = run("step", "--input", "5x6", "--kernel", "2x3", "--dilation", "2", "--padding", "same", "--at", "0,0").stdout
    rows = [line[:24] for line in text.splitlines() if line.startswith(("[", " "))][:4]
    brackets = [[match.start() // 3 for match in re.finditer(r"\[", row)] for row in rows]
    assert brackets == [[0, 2, 4], [], [0, 2, 4], []]
    assert "(0…1)·2 = " in text
    assert "(0…2)·2 = " in text


def test_channels_add_up(run):
    text = run("step", "--channels", "2", "--input", "4x4", "--kernel", "2x2", "--at", "1,1").stdout
    found = step.made({"input": "4x4", "kernel": "2x2", "stride": None, "padding": None, "dilation": None}, 2, None, 0, None)
    one = found.step(found.number((1, 1)))
    for channel in (0, 1):
        assert f"channel {channel}: input 4×4" in text
        assert re.search(rf"^sum {channel}   .* = {short(one.sums[channel])}$", text, re.M)
    assert f" + bias {short(one.bias)} = {short(one.stored)}" in text


def test_the_pixels_of_a_photo(run, picture):
    document = json.loads(run("step", "--image", str(picture), "--input", "6x5", "--channels", "3", "--json").stdout)
    pixels = load.image(picture, mode="RGB", resize=6, crop=(6, 5))[0]
    np.testing.assert_array_equal(np.array(document["input"]), pixels.astype(float))
    assert np.shape(document["output"]) == (4, 3)


def test_json_holds_every_step(run):
    document = json.loads(run("step", "--input", INPUT, "--kernel", KERNEL, "--bias", "0.5", "--json").stdout)
    y = conv2d(X[None, None], W[None, None], np.array([0.5]))[0, 0]
    assert document["output"] == y.tolist()
    assert [one["stored"] for one in document["steps"]] == y.ravel().tolist()
    assert document["steps"][4]["cells"] == [[[4, -2], [1, 8]]]
    assert (document["stride"], document["padding"], document["dilation"]) == ([1, 1], [[0, 0], [0, 0]], [1, 1])


def test_what_is_large_is_shown_around_the_window():
    rng = np.random.default_rng(0)
    found = sliding(rng.integers(0, 10, (32, 30)).astype(float), np.ones((3, 3)), padding=1)
    lines = [line.plain for line in drawn(found, found.step(found.number((20, 20))))]
    assert "input 32×30, padded 34×32 (rows 14…25, columns 5…30)" in lines[2]
    assert max(map(len, lines)) <= 80
    assert sum(line.count("[") for line in lines) == 9 + 1 + 1  # the window, the number, and y[…]


def test_numbers_that_are_not_finite_are_printed_as_such():
    x = X.copy()
    x[0, 0], x[1, 2] = np.nan, np.inf
    with np.errstate(all="ignore"):
        found = sliding(x, W)
        text = "\n".join(line.plain for number in range(len(found)) for line in drawn(found, found.step(number)))
    assert "[nan]" in text
    assert "inf" in text


def test_a_model_prints_the_explanation(run, picture):
    words = ("step", "--model", "lenet5", "--weights", "random", "--image", str(picture), "--node", "c3", "--channel", "5", "--at", "3,8")
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    net = models.lenet5(rng=np.random.default_rng(0))
    found = trace(net, load.image(picture, mode="L", resize=32, crop=(32, 32)))
    assert str(explain(net, found, "c3", 5, (3, 8))) in result.stdout
    assert f"[{short(found['c3'].data[0, 5, 3, 8])}]" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert json.loads(run(*words, "--json").stdout)["stored"] == found["c3"].data[0, 5, 3, 8]


def test_what_is_left_open_is_the_largest_number(run, picture):
    text = run("step", "--model", "lenet5", "--weights", "random", "--image", str(picture)).stdout
    assert re.search(r"output: features .* of 1×10", text)
    assert "output, feature " in text


def test_an_ascii_terminal(spawn):
    done = spawn(*EXAMPLE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "?" not in done.stdout


# keys


def test_keys_lead_as_one_reads():
    size = (2, 3)
    path = [(0, 0)]
    while (after := moved("right", path[-1], size)) != path[-1]:
        path.append(after)
    assert path == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [moved("left", at, size) for at in path] == [path[0], *path[:-1]]
    assert moved("up", (0, 1), size) == (0, 1)
    assert moved("down", (1, 1), size) == (1, 1)
    assert moved("down", (0, 1), size) == (1, 1)
    assert (moved("home", (1, 1), size), moved("end", (0, 0), size)) == ((0, 0), (1, 2))


def screen(app) -> str:
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in app.screen._compositor.render_strips())


def driven(walk, start, script, size=(80, 24), seconds=30.0):
    """Run the screen without a terminal: script(app, press) presses keys."""
    pytest.importorskip("textual", reason="the extra `step` is not installed")
    from minicnn.cli.step_app import Stepper

    async def play():
        app = Stepper(walk, start, seconds)
        async with app.run_test(size=size) as pilot:

            async def press(*keys):
                await pilot.press(*keys)
                await pilot.pause()
                return screen(app)

            await script(app, press)
        return app

    return asyncio.run(play())


def test_the_screen_shows_the_engines_numbers_at_every_place():
    found = sliding(X, W, 10.0, stride=(1, 2), padding=((0, 0), (1, 1)))
    y = conv2d(X[None, None], W[None, None], np.array([10.0]), stride=(1, 2), padding=((0, 0), (1, 1)))[0, 0]

    async def script(app, press):
        shown = await press("home")
        for number in range(y.size):
            p, q = divmod(number, y.shape[1])
            assert app.place == (p, q)
            assert f"step {number + 1} of {y.size}: output row {p}, column {q}" in shown
            assert f"y[0, {p}, {q}] = " in shown
            assert f"= {short(y[p, q])}\n" in shown
            assert f"[{short(y[p, q])}]" in shown
            shown = await press("right")
        assert app.place == (1, 2)
        await press("up")
        assert app.place == (0, 2)
        await press("left", "down", "left")
        assert app.place == (1, 0)
        await press("end")
        assert app.place == (1, 2)
        await press("q")

    assert driven(KernelWalk(found), (0, 0), script).return_code == 0


@pytest.mark.parametrize("setting", [{"stride": "2", "padding": "1"}, {"padding": "1"}, {"padding": "2", "dilation": "2"}])
def test_a_step_of_the_usual_size_fits_80_by_24(setting):
    setting = {"input": "5x5", "kernel": "3x3", "stride": None, "padding": None, "dilation": None, **setting}
    walk = KernelWalk(step.made(setting, 1, None, 0, None))

    async def script(app, press):
        for key in ("home", "right", "down", "right", "end"):
            shown = await press(key)
            assert "output  y[0, " in shown
            assert shown.split("\n")[-1] == walk.keys
            assert app.query_one("#steps").max_scroll_y == 0

    driven(walk, (0, 0), script)


def test_space_plays_and_stops(monkeypatch):
    found = sliding(X, W)

    async def script(app, press):
        await press("space")
        for _ in range(100):
            await asyncio.sleep(0.02)
            if app.timer is None:
                break
        assert app.timer is None  # it stops at the last step
        assert app.place == (1, 2)
        app.seconds = 30.0
        await press("space")  # from the beginning again
        assert app.place == (0, 0)
        assert app.timer is not None
        await press("space")
        assert app.timer is None
        await press("space", "right")
        assert (app.timer, app.place) == (None, (0, 1))

    driven(KernelWalk(found), (0, 0), script, seconds=0.02)


def test_over_the_numbers_of_a_model(traced):
    net, found = traced

    async def script(app, press):
        shown = await press("right", "down", "]")
        assert app.place == Spot("c3", 3, (4, 5))
        assert f"[{short(found['c3'].data[0, 3, 4, 5])}]" in shown
        assert "c3, channel 3, row 4, column 5" in shown
        await press("[", "[")
        assert app.place.channel == 2 - 1
        strongest = explain(net, found, *app.place).strongest
        shown = await press("enter")
        assert tuple(app.place) == tuple(strongest)
        assert f"{strongest.node}, channel {strongest.channel}, row {strongest.at[0]}, column {strongest.at[1]}" in shown
        before = await press("backspace")
        assert app.place == Spot("c3", 1, (4, 5))
        assert await press("pagedown") != before
        assert await press("pageup") == before
        await press("end")
        assert app.place.at == (9, 9)

    driven(MapWalk(net, found), Spot("c3", 2, (3, 4)), script)


def test_a_pixel_and_features_are_the_ends_of_the_way(traced):
    walk = MapWalk(*traced)
    assert walk.go("enter", Spot("x", 0, (3, 4))) == Spot("x", 0, (3, 4))
    assert walk.go("right", Spot("output", 3, ())) == Spot("output", 4, ())
    assert walk.go("down", Spot("output", 3, ())) == Spot("output", 3, ())
    assert walk.go("end", Spot("output", 3, ())) == Spot("output", 9, ())
    assert walk.go("]", Spot("output", 3, ())) == Spot("output", 3, ())
    assert [line.plain for line in walk.lines(Spot("x", 0, (3, 4)), 80)][-1].startswith("a pixel of the input: ")


def test_every_map_of_a_model_can_be_shown(traced):
    net, found = traced
    for each in found:
        at = tuple(n // 2 for n in each.shape[2:])
        lines = [line.plain for line in MapWalk(net, found).lines(Spot(each.name, 0, at), 80)]
        assert max(map(len, lines)) <= 80


# where there is no terminal, or no package for keys


class Tty:
    def isatty(self):
        return True


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Return a function that makes both sides terminals; pytest puts its own streams in place between a fixture and its test."""

    def sit(dumb=False):
        monkeypatch.setattr(step.sys, "stdin", Tty())
        monkeypatch.setattr(step.sys, "stdout", Tty())
        return SimpleNamespace(out=SimpleNamespace(is_dumb_terminal=dumb), note=Terminal().note)

    return sit


def test_keys_are_read_at_a_terminal_only(at_a_terminal, monkeypatch):
    pytest.importorskip("textual", reason="the extra `step` is not installed")
    assert step.interactive(at_a_terminal()) is True
    assert step.interactive(at_a_terminal(dumb=True)) is False
    terminal = at_a_terminal()
    monkeypatch.setattr(step.sys.stdin, "isatty", lambda: False)
    assert step.interactive(terminal) is False


def test_without_the_package_the_steps_are_printed_and_it_is_told(at_a_terminal, monkeypatch, capsys):
    monkeypatch.setattr(step, "find_spec", lambda name: None)
    terminal = at_a_terminal()
    assert step.interactive(terminal) is False
    assert 'pip install "minicnn-engine[step]"' in " ".join(capsys.readouterr().err.split())


def test_the_screen_is_taken_where_keys_can_be_read(run, monkeypatch, picture):
    started = []
    monkeypatch.setattr(step, "interactive", lambda terminal: True)
    monkeypatch.setattr(step, "_run", lambda walk, start: started.append((type(walk), start)))
    assert run(*EXAMPLE, "--at", "1,2").stdout == ""
    run(*EXAMPLE)
    run("step", "--model", "lenet5", "--weights", "random", "--image", str(picture), "--node", "c3", "--channel", "5", "--at", "3,8")
    assert started == [(KernelWalk, (1, 2)), (KernelWalk, (0, 0)), (MapWalk, Spot("c3", 5, (3, 8)))]


def test_keys_in_a_pseudo_terminal():
    """The whole way: a process at a terminal, in which an arrow and q are pressed."""
    pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
    pytest.importorskip("textual", reason="the extra `step` is not installed")
    from select import select

    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    code = [sys.executable, "-m", "minicnn", *EXAMPLE]

    def read_until(words: str) -> None:
        seen = b""
        while words.encode() not in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen):
            assert select([parent], [], [], 60)[0], f"{words!r} did not come; the screen showed {seen[-500:]!r}"
            seen += os.read(parent, 65536)

    with subprocess.Popen(code, stdin=child, stdout=child, stderr=child, env=environment) as running:
        os.close(child)
        try:
            read_until("step 1 of 9: output row 0, column 0")
            os.write(parent, b"\x1b[C")
            read_until("step 2 of 9: output row 0, column 1")
            os.write(parent, b"q")
            assert running.wait(60) == 0
        finally:
            running.kill()
            os.close(parent)


# saved


@pytest.mark.parametrize(("name", "head"), [("step.gif", b"GIF89a"), ("step.html", b"<!doctype html>")])
def test_steps_are_saved(run, mistake, tmp_path, monkeypatch, name, head):
    monkeypatch.chdir(tmp_path)  # a path that is longer than a line cannot be wrapped
    path = Path(name)
    result = run(*EXAMPLE, "--save", str(path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert path.read_bytes().startswith(head)
    assert f"({path.stat().st_size:,} bytes), 9 steps" in " ".join(result.stdout.split())
    assert json.loads(run(*EXAMPLE, "--save", str(path), "--json").stdout) == {
        "file": str(path),
        "bytes": path.stat().st_size,
        "steps": 9,
    }
    path.write_bytes(b"mine")
    message = mistake(*EXAMPLE, "--save", str(path))
    assert "only pictures that minicnn wrote are replaced" in message
    assert path.read_bytes() == b"mine"


def test_the_page_that_is_saved_has_the_same_steps(run, tmp_path):
    path = tmp_path / "step.html"
    run("step", "--input", INPUT, "--kernel", KERNEL, "--bias", "10", "--save", str(path))
    text = path.read_text(encoding="utf-8")
    y = conv2d(X[None, None], W[None, None], np.array([10.0]))[0, 0]
    for (p, q), value in np.ndenumerate(y):
        assert re.search(rf"y\[0, {p}, {q}\] = .* = {short(value)}\b", text)


# mistakes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kernel", "7x7"), "step: the kernel must fit into the padded input, but over the rows a kernel of 7 with dilation 1 spans 7"),
        (("--kernel", "3x3", "--dilation", "3"), "with dilation 3 spans 7, but the padded input has 5 + 0 + 0 = 5."),
        (("--at", "3,0"), "step: --at is a place of the output, 3×3, so rows 0 … 2 and columns 0 … 2, but it is '3,0'."),
        (("--at", "a,b"), "--at: a place is a row and a column, such as 3,5, but it is 'a,b'."),
        (("--input", "33x3"), "at most 32×32 positions, but x has 33×3"),
        (("--input", "0x3"), "--input has at least one row and one column, but it is '0x3'; write --input 3x3."),
        (("--input", "1 2; 3"), "--input is a size, such as 5x5, or rows of as many numbers each, such as '1 0 -1; 2 0 -2', but it is '1 2; 3'."),
        (("--kernel", "x"), "--kernel is a size, such as 5x5"),
        (("--kernel", ""), "--kernel is a size"),
        (("--stride", "a"), "--stride is a whole number, or rows x columns, but it is 'a'; write --stride 2 or --stride 2x1."),
        (("--stride", "0"), "stride[0] must be at least 1, but it is 0."),
        (("--padding", "-1"), "--padding is a whole number"),
        (("--node", "c3"), "step: --node is for a model; write --model NAME beside it, or leave it out."),
        (("--weights", "random"), "step: --weights is for a model"),
        (("--model", "lenet5", "--kernel", "3x3"), "--kernel is for a kernel over a small input; leave it out, or leave out --model"),
        (("--model", "lenet5", "--seed", "0"), "--seed is for a kernel over a small input"),
        (("--model", "lenet5", "--save", "a.gif"), "--save is for a kernel over a small input"),
        (("--image", "a.png", "--input", "1 2; 3 4"), "the input is --image or the numbers of --input, but both were given"),
        (("--image", "a.png", "--channels", "2"), "a photo has 1 or 3 channels, but --channels is 2; write --channels 3."),
        (("--save", "a.png"), "written as .gif or .html, but the file is called 'a.png'; call it a.gif. On the command line: --save FILE."),
        (("--save", "a.gif", "--input", "20x20"), "a picture has room for 16×16 cells of input and padding"),
        (("--model", "lenet"), "models: there is no model 'lenet'. Did you mean 'lenet5'?"),
    ],
)  # fmt: skip
def test_mistakes(mistake, words, message):
    assert message in mistake("step", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--node", "c33"), "network: there is no node 'c33'. Did you mean 'c3'?"),
        (("--node", "c3", "--at", "10,0"), "explain: the map 'c3' has 10 rows, but row 10 was asked for; use 0 … 9."),
        (("--node", "c3", "--channel", "16"), "explain: the map 'c3' has 16 channels, but channel 16 was asked for; use 0 … 15."),
        (("--node", "output", "--at", "1,1"), "has a feature and no `at`, but at is (1, 1)."),
    ],
)
def test_mistakes_about_a_model(mistake, picture, words, message):
    assert message in mistake("step", "--model", "lenet5", "--weights", "random", "--image", str(picture), *words)


def test_a_network_that_takes_no_photo(mistake, monkeypatch):
    row = Network([("fc", nn.Linear(4, 2), ["x"])])
    monkeypatch.setattr("minicnn.cli.inputs.chosen", lambda *_: Chosen("row.onnx", row, (1, 4)))
    assert "feeds a photo of 1 or 3 channels, but row.onnx takes 1×4" in mistake("step", "--onnx", "row.onnx")


def test_the_keys_package_loads_only_for_the_screen(run, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **named):
        assert not name.startswith("textual")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert run(*EXAMPLE).exit_code == 0
