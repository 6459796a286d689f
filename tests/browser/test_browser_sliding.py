"""The page of a sliding kernel: slider, buttons and keys show the engine's numbers, without a network."""

import numpy as np
import pytest

from minicnn import conv2d, show

X = np.array([[3.0, 0, 7, 2], [1, 4, -2, 5], [6, 1, 8, 0]])
KERNEL = np.array([[1.0, 0], [2, -1]])


@pytest.fixture(params=["light", "dark"])
def opened(request, open_page, tmp_path):
    path = show.sliding_kernel(X, KERNEL, 10.0, padding=(0, 1), path=tmp_path / "step.html", seconds=0.05)
    return open_page(path, ready="form:not([hidden])", viewport={"width": 400, "height": 800}, color_scheme=request.param)


def test_every_way_of_stepping_shows_the_engines_numbers(opened):
    page, y = opened.page, conv2d(X[None, None], KERNEL[None, None], np.array([10.0]), padding=(0, 1))[0, 0]

    def shown() -> int:
        """Return the number of the one step that is seen, when its numbers are right."""
        (section,) = [each for each in page.query_selector_all("section") if each.is_visible()]
        number = int(section.query_selector("h2").inner_text().split()[1]) - 1
        p, q = divmod(number, y.shape[1])
        assert section.query_selector("td.n").inner_text() == f"{y[p, q]:.0f}"
        assert f"y[0, {p}, {q}] = " in section.query_selector("pre").inner_text()
        assert page.inner_text("output") == f"{number + 1} of {y.size}"
        return number

    assert shown() == 0
    for key, place in (("ArrowRight", 1), ("ArrowDown", 6), ("ArrowDown", 6), ("ArrowLeft", 5), ("ArrowUp", 0), ("End", 9), ("Home", 0)):
        page.keyboard.press(key)
        assert shown() == place
    page.click("#next")
    page.click("#next")
    page.click("#back")
    assert shown() == 1
    page.fill("input[type=range]", "7")
    assert shown() == 7
    page.click("#play")
    page.wait_for_function("document.getElementById('play').textContent === 'Play'")
    assert shown() == y.size - 1
    page.keyboard.press("Home")
    page.focus("input[type=range]")
    page.keyboard.press("ArrowRight")
    assert shown() == 1


def test_all_steps_are_printed(opened):
    opened.page.emulate_media(media="print")
    sections = opened.page.query_selector_all("section")
    assert all(each.is_visible() for each in sections)
    assert not opened.page.is_visible("form")


def test_no_serious_fault_of_accessibility(opened):
    from axe_playwright_python.sync_playwright import Axe

    found = [each for each in Axe().run(opened.page).response["violations"] if each["impact"] in ("serious", "critical")]
    assert not found, [(each["id"], each["nodes"][0]["html"]) for each in found]
