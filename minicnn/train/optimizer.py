"""Which question: given the slope at every parameter, which parameters are better?

Idea: an optimizer is a frozen value and two functions. `init(params)` makes the state, a plain dict;
`step(params, grads, state)` returns new parameters and a new state, and changes nothing that it was given.

    state = optimizer.init(params)
    params, state = optimizer.step(params, grads, state)

SGD follows the slope, or with momentum a running sum of slopes; Adam divides the running mean of each slope by
the root of the running mean of its square, so that every parameter moves at about the learning rate; AdamW
shrinks the parameters directly, where Adam adds their size to the slope and then divides it away again.

Cost: four (SGD with momentum) or twelve (Adam) passes over the parameters, in their dtype; scalars are Python floats.
What it does not do: groups of parameters with rates of their own, amsgrad, maximize, skipping parameters without a gradient.
Source: Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning";
Kingma & Ba (2015), "Adam: a method for stochastic optimization"; Loshchilov & Hutter (2019), "Decoupled weight decay
regularization"; the equations are those of PyTorch's documentation of torch.optim.
Next room: schedule.py, for learning rates that change.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, WeightsError
from minicnn.functional import arguments
from minicnn.network.trace import locked
from minicnn.train.named import Arrays, fitting, fitting_gradients, parameters, state_parts, zeros
from minicnn.train.running import added, in_dtypes_of, moved_towards, moved_towards_square, quotient_by_root
from minicnn.train.schedule import rate

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]

Schedule = Callable[[int], float]
STATE = "start anew with init(params), or load the state that was saved with these parameters"


class Optimizer:
    """Base of all optimizers: a frozen value with `init`, `step` and `lr_at`; `step` never changes its arguments.

    >>> isinstance(SGD(0.1), Optimizer), SGD(lambda step: 1 / (step + 1)).lr_at(3)
    (True, 0.25)
    """

    lr: float | Schedule

    @property
    def _name(self) -> str:
        return type(self).__name__

    def init(self, params: Arrays) -> dict:
        """Return the state before the first step."""
        raise NotImplementedError  # pragma: no cover  (every optimizer has its own)

    def step(self, params: Arrays, grads: Arrays, state: dict) -> tuple[dict[str, np.ndarray], dict]:
        """Return the parameters and the state after one step; all arrays are new and locked.

        Raises WeightsError where gradients or state do not fit the parameters, ArgumentError where a schedule fails.
        """
        raise NotImplementedError  # pragma: no cover  (every optimizer has its own)

    def lr_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.  Raises ArgumentError where a schedule returns no rate."""
        if not callable(self.lr):
            return self.lr
        return rate(self.lr(step), f"what the schedule returned for step {step}", f"{self._name}.lr_at")

    def _set(self, **numbers) -> None:
        """Hold these settings as Python floats, lr as a number or a schedule."""
        for name, value in numbers.items():
            if name == "lr" and isinstance(value, type):
                raise ArgumentError(
                    f"{self._name}: lr is a number or a schedule, but it is the class {value.__name__}; write it with its arguments."
                )
            object.__setattr__(self, name, value if name == "lr" and callable(value) else rate(value, name, self._name))


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's look ahead and weight decay where asked for.

    g ← ∇ + weight_decay·θ
    v ← momentum·v + (1 - dampening)·g     (v ← g in the first step)
    θ ← θ - lr·v,   with nesterov θ ← θ - lr·(g + momentum·v),   without momentum θ ← θ - lr·g

    lr: a number, or a schedule: a function from the step (0 for the first) to a number.  As in PyTorch, lr stands
    outside v, where Sutskever et al. have it inside: the same for a constant lr.
    State: {"step": int, "momentum": {name: v}}, no arrays without momentum.

    Raises ArgumentError for a setting outside its range; step raises WeightsError where names, shapes or dtypes do
    not fit.  Source: Sutskever et al. (2013); torch.optim.SGD.

    >>> sgd = SGD(lr=0.5, momentum=0.5)
    >>> params, grads = {"w": np.array([1.0, 2.0])}, {"w": np.array([1.0, -1.0])}
    >>> params, state = sgd.step(params, grads, sgd.init(params))
    >>> params["w"], state                                  # v = g
    (array([0.5, 2.5]), {'step': 1, 'momentum': {'w': array([ 1., -1.])}})
    >>> sgd.step(params, grads, state)[0]["w"]              # v = 0.5·v + g = 1.5, -1.5
    array([-0.25,  3.25])
    """

    lr: float | Schedule
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        dampening = arguments.real(self.dampening, "dampening", "SGD")
        if not math.isfinite(dampening):
            raise ArgumentError(f"SGD: dampening must be a finite number, but it is {dampening}.")
        self._set(lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        object.__setattr__(self, "dampening", dampening)
        object.__setattr__(self, "nesterov", check.flag(self.nesterov, "nesterov", "SGD"))
        if self.nesterov and (self.momentum == 0 or dampening != 0):
            raise ArgumentError(
                "SGD: nesterov looks ahead along the momentum, so it wants momentum above 0 and dampening=0, "
                f"but momentum={self.momentum} and dampening={dampening}; write SGD(lr, momentum=0.9, nesterov=True)."
            )

    def init(self, params: Arrays) -> dict:
        """Return {"step": 0, "momentum": zeros by name}."""
        return {"step": 0, "momentum": zeros(parameters(params, "SGD.init")) if self.momentum else {}}

    def step(self, params: Arrays, grads: Arrays, state: dict) -> tuple[dict[str, np.ndarray], dict]:
        """Return the parameters and the state after one step; all arrays are new and locked."""
        params = fitting_gradients(params, grads, "SGD.step")
        number, (velocities,) = state_parts(state, ("momentum",), "SGD.step")
        if self.momentum:
            fitting(velocities, params, "SGD.step", "arrays of state['momentum']", STATE)
        elif velocities:
            raise WeightsError(
                f"SGD.step: with momentum=0 the state keeps no arrays, but state['momentum'] has {len(velocities)}; {STATE}."
            )
        lr, new, moving = self.lr_at(number), {}, {}
        with np.errstate(all="ignore"):
            for name, parameter in params.items():
                grad = added(grads[name], parameter, self.weight_decay) if self.weight_decay else grads[name]
                direction = grad
                if self.momentum:
                    v = self._velocity(velocities[name], grad, first=number == 0)
                    moving[name] = locked(v)
                    direction = added(grad, v, self.momentum) if self.nesterov else v
                new[name] = locked(added(parameter, direction, -lr))
        return new, {"step": number + 1, "momentum": moving}

    def _velocity(self, v: np.ndarray, grad: np.ndarray, first: bool) -> np.ndarray:
        if first:
            return np.array(grad, order="C")
        moved = np.multiply(v, self.momentum, out=np.empty(v.shape, v.dtype))
        return np.add(moved, grad if self.dampening == 0 else grad * (1 - self.dampening), out=moved)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps of about the learning rate for every parameter, whatever the size of its gradient.

    g ← ∇ + weight_decay·θ
    m ← β₁·m + (1 - β₁)·g        s ← β₂·s + (1 - β₂)·g²        t = 1, 2, 3, …
    θ ← θ - lr·(m / (1 - β₁ᵗ)) / (√(s / (1 - β₂ᵗ)) + eps)

    m and s start at 0; dividing by 1 - βᵗ makes up for it.  betas = (β₁, β₂).
    lr: a number, or a schedule: a function from the step (0 for the first) to a number.
    State: {"step": int, "mean": {name: m}, "square": {name: s}}, the same for AdamW.

    Raises ArgumentError for a setting outside its range; step raises WeightsError where names, shapes or dtypes do
    not fit.  Source: Kingma & Ba (2015), algorithm 1; torch.optim.Adam.

    >>> adam = Adam(lr=0.5, betas=(0.5, 0.75), eps=0.0)
    >>> params, grads = {"w": np.array([1.0, 2.0])}, {"w": np.array([4.0, -0.25])}
    >>> params, state = adam.step(params, grads, adam.init(params))
    >>> params["w"]                                         # the first step is lr, against the sign of g
    array([0.5, 2.5])
    >>> state["mean"]["w"], state["square"]["w"]            # g/2 and g²/4
    (array([ 2.   , -0.125]), array([4.      , 0.015625]))
    """

    lr: float | Schedule = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    _decoupled = False  # no annotation: not a setting

    def __post_init__(self):
        self._set(lr=self.lr, eps=self.eps, weight_decay=self.weight_decay)
        object.__setattr__(self, "betas", _two_betas(self.betas, self._name))

    def init(self, params: Arrays) -> dict:
        """Return {"step": 0, "mean": zeros by name, "square": zeros by name}."""
        params = parameters(params, f"{self._name}.init")
        return {"step": 0, "mean": zeros(params), "square": zeros(params)}

    def step(self, params: Arrays, grads: Arrays, state: dict) -> tuple[dict[str, np.ndarray], dict]:
        """Return the parameters and the state after one step; all arrays are new and locked."""
        what = f"{self._name}.step"
        params = fitting_gradients(params, grads, what)
        number, (means, squares) = state_parts(state, ("mean", "square"), what)
        fitting(means, params, what, "arrays of state['mean']", STATE)
        fitting(squares, params, what, "arrays of state['square']", STATE)
        new, mean, square = {}, {}, {}
        coupled, decoupled = self.weight_decay and not self._decoupled, self.weight_decay and self._decoupled
        with np.errstate(all="ignore"):
            constants = in_dtypes_of(params, self._constants(self.lr_at(number), number + 1))
            for name, parameter in params.items():
                first, second, keep, decay, shrink, factor, eps = constants[parameter.dtype]
                grad = added(grads[name], parameter, decay) if coupled else grads[name]
                m, s = moved_towards(means[name], grad, first), moved_towards_square(squares[name], grad, keep, second)
                move = quotient_by_root(m, s, eps)
                np.multiply(move, factor, out=move)
                new[name] = locked(np.subtract(parameter * shrink if decoupled else parameter, move, out=move))
                mean[name], square[name] = locked(m), locked(s)
        return new, {"step": number + 1, "mean": mean, "square": square}

    def _constants(self, lr: float, t: int) -> tuple[float, ...]:
        """Return 1 - β₁, 1 - β₂, β₂, the decay, 1 - lr·decay, and f and e of the move f·m / (√s + e).

        f and e are those of lr·(m / (1 - β₁ᵗ)) / (√(s / (1 - β₂ᵗ)) + eps) with √(1 - β₂ᵗ) multiplied into both sides
        of the quotient, as at the end of Kingma & Ba's section 2: it spares a pass.
        """
        first, second = self.betas
        root = math.sqrt(1 - second**t)
        return 1 - first, 1 - second, second, self.weight_decay, 1 - lr * self.weight_decay, lr * root / (1 - first**t), self.eps * root


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves: θ ← θ - lr·weight_decay·θ before Adam's step.

    In Adam the decay is a part of g and so is divided by √s: parameters with large gradients hardly shrink.
    Everything else, the state too, is Adam's.

    Raises what Adam raises.  Source: Loshchilov & Hutter (2019), algorithm 2; torch.optim.AdamW.

    >>> adamw = AdamW(lr=0.5, betas=(0.5, 0.75), eps=0.0, weight_decay=0.5)
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> adamw.step(params, {"w": np.array([4.0, -0.25])}, adamw.init(params))[0]["w"]   # 0.75·θ - 0.5·sign g
    array([0.25, 2.  ])
    """

    weight_decay: float = 0.01

    _decoupled = True


def _two_betas(betas, what: str) -> tuple[float, float]:
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ArgumentError(f"{what}: betas are two numbers, such as (0.9, 0.999), but they are {betas!r}.")
    first, second = (arguments.real(beta, f"betas[{i}]", what) for i, beta in enumerate(betas))
    for i, beta in enumerate((first, second)):
        if not 0 <= beta < 1:
            raise ArgumentError(f"{what}: betas[{i}] is the share of a running mean that is kept, from 0 to below 1, but it is {beta}.")
    return first, second
