"""Gradescope's results.json: against a schema of what Gradescope's documentation allows."""

import json

import jsonschema
import pytest
from sample_reports import one_of_each, raised, report, wrong_numbers

from minicnn.errors import ArgumentError
from minicnn.grade.gradescope import VISIBILITY, results

FORMATS = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
SEEN = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
TEXT, NUMBER, EXTRA = {"type": "string"}, {"type": "number"}, {"type": "object"}
TEST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score"],  # since there is no other score where the top has none
    "properties": {
        "score": NUMBER,
        "max_score": NUMBER,
        "status": {"enum": ["passed", "failed"]},
        "name": TEXT,
        "name_format": FORMATS,
        "number": TEXT,
        "output": TEXT,
        "output_format": FORMATS,
        "tags": {"type": "array", "items": TEXT},
        "visibility": SEEN,
        "extra_data": EXTRA,
    },
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["score"]}, {"required": ["tests"]}],
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": TEXT,
        "output_format": FORMATS,
        "test_output_format": FORMATS,
        "test_name_format": FORMATS,
        "visibility": SEEN,
        "stdout_visibility": SEEN,
        "extra_data": EXTRA,
        "tests": {"type": "array", "items": TEST},
        "leaderboard": {"type": "array"},
    },
}
PROBLEM = report(raised(), raised(), problem="line 3 is no Python")


@pytest.mark.parametrize("one", [one_of_each(), report(), report(None), PROBLEM], ids=["each", "no parts", "passed", "problem"])
@pytest.mark.parametrize("visibility", VISIBILITY)
def test_it_is_what_gradescope_reads(one, visibility):
    found = json.loads(json.dumps(results(one, visibility), allow_nan=False))
    jsonschema.validate(found, SCHEMA)
    assert found["score"] == sum(test["score"] for test in found["tests"]) == one.earned


@pytest.mark.parametrize("change", [{"score": "2"}, {"visibility": "seen"}, {"tests": [{"status": "passed"}]}, {"points": 1}])
def test_the_schema_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(results(report(None)) | change, SCHEMA)


def test_by_hand():
    found = results(report(None, wrong_numbers()))
    assert (found["score"], found["visibility"], found["stdout_visibility"]) == (2.0, "visible", "hidden")
    assert found["output"] == "- bubblewrap: no network"
    passed, failed = found["tests"]
    assert passed == {
        "name": "conv2d: part 0",
        "score": 2.0,
        "max_score": 2.0,
        "status": "passed",
        "output": "passed in 10 cases",
        "extra_data": {},
    }
    assert (failed["score"], failed["max_score"], failed["status"]) == (0.0, 2.0, "failed")
    assert "result[0, 0, 0, 0] should be 2, but it is 6." in failed["output"]
    assert failed["extra_data"] == {"stage": "whole numbers", "misconception": "flipped kernel"}


def test_a_problem_stands_above_its_tests():
    found = results(PROBLEM)
    assert found["output"].startswith("line 3 is no Python\n")
    assert [test["output"] for test in found["tests"]] == ["nothing could be checked, see above"] * 2


def test_the_seed_is_kept_from_students():
    assert "f00d" not in json.dumps(results(one_of_each()))


def test_another_visibility_is_told():
    with pytest.raises(ArgumentError, match=r"^gradescope\.results: visibility must be one of 'visible', .*, but it is 'seen'"):
        results(report(None), "seen")
