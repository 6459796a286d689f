"""A small network in training, pass after pass, against PyTorch's module in train(): values, running statistics and gradients.

A batch norm layer stands in two places, so that its second use goes on from its first's statistics. Everything is float64 and some
thousand operations deep, which rounds at about 1e-13 of the largest number; 1e-9 of it is far above that and far below any wrong formula.
"""

import numpy as np
import pytest

from minicnn import backward, nn, trace

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")


class Theirs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.bn = torch.nn.Conv2d(3, 4, (3, 2)), torch.nn.BatchNorm2d(4, momentum=0.3)
        self.mix, self.head = torch.nn.Conv2d(4, 4, 1), torch.nn.BatchNorm2d(4, eps=1e-3, affine=False)
        self.group, self.layer = torch.nn.GroupNorm(2, 4), torch.nn.LayerNorm((6, 4))

    def forward(self, x):
        once = torch.relu(self.bn(self.stem(x)))
        twice = torch.relu(self.bn(self.mix(once)))  # the same layer again
        return self.layer(self.group(self.head(once + twice)))


def ours(theirs) -> nn.Network:
    """The same network around the same numbers."""
    held = {name: array.detach().numpy().copy() for name, array in theirs.state_dict().items()}

    def of(name):
        return {key.rpartition(".")[2]: array for key, array in held.items() if key.startswith(name + ".") and array.ndim}

    bn = nn.BatchNorm2d.of(**of("bn"), momentum=0.3)
    nodes = [
        *[("stem", nn.Conv2d.of(**of("stem")), ["x"]), ("bn", bn, ["stem"]), ("relu", nn.ReLU(), ["bn"])],
        *[("mix", nn.Conv2d.of(**of("mix")), ["relu"]), ("again", bn, ["mix"]), ("relu2", nn.ReLU(), ["again"])],
        *[("add", nn.Add(), ["relu", "relu2"]), ("head", nn.BatchNorm2d.of(**of("head"), eps=1e-3), ["add"])],
        *[("group", nn.GroupNorm.of(2, 4, **of("group")), ["head"]), ("layer", nn.LayerNorm.of((6, 4), **of("layer")), ["group"])],
    ]
    return nn.Network(nodes)


@pytest.fixture
def both():
    torch.manual_seed(0)
    theirs = Theirs().double()
    with torch.no_grad():
        for name, array in (*theirs.named_parameters(), *theirs.named_buffers()):
            if not name.endswith("num_batches_tracked"):
                array.copy_(torch.rand_like(array) + 0.5)
    return ours(theirs), theirs


def batch(seed):
    return np.random.default_rng(seed).normal(size=(2, 3, 8, 5)) * (1 + seed) + seed


def close(mine, other):
    other = other.detach().numpy()
    assert mine.shape == other.shape
    assert abs(mine - other).max() <= 1e-9 * abs(other).max()


@pytest.mark.parametrize("passes", [1, 3])
@pytest.mark.parametrize("keep", ["all", "gradient"])
def test_running_statistics_after_some_passes(both, passes, keep):
    net, theirs = both
    theirs.train()
    first = {name: array.copy() for name, array in net.buffers().items()}
    for seed in range(passes):
        t = trace(net, batch(seed), training=True, keep=keep)
        close(t.outputs[0], theirs(torch.from_numpy(batch(seed))))
        assert set(t.updates) == set(net.buffers()) == {f"{bn}.running_{what}" for bn in ("bn", "head") for what in ("mean", "var")}
        moved = net.with_parameters({**net.parameters(), **t.updates})
        for name, array in net.buffers().items():
            assert (array != moved.buffers()[name]).all()  # the network that was traced is what it was
        net = moved
    for name, array in net.buffers().items():
        close(array, theirs.state_dict()[name])
        assert (array != first[name]).all()
    theirs.eval()
    close(net(batch(9)), theirs(torch.from_numpy(batch(9))))


@pytest.mark.parametrize("training", [True, False], ids=["training", "frozen"])
@pytest.mark.parametrize("keep", ["all", "gradient"])
def test_gradients(both, training, keep):
    """In training through the batch's statistics; frozen, past the running ones, as when a trained network is tuned."""
    net, theirs = both
    theirs.train(training)
    x, g = torch.from_numpy(batch(1)).requires_grad_(), np.random.default_rng(5).normal(size=(2, 4, 6, 4))
    theirs(x).backward(torch.from_numpy(g))
    by_inputs, by_parameters = backward(net, trace(net, batch(1), training=training, keep=keep), g)
    close(by_inputs["x"], x.grad)
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    assert set(by_parameters) == set(expected)
    biggest = max(float(grad.abs().max()) for grad in expected.values())  # a bias before a batch norm has a gradient of 0, and rounding
    for name, grad in expected.items():
        assert by_parameters[name].shape == tuple(grad.shape)
        assert abs(by_parameters[name] - grad.numpy()).max() <= 1e-9 * biggest
