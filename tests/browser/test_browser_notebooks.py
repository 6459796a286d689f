"""The widget where readers use it: in a real JupyterLab and a real marimo, with a kernel behind it, in Chromium.

The numbers on the page are held against the engine's: the notebook's first cell is run here too.  Each host is started once.
"""

import contextlib
import importlib.util
import itertools
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import notebook_hosts as hosts
import numpy as np
import pytest

from minicnn import conv2d
from minicnn.quiz import question
from minicnn.quiz.question import shown

NETWORK = """\
import numpy as np
from minicnn import nn, quiz, show, trace
rng = np.random.default_rng(3)
layers = nn.Conv2d(3, 4, (3, 5), stride=2, padding=(1, 2), rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(60, 3, rng=rng)
net = nn.Sequential(*layers)
found = trace(net, rng.standard_normal((1, 3, 14, 19)).astype(np.float32))
"""
CELLS = ["net", "found", 'found["conv1"]']
STEPPER = 'show.stepper(net, found, "conv1", 3, (4, 6))'
BESIDE = 'show.stepper(net, found, "conv1", 2, (1, 8))'
PREDICT = 'quiz.predict("How many rows?", 7, wrong={8: "That is ceil."}, because="floor(7.5) = 7")'
ASK = 'quiz.ask("output_shape", seed=3)'
LIMIT = 60_000  # ms for anything that is waited for
INKS = """(all) => all.map((one) => new Set(new Uint32Array(one.getContext("2d").getImageData(0, 0, one.width, one.height).data.buffer)).size)"""
WIDER = """(root) => {
  const { left, right } = root.getBoundingClientRect();
  const out = [...root.querySelectorAll(".top, .panel, .panel :not(.step-map *)")].map((one) => [one, one.getBoundingClientRect()]);
  return out.filter(([, box]) => box.width && (box.right > right + 1 || box.left < left - 1)).map(([one]) => one.outerHTML.slice(0, 120));
}"""
CROSSED = """(root) => {
  const boxes = [...root.querySelectorAll(".step-stage > *")].map((one) => [one.className, one]);
  const inked = ([name, one]) => [name, ...["left", "right", "top", "bottom"].map((side) => {
    const all = [...one.querySelectorAll("td, .step-map, figcaption")].map((part) => part.getBoundingClientRect()[side]);
    return side === "left" || side === "top" ? Math.min(...all) : Math.max(...all);
  })];
  const [all, found] = [boxes.map(inked), []];
  for (const a of all) for (const b of all) if (a !== b && a[1] < b[2] - 1 && b[1] < a[2] - 1 && a[3] < b[4] - 1 && b[3] < a[4] - 1) found.push([a[0], b[0]]);
  return found;
}"""
DARK = """(root) => getComputedStyle(root).backgroundColor.match(/\\d+/g).slice(0, 3).every((part) => part < 80)"""


def needs(*names: str) -> None:
    """Skip where a package is not installed; where the browser's tests must run, that is a failure."""
    if not hasattr(os, "killpg"):
        pytest.skip("a server and its kernels are ended as a process group, which this system has not")
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("MINICNN_REQUIRE_BROWSER"):
        pytest.fail(f"the widget must be tested in its notebooks here, but {missing[0]} is not installed")
    if missing:
        pytest.skip(f"{missing[0]} is not installed: pip install 'minicnn-engine[browser,lessons]'")


@contextlib.contextmanager
def opened(browser, address: str, path: str = "/"):
    """Open a page of a host; what goes wrong in it is written down, and what leaves this machine is stopped."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce")
    page, errors = context.new_page(), []
    page.set_default_timeout(LIMIT)
    page.route(lambda url: urlsplit(url).hostname not in ("127.0.0.1", None, ""), lambda route: route.abort())
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and ours(message, address) and errors.append(message.text))
    try:
        page.goto(address + path)
        yield SimpleNamespace(page=page, errors=errors)
    finally:
        context.close()


def ours(message, address: str) -> bool:
    """Tell whether an error can be the viewer's: not that a host could not ask another machine for something of its own."""
    source = message.location.get("url", "")
    return not source or source.startswith((address, "blob:", "data:"))


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """A notebook in JupyterLab, all of whose cells have been run by the menu."""
    needs("jupyterlab", "ipykernel", "anywidget", "jupyterlab_widgets")
    folder = tmp_path_factory.mktemp("lab")
    hosts.notebook(folder / "numbers.ipynb", [NETWORK, STEPPER, *CELLS, PREDICT, ASK])
    with hosts.jupyter_lab(folder) as address, opened(browser, address, "/lab/tree/numbers.ipynb") as host:
        host.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        host.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()  # a cell run before the kernel is there is not run
        choose(host.page, "Run", "Run All Cells")
        host.page.locator(".minicnn .step").wait_for()
        host.page.locator(".minicnn-quiz").nth(1).wait_for()
        yield host


