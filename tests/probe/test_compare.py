"""probe.compare: what an edit changed, and nothing else."""

import json

import numpy as np
import pytest

from minicnn import describe, fuse, models, nn, probe
from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe.compare_pairs import pairs_of_names
from minicnn.probe.compare_told import times_as_much

RNG = {"rng": nn.SHAPE_ONLY}


def network(stride=1, act=None, channels=8):
    return nn.Sequential(
        ("stem", nn.Conv2d(3, channels, 3, stride, **RNG)), ("act", act or nn.ReLU()), ("head", nn.Conv2d(channels, 4, 1, **RNG))
    )


def told(comparison):
    """Return {name: {what: (a, b)}}."""
    return {change.name: {d.what: (d.a, d.b) for d in change.differences} for change in comparison.changes}


def test_an_edit_by_hand():
    found = probe.compare(network(), network(stride=(2, 1), channels=6), (3, 10, 12))
    assert told(found) == {
        "stem": {
            "weight": ("8×3×3×3", "6×3×3×3"),
            "bias": ("8", "6"),
            "stride": ("1", "(2, 1)"),
            "shape": ("8×8×10", "6×4×10"),
            "field": ("3/1", "3/2×1"),
            "params": ("224", "168"),
            "MAdds": ("17.3 k", "6.48 k"),
            "bytes": ("2.56 kB", "960 B"),
        },
        "act": {"shape": ("8×8×10", "6×4×10"), "field": ("3/1", "3/2×1"), "bytes": ("2.56 kB", "960 B")},
        "head": {
            "weight": ("4×8×1×1", "4×6×1×1"),
            "shape": ("4×8×10", "4×4×10"),
            "field": ("3/1", "3/2×1"),
            "params": ("36", "28"),
            "MAdds": ("2.56 k", "960"),
            "bytes": ("1.28 kB", "640 B"),
        },
    }
    stem = next(d for d in found.changes[0].differences if d.what == "MAdds")
    assert (stem.numbers, stem.ratio) == ((8 * 27 * 80, 6 * 27 * 40), "×0.375")
    totals = {d.what: d.numbers for d in found.totals}
    assert totals["parameters"] == (224 + 36, 168 + 28)
    assert totals["multiply_adds"] == (17280 + 2560, 6480 + 960)


def test_totals_are_those_of_describe():
    a, b = network(), network(stride=2)
    found = probe.compare(a, b, (2, 3, 10, 12))
    for side, net in (("a", a), ("b", b)):
        facts = describe(net, (2, 3, 10, 12))
        assert {d.what: d.numbers["ab".index(side)] for d in found.totals} == {
            name: getattr(facts, name) for name in ("parameters", "multiply_adds", "bytes", "peak_bytes", "kept_bytes")
        }


def test_nothing_changed():
    found = probe.compare(network(), network(), (3, 10, 12))
    assert (found.changes, found.same) == ((), 3)
    assert str(found).splitlines()[0] == "a: 3 nodes, b: 3 nodes; nothing changed, 3 alike"


def test_another_name_is_a_renaming_and_no_other_difference():
    renamed = nn.Sequential(("stem", nn.Conv2d(3, 8, 3, **RNG)), ("bend", nn.ReLU()), ("head", nn.Conv2d(8, 4, 1, **RNG)))
    found = probe.compare(network(), renamed, (3, 10, 12))
    assert [(change.kind, change.name, change.differences) for change in found.changes] == [("renamed", "act → bend", ())]
    assert found.same == 2


def test_another_layer_of_the_same_name():
    assert told(probe.compare(network(), network(act=nn.SiLU()), (3, 10, 12))) == {"act": {"layer": ("ReLU", "SiLU")}}


def test_settings_that_no_shape_shows():
    assert told(probe.compare(network(act=nn.ELU(1.0)), network(act=nn.ELU(0.5)), (3, 10, 12))) == {"act": {"alpha": ("1.0", "0.5")}}


