"""Optimizers and schedules against PyTorch, over several steps, every option, both dtypes.

The bound is worked out along the way: the equations are run once more on numbers that carry how far a rounded computation may
be off (Higham, "Accuracy and stability of numerical algorithms", section 3.3, running error analysis), half an eps of every
result.  Ours and theirs are each within it, so they differ by at most twice as much.
"""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn.errors import MinicnnError
from minicnn.train import SGD, Adam, AdamW, CosineAnnealingLR, StepLR

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
STEPS = 6
SHAPES = {"conv1.weight": (3, 2, 5, 4), "conv1.bias": (3,), "scale": ()}


class Rounded:
    """Numbers, and how far a computation in floating point may be from them; `half` is half an eps."""

    def __init__(self, value, error, half):
        self.value, self.error, self.half = np.asarray(value, float), error, half

    def _with(self, value, error):
        return Rounded(value, error + self.half * (abs(value) + error), self.half)

    def _of(self, other):
        return other if isinstance(other, Rounded) else Rounded(other, self.half * abs(other), self.half)  # a constant is rounded too

    def __add__(self, other):
        other = self._of(other)
        return self._with(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        other = self._of(other)
        return self._with(self.value - other.value, self.error + other.error)

    def __mul__(self, other):
        other = self._of(other)
        carried = self.error * abs(other.value) + other.error * abs(self.value) + self.error * other.error
        return self._with(self.value * other.value, carried)

    def __truediv__(self, other):
        other = self._of(other)
        least = abs(other.value) - other.error
        assert (least > 0).all()
        value = self.value / other.value
        return self._with(value, (self.error + abs(value) * other.error) / least)

    def root(self):
        value = np.sqrt(self.value)
        least = np.sqrt(np.maximum(self.value - self.error, 0))
        below = np.where(self.value > 0, self.error / np.where(value + least > 0, value + least, 1), np.sqrt(self.error))
        return self._with(value, below)


def sgd_law(p, grads, rate, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    v = None
    for step, g in enumerate(grads):
        g = g + p * weight_decay if weight_decay else g
        if momentum:
            v = g if v is None else v * momentum + g * (1 - dampening)
            g = g + v * momentum if nesterov else v
        p = p - g * rate(step)
    return p


def adam_law(p, grads, rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = s = Rounded(np.zeros(p.value.shape), 0.0, p.half)
    for step, g in enumerate(grads):
        if decoupled:
            p = p * (1 - rate(step) * weight_decay)
        elif weight_decay:
            g = g + p * weight_decay
        m = m + (g - m) * (1 - betas[0])
        s = s * betas[1] + g * g * (1 - betas[1])
        below = s.root() / (1 - betas[1] ** (step + 1)) ** 0.5 + eps
        p = p - m / below * (rate(step) / (1 - betas[0] ** (step + 1)))
    return p


def drawn(dtype, seed=0):
    rng = np.random.default_rng(seed)
    params = {name: np.asarray(rng.normal(size=shape), dtype) for name, shape in SHAPES.items()}
    scales = 10.0 ** rng.integers(-3, 3, STEPS)
    grads = [{name: np.asarray(rng.normal(size=shape) * scale, dtype) for name, shape in SHAPES.items()} for scale in scales]
    for grad in grads[:2]:
        grad["conv1.weight"][:, 0] = 0  # nothing was asked of these: m and s stay 0 for two steps
    return params, grads


def theirs(make, params, grads, schedule=None):
    """Yield PyTorch's parameters after every step, and its state, by name."""
    tensors = {name: torch.nn.Parameter(torch.tensor(array)) for name, array in params.items()}
    optimizer = make(tensors.values())
    scheduler = schedule(optimizer) if schedule else None
    for grad in grads:
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grad[name])
        optimizer.step()
        if scheduler:
            scheduler.step()
        after = {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
        yield after, {name: optimizer.state[tensor] for name, tensor in tensors.items()}


def follow(ours, make, law, dtype, seed=0, schedule=None, **settings):
    """Take the steps side by side, hold every parameter to the bound after each, and return both states."""
    params, grads = drawn(dtype, seed)
    now, state, their_state = params, ours.init(params), None
    half = np.finfo(dtype).eps / 2
    for done, (expected, latest) in enumerate(theirs(make, params, grads, schedule), start=1):
        now, state = ours.step(now, grads[done - 1], state)
        assert state["step"] == done
        their_state = latest
        for name, array in now.items():
            exact = [Rounded(grad[name], 0.0, half) for grad in grads[:done]]
            bound = 2 * law(Rounded(params[name], 0.0, half), exact, ours.lr_at, **settings).error + np.finfo(dtype).tiny
            assert (array.dtype, array.shape) == (expected[name].dtype, expected[name].shape)
            assert (abs(array - expected[name]) <= bound).all(), (name, done)
            assert np.max(bound) < 1e-4 * np.max(abs(array) + 1)  # a bound that says something
    return state, their_state


SGD_SETTINGS = [
    {"momentum": momentum, "dampening": dampening, "weight_decay": decay, "nesterov": nesterov}
    for momentum, dampening, decay, nesterov in itertools.product((0.0, 0.9), (0.0, 0.3), (0.0, 0.1), (False, True))
    if not nesterov or momentum and not dampening
]


@DTYPES
@pytest.mark.parametrize("settings", SGD_SETTINGS, ids=str)
def test_sgd(dtype, settings):
    state, their_state = follow(SGD(0.05, **settings), lambda p: torch.optim.SGD(p, 0.05, **settings), sgd_law, dtype, **settings)
    for name, v in state["momentum"].items():
        np.testing.assert_allclose(v, their_state[name]["momentum_buffer"].numpy(), rtol=0, atol=1e3 * STEPS * 4 * np.finfo(dtype).eps)


ADAM_SETTINGS = [
    {"betas": betas, "eps": eps, "weight_decay": decay}
    for betas, eps, decay in itertools.product(((0.9, 0.999), (0.5, 0.9), (0.0, 0.7)), (1e-8, 1e-3), (0.0, 0.1))
]


@DTYPES
@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
@pytest.mark.parametrize("settings", ADAM_SETTINGS, ids=str)
def test_adam(dtype, kind, settings):
    ours = {"Adam": Adam, "AdamW": AdamW}[kind](0.05, **settings)
    law = {**settings, "decoupled": kind == "AdamW"}
    state, their_state = follow(ours, lambda p: getattr(torch.optim, kind)(p, 0.05, **settings), adam_law, dtype, **law)
    assert {float(each["step"]) for each in their_state.values()} == {state["step"]}
    size = 1e3 * STEPS * 4 * np.finfo(dtype).eps  # gradients are below 1e3, and a step has at most four roundings
    for name in SHAPES:
        np.testing.assert_allclose(state["mean"][name], their_state[name]["exp_avg"].numpy(), rtol=0, atol=size)
        np.testing.assert_allclose(state["square"][name], their_state[name]["exp_avg_sq"].numpy(), rtol=0, atol=1e3 * size)


@DTYPES
@pytest.mark.parametrize("seed", range(3))
def test_the_defaults(dtype, seed):
    follow(SGD(1e-3), torch.optim.SGD, sgd_law, dtype, seed)
    follow(Adam(), torch.optim.Adam, adam_law, dtype, seed)
    follow(AdamW(), torch.optim.AdamW, adam_law, dtype, seed, weight_decay=0.01, decoupled=True)


@DTYPES
@pytest.mark.parametrize("settings", SGD_SETTINGS, ids=str)
def test_sgd_on_whole_numbers_is_equal_bit_by_bit(dtype, settings):
    """Settings that are powers of two, whole gradients: nothing is rounded, so nothing may differ."""
    settings = {name: 0.5 if type(value) is float and value else value for name, value in settings.items()}
    rng = np.random.default_rng(0)
    params, *grads = ({name: np.asarray(rng.integers(-4, 5, shape), dtype) for name, shape in SHAPES.items()} for _ in range(4))
    ours = SGD(0.5, **settings)
    now, state = params, ours.init(params)
    for grad, (expected, _) in zip(grads, theirs(lambda p: torch.optim.SGD(p, 0.5, **settings), params, grads), strict=True):
        now, state = ours.step(now, grad, state)
        for name in SHAPES:
            assert_array_equal(now[name], expected[name])


SCHEDULES = {
    "cosine": (CosineAnnealingLR(0.05, T_max=4, eta_min=0.01), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 4, 0.01), 5),
    "cosine to 0": (CosineAnnealingLR(0.05, T_max=50), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50), 51),
    "steps": (StepLR(0.05, step_size=2, gamma=0.3), lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.3), 40),
    "steps of one": (StepLR(0.05, step_size=1), lambda o: torch.optim.lr_scheduler.StepLR(o, 1), 40),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates(name):
    """PyTorch goes on from its last rate: at most four roundings of it a step, and cosines good to an eps."""
    ours, make, steps = SCHEDULES[name]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.05)
    scheduler = make(optimizer)
    for step in range(steps):
        assert abs(ours(step) - scheduler.get_last_lr()[0]) <= 8 * (step + 1) * np.finfo(float).eps * 0.05
        optimizer.step()
        scheduler.step()


