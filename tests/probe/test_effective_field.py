"""effective_field: binomials by hand, the theoretical field around it, and what is refused."""

import math

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import backward, fuse, nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, UnsupportedError
from minicnn.probe import effective_field


def chain(depth, kernel):
    ones = nn.Conv2d.of(np.ones((1, 1, *kernel)))
    return nn.Sequential(*[ones] * depth)


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_a_chain_of_ones_is_a_binomial(depth):
    """Kernels (1, 2) of ones: as many ways lead to a pixel as Pascal's triangle says; kernels of 3 are its square's."""
    net = chain(depth, (1, 2))
    found = effective_field(net, trace(net, np.zeros((1, 1, 2, 12))), f"conv{depth}", (1, 2))
    expected = np.zeros((2, 12))
    expected[1, 2 : 3 + depth] = [math.comb(depth, k) for k in range(depth + 1)]
    np.testing.assert_array_equal(found.weight * 2**depth, expected)
    assert found.deviation == pytest.approx((0, math.sqrt(depth) / 2))  # a coin thrown `depth` times
    assert found.centre == pytest.approx((1, 2 + depth / 2))


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_kernels_of_three(depth):
    """(1 + z + z²)^depth along each axis: variance 2/3 for each layer, so the effective field grows as its square root."""
    net = chain(depth, (3, 3))
    found = effective_field(net, trace(net, np.zeros((1, 1, 15, 17))), f"conv{depth}", (1, 2))
    ways = np.ones(1)
    for _ in range(depth):
        ways = np.convolve(ways, np.ones(3))
    expected = np.zeros((15, 17))
    expected[1 : 2 + 2 * depth, 2 : 3 + 2 * depth] = np.outer(ways, ways)
    np.testing.assert_allclose(found.weight * 9.0**depth, expected, rtol=1e-14)
    assert found.radius == pytest.approx(math.sqrt(2 * depth / 3))
    assert found.theoretical.sum() == (2 * depth + 1) ** 2
    np.testing.assert_array_equal(found.mask, expected > (1 - 0.9545) * expected.max())
    assert found.share == (expected > (1 - 0.9545) * expected.max()).sum() / (2 * depth + 1) ** 2
    assert found.zeros == 0


def test_the_share_falls_with_depth():
    shares = []
    for depth in (1, 4, 8):
        net = chain(depth, (3, 3))
        shares.append(effective_field(net, trace(net, np.zeros((1, 1, 21, 21))), f"conv{depth}", (0, 0)).share)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert shares[-1] < 0.6


def test_nothing_lies_outside_of_the_theoretical_field():
    net, x = small_classifier(), spread_photo((1, 2, 11, 13))
    t = trace(net, x)
    for at in ((0, 0), (2, 1), (5, 3)):
        for channel in (None, 1):
            found = effective_field(net, t, "pool", at, channel=channel)
            np.testing.assert_array_equal(found.theoretical, t["pool"].pixels(*at))
            assert not found.weight[~found.theoretical].any()
            assert found.theoretical_box == t["pool"].box(*at)
            assert found.zeros == (found.theoretical & (found.weight == 0)).sum()


def test_the_definition():
    net, x = small_classifier(), spread_photo((1, 2, 11, 13))
    before = x.copy()
    t = trace(net, x)
    seed = np.zeros(t["add"].shape)
    seed[0, 3, 4, 2] = 1
    gradient = backward(net, t, {"add": seed})[0]["x"][0]
    found = effective_field(net, t, "add", (4, 2), channel=3)
    assert gradient.any()
    np.testing.assert_array_equal(found.gradient, gradient)
    weight = np.abs(gradient).sum(axis=0)
    np.testing.assert_allclose(found.weight, weight / weight.sum(), rtol=1e-14)
    assert found.weight.sum() == pytest.approx(1)
    np.testing.assert_array_equal(x, before)
    assert not found.weight.flags.writeable
    seed[0, :, 4, 2] = 1
    every = effective_field(net, t, "add", (4, 2))
    np.testing.assert_array_equal(every.gradient, backward(net, t, {"add": seed})[0]["x"][0])


def test_a_dead_number_looks_at_nothing():
    net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 3, 3))), nn.ReLU())
    found = effective_field(net, trace(net, -np.ones((1, 1, 5, 4))), "relu1", (0, 1))
    assert (found.pixels, found.zeros, found.share, found.box) == (0, 9, 0, None)
    assert repr(found).endswith("it sees 9 pixels (3×3); none of them has a gradient here")


def test_float32():
    net = nn.Sequential(nn.Conv2d.of(np.ones((2, 1, 3, 3), np.float32)))
    found = effective_field(net, trace(net, np.zeros((1, 9, 8), np.float32)), "conv1", (0, 0))
    assert found.gradient.dtype == np.float32
    np.testing.assert_allclose(found.weight[:3, :3], 1 / 9)


def test_mistakes_are_taught():
    net, x = small_classifier(), spread_photo((2, 2, 11, 13))
    t = trace(net, x[:1])
    with pytest.raises(ArgumentError, match=r"effective_field: the second argument is what trace\(net, x\) returned, but it is a ndarray"):
        effective_field(net, x, "pool", (0, 0))
    with pytest.raises(ArgumentError, match=r"effective_field: the trace must be of this network, but it is of another one"):
        effective_field(small_classifier(), t, "pool", (0, 0))
    with pytest.raises(ShapeError, match=r"one photo \(1, C, H, W\) is asked about, but the trace is of \(2, 2, 11, 13\); trace one"):
        effective_field(net, trace(net, x), "pool", (0, 0))
    with pytest.raises(ArgumentError, match=r"is about inference, but the trace was made with training=True"):
        effective_field(net, trace(net, x[:1], training=True), "pool", (0, 0))
    with pytest.raises(UnknownNameError, match=r"effective_field: there is no map 'pol'. Did you mean 'pool'\?"):
        effective_field(net, t, "pol", (0, 0))
    with pytest.raises(ShapeError, match=r"a map has channels, rows and columns, but 'flatten' is 1×3; name another: …, .*relu3, gap"):
        effective_field(net, t, "flatten", (0, 0))
    with pytest.raises(ArgumentError, match=r"'pool' has rows 0 … 5 and columns 0 … 3, but place \(6, 0\) was asked for"):
        effective_field(net, t, "pool", (6, 0))
    with pytest.raises(ArgumentError, match=r"at is a place \(row, column\) of 'pool', but it is 3"):
        effective_field(net, t, "pool", 3)
    with pytest.raises(ArgumentError, match=r"'pool' has channels 0 … 3, but channel 4 was asked for"):
        effective_field(net, t, "pool", (0, 0), channel=4)
    with pytest.raises(ArgumentError, match=r"at\[1\] must be at least 0, but it is -1"):
        effective_field(net, t, "pool", (0, -1))
    fused = fuse(net)
    with pytest.raises(UnsupportedError, match=r"gradient"):
        effective_field(fused, trace(fused, x[:1]), "pool", (0, 0))
    two = nn.Network([("add", nn.Add(), ["a", "b"])], inputs=["a", "b"])
    with pytest.raises(ArgumentError, match=r"must have one input, the photo, but it has 2: a, b"):
        effective_field(two, trace(two, x, x), "add", (0, 0))
