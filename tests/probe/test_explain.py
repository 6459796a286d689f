"""explain: equations worked by hand, the way to the pixels, the printed answer, and mistakes."""

import dataclasses
import json
import time
from itertools import pairwise

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import fuse, models, nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.network import Network
from minicnn.probe import Explanation, explain


def told(net, x, node, *place, **options) -> Explanation:
    net = net if isinstance(net, Network) else nn.Sequential(net)
    return explain(net, trace(net, x), node, *place, **options)


def of_one(layer, x, *place, **options) -> Explanation:
    net = nn.Sequential(layer)
    return told(net, x, net.nodes[0].name, *place, **options)


# Two channels of 3×4, counted through: channel 0 is 1 … 12, channel 1 is 101 … 112; the second image is the negative.
COUNTED = np.stack([np.arange(1.0, 13).reshape(3, 4), np.arange(101.0, 113).reshape(3, 4)])[None]
COUNTED = np.concatenate([COUNTED, -COUNTED])


def test_a_convolution_with_padding_and_stride_by_hand():
    """Output (1, 0): rows 1·2 - 1 = 1 … 2, columns 0 - 1 = -1 … 1; what lies in column -1 is padding."""
    weight = np.array([[[[1.0, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]], [[[7, 7, 7], [7, 7, 7]], [[7, 7, 7], [7, 7, 7]]]])
    x = COUNTED.copy()
    e = of_one(nn.Conv2d.of(weight, np.array([1000.0, 0]), stride=(2, 1), padding=1), x, 0, (1, 0))
    assert [(t.map, t.channel, t.at, t.value, t.factor, t.product, t.mark) for t in e.terms] == [
        *(("x", 0, (1, -1), 0, 1, 0, "padding"), ("x", 0, (1, 0), 5, 2, 10, ""), ("x", 0, (1, 1), 6, 3, 18, "")),
        *(("x", 0, (2, -1), 0, 4, 0, "padding"), ("x", 0, (2, 0), 9, 5, 45, ""), ("x", 0, (2, 1), 10, 6, 60, "")),
        *(("x", 1, (1, -1), 0, 10, 0, "padding"), ("x", 1, (1, 0), 105, 20, 2100, ""), ("x", 1, (1, 1), 106, 30, 3180, "")),
        *(("x", 1, (2, -1), 0, 40, 0, "padding"), ("x", 1, (2, 0), 109, 50, 5450, ""), ("x", 1, (2, 1), 110, 60, 6600, "")),
    ]
    assert [tuple(group) for group in e.groups] == [("x", 0, 133, 6), ("x", 1, 17330, 6)]
    assert (e.bias, e.sum, e.result, e.stored, e.difference, e.agrees) == (1000, 18463, 18463, 18463, 0, True)
    assert e.equation == "y[0, 1, 0] = b[0] + Σ w[0, c, i, j] · x[c, 1·2 + i - 1, 0 + j - 1]"
    assert e.strongest == ("x", 1, (2, 1))
    assert (e.box.top, e.box.left, e.box.bottom, e.box.right) == (1, 0, 2, 1)
    np.testing.assert_array_equal(e.pixels(), [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]])
    np.testing.assert_array_equal(x, COUNTED)


def test_the_contract_is_the_convolutions_own():
    """T = 12 products: (12 + 2)·eps·(Σ|products| + |bias|) + 14 losses to underflow."""
    layer = nn.Conv2d.of(np.ones((1, 2, 2, 3), np.float32), np.array([-3], np.float32), padding=1)
    e = of_one(layer, COUNTED.astype(np.float32), 0, (1, 0))
    size = 1 + 2 + 5 + 6 + 101 + 102 + 105 + 106 + 3
    info = np.finfo(np.float32)
    assert e.allowed == pytest.approx(14 * float(info.eps) * size + 14 * float(info.smallest_subnormal), rel=1e-12)
    assert dataclasses.replace(e, stored=e.result + 1.01 * e.allowed).agrees is False
    assert dataclasses.replace(e, stored=e.result + 0.99 * e.allowed).agrees is True


