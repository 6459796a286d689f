"""saliency: by hand, against finite differences, and guided backpropagation against its definition."""

import numpy as np
import pytest
from differences import assert_is_derivative
from questions import small_classifier, spread_photo

from minicnn import nn, trace
from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe import saliency


@pytest.mark.parametrize("index", [0, 3])
def test_the_gradient_is_that_of_the_score(index):
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    found = saliency(net, trace(net, x), index)
    grad = np.zeros((1, 5))
    grad[0, index] = 1
    assert_is_derivative(net, [found.gradient[None]], (x,), (grad,), directions=4)
    np.testing.assert_array_equal(found.map, np.abs(found.gradient).max(axis=0))
    assert found.map[found.strongest] == found.map.max()


def test_the_default_class_is_the_largest():
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    best = int(np.argmax(t.outputs[0]))
    found = saliency(net, t)
    assert found.class_index == best
    assert found.score == t.outputs[0][0, best]
    np.testing.assert_array_equal(found.map, saliency(net, t, best).map)


@pytest.mark.parametrize("softmax", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_the_score_stands_before_the_softmax(softmax):
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    ended = nn.Network([*net.nodes, ("end", softmax, ["fc"])])
    plain, found = saliency(net, trace(net, x), 2), saliency(ended, trace(ended, x), 2)
    np.testing.assert_array_equal(found.map, plain.map)
    np.testing.assert_allclose(found.probability, np.exp(plain.score) / np.exp(trace(net, x).outputs[0]).sum(), rtol=1e-12)


def test_guided_by_hand():
    """conv 1×1 of -2, ReLU, then weights: a gradient passes where the ReLU was open and where it is positive."""
    net = nn.Sequential(nn.Conv2d.of(np.full((1, 1, 1, 1), -2.0)), nn.ReLU(), nn.Flatten(), nn.Linear.of(np.array([[5.0, -1.0, 7.0]])))
    t = trace(net, np.array([[[[-3.0, -1.0, 4.0]]]]))
    np.testing.assert_array_equal(saliency(net, t).gradient, [[[-10, 2, 0]]])
    np.testing.assert_array_equal(saliency(net, t, guided=True).gradient, [[[-10, 0, 0]]])
    capped = net.with_layers({"relu1": nn.ReLU6()})
    np.testing.assert_array_equal(saliency(capped, trace(capped, np.array([[[[-4.0, -1.0, 4.0]]]])), guided=True).gradient, [[[0, 0, 0]]])


def test_guided_without_anything_negative_is_the_gradient():
    net = nn.Sequential(nn.Conv2d.of(np.ones((2, 1, 2, 3))), nn.ReLU(), nn.Flatten(), nn.Linear.of(np.ones((1, 12))))
    t = trace(net, spread_photo((1, 1, 3, 5)))
    np.testing.assert_array_equal(saliency(net, t, guided=True).map, saliency(net, t).map)


def test_scores_of_one_place_are_scores():
    net = nn.Sequential(nn.Conv2d.of(np.array([[[[2.0]]], [[[-3.0]]]])), nn.AdaptiveAvgPool2d(1))
    found = saliency(net, trace(net, np.ones((1, 1, 1, 2))), 1)
    np.testing.assert_array_equal(found.map, [[1.5, 1.5]])
    assert found.score == -3
    assert repr(found).startswith("Saliency of class 1 (gradient): score -3, probability 0.7%\n  max_c |∂score/∂x| is 1.5 at most")


def test_mistakes_are_taught():
    net, x = small_classifier(rectifier=nn.SiLU), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    with pytest.raises(ArgumentError, match=r"saliency: the network has classes 0 … 4, but class 5 was asked for"):
        saliency(net, t, 5)
    with pytest.raises(ArgumentError, match=r"saliency: class_index must be a whole number, but it is 'cat'"):
        saliency(net, t, "cat")
    with pytest.raises(ArgumentError, match=r"guided backpropagation changes what ReLU passes back, but this network has none"):
        saliency(net, t, guided=True)
    with pytest.raises(ArgumentError, match=r"saliency: guided is True or False, but it is 'yes'"):
        saliency(net, t, guided="yes")
    conv = nn.Sequential(nn.Conv2d(2, 3, 3))
    with pytest.raises(ShapeError, match=r"a class has one score, so the network must end in \(N, K\), but 'conv1' is 1×3×7×8; end it in"):
        saliency(conv, trace(conv, x.astype(np.float32)))
    two = nn.Network([("a", nn.ReLU(), ["x"]), ("b", nn.ReLU(), ["x"])], outputs=["a", "b"])
    with pytest.raises(ArgumentError, match=r"must end in one row of class scores, but it has 2 outputs: a, b"):
        saliency(two, trace(two, x))
