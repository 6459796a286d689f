"""A grade's page in Chromium: phone and desktop, light and dark, nothing asked of anyone, nothing that a screen reader would miss."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "grade"))

from sample_reports import X, one_of_each, wrong_numbers

from minicnn.grade.outcome import VALUE, Outcome
from minicnn.grade.page import page
from minicnn.grade.report import PartResult


def wide_report():
    """One of each, and numbers of many digits in more columns than a phone has."""
    right = np.linspace(-1, 1, 2 * 9 * 11).reshape(2, 9, 11) / 3
    wide = wrong_numbers(
        expected=right, outcome=Outcome(VALUE, right * (1 + 1e-3)), first=(1, 8, 10), arguments={"x": np.tile(X, (1, 1, 3, 3)) / 7}
    )
    return one_of_each().with_(parts=(*one_of_each().parts, PartResult("conv2d", "wide", 2.0, 1, 0.0, wide)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_and_is_accessible(open_page, tmp_path, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    path = tmp_path / "grade.html"
    path.write_text(page(wide_report()), encoding="utf-8")
    watched = open_page(path, ready="main h1", viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    axe = Axe().run(watched.page)
    assert axe.violations_count == 0, axe.generate_report()
    ground = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(253, 252, 250)", "dark": "rgb(22, 24, 27)"}[scheme]


def test_results_stand_side_by_side_where_there_is_room(open_page, tmp_path):
    path = tmp_path / "grade.html"
    path.write_text(page(one_of_each()), encoding="utf-8")
    tops = {}
    for width in (1280, 360):
        watched = open_page(path, ready="main h1", viewport={"width": width, "height": 800})
        boxes = [watched.page.locator("figure").nth(at).bounding_box() for at in range(3)]
        tops[width] = [box["y"] for box in boxes]
    assert tops[1280][0] == tops[1280][1]
    assert tops[360][2] > tops[360][1]
