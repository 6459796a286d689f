"""The two tabs in which a reader types: numbers that make a map, and numbers that are expected."""

import numpy as np
import page_networks as networks
import pytest

from minicnn import conv2d
from minicnn.probe import explain


def fields(panel, name: str) -> np.ndarray:
    """Return the numbers in the fields of the input or the filter, as rows and columns."""
    cells = panel.locator(f"[data-key^=try-{name}-]").evaluate_all("all => all.map((one) => [one.dataset.key, Number(one.value)])")
    places = [tuple(map(int, key.split("-")[2:])) for key, _ in cells]
    found = np.zeros(tuple(max(axis) + 1 for axis in zip(*places, strict=True)))
    for place, (_, value) in zip(places, cells, strict=True):
        found[place] = value
    return found


def assert_map_is_the_engines(panel, stride: int = 1, padding: int = 0, dilation: int = 1):
    x, weight = fields(panel, "x"), fields(panel, "w")
    expected = conv2d(x[None, None], weight[None, None], stride=stride, padding=padding, dilation=dilation, algorithm="reference")[0, 0]
    labels = panel.locator(".try-cells button").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    assert len(labels) == expected.size
    for label, ((i, j), value) in zip(labels, np.ndenumerate(expected), strict=True):
        place, _, text = label.partition(": ")
        assert place == f"row {i}, column {j}"
        assert float(text) == pytest.approx(value, rel=6e-4, abs=1e-9), place
    assert f"= {expected.shape[0]}" in panel.locator(".try-size").inner_text().splitlines()[0]


def slide(panel, name: str, value: int):
    panel.locator(f"[data-key=try-{name}]").fill(str(value))


def test_another_filter_number_makes_the_map_that_conv2d_makes(open_report):
    net, found = networks.branching()
    panel = open_report(net, found).tab("Try it")
    assert_map_is_the_engines(panel)
    panel.locator("[data-key=try-w-0-1]").fill("2.5")
    panel.locator("[data-key=try-w-2-0]").fill("-3")
    assert fields(panel, "w")[[0, 2], [1, 0]].tolist() == [2.5, -3]
    assert panel.locator("[data-key=try-preset]").input_value() == "my own"
    assert_map_is_the_engines(panel)
    panel.locator("[data-key=try-x-3-4]").fill("-7.25")
    assert_map_is_the_engines(panel)


def test_stride_padding_dilation_and_the_filters_size_change_the_map(open_report):
    net, found = networks.branching()
    panel = open_report(net, found).tab("Try it")
    slide(panel, "stride", 2)
    assert_map_is_the_engines(panel, stride=2)
    slide(panel, "padding", 1)
    assert panel.locator(".try-input .padding").count() == 9 * 9 - 7 * 7
    assert_map_is_the_engines(panel, stride=2, padding=1)
    slide(panel, "dilation", 2)
    assert_map_is_the_engines(panel, stride=2, padding=1, dilation=2)
    panel.locator("[data-key=try-k0]").select_option("2")
    panel.locator("[data-key=try-k1]").select_option("4")
    assert fields(panel, "w").shape == (2, 4)
    assert_map_is_the_engines(panel, stride=2, padding=1, dilation=2)


def test_the_photo_itself_can_be_tried(open_report):
    net, found = networks.branching()
    panel = open_report(net, found).tab("Try it")
    panel.locator("[data-key=try-picture]").select_option("the photo's first channel")
    crop, photo = fields(panel, "x"), found["x"].data[0, 0].astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(photo, crop.shape)
    assert np.abs(windows - crop).max((2, 3)).min() < 0.0051  # two decimals
    assert_map_is_the_engines(panel)


def test_a_filter_that_does_not_fit_is_told_with_the_arithmetic(open_report):
    net, found = networks.branching()
    panel = open_report(net, found).tab("Try it")
    slide(panel, "dilation", 4)
    refusal = panel.get_by_role("alert")
    assert "The filter does not fit." in refusal.inner_text()
    assert "It spans 9 × 9 cells with its gaps (4·(3 − 1) + 1 = 9), the padded input has 7 × 7." in refusal.inner_text()
    slide(panel, "padding", 1)
    assert_map_is_the_engines(panel, padding=1, dilation=4)


