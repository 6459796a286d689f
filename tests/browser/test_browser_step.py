"""Stepping through a number: what the page shows, step by step, is what probe.explain says."""

import math

import numpy as np
import page_networks as networks
import pytest

from minicnn.probe import explain

KINDS = ["conv1", "relu1", "conv2", "bn2", "add", "pool", "avg", "point", "gap", "flatten", "fc"]
LEDGER = "rows => rows.map((row) => [row.querySelector('th button'), ...row.querySelectorAll('td:not(.bar, .how)')].map((part) => part.textContent))"
TABLES = "all => all.map((table) => [...table.querySelectorAll('td')].map((cell) => [cell.title, cell.className, cell.textContent]))"
WORDS = {"NaN": math.nan, "∞": math.inf, "-∞": -math.inf}


def read(text: str) -> np.float32:
    """Return the number that a text of the page stands for."""
    return np.float32(WORDS[text]) if text in WORDS else np.float32(text)


def near(text: str, number: float) -> bool:
    """Whether a text is a number in the page's four digits."""
    return float(text.replace("+", "", 1) if text.startswith("+") else text) == pytest.approx(number, rel=6e-4, abs=1e-12)


def open_at(opened, name, channel, at):
    step = opened.at("step", name, channel, at).locator(".step")
    place = f"channel {channel}, row {at[0]}, column {at[1]}" if len(at) == 2 else f"feature {channel}"
    step.locator("header h2", has_text=f"{name}: {place}").wait_for()
    first = step.get_by_label("To the first step")  # behind a number that was at its end, the next one is too
    if first.get_attribute("aria-disabled") != "true":
        first.click()
    return step


def groups_of(explained) -> list[list]:
    """Return the terms of each group, in the groups' order."""
    return [[term for term in explained.terms if (term.map, term.channel) == (group.map, group.channel)] for group in explained.groups]


@pytest.mark.parametrize("name", KINDS)
def test_result_and_stored_number_are_the_engines(open_report, name):
    net, found = networks.branching()
    opened = open_report(net, found)
    for channel, at in networks.held(net, found)[name]:
        step, explained = open_at(opened, name, channel, at), explain(net, found, name, channel, at)
        assert step.locator(".step-equation").inner_text() == explained.equation
        assert step.locator(".step-result b").inner_text() == "?"  # not before the last step
        step.get_by_label("To the last step").click()
        assert read(step.locator("[data-value=stored]").inner_text()) == np.float32(explained.stored)
        assert read(step.locator("[data-value=result]").inner_text()) == np.float32(explained.result)
        assert step.locator(".step-check").get_attribute("class") == "step-check agrees"
        assert read(step.locator(".step-result b").inner_text()) == np.float32(explained.stored)


@pytest.mark.parametrize("name", ["conv1", "conv2", "add", "point", "fc"])
def test_products_add_up_channel_by_channel(open_report, name):
    net, found = networks.branching()
    opened = open_report(net, found)
    for channel, at in networks.held(net, found)[name]:
        step, explained = open_at(opened, name, channel, at), explain(net, found, name, channel, at)
        step.get_by_label("To the last step").click()
        rows = step.locator(".step-ledger tbody tr").evaluate_all(LEDGER)
        running = 0.0
        for (_, adds, reached), group in zip(rows, explained.groups, strict=False):
            running += group.sum
            assert near(adds, group.sum), (channel, at, group)
            assert near(reached, running), (channel, at, group)
        biased = explained.bias is not None
        assert [label for label, *_ in rows[len(explained.groups) :]] == ["bias"] * biased + ["stored"]
        if biased:
            _, adds, reached = rows[-2]
            assert near(adds, explained.bias)
            assert near(reached, explained.sum)
        assert read(rows[-1][-1]) == np.float32(explained.stored)


@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_patch_filter_and_products_are_the_terms(open_report, name):
    net, found = networks.branching()
    opened = open_report(net, found)
    padded = 0
    for channel, at in networks.held(net, found)[name]:
        step, explained = open_at(opened, name, channel, at), explain(net, found, name, channel, at)
        for terms in groups_of(explained):
            opened.page.keyboard.press("ArrowRight")  # a channel a step
            tables = step.locator(".step-patch").evaluate_all(TABLES)
            assert [len(table) for table in tables] == [len(terms)] * 3
            for (value, look, _), (weight, *_), (product, _, text), term in zip(*tables, terms, strict=True):
                assert read(weight) == np.float32(term.factor)
                if term.mark == "padding":
                    assert "padding" in look.split()
                    assert text == "0"
                    padded += 1
                    continue
                place, _, number = value.partition(" = ")
                assert place == f"{term.map}[{term.channel}, {term.at[0]}, {term.at[1]}]"
                assert read(number) == np.float32(term.value)
                assert read(product) == np.float32(term.product)
    assert padded > 0


