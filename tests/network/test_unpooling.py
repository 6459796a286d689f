"""MaxUnpool2d in a network: described, traced, walked back, trained."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread

from minicnn import Graph, backward, describe, nn, trace
from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import Box


def there_and_back(between=None):
    g = Graph()
    x = g.input("x")
    pool = x.then("pool", nn.MaxPool2d(2, return_indices=True))
    value = pool if between is None else pool.then("between", between)
    return g.network(g.join("up", nn.MaxUnpool2d(2), value, pool.result("indices")))


def test_forward_keeps_the_winners_in_place():
    x = np.array([[[[1, 5, 2, 0], [4, 3, 8, 9]]]], np.float32)
    np.testing.assert_array_equal(there_and_back()(x), [[[[0, 5, 0, 0], [0, 0, 0, 9]]]])


def test_described():
    facts = describe(there_and_back(), (3, 6, 8))
    assert facts["up"].shape == (1, 3, 6, 8)
    assert facts["up"].field.sees_everything
    assert facts["up"].field.reason == "sees everything: unpooling by indices, which may name any position"
    assert facts.box("up", 5, 0) == Box(0, 0, 5, 7)
    assert facts.box("pool", 2, 0) == Box(4, 0, 5, 1)
    assert facts["up"].kept_bytes == 8 * 3 * 3 * 4
    assert "all" in str(facts)


def test_an_output_may_see_any_input():
    """The claim is a superset, and every input is in it for some indices."""
    net = there_and_back()
    mask = net.pixels("up", 1, 2, (1, 4, 6))
    assert mask.all()


@pytest.mark.parametrize("options", [{}, {"training": True}, {"keep": "gradient"}])
def test_backward(options):
    net = there_and_back(nn.Conv2d(2, 2, 3, padding=1, rng=np.random.default_rng(0), dtype=np.float64))
    x = spread((2, 2, 6, 8))
    t = trace(net, x, **options)
    grad = np.random.default_rng(1).standard_normal((2, 2, 6, 8))
    by_inputs, by_parameters = backward(net, t, grad)
    assert set(by_parameters) == {"between.weight", "between.bias"}
    assert_is_derivative(net, [by_inputs["x"]], [x], [grad], directions=3)
    if options:
        assert "pool" in t.saved
        assert "up" in t.saved
    # indices were asked of a gradient too, but have none
    with_indices, _ = backward(net, t, {"up": grad, "pool:indices": np.ones((2, 2, 3, 4))})
    np.testing.assert_array_equal(with_indices["x"], by_inputs["x"])
    only, _ = backward(net, t, {"pool:indices": np.ones((2, 2, 3, 4))})
    np.testing.assert_array_equal(only["x"], np.zeros_like(x))


def test_the_saved_indices_are_one_array_and_no_map_is_kept_for_a_maximum():
    net = there_and_back()
    t = trace(net, spread((2, 2, 6, 8)), keep="gradient")
    assert np.shares_memory(t.saved["pool"], t.saved["up"])
    assert "x" not in t
    assert "pool" not in t


def test_wrong_joints():
    g = Graph()
    x = g.input("x")
    pool = x.then("pool", nn.MaxPool2d(2, return_indices=True))
    with pytest.raises(ArgumentError, match=r"node 'up', MaxUnpool2d\(kernel_size=2, stride=2\), takes 2 input"):
        nn.Network([("up", nn.MaxUnpool2d(2), ["x"])])
    net = g.network(g.join("up", nn.MaxUnpool2d(2), x, pool.result("indices")))
    with pytest.raises(
        ShapeError,
        match=r"node 'up': MaxUnpool2d: the two inputs are numbers and their places, of one shape, but they have \(1, 3, 6, 8\) and",
    ):
        describe(net, (3, 6, 8))
    with pytest.raises(ShapeError, match=r"node 'up': max_unpool2d: indices must hold one place for every number of x"):
        net(np.zeros((3, 6, 8), np.float32))
