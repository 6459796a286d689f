"""Learning as PyTorch learns: whole-network gradients, optimizer steps and a loss curve, from the same weights on the same batches."""

import numpy as np
import pytest

from minicnn import backward, models, nn, trace, train
from minicnn import describe as nn_describe

torch = pytest.importorskip("torch", reason="parity needs PyTorch")
TN = torch.nn


class Branching(TN.Module):
    """The same network as `branching()` below."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.shared = (
            TN.Conv2d(3, 4, 3, stride=(2, 1), padding=1, bias=False),
            TN.BatchNorm2d(4),
            TN.Conv2d(4, 4, (3, 1), padding=(1, 0)),
        )
        self.pool, self.fc = TN.MaxPool2d(3, 1, 1), TN.Linear(8, 5)

    def forward(self, x):
        a = torch.relu(self.bn(self.conv(x)))
        total = a + self.shared(TN.functional.silu(self.shared(a)))
        joined = torch.cat([total, self.pool(a)], 1)
        return self.fc(torch.flatten(TN.functional.adaptive_avg_pool2d(joined, 1), 1))


def branching():
    own = {"rng": np.random.default_rng(3)}
    shared = nn.Conv2d(4, 4, (3, 1), padding=(1, 0), **own)
    g = nn.Graph()
    x = g.input("x")
    a = (
        x.then("conv", nn.Conv2d(3, 4, 3, stride=(2, 1), padding=1, bias=False, **own))
        .then("bn", nn.BatchNorm2d(4))
        .then("relu", nn.ReLU())
    )
    b = a.then("shared", shared).then("silu", nn.SiLU()).then("shared_again", shared)
    joined = g.join("concat", nn.Concat(), g.join("add", nn.Add(), a, b), a.then("pool", nn.MaxPool2d(3, 1, 1)))
    return g.network(joined.then("gap", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten()).then("fc", nn.Linear(8, 5, **own)))


def torch_lenet():
    """LeNet-5 as models.lenet5(padding=2) builds it, under the same names."""
    layers = {"c1": TN.Conv2d(1, 6, 5, padding=2), "relu1": TN.ReLU(), "s2": TN.MaxPool2d(2), "c3": TN.Conv2d(6, 16, 5), "relu3": TN.ReLU()}
    layers |= {"s4": TN.MaxPool2d(2), "c5": TN.Conv2d(16, 120, 5), "relu5": TN.ReLU(), "flatten": TN.Flatten(), "f6": TN.Linear(120, 84)}
    layers |= {"relu6": TN.ReLU(), "output": TN.Linear(84, 10)}
    net = TN.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


def with_our_weights(module, net):
    state = {name: torch.from_numpy(np.array(array)) for name, array in {**net.parameters(), **net.buffers()}.items()}
    missing, left = module.load_state_dict(state, strict=False)
    assert not left
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return module.train()


def in_float64(net):
    return net.with_parameters({key: array.astype(np.float64) for key, array in {**net.parameters(), **net.buffers()}.items()})


def roundings(net, shape, dtype=np.float64) -> float:
    """Return how far two orders of the same sums may lie apart, relative to the largest gradient.

    An error grows at most with the number of additions on its way (Higham 2002, section 3.1): for each layer with
    weights those of its output, of the gradient by its input and of that by its weight.  They are relative to sums of
    absolute values, which exceed their results where terms cancel; 16 is granted for that, on either side.
    """
    facts, additions = nn_describe(net, (32, *shape)), 0
    for row in facts:
        weight = None if row.layer is None else row.layer.parameters().get("weight")
        if weight is not None and weight.ndim > 1:
            additions += int(np.prod(weight.shape[1:])) + weight.size // weight.shape[1] + int(np.prod(row.shape)) // weight.shape[0]
        elif weight is not None:
            additions += 3 * int(np.prod(row.shape)) // weight.shape[0]  # batch norm: sums over all positions, forward and back
    return 2 * 16 * additions * float(np.finfo(dtype).eps)


def batches(count, shape, classes, seed=0):
    """Images that carry their class, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    patterns = rng.standard_normal((classes, *shape)).astype(np.float32)
    for _ in range(count):
        labels = rng.integers(0, classes, 32)
        yield patterns[labels] + 0.7 * rng.standard_normal((32, *shape), np.float32), labels


