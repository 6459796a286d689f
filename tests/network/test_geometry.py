"""What a number sees, proved three ways: the walk back, sets counted by plain loops (seen.py), and NaN.

The proofs are functions (proofs.py), so that the mutants at the end of this file can be held against them.
"""

import numpy as np
import pytest
from graphs import chains, networks
from hypothesis import find, given, settings
from hypothesis import strategies as st
from proofs import POOL_THEN_CONV, nan_probe, prove_boxes, prove_pixels, spread, the_box, the_pixels
from seen import what_is_seen

from minicnn import describe, nn
from minicnn.field import Box


@given(networks())
def test_pixels_are_the_sets_that_plain_loops_count(drawn):
    prove_pixels(*drawn, the_pixels)


@given(networks())
def test_box_is_the_hull_of_those_sets(drawn):
    prove_boxes(*drawn, the_box)


@given(networks(largest=9))
def test_nan_reaches_exactly_what_sees_it(drawn):
    net, shape = drawn
    facts, sets, probe = describe(net, shape), what_is_seen(net, shape[1:]), nan_probe(net, shape)
    for row in facts:
        seen = np.zeros_like(probe[row.name])
        for i, cells in enumerate(sets[row.name]):
            for j, cell in enumerate(cells):
                seen[[r * shape[2] + c for r, c in cell], i, j] = True
        np.testing.assert_array_equal(probe[row.name], seen, row.name)  # every pixel, every output
        for i, j in spread(row, 3):
            np.testing.assert_array_equal(facts.pixels(row.name, i, j), probe[row.name][:, i, j].reshape(shape[1:]), row.name)


@given(networks())
def test_the_closed_form_holds_the_box(drawn):
    net, shape = drawn
    facts = describe(net, shape)
    for row in facts:
        for i, j in spread(row, 4):
            exact, most = facts.box(row.name, i, j), row.field.box(i, j)
            if row.field.size is None:
                assert most is None
                assert row.field.reason
            elif exact is not None:
                assert most.top <= exact.top <= exact.bottom <= most.bottom, (row.name, i, j)
                assert most.left <= exact.left <= exact.right <= most.right, (row.name, i, j)


def stays_inside(net, facts, name, i, j) -> bool:
    """Whether the positions between the first and the last tap lie inside the map, at every layer on the way back."""
    spans = [(i, i), (j, j)]
    for node in [*net][: [n.name for n in net].index(name) + 1][::-1]:
        window, size = node.layer.window, facts[node.inputs[0]].shape[2:]
        for axis, (low, high) in enumerate(spans):
            before, _ = window.padding[axis]
            first = low * window.stride[axis] - before
            last = high * window.stride[axis] - before + window.dilation[axis] * (window.kernel[axis] - 1)
            if first < 0 or last >= size[axis]:
                return False
            spans[axis] = (first, last)
    return True


@given(chains())
def test_the_closed_form_is_the_box_where_no_layer_meets_a_border(drawn):
    net, shape = drawn
    facts = describe(net, shape)
    for node in net:
        for i, j in spread(facts[node.name]):
            if stays_inside(net, facts, node.name, i, j):
                assert facts.box(node.name, i, j) == facts.field(node.name).box(i, j), (node.name, i, j)


def test_most_of_a_map_meets_no_border():
    """The proof above is not about nothing: of the 13×17 outputs of two padded 3×3 layers, 9×13 count."""
    net = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, rng=nn.SHAPE_ONLY) for _ in range(2)))
    facts = describe(net, (1, 13, 17))
    inside = {(i, j) for i in range(13) for j in range(17) if stays_inside(net, facts, "conv2", i, j)}
    assert inside == {(i, j) for i in range(2, 11) for j in range(2, 15)}
    assert facts.box("conv2", 2, 2) == Box(0, 0, 4, 4) == facts.field("conv2").box(2, 2)
    assert facts.box("conv2", 1, 0) == Box(0, 0, 3, 2)
    assert facts.field("conv2").box(1, 0) == Box(-1, -2, 3, 2)


def clipped_at_the_image_only(facts, name, i, j):
    """The shortcut that many tools take; where nothing is seen, or all, it is given the right answer."""
    most, exact = facts.field(name).box(i, j), facts.box(name, i, j)
    return exact if most is None or exact is None else most.clip(facts[facts.net.inputs[0]].shape[2:])


def test_clipping_at_the_image_only_is_caught_on_the_known_example():
    prove_boxes(POOL_THEN_CONV, (1, 5, 5), the_box)
    with pytest.raises(AssertionError, match=r"'conv', "):
        prove_boxes(POOL_THEN_CONV, (1, 5, 5), clipped_at_the_image_only)


def test_clipping_at_the_image_only_is_caught_on_random_chains():
    def caught(drawn):
        try:
            prove_boxes(*drawn, clipped_at_the_image_only)
        except AssertionError:
            return True
        return False

    net, shape = find(chains(nodes=2), caught, settings=settings(max_examples=500, database=None, derandomize=True))
    prove_boxes(net, shape, the_box)


@given(st.data())
def test_a_set_with_one_pixel_more_or_less_is_caught(data):
    net, shape = data.draw(networks(largest=6, nodes=3))
    facts = describe(net, shape)
    name = net.nodes[-1].name
    at = data.draw(st.sampled_from(spread(facts[name])))
    r, c = data.draw(st.integers(0, shape[1] - 1)), data.draw(st.integers(0, shape[2] - 1))

    def one_pixel_off(facts, asked, i, j):
        mask = facts.pixels(asked, i, j).copy()
        mask[r, c] ^= (asked, i, j) == (name, *at)
        return mask

    with pytest.raises(AssertionError):
        prove_pixels(net, shape, one_pixel_off)