@DTYPES
@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("name", ["cosine to 0", "steps"])
def test_a_scheduled_run(dtype, kind, name):
    schedule, make, _ = SCHEDULES[name]
    ours = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[kind](schedule)
    law, settings = (sgd_law, {}) if kind == "SGD" else (adam_law, {"weight_decay": 0.01, "decoupled": True} if kind == "AdamW" else {})
    follow(ours, lambda p: getattr(torch.optim, kind)(p, 0.05), law, dtype, schedule=make, **settings)


BOTH_REFUSE = {
    "a negative rate": ("SGD", {"lr": -0.1}),
    "negative momentum": ("SGD", {"lr": 0.1, "momentum": -0.5}),
    "negative decay": ("SGD", {"lr": 0.1, "weight_decay": -0.5}),
    "nesterov without momentum": ("SGD", {"lr": 0.1, "nesterov": True}),
    "nesterov with dampening": ("SGD", {"lr": 0.1, "nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    "beta of 1": ("Adam", {"betas": (0.9, 1.0)}),
    "negative beta": ("AdamW", {"betas": (-0.1, 0.9)}),
    "negative eps": ("Adam", {"eps": -1e-8}),
}


@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(name):
    kind, settings = BOTH_REFUSE[name]
    with pytest.raises(MinicnnError):
        {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[kind](**settings)
    with pytest.raises(ValueError, match=r"Invalid|requires"):
        getattr(torch.optim, kind)([torch.nn.Parameter(torch.zeros(1))], **settings)


class TestWhereWeDifferOnPurpose:
    """Each of these is due when PyTorch changes."""

    def test_a_cosine_that_has_ended_stays(self):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.05)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
        for _ in range(8):
            optimizer.step()
            scheduler.step()
        assert scheduler.get_last_lr()[0] == pytest.approx(0.05)  # it has risen again
        assert CosineAnnealingLR(0.05, 4)(8) == 0.0

    def test_a_parameter_without_a_gradient_is_an_error(self):
        tensor = torch.nn.Parameter(torch.ones(1))
        torch.optim.SGD([tensor], 0.1).step()
        assert tensor.item() == 1  # passed over
        with pytest.raises(MinicnnError, match=r"1 are missing"):
            SGD(0.1).step({"w": np.ones(1)}, {}, SGD(0.1).init({"w": np.ones(1)}))
