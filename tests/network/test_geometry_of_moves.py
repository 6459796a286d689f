"""What a number sees behind slices, borders, shuffles, resizes and gates, proved as in test_geometry.py, and by hand."""

import numpy as np
import pytest
from graphs import KINDS, MOVES, networks, shuffled
from hypothesis import given
from proofs import nan_probe, prove_boxes, prove_pixels, spread, the_box, the_pixels
from seen import what_is_seen

from minicnn import Network, describe, nn
from minicnn.axis import POINT, Broadcast, Nothing, Pick, Reach, Resampled, Slide, Whole
from minicnn.field import Box

UNSHUFFLED = tuple(move for move in MOVES if move is not shuffled)
moving = networks(kinds=(*KINDS, *MOVES, *MOVES), largest=9)


@given(moving)
def test_pixels_and_boxes_are_the_sets_that_plain_loops_count(drawn):
    prove_pixels(*drawn, the_pixels)
    prove_boxes(*drawn, the_box)


# A rule is about positions, not channels: of what was unshuffled before, a shuffled pixel sees one channel of four, which NaN tells and a
# rule does not; layers/test_array_positions.py has the shuffles by themselves.
@given(networks(kinds=(*KINDS, *UNSHUFFLED * 2), largest=7, nodes=5))
def test_nan_reaches_exactly_what_sees_it(drawn):
    net, shape = drawn
    facts, sets, probe = describe(net, shape), what_is_seen(net, shape[1:]), nan_probe(net, shape)
    for row in facts:
        seen = np.zeros_like(probe[row.name])
        for i, cells in enumerate(sets[row.name]):
            for j, cell in enumerate(cells):
                seen[[r * shape[2] + c for r, c in cell], i, j] = True
        np.testing.assert_array_equal(probe[row.name], seen, row.name)


@given(moving)
def test_the_closed_form_holds_the_box(drawn):
    net, shape = drawn
    facts = describe(net, shape)
    for row in facts:
        for i, j in spread(row, 4):
            exact, most = facts.box(row.name, i, j), row.field.box(i, j)
            if row.field.size is None:
                assert row.field.reason
            elif exact is not None:
                assert most.top <= exact.top <= exact.bottom <= most.bottom, (row.name, i, j)
                assert most.left <= exact.left <= exact.right <= most.right, (row.name, i, j)


def test_rules_by_hand():
    shape = (1, 3, 8, 5)
    assert nn.Slice((1,), (8,), (2,), (3,)).axes(shape) == ((Pick((1, 4, 7)), POINT),)
    assert Pick((1, 4, 7)).reach(8) == Reach(1, 3, 1)
    assert "not in steps of one length forwards" in Pick((7, 4, 1)).reach(8)
    assert Pick((None, 0, 1, None)).reach(2) == Reach(1, 1, -1)
    assert nn.Slice((0,), (2,), (1,)).axes(shape) == ((POINT, POINT),)
    assert nn.Slice((0,), (99,), (3,)).axes(shape) == ((POINT, POINT),)
    assert nn.Take(-1, 3).axes(shape) == ((Whole("take"), Pick((4,))),)
    assert nn.Pad(((0, 0), (0, 0), (2, -1), (0, 0))).axes(shape) == ((Slide(1, before=2, after=-1), POINT),)
    assert nn.Pad(((0, 0), (0, 0), (0, 0), (1, 0)), "reflect").axes(shape) == ((POINT, Pick((1, 0, 1, 2, 3, 4))),)
    assert nn.Permute((1, 0, 2, 3)).axes(shape) == ((POINT, POINT),)
    assert nn.Permute((0, 2, 1, 3)).axes(shape) == ((Whole("permute", 3), POINT),)
    assert nn.Reshape((0, 1, 3, 8, 5)).axes(shape) == ((Whole("reshape"), Whole("reshape")),)
    assert nn.Reshape((3, 1, 8, 5)).axes(shape) == ((POINT, POINT),)
    assert nn.Reshape((3, 2, 4, 5)).axes(shape) == ((Whole("reshape", 4), POINT),)
    assert nn.Reshape((1, 2, 3, 4)).axes((1, 24)) == ((Broadcast(3), Broadcast(4)),)
    assert nn.Arithmetic("mul").axes(shape, (3, 1, 1)) == ((POINT, POINT), (Broadcast(8), Broadcast(5)))
    assert nn.Arithmetic("mul").axes((1, 3, 1, 5), shape) == ((Broadcast(8), POINT), (POINT, POINT))
    assert nn.Constant(np.ones((1, 1, 2, 3))).axes(shape) == ((Nothing(2), Nothing(3)),)
    assert nn.Reduce("mean", (2, 3)).axes(shape) == ((Whole("global mean"), Whole("global mean")),)
    assert nn.Reduce("mean", (2, 3)).axes((1, 3, 1, 5)) == ((POINT, Whole("global mean")),)
    assert nn.MatMul().axes((1, 3, 8, 5), (1, 3, 5, 2)) == ((POINT, Whole("matmul", 2)), (Whole("matmul", 8), POINT))


