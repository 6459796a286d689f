"""What a number sees, worked out by hand; branches, several inputs, questions without an answer, memory."""

import numpy as np
import pytest
from proofs import POOL_THEN_CONV, marked, nan_probe, prove_pixels, the_pixels

from minicnn import describe, nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.field import Box, ReceptiveField


def test_a_row_that_pooling_dropped_is_never_seen():
    facts = describe(POOL_THEN_CONV, (1, 5, 5))
    assert facts.field("conv").box(1, 1) == Box(0, 0, 5, 5)
    assert facts.field("conv").box(1, 1).clip((5, 5)) == Box(0, 0, 4, 4)
    assert facts.box("conv", 1, 1) == Box(0, 0, 3, 3)
    seen = np.logical_or.reduce([facts.pixels("conv", i, j) for i in range(2) for j in range(2)])
    assert not seen[4].any()
    assert not seen[:, 4].any()
    assert seen[:4, :4].all()
    x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    changed = x.copy()
    changed[0, 0, 4, 4] = 1e6
    np.testing.assert_array_equal(POOL_THEN_CONV(changed), POOL_THEN_CONV(x))


def test_two_layers_of_3x3_see_5x5():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, rng=nn.SHAPE_ONLY), nn.Conv2d(2, 3, 3, rng=nn.SHAPE_ONLY))
    facts = describe(net, (1, 7, 9))
    assert facts.field("conv2").size == (5, 5)
    assert facts.box("conv2", 2, 4) == Box(2, 4, 6, 8)
    assert facts.pixels("conv2", 2, 4).sum() == 25


def test_adaptive_pooling_from_7_to_5_sees_2_2_3_2_2():
    facts = describe(nn.Sequential(nn.AdaptiveAvgPool2d((5, 1))), (1, 7, 2))
    assert [int(facts.pixels("pool1", i, 0)[:, 0].sum()) for i in range(5)] == [2, 2, 3, 2, 2]
    assert [facts.box("pool1", i, 0) for i in range(5)] == [Box(a, 0, b, 1) for a, b in ((0, 1), (1, 2), (2, 4), (4, 5), (5, 6))]


def test_transposed_3_by_stride_2_sees_one_or_two_in_turn():
    net = nn.Sequential(nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, rng=nn.SHAPE_ONLY))
    facts = describe(net, (1, 4, 6))
    assert facts["convT1"].shape == (1, 1, 8, 12)
    assert [int(facts.pixels("convT1", i, 0).any(axis=1).sum()) for i in range(8)] == [1, 2, 1, 2, 1, 2, 1, 1]
    assert facts.field("convT1").size == (2, 2)


def test_an_output_in_the_padding_sees_nothing():
    facts = describe(nn.Sequential(nn.Conv2d(1, 1, (1, 2), padding=((2, 0), (1, 0)), rng=nn.SHAPE_ONLY)), (1, 3, 4))
    assert facts.box("conv1", 1, 2) is None
    assert not facts.pixels("conv1", 1, 2).any()
    assert facts.box("conv1", 2, 0) == Box(0, 0, 0, 0)


def test_a_stride_larger_than_the_kernel_leaves_holes():
    net = nn.Sequential(nn.Conv2d(1, 1, 1, stride=(2, 3), rng=nn.SHAPE_ONLY), nn.Conv2d(1, 1, 2, rng=nn.SHAPE_ONLY))
    mask = describe(net, (1, 3, 7)).pixels("conv2", 0, 1)
    assert marked(mask) == {(0, 3), (0, 6), (2, 3), (2, 6)}
    assert describe(net, (1, 3, 7)).box("conv2", 0, 1) == Box(0, 3, 2, 6)


@pytest.mark.parametrize(("dim", "seen"), [(1, {(1, 2)}), (2, {(r, 2) for r in range(3)}), (-1, {(1, c) for c in range(4)})])
def test_softmax_sees_the_axis_that_it_shares_out(dim, seen):
    net = nn.Sequential(nn.Softmax(dim))
    assert marked(describe(net, (2, 3, 4)).pixels("softmax1", 1, 2)) == seen
    assert marked(nan_probe(net, (2, 3, 4))["softmax1"][:, 1, 2].reshape(3, 4)) == seen