OPTIMIZERS = {
    "sgd": (train.SGD(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    "momentum": (train.SGD(0.02, momentum=0.9, weight_decay=1e-3), lambda p: torch.optim.SGD(p, 0.02, momentum=0.9, weight_decay=1e-3)),
    "nesterov": (train.SGD(0.02, momentum=0.8, nesterov=True), lambda p: torch.optim.SGD(p, 0.02, momentum=0.8, nesterov=True)),
    "adam": (train.Adam(1e-3), lambda p: torch.optim.Adam(p, 1e-3)),
    "adamw": (train.AdamW(1e-3, weight_decay=0.1), lambda p: torch.optim.AdamW(p, 1e-3, weight_decay=0.1)),
}
NETWORKS = {"lenet5": (lambda: models.lenet5(rng=np.random.default_rng(7), padding=2), torch_lenet, (1, 28, 28), 10),
            "branching": (branching, Branching, (3, 9, 6), 5)}  # fmt: skip


def torch_step(module, optimizer, x, labels):
    optimizer.zero_grad()
    value = TN.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels))
    value.backward()
    optimizer.step()
    return value.item()


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_network_gradients(name):
    """In float64, where the two may differ by rounding alone: see `roundings`."""
    make, theirs, shape, classes = NETWORKS[name]
    net = in_float64(make())
    module = with_our_weights(theirs().double(), net)
    ((x, labels),) = batches(1, shape, classes)
    x = x.astype(np.float64)
    leaf = torch.from_numpy(x.copy()).requires_grad_(True)
    value = TN.functional.cross_entropy(module(leaf), torch.from_numpy(labels))
    value.backward()
    record = trace(net, x, training=True)
    loss, grad = train.LOSSES["cross_entropy"](record.outputs[0], labels)
    by_inputs, by_parameters = backward(net, record, grad)
    bound = roundings(net, shape)
    assert abs(loss - value.item()) <= bound * abs(loss)
    np.testing.assert_allclose(by_inputs["x"], leaf.grad.numpy(), rtol=0, atol=bound * leaf.grad.abs().max().item())
    found = dict(module.named_parameters())
    assert set(by_parameters) == set(found)
    for key, parameter in found.items():
        np.testing.assert_allclose(by_parameters[key], parameter.grad.numpy(), rtol=0, atol=bound * parameter.grad.abs().max().item())


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_optimizer_steps(network, name):
    """Parameters and running statistics after three steps, in float64: Adam divides by the size of a gradient, however small.

    Gradients agree to `roundings` of their largest (above), some 1e-11.  Adam's first step is lr·g/|g| whatever the size of
    g, so a parameter agrees to 1e-11 · largest / own gradient: to 1e-6 for gradients down to a hundred-thousandth.
    """
    make, theirs, shape, classes = NETWORKS[network]
    net, (ours, torchs) = in_float64(make()), OPTIMIZERS[name]
    module = with_our_weights(theirs().double(), net)
    optimizer, state, before = torchs(module.parameters()), ours.init(net.parameters()), net.parameters()
    for x, labels in batches(3, shape, classes):
        x = x.astype(np.float64)
        done = train.step(net, state, x, labels, optimizer=ours)
        net, state = done.net, done.state
        assert abs(done.loss - torch_step(module, optimizer, x, labels)) <= 1e-9 * done.loss
    after = {key: array.detach().numpy() for key, array in module.state_dict().items()}
    for key, array in {**net.parameters(), **net.buffers()}.items():
        moved = np.abs(after[key] - before[key]).max() if key in before else np.abs(after[key]).max()
        assert moved > 1e-6
        assert (np.abs(array - after[key]) <= 1e-6 * moved).all(), key


def test_a_loss_curve_of_fifty_steps():
    """The same fifty batches from the same weights: relative 1e-4 at every step."""
    net = models.lenet5(rng=np.random.default_rng(7), padding=2)
    module, sgd = with_our_weights(torch_lenet(), net), train.SGD(0.02, momentum=0.9)
    optimizer, state, curve = torch.optim.SGD(module.parameters(), 0.02, momentum=0.9), sgd.init(net.parameters()), []
    for x, labels in batches(50, (1, 28, 28), 10, seed=1):
        done = train.step(net, state, x, labels, optimizer=sgd)
        net, state = done.net, done.state
        curve.append((done.loss, torch_step(module, optimizer, x, labels)))
    ours, theirs = np.array(curve).T
    assert ours[-1] < 0.7 * ours[0]  # something was learned
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
