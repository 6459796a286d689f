"""Beliefs as students write them: loops of their own, built of nothing that names them, are caught and called by the right name.

`python tests/misconceptions/test_as_loops.py` prints what each is called.
"""

from collections import Counter

import pytest
from confusion import TASKS, matrix, verdict
from holding import all_held
from hypothesis import settings

from minicnn.misconceptions import MISCONCEPTIONS, Misconception

SEEDS = ("loops 0", "loops 1") if settings.get_current_profile_name() == "deep" else ("loops 0",)
RIGHT = 0.95
HELD = all_held()
ASKED = {task.name: (assignment, task) for assignment, task in TASKS[::-1]}  # the first assignment that asks for it

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def graded(held, seed):
    """Return what became of one of them."""
    return verdict(*ASKED[held.function], Misconception(held.belief, held.function, "You …", "01", held.student), seed=seed)


def named(own) -> bool:
    """Whether every part that failed has the right name, first or among those that no case told apart from it."""
    return bool(own.called) and all(own.wrong == name or own.wrong in own.alike for name in own.called)


@pytest.fixture(scope="module")
def verdicts():
    return [graded(held, seed) for seed in SEEDS for held in HELD]


def test_there_are_many_of_every_function():
    counts = Counter(held.function for held in HELD)
    assert set(counts) == set(MISCONCEPTIONS)
    assert len({(held.function, held.belief) for held in HELD}) >= 25
    assert all(held.belief in {each.name for each in MISCONCEPTIONS[held.function]} for held in HELD)


def test_every_one_is_caught(verdicts):
    assert [own for own in verdicts if not own.called] == []


def test_nearly_every_one_is_named_right(verdicts):
    missed = [own for own in verdicts if not named(own)]
    print("\n" + matrix(missed) if missed else "\nall named")
    assert len(missed) <= (1 - RIGHT) * len(verdicts), matrix(missed)


def test_no_one_is_given_the_name_of_another(verdicts):
    for own in verdicts:
        assert set(own.called) <= {own.wrong, "nothing"} or own.wrong in own.alike, own


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    print(matrix([graded(held, seed) for seed in SEEDS for held in HELD]))
