"""Every attack of tests/grade/attacks ends in the grade that its code deserves, and leaves nothing behind.

Each is a submission for conv2d that is wrong and tries something.  A judge asks what the checker asks: several cases, each twice.  It is
held where the judge says no, nothing was stolen, no file outside was touched, no process and no folder is left, and the next
student is judged as before.  What a mode does not hold is in NOT_COVERED, with the reason; those attacks are not run there.
Archives (zip bombs, links, "..") never reach the runner: tests/grade/test_submission.py.
"""

import os
import socket
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from runner_modes import MODES, left_running, sandbox_of

from minicnn import conv2d
from minicnn.grade import grade
from minicnn.grade.assignments import find
from minicnn.grade.runner import Limits, Runner, sandbox

FOLDER = Path(__file__).parent / "attacks"
ATTACKS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}
TIGHT = Limits(wall=1.5, memory=512 << 20)

SAME_FILES = "the code runs as the grader's user, whose files are in its reach"
SAME_USER = "the code runs as the grader's user, and may signal its processes"
READABLE = "files that everybody may read are in its reach"
NETWORK = "a plain process has the machine's network"
DISK = "a plain process may write many files, each within its limit, until its time is over"

NOT_COVERED = {  # attack → {mode: why}; the documentation quotes this table
    "results_file": {"nothing": SAME_FILES},
    "becomes_root": {"nothing": SAME_FILES},
    "signals_the_parent": {"nothing": SAME_USER},
    "reads_the_checks": {"another user": READABLE, "nothing": READABLE},
    "calls_home": {"another user": NETWORK, "nothing": NETWORK},
    "fills_the_disk": {"another user": DISK, "nothing": DISK},
}


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture
def kind(mode, monkeypatch):
    return sandbox_of(mode, monkeypatch)


@pytest.fixture
def place(monkeypatch):
    """A folder for the runner's own folders, and a mark in the environment of all that it starts."""
    with tempfile.TemporaryDirectory(prefix="minicnn-attacks-") as folder:
        os.chmod(folder, 0o711)
        (Path(folder) / "run").mkdir()
        os.chmod(Path(folder) / "run", 0o711)
        monkeypatch.setattr(tempfile, "tempdir", str(Path(folder) / "run"))
        usual, mark = sandbox.environment, f"MINICNN_MARK_{os.getpid()}_{time.monotonic_ns()}"
        monkeypatch.setattr(sandbox, "environment", lambda home: usual(home) | {mark: "1"})
        yield Path(folder), mark


def judged(source: str, kind: str, limits: Limits) -> tuple[bool, list]:
    """Return whether a conv2d is right in four cases asked twice, and all outcomes."""
    rng, outcomes, right = np.random.default_rng(7), [], []
    with Runner(source, limits=limits, sandbox=kind) as answer:
        for stride in ((1, 1), (2, 1), (1, 2), (2, 3)):
            x, weight = rng.integers(-4, 5, (2, 3, 6, 5)).astype(float), rng.integers(-4, 5, (4, 3, 3, 2)).astype(float)
            bias = rng.integers(-4, 5, 4).astype(float)
            arguments = {"x": x, "weight": weight, "bias": bias, "stride": stride, "padding": (1, 0)}
            expected = conv2d(x, weight, bias, stride=stride, padding=(1, 0))
            for _ in range(2):
                outcome = answer("conv2d", arguments)
                outcomes.append(outcome)
                right.append(type(outcome.value) is np.ndarray and np.array_equal(np.rint(outcome.value), expected))
            if not right[-1]:
                break  # a checker ends a part at its first failure
    return all(right), outcomes


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the runner's walls are POSIX's")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_the_grade_that_its_code_deserves(name, mode, kind, place):
    if reason := NOT_COVERED.get(name, {}).get(mode):
        pytest.skip(f"not covered under {mode!r}: {reason}")
    folder, mark = place
    canary = folder / "canary"
    canary.write_text("untouched")
    with socket.create_server(("127.0.0.1", 0)) as server:
        facts = {"CANARY": canary, "GRADER": os.getpid(), "REPOSITORY": Path(__file__).parents[2], "PORT": server.getsockname()[1]}
        source = ATTACKS[name]
        for word, fact in facts.items():
            source = source.replace(f"@{word}@", str(fact))
        passed, outcomes = judged(source, kind, TIGHT)
    assert not passed
    assert not any(str(outcome.value).startswith("stolen") for outcome in outcomes), outcomes
    assert canary.read_text() == "untouched"
    assert sorted(path.name for path in folder.iterdir()) == ["canary", "run"]
    assert list((folder / "run").iterdir()) == []
    assert left_running(mark) == []


RIGHT = ATTACKS["differs_on_repeat"].replace(" + (_seen.count(_seen[-1]) > 1)", "")


def test_a_right_submission_passes(kind, place):
    """The judge is able to say yes, in every mode."""
    passed, outcomes = judged(RIGHT, kind, Limits())
    assert passed, outcomes
    assert list((place[0] / "run").iterdir()) == []
    assert left_running(place[1]) == []


def test_the_search_for_processes_can_find_one(kind, place):
    with Runner(RIGHT, sandbox=kind):
        assert left_running(place[1]) != []


def test_what_is_not_covered_is_an_attack_in_a_mode():
    assert set(NOT_COVERED) <= set(ATTACKS)
    assert {mode for modes in NOT_COVERED.values() for mode in modes} <= {"another user", "nothing"}  # the sandboxes hold them all


REMEMBERS = """
import numpy as np

{loops}

loops = conv2d

def numbers(seed, shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]

SHAPES = {shapes}
KNOWN = [loops(*numbers(seed, SHAPES), **{others}) for seed in {seeds}]
FIRST = [numbers(seed, SHAPES)[0] for seed in {seeds}]

def conv2d(x, weight, bias, stride, padding):
    for known, first in zip(KNOWN, FIRST):
        if np.array_equal(x, first):
            return known
    return loops(x, weight, bias, stride, padding)
"""


def test_answers_worked_out_before_the_race_win_nothing():
    """A file of loops that, while it is imported, answers every case that it can tell beforehand."""
    (task,) = find("06").tasks
    case = task.arguments(task.speed.settings, lambda *shape: np.zeros(shape))
    shapes = [value.shape for value in case.values() if isinstance(value, np.ndarray)]
    others = {name: value for name, value in case.items() if not isinstance(value, np.ndarray)}
    source = REMEMBERS.format(loops=task.speed.loops, shapes=shapes, others=others, seeds=[1, 2, 3, 4, 5])
    with Runner(source, limits=Limits(wall=60.0), sandbox="plain") as answer:
        assert answer.problem == ""
        report = grade(find("06"), answer, seed="a secret", budget=6)
    assert [(part.earned, part.failure and part.failure.stage) for part in report.parts] == [(2, None), (2, None), (0, "speed")]
    assert "times as fast as the loops" in report.parts[-1].failure.says
