"""LeNet-5: convolutions and pooling in turn, then three layers that see everything.

    1×32×32 → C1 6×28×28 → S2 6×14×14 → C3 16×10×10 → S4 16×5×5 → C5 120×1×1 → F6 84 → 10

As the textbooks build it: C3 is full (every map sees every map below), activations are ReLU and
pooling takes the maximum, where the paper has a table of partial connections, a scaled tanh and
trainable averages.  61,706 parameters.  The package ships weights that were trained on 4,000 of MNIST's
images (benchmarks/lenet5_weights.py makes them), so that a network with learned filters is always at hand.
Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998), section II.B.
"""

from pathlib import Path

from minicnn import nn
from minicnn.models.weights import numbers_from


def lenet5(*, weights=None, rng=None, padding: int = 0) -> nn.Network:
    """Return LeNet-5 for 1×32×32 digits; padding=2 takes 28×28 ones.

    `weights` is 'pretrained' (digits of ink near 1 on 0, as load.digits has them), a path, or a mapping from
    names (see net.parameters()) to arrays; `rng` draws first weights; with neither the network is shape-only.

    >>> from minicnn import describe
    >>> describe(lenet5(), (1, 32, 32)).multiply_adds
    416520

    Raises WeightsError, ArgumentError.  Source: LeCun et al. (1998), section II.B.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    net = nn.Sequential(
        ("c1", nn.Conv2d(1, 6, 5, padding=padding, **own)),
        ("relu1", nn.ReLU()),
        ("s2", nn.MaxPool2d(2)),
        ("c3", nn.Conv2d(6, 16, 5, **own)),
        ("relu3", nn.ReLU()),
        ("s4", nn.MaxPool2d(2)),
        ("c5", nn.Conv2d(16, 120, 5, **own)),
        ("relu5", nn.ReLU()),
        ("flatten", nn.Flatten()),
        ("f6", nn.Linear(120, 84, **own)),
        ("relu6", nn.ReLU()),
        ("output", nn.Linear(84, 10, **own)),
    )
    return numbers_from(net, weights, "lenet5", find=_shipped)


def _shipped() -> str:
    """Return the path of the weights in this package."""
    return str(Path(__file__).parent / "data" / "lenet5_digits.safetensors")
