"""The proof that the checks are strong: every wrong implementation is caught, nearly every one is called by its name.

`python tests/misconceptions/test_confusion.py` prints the confusion matrix; so does pytest with -s.
"""

import pytest
from confusion import EQUAL, SUBMISSIONS, matrix, verdict
from hypothesis import settings

PROFILE = settings.get_current_profile_name()
SEEDS = ("0", "1", "2", "3", "4") if PROFILE == "deep" else ("0",)
HERE = [
    submission for submission in SUBMISSIONS if PROFILE == "deep" or submission[0].number != "06"
]  # 06 asks for 02's function once more
RIGHT = 0.95

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:minicnn.misconceptions")  # a student's 0/0 warns, and the call goes on


@pytest.fixture(scope="module")
def verdicts():
    found = [verdict(*submission, seed=seed) for seed in SEEDS for submission in HERE]
    print("\n" + matrix(found))
    return found


def test_every_wrong_implementation_is_caught(verdicts):
    """In every assignment that asks for the function, with the default budget."""
    assert [own for own in verdicts if not own.called] == []


def test_nearly_every_one_is_named_right_in_every_part_that_it_fails(verdicts):
    wrong = [own for own in verdicts if not own.right]
    assert len(wrong) <= (1 - RIGHT) * len(verdicts), "\n".join(map(str, wrong))


def test_no_one_is_given_the_name_of_another(verdicts):
    """Where the right name is not found, none is better than a wrong one."""
    for own in verdicts:
        others = set(own.called) - {own.wrong, "nothing"}
        assert all(frozenset((own.wrong, other)) in EQUAL for other in others), own


def test_pairs_listed_as_equal_are_met_as_such(verdicts):
    met = {frozenset((own.wrong, other)) for own in verdicts for other in {*own.alike, *own.called} - {own.wrong, "nothing"}}
    assert met >= set(EQUAL)


def test_partial_credit_is_kept(verdicts):
    """Who is wrong about strides or padding only keeps the points of the parts without them."""
    earned = {(own.assignment, own.function, own.wrong): own.earned for own in verdicts}
    assert earned["02", "conv2d", "kernel flipped"] == 0
    assert earned["02", "conv2d", "stride forgotten"] == 6  # stride 1 without and with padding
    assert earned["02", "conv2d", "padding forgotten"] == 6  # without padding, with and without strides
    assert earned["05", "conv2d_backward", "weight of the last image"] == 3  # one image


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    print(matrix([verdict(*submission) for submission in SUBMISSIONS]))