def choose(page, *words: str) -> None:
    """Go through JupyterLab's menus."""
    for first, each in enumerate(words):
        page.locator(".lm-Menu-itemLabel" if first else ".lm-MenuBar-itemLabel").get_by_text(each, exact=True).click()


def marimo_host(browser, folder: Path, **how):
    """An app of marimo: the widget once as a reader of marimo's documentation writes it, once bare."""
    needs("marimo", "anywidget")
    body = f"import marimo as mo\n{NETWORK}return found, mo, net, quiz, show"
    last = [("net", CELLS[0]), ("found", CELLS[1]), ("found", CELLS[2]), ("quiz", PREDICT), ("quiz", ASK)]
    shown = [("found, mo, net, show", f"mo.ui.anywidget({STEPPER})"), ("found, net, show", BESIDE), *last]
    path = hosts.app(folder / "step_by_step.py", [("", body), *((names, f"{text}\nreturn") for names, text in shown)])
    return hosts.marimo_app(path, **how)


@pytest.fixture(scope="module")
def marimo_page(browser, tmp_path_factory):
    with marimo_host(browser, tmp_path_factory.mktemp("marimo")) as address, opened(browser, address) as host:
        host.page.locator(".minicnn .step").nth(1).wait_for()
        yield host


@pytest.fixture(scope="module")
def found():
    """The trace of the notebooks' network, made here."""
    made = {}
    exec(NETWORK, made)
    return made["found"]


def stored(step) -> np.float32:
    return np.float32(step.locator("[data-value=stored]").inner_text())


def assert_python_answers(host, widget, found, channel: int, at: tuple[int, int]) -> None:
    """The number that was asked for stands there; arrow keys ask for its neighbours."""
    widget.locator("[data-tab=step]").click()
    step = widget.locator(".step")
    data, (row, column) = found["conv1"].data[0, channel], at
    assert step.locator("header h2").first.inner_text() == f"conv1: channel {channel}, row {row}, column {column}"
    step.get_by_label("To the last step").click()
    assert stored(step) == data[at]
    for key, (down, right) in {"ArrowDown": (1, 0), "Shift+ArrowLeft": (0, -1)}.items():
        row, column = row + down, column + right
        host.page.keyboard.press(key)
        step.locator("header h2", has_text=f"row {row}, column {column}").wait_for()
        assert stored(step) == data[row, column]
    assert host.errors == []


def assert_maps_are_painted(host, widget, found) -> None:
    """Every channel has a picture, and an arrow in the enlarged map reads the next exact number."""
    widget.locator("[data-tab=maps]").click()
    tiles = widget.locator(".channel .tile canvas")
    tiles.nth(3).wait_for()
    assert tiles.count() == 4
    assert min(tiles.evaluate_all(INKS)) > 5
    widget.locator('[data-channel="1"]').click()
    big = widget.locator("[data-key=big-map]")
    big.focus()
    for key in ("ArrowUp", "ArrowRight"):
        host.page.keyboard.press(key)
    told = widget.locator(".told b")
    told.filter(has_not_text="≈").wait_for()
    assert "channel 1" in big.get_attribute("aria-label")
    place, _, text = told.inner_text().partition(": ")
    row, column = (int(word.rstrip(",")) for word in place.split() if word.rstrip(",").isdigit())
    assert np.float32(text) == found["conv1"].data[0, 1, row, column]
    assert host.errors == []


def assert_a_filter_can_be_tried(host, widget) -> None:
    """A number typed into the filter makes the map that conv2d makes."""
    widget.locator("[data-tab=tryit]").click()
    widget.locator("[data-key=try-w-0-1]").fill("2.5")
    x, weight = (widget.locator(f"[data-key^=try-{name}-]").evaluate_all("all => all.map((one) => Number(one.value))") for name in "xw")
    expected = conv2d(np.reshape(np.float64(x), (1, 1, 7, 7)), np.reshape(np.float64(weight), (1, 1, 3, 3)))[0, 0]
    assert weight[1] == 2.5
    labels = widget.locator(".try-cells button").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    np.testing.assert_allclose([float(label.rpartition(": ")[2]) for label in labels], expected.ravel(), rtol=6e-4)
    assert host.errors == []


