"""The notebook's widget: its module in a page, its questions answered by Python."""

import numpy as np
import page_networks as networks
import pytest
import widget_page

from minicnn import show
from minicnn.probe import explain

pytest.importorskip("anywidget", reason="anywidget is not installed: pip install 'minicnn-engine[lessons]'")


@pytest.fixture
def open_stepper(open_page, tmp_path, monkeypatch):
    """Return a function that shows a stepper in a page and returns the page and what it asked."""

    def open_(*arguments, **named):
        widget = show.stepper(*arguments, **named)
        kernel = widget_page.Kernel(widget, monkeypatch)
        state = {"payload": widget.payload, "state": widget.state}
        path = tmp_path / "cell.html"
        path.write_text(widget_page.page_of(widget, state), encoding="utf-8")
        opened = open_page(
            path, prepare=lambda page: page.expose_function("askPython", kernel.ask), viewport={"width": 1000, "height": 800}
        )
        return opened, kernel

    return open_


def test_it_begins_with_the_number_that_was_asked_for(open_stepper):
    net, found = networks.branching()
    opened, kernel = open_stepper(net, found, "conv1", 3, (6, 9))
    step = opened.page.locator(".step")
    step.get_by_label("To the last step").click()
    explained = explain(net, found, "conv1", 3, (6, 9))
    assert step.locator("header h2").first.inner_text() == "conv1: channel 3, row 6, column 9"
    assert np.float32(step.locator("[data-value=stored]").inner_text()) == np.float32(explained.stored)
    assert {"kind": "explain", "node": "conv1", "channel": 3, "at": [6, 9]}.items() <= kernel.asked[0].items()


def test_arrow_keys_go_to_any_number_and_python_answers(open_stepper):
    net, found = networks.branching()
    opened, kernel = open_stepper(net, found, "conv2", 1, (2, 3))
    page, step = opened.page, opened.page.locator(".step")
    step.get_by_label("To the last step").click()
    data = found["conv2"].data[0, 1]
    place = [2, 3]
    for key, (down, right) in {"ArrowDown": (1, 0), "Shift+ArrowRight": (0, 1), "ArrowUp": (-1, 0), "Shift+ArrowLeft": (0, -1)}.items():
        page.keyboard.press(key)
        place = [place[0] + down, place[1] + right]
        step.locator("header h2", has_text=f"row {place[0]}, column {place[1]}").wait_for()
        assert np.float32(step.locator("[data-value=stored]").inner_text()) == data[tuple(place)]
    assert [2, 3] in [asked.get("at") for asked in kernel.asked]
    assert [asked["at"] for asked in kernel.asked if asked["kind"] == "explain"][-3:] == [
        [3, 3],
        [3, 4],
        [2, 4],
    ]  # what was answered is kept


def test_play_slides_the_kernel_on_into_the_next_row_and_to_the_end(open_stepper):
    net, found = networks.branching()
    rows, columns = found["conv2"].shape[2:]
    opened, _ = open_stepper(net, found, "conv2", 1, (rows - 2, columns - 1))
    step = slide_on(opened)
    for column in range(columns):
        step.locator("header h2", has_text=f"row {rows - 1}, column {column}").wait_for()
    step.locator("[data-key=step-play][aria-label='Play (Space)']").wait_for()
    assert np.float32(step.locator("[data-value=stored]").inner_text()) == found["conv2"].data[0, 1, -1, -1]


def test_play_that_cannot_go_on_rests_and_says_why(open_stepper):
    net, found = networks.branching()
    opened, kernel = open_stepper(net, found, "conv1", 0, (0, 0))
    opened.page.locator(".step-ledger").wait_for()
    kernel.widget = Gone(kernel)
    step = slide_on(opened)
    step.locator(".step-notice", has_text="the map was let go").wait_for()
    step.locator("[data-key=step-play][aria-label='Play (Space)']").wait_for()


def slide_on(opened):
    """Let it play on from number to number, as fast as it goes."""
    step = opened.page.locator(".step")
    step.locator("[data-key=step-speed]").select_option("6")
    step.locator("[data-key=step-onwards]").check()
    step.locator("[data-key=step-play]").click()
    return step


def test_left_and_right_are_steps_and_home_and_end_the_ends(open_stepper):
    net, found = networks.branching()
    opened, _ = open_stepper(net, found, "conv1", 0, (3, 4))
    page, count = opened.page, opened.page.locator(".step-count")
    page.locator("[data-key=step-next]").focus()
    for key, said in {"Home": "step 0 of 5", "ArrowRight": "step 1 of 5", "End": "step 5 of 5", "ArrowLeft": "step 4 of 5"}.items():
        page.keyboard.press(key)
        assert count.inner_text() == said


def test_maps_are_asked_of_python_and_are_exact(open_stepper):
    net, found = networks.branching()
    opened, kernel = open_stepper(net, found, "pool", mode="maps")
    page = opened.page
    page.locator('[data-channel="3"]').click()
    page.wait_for_function("() => document.querySelector('[data-key=big-map]').getAttribute('aria-label').includes('channel 3')")
    page.wait_for_function("() => !document.querySelector('.told').textContent.includes('≈')")
    assert any(asked["kind"] == "map" and asked["channel"] == 3 for asked in kernel.asked)
    text = page.locator(".told b").inner_text()
    row, column = (int(word.rstrip(":,")) for word in text.split() if word.rstrip(":,").isdigit())
    assert np.float32(text.rpartition(": ")[2]) == found["pool"].data[0, 3, row, column]


def test_the_way_down_goes_to_the_pixels(open_stepper):
    """Following what weighed most is Explanation.follow."""
    net, found = networks.branching()
    opened, _ = open_stepper(net, found, "fc", 1)
    step = opened.page.locator(".step")
    for level in explain(net, found, "fc", 1).follow():
        where = f"channel {level.channel}, row {level.at[0]}, column {level.at[1]}" if len(level.at) == 2 else f"feature {level.channel}"
        step.locator("header h2", has_text=f"{level.node}: {where}").wait_for()
        if level.strongest:
            step.locator("[data-key=step-follow]").click()
    assert level.node == "x"


def test_what_python_refuses_is_read_in_the_page(open_stepper):
    """The trace is gone from under the widget, as after a cell that was run again."""
    net, found = networks.branching()
    opened, kernel = open_stepper(net, found, "conv1", 0, (0, 0))
    opened.page.locator(".step-ledger").wait_for()
    kernel.widget = Gone(kernel)
    opened.page.get_by_label("output below").click()
    opened.page.locator(".step-notice", has_text="the map was let go").wait_for()


class Gone:
    """A kernel that has lost the trace."""

    def __init__(self, kernel):
        self.kernel = kernel

    def _handle_custom_msg(self, content, buffers):
        self.kernel.answers.append(({"id": content["id"], "error": "the map was let go"}, []))


def test_it_takes_itself_away(open_stepper):
    net, found = networks.branching()
    opened, _ = open_stepper(net, found)
    page = opened.page
    page.locator(".minicnn .panel > *").first.wait_for()
    page.evaluate("() => tidy()")
    assert page.locator("#cell").inner_html() == ""
    assert page.evaluate("() => (heard['msg:custom'] ?? []).length") == 0
