"""What a cell says: at once, folded, in a row; text is text, never markup."""

import numpy as np
import pytest

from minicnn import show


def test_lines_are_one_text_that_keeps_its_columns():
    found = show.said("rows  7", 8, np.eye(2))
    assert str(found) == "rows  7\n8\n[[1. 0.]\n [0. 1.]]"
    assert found._repr_html_().count("<pre") == 1
    assert "white-space:pre'" in found._repr_html_()


def test_long_lines_are_prose_and_wrap():
    assert "white-space:pre-wrap" in show.said("a" * 91)._repr_html_()


def test_later_is_folded_and_holds_pictures_too():
    figure = show.described(b"GIF8" + b"\0" * 8, "a spot")
    made = show.later("first", "second", show.said("open"), "last")._repr_html_()
    assert made.startswith("<details><summary")
    assert made.endswith("</details>")
    assert made.count("<pre") == 3  # what shows itself stands between the lines
    assert [type(each).__name__ for each in show.later("a", figure).parts] == ["str", "Described"]


@pytest.mark.parametrize("make", [show.said, show.later, show.side_by_side])
def test_no_text_is_markup(make):
    assert "<b>" not in make("<b>&")._repr_html_()
    assert "&lt;b&gt;&amp;" in make("<b>&")._repr_html_()


def test_side_by_side_prints_as_its_parts():
    found = show.side_by_side(show.said("left"), show.said("right"))
    assert str(found) == "left\nright"
    assert found._repr_html_().index("left") < found._repr_html_().index("right")