def test_linear_sees_everything_behind_a_flatten_and_a_row_before_one():
    net = nn.Sequential(nn.Linear(4, 2, rng=nn.SHAPE_ONLY), nn.Flatten(), nn.Linear(12, 5, rng=nn.SHAPE_ONLY))
    facts = describe(net, (2, 3, 4))
    assert facts.box("linear1", 1, 1) == Box(1, 0, 1, 3)
    assert facts.box("linear2") == Box(0, 0, 2, 3)
    assert facts.field("linear1").size is None
    assert facts.field("linear2").reason == "sees everything: linear over the last axis"
    assert describe(nn.Sequential(nn.Flatten()), (2, 3, 4)).field("flatten1").reason == "sees everything: flatten"


def test_features_have_one_position():
    facts = describe(nn.Sequential(nn.Linear(6, 2, rng=nn.SHAPE_ONLY)), (4, 6))
    assert facts.pixels("linear1", 0, 0).tolist() == [[True]]


def beside_an_identity(kernel: int, stride=1) -> nn.Network:
    g = nn.Graph()
    x = g.input("x")
    branch = x.then("branch", nn.Conv2d(1, 1, kernel, stride, "same", rng=nn.SHAPE_ONLY))
    skip = x if stride == 1 else x.then("skip", nn.Conv2d(1, 1, 1, stride, rng=nn.SHAPE_ONLY))
    return g.network(g.join("add", nn.Add(), branch, skip))


