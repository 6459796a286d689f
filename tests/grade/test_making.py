"""An instructor's own assignment: what is written runs as it is, catches its mutants, and says what was meant."""

import doctest

import numpy as np
import pytest
from handed import RIGHT

from minicnn.errors import ArgumentError, FileFormatError
from minicnn.grade import center_crop, making
from minicnn.grade.assignments import find
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering

MINE = '''"""Scale and shift.

    y = a·x + b
"""

import math
import numpy as np

DOMAIN = {"n": (0, 6), "a": (1, 3)}  # n numbers

# how a case is made
def arguments(settings, array):
    return {"x": array(settings["n"]), "a": settings["a"]}


def _one():
    return math.floor(1.5)


def scaled(x, a):
    return a * x + _one(), a


# who forgets the shift
def no_shift(x, a):
    """You "forgot"
    the shift."""
    return a * x, a


def another_function(z):
    return z
'''


@pytest.fixture
def made(tmp_path):
    making.make(tmp_path / "07_crop")
    return tmp_path / "07_crop"


def test_the_sample_by_hand():
    x = np.arange(30.0).reshape(1, 1, 5, 6)
    np.testing.assert_array_equal(center_crop.center_crop(x, (2, 3))[0, 0], [[7, 8, 9], [13, 14, 15]])  # top (5-2)//2, left (6-3)//2


class TestTheSample:
    def test_three_files_are_written_and_found(self, made):
        assert sorted(path.name for path in made.iterdir()) == ["README.md", "checks.py", "starter.py"]
        assignment = find(made)
        assert (assignment.number, assignment.title, assignment.points, assignment.folder) == ("07", "Center crop", 10, made)
        assert [each.name for each in assignment.tasks[0].misconceptions] == [
            "from the corner",
            "rounds up",
            "rows and columns swapped",
            "flips the rows",
        ]

    def test_its_checks_pass_what_is_right_and_catch_and_name_what_is_wrong(self, made):
        found = making.tried(made)
        right = found.pop("center_crop, as it should be")
        assert right.passed
        assert {name: (report.earned, report.parts[0].failure.misconception.name) for name, report in found.items()} == {
            name: (0, name) for name in ("from the corner", "rounds up", "rows and columns swapped", "flips the rows")
        }

    def test_an_independent_solution_passes(self, made):
        names = {}
        exec(RIGHT, names)
        assert grade(find(made), answering(names), budget=60).passed

    def test_the_starter_is_to_be_written(self, made):
        names = {"__name__": "starter"}
        exec((made / "starter.py").read_text(), names)
        with pytest.raises(NotImplementedError):
            names["center_crop"](x=np.zeros((1, 1, 2, 2)), size=(1, 1))
        assert names["center_crop"].__doc__.strip() == center_crop.center_crop.__doc__.strip()

    def test_the_readme_s_example_runs_and_is_the_one_that_is_checked(self, made):
        text = (made / "README.md").read_text().replace("```", "")
        names = {"np": np, "center_crop": center_crop.center_crop}
        test = doctest.DocTestParser().get_doctest(text, names, "README", None, 0)
        assert doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE).run(test, clear_globs=False).failed == 0
        assert len(test.examples) == 3
        example = find(made).tasks[0].examples[0]
        np.testing.assert_array_equal(test.globs["x"], example.arguments["x"])
        np.testing.assert_array_equal(center_crop.center_crop(**example.arguments), example.expected)
        assert "y[n, c, p, q] = x[n, c, top + p, left + q]" in text


class TestOnesOwn:
    @pytest.fixture
    def mine(self, tmp_path):
        (tmp_path / "mine.py").write_text(MINE)
        making.make(tmp_path / "scaled", tmp_path / "mine.py")
        return tmp_path / "scaled"

    def test_it_is_checked(self, mine):
        found = making.tried(mine)
        assert {name: report.passed for name, report in found.items()} == {"scaled, as it should be": True, "no shift": False}
        failure = found["no shift"].parts[0].failure
        assert (failure.misconception.name, failure.misconception.says) == ("no shift", 'You "forgot" the shift.')

    def test_comments_helpers_and_imports_are_kept_and_docstrings_move(self, mine):
        text = (mine / "checks.py").read_text()
        assert "# how a case is made\ndef arguments" in text
        assert '# who forgets the shift\n@believed(\n    "You \\"forgot\\" the shift.",' in text
        assert "def no_shift(x, a):\n    return a * x, a\n" in text
        assert (
            text.count("import numpy as np")
            == text.count("import math")
            == text.count("def _one()")
            == text.count("def another_function")
            == 1
        )
        assert "# n numbers" in text
        assert "misconceptions=(no_shift,)," in text

    def test_the_example(self, mine):
        example = find(mine).tasks[0].examples[0]
        np.testing.assert_array_equal(example.arguments["x"], [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(example.expected[0], [3.0, 5.0, 7.0])
        assert (example.arguments["a"], example.expected[1]) == (2, 2)


def test_nothing_is_replaced(made):
    (made / "checks.py").unlink()
    (made / "README.md").write_text("mine")
    with pytest.raises(ArgumentError, match=r"make: no file is replaced unasked, but .*starter\.py' is there"):
        making.make(made)
    assert not (made / "checks.py").exists()
    assert (made / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("import math", "import no_such_module", r"make: mine\.py must run, but it raised ModuleNotFoundError: .*; mend it there\."),
        ("y = a", 'y = """ a', r"make: mine\.py must run, but it raised SyntaxError"),
        (
            "DOMAIN =",
            "OTHER =",
            r"must define DOMAIN = \{name: \(least, most\), …\}, .* but it defines arguments, _one, .* and DOMAIN = None",
        ),
        ("(0, 6)", "6", r"and DOMAIN = \{'n': 6, 'a': \(1, 3\)\}"),
        ("def arguments", "def others", r"must define DOMAIN"),
        ('"a": settings["a"]}', '"b": 3}', r"scaled at \{'n': 3, 'a': 2\} raised TypeError"),
        ('"a": settings["a"]}', '"a": settings["c"]}', r"raised KeyError: 'c'; mend it there\."),
        (
            '{"x": array(settings["n"]), "a": settings["a"]}',
            '{"a": 2, "x": array(3)}',
            r"must return the arguments of scaled, x, a, but it returns a, x\.",
        ),
        (
            '    """You "forgot"\n    the shift."""\n',
            "",
            r"the docstring of a mutant is what its author is told, but no_shift in mine\.py has none",
        ),
    ],
)
def test_files_that_cannot_be_used(old, new, message, tmp_path):
    assert old in MINE
    (tmp_path / "mine.py").write_text(MINE.replace(old, new))
    with pytest.raises(FileFormatError, match=message):
        making.make(tmp_path / "scaled", tmp_path / "mine.py")
    assert not (tmp_path / "scaled").exists()


def test_a_reference_that_is_not_there(tmp_path):
    with pytest.raises(ArgumentError, match=r"make: --reference is a Python file with the right function, but there is none at .*nothing"):
        making.make(tmp_path / "x", tmp_path / "nothing.py")
