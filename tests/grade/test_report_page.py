"""A report as HTML: whole, escaped, and in need of nothing but itself."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import FLIPPED, X, backward, one_of_each, raised, report, wrong_numbers

from minicnn.grade.outcome import VALUE, Outcome
from minicnn.grade.page import fragment, page
from minicnn.grade.report import GradeReport
from minicnn.grade.task import Account
from minicnn.misconceptions.misconception import Misconception

VOID = {"meta", "br"}
TAGS = (
    "html head meta title style body main div section h1 h2 h3 p br ul li span strong mark pre figure figcaption table thead tbody tr th td"
)


class Read(HTMLParser):
    """The elements of a page: (tag, attributes, text inside); a tag that is not closed, or closed twice, is a fault."""

    def __init__(self, text: str):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag: str, look: str = "") -> list[str]:
        return [text for name, own, text in self.found if name == tag and (not look or look in own.get("class", "").split())]


def test_what_a_student_reads():
    found = Read(page(one_of_each()))
    assert found.all("h1") == ["Assignment 02, conv2d by loops · ada"]
    assert found.all("p", "score") == ["2 of 12 points"]
    assert found.all("span", "verdict") == ["passed"] + ["failed"] * 5
    assert found.all("h2")[:2] == ["conv2d: part 1 failed (whole numbers)", "conv2d: part 2 failed (the README's example)"]
    assert "What is behind it: flipped kernel" in found.all("h3")
    assert any("mathematician's sense" in text and "lesson 02" in text for text in found.all("div", "box"))
    assert "bubblewrap: no network" in found.all("li")


def test_the_first_wrong_number_is_marked_in_both_results():
    found = Read(page(report(wrong_numbers())))
    assert found.all("td", "wrong") == found.all("mark") == ["2", "6"]
    assert Read(page(report(backward()))).all("mark") == ["7", "8"]


def test_the_window_is_drawn_in_its_plane():
    found = Read(page(report(wrong_numbers())))
    assert found.all("td", "window") == ["0", "0", "0", "1", "2", "3"]
    assert found.all("td", "padding") == ["0", "0", "0", ""]  # the padding that the window reads, and the rest of its row
    assert found.all("figcaption")[2:] == ["x[0, 0], the window marked", "factors", "products"]
    assert [own["aria-label"] for tag, own, _ in found.found if tag == "table" and own.get("class") == "grid"] == found.all("figcaption")
    assert {"x[0, 0] sums to 1", "in all 2"} <= set(found.all("p"))


def test_a_large_window_is_told_and_not_drawn():
    terms = tuple((f"x[0,0,{i},{j}]", float(i), float(j), float(i * j)) for i in range(13) for j in range(2))
    found = Read(page(report(wrong_numbers(account=Account("y", terms, 78.0)))))
    assert not found.all("td", "window")
    assert found.all("td")[-4 * 12 : -4 * 12 + 4] == ["x[0,0,12,1]", "12", "1", "12"]
    assert "and 14 more" in found.all("p")


def test_many_windows_are_counted():
    terms = tuple((f"x[0,{c},0,{j}]", 1.0, 2.0, 2.0) for c in range(9) for j in range(2))
    assert "and 3 more windows of the same kind" in Read(page(report(wrong_numbers(account=Account("y", terms, 36.0))))).all("p")


@pytest.mark.parametrize("draw", [page, fragment])
def test_nothing_is_asked_of_anyone(draw):
    text = draw(one_of_each())
    for word in ("<script", "://", "url(", "@import", "src=", "href=", " on", "javascript:"):
        assert not re.search(rf"<[^>]*{re.escape(word)}" if word == " on" else re.escape(word), text)
    assert {tag for tag, _, _ in Read(text).found} <= set(TAGS.split())


def test_the_policy_allows_this_style_only():
    text = page(one_of_each())
    (style,) = Read(text).all("style")
    (policy,) = (own["content"] for tag, own, _ in Read(text).found if own.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert not any("style" in own for _, own, _ in Read(text).found)


HOSTILE = "</style></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x00\x1b\u202e\ud800"


def hostile() -> GradeReport:
    belief = Misconception(HOSTILE, "conv2d", HOSTILE, HOSTILE, FLIPPED.wrong)
    said = Outcome("raised", says=HOSTILE, traceback=HOSTILE)
    account = Account(HOSTILE, ((HOSTILE, 1.0, None, None), (f"x[0,0] {HOSTILE}", 1.0, 2.0, 2.0)), 3.0)
    raised = wrong_numbers(stage="example", says=HOSTILE, case=HOSTILE, outcome=said, arguments={"x": HOSTILE}, account=account)
    value = wrong_numbers(outcome=Outcome(VALUE, HOSTILE), misconception=belief, alike=(HOSTILE,))
    return report(raised, value, student=HOSTILE, title=HOSTILE, advice=(HOSTILE,), in_force=(HOSTILE,), problem="")


@pytest.mark.parametrize("draw", [page, fragment])
def test_what_others_wrote_is_text(draw):
    for each in (hostile(), hostile().with_(problem=HOSTILE)):
        text = draw(each)
        assert {tag for tag, _, _ in Read(text).found} <= set(TAGS.split())
        assert "<script" not in text
        assert not set("\x00\x1b\u202e\ud800") & set(text)
        text.encode()


@given(st.text(max_size=60))
def test_any_text_leaves_the_page_whole(said):
    each = report(wrong_numbers(says=said, outcome=Outcome(VALUE, said), arguments={"x": said}), student=said, title=said)
    assert {tag for tag, _, _ in Read(page(each)).found} <= set(TAGS.split())


def test_a_problem_is_told_once():
    text = page(report(wrong_numbers(says="line 3 is no Python"), problem="line 3 is no Python\n  x = ("))
    assert text.count("line 3 is no Python") == 1
    assert "smallest case" not in text


def test_what_stands_above_is_only_named():
    found = Read(page(report(wrong_numbers(), raised(), wrong_numbers(), raised())))
    assert [text.endswith("flipped kernel, as above") for text in found.all("div", "box")] == [False, True]
    assert [text.startswith("Traceback") for text in found.all("pre")].count(True) == 1
    assert "the one above" in found.all("p")


def test_a_notebook_shows_the_same():
    one = one_of_each()
    assert one._repr_html_() == fragment(one)
    assert len(fragment(one).encode()) < 50_000
    inside = page(one).partition('<main class="minicnn-grade">\n')[2].partition("\n</main>")[0]
    assert inside in fragment(one)


def test_nothing_is_written_into():
    before = X.copy()
    page(one_of_each())
    np.testing.assert_array_equal(X, before)