def test_nodes_that_came_and_went_and_stand_elsewhere():
    a = nn.Sequential(("one", nn.ReLU()), ("two", nn.Tanh()), ("three", nn.Sigmoid()), ("four", nn.ELU()))
    b = nn.Sequential(("two", nn.Tanh()), ("one", nn.ReLU()), ("new", nn.SiLU()), ("four", nn.ELU()), ("five", nn.Hardswish()))
    found = probe.compare(a, b, (1, 2, 3))
    assert [(change.kind, change.name) for change in found.changes] == [
        *(("moved", "two"), ("changed", "one"), ("renamed", "three → new"), ("added", "five"))
    ]
    assert told(found)["one"] == {"inputs": ("x", "two")}
    lines = str(found).splitlines()
    assert {"> two", "~ one", "~ three → new", "+ five  Hardswish 1×2×3"} <= set(lines)
    back = probe.compare(b, a, (1, 2, 3))
    assert "- five  Hardswish 1×2×3" in str(back).splitlines()
    assert [change.kind for change in back.changes].count("removed") == 1


def test_pairs_by_name():
    assert pairs_of_names(["x", "a", "b", "c"], ["x", "b", "a", "c"]) == ([("x", "x"), ("b", "b"), ("a", "a"), ("c", "c")], {"b"})
    assert pairs_of_names([], ["x"]) == ([(None, "x")], set())
    assert pairs_of_names(["x"], ["y"]) == ([("x", "y")], set())


def test_numbers_that_shifted_are_told_as_one_layer_more():
    a, b = models.vgg16(), models.vgg16_bn()
    found = probe.compare(a, b, (3, 224, 224))
    kinds = [change.kind for change in found.changes]
    assert (kinds.count("added"), kinds.count("removed"), kinds.count("changed")) == (13, 0, 0)
    assert {type(change.b.layer).__name__ for change in found.changes if change.kind == "added"} == {"BatchNorm2d"}


def test_every_node_is_in_one_pair():
    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    for other in (fuse(net), fuse(net, channels_last=False)):
        found = probe.compare(net, other, (3, 64, 96))
        for side, facts in (("a", found.a), ("b", found.b)):
            names = [getattr(change, side).name for change in found.changes if getattr(change, side)]
            alike = {row.name for row in facts} - set(names)
            assert len(names) == len(set(names))
            assert len(alike) == found.same + 1  # the input, which is no node
        assert max(map(len, str(found).splitlines())) <= 80


def test_inputs_of_their_own():
    found = probe.compare(models.lenet5(), models.lenet5(padding=2), (1, 32, 32), input_shape_b=(1, 28, 28))
    assert told(found)["x"] == {"shape": ("1×32×32", "1×28×28"), "bytes": ("4.10 kB", "3.14 kB")}
    assert told(found)["relu1"] == {"field": ("5 / 1 / 0", "5 / 1 / 2")}  # size and stride are the same, the start is not
    knows = nn.Network([("r", nn.ReLU(), ["x"])], input_shapes={"x": (1, 2, 3)})
    assert probe.compare(knows, knows).same == 1


def test_as_json():
    found = probe.compare(network(), network(stride=2), (3, 10, 12))
    document = json.loads(json.dumps(found.to_dict()))
    assert document["totals"]["multiply_adds"] == {"a": 19840, "b": 4960}
    assert document["changes"][0]["differences"][0] == {"what": "stride", "a": "1", "b": "2"}
    assert {"what": "MAdds", "a": 17280, "b": 4320} in document["changes"][0]["differences"]


def test_ratios():
    assert [times_as_much(*pair) for pair in ((8, 2), (1, 12), (0, 3), (0, 0), (2, 2000), (10**9, 1))] == [
        *("×0.250", "×12.0", "from 0", "×1.00", "×1000", "×0.000")
    ]


def test_what_is_refused():
    with pytest.raises(ShapeError, match=r"^compare: the second network: node 'stem': Conv2d: weight expects 3 input channels but x has 5"):
        probe.compare(nn.ReLU(), network(), (5, 10, 12))
    with pytest.raises(ArgumentError, match=r"^compare: the first network: the first argument is a network or a layer, but it is a str"):
        probe.compare("lenet5", network(), (3, 10, 12))
    with pytest.raises(ArgumentError, match=r"^compare: the first network: this network does not say which input it was made for"):
        probe.compare(network(), network())
