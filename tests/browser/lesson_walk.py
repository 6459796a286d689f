"""Every lesson as a reader meets it: in marimo, in Chromium; each slider moved, each step viewer asked, each question answered wrong and right.

The answers are those of the lesson itself, run here beside it; marimo's server runs it once more.
"""

import functools
import shutil
from pathlib import Path

import notebook_hosts as hosts
import pytest
from test_browser_notebooks import needs, opened

from minicnn.cli import lesson_page
from minicnn.cli.lesson_files import all_of_them

LESSONS = {lesson.number: lesson for lesson in all_of_them()}
SHOWN = """() => [...document.querySelectorAll(".output, .output-area, .marimo-cell")].map((one) =>
  one.innerText + [...one.querySelectorAll("img")].map((image) => image.src.length + image.src.slice(-4000) + image.alt).join()).join("|")"""
ALTS = """() => [...document.querySelectorAll("img")].filter((image) => !image.closest(".minicnn") && !image.alt.trim()).map((image) => image.outerHTML.slice(0, 120))"""
WAIT = 150_000  # ms: a lesson may compile its kernels first, on a machine with other guests


@functools.cache
def outputs(number: str) -> list:
    """Return what each cell of a lesson prints and shows, run once."""
    return lesson_page.outputs_of(LESSONS[number].path)


def served(numbers):
    """Return the fixture of some lessons, each served by marimo and opened, with the questions that it asks."""
    return pytest.fixture(scope="module", params=numbers, name="lesson")(lesson)


def lesson(request, browser, tmp_path_factory):
    needs("marimo", "anywidget", "skimage")
    path = shutil.copy(LESSONS[request.param].path, tmp_path_factory.mktemp("lesson"))
    asked = [output for _, output in outputs(request.param) if hasattr(output, "wrong")]
    with hosts.marimo_app(Path(path)) as address, opened(browser, address) as host:
        host.page.set_default_timeout(WAIT)
        host.asked, host.number = asked, request.param
        host.page.locator(".minicnn-quiz").nth(len(asked) - 1).wait_for()
        host.page.locator(".minicnn .panel > *").first.wait_for()
        yield host


def test_it_asks_and_shows(lesson):
    page = lesson.page
    assert page.locator("h1").first.inner_text().startswith(lesson.number)
    assert page.locator(".minicnn-quiz").count() == len(lesson.asked) >= 3
    assert page.locator("marimo-slider").count() >= 1
    assert page.evaluate(ALTS) == []
    assert page.locator(".output img, .output-area img").count() >= 2
    assert page.get_by_text("Traceback").count() == 0
    assert lesson.errors == []


def test_each_slider_moves_what_is_shown(lesson):
    page = lesson.page
    for thumb in page.locator("marimo-slider [role=slider]").all():
        before = page.evaluate(SHOWN)
        at, most = (float(thumb.get_attribute(f"aria-value{name}")) for name in ("now", "max"))
        thumb.focus()
        page.keyboard.press("ArrowLeft" if at == most else "ArrowRight")
        try:
            page.wait_for_function(f"(before) => ({SHOWN})() !== before", arg=before)
        except Exception as error:
            label = thumb.evaluate("(one) => one.getRootNode().host.getAttribute('data-label')")
            raise AssertionError(f"the slider {label} moved from {at} and nothing followed") from error
    assert lesson.errors == []


def test_each_step_viewer_asks_python(lesson):
    page = lesson.page
    viewers = page.locator(".minicnn").all()
    assert viewers
    for viewer in viewers:
        viewer.locator("[data-tab=step]").click()
        head = viewer.locator(".step header h2").first
        head.wait_for()
        before = head.inner_text()
        viewer.locator(".step-stage").click(position={"x": 3, "y": 3})
        page.keyboard.press("ArrowUp" if ", row 0," not in before else "ArrowDown")
        viewer.locator(".step header h2", has_not_text=before).first.wait_for()
        page.keyboard.press("End")
        float(viewer.locator("[data-value=stored]").inner_text())
    assert lesson.errors == []


def give(page, cell, text: str) -> None:
    choice = cell.locator(f'[data-choice="{text}"]')
    if choice.count():
        choice.click()
    else:
        cell.locator("input").fill(text)
        cell.locator("input").press("Enter")


def test_each_question_is_answered_wrong_and_then_right(lesson):
    page = lesson.page
    for asked, cell in zip(lesson.asked, page.locator(".minicnn-quiz").all(), strict=True):
        right, said = asked.answer["text"], cell.locator(".said")
        assert asked.wrong, f"{asked.question}: no wrong answer has a sentence"
        for each in asked.wrong:
            give(page, cell, each["value"]["text"])
            said.get_by_text(plain(each["says"])[:60]).first.wait_for()
        give(page, cell, right)
        cell.locator(".said[data-kind=right]").wait_for()
        assert cell.locator(".because > *").count() > 1, f"{asked.question}: no derivation"
    assert lesson.errors == []


def plain(text: str) -> str:
    return text.split("`")[0] if len(text.split("`")[0]) > 10 else text.replace("`", "")


def test_it_fits_a_phone(lesson):
    page = lesson.page
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1")
    for cell in page.locator(".minicnn-quiz").all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    assert lesson.errors == []


def page_opens_without_a_network(open_page, tmp_path, number):
    """What `minicnn lesson export --to html` writes: questions answer and viewers step from the page alone."""
    needs("marimo", "anywidget", "skimage")
    path = tmp_path / "lesson.html"
    path.write_text(lesson_page.written(LESSONS[number], outputs(number)), encoding="utf-8")
    page = open_page(path, ready="html[data-ready]").page
    asked = page.locator(".minicnn-quiz")
    assert asked.count() >= 3
    asked.first.get_by_role("button", name="Show me").click()
    assert asked.first.locator(".said").inner_text().startswith("→")
    viewer = page.locator(".minicnn").first
    viewer.locator("[data-tab=step]").click()
    viewer.locator(".step header h2").first.wait_for()
    assert page.locator(".still b").count() >= 1
    assert page.locator(".tex:not(:has(math))").count() == 0
    assert page.evaluate(ALTS) == []
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")
    for theme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1")
        assert not (faults := serious(page)), f"{theme}, {width} wide: {faults}"
    page.emulate_media(color_scheme="light")


def serious(page) -> list[str]:
    """Return what keeps somebody from using the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in ("serious", "critical")]