def test_a_number_of_the_map_lights_its_cells_and_writes_its_sum(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    panel = opened.tab("Try it")
    panel.locator("[data-key=try-preset]").select_option("sharpen")
    panel.locator("[data-key=try-y-1-2]").focus()
    lit = panel.locator(".try-input .lit").evaluate_all("all => all.map((one) => one.dataset.cell)")
    assert lit == [f"{i},{j}" for i in (1, 2, 3) for j in (2, 3, 4)]
    opened.page.keyboard.press("ArrowDown")
    assert opened.page.evaluate("document.activeElement.dataset.key") == "try-y-2-2"
    window = fields(panel, "x")[2:5, 2:5]
    assert panel.locator(".try-sum b").inner_text() == f"{(window * [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]).sum():.4g}"


def card(panel, title: str):
    return panel.locator("form.ask-card").filter(has=panel.page.get_by_role("heading", name=title))


def answer(form, *texts):
    for field, text in zip(form.locator("input").all(), texts, strict=True):
        field.fill(str(text))
    form.get_by_role("button", name="Check").click()


def questions(net, found) -> dict[str, tuple]:
    """Return each question about conv2 (4 → 4 channels, 3×3, dilation 2, groups 2), the right answers, and a wrong one with what is said to it."""
    row = found.description["conv2"]
    return {
        "How large is the map?": (row.shape[2:], (row.shape[2] - 4, row.shape[3]), "without padding"),
        "How many parameters?": ((row.parameters,), (row.parameters - 4,), "without the bias"),
        "How many multiply-adds?": ((row.multiply_adds,), (2 * row.multiply_adds,), "two operations for one multiply-add"),
    }


def test_answers_are_hidden_until_they_are_typed(open_report):
    net, found = networks.branching()
    panel = open_report(net, found).at("predict", "conv2")
    for title, (right, wrong, said) in questions(net, found).items():
        form = card(panel, title)
        assert form.locator(".ask-derivation").count() == 0
        assert not any(str(number) in form.inner_text() for number in right if number > 20)
        answer(form, *wrong)
        assert "✗" in form.locator(".ask-verdict").inner_text()
        assert said in form.locator(".ask-verdict").inner_text()
        assert form.locator(".ask-derivation").count() == 0
        answer(form, *right)
        assert form.locator(".ask-verdict").inner_text().startswith("✓ Right")
        assert form.locator(".ask-derivation li").count() > 0
    assert panel.locator(".ask-score").inner_text().startswith("3 of 5 questions right")


def test_which_cells_are_seen_is_asked_of_the_windows_of_the_engine(open_report):
    net, found = networks.branching()
    form = card(open_report(net, found).at("predict", "conv1"), "Which cells does it see?")
    words = form.inner_text().replace(",", "").split()
    i, j = (int(words[words.index(word) + 1]) for word in ("row", "column"))
    box = found["conv1"].box(i, j)
    answer(form, box.top + 1, box.bottom, box.left, box.right)
    assert "✗" in form.locator(".ask-verdict").inner_text()
    answer(form, box.top, box.bottom, box.left, box.right)
    assert form.locator(".ask-verdict").inner_text().startswith("✓ Right")


@pytest.mark.parametrize("name", ["pool", "relu1", "bn2", "avg"])
def test_the_number_that_is_asked_for_is_the_engines(open_report, name):
    net, found = networks.branching()
    form = card(open_report(net, found).at("predict", name), "What is the number?")
    stored = explain(net, found, name, *networks.held(net, found)[name][0]).stored
    answer(form, f"{stored + 1:.3g}")
    assert "✗" in form.locator(".ask-verdict").inner_text()
    answer(form, f"{stored:.3g}")
    assert form.locator(".ask-verdict").inner_text().startswith("✓ Right")


def test_some_products_of_a_sum_are_asked_for_with_their_numbers(open_report):
    net, found = networks.branching()
    form = card(open_report(net, found).at("predict", "conv2"), "What is the number?")
    values, factors = (form.locator(f"tbody tr:nth-child({row}) td").all_inner_texts() for row in (1, 2))
    total = sum(float(value) * float(factor) for value, factor in zip(values, factors, strict=True) if value != "pad")
    answer(form, f"{-total:.3g}")
    assert "the sign is the other way round" in form.locator(".ask-verdict").inner_text()
    answer(form, f"{total:.4g}")
    assert form.locator(".ask-verdict").inner_text().startswith("✓ Right")


def test_who_gives_up_is_shown_the_derivation_and_it_is_not_counted_as_right(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    form = card(opened.at("predict", "conv2"), "How many parameters?")
    form.get_by_role("button", name="Show me").click()
    assert "Looked up: parameters 76" in form.locator(".ask-verdict").inner_text()
    assert "0 of 5 questions right, 1 looked up" in opened.page.locator(".ask-score").inner_text()
    opened.tab("Overview")
    # coming back finds it
    assert "Looked up: parameters 76" in card(opened.tab("Predict"), "How many parameters?").inner_text()