def test_an_even_kernel_beside_an_identity_is_misaligned():
    facts = describe(beside_an_identity(2), (1, 5, 6))
    field = facts.field("add")
    assert not field.aligned
    assert field.reason == "misaligned: branch is centred 1/2 rows and 1/2 columns from x"
    assert (field.size, field.stride, field.start) == ((2, 2), (1, 1), (0, 0))
    assert f"Note: {field.reason}." in str(facts)
    assert "2 / 1 !" in str(facts)
    assert facts["branch"].field.aligned  # it is the meeting that is misaligned


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_symmetric_branches_are_aligned(kernel):
    field = describe(beside_an_identity(kernel), (1, 5, 6)).field("add")
    assert field.aligned
    assert not field.reason
    assert field == ReceptiveField((kernel, kernel), (1, 1), (-(kernel // 2), -(kernel // 2)))


def test_a_residual_block_with_a_stride_is_aligned_where_padding_is_symmetric():
    g = nn.Graph()
    x = g.input("x")
    main = x.then("main", nn.Conv2d(1, 1, 3, 2, 1, rng=nn.SHAPE_ONLY))
    net = g.network(g.join("add", nn.Add(), main, x.then("skip", nn.Conv2d(1, 1, 1, 2, rng=nn.SHAPE_ONLY))))
    assert describe(net, (1, 7, 9)).field("add") == ReceptiveField((3, 3), (2, 2), (-1, -1))
    same = beside_an_identity(3, stride=2)  # TensorFlow pads 8 rows by (0, 1): centres differ by one
    assert describe(same, (1, 8, 9)).field("add").reason == "misaligned: branch is centred 1 rows and 0 columns from skip"
    assert describe(same, (1, 7, 9)).field("add").aligned


def test_branches_of_different_strides_have_no_closed_form():
    g = nn.Graph()
    x = g.input("x")
    half = x.then("half", nn.MaxPool2d(2)).then("up", nn.Upsample(size=(4, 6)))
    narrow = x.then("narrow", nn.Conv2d(1, 1, (3, 1), rng=nn.SHAPE_ONLY)).then("wide", nn.Upsample(size=(4, 6)))
    net = g.network(g.join("add", nn.Add(), half, narrow))
    facts = describe(net, (1, 4, 6))
    assert facts.field("add").size is None
    assert facts.field("add").reason.startswith("branches meet with different strides: up (1, 1), wide (Fraction(1, 2), 1)")
    assert facts.box("add", 3, 5) == Box(1, 4, 3, 5)
    prove_pixels(net, (1, 4, 6), the_pixels)


def two_inputs() -> nn.Network:
    g = nn.Graph()
    a, b = g.input("a"), g.input("b")
    left = a.then("left", nn.Conv2d(1, 1, 3, padding=1, rng=nn.SHAPE_ONLY))
    both = g.join("add", nn.Add(), left, b.then("right", nn.MaxPool2d(2)))
    return g.network(both.then("relu", nn.ReLU()))


def test_every_input_has_its_own_geometry():
    facts = describe(two_inputs(), {"a": (1, 3, 4), "b": (1, 7, 8)})
    assert facts.box("relu", 2, 0, input="a") == Box(1, 0, 2, 1)
    assert facts.box("relu", 2, 0, input="b") == Box(4, 0, 5, 1)
    assert facts.pixels("relu", 0, 0, "b").shape == (7, 8)
    assert str(facts.field("relu", "a")) == "3 / 1 / 1"
    assert str(facts.field("relu", "b")) == "2 / 2 / 0"
    assert facts.box("left", 0, 0, input="b") is None
    assert facts.field("left", "b").reason == "does not look at b"
    assert facts.field("b", "a").size is None


def test_network_trace_and_description_answer_alike():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, 2, rng=np.random.default_rng(0)), nn.MaxPool2d(2, return_indices=True))
    facts, maps = describe(net, (1, 9, 12)), trace(net, np.ones((1, 1, 9, 12), np.float32))
    assert net.box("pool1", 1, 1, (1, 9, 12)) == facts.box("pool1", 1, 1) == maps["pool1"].box(1, 1) == Box(4, 4, 8, 8)
    np.testing.assert_array_equal(net.pixels("pool1", 1, 0, (1, 9, 12)), maps["pool1:indices"].pixels(1, 0))
    assert maps["pool1"].field == facts.field("pool1")


@pytest.mark.parametrize(
    ("error", "match", "ask"),
    [
        (ArgumentError, r"'add' has 3×4 positions, but row 3 was asked for; use 0 … 2", lambda f: f.box("add", 3, 0, "a")),
        (ArgumentError, r"'add' has 3×4 positions, but column 4 was asked for; use 0 … 3", lambda f: f.pixels("add", 0, 4, "a")),
        (ArgumentError, r"row must be at least 0, but it is -1", lambda f: f.box("add", -1, 0, "a")),
        (ArgumentError, r"column must be a whole number, but it is 1.0", lambda f: f.box("add", 1, 1.0, "a")),
        (ArgumentError, r"the network has 2 inputs; say which with input=, one of \('a', 'b'\)", lambda f: f.box("add", 0, 0)),
        (UnknownNameError, r"there is no input 'c'. Known: a, b", lambda f: f.field("add", "c")),
        (UnknownNameError, r"there is no node 'ad'. Did you mean 'add'\?", lambda f: f.pixels("ad", 0, 0, "a")),
    ],
)
def test_questions_that_have_no_answer(error, match, ask):
    with pytest.raises(error, match=match):
        ask(describe(two_inputs(), {"a": (1, 3, 4), "b": (1, 7, 8)}))


def test_a_kernel_that_does_not_fit_names_its_node():
    net = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, (2, 5), rng=nn.SHAPE_ONLY))
    with pytest.raises(ShapeError, match=r"node 'conv1': Conv2d: .* over the columns a kernel of 5 .* has 4 \+ 0 \+ 0 = 4"):
        describe(net, (1, 9, 8))


def test_memory_of_a_branch():
    """A map goes after its last use; b is an output of the network and stays."""
    g = nn.Graph()
    x = g.input("x")  # 1·4·6 = 24 numbers
    a = x.then("a", nn.Conv2d(1, 2, 3, padding=1, rng=nn.SHAPE_ONLY))  # 2·4·6 = 48
    b = a.then("b", nn.MaxPool2d(2))  # 2·2·3 = 12
    c = a.then("c", nn.AvgPool2d(2))  # 12
    d = g.join("d", nn.Concat(), b, c)  # 4·2·3 = 24
    net = g.network(d.then("e", nn.ReLU()), b)
    facts = describe(net, (1, 4, 6))
    assert facts.memory_curve() == [
        ("a", 96 + 192),  # x and a
        ("b", 192 + 48),  # a is needed again
        ("c", 192 + 48 + 48),  # a for the last time
        ("d", 48 + 48 + 96),
        ("e", 48 + 96 + 96),  # c is gone, b is not
    ]
    assert facts.peak_bytes == 288
    assert facts.bytes == 96 + 192 + 48 + 48 + 96 + 96
    assert describe(net, (3, 1, 4, 6), dtype=np.float64).memory_curve() == [(n, 6 * size) for n, size in facts.memory_curve()]
