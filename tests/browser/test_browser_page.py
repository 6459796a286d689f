"""The page as a whole: by keyboard, in the dark, on a phone, for a screen reader, and with networks that are not meant to be looked at."""

import numpy as np
import page_networks as networks
import pytest

from minicnn import nn, trace

TABS = ["Overview", "Maps", "Step", "Try it", "Predict"]
TABBABLE = """[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((one) =>
  one.tabIndex >= 0 && !one.disabled && one.getClientRects().length && getComputedStyle(one).visibility !== "hidden"
  && !(one.type === "radio" && !one.checked)"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  one.dataset.reached = "yes";
  const rings = [one, ...one.querySelectorAll("rect.frame")].map((part) => getComputedStyle(part));
  const ring = rings.some((style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none" || parseFloat(style.strokeWidth) > 3);
  return [one.outerHTML.slice(0, 120), ring];
}"""
BACKGROUND = "() => getComputedStyle(document.querySelector('.minicnn')).backgroundColor"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_in_any_tab(open_report, dark):
    from axe_playwright_python.sync_playwright import Axe

    net, found = networks.branching()
    opened = open_report(net, found, dark=dark)
    for words in TABS:
        opened.tab(words)
        if words == "Step":
            opened.page.get_by_label("To the last step").click()
        results = Axe().run(opened.page).response
        faults = [
            (words, fault["id"], fault["impact"], [node["html"][:160] for node in fault["nodes"][:3]])
            for fault in results["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert not faults
        assert results["passes"]  # it did look


@pytest.mark.parametrize("words", TABS)
def test_the_tab_key_reaches_everything_and_the_focus_is_seen(open_report, words):
    net, found = networks.residual()
    opened = open_report(net, found)
    opened.tab(words)
    page = opened.page
    page.evaluate("() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }")
    for _ in range(page.evaluate(f"{TABBABLE}).length") + 5):
        page.keyboard.press("Tab")
        if (told := page.evaluate(FOCUSED)) is None:
            break
        markup, ring = told
        assert ring, f"no ring around {markup}"
    missed = page.evaluate(f"{TABBABLE} && !one.dataset.reached).map((one) => one.outerHTML.slice(0, 120))")
    assert missed == []


def test_keys_turn_tabs_and_nodes(open_report):
    net, found = networks.branching()
    opened = open_report(net, found)
    page = opened.page
    page.locator("[role=tab]").first.focus()
    for number, words in enumerate(TABS, 1):
        page.keyboard.press(str(number))
        assert page.locator("[role=tab][aria-selected=true]").inner_text() == words
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")  # behind the last comes the first
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Overview"
    assert page.evaluate("document.activeElement.innerText") == "Overview"
    page.keyboard.press("2")
    for key, name in (("]", "relu1"), ("]", "conv2"), ("[", "relu1")):
        page.keyboard.press(key)
        assert page.locator("[data-key=node-choice]").input_value() == name
    page.keyboard.press("?")
    page.locator("dialog.help").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.help").wait_for(state="hidden")


def test_light_and_dark_follow_the_reader_and_can_be_turned(open_report):
    net, found = networks.one_node()

    def lightness(page) -> int:
        return sum(int(part) for part in page.evaluate(BACKGROUND).strip("rgb()").split(",")[:3])

    light, dark = open_report(net, found).page, open_report(net, found, dark=True).page
    assert lightness(light) > 600
    assert lightness(dark) < 200
    light.locator("[data-key=theme]").click()
    assert lightness(light) == lightness(dark)
    dark.locator("[role=tab]").first.focus()
    dark.keyboard.press("t")
    assert lightness(dark) > 600


@pytest.mark.parametrize("words", TABS)
def test_on_a_phone_nothing_is_wider_than_the_screen(open_report, words):
    net, found = networks.branching()
    opened = open_report(net, found, width=390, height=844)
    opened.tab(words)
    wide = opened.page.evaluate("() => [document.scrollingElement.scrollWidth, innerWidth]")
    assert wide == [390, 390]


def test_a_link_opens_the_same_number(open_report, open_page):
    net, found = networks.branching()
    opened = open_report(net, found)
    maps = opened.node("conv2")
    maps.locator('[data-channel="2"]').click()
    maps.locator("[data-choice=each]").click()
    maps.locator("[data-key=order]").select_option("max")
    maps.locator("[data-key=big-map]").focus()
    opened.page.keyboard.press("ArrowUp")
    address = opened.page.url
    again = open_report(net, found).page
    again.goto(again.url + "#" + address.partition("#")[2])
    labels = [page.locator("[data-key=big-map]").get_attribute("aria-label") for page in (opened.page, again)]
    assert labels[0] == labels[1]
    assert "channel 2, row" in labels[0]
    assert again.locator("[data-choice=each]").get_attribute("aria-pressed") == "true"
    assert again.locator("[data-key=order]").input_value() == "max"


def test_markup_in_names_is_text(open_report):
    """A title and a node's name that would be elements: none is made, and both are read as they are."""
    name = "<img src=x onerror=document.title='broken'>"
    net = nn.Sequential((name, nn.ReLU()), ("</script><script>document.title='in'</script>", nn.MaxPool2d(2)))
    title = "<b>photo</b>'\"&amp;.jpg</title><script>document.title='out'</script>"
    opened = open_report(net, trace(net, networks.photo((1, 1, 4, 6))), title=title)
    page = opened.page
    for words in TABS:
        opened.tab(words)
    assert page.title() == title
    assert page.locator("h1").inner_text() == title
    opened.at("step", name)
    assert page.locator(".step header").inner_text().startswith(f"{name}: channel 0")
    assert page.evaluate("() => [document.querySelectorAll('img, b script, main script').length, document.scripts.length]") == [0, 2]


@pytest.mark.parametrize(
    "make", [networks.one_node, networks.wide, networks.not_finite, networks.residual, networks.u_shaped], ids=lambda make: make.__name__
)
def test_every_tab_opens_for_odd_networks(open_report, make):
    net, found = make()
    opened = open_report(net, found)
    for node in net:
        opened.node(node.name)
        for words in TABS[2:]:
            assert opened.tab(words).inner_text().strip()


def test_two_thousand_channels_are_all_there_and_can_be_put_in_order(open_report):
    net, found = networks.wide()
    maps = open_report(net, found).node("conv1")
    maps.locator(".channels [role=option]").first.wait_for()
    assert maps.locator(".channels [role=option]").first.get_attribute("aria-setsize") == "2048"
    maps.locator(".channels").evaluate("(list) => (list.scrollTop = list.scrollHeight)")
    maps.locator('[data-channel="2047"]').wait_for()
    maps.locator("[data-key=order]").select_option("max")
    largest = int(found["conv1"].data[0, :, 0, 0].argmax())
    first = maps.locator(".channels [role=option]").first
    assert first.get_attribute("data-channel") == str(largest)
    assert f"value {found['conv1'].data.max():.4g}" in first.get_attribute("aria-label")


def test_a_printer_gets_every_channel(open_report):
    """What is made when it comes near is made for the printer too."""
    net, found = networks.wide(300)
    opened = open_report(net, found)
    cells = opened.node("conv1").locator(".channels [role=option]")
    assert cells.count() < 300
    opened.page.pdf()
    assert cells.count() == 300


def test_nan_and_infinities_are_shown_as_such(open_report):
    net, found = networks.not_finite()
    opened = open_report(net, found)
    marks = opened.page.locator('[data-key="node-conv1"] em').all_inner_texts()
    assert marks == ["1 NaN", "2 ∞"]
    whole = open_report(net, found, full=True)
    for page, name in ((opened, "x"), (opened, "conv1"), (whole, "conv1")):
        numbers = page.node(name).locator("[data-key=big-map] .numbers text")
        numbers.nth(29).wait_for(state="attached")
        assert numbers.all_text_contents()[:3] == ["NaN", "∞", "-∞"]  # each has a level of its own
        assert page.page.locator(".numbers-of .alarm").all_inner_texts() == ["NaN\n1", "infinite\n2"]
    assert np.isnan(found["pool1"].data[0, 0, 0, 0])
    step = opened.at("step", "pool1", 0, (0, 0)).locator(".step")
    step.get_by_label("To the last step").click()
    assert step.locator(".step-result b").inner_text() == "NaN"
    assert step.locator(".step-check").get_attribute("class") == "step-check agrees"