def test_a_group_and_the_second_image():
    weight = np.arange(1.0, 5).reshape(4, 1, 1, 1)
    e = of_one(nn.Conv2d.of(weight, groups=2), COUNTED, 3, (2, 3), image=1)
    assert [(t.index, t.value, t.factor) for t in e.terms] == [((1, 1, 2, 3), -112, 4)]
    assert "x[1 + c, 2 + i, 3 + j]" in e.equation
    assert str(e).startswith("conv1, channel 3, row 2, column 3, image 1\n")
    assert e.back()[0].image == 1
    assert e.back()[0].stored == -112


@pytest.mark.parametrize(("mode", "cells"), [("reflect", [2, 1, 2]), ("replicate", [1, 1, 2]), ("circular", [4, 1, 2])])
def test_a_border_repeats_cells(mode, cells):
    weight = np.ones((1, 2, 1, 3))
    e = of_one(nn.Conv2d.of(weight, padding=(0, 1), padding_mode=mode), COUNTED, 0, (0, 0))
    assert [t.value for t in e.terms[:3]] == cells
    assert [t.mark for t in e.terms[:3]] == ["border", "", ""]
    assert e.sum == e.stored == 2 * sum(cells) + 300
    assert "(the border repeats cells)" in str(e)
    assert f"{mode} at the border" in e.equation


def test_padding_hides_a_weight_that_is_not_finite():
    """As in the law, a tap outside the map is skipped: ∞·0 is not there to be NaN."""
    e = of_one(nn.Conv2d.of(np.array([[[[np.inf, 2.0]]]]), padding=(0, 1)), np.array([[[[3.0, 4.0]]]]), 0, (0, 0))
    assert (e.sum, e.stored, e.agrees) == (6, 6, True)


def test_an_activation_at_the_store():
    conv = nn.Conv2d.of(np.full((1, 2, 1, 1), -1.0), np.array([5.0]), activation="relu")
    e = of_one(conv, COUNTED, 0, (0, 1))
    assert (e.sum, e.activation, e.result, e.stored) == (5 - 2 - 102, "relu", 0, 0)
    assert "relu at the store" in str(e)


def test_a_transposed_convolution_by_hand():
    """Stride 2, kernel 3: output column 2 is reached by cell 0 with tap 2 and by cell 1 with tap 0."""
    up = nn.ConvTranspose2d.of(np.array([[[[1.0, 2, 3]]]]), np.array([0.5]), stride=(1, 2))
    e = of_one(up, np.array([[[[10.0, 100, 1000]]]]), 0, (0, 2))
    assert [(t.at, t.value, t.factor, t.product) for t in e.terms] == [((0, 0), 10, 3, 30), ((0, 1), 100, 1, 100)]
    assert e.sum == e.stored == 130.5


def test_an_output_that_nothing_reaches():
    up = nn.ConvTranspose2d.of(np.ones((1, 1, 1, 1)), np.array([7.0]), stride=2)
    e = of_one(up, np.ones((1, 1, 2, 3)), 0, (1, 2))
    assert (len(e), e.sum, e.stored, e.strongest) == (0, 7, 7, None)
    assert "no input cell's filter reaches this place" in str(e)
    assert e.follow() == (e,)


def test_max_pooling_says_which_cell_won_and_the_first_of_equals():
    x = np.array([[[[1.0, 9, 4], [9, 9, 2]]]])
    e = of_one(nn.MaxPool2d((2, 3), 1, (1, 1)), x, 0, (1, 0))
    assert [t.value for t in e.terms if t.mark != "padding"] == [1, 9, 9, 9]
    assert [t.at for t in e.terms if t.mark == "winner"] == [(0, 1)] == [e.strongest.at]
    assert "3 cells are equal: the first in reading order wins" in e.notes
    assert "[9]" in str(e)


def test_the_index_of_a_winner_and_nan():
    pool = nn.MaxPool2d(2, return_indices=True)
    x = np.array([[[[1.0, np.nan, 3, 4], [np.nan, 2, 8, 5]]]])
    value, index = of_one(pool, x, 0, (0, 0)), told(nn.Sequential(pool), x, "pool1:indices", 0, (0, 0))
    assert np.isnan(value.stored)
    assert value.agrees  # the last NaN won
    assert value.strongest.at == index.strongest.at == (1, 0)
    assert (index.result, index.stored) == (4, 4)
    assert index.notes[-1] == "1·4 + 0 = 4"


def test_a_window_in_the_padding_alone():
    e = of_one(nn.MaxPool2d(2, 1, 1, dilation=3), np.ones((1, 1, 2, 2)), 0, (0, 0))
    assert (e.stored, e.result, e.agrees, e.strongest) == (-np.inf, -np.inf, True, None)
    assert "the window lies in the padding alone" in str(e)


