"""A network that is given a shape again: the same bits by fewer questions, and nothing of one run in another."""

import gc
import threading
import weakref

import numpy as np
import pytest
from graphs import networks
from hypothesis import given
from hypothesis import strategies as st

from minicnn import Network, Sequential, compiling, fuse, nn, trace
from minicnn.conv.memory_format import channels_last, is_channels_last
from minicnn.network import repeat

RNG = np.random.default_rng(5)


def conv(*arguments, **settings):
    return nn.Conv2d(*arguments, **settings, rng=RNG)


def images(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def residual() -> Network:
    """Everything that has a form without questions, a branch, and layers that have none."""
    return Network(
        [
            ("stem", conv(3, 32, 3, 2, 1, activation="relu6"), ["x"]),
            ("pool", nn.MaxPool2d(3, 2, 1), ["stem"]),
            ("deep", conv(32, 32, 3, padding=1, groups=32), ["pool"]),
            ("wide", conv(32, 48, 1, activation="silu"), ["deep"]),
            ("same", conv(48, 32, 3, padding=1), ["wide"]),
            ("add", nn.Add(activation="relu"), ["same", "pool"]),
            ("tanh", nn.Tanh(), ["add"]),
            ("mean", nn.AdaptiveAvgPool2d(1), ["tanh"]),
            ("flat", nn.Flatten(), ["mean"]),
            ("scores", nn.Linear(32, 10, rng=RNG), ["flat"]),
        ],
        outputs=["scores", "add"],
    )


def steps(net, *inputs):
    return repeat.steps_of(net, repeat.key_of(inputs))


def test_the_second_run_walks_and_gives_the_same_bits():
    net = fuse(residual(), channels_last=True)
    first, second = images(2, 3, 61, 57), images(2, 3, 61, 57)
    before = net(first)
    assert steps(net, first) is not None
    after, other = net(first), net(second)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == b.shape
        assert b.flags.writeable
        assert is_channels_last(a) == is_channels_last(b)
    fresh = fuse(residual().with_parameters(dict(residual().parameters()) | net.parameters()), channels_last=True)
    for a, b in zip(fresh(second), other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_outputs_are_the_callers_alone():
    """What a run returned is not touched by the next one, and what is written into it changes no later run."""
    net, x = fuse(residual(), channels_last=True), images(1, 3, 33, 35)
    net(x)
    scores, maps = net(x)
    kept = scores.copy(), maps.copy()
    net(images(1, 3, 33, 35))
    np.testing.assert_array_equal(scores, kept[0])
    np.testing.assert_array_equal(maps, kept[1])
    scores[...], maps[...] = 7, 7
    for a, b in zip(net(x), kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_kernels_are_given_locked_inputs_whoever_made_them():
    """An output that others read, and a map of a layer that has no form without questions: as other types they would be compiled anew."""
    net = Network(
        [
            ("last", nn.ChannelsLast(), ["x"]),
            ("a", conv(3, 32, 1), ["last"]),
            ("tanh", nn.Tanh(), ["a"]),
            ("b", conv(32, 16, 1), ["tanh"]),
            ("c", conv(16, 17, 1), ["b"]),
        ],
        outputs=["a", "tanh", "b", "c"],
    )
    x = images(1, 3, 33, 35)
    wanted = net(x)
    with compiling(lambda name: pytest.fail(f"{name} is compiled anew")):
        found = net(x)
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(a, b)
        b[...] = 0  # the caller's
    for a, b in zip(wanted, net(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_inputs_are_neither_changed_nor_handed_out():
    net = Sequential(nn.ChannelsLast(), conv(3, 16, 1), nn.ChannelsLast(), nn.Identity())
    x = images(1, 3, 9, 8)
    kept = x.copy()
    for _ in range(3):
        y = net(x)
        assert not np.may_share_memory(x, y)
        y[...] = 0
        np.testing.assert_array_equal(x, kept)
    only = Network([("keep", nn.Identity(), ("x",))])
    last = channels_last(x)
    for _ in range(3):
        assert not np.may_share_memory(only(last), last)


def test_a_layer_that_hands_out_something_locked_of_its_own():
    class Constant(nn.Layer):
        numbers = np.arange(6, dtype=np.float32).reshape(1, 6)
        numbers.flags.writeable = False

        def forward(self, x, *, accuracy="fast"):
            return self.numbers

        def output_shape(self, shape):
            return (1, 6)

    net = Sequential(nn.Flatten(), nn.Linear(6, 6, rng=RNG), Constant())
    x = images(1, 6, 1, 1)
    for _ in range(3):
        np.testing.assert_array_equal(net(x), Constant.numbers)
    assert steps(net, x) is not None


def test_each_shape_and_format_has_its_own_steps_and_few_are_kept():
    net = fuse(residual(), channels_last=True)
    seen = [images(1, 3, 33 + size, 35) for size in range(repeat.SHAPES + 2)]
    wanted = [net(x)[0] for x in seen]
    assert steps(net, seen[0]) is None
    assert steps(net, seen[-1]) is not None
    for x, y in zip(seen, wanted, strict=True):
        np.testing.assert_array_equal(net(x)[0], y)
        np.testing.assert_array_equal(net(x[0])[0], y[0])
        np.testing.assert_array_equal(net(channels_last(x))[0], y)
        np.testing.assert_array_equal(net(channels_last(x))[0], y)


def test_what_has_no_steps_runs_as_ever():
    net = fuse(residual(), channels_last=True)
    x = images(1, 3, 33, 35)
    assert repeat.key_of([x.astype(np.float64)]) is None
    assert repeat.key_of([x[:0]]) is None
    for _ in range(2):
        assert net(x.astype(np.float64))[0].dtype == np.float64
        assert net(x[:0])[0].shape == (0, 10)
    plain = Sequential(nn.Tanh(), nn.Softplus(), nn.ELU())  # none of these has a form without questions
    plain(x), plain(x)
    assert steps(plain, x) is None
    assert repeat.seen(plain, repeat.key_of([x]))
    two = Network([("pool", nn.MaxPool2d(2, return_indices=True), ("x",))], outputs=("pool", "pool:indices"))
    for _ in range(2):
        assert [y.dtype for y in two(x)] == [np.float32, np.int64]


def test_an_exact_run_and_a_trace_ask_all_questions():
    net, x = fuse(residual(), channels_last=True), images(1, 3, 33, 35)
    exact = net(x, accuracy="exact")
    assert not repeat.seen(net, repeat.key_of([x]))
    net(x), net(x)
    np.testing.assert_array_equal(net(x, accuracy="exact")[0], exact[0])
    np.testing.assert_array_equal(trace(net, x)["scores"].data, exact[0])


def test_steps_go_when_the_network_goes():
    net, x = fuse(residual(), channels_last=True), images(1, 3, 33, 35)
    net(x)
    kept = weakref.ref(net)
    assert net in repeat._known
    del net
    gc.collect()
    assert kept() is None  # so it is no key any more, and its steps went with it


def test_threads_may_share_a_network():
    net = fuse(residual(), channels_last=True)
    inputs = [images(1, 3, 33, 35) for _ in range(4)]
    wanted, found = [net(x)[0] for x in inputs], [None] * 4

    def work(i):
        for _ in range(5):
            found[i] = net(inputs[i])[0]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(a, b)


@given(networks(), st.booleans())
def test_any_network_gives_the_same_bits_again(drawn, last):
    plain, shape = drawn
    net = fuse(plain, channels_last=last)
    x, other = images(*shape), images(*shape)
    first, wanted = net(x), fuse(plain, channels_last=last)(other)
    for y, expected in ((net(x), first), (net(other), wanted), (net(x), first)):
        for a, b in zip(*((part if isinstance(part, tuple) else (part,)) for part in (y, expected)), strict=True):
            np.testing.assert_array_equal(a, b)


# Places.


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 5)), min_size=1, max_size=30))
def test_places_that_are_alive_together_do_not_overlap(wishes):
    """Each is alive until so many others have come."""
    places, alive = repeat.Places(), {}
    for number, (size, life) in enumerate(wishes):
        first = places.take(str(number), size)
        assert first % repeat.LINE == 0
        assert first + size <= places.most
        for start, stop, _ in alive.values():
            assert first + size <= start or stop <= first
        alive[str(number)] = first, first + size, number + life
        for name in [name for name, (_, _, end) in alive.items() if end <= number]:
            places.give(name)
            del alive[name]


def test_a_gap_is_used_again():
    places = repeat.Places()
    assert [places.take(name, 16) for name in "abc"] == [0, 32, 64]  # a line between neighbours
    places.give("b")
    assert places.take("d", 17) == 96
    assert places.take("e", 16) == 32


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_may_change_between_runs(threads):
    import numba

    net, x = fuse(residual(), channels_last=True), images(1, 3, 65, 67)
    wanted = net(x)[0]
    usual = numba.get_num_threads()
    try:
        numba.set_num_threads(min(threads, usual))
        np.testing.assert_array_equal(net(x)[0], wanted)
    finally:
        numba.set_num_threads(usual)
