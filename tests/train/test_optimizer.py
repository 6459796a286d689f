"""Optimizers: steps worked by hand, nothing mutated, and every misfit named."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import nn
from minicnn.errors import ArgumentError, DTypeError, WeightsError
from minicnn.train import SGD, Adam, AdamW, CosineAnnealingLR, Optimizer, StepLR

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
OPTIMIZERS = {
    "sgd": SGD(0.25),
    "momentum": SGD(0.25, momentum=0.5),
    "nesterov": SGD(0.25, momentum=0.5, weight_decay=0.5, nesterov=True),
    "dampened": SGD(0.25, momentum=0.5, dampening=0.25, weight_decay=0.5),
    "adam": Adam(),
    "adam, decay": Adam(weight_decay=0.5),
    "adamw": AdamW(),
    "scheduled": AdamW(lr=StepLR(0.5, step_size=1, gamma=0.5)),
}
EVERY = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)


def named(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    shapes = {"conv1.weight": (3, 2, 5, 4), "scale": (), "conv1.bias": (3,), "nothing": (0, 2)}
    return {name: np.asarray(rng.normal(size=shape), dtype) for name, shape in shapes.items()}


def walk(optimizer, params, *grads):
    """Return the parameters and the state after as many steps."""
    state = optimizer.init(params)
    for grad in grads:
        params, state = optimizer.step(params, grad, state)
    return params, state


def one(*numbers, dtype=np.float64):
    return {"w": np.array(numbers, dtype)}


class TestByHand:
    """Powers of two throughout: no step has a rounding."""

    @DTYPES
    def test_plain(self, dtype):
        params, state = walk(SGD(0.25), one(1, 2, dtype=dtype), *[one(4, -8, dtype=dtype)] * 3)
        assert_array_equal(params["w"], [1 - 3, 2 + 6])
        assert state == {"step": 3, "momentum": {}}

    @DTYPES
    def test_weight_decay_is_added_to_the_gradient(self, dtype):
        params, _ = walk(SGD(0.5, weight_decay=0.5), one(4, -8, dtype=dtype), *[one(0, 1, dtype=dtype)] * 2)
        assert_array_equal(params["w"], [4 * 0.75**2, (-8 * 0.75 - 0.5) * 0.75 - 0.5])

    @DTYPES
    def test_momentum_starts_as_the_gradient(self, dtype):
        params, state = walk(SGD(0.5, momentum=0.5), one(0, dtype=dtype), *[one(g, dtype=dtype) for g in (4, 2, -8)])
        assert_array_equal(state["momentum"]["w"], [0.5 * (0.5 * 4 + 2) - 8])  # v: 4, 4, -6
        assert_array_equal(params["w"], [-0.5 * (4 + 4 - 6)])

    @DTYPES
    def test_dampening_is_for_all_gradients_but_the_first(self, dtype):
        params, state = walk(SGD(0.5, momentum=0.5, dampening=0.75), one(0, dtype=dtype), *[one(g, dtype=dtype) for g in (4, 8, 16)])
        assert_array_equal(state["momentum"]["w"], [0.5 * (0.5 * 4 + 0.25 * 8) + 0.25 * 16])  # v: 4, 4, 6
        assert_array_equal(params["w"], [-0.5 * (4 + 4 + 6)])

    @DTYPES
    def test_nesterov_looks_one_step_ahead(self, dtype):
        params, state = walk(SGD(0.5, momentum=0.5, nesterov=True), one(0, dtype=dtype), *[one(g, dtype=dtype) for g in (4, 2)])
        assert_array_equal(state["momentum"]["w"], [4])  # v: 4, 4
        assert_array_equal(params["w"], [-0.5 * ((4 + 0.5 * 4) + (2 + 0.5 * 4))])

    @DTYPES
    def test_adam(self, dtype):
        """betas (1/2, 3/4) and eps 1: after one step m̂ = g and ŝ = g²; after two, 1 - βᵗ are 3/4 and 7/16."""
        adam = Adam(lr=0.5, betas=(0.5, 0.75), eps=1.0)
        params, state = walk(adam, one(1, -1, dtype=dtype), one(3, -1, dtype=dtype))
        assert_array_equal(params["w"], [1 - 0.5 * 3 / (3 + 1), -1 + 0.5 * 1 / (1 + 1)])
        params, state = adam.step(params, one(-1, 5, dtype=dtype), state)
        m, s = np.array([1.5, -0.5]) / 2 + np.array([-1, 5]) / 2, np.array([9, 1]) * 3 / 16 + np.array([1, 25]) / 4
        assert_array_equal(state["mean"]["w"], m)
        assert_array_equal(state["square"]["w"], s)
        expected = np.array([1 - 0.375, -0.75]) - 0.5 * (m / 0.75) / (np.sqrt(s / 0.4375) + 1)
        np.testing.assert_allclose(params["w"], expected, rtol=8 * np.finfo(dtype).eps)  # a root, a quotient and six products
        assert state["step"] == 2

    @DTYPES
    def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(self, dtype):
        params, _ = walk(Adam(lr=0.5, betas=(0.5, 0.75), eps=0), one(0, 0, dtype=dtype), one(1e-10, -1e10, dtype=dtype))
        np.testing.assert_allclose(params["w"], [-0.5, 0.5], rtol=8 * np.finfo(dtype).eps)

    @DTYPES
    def test_decay_in_adam_is_divided_away_and_in_adamw_it_is_not(self, dtype):
        """With g = 0 and decay: Adam's gradient is the decay's, so its step is lr; AdamW shrinks by 1 - lr·decay."""
        settings = {"lr": 0.5, "betas": (0.5, 0.75), "eps": 0.0, "weight_decay": 0.5}
        params, nothing = one(4, -8, dtype=dtype), one(0, 0, dtype=dtype)
        assert_array_equal(walk(Adam(**settings), params, nothing)[0]["w"], [3.5, -7.5])
        shrunk, state = walk(AdamW(**{**settings, "eps": 1.0}), params, nothing, nothing)
        assert_array_equal(shrunk["w"], [4 * 0.75**2, -8 * 0.75**2])
        assert_array_equal(state["square"]["w"], [0, 0])

    def test_the_defaults_are_pytorchs(self):
        assert Adam() == Adam(1e-3, (0.9, 0.999), 1e-8, 0.0)
        assert AdamW() == AdamW(1e-3, (0.9, 0.999), 1e-8, 0.01)
        assert SGD(1) == SGD(1.0, 0.0, 0.0, 0.0, False)
        assert Adam(weight_decay=0.01) != AdamW()

    def test_a_schedule_is_asked_for_every_step_from_0(self):
        asked = []

        def halving(step):
            asked.append(step)
            return 2.0**-step

        params, _ = walk(SGD(halving), one(0), *[one(1)] * 3)
        assert_array_equal(params["w"], [-1.75])
        assert asked == [0, 1, 2]
        assert SGD(CosineAnnealingLR(0.5, T_max=4)).lr_at(2) == 0.25
        assert SGD(0.125).lr_at(77) == 0.125
        for optimizer in (Adam, AdamW):
            scheduled, _ = walk(optimizer(halving, eps=0.0), one(0.0), one(1))
            assert_array_equal(scheduled["w"], walk(optimizer(1.0, eps=0.0), one(0.0), one(1))[0]["w"])


class TestValues:
    @EVERY
    @DTYPES
    def test_new_locked_arrays_of_the_same_names_order_dtype_and_shape(self, optimizer, dtype):
        params, grads = named(0, dtype), named(1, dtype)
        grads = {name: grads[name] for name in reversed(grads)}  # the order of the gradients does not matter
        state = optimizer.init(params)
        for _ in range(3):
            new, new_state = optimizer.step(params, grads, state)
            groups = [new, *(group for key, group in new_state.items() if key != "step" and group)]
            old = [*params.values(), *grads.values(), *(a for key, group in state.items() if key != "step" for a in group.values())]
            for group in groups:
                assert list(group) == list(params)
                for name, array in group.items():
                    assert type(array) is np.ndarray
                    assert (array.dtype, array.shape) == (params[name].dtype, params[name].shape)
                    assert not any(np.shares_memory(array, other) for other in old)
                    with pytest.raises(ValueError, match="WRITEABLE"):
                        array.flags.writeable = True
            assert type(new_state["step"]) is int
            params, state = new, new_state

    @EVERY
    def test_arguments_are_untouched(self, optimizer):
        params, grads = named(0), named(1)
        _, state = walk(optimizer, params, grads)
        before = copy.deepcopy((params, grads, state))
        optimizer.step(params, grads, state)
        np.testing.assert_equal((params, grads, state), before)
        assert all(array.flags.writeable for group in (params, grads) for array in group.values())

    @EVERY
    def test_a_state_that_was_written_down_goes_on_the_same(self, optimizer):
        params, grads = named(0), [named(seed) for seed in range(1, 5)]
        half, state = walk(optimizer, params, *grads[:2])
        kept = pickle.loads(pickle.dumps(state))
        kept["step"] = np.int64(kept["step"])  # as an array file returns it
        for grad in grads[2:]:
            half, kept = optimizer.step(half, grad, kept)
        whole, state = walk(optimizer, params, *grads)
        np.testing.assert_equal((half, kept), (whole, state))

    @EVERY
    def test_memory_that_lies_otherwise(self, optimizer):
        params, grads = named(0), named(1)
        turned = [{name: np.asfortranarray(array) for name, array in group.items()} for group in (params, grads)]
        np.testing.assert_equal(walk(optimizer, *turned), walk(optimizer, params, grads))

    def test_memory_mapped_files(self, tmp_path):
        params = named(0)
        np.save(tmp_path / "w.npy", params["conv1.weight"])
        mapped = {"w": np.load(tmp_path / "w.npy", mmap_mode="r")}
        for optimizer in OPTIMIZERS.values():
            new, state = walk(optimizer, mapped, mapped)
            groups = [new, *(group for key, group in state.items() if key != "step")]
            assert all(type(array) is np.ndarray for group in groups for array in group.values())

    @EVERY
    def test_dtypes_may_differ_from_parameter_to_parameter(self, optimizer):
        params, grads = named(0), named(1)
        mixed = [{**group, "scale": group["scale"].astype(np.float64)} for group in (params, grads)]
        new, _ = walk(optimizer, *mixed)
        assert [array.dtype for array in new.values()] == [np.float32, np.float64, np.float32, np.float32]
        assert_array_equal(new["conv1.weight"], walk(optimizer, params, grads)[0]["conv1.weight"])

    @EVERY
    def test_a_learning_rate_of_zero_still_makes_new_arrays(self, optimizer):
        params = named(0)
        new, _ = walk(type(optimizer)(0.0), params, named(1))
        np.testing.assert_equal(new, params)
        assert not any(np.shares_memory(new[name], params[name]) for name in params)
        assert params["conv1.weight"].flags.writeable

    @EVERY
    def test_infinite_gradients_pass_without_a_warning(self, optimizer):
        grads = {name: np.full(array.shape, np.inf, array.dtype) for name, array in named().items()}
        with np.errstate(all="raise"):
            walk(optimizer, named(), grads, grads)
        tiny = {name: np.full(array.shape, 1e-45, array.dtype) for name, array in named().items()}
        with np.errstate(all="raise"):
            walk(optimizer, named(), tiny, tiny)

    @EVERY
    def test_optimizers_are_values(self, optimizer):
        assert isinstance(optimizer, Optimizer)
        assert pickle.loads(pickle.dumps(optimizer)) == optimizer
        with pytest.raises(AttributeError):
            optimizer.lr = 1.0
        assert repr(optimizer).startswith(type(optimizer).__name__ + "(lr=")

    def test_a_network_goes_through(self):
        net = nn.Sequential(nn.Conv2d(1, 2, 3, rng=np.random.default_rng(0)), nn.ReLU())
        params = net.parameters()
        new, _ = walk(SGD(0.5), params, {name: np.ones_like(array) for name, array in params.items()})
        for name, array in net.with_parameters(new).parameters().items():
            assert_array_equal(array, params[name] - np.float32(0.5))


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: SGD(-0.1), r"SGD: lr must be a finite number, at least 0, but it is -0\.1\.$"),
            (lambda: Adam(np.nan), r"Adam: lr must be a finite number, at least 0, but it is nan\.$"),
            (lambda: AdamW(np.inf), r"AdamW: lr must be a finite number, .* inf\.$"),
            (lambda: SGD("0.1"), r"SGD: lr must be a real number, but it is '0\.1'; pass a float\.$"),
            (lambda: SGD(StepLR), r"SGD: lr is a number or a schedule, but it is the class StepLR; write it with its arguments\.$"),
            (lambda: SGD(0.1, momentum=-0.5), r"SGD: momentum must be a finite number, at least 0, but it is -0\.5\.$"),
            (lambda: SGD(0.1, weight_decay=-1), r"SGD: weight_decay must be a finite number, at least 0, but it is -1\.0\.$"),
            (lambda: SGD(0.1, dampening=np.nan), r"SGD: dampening must be a finite number, but it is nan\.$"),
            (lambda: SGD(0.1, nesterov=1), r"SGD: nesterov is True or False, but it is 1\.$"),
            (lambda: SGD(0.1, nesterov=True), r"SGD: nesterov looks ahead along the momentum, .*momentum=0\.0 and dampening=0\.0; write"),
            (lambda: SGD(0.1, 0.9, 0.5, nesterov=True), r"SGD: nesterov .*momentum=0\.9 and dampening=0\.5; write"),
            (lambda: Adam(betas=(0.9, 1.0)), r"Adam: betas\[1\] is the share of a running mean that is kept, .* but it is 1\.0\.$"),
            (lambda: AdamW(betas=(-0.1, 0.9)), r"AdamW: betas\[0\] is the share .* but it is -0\.1\.$"),
            (lambda: Adam(betas=(0.9, np.nan)), r"Adam: betas\[1\] is the share .* but it is nan\.$"),
            (lambda: Adam(betas=0.9), r"Adam: betas are two numbers, such as \(0\.9, 0\.999\), but they are 0\.9\.$"),
            (lambda: Adam(eps=-1e-8), r"Adam: eps must be a finite number, at least 0, but it is -1e-08\.$"),
        ],
    )
    def test_settings(self, make, message):
        with pytest.raises(ArgumentError, match="^" + message):
            make()

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (None, r"must be a real number, but it is None"),
            (-1.0, r"must be a finite number, at least 0, but it is -1\.0\.$"),
            (float("nan"), r"must be a finite number, at least 0, but it is nan\.$"),
        ],
    )
    @pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
    def test_a_schedule_that_returns_something_else(self, returned, message, kind):
        optimizer = kind(lambda step: returned if step == 1 else 0.5)
        params, state = walk(optimizer, one(1.0), one(1.0))
        with pytest.raises(ArgumentError, match=rf"^{kind.__name__}\.lr_at: what the schedule returned for step 1 {message}"):
            optimizer.step(params, one(1.0), state)

    @EVERY
    def test_gradients_that_do_not_fit_are_listed(self, optimizer):
        params, grads = named(0), named(1)
        state, what = optimizer.init(params), rf"^{type(optimizer).__name__}\.step: the gradients "
        del grads["conv1.bias"]
        grads |= {"conv9.bias": np.ones(7), "conv1.weight": np.ones((2, 3, 5, 4), np.float32), "scale": np.ones(())}
        with pytest.raises(WeightsError, match=what) as caught:
            optimizer.step(params, grads, state)
        assert str(caught.value).split("\n") == [
            f"{type(optimizer).__name__}.step: the gradients must fit the 4 parameters, but 2 differ, 1 are missing and 1 are left over; "
            "backward(net, trace, grad) returns one for each of net.parameters():",
            "  another shape: conv1.weight is (2, 3, 5, 4), the parameter is (3, 2, 5, 4)",
            "  another dtype: scale is float64, the parameter is float32",
            "  missing: conv1.bias (3,)",
            "  left over: conv9.bias (7,)",
        ]
        for grads in (None, [np.ones(3)]):
            with pytest.raises(WeightsError, match=what + r"are a mapping from names to arrays, but received a (NoneType|list); backward"):
                optimizer.step(params, grads, state)
        with pytest.raises(
            WeightsError, match=what + r"must fit the 4 parameters, but 1 differ, 0 (.|\n)* scale is float64, the parameter is f"
        ):
            optimizer.step(params, {**named(1), "scale": np.ones(())}, state)
        with pytest.raises(WeightsError, match=r"  no array: scale is a float$"):
            optimizer.step(params, {**named(1), "scale": 1.0}, state)

    def test_a_long_list_is_cut(self):
        params = {f"w{i}": np.ones(2) for i in range(30)}
        with pytest.raises(WeightsError, match=r"30 are missing (.|\n)*\n  … and 18 more$") as caught:
            SGD(0.1).step(params, {}, SGD(0.1).init(params))
        assert len(str(caught.value).split("\n")) == 14

    @EVERY
    def test_parameters(self, optimizer):
        what = type(optimizer).__name__
        with pytest.raises(WeightsError, match=rf"^{what}\.step: params is a mapping .*net\.parameters\(\), but it is a list\.$"):
            optimizer.step([np.ones(2)], {}, {"step": 0})
        with pytest.raises(DTypeError, match=rf"^{what}\.step: params\['w'\] must be float32 or float64, but its dtype is int64"):
            optimizer.step({"w": np.ones(2, np.int64)}, {}, {"step": 0})
        shape_only = nn.Sequential(nn.Conv2d(1, 2, 3, rng=nn.SHAPE_ONLY)).parameters()
        message = r"\.step: params\['conv1\.weight'\] knows its shape, \(2, 1, 3, 3\), but holds no numbers; build the model with weights"
        with pytest.raises(WeightsError, match=rf"^{what}{message}"):
            optimizer.step(shape_only, {}, {"step": 0})

    @pytest.mark.parametrize("kind", [Adam, AdamW, lambda: SGD(0.1, momentum=0.9)])
    def test_parameters_of_init(self, kind):
        with pytest.raises(WeightsError, match=r"^\w+\.init: params is a mapping"):
            kind().init(None)

    def test_the_state_of_another_optimizer(self):
        params, grads = named(0), named(1)
        momentum, adam, plain = SGD(0.1, momentum=0.5), Adam(), SGD(0.1)
        with pytest.raises(
            WeightsError,
            match=r"^Adam\.step: the state has the keys step, mean, square, but this one has step, momentum, so it is another optimizer's; start with",
        ):
            adam.step(params, grads, momentum.init(params))
        with pytest.raises(WeightsError, match=r"^SGD\.step: the state has the keys step, momentum, but this one has step, mean, square, "):
            momentum.step(params, grads, adam.init(params))
        with pytest.raises(WeightsError, match=r"^SGD\.step: the state has the keys .*, but this one has none"):
            plain.step(params, grads, {})
        with pytest.raises(
            WeightsError, match=r"^SGD\.step: the arrays of state\['momentum'\] must fit the 4 parameters, .* 4 are missing"
        ):
            momentum.step(params, grads, plain.init(params))
        with pytest.raises(
            WeightsError, match=r"^SGD\.step: with momentum=0 the state keeps no arrays, but state\['momentum'\] has 4; start"
        ):
            plain.step(params, grads, momentum.init(params))
        AdamW().step(params, grads, adam.init(params))  # these two have the same state

    @EVERY
    def test_the_state_of_another_network(self, optimizer):
        params, grads = named(0), named(1)
        others = {name: np.ones((2, 2)) for name in ("fc1.weight", "scale")}
        state, what = optimizer.init(others), type(optimizer).__name__
        if any(group for key, group in state.items() if key != "step"):
            with pytest.raises(
                WeightsError, match=rf"^{what}\.step: the arrays of state\['\w+'\] must .*\n  another shape: scale is \(2, 2\)"
            ):
                optimizer.step(params, grads, state)
        for key in set(state) - {"step"} if state.get("momentum", True) else ():  # each part is looked at
            spoiled = {**optimizer.init(params), key: {}}
            with pytest.raises(WeightsError, match=rf"^{what}\.step: the arrays of state\['{key}'\] .* 4 are missing"):
                optimizer.step(params, grads, spoiled)
        with pytest.raises(WeightsError, match=rf"^{what}\.step: the state is a mapping .*, but it is a tuple; start with optimizer\.init"):
            optimizer.step(params, grads, (params, state))
        for step in (-1, 0.5, None, True):
            with pytest.raises(WeightsError, match=rf"^{what}\.step: state\['step'\] must be .* Start with optimizer\.init"):
                optimizer.step(params, grads, {**optimizer.init(params), "step": step})