@pytest.mark.parametrize(("counted", "divisor", "value"), [(True, 6, 14 / 6), (False, 4, 14 / 4)])
def test_the_divisor_of_an_average(counted, divisor, value):
    e = of_one(nn.AvgPool2d((2, 3), 1, (0, 1), count_include_pad=counted), COUNTED, 0, (0, 0))
    assert [t.value for t in e.terms] == [0, 1, 2, 0, 5, 6]
    assert all(t.factor == 1 / divisor for t in e.terms)
    assert e.stored == pytest.approx(value)
    assert f"{divisor} is 2·{divisor // 2} positions" in str(e)
    assert "sum of 6 cells            14" in str(e)


def test_batch_normalization_with_its_numbers():
    bn = nn.BatchNorm2d.of(*(np.array(pair) for pair in ([2.0, 0], [3.0, 1], [10.0, 1], [0.5, 0])), eps=1.0)
    e = of_one(bn, COUNTED, 0, (1, 1))
    assert (e.stored, e.result, e.terms[0].factor, e.bias) == (10 * (6 - 2) / 2 + 0.5, 20.5, 5, 0.5 - 2 * 5)
    assert e.worked == "10 · (6 - 2) / √(3 + 1) + 0.5 = 20.5"
    assert e.notes == ("mean 2, variance 3: running statistics",)


def test_batch_normalization_of_a_training_trace_uses_the_batch():
    x = np.array([[[[0.0, 2]]], [[[4, 6]]]])
    net = nn.Sequential(nn.BatchNorm2d.of(np.array([100.0]), np.array([100.0]), eps=0.0))
    e = explain(net, trace(net, x, training=True), "bn1", 0, (0, 1), image=1)
    assert e.stored == pytest.approx((6 - 3) / 5**0.5)
    assert e.agrees
    assert "mean 3, variance 5: of the batch" in e.notes
    assert not explain(net, trace(net, x), "bn1", 0, (0, 1), image=1).notes[0].endswith("of the batch")


def test_dropout_of_a_training_trace_uses_its_mask():
    net = nn.Sequential(nn.Dropout(0.75))
    t = trace(net, np.arange(1.0, 9)[None], training=True, rng=np.random.default_rng(0))
    kept = {explain(net, t, "dropout1", f).notes[0]: explain(net, t, "dropout1", f) for f in range(8)}
    assert set(kept) == {"kept", "dropped"}
    assert (kept["kept"].terms[0].factor, kept["dropped"].terms[0].factor, kept["dropped"].stored) == (4, 0, 0)


def test_softmax_by_hand():
    e = of_one(nn.Softmax(), np.log(np.array([[1.0, 2, 5]])), 1)
    np.testing.assert_allclose([t.product for t in e.terms], [0.2, 0.4, 1])
    assert (e.sum, e.result) == pytest.approx((1.6, 0.25))
    assert e.agrees
    assert e.strongest == ("x", 1, ())


def test_layer_and_group_norm_measure_what_they_say():
    x = np.array([[[[1.0, 3]], [[10, 50]]]])
    e = of_one(nn.LayerNorm(2, eps=0.0), x, 1, (0, 1))
    assert e.worked == "1 · (50 - 30) / √(400 + 0) + 0 = 1"
    e = of_one(nn.GroupNorm(1, 2, eps=0.0), x, 0, (0, 0))
    assert e.notes == ("mean 16, variance 396.5: of 4 numbers, channels 0…1 of the image",)


def test_interpolation_names_its_taps():
    e = of_one(nn.Upsample(size=(3, 8), mode="bilinear"), COUNTED, 0, (1, 1))
    assert [(t.at, t.factor) for t in e.terms] == [((1, 0), 0.75), ((1, 1), 0.25)]
    assert e.stored == 5.25


