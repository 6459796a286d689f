"""Every layer's numbers are explained: the equation gives them again, and its factors are the layer's own derivatives."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path[:0] = [str(Path(__file__).parents[1] / room) for room in ("layers", "network")]
from graphs import networks  # noqa: E402
from samples import cases, drawn, samples  # noqa: E402

from minicnn import nn, trace  # noqa: E402
from minicnn.layers.base import Passage  # noqa: E402
from minicnn.network import Network  # noqa: E402
from minicnn.network.node import result_names  # noqa: E402
from minicnn.probe import explain  # noqa: E402
from minicnn.probe.workings import WORKINGS  # noqa: E402

every_layer = pytest.mark.parametrize(("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in cases()])
ASKED_ITSELF = {  # layers that no function of the table knows: they are asked by addresses or slopes
    *("Reshape", "Squeeze", "Unsqueeze", "Permute", "Slice", "Take", "Pad", "PixelShuffle", "PixelUnshuffle", "LocalResponseNorm"),
}


def alone(layer, shapes) -> Network:
    """Return the layer as a network, whose inputs have as many axes as they have."""
    names = [f"in{number}" for number in range(len(shapes))]
    return Network([("node", layer, names)], inputs=names, input_shapes=dict(zip(names, shapes, strict=True)))


def some_places(shape, count: int, seed: int) -> list[tuple[int, ...]]:
    """Return the corners and some places between, as (image, channel, …)."""
    rng = np.random.default_rng(seed)
    between = [tuple(int(rng.integers(n)) for n in shape) for _ in range(count)]
    return [(0,) * len(shape), tuple(n - 1 for n in shape), *between]


def explained(net, found, name: str, count: int, seed: int = 0):
    for image, channel, *at in some_places(found.shapes[name], count, seed):
        yield explain(net, found, name, channel, tuple(at), image=image)


def test_every_layer_has_a_working():
    for name, rows in samples().items():
        known = any(kind.__name__ in WORKINGS for kind in type(rows[0][0]).__mro__)
        assert known != (name in ASKED_ITSELF), name
    assert set(WORKINGS) <= set(nn.LAYERS)


@every_layer
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_equation_gives_the_stored_number_again(layer, shapes, dtype, training):
    net, given = alone(layer, shapes), drawn(layer, shapes, dtype)
    kept = [x.copy() for x in given]
    found = trace(net, *given, training=training, rng=np.random.default_rng(0))
    for name in result_names(net.nodes[0]):
        for e in explained(net, found, name, 10):
            assert e.stored == found[name].data[(e.image, e.channel, *e.at)]
            assert e.difference <= e.allowed, e
            assert max(map(len, str(e).split("\n"))) <= 80
            assert e.to_dict()["agrees"] is True
            for before in e.back(2) if len(e) else ():
                assert before.node in net.inputs
    for x, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(x, before)


@every_layer
def test_a_number_that_is_off_is_told(layer, shapes):
    """The test above can fail: a number off by a thousandth of the largest is not within any bound."""
    net = alone(layer, shapes)
    found = trace(net, *drawn(layer, shapes, np.float32))
    data = found["node"].data.copy()
    if data.dtype.kind != "f":
        return
    data += 1e-3 * np.abs(data).max()
    wrong = type(found["node"])("node", net.nodes[0], data, "other", found.describing)
    object.__setattr__(found, "maps", {**found.maps, "node": wrong})
    told = [e.agrees for e in explained(net, found, "node", 6) if e.kind != "cells" or e.notes]
    assert not any(told)


@every_layer
def test_factors_are_the_layers_own_derivatives(layer, shapes):
    """Where the working is a sum of products, ∂y/∂cell by the layer's gradient is the factor, and 0 for every other cell."""
    net, given = alone(layer, shapes), drawn(layer, shapes, np.float64)
    found = trace(net, *given)
    if found["node"].data.dtype.kind != "f" or any(x.dtype.kind != "f" for x in given):
        return
    y, training = found["node"].data, False
    outputs = tuple(found[name].data for name in result_names(net.nodes[0]))
    for e in explained(net, found, "node", 5):
        if e.kind != "products" or e.activation or type(layer).__name__ == "Cast":
            continue
        grad = np.zeros(y.shape)
        grad[(e.image, e.channel, *e.at)] = 1
        passage = Passage(given, outputs, tuple(x.shape for x in given), found.saved.get("node"), training, (True,) * len(given), False)
        by_inputs, _ = layer.backward((grad, *(None,) * (len(outputs) - 1)), passage)
        claimed = {name: np.zeros(x.shape) for name, x in zip(net.inputs, given, strict=True)}
        for t in e.terms:
            if t.mark != "padding":
                claimed[t.map][t.index] += 1 if t.factor is None else t.factor
        for name, slope in zip(net.inputs, by_inputs, strict=True):
            if not (type(layer).__name__ == "MatMul" and name == "in1"):  # whose numbers are the factors
                np.testing.assert_allclose(claimed[name], slope, rtol=1e-12, atol=1e-15)


@given(networks(largest=9), st.integers(0, 2**32 - 1))
def test_random_networks_are_explained_down_to_their_pixels(drawn_network, seed):
    net, shape = drawn_network
    rng = np.random.default_rng(seed)
    found = trace(net, rng.standard_normal((2, *shape)).astype(np.float32))
    name = net.nodes[int(rng.integers(len(net)))].name
    image, channel, *at = (int(rng.integers(n)) for n in found.shapes[name])
    e = explain(net, found, name, channel, tuple(at), image=image)
    levels = e.follow()
    for before, level in pairwise(levels):
        assert before.agrees, before
        assert not (level.pixels() & ~before.pixels()).any()  # nothing is looked at that the level before does not look at
    assert levels[-1].agrees
    if levels[-1].node in net.inputs:
        pixel = levels[-1]
        assert net.pixels(name, *(at if len(at) == 2 else (0, 0)), shape)[pixel.at]
        assert pixel.stored == found[pixel.node].data[(pixel.image, pixel.channel, *pixel.at)]
    else:
        assert levels[-1].strongest is None  # it looks at padding alone
    assert max(map(len, str(e).split("\n"))) <= 80
