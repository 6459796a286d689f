"""The last four lessons, walked through in a browser; a file of their own, so that two processes share the lessons (lesson_walk.py)."""

import lesson_walk as walk
import matplotlib.cbook
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


@pytest.mark.parametrize("lesson", ["06"], indirect=True)
def test_a_photo_of_one_s_own(lesson):
    """Lesson 06 takes a file; one that is no photo is told, and the next one is looked at."""
    page = lesson.page
    files = page.locator("input[type=file]")
    files.set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"this is no photo"})
    told = page.locator("details", has_text="This could not be read as a photo. load.image: ").first
    told.wait_for(state="attached")
    assert "Traceback" not in told.text_content()
    photo = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    files.set_input_files(str(photo))
    page.locator("details", has=page.locator("img[alt*='Twelve channels of your photo']")).first.wait_for(state="attached")
    assert page.get_by_text("This could not be read as a photo").count() == 0
    assert lesson.errors == []
