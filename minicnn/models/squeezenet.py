"""SqueezeNet 1.1: AlexNet's accuracy with a fiftieth of its numbers: 3×3 filters look only at maps that a 1×1 narrowed.

    3×224×224 → 64×111×111 → pool 55×55 → fire, fire 128 → pool 27×27 → fire, fire 256 → pool 13×13
              → fire, fire 384 → fire, fire 512 → 1×1 to 1000×13×13 → mean

    fire       x → 1×1 squeezes → { 1×1 expands, 3×3 expands } side by side

No layer sees everything: each class has a map of its own, and its mean is the answer.  Version 1.1 pools
earlier than the paper's and costs 2.4 times less.  1,235,496 parameters, 349,151,936 multiply-adds.
Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters" (2016), table 1 and figure 1;
version 1.1 is the authors', as torchvision has it.  Next room: mobilenet_v2.py.
"""

from minicnn import nn
from minicnn.models.weights import numbers_from

POOL = 0
FEATURES = (POOL, 16, 16, POOL, 32, 32, POOL, 48, 48, 64, 64)  # features.2 on: a pooling, or a fire that squeezes to so many channels
WIDENS = 4  # each half of a fire's output is so many times what it squeezed to


def squeezenet1_1(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return SqueezeNet 1.1 for 3×224×224 images, logits (not below 0, a ReLU is last) out.

    `weights` is a path to torchvision's weights, or a mapping of arrays; `rng` draws first weights; with
    neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(squeezenet1_1(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, facts["features.12.cat"].shape
    (1235496, 349151936, (1, 512, 13, 13))

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Iandola et al. (2016); torchvision's squeezenet1_1.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    value, channels = graph.input("x").then("features.0", nn.Conv2d(3, 64, 3, 2, **own)).then("features.1", nn.ReLU()), 64
    for number, squeezed in enumerate(FEATURES, 2):
        if squeezed == POOL:
            value = value.then(f"features.{number}", nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            value = _fire(value, f"features.{number}", channels, squeezed, own)
            channels = 2 * WIDENS * squeezed
    value = value.then("classifier.0", nn.Dropout()).then("classifier.1", nn.Conv2d(channels, classes, 1, **own))
    value = value.then("classifier.2", nn.ReLU()).then("classifier.3", nn.AdaptiveAvgPool2d(1))
    return numbers_from(graph.network(value.then("flatten", nn.Flatten())), weights, "squeezenet1_1")


def _fire(value, name, channels, squeezed, own):
    """Squeeze by 1×1, then expand by 1×1 and by 3×3, one half of the output each."""
    value = _rectified(value, f"{name}.squeeze", nn.Conv2d(channels, squeezed, 1, **own))
    wide = WIDENS * squeezed
    left = _rectified(value, f"{name}.expand1x1", nn.Conv2d(squeezed, wide, 1, **own))
    right = _rectified(value, f"{name}.expand3x3", nn.Conv2d(squeezed, wide, 3, padding=1, **own))
    return value.graph.join(f"{name}.cat", nn.Concat(), left, right)


def _rectified(value, name, conv):
    return value.then(name, conv).then(f"{name}_activation", nn.ReLU())
