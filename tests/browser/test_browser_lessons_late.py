"""The last four lessons, walked through in a browser; a file of their own, so that two processes share the lessons (lesson_walk.py)."""

import lesson_walk as walk
import pytest

NUMBERS = ["05", "06", "07", "08"]
lesson = walk.served(NUMBERS)
test_it_asks_and_shows = walk.test_it_asks_and_shows
test_each_slider_moves_what_is_shown = walk.test_each_slider_moves_what_is_shown
test_each_step_viewer_asks_python = walk.test_each_step_viewer_asks_python
test_each_question_is_answered_wrong_and_then_right = walk.test_each_question_is_answered_wrong_and_then_right
test_it_fits_a_phone = walk.test_it_fits_a_phone


@pytest.mark.parametrize("number", NUMBERS)
def test_its_page_opens_without_a_network(open_page, tmp_path, number):
    walk.page_opens_without_a_network(open_page, tmp_path, number)
