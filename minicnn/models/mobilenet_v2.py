"""MobileNetV2: inverted residuals: wide inside, where filtering each channel on its own is cheap, narrow where blocks meet.

    3×224×224 → stem 32×112×112 → 17 blocks in 7 stages → 320×7×7 → 1280×7×7 → mean → 1000

    block      x → 1×1 widens (times 6) → 3×3 on each channel alone → 1×1 narrows → + x where nothing changed size

A 3×3 over C channels costs 9·C² products a position; split into each channel's own filter and a 1×1, 9·C + C².
ReLU6 behind widening and filtering, nothing behind narrowing: a ReLU on a narrow map loses what it cuts off.
3,504,872 parameters, 300,774,272 multiply-adds.
When it loses: on processors, where depthwise layers wait for memory; its products are few, its maps are many.
Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2.
Next room: efficientnet_lite.py, which scales this network.
"""

from minicnn import nn
from minicnn.models.weights import numbers_from

# (expansion, channels out, blocks, stride of the first)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM, HEAD = 32, 1280


def mobilenet_v2(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return MobileNetV2 (width 1) for 3×224×224 images, logits out.

    `weights` is a path to torchvision's weights, or a mapping of arrays; `rng` draws first weights; with
    neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(mobilenet_v2(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("features.18.2"))
    (3504872, 300774272, '491 / 32 / 245')

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Sandler et al. (2018), table 2.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    value = _convolved(graph.input("x"), "features.0", 3, STEM, 3, own, stride=2)
    channels, number = STEM, 1
    for expansion, out, blocks, first in STAGES:
        for place in range(blocks):
            value = _inverted_residual(value, f"features.{number}", channels, out, expansion, first if place == 0 else 1, own)
            channels, number = out, number + 1
    value = _convolved(value, f"features.{number}", channels, HEAD, 1, own)
    value = value.then("avgpool", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    value = value.then("classifier.0", nn.Dropout(0.2)).then("classifier.1", nn.Linear(HEAD, classes, **own))
    return numbers_from(graph.network(value), weights, "mobilenet_v2")


def _inverted_residual(value, name, channels, out, expansion, stride, own):
    wide, inner, number = channels * expansion, value, 0
    if expansion != 1:
        inner, number = _convolved(inner, f"{name}.conv.0", channels, wide, 1, own), 1
    inner = _convolved(inner, f"{name}.conv.{number}", wide, wide, 3, own, stride=stride, groups=wide)
    inner = inner.then(f"{name}.conv.{number + 1}", nn.Conv2d(wide, out, 1, bias=False, **own))
    inner = inner.then(f"{name}.conv.{number + 2}", nn.BatchNorm2d(out, **own))
    return value.graph.join(f"{name}.add", nn.Add(), value, inner) if stride == 1 and channels == out else inner


def _convolved(value, name, channels, out, kernel, own, *, stride=1, groups=1):
    """Convolution, normalization and ReLU6, as 'name.0', 'name.1', 'name.2'."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False, **own)
    return value.then(f"{name}.0", conv).then(f"{name}.1", nn.BatchNorm2d(out, **own)).then(f"{name}.2", nn.ReLU6())
