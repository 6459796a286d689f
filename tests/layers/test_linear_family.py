"""The linear layers in networks: gradients that meet, columns that have no positions, scales that decide positions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import backward, describe, nn, trace
from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.field import Box
from minicnn.layers.base import Passage


def integers(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def passage_of(layer, *inputs, needs=(True,), needs_parameters=True):
    return Passage(inputs, (layer(*inputs),), tuple(x.shape for x in inputs), needs=needs, needs_parameters=needs_parameters)


class TestLinear:
    def test_float32_weights_under_a_float64_x(self):
        layer, x, g = nn.Linear.of(integers(4, 7), integers(4)), integers(2, 7, dtype=np.float64), integers(2, 4, dtype=np.float64)
        (grad_x,), found = layer.backward((g,), passage_of(layer, x))
        assert grad_x.dtype == found["weight"].dtype == found["bias"].dtype == np.float64
        assert_array_equal(grad_x, g @ layer.weight.astype(float))
        wide, passage = (
            layer.with_(weight=layer.weight.astype(float), bias=None),
            Passage((integers(2, 7),), (None,), ((2, 7),), needs=(True,)),
        )
        with pytest.raises(DTypeError, match="weight is float64 and x is float32"):
            wide.backward((integers(2, 4),), passage)

    def test_one_side_only(self):
        layer, x, g = nn.Linear(7, 4), integers(2, 7), integers(2, 4)
        (grad_x,), found = layer.backward((g,), passage_of(layer, x, needs=(False,)))
        assert grad_x is None
        assert set(found) == {"weight", "bias"}
        (grad_x,), found = layer.backward((g,), passage_of(layer, x, needs_parameters=False))
        assert_array_equal(grad_x, g @ layer.weight)
        assert found == {}
        assert set(nn.Linear(7, 4, bias=False).backward((g,), passage_of(nn.Linear(7, 4, bias=False), x))[1]) == {"weight"}


class TestMeeting:
    def test_three_ways_add_up(self):
        nodes = [
            nn.Node("id", nn.Identity(), ("x",)),
            nn.Node("pad", nn.CircularPad2d((0, 0, 0, 4)), ("x",)),
            nn.Node("half", nn.Upsample(size=(4, 5)), ("pad",)),
            nn.Node("add", nn.Add(), ("x", "id", "half")),
            nn.Node("cat", nn.Concat(), ("add", "x")),
            nn.Node("flat", nn.Flatten(), ("cat",)),
        ]
        net, x = nn.Network(nodes), integers(2, 3, 4, 5)
        t, g = trace(net, x, keep="gradient"), integers(2, 120, seed=1)
        kept_before = g.copy()
        grad_inputs, _ = backward(net, t, g)
        pieces = g.reshape(2, 6, 4, 5)
        every_other = np.zeros((2, 3, 4, 5), np.float32)  # half reads rows 0, 2, 4, 6 of x twice over: 0, 2, 0, 2
        every_other[:, :, 0], every_other[:, :, 2] = pieces[:, :3, 0] + pieces[:, :3, 2], pieces[:, :3, 1] + pieces[:, :3, 3]
        assert_array_equal(grad_inputs["x"], 2 * pieces[:, :3] + every_other + pieces[:, 3:])
        assert_array_equal(g, kept_before)
        assert g.flags.writeable

    def test_add_of_one_hands_back_what_came(self):
        x, g = integers(2, 3), integers(2, 3, seed=1)
        (only,), found = nn.Add().backward((g,), passage_of(nn.Add(), x))
        assert_array_equal(only, g)
        assert found == {}


class TestColumns:
    NET = nn.Sequential(nn.ZeroPad2d((1, 0, 0, 0)), nn.Unfold((3, 2)), nn.ReLU(), nn.Fold((9, 7), (3, 2)), nn.MaxPool2d(2))

    def test_columns_see_everything(self):
        facts = describe(self.NET, (2, 9, 6))
        assert [row.shape for row in facts][2:] == [(1, 12, 42), (1, 12, 42), (1, 2, 9, 7), (1, 2, 4, 3)]
        assert facts.field("unfold1").reason == facts.field("fold1").reason == "sees everything: unfold"
        assert facts.box("fold1", 8, 6) == facts.box("pool1", 0, 0) == Box(0, 0, 8, 5)

    def test_trace_and_backward(self):
        x = integers(2, 2, 9, 6)
        t = trace(nn.Sequential(*[node.layer for node in self.NET][:4]), x)
        assert [m.shape for m in t] == [m.shape for m in trace(self.NET, x)][:-1]
        assert "unfold1" in repr(t)
        g = integers(2, 2, 9, 7, seed=1)
        windows = F.unfold(F.pad(x, (1, 0, 0, 0)), (3, 2))
        columns = F.unfold(g, (3, 2)) * (windows > 0)
        expected = F.fold(columns, (9, 7), (3, 2))[..., 1:]
        relu = {nn.ReLU: lambda layer, grad, passage: grad * (windows > 0)}
        assert_array_equal(backward(t.net, t, g, relu)[0]["x"], expected)

    def test_settings_are_checked_when_they_are_given(self):
        with pytest.raises(ArgumentError, match=r"^Unfold: kernel_size must be at least 1"):
            nn.Unfold(0)
        with pytest.raises(ArgumentError, match=r"^Unfold: stride must be at least 1"):
            nn.Unfold(2, stride=0)
        with pytest.raises(ArgumentError, match=r"^Fold: output_size\[0\] must be at least 1"):
            nn.Fold((0, 3), 2)
        with pytest.raises(ArgumentError, match=r"^Fold: padding must be at least 0"):
            nn.Fold(4, 2, padding=-1)

    @pytest.mark.parametrize(
        ("layer", "shape", "match"),
        [
            (nn.Unfold(5), (1, 3, 4, 9), r"^Unfold: the kernel must fit into the padded input"),
            (nn.Unfold(2), (4, 9), r"^Unfold: x must be \(N, C, H, W\) or \(C, H, W\)"),
            (nn.Fold((4, 5), 2), (1, 8, 11), r"^Fold: x must have one column per window, and in 4×5 there are 3·4 = 12 .* has 11"),
            (nn.Fold((4, 5), 2), (1, 2, 4, 5), r"^Fold: x must be \(N, C·kh·kw, L\)"),
        ],
    )
    def test_shape_errors_come_from_integers_alone(self, layer, shape, match):
        with pytest.raises(ShapeError, match=match):
            layer.output_shape(shape)
        with pytest.raises(ShapeError):
            layer(np.zeros(shape))

    def test_single_images_and_repr(self):
        assert nn.Unfold(2).output_shape((3, 4, 5)) == nn.Unfold(2)(np.zeros((3, 4, 5))).shape == (12, 12)
        assert nn.Fold((4, 5), 2).output_shape((12, 12)) == nn.Fold((4, 5), 2)(np.zeros((12, 12))).shape == (3, 4, 5)
        assert repr(nn.Unfold((3, 2), 1, ((1, 0), (0, 0)), 2)) == "Unfold((3, 2), padding=((1, 0), (0, 0)), stride=2)"
        assert repr(nn.Fold(4, 2)) == "Fold(4, 2)"


class TestUpsampleByAFactor:
    def test_positions_follow_the_factor(self):
        by_factor, by_size = nn.Upsample(scale_factor=(1, 1.7)), nn.Upsample(scale_factor=(1, 1.7), recompute_scale_factor=True)
        x = np.arange(5.0).reshape(1, 1, 1, 5)
        for layer, expected in ((by_factor, [0, 0, 1, 1, 2, 2, 3, 4]), (by_size, [0, 0, 1, 1, 2, 3, 3, 4])):
            assert_array_equal(layer(x), [[[expected]]])
            facts = describe(nn.Sequential(("up", layer)), (1, 1, 5))
            assert [facts.box("up", 0, j).left for j in range(8)] == expected

    def test_recompute_scale_factor_is_checked(self):
        with pytest.raises(ArgumentError, match=r"^Upsample: recompute_scale_factor belongs to scale_factor, but size is 4"):
            nn.Upsample(4, recompute_scale_factor=True)
        with pytest.raises(ArgumentError, match=r"^Upsample: recompute_scale_factor is True or False, but it is 'yes'"):
            nn.Upsample(scale_factor=2, recompute_scale_factor="yes")