def assert_nothing_is_cut_off(widget) -> None:
    """In the width that a cell has, nothing stands out of the widget, and the pictures of the step do not lie on each other."""
    for tab in ("overview", "maps", "tryit", "predict", "step"):
        widget.locator(f"[data-tab={tab}]").click()
        widget.locator(".panel > *").first.wait_for()
        assert widget.evaluate(WIDER) == [], tab
    assert widget.locator(".step-stage > *").count() == 3
    assert widget.evaluate(CROSSED) == []


def assert_tables(page, found) -> None:
    """_repr_html_ of network, trace and map: tables with thumbnails, and nothing that runs."""
    outputs = page.locator("table:not([class]):not(.minicnn *)").locator("..")
    texts = outputs.evaluate_all("all => all.map((one) => one.textContent)")
    assert len(texts) == 3
    assert "pool1MaxPool2d(kernel_size=2, stride=2)" in texts[0].replace("\n", "")
    assert all(name in texts[1] for name in found.maps)
    assert "1×4×7×10" in texts[2]
    assert f"{found['conv1'].data.max():.4g}" in texts[2]
    for each in outputs.all():
        each.scroll_into_view_if_needed()
        assert each.locator("img").first.evaluate("(one) => one.complete && one.naturalWidth > 0")
        assert each.locator("script").count() == 0


def assert_questions_are_asked(host) -> None:
    """A question of one's own meets a wrong answer and the right one; a drawn one is followed by the next, which Python draws."""
    own, drawn = host.page.locator(".minicnn-quiz").all()
    for text, kind, says in (("eight", "hint", "not read as a number"), ("8", "wrong", "That is ceil."), ("7", "right", "Right: 7.")):
        own.locator("input").fill(text)
        own.locator("input").press("Enter")
        own.locator(f".said[data-kind={kind}]", has_text=says).wait_for()
    assert own.locator(".because").inner_text().strip().endswith("floor(7.5) = 7")
    for seed in (3, 4):
        made = question("output_shape", 1, seed)
        drawn.locator("[id$=-question]", has_text=made.text.split("\n")[0][:40]).wait_for()
        drawn.locator("input").fill(shown(made.wrong[0].value, made.form))
        drawn.locator("input").press("Enter")
        drawn.locator(".said[data-kind=wrong]", has_text=made.wrong[0].says[:40]).wait_for()
        drawn.locator("input").fill(shown(made.answer, made.form))
        drawn.locator("input").press("Enter")
        drawn.locator(".said[data-kind=right]").wait_for()
        if seed == 3:
            drawn.get_by_role("button", name="Next").click()
    assert host.errors == []


def test_jupyterlab_asks_questions(lab):
    assert_questions_are_asked(lab)
    for root in lab.page.locator(".minicnn-quiz").all():
        box, cell = root.bounding_box(), root.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')]").bounding_box()
        assert box["width"] <= cell["width"]


def test_marimo_asks_questions(marimo_page):
    assert_questions_are_asked(marimo_page)


def test_jupyterlab_asks_python_for_numbers(lab, found):
    assert_python_answers(lab, lab.page.locator(".minicnn"), found, 3, (4, 6))


def test_jupyterlab_paints_maps(lab, found):
    assert_maps_are_painted(lab, lab.page.locator(".minicnn"), found)


def test_jupyterlab_tries_a_filter(lab):
    assert_a_filter_can_be_tried(lab, lab.page.locator(".minicnn"))


def test_jupyterlab_leaves_the_widgets_keys_to_the_widget(lab):
    """b adds a cell, m and 2 turn one into text and dd deletes it: not while the widget has the keys."""
    page, widget = lab.page, lab.page.locator(".minicnn")
    widget.locator("[data-tab=step]").click()
    for key in ("b", "m", "x", "d", "d", "2"):
        page.keyboard.press(key)
    assert widget.locator("[role=tab][aria-selected=true]").inner_text() == "Maps"
    assert [page.locator(f".jp-{kind}Cell").count() for kind in ("Code", "Markdown")] == [7, 0]
    assert page.locator(".jp-StatusBar-TextItem", has_text="Cell 2/7").count() == 1


