"""The predict cell without Python behind it: what is typed, what is said, which keys it keeps, who can use it."""

import json

import pytest
from cell_page import cell_page

from minicnn import quiz
from minicnn.errors import ArgumentError
from minicnn.quiz.plain_answers import plain
from minicnn.quiz.typed import typed

SHAPE = {
    "question": "How large is the map of a `3x3` kernel?\n  x   15×19\nand then?",
    "answer": (7, 9),
    "wrong": {(8, 10): "That is ceil; a `window` that does not fit is dropped."},
    "because": ["floor((15 - 3)/2) + 1 = 7", "  15 → 7", "  19 → 9"],
}
TYPED = {  # by the right answer: what is typed, and what both the page and the terminal take it for; None is met by an example
    (7, 9): ["7x9", "(7, 9)", "7,9", "7 × 9", "[7 9]", "7 by 9", "7;9", "8", "7*9", "-7, 9", "eight", "7x9x3", "", "about 7x9"],
    (1,): ["(1,)", "1", "2 3"],
    (64, 7, 7): ["64x7x7", "(64, 7, 7)", "64 7 7", "7x7"],
    1728: ["1728", "1,728", "1 728", "1_728", "1728 px", "1728.0", "= 1728", "-3", "7.5", "12 or 13", "1,72", "2^3", "one", "61,706,000"],
    frozenset({(0, 1), (2, 3)}): ["(0, 1) (2, 3)", "{(2,3), (0,1)}", "0,1; 2,3", "0,1 2,3", "2x3 0x1", "none", "[0, 1], [2, 3]", "here"],
}
JUDGED = "([text, data]) => window.judged(text, data)"


@pytest.fixture
def opened(open_page, tmp_path):
    """Return a function that opens a page with questions."""

    def open_(*asked, kernel=False, **look):
        path = cell_page(
            tmp_path / "page.html", *(quiz.predict(**each) if isinstance(each, dict) else each for each in asked), kernel=kernel
        )
        return open_page(path, ready=".minicnn-quiz", **look).page

    return open_


def said(page, which: int = 0) -> str:
    return " ".join(page.locator(".said").nth(which).inner_text().split())


def answer(page, text: str, which: int = 0) -> None:
    page.locator("input").nth(which).fill(text)
    page.locator("input").nth(which).press("Enter")


def model(page, name: str, which: int = 0):
    return page.evaluate(f"() => window.models[{which}].get({name!r})")


def test_the_page_reads_what_the_terminal_reads(opened):
    page = opened(SHAPE)
    for like, texts in TYPED.items():
        for text in texts:
            try:
                value = plain(typed(text, like=like), "test")
            except ArgumentError:
                value = None
            right = value or plain(like, "test")
            told = page.evaluate(JUDGED, [text, {"answer": right | {"kind": plain(like, "test")["kind"]}, "wrong": [], "form": "8x9"}])
            assert ("hint" in told) == (value is None), (text, like, told)
            assert told.get("right", False) == (value is not None), (text, like, told)


@pytest.mark.parametrize(
    ("answer_", "form", "text", "right"),
    [
        (0.25, "", "0.25", True),
        (0.25, "", "0,25", True),
        (0.25, "", "1/4", True),
        (0.25, "", ".2549", True),
        (0.25, "", "0.2551", False),
        (0.25, "", "25", False),
        (23.7, "12.3 %", "23.7 %", True),
        (1234.5, "", "1,234.5", True),
        (51.38, "12.3", "51.4 MB", True),
        (15.5, "", "1.55e1", True),
        ("NCHW", "", " nchw ", True),
        ("NCHW", "", "NHWC", False),
    ],
)
def test_real_numbers_and_words(opened, answer_, form, text, right):
    cell = quiz.predict("q", answer_, form=form)
    page = opened(cell)
    assert page.evaluate(JUDGED, [text, {"answer": cell.answer, "wrong": [], "form": cell.form}]) == (
        {"right": right} | ({} if right else {"says": ""})
    )


def test_a_wrong_answer_is_met_by_its_sentence_and_a_right_one_by_the_derivation(opened):
    page = opened(SHAPE)
    assert page.locator(".question code").inner_text() == "3x3"
    assert page.locator(".question pre").inner_text() == "x   15×19"
    answer(page, "8x10")
    assert said(page) == "✗ 8x10 is not it. That is ceil; a window that does not fit is dropped."
    assert page.locator(".said code").inner_text() == "window"
    assert (model(page, "typed"), model(page, "tries"), model(page, "state")) == ("8x10", 1, "open")
    assert page.locator(".because").inner_text() == ""
    answer(page, "2x2")
    assert said(page) == "✗ 2x2 is not it. No known mistake gives it: check each step, then try again."
    answer(page, "(7, 9)")
    assert said(page) == "✓ Right: 7×9. It took 3 answers."
    assert page.locator(".because").locator("p, pre").all_inner_texts() == ["Because", "floor((15 - 3)/2) + 1 = 7", "15 → 7\n19 → 9"]
    assert not page.get_by_role("button", name="Check").is_visible()


