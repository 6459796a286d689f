"""A class: who has how much, which part was hard, and why."""

import csv
import json
from dataclasses import replace

import pytest
from sample_reports import backward, raised, report, wrong_numbers

from minicnn.grade.results import class_csv, item_analysis

CLASS = (
    report(None, None, student="ada"),
    report(wrong_numbers(), wrong_numbers(), student="bob"),
    report(None, wrong_numbers(), student="cleo"),
    report(raised(), backward(), student="dan"),
    report(raised(), raised(), student="eve", problem="line 3 is no Python:\n  x = ("),
)


def test_the_class_by_hand():
    assert class_csv(CLASS) == (
        "student,earned,points,passed,problem,misconceptions,conv2d: part 0,conv2d: part 1\n"
        "ada,4,4,yes,,,2,2\n"
        "bob,0,4,no,,flipped kernel,0,0\n"
        "cleo,2,4,no,,flipped kernel,2,0\n"
        "dan,0,4,no,,,0,0\n"
        "eve,0,4,no,line 3 is no Python:   x = (,,0,0\n"
    )


def test_the_items_by_hand():
    assert item_analysis(CLASS).text() == (
        "Assignment 02, conv2d by loops: 5 submissions, mean 1.20 of 4 points\n"
        "1 could not be checked at all (a syntax error, an empty file) and are not\n"
        "counted below.\n"
        "conv2d: part 0 (2 points): 2 of 4 passed\n"
        "     1  flipped kernel\n"
        "     1  raised an exception\n"
        "conv2d: part 1 (2 points): 1 of 4 passed\n"
        "     2  flipped kernel\n"
        "     1  wrong in: any numbers"
    )


def test_the_items_as_csv():
    assert item_analysis((report(None, None), report(wrong_numbers(), None))).csv() == (
        "task,part,points,passed,failed,kind,reason,how often\n"
        "conv2d,part 0,2,1,1,misconception,flipped kernel,1\n"
        "conv2d,part 1,2,2,0,,,0\n"
    )


def test_the_worked_example_is_named_as_in_the_reports():
    found = item_analysis((report(replace(wrong_numbers(), stage="example", misconception=None)),))
    assert found.items[0].reasons[0].name == "wrong in: the README's example"


def test_the_items_as_json():
    found = json.loads(json.dumps(item_analysis(CLASS).to_dict(), allow_nan=False))
    assert (found["submissions"], found["unchecked"], found["mean"]) == (5, 1, 1.2)
    assert found["items"][1]["reasons"][0] == {"kind": "misconception", "name": "flipped kernel", "count": 2}
    for item in found["items"]:
        assert item["failed"] == sum(reason["count"] for reason in item["reasons"])
        assert item["passed"] + item["failed"] == found["submissions"] - found["unchecked"]


def test_a_class_of_nobody():
    assert class_csv(()) == "student,earned,points,passed,problem,misconceptions\n"
    assert item_analysis(()).items == ()


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1", "-1", "@sum", "\tx"])
def test_no_cell_is_a_formula(name):
    (row,) = csv.DictReader(class_csv([report(None, student=name, problem=name)]).splitlines())
    assert row["student"] == f"'{name}"
    assert row["problem"].startswith("'") or name == "\tx"


def test_names_with_commas_quotes_and_lines_come_back():
    (row,) = csv.DictReader(class_csv([report(None, student='O"Brien, Zoë', problem="two\nlines")]).splitlines())
    assert row["student"] == 'O"Brien, Zoë'
    assert row["problem"] == "two lines"
    assert row["conv2d: part 0"] == "2"


def test_reports_with_other_parts_share_a_table():
    found = list(csv.DictReader(class_csv([report(None), report(None, wrong_numbers(), student="bob")]).splitlines()))
    assert [(row["earned"], row["points"], row["conv2d: part 1"]) for row in found] == [("2", "4", "0"), ("2", "4", "0")]
