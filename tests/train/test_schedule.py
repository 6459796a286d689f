"""Learning rates by the number of the step: values by hand, the ends, and what is refused."""

import itertools
import math
import pickle

import pytest

from minicnn.errors import ArgumentError
from minicnn.train import CosineAnnealingLR, StepLR


class TestCosine:
    def test_by_hand(self):
        lr = CosineAnnealingLR(0.5, T_max=6, eta_min=0.25)
        expected = [0.5, 0.375 + 0.125 * math.sqrt(0.75), 0.4375, 0.375, 0.3125, 0.375 - 0.125 * math.sqrt(0.75), 0.25]
        assert [lr(step) for step in range(7)] == pytest.approx(expected, abs=4 * 2**-53)  # four roundings of numbers below 1
        assert lr(0) == 0.5

    @pytest.mark.parametrize("eta_min", [0.0, 0.125])
    def test_it_stays_where_it_ends(self, eta_min):
        lr = CosineAnnealingLR(0.5, T_max=3, eta_min=eta_min)
        assert [lr(step) for step in (3, 4, 5, 6, 1000)] == [eta_min] * 5

    def test_it_falls_at_every_step_and_is_symmetric(self):
        lr = CosineAnnealingLR(0.3, T_max=17)
        rates = [lr(step) for step in range(18)]
        assert all(before > after for before, after in itertools.pairwise(rates))
        assert [a + b for a, b in zip(rates, reversed(rates), strict=True)] == pytest.approx([0.3] * 18, abs=8 * 2**-53)

    def test_one_step(self):
        assert [CosineAnnealingLR(0.5, 1)(step) for step in (0, 1)] == [0.5, 0.0]


class TestSteps:
    def test_by_hand(self):
        lr = StepLR(1, step_size=3, gamma=0.5)
        assert [lr(step) for step in range(8)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
        assert StepLR(0.5, 2)(2) == 0.5 * 0.1
        assert StepLR(0.5, 1, gamma=0)(0) == 0.5
        assert StepLR(0.5, 1, gamma=0)(1) == 0
        assert StepLR(0.5, 1, gamma=1)(10**6) == 0.5


@pytest.mark.parametrize("schedule", [CosineAnnealingLR(0.5, 4), StepLR(0.5, 4)])
def test_schedules_are_values(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule(2) == schedule(2)
    with pytest.raises(AttributeError):
        schedule.lr = 1
    for step, message in ((-1, "at least 0, but it is -1"), (0.5, r"a whole number, but it is 0\.5"), (None, "a whole number")):
        with pytest.raises(ArgumentError, match=rf"^{type(schedule).__name__}: step must be {message}"):
            schedule(step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CosineAnnealingLR(-1, 4), r"CosineAnnealingLR: lr must be a finite number, at least 0, but it is -1\.0\.$"),
        (lambda: CosineAnnealingLR(float("nan"), 4), r"CosineAnnealingLR: lr must be a finite number"),
        (lambda: CosineAnnealingLR(0.5, 0), r"CosineAnnealingLR: T_max must be at least 1, but it is 0\.$"),
        (lambda: CosineAnnealingLR(0.5, 2.5), r"CosineAnnealingLR: T_max must be a whole number, but it is 2\.5\.$"),
        (lambda: CosineAnnealingLR(0.5, 4, -0.1), r"CosineAnnealingLR: eta_min must be a finite number, at least 0"),
        (lambda: StepLR(float("inf"), 4), r"StepLR: lr must be a finite number, at least 0, but it is inf\.$"),
        (lambda: StepLR(0.5, 0), r"StepLR: step_size must be at least 1, but it is 0\.$"),
        (lambda: StepLR(0.5, 4, -0.5), r"StepLR: gamma must be a finite number, at least 0, but it is -0\.5\.$"),
        (lambda: StepLR("0.5", 4), r"StepLR: lr must be a real number, but it is '0\.5'; pass a float\.$"),
    ],
)
def test_settings(make, message):
    with pytest.raises(ArgumentError, match="^" + message):
        make()