def test_a_step_can_be_one_product(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    channel, at = networks.held(net, found)["conv1"][0]
    step, explained = open_at(opened, "conv1", channel, at), explain(net, found, "conv1", channel, at)
    step.get_by_label("a product").check()
    running = 0.0
    step.get_by_label("To the first step").click()
    for term in groups_of(explained)[0]:
        opened.page.keyboard.press("ArrowRight")
        running += term.product
        assert near(step.locator(".step-ledger tr.now td.running").inner_text(), running)
    last = len(explained.terms) + 2  # and the bias, and the number
    assert step.locator(".step-count").inner_text() == f"step {len(groups_of(explained)[0])} of {last}"


def test_stride_dilation_and_groups_are_said(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    step = open_at(opened, "conv1", *networks.held(net, found)["conv1"][0])
    assert "Stride 2" in step.locator(".step-hints").inner_text()
    step = open_at(opened, "conv2", *networks.held(net, found)["conv2"][0])
    assert "Dilation 2" in step.locator(".step-hints").inner_text()
    first = explain(net, found, "conv2", *networks.held(net, found)["conv2"][0]).groups[0].channel
    assert f"2 groups: input channels {first} to {first + 1} of 4 take part" in step.locator(".step-groups").inner_text()


def test_one_by_one_has_no_neighbours_and_global_pooling_takes_all(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    step = open_at(opened, "point", *networks.held(net, found)["point"][0])
    assert "1×1: no neighbours. One cell of each of 4 channels." in step.locator(".step-hints").inner_text()
    step = open_at(opened, "gap", *networks.held(net, found)["gap"][0])
    assert "Global: every cell of the map counts." in step.locator(".step-hints").inner_text()
    assert step.locator(".step-patch td").count() == 10


def test_max_pooling_marks_its_winner_and_its_padding(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    padded = 0
    for channel, at in networks.held(net, found)["pool"]:
        step, explained = open_at(opened, "pool", channel, at), explain(net, found, "pool", channel, at)
        assert step.locator(".step-patch td.winner").count() == 0  # not before the last cell was looked at
        step.get_by_label("To the last step").click()
        winner = step.locator(".step-patch td.winner")
        assert winner.count() == 1
        best = explained.strongest
        assert winner.get_attribute("title").startswith(f"{best.node}[{best.channel}, {best.at[0]}, {best.at[1]}] = ")
        assert winner.locator(".star").get_attribute("aria-label") == "the largest"
        marks = [term.mark for term in explained.terms]
        assert step.locator(".step-patch td.padding").count() == marks.count("padding")
        padded += marks.count("padding")
    assert padded > 0


def test_an_average_divides_and_batch_norm_takes_four_steps(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    channel, at = networks.held(net, found)["avg"][0]
    step, explained = open_at(opened, "avg", channel, at), explain(net, found, "avg", channel, at)
    step.get_by_label("To the last step").click()
    total = sum(term.value for term in explained.terms)
    said = step.locator(".step-sum .step-adds").inner_text()
    assert said == f"sum / count: {total:.4g} / 2 = {explained.stored:.4g}"

    channel, at = networks.held(net, found)["bn2"][0]
    step, layer = open_at(opened, "bn2", channel, at), net["bn2"]
    step.get_by_label("To the last step").click()
    x = float(found["conv2"].data[0, channel, *at])
    weight, bias, mean, var = (float(array[channel]) for array in (layer.weight, layer.bias, layer.running_mean, layer.running_var))
    centred = x - mean
    scaled = centred / math.sqrt(var + layer.eps)
    running = step.locator(".step-ledger td.running").all_inner_texts()
    for text, number in zip(running, (centred, scaled, weight * scaled, weight * scaled + bias), strict=False):
        assert float(text) == pytest.approx(number, rel=2e-3)
    assert len(running) == 5


def test_a_rectified_number_is_shown_before_and_after(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    for channel, at in networks.held(net, found)["relu1"]:
        step = open_at(opened, "relu1", channel, at)
        step.get_by_label("To the last step").click()
        before, after = found["conv1"].data[0, channel, *at], found["relu1"].data[0, channel, *at]
        assert step.locator(".formula .step-adds").inner_text() == f"before {before:.4g} → after {after:.4g}"


def test_what_weighed_most_leads_down_to_the_pixels_and_back(open_report):
    """Level by level as Explanation.follow goes, without Python."""
    net, found = networks.branching()
    opened = open_report(net, found)
    channel, at = networks.held(net, found)["fc"][0]
    step = open_at(opened, "fc", channel, at)
    levels = explain(net, found, "fc", channel, at).follow()
    for level in levels:
        place = f"channel {level.channel}, row {level.at[0]}, column {level.at[1]}" if len(level.at) == 2 else f"feature {level.channel}"
        step.locator("header h2", has_text=f"{level.node}: {place}").wait_for()
        if level.strongest:
            step.locator("[data-key=step-follow]").click()
    assert level.node == "x"
    assert read(step.locator(".step-result b").inner_text()) == np.float32(level.stored)
    trail = step.locator(".step-trail button")
    assert [text.partition("[")[0] for text in trail.all_inner_texts()] == [level.node for level in levels[:-1]]
    trail.nth(1).click()
    step.locator("header h2", has_text=f"{levels[1].node}: ").wait_for()


def test_a_number_that_the_report_does_not_hold_is_told_with_the_way_to_it(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    held = networks.held(net, found)["conv1"]
    other = next((0, (i, j)) for i in range(7) for j in range(10) if (0, (i, j)) not in held)
    panel = opened.at("step", "conv1", *other)
    notice = panel.locator(".step-notice")
    notice.get_by_text("is not at hand").wait_for()
    assert "show.stepper(net, trace) in a notebook" in notice.inner_text()
    panel.locator(".step-held button").first.click()
    panel.locator(".step-ledger").wait_for()


def test_play_runs_pauses_and_stops_at_the_end(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    channel, at = networks.held(net, found)["fc"][0]
    step, page = open_at(opened, "fc", channel, at), opened.page
    count, play = step.locator(".step-count"), step.locator("[data-key=step-play]")
    step.locator("[data-key=step-speed]").select_option("2")  # 0.6 s a step
    play.click()
    assert play.get_attribute("aria-label") == "Pause (Space)"
    page.wait_for_function("() => Number(document.querySelector('.step-count').textContent.split(' ')[1]) >= 2")
    play.click()
    held = count.inner_text()
    page.wait_for_timeout(800)
    assert count.inner_text() == held != "step 7 of 7"
    step.locator("[data-key=step-speed]").select_option("6")
    step.locator(".step-equation").click()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    count.get_by_text("step 7 of 7").wait_for()
    assert play.get_attribute("aria-label") == "Play (Space)"
    assert read(step.locator(".step-result b").inner_text()) == np.float32(found["fc"].data[0, channel])


def test_play_slides_on_over_the_numbers_that_the_page_holds(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    held = networks.held(net, found)["conv1"]
    assert len(held) > 2
    step = open_at(opened, "conv1", *held[0])
    step.locator("[data-key=step-speed]").select_option("6")
    step.locator("[data-key=step-onwards]").check()
    step.locator("[data-key=step-play]").click()
    for channel, (row, column) in held:
        step.locator("header h2", has_text=f"channel {channel}, row {row}, column {column}").wait_for()
    step.locator("[data-key=step-play][aria-label='Play (Space)']").wait_for()  # at the last one it rests
    assert read(step.locator("[data-value=stored]").inner_text()) == found["conv1"].data[0, channel, row, column]
    assert step.locator("[data-key=step-onwards]").is_checked()


def test_arrow_keys_walk_through_a_vector(open_report):
    """The numbers of a linear layer lie in a row: up and down go to the one before and the one after."""
    net, found = networks.branching()
    features = sorted(channel for channel, _ in networks.held(net, found)["fc"])
    step = open_at(open_report(net, found), "fc", features[0], ())
    at = features[0]
    step.locator(".step-stage").click(position={"x": 3, "y": 3})
    for key, by in (("ArrowDown", 1), ("ArrowUp", -1)):
        step.page.keyboard.press(key)
        at += by
        step.locator("h2", has_text=f"fc: feature {at}").first.wait_for()
