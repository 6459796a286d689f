"""Every sample of the layers that move and join arrays, one input position at a time: what turns NaN is what the rules say."""

import numpy as np
import pytest
from samples import samples

LOOSE = {"Reshape((0, 6, 6, 7))", "Permute((0, 2, 3, 1))", "Permute((0, 1, 3, 2))"}  # rules that hold what is seen, and more


def array_samples():
    names = (
        "Arithmetic",
        "Elementwise",
        "Reduce",
        "MatMul",
        "Constant",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Permute",
        "Slice",
        "Take",
        "Pad",
    )
    names += ("Clamp", "Hardsigmoid", "InstanceNorm2d", "LocalResponseNorm", "Resample", "PixelShuffle", "PixelUnshuffle")
    return [pytest.param(layer, shapes, id=f"{name}-{n}") for name in names for n, (layer, shapes) in enumerate(samples()[name])]


def positions_of(shape) -> tuple[int, int]:
    return shape[2:] if len(shape) == 4 else (1, 1)


@pytest.mark.parametrize(("layer", "shapes"), array_samples())
def test_a_poisoned_position_reaches_exactly_the_outputs_that_see_it(layer, shapes):
    inputs = [np.random.default_rng(5).uniform(0.5, 1.5, shape) for shape in shapes]
    pairs, result = layer.axes(*shapes), layer.output_shape(*shapes)
    for place, (shape, rules) in enumerate(zip(shapes, pairs, strict=True)):
        sizes, outs = positions_of(shape), positions_of(result)
        for r, c in np.ndindex(*sizes):
            poisoned = inputs[place].copy()
            poisoned[(slice(None), slice(None), r, c) if len(shape) == 4 else ...] = np.nan
            y = np.isnan(layer(*inputs[:place], poisoned, *inputs[place + 1 :]))
            reached = y.any(axis=(0, 1)) if len(result) == 4 else y.any().reshape(1, 1)
            sees = [[at in rule.sees(i, n) for i in range(out)] for rule, n, out, at in zip(rules, sizes, outs, (r, c), strict=True)]
            expected = np.logical_and.outer(*sees)
            if repr(layer) in LOOSE:
                assert (reached <= expected).all()
            else:
                np.testing.assert_array_equal(reached, expected)


@pytest.mark.parametrize(("layer", "shapes"), array_samples())
def test_the_closed_form_of_a_layer_holds_what_it_sees(layer, shapes):
    for shape, rules in zip(shapes, layer.axes(*shapes), strict=True):
        for rule, n in zip(rules, positions_of(shape), strict=True):
            reach = rule.reach(n)
            if isinstance(reach, str):
                assert len(reach) > 10
                continue
            for i in range(rule.out_size(n)):
                low = reach.start + i * reach.stride
                assert all(low <= q <= low + reach.size - 1 for q in rule.sees(i, n))
