"""The six assignments: README, starter and checks say the same, the references obey the law, and the domains reach their corners."""

import doctest
import importlib.util
import inspect
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import functional as F
from minicnn.grade.assignments import all_of_them, find

ASSIGNMENTS = all_of_them()
TASKS = [(assignment, task) for assignment in ASSIGNMENTS for task in assignment.tasks]
PARTS = [(task, part) for _, task in TASKS for part in task.parts]
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.folder.name)
each_task = pytest.mark.parametrize("task", [task for _, task in TASKS], ids=[f"{a.number}-{task.name}" for a, task in TASKS])
each_part = pytest.mark.parametrize(("task", "part"), PARTS, ids=[f"{task.name}-{part.name}" for task, part in PARTS])


def starter_of(assignment):
    spec = importlib.util.spec_from_file_location(f"starter_{assignment.number}", assignment.folder / "starter.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers(seed, dtype=np.float64, whole=False):
    """Return what makes a case's arrays."""
    rng = np.random.default_rng(seed)
    return lambda *shape: (rng.integers(-4, 5, shape) if whole else rng.standard_normal(shape)).astype(dtype)


def same(left, right) -> bool:
    if isinstance(right, tuple):
        return type(left) is tuple and len(left) == len(right) and all(map(same, left, right))
    if isinstance(right, np.ndarray):
        return isinstance(left, np.ndarray) and left.dtype == right.dtype and np.array_equal(left, right)
    return type(left) is type(right) and left == right


def test_there_are_six_and_each_is_worth_ten():
    assert [(assignment.number, assignment.points) for assignment in ASSIGNMENTS] == [(f"{n:02}", 10) for n in range(1, 7)]
    assert [assignment.folder.name[:2] for assignment in ASSIGNMENTS] == [assignment.number for assignment in ASSIGNMENTS]


@each_assignment
def test_readme_runs_as_printed_and_its_calls_are_the_examples(assignment):
    calls = []

    def recorded(task):
        def call(**arguments):
            calls.append((task.name, arguments))
            return task.reference(**arguments)

        return call

    text = (assignment.folder / "README.md").read_text(encoding="utf-8")
    session = doctest.DocTestParser().get_doctest(text.replace("```", ""), {"np": np}, assignment.folder.name, None, 0)
    session.globs.update({task.name: recorded(task) for task in assignment.tasks})
    told = []
    assert doctest.DocTestRunner(verbose=False).run(session, out=told.append).failed == 0, "".join(told)
    examples = [(task.name, example) for task in assignment.tasks for example in task.examples]
    assert [name for name, _ in calls] == [name for name, _ in examples]
    for (_, arguments), (name, example) in zip(calls, examples, strict=True):
        assert list(arguments) == list(example.arguments), name
        assert all(same(arguments[key], value) for key, value in example.arguments.items()), name


@each_task
def test_examples_are_what_the_reference_says(task):
    assert task.examples
    for example in task.examples:
        assert same(task.reference(**example.arguments), example.expected)


@each_assignment
def test_readme_says_what_checks_say(assignment):
    text = (assignment.folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {assignment.number} {assignment.title}\n")
    assert f"About {assignment.minutes} minutes. Lesson: {assignment.lesson}. {assignment.points} points." in text
    table = [
        [cell.strip(" `") for cell in row.strip("|").split("|")]
        for row in text[text.index("## What is checked") :].split("\n")
        if row[:1] == "|"
    ]
    due = [(task.name, part.name, str(part.points)) for task in assignment.tasks for part in task.parts]
    due += [(task.name, task.speed.name, str(task.speed.points)) for task in assignment.tasks if task.speed]
    assert table[2:] == [list(row[3 - len(table[0]) :]) for row in due]
    assert f"minicnn assignment check FILE --assignment {assignment.number}" in text


@each_assignment
def test_starter_has_the_signatures_and_nothing_else(assignment):
    module = starter_of(assignment)
    own = {name: value for name, value in vars(module).items() if inspect.isfunction(value)}
    assert list(own) == [task.name for task in assignment.tasks]
    for task in assignment.tasks:
        function, arguments = own[task.name], task.examples[0].arguments
        assert list(inspect.signature(function).parameters) == list(arguments)
        assert len(function.__doc__.split("\n")[0]) > 20
        with pytest.raises(NotImplementedError):
            function(**arguments)


@each_assignment
def test_starter_says_how_it_is_checked(assignment):
    path = assignment.folder / "starter.py"
    done = subprocess.run([sys.executable, "-B", str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f'Check it with:  minicnn assignment check "{path}" --assignment {assignment.number}\n'


@each_assignment
def test_what_a_student_is_given_holds_no_solution(assignment):
    assert sorted(path.name for path in assignment.folder.iterdir() if path.name != "__pycache__") == [
        "README.md",
        "checks.py",
        "starter.py",
    ]
    starter = (assignment.folder / "starter.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(return|for|while) ", starter.partition("if __name__")[0].replace("\n    returns:", ""), re.MULTILINE)


@each_task
def test_task_is_whole(task):
    assert len({part.name for part in task.parts}) == len(task.parts)
    assert all(part.points > 0 for part in task.parts)
    assert len(task.misconceptions) >= 5
    assert {belief.function for belief in task.misconceptions} == {task.name}
    assert (task.bound is None) == isinstance(task.examples[0].expected, int | tuple) or task.name == "conv2d_backward"


@each_part
@given(data=st.data())
@settings(max_examples=30)
def test_settings_are_small_whole_numbers_and_the_reference_takes_them(task, part, data):
    drawn = data.draw(part.settings)
    assert all(type(value) is int and 0 <= value <= 40 for value in drawn.values())
    arguments = task.arguments(drawn, numbers(1))
    kept = task.arguments(drawn, numbers(1))
    assert list(arguments) == list(task.examples[0].arguments)
    value = task.reference(**arguments)
    assert all(same(arguments[name], kept[name]) for name in arguments)
    for item in value if isinstance(value, tuple) else (value,):
        assert type(item) is int or (item.dtype == np.float64 and np.isfinite(item).all() and 0 not in item.shape)
    if "weight" in arguments and isinstance(value, np.ndarray):
        assert value.size * arguments["weight"][0].size <= 5500, "multiply-adds"


@each_task
@given(data=st.data())
@settings(max_examples=30)
def test_account_adds_up_to_the_reference(task, data):
    drawn = data.draw(task.parts[-1].settings)
    arguments = task.arguments(drawn, numbers(data.draw(st.integers(0, 99))))
    value = task.reference(**arguments)
    item = data.draw(st.integers(0, len(value) - 1)) if isinstance(value, tuple) else None
    one = value if item is None else value[item]
    index = tuple(data.draw(st.integers(0, size - 1)) for size in np.shape(one))
    account = task.account(arguments, index if item is None else (item, *index))
    np.testing.assert_allclose(account.total, one if isinstance(one, int) else one[index], rtol=1e-10, atol=1e-10)
    for place, number, factor, product in account.terms:
        assert isinstance(place, str)
        assert product is None or product == pytest.approx(number * factor)


def corners(task, part, count=300):
    """Return what the settings of a part have been seen to have."""
    seen = set()

    @given(part.settings)
    @settings(max_examples=count, database=None, derandomize=True)
    def look(s):
        for n, k, stride, p, d in ((s[a], s["k" + b], s["s" + b], s["p" + b], s.get("d" + b, 1)) for a, b in (("H", "h"), ("W", "w"))):
            room = n + 2 * p - d * (k - 1) - 1
            seen.update(("kernel 1",) * (k == 1) + ("kernel = input",) * (k == n > 1) + ("padded",) * (p > 0))
            seen.update(("does not divide",) * bool(room % stride) + ("several windows",) * (room // stride > 1))
        seen.update(("H ≠ W",) * (s["H"] != s["W"]) + ("kh ≠ kw",) * (s["kh"] != s["kw"]) + ("sh ≠ sw",) * (s["sh"] != s["sw"]))
        seen.update(("padded one way",) * ((s["ph"] == 0) != (s["pw"] == 0)) + ("N > 1",) * (s["N"] > 1) + ("C > 1",) * (s["C"] > 1))

    look()
    return seen


@pytest.mark.parametrize(
    "task", [task for _, task in TASKS if "stride" in task.examples[0].arguments and task.bound], ids=lambda task: task.name
)
def test_last_part_reaches_every_corner_and_the_first_is_plain(task):
    everything = {"kernel 1", "kernel = input", "padded", "does not divide", "several windows", "H ≠ W", "kh ≠ kw", "sh ≠ sw"}
    assert corners(task, task.parts[-1]) >= everything | {"padded one way", "N > 1", "C > 1"}
    plain = corners(task, task.parts[0])
    assert {"H ≠ W", "kh ≠ kw", "several windows"} <= plain
    assert "padded" not in plain


def test_the_race_is_of_the_size_that_readme_says():
    (task,) = find("06").tasks
    arguments = task.arguments(task.speed.settings, numbers(3, np.float32))
    value = task.reference(**arguments)
    assert value.size == 143_480
    own = {}
    exec(task.speed.loops, own)  # the grader's loops, on a corner of it
    small = {**arguments, "x": arguments["x"][:, :, :9, :11], "stride": (2, 3)}
    np.testing.assert_allclose(own["conv2d"](**small), task.reference(**small), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("number", ["02", "06"])
@given(data=st.data())
@settings(max_examples=30)
def test_conv2d_is_the_law(number, data):
    (task,) = find(number).tasks
    arguments = task.arguments(data.draw(task.parts[-1].settings), numbers(4, whole=True))
    np.testing.assert_array_equal(task.reference(**arguments), F.conv2d(**arguments, algorithm="reference"))


def test_signatures_of_solutions_are_not_shared_between_weeks():
    """Each stands alone: no assignment asks for a function of another, but for conv2d, which 06 asks to be fast."""
    names = [task.name for _, task in TASKS]
    assert sorted({name for name in names if names.count(name) > 1}) == ["conv2d"]
