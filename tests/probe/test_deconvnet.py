"""deconvnet against the same way back written out: unpool by switches, rectify, filter turned round."""

import numpy as np
import pytest
from questions import small_classifier, spread_photo

from minicnn import functional as F
from minicnn import nn, trace
from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe import deconvnet

CHANNELS = (0, 1, 2, 4)  # 3 is silent on this photo


def layers(rectifier=nn.ReLU):
    rng = np.random.default_rng(5)
    return nn.Sequential(
        ("conv1", nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0), rng=rng, dtype=np.float64)),
        *(("relu1", rectifier()), ("pool1", nn.MaxPool2d((2, 3)))),
        ("conv2", nn.Conv2d(4, 5, 2, padding=1, rng=rng, dtype=np.float64)),
        *(("relu2", rectifier()), ("pool2", nn.MaxPool2d(2))),
    )


def by_hand(net, t, channel, place):
    """Zeiler & Fergus, section 2.1, with max_unpool2d and conv_transpose2d."""
    g = np.zeros(t["pool2"].shape)
    g[0, channel, *place] = t["pool2"].data[0, channel, *place]
    for number in (2, 1):
        pooled, conv = net[f"pool{number}"], net[f"conv{number}"]
        window = pooled.window
        before = t[f"relu{number}"].data
        _, switches = F.max_pool2d(before, window.kernel, window.stride, return_indices=True)
        g = F.max_unpool2d(g, switches, window.kernel, window.stride, output_size=before.shape[2:])
        g = F.relu(g)
        into = t["x" if number == 1 else "pool1"].shape[2:]
        spans = [
            (n - 1) * s - sum(p) + k
            for n, s, p, k in zip(g.shape[2:], conv.window.stride, conv.window.padding, conv.window.kernel, strict=True)
        ]
        left = tuple(n - span for n, span in zip(into, spans, strict=True))
        padding = tuple(before for before, _ in conv.window.padding)
        g = F.conv_transpose2d(g, conv.weight, None, conv.window.stride, padding, left)
    return g[0]


@pytest.mark.parametrize("rectifier", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("channel", CHANNELS)
def test_against_the_way_back_written_out(channel, rectifier):
    net, x = layers(rectifier), spread_photo((1, 3, 18, 15), 4)
    t = trace(net, x)
    plane = t["pool2"].data[0, channel]
    place = np.unravel_index(plane.argmax(), plane.shape)
    found = deconvnet(net, t, "pool2", channel)
    assert found.at == place
    assert found.value == plane.max()
    np.testing.assert_allclose(found.picture, by_hand(net, t, channel, place), rtol=1e-12, atol=1e-14)
    assert found.box == t["pool2"].box(*place)
    outside = ~t["pool2"].pixels(*map(int, place))
    assert not found.picture[:, outside].any()


def test_it_is_not_the_gradient():
    """A closed ReLU on the way: the gradient stops there, deconvnet goes by the sign of what comes back."""
    net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, -1.0]]]])), nn.ReLU(), nn.Conv2d.of(np.array([[[[1.0, 1.0]]]])))
    x = np.array([[[[5.0, 1.0, 3.0]]]])  # conv 4, -2; relu 4, 0; sum 4
    found = deconvnet(net, trace(net, x), "conv2", 0)
    np.testing.assert_array_equal(found.picture, [[[4, 0, -4]]])  # 4·(1, -1, 0) + 4·(0, 1, -1)


def test_a_place_of_ones_own_and_a_network_without_relu():
    net = nn.Sequential(nn.Conv2d.of(np.array([[[[2.0, 1.0]]]])))
    t = trace(net, np.array([[[[1.0, 3.0, 0.0]]]]))
    np.testing.assert_array_equal(deconvnet(net, t, "conv1", 0, (0, 0)).picture, [[[10, 5, 0]]])
    assert deconvnet(net, t, "conv1", 0).at == (0, 1)
    assert repr(deconvnet(net, t, "conv1", 0)).startswith("Deconvnet of 'conv1', channel 0, place (0, 1): value 6, sees 1×2 pixels")


def test_mistakes_are_taught():
    net, x = small_classifier(), spread_photo((1, 2, 9, 10), 1)
    t = trace(net, x)
    with pytest.raises(ArgumentError, match=r"deconvnet: 'relu2' has channels 0 … 3, but channel 9 was asked for"):
        deconvnet(net, t, "relu2", 9)
    with pytest.raises(ShapeError, match=r"deconvnet: a map has channels, rows and columns, but 'fc' is 1×5"):
        deconvnet(net, t, "fc", 0)
    row, column = np.argwhere(t["relu2"].data[0, 1] == 0)[0]
    with pytest.raises(
        ArgumentError, match=r"an activation above 0 is taken back, but channel 1 of 'relu2' is 0 at \(\d, \d\); take another"
    ):
        deconvnet(net, t, "relu2", 1, (int(row), int(column)))
    silent = nn.Sequential(nn.ReLU())
    with pytest.raises(ArgumentError, match=r"channel 0 of 'relu1' is nowhere above 0 on this photo \(at most 0\)"):
        deconvnet(silent, trace(silent, -np.ones((1, 1, 2, 2))), "relu1", 0)