def test_jupyterlab_saves_the_notebook_while_the_widget_has_the_keys(lab):
    lab.page.locator(".minicnn [data-tab=maps]").click()
    lab.page.locator(".jp-mod-dirty").first.wait_for()
    lab.page.keyboard.press("Control+s")
    lab.page.locator(".jp-mod-dirty").first.wait_for(state="detached")


def test_jupyterlab_shows_all_of_it_in_the_width_of_a_cell(lab):
    assert_nothing_is_cut_off(lab.page.locator(".minicnn"))


def test_jupyterlabs_own_styles_stay_out(lab):
    """JupyterLab floats every dt and dd of an output."""
    widget = lab.page.locator(".minicnn")
    widget.locator("[data-tab=maps]").click()
    names, facts = (widget.locator(f".node-head .facts {tag}") for tag in ("dt", "dd"))
    for name, fact in itertools.islice(zip(names.all(), facts.all(), strict=True), 3):
        above, below = name.bounding_box(), fact.bounding_box()
        assert above["y"] + above["height"] <= below["y"] + 1
        assert above["x"] == pytest.approx(below["x"], abs=1)


def test_jupyterlab_shows_networks_traces_and_maps_as_tables(lab, found):
    assert_tables(lab.page, found)


def test_the_widget_turns_dark_with_jupyterlab(lab):
    page, widget = lab.page, lab.page.locator(".minicnn")
    assert not widget.evaluate(DARK)
    choose(page, "Settings", "Theme", "JupyterLab Dark")
    page.wait_for_function("() => document.querySelector('.minicnn').dataset.theme === 'dark'")
    assert widget.evaluate(DARK)
    assert lab.errors == []


@pytest.mark.parametrize(("which", "channel", "at"), [(0, 3, (4, 6)), (1, 2, (1, 8))], ids=["mo.ui.anywidget", "bare"])
def test_marimo_asks_python_for_numbers(marimo_page, found, which, channel, at):
    assert_python_answers(marimo_page, marimo_page.page.locator(".minicnn").nth(which), found, channel, at)


def test_marimo_paints_maps(marimo_page, found):
    assert_maps_are_painted(marimo_page, marimo_page.page.locator(".minicnn").first, found)


def test_marimo_tries_a_filter(marimo_page):
    assert_a_filter_can_be_tried(marimo_page, marimo_page.page.locator(".minicnn").first)


def test_the_focus_stays_in_marimos_shadow_tree(marimo_page):
    """A tab is drawn anew around the focus, which the document itself does not name there."""
    widget = marimo_page.page.locator(".minicnn").first
    widget.locator("[data-tab=maps]").click()
    choice = widget.locator("[data-key=node-choice]")
    choice.focus()
    choice.select_option("relu1")
    widget.locator(".chooser code", has_text="ReLU").wait_for()
    assert widget.evaluate("(root) => root.getRootNode().activeElement.dataset.key") == "node-choice"


def test_marimo_shows_all_of_it_in_the_width_of_a_cell(marimo_page):
    assert_nothing_is_cut_off(marimo_page.page.locator(".minicnn").first)


def test_marimo_shows_networks_traces_and_maps_as_tables(marimo_page, found):
    assert_tables(marimo_page.page, found)


def test_the_widget_turns_dark_with_marimo(marimo_page):
    widget = marimo_page.page.locator(".minicnn").first
    assert not widget.evaluate(DARK)
    marimo_page.page.evaluate("() => (document.body.dataset.theme = 'dark')")  # the attribute that marimo keeps its theme in
    marimo_page.page.wait_for_function(
        "() => document.querySelector('marimo-anywidget').shadowRoot.querySelector('.minicnn').dataset.theme === 'dark'"
    )
    assert widget.evaluate(DARK)


def test_marimos_editor_leaves_the_widgets_keys_to_the_widget(browser, tmp_path, found):
    with marimo_host(browser, tmp_path, edit=True) as address, opened(browser, address) as host:
        widget = host.page.locator(".minicnn").first
        host.page.locator(".marimo-cell").first.wait_for()
        host.page.keyboard.press("Control+Shift+r")  # run what has not been run
        host.page.locator(".minicnn .step").nth(1).wait_for()
        cells = host.page.locator(".marimo-cell").count()
        assert cells == 8
        assert_python_answers(host, widget, found, 3, (4, 6))
        for key in ("b", "d", "d", "2"):
            host.page.keyboard.press(key)
        assert widget.locator("[role=tab][aria-selected=true]").inner_text() == "Maps"
        assert host.page.locator(".marimo-cell").count() == cells