def test_flattening_joining_and_unpooling_name_the_cell():
    assert of_one(nn.Flatten(), COUNTED, 18).strongest == ("x", 1, (1, 2))  # 18 = 1·12 + 1·4 + 2
    net = Network([("join", nn.Concat(), ["a", "b"])], inputs=["a", "b"])
    e = told_of_two(net, COUNTED, 2 * COUNTED, "join", 3, (0, 1))
    assert e.strongest == ("b", 1, (0, 1))
    assert "channel 3 is channel 1 of b, branch 2 of 2" in e.notes
    unpool = Network([("up", nn.MaxUnpool2d(2), ["a", "b"])], inputs=["a", "b"])
    places = np.array([[[[3, 0]]]])
    assert told_of_two(unpool, np.array([[[[6.0, 8]]]]), places, "up", 0, (0, 3)).strongest == ("a", 0, (0, 0))
    empty = told_of_two(unpool, np.array([[[[6.0, 8]]]]), places, "up", 0, (1, 1))
    assert (empty.stored, len(empty)) == (0, 0)
    assert "no index names this place" in str(empty)


def told_of_two(net, a, b, *asked) -> Explanation:
    return explain(net, trace(net, a, b), *asked)


def test_the_last_of_two_numbers_with_one_place_stays():
    net = Network([("up", nn.MaxUnpool2d(2), ["a", "b"])], inputs=["a", "b"])
    e = told_of_two(net, np.array([[[[6.0, 8]]]]), np.array([[[[3, 3]]]]), "up", 0, (0, 3))
    assert (e.stored, e.strongest, e.agrees) == (8, ("a", 0, (0, 1)), True)
    assert "2 indices name this place: the last in reading order stays" in e.notes


def test_a_layer_that_divides_by_its_neighbours_shows_slopes_and_no_equation():
    """y = x / √(Σ x²) over two channels (3, 4): dy/dx of the first is 16/125, of the second -12/125."""
    layer = nn.LocalResponseNorm(2, alpha=2.0, beta=0.5, k=0.0, longer="above")
    e = of_one(layer, np.array([3.0, 4]).reshape(1, 2, 1, 1), 0, (0, 0))
    assert (e.kind, e.stored, e.agrees) == ("cells", pytest.approx(0.6), True)
    assert [(t.channel, t.value) for t in e.terms] == [(0, 3), (1, 4)]
    np.testing.assert_allclose([t.factor for t in e.terms], [16 / 125, -12 / 125])
    assert "no sum of products" in str(e)
    assert "slope dy/dx" in str(e)


class Own(nn.Layer):
    """A layer that no table knows: what `function` makes of x, all of one map."""

    def __init__(self, function, gradient=None):
        self._set(function=function, gradient=gradient)

    def forward(self, x, *, accuracy="fast"):
        return self.function(x)

    def backward(self, grads, passage):
        if self.gradient is None:
            raise NotImplementedError
        return (self.gradient(grads[0]),), {}


def test_a_layer_of_ones_own_is_asked_itself():
    turned = of_one(Own(lambda x: x[..., ::-1].copy()), COUNTED, 1, (2, 0))
    assert (turned.kind, turned.strongest) == ("products", ("x", 1, (2, 3)))
    # The largest so far answers with addresses too, but not twice with the same.
    largest = of_one(Own(lambda x: np.maximum.accumulate(x, axis=-1)), COUNTED, 0, (0, 2))
    assert (largest.kind, largest.stored, largest.agrees, len(largest)) == ("cells", 3, True, 0)
    assert "which cells of x count, the layer does not say" in str(largest)
    halved = of_one(Own(lambda x: -x / 2, lambda grad: -grad / 2), COUNTED, 0, (1, 1))
    assert [(t.at, t.factor) for t in halved.terms] == [((1, 1), -0.5)]
    constant = of_one(Own(lambda x: x * 0 + 0.25, lambda grad: grad * 0), COUNTED, 0, (1, 1))
    assert "no input cell counts" in str(constant)