@pytest.mark.parametrize("rule", [Pick((1, 2)), Broadcast(4), Nothing(4), Resampled(4)])
def test_rules_say_their_arithmetic(rule):
    assert rule.derivation(5).endswith(f"= {rule.out_size(5)}")


def test_resampled_by_hand():
    assert [Resampled(8, "nearest", "asymmetric", "floor", None).sees(i, 4) for i in range(8)] == [(k // 2,) for k in range(8)]
    assert [Resampled(4, "nearest", "half_pixel", rounding).sees(1, 8) for rounding in ("round_prefer_floor", "round_prefer_ceil")] == [
        (2,),
        (3,),
    ]
    assert [Resampled(4, "nearest", "half_pixel", rounding).sees(3, 8) for rounding in ("floor", "ceil")] == [(6,), (7,)]
    assert [Resampled(2, "linear", "half_pixel").source(i, 4) for i in range(2)] == [0.5, 2.5]
    assert [Resampled(3, "linear", "align_corners").source(i, 5) for i in range(3)] == [0, 2, 4]
    assert Resampled(2, "nearest", "tf_half_pixel_for_nn", "floor").source(1, 4) == 3
    assert Resampled(1, "linear", "pytorch_half_pixel").source(0, 5) == 0
    assert Resampled(1, "linear", "half_pixel").source(0, 5) == 2
    assert Resampled(4, "linear", "half_pixel").reach(2) == Reach(2.5, 0.5, -1)  # of 0, 0 and 1, 0 and 1, 1


def test_squeeze_and_excitation_sees_itself_and_everything():
    net = Network(
        [("squeeze", nn.Reduce("mean", (2, 3)), ["x"]), ("gate", nn.Sigmoid(), ["squeeze"]), ("out", nn.Arithmetic("mul"), ["x", "gate"])]
    )
    facts = describe(net, (3, 4, 5))
    assert facts.pixels("out", 1, 2).all()
    assert facts.field("out").sees_everything
    assert facts.field("out").reason == "sees everything: global mean"


def test_a_constant_has_no_say_in_a_field():
    net = Network(
        [
            ("conv", nn.Conv2d(1, 1, 3, rng=nn.SHAPE_ONLY), ["x"]),
            ("flat", nn.Flatten(), ["x"]),
            ("offset", nn.Constant(np.ones((1, 1, 2, 3), np.float32)), ["flat"]),
            ("out", nn.Arithmetic("add"), ["conv", "offset"]),
        ]
    )
    facts = describe(net, (1, 4, 5))
    assert facts.field("offset").sees_nothing
    assert facts.field("out").size == (3, 3)
    assert facts.box("out", 1, 2) == Box(1, 2, 3, 4)
    assert facts.box("offset") is None


def test_focus_sees_blocks_of_two():
    """YOLOv5's first layer cuts an image into four of half its size."""
    parts = [(f"part{a}{b}", nn.Slice((a, b), (99, 99), (2, 3), (2, 2)), ["x"]) for a in (0, 1) for b in (0, 1)]
    net = Network([*parts, ("out", nn.Concat(), [name for name, _, _ in parts])])
    facts = describe(net, (3, 6, 4))
    assert facts["out"].shape == (1, 12, 3, 2)
    assert facts.box("out", 1, 1) == Box(2, 2, 3, 3)
    assert facts.field("out").size == facts.field("out").stride == (2, 2)
