"""Which question: how large is the next step?

Idea: a schedule is a function from the number of the step, 0 for the first, to a learning rate. It remembers
nothing, so any step can be asked for, and a training that was stopped goes on where it was by its step alone.
Any function will do; these two are the common ones, written down in closed form.

Cost: one cosine or one power.  What it does not do: epochs (steps = epochs · batches of an epoch), warm-up,
schedules that look at the loss.
Source: PyTorch's documentation of torch.optim.lr_scheduler; Loshchilov & Hutter (2017), "SGDR: stochastic gradient
descent with warm restarts", equation 5.  Next room: optimizer.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.functional import arguments

__all__ = ["CosineAnnealingLR", "StepLR"]


@dataclass(frozen=True)
class CosineAnnealingLR:
    """A learning rate that falls along half a cosine: slowly, then fast, then slowly again.

    lr(t) = eta_min + (lr - eta_min)·(1 + cos(π·t / T_max)) / 2 for steps t = 0 … T_max, and eta_min from there on.

    PyTorch's scheduler of that name rises again after T_max, as fast as it fell; a run that is one step longer
    than was planned should not, so this one stays.  Up to T_max they are equal.
    Raises ArgumentError.  Source: Loshchilov & Hutter (2017), equation 5; torch.optim.lr_scheduler.CosineAnnealingLR.

    >>> lr = CosineAnnealingLR(0.1, T_max=4)
    >>> [round(lr(step), 4) for step in (0, 1, 2, 3, 4, 5)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0, 0.0]
    """

    lr: float
    T_max: int
    eta_min: float = 0.0

    def __post_init__(self):
        what = "CosineAnnealingLR"
        object.__setattr__(self, "lr", rate(self.lr, "lr", what))
        object.__setattr__(self, "T_max", check.integer(self.T_max, "T_max", what, 1))
        object.__setattr__(self, "eta_min", rate(self.eta_min, "eta_min", what))

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        step = check.integer(step, "step", "CosineAnnealingLR", 0)
        if step >= self.T_max:
            return self.eta_min
        return self.eta_min + (self.lr - self.eta_min) * (1 + math.cos(math.pi * step / self.T_max)) / 2


@dataclass(frozen=True)
class StepLR:
    """A learning rate that is multiplied by gamma after every `step_size` steps.

    lr(t) = lr·gamma^⌊t / step_size⌋ for steps t = 0, 1, 2, …

    Raises ArgumentError.  Source: torch.optim.lr_scheduler.StepLR.

    >>> lr = StepLR(0.5, step_size=3, gamma=0.5)
    >>> [lr(step) for step in (0, 1, 2, 3, 5, 6)]
    [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    """

    lr: float
    step_size: int
    gamma: float = 0.1

    def __post_init__(self):
        what = "StepLR"
        object.__setattr__(self, "lr", rate(self.lr, "lr", what))
        object.__setattr__(self, "step_size", check.integer(self.step_size, "step_size", what, 1))
        object.__setattr__(self, "gamma", rate(self.gamma, "gamma", what))

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return self.lr * self.gamma ** (check.integer(step, "step", "StepLR", 0) // self.step_size)


def rate(value, name: str, what: str) -> float:
    """Return value as a float when it is finite and not negative.

    >>> rate(1, "lr", "SGD")
    1.0
    """
    if isinstance(value, Mapping):
        raise ArgumentError(
            f"{what}: an optimizer here holds no parameters, so {name} is a number, but it is a mapping of {len(value)} names; "
            f"write {what}(lr=0.1), then state = init(params) and params, state = step(params, grads, state)."
        )
    number = arguments.real(value, name, what)
    if not 0 <= number < math.inf:
        raise ArgumentError(f"{what}: {name} must be a finite number, at least 0, but it is {number}.")
    return number