def test_what_cannot_be_read_is_no_answer(opened):
    page = opened(SHAPE)
    for text, hint in {
        "eight": "? “eight” is not read as numbers. Type 2 whole numbers, such as 8x9.",
        "": "? Type 2 whole numbers, such as 8x9.",
        "1x2x3": "? Those are 3 numbers, but 2 are asked for. Type them as in 8x9.",
    }.items():
        answer(page, text)
        assert said(page) == hint
    assert (model(page, "typed"), model(page, "tries")) == ("", 0)
    page.locator("input").press_sequentially("7")
    assert said(page) == ""


def test_fewer_digits_than_asked_for_are_no_wrong_answer(opened):
    page = opened({"question": "q", "answer": 0.237, "form": "0.123"})
    answer(page, "0.24")
    assert said(page) == "? 0.24 is right as far as it goes; more digits are asked for, as in 0.123."
    answer(page, "0.25")
    assert said(page).startswith("✗ 0.25 is not it.")


def test_the_answer_is_shown_to_who_asks_for_it(opened):
    page = opened(SHAPE)
    page.get_by_role("button", name="Show me").press("Enter")
    assert said(page) == "→ The answer is 7×9."
    assert model(page, "state") == "shown"
    assert page.evaluate("() => document.activeElement.className") == "because"
    assert page.locator("input").get_attribute("readonly") == ""


def test_choices(opened):
    page = opened({"question": "Which?", "answer": "NCHW", "choices": ["NHWC", "NCHW"], "wrong": {"NHWC": "Channels last."}})
    page.locator("[data-choice=NHWC]").click()
    assert said(page) == "✗ NHWC is not it. Channels last."
    assert page.locator("[data-choice=NHWC]").get_attribute("aria-label") == "NHWC: not it"
    assert page.locator("[data-choice=NHWC]").is_disabled()
    page.locator("[data-choice=NCHW]").press("Enter")
    assert said(page) == "✓ Right: NCHW. It took 2 answers."
    assert page.locator("[data-choice=NCHW]").inner_text() == "✓NCHW"


def test_a_saved_question_shows_what_was_answered(opened):
    cells = [quiz.predict(**SHAPE) for _ in range(3)]
    for cell, values in zip(
        cells, ({"typed": "8x10", "tries": 1}, {"typed": "7x9", "tries": 1, "state": "right"}, {"state": "shown"}), strict=True
    ):
        for name, value in values.items():
            cell.set_trait(name, value)
    page = opened(*cells)
    assert [said(page, n).split(".")[0] for n in range(3)] == ["✗ 8x10 is not it", "✓ Right: 7×9", "→ The answer is 7×9"]
    assert [page.locator("input").nth(n).input_value() for n in range(3)] == ["8x10", "7x9", ""]


def test_keys_stay_in_the_cell(opened):
    page = opened(SHAPE)
    page.evaluate("() => { window.heard = []; addEventListener('keydown', (event) => window.heard.push(event.key)); }")
    page.locator("input").press("b")
    page.locator("input").press("Shift+Enter")
    page.locator("input").press("Control+s")
    assert page.evaluate("() => window.heard") == ["Control", "s"]


def test_two_views_of_one_question_agree(opened):
    page = opened(SHAPE)
    page.evaluate("() => window.render({ model: window.models[0], el: document.querySelector('main') })")
    answer(page, "8x10")
    assert said(page, 1) == said(page, 0)
    assert said(page, 1).startswith("✗ 8x10 is not it.")


def test_the_next_question_is_asked_of_python(opened):
    cell = quiz.predict(**SHAPE)
    cell.set_trait("topic", "output_shape")
    page = opened(cell, kernel=True)
    assert page.get_by_role("button", name="Next question").count() == 0
    answer(page, "7x9")
    page.get_by_role("button", name="Next question").click()
    assert page.evaluate("() => window.sent") == [{"kind": "next"}]
    turned = {"question": "Another?", "typed": "", "state": "open", "tries": 0, "turn": 1}
    page.evaluate("(all) => { for (const [name, value] of Object.entries(all)) window.models[0].set(name, value); }", turned)
    page.locator(".question", has_text="Another?").wait_for()
    assert said(page) == ""
    assert page.locator("input").input_value() == ""
    assert page.evaluate("() => document.activeElement.tagName") == "INPUT"


def test_without_python_there_is_no_next_question(opened):
    cell = quiz.predict(**SHAPE)
    cell.set_trait("topic", "output_shape")
    page = opened(cell)
    answer(page, "7x9")
    assert page.get_by_role("button", name="Next question").count() == 0


def test_it_goes_when_its_cell_goes(opened):
    page = opened(SHAPE)
    page.evaluate("() => window.undo[0]()")
    assert page.locator(".minicnn-quiz").count() == 0


@pytest.mark.parametrize(
    "look", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}], ids=["light", "dark-phone"]
)
def test_everybody_can_use_it(opened, look):
    from axe_playwright_python.sync_playwright import Axe

    choice = {"question": "Which?", "answer": "NCHW", "choices": ["NHWC", "NCHW"], "because": "PyTorch's."}
    page = opened(SHAPE, SHAPE, choice, SHAPE, **look)
    answer(page, "8x10")
    answer(page, "7x9", 1)
    page.locator("[data-choice=NHWC]").click()
    page.locator("[data-show]").nth(3).click()
    found = (
        Axe()
        .run(page, options={"rules": {"page-has-heading-one": {"enabled": False}, "landmark-unique": {"enabled": False}}})
        .response["violations"]
    )
    assert found == [], json.dumps(found, indent=1)[:3000]
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