def test_winograd_has_a_bound_of_its_own():
    """A number further off than exact sums may be, in a layer that a fast trace sums by Winograd, is held against Winograd's bound."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, rng=rng))
    x = rng.standard_normal((1, 32, 24, 20)).astype(np.float32)
    assert all(explain(net, trace(net, x, accuracy="fast"), "conv1", 3, (i, i)).agrees for i in range(20))
    t = trace(net, x)
    exact = explain(net, t, "conv1", 3, (5, 6))
    assert exact.notes == ()
    by_winograd, wrong = (explain(net, moved(t, exact, off * exact.allowed), "conv1", 3, (5, 6)) for off in (2, 1000))
    assert by_winograd.allowed > 2 * exact.allowed
    assert (by_winograd.agrees, wrong.agrees) == (True, False)
    assert "winograd4 sums other products than the equation's; the bound is its own" in by_winograd.notes
    assert "MORE than the" in str(wrong)
    for name in ("winograd2", "fft"):
        named = nn.Sequential(net["conv1"].with_(algorithm=name))
        e = explain(named, trace(named, x), "conv1", 3, (5, 6))
        assert e.agrees
        assert f"{name} sums other products than the equation's; the bound is its own" in e.notes


def moved(t, e, by: float):
    """Return a trace in which the explained number is off."""
    data = t[e.node].data.copy()
    data[(e.image, e.channel, *e.at)] += by
    return dataclasses.replace(t, maps={**t.maps, e.node: dataclasses.replace(t[e.node], data=data)})


def test_it_takes_some_milliseconds_in_a_network_of_a_hundred_nodes():
    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    t = trace(net, np.random.default_rng(1).standard_normal((1, 3, 96, 96)).astype(np.float32))
    str(explain(net, t, "classifier", 9))  # the description is made once a trace
    for asked in (("block15.project.conv", 319, (1, 2)), ("head.bn", 1279, (2, 0)), ("classifier", 999)):
        before = time.thread_time()
        str(explain(net, t, *asked))
        assert time.thread_time() - before < 0.1


# ---- the way to the pixels ----


def test_the_path_of_the_classifier_ends_at_a_pixel_that_it_looks_at():
    net, x = small_classifier(), spread_photo((1, 2, 9, 13))
    t = trace(net, x)
    e = explain(net, t, "fc", 4)
    levels = e.follow()
    assert [level.node for level in levels[:5]] == ["fc", "flatten", "gap", "relu3", "conv3"]
    assert levels[-1].node == "x"
    for before, level in pairwise(levels):
        assert before.strongest == (level.node, level.channel, level.at)
        assert not (level.pixels() & ~before.pixels()).any()
    assert e.pixels()[levels[-1].at]
    assert len(e.follow(3)) == 4
    assert explain(net, t, *e.strongest).node == "flatten"
    lines = e.levels(2).split("\n")
    assert lines[0].split() == ["level", "number", "value", "how"]
    assert [tuple(line.split()[:2]) for line in lines[2:4]] == [("0", "fc[4]"), ("1", f"flatten[{levels[1].channel}]")]
    assert len(lines) == 2 + 3


def test_levels_fit_the_width():
    net = nn.Sequential(*((f"a_long_name_of_a_layer_{n}", layer) for n, layer in enumerate(small_classifier()[i] for i in range(2))))
    e = told(net, spread_photo((1, 2, 9, 13)) * 1e-9, "a_long_name_of_a_layer_1", 0, (2, 3))
    for width in (40, 60, 80, 100):
        text = e.levels(width=width)
        assert max(map(len, text.split("\n"))) <= width
        assert "a_long_name_of_a_layer_0[0, 2, 3]" in text
    with pytest.raises(ArgumentError, match=r"Explanation\.levels: width must be at least 40"):
        e.levels(width=9)


def test_the_strongest_is_the_largest_product():
    e = of_one(nn.Linear.of(np.array([[1.0, -5, 2, 3]])), np.array([[4.0, 3, -9, 1]]), 0)
    assert [level.channel for level in e.back(4)] == [2, 1, 0, 3]  # -18, -15, 4, 3
    assert [level.stored for level in e.back(2)] == [-9, 3]


def test_nan_is_followed_to_where_it_came_in():
    x = np.ones((1, 2, 5, 6))
    x[0, 1, 3, 4] = np.nan
    net = nn.Sequential(nn.Conv2d(2, 3, 3, rng=np.random.default_rng(0), dtype=np.float64), nn.ReLU(), nn.MaxPool2d(2))
    e = told(net, x, "pool1", 1, (0, 1))
    assert np.isnan(e.stored)
    assert e.agrees
    assert (e.follow()[-1].channel, e.follow()[-1].at) == (1, (3, 4))


def test_the_input_itself():
    e = of_one(nn.ReLU(), COUNTED, 0, (1, 1))
    pixel = e.back(1)[0]
    assert (pixel.kind, pixel.stored, len(pixel), pixel.layer, pixel.strongest) == ("input", 6, 0, None, None)
    assert str(pixel) == "x, channel 0, row 1, column 1, image 0\na pixel of the input: 6"
    assert pixel.to_dict()["pixels"] == 1


def test_a_fused_network_is_explained_like_any_other():
    net = small_classifier(np.float32)
    fused = fuse(net, channels_last=True)
    x = spread_photo((1, 2, 9, 13), dtype=np.float32)
    t = trace(fused, x)
    for node in fused:
        shape = t.shapes[node.name]
        e = explain(fused, t, node.name, shape[1] - 1, tuple(n // 2 for n in shape[2:]))
        assert e.agrees, e
        assert e.follow()[-1].node == "x"


# ---- the printed answer and the plain data ----


def test_many_channels_are_cut_to_those_that_weigh_most():
    rng = np.random.default_rng(2)
    net = nn.Sequential(nn.Conv2d(512, 3, 3, rng=rng))
    e = told(net, rng.standard_normal((1, 512, 4, 5)).astype(np.float32), "conv1", 1, (1, 2))
    text = str(e)
    assert "and 504 more channels: sum " in text
    assert "the channel that weighs most, of 512:" in text
    assert len(e.terms) == 4608
    assert max(map(len, text.split("\n"))) <= 80
    shown = [line.split() for line in text.split("\n") if " · " in line and line.endswith(")")]
    sums = sorted((abs(group.sum) for group in e.groups), reverse=True)[:8]
    assert [float(row[1]) for row in shown] == pytest.approx(
        [group.sum for size in sums for group in e.groups if abs(group.sum) == size], rel=1e-5
    )
    rest = float(text.split("more channels: sum ")[1].split("\n")[0])
    assert rest == pytest.approx(sum(group.sum for group in e.groups) - sum(float(row[1]) for row in shown), abs=1e-4)
    assert "and 510 more channels" in e.text(most=2)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (7, 7), (11, 11), (1, 13), (15, 3), (2, 1)])
def test_every_window_fits_80_columns(kernel):
    rng = np.random.default_rng(1)
    net = nn.Sequential(nn.Conv2d(3, 2, kernel, padding=2, rng=rng))
    text = str(told(net, 100 * rng.standard_normal((1, 3, 17, 16)).astype(np.float32), "conv1", 1, (0, 1)))
    assert max(map(len, text.split("\n"))) <= 80
    assert len(text.split("\n")) <= 64
    assert "pad" in text


def test_a_patch_stands_beside_its_filter_and_products():
    weight = np.array([[[[1.0, 2], [3, 4]]]])
    text = str(of_one(nn.Conv2d.of(weight, padding=1), np.array([[[[5.0, -6], [8, 9]]]]), 0, (0, 1)))
    assert [line.split() for line in text.split("\n")[6:9]] == [
        ["pad", "pad", "·", "1", "2", "=", "pad", "pad"],
        ["5", "-6", "3", "4", "15", "-24"],
        ["sum", "-9"],
    ]


def test_small_numbers_are_printed_in_a_unit():
    text = str(of_one(nn.Conv2d.of(np.full((1, 1, 2, 2), 1.25e-4)), np.full((1, 1, 2, 2), 3.5e7), 0, (0, 0)))
    assert "patch, in 1e6" in text
    assert "filter, in 1e-6" in text
    assert "125.0" in text


def test_as_json():
    e = of_one(nn.MaxPool2d(2), COUNTED, 1, (0, 0))
    document = json.loads(json.dumps(e.to_dict()))
    assert document["layer"] == "MaxPool2d(kernel_size=2, stride=2)"
    assert [term["mark"] for term in document["terms"]] == ["", "", "", "winner"]
    assert document["terms"][3] == {
        "map": "x",
        "channel": 1,
        "at": [1, 1],
        "image": 0,
        "value": 106,
        "factor": None,
        "product": 106,
        "mark": "winner",
    }
    assert document["strongest"] == {"node": "x", "channel": 1, "at": [1, 1]}
    assert (document["box"], document["pixels"]) == ({"top": 0, "left": 0, "bottom": 1, "right": 1}, 4)
    padded = of_one(nn.ZeroPad2d(1), COUNTED, 0, (0, 0)).to_dict()
    assert (padded["terms"][0]["value"], padded["box"], padded["strongest"]) == ("padding", None, None)


def test_an_explanation_is_frozen():
    e = of_one(nn.ReLU(), COUNTED, 0, (0, 0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.stored = 1
    with pytest.raises(IndexError):
        e.term(1)


# ---- mistakes ----


@pytest.fixture
def asked():
    net = small_classifier()
    return net, trace(net, spread_photo((1, 2, 9, 13)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("conv9", 0, (0, 0)), UnknownNameError, r"explain: there is no map 'conv9' in this trace\. Did you mean 'conv3'\?|'conv2'|'conv1'"),
        ((3, 0, (0, 0)), UnknownNameError, r"there is no map 3 in this trace"),
        (("conv1", 4, (0, 0)), ArgumentError, r"the map 'conv1' has 4 channels, but channel 4 was asked for; use 0 … 3\."),
        (("conv1", -1, (0, 0)), ArgumentError, r"explain: channel must be at least 0, but it is -1"),
        (("conv1", 1.0, (0, 0)), ArgumentError, r"explain: channel must be a whole number, but it is 1\.0"),
        (("conv1", 0, (9, 0)), ArgumentError, r"the map 'conv1' has 9 rows, but row 9 was asked for; use 0 … 8\."),
        (("conv1", 0, (0, 7)), ArgumentError, r"has 7 columns, but column 7 was asked for; use 0 … 6\."),
        (("conv1", 0), ArgumentError, r"has the shape \(1, 4, 9, 7\), so a number of it has a channel and at=\(row, column\), such as at=\(4, 3\), but at is \(\)"),
        (("conv1", 0, 4), ArgumentError, r"a channel and at=\(row, column\), such as at=\(4, 3\), but at is \(4,\)"),
        (("fc", 0, (0, 0)), ArgumentError, r"has the shape \(1, 5\), so a number of it has a feature and no `at`, but at is \(0, 0\)"),
        (("fc", 5), ArgumentError, r"the map 'fc' has 5 features, but feature 5 was asked for; use 0 … 4"),
    ],
)  # fmt: skip
def test_places_that_are_not_there(asked, arguments, error, message):
    with pytest.raises(error, match=message):
        explain(*asked, *arguments)


def test_other_mistakes(asked):
    net, t = asked
    with pytest.raises(ArgumentError, match=r"the map 'fc' has 1 images, but image 1 was asked for; use 0 … 0\."):
        explain(net, t, "fc", 0, image=1)
    with pytest.raises(ArgumentError, match=r"explain: the second argument is what trace\(net, x\) returned, but it is a ndarray\."):
        explain(net, t.outputs[0], "fc", 0)
    with pytest.raises(ArgumentError, match=r"explain: the trace must be of this network, .* trace this network: trace\(net, x\)\."):
        explain(small_classifier(), t, "fc", 0)
    with pytest.raises(ArgumentError, match=r"explain: the first argument is a network or a layer, but it is a list"):
        explain([nn.ReLU()], t, "fc", 0)
    empty = nn.Sequential(nn.ReLU())
    with pytest.raises(ArgumentError, match=r"has 0 images, but image 0 was asked for; trace a batch that is not empty\."):
        explain(empty, trace(empty, np.ones((0, 2, 3, 4))), "relu1", 0, (0, 0))
    e = explain(net, t, "fc", 0)
    for call, message in ((lambda: e.back(0), "most must be at least 1"), (lambda: e.follow(-1), "depth must be at least 0")):
        with pytest.raises(ArgumentError, match=message):
            call()
    with pytest.raises(ArgumentError, match=r"Explanation\.text: width must be at least 40"):
        e.text(20)


def test_maps_that_were_let_go():
    net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten())
    t = trace(net, COUNTED, keep="gradient")
    with pytest.raises(
        UnknownNameError, match=r"explain: the map 'pool1' was let go, since keep='gradient' .*; trace\(net, x\) keeps every map\."
    ):
        explain(net, t, "pool1", 0, (0, 0))
    with pytest.raises(
        UnknownNameError, match=r"explain: the terms of 'relu1' are numbers of the map 'pool1', which was let go, since keep='gradient'"
    ):
        explain(net, t, "relu1", 0, (0, 0))
    assert explain(net, t, "flatten1", 0).stored == 6


def test_a_trace_of_the_same_layers_is_taken():
    """Another Network around the same nodes is the same network."""
    net = small_classifier()
    t = trace(Network(net.nodes, net.inputs), spread_photo((1, 2, 9, 13)))
    assert explain(net, t, "fc", 0).agrees
    with pytest.raises(ShapeError, match="image"):
        trace(net, np.ones((9, 13)))
