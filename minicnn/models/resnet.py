"""ResNet: every block adds to what came in, so that a hundred layers can be trained: what is learned is the difference.

    3×224×224 → stem 64×112×112 → pool 56×56 → stage 1 56×56 → stage 2 28×28 → stage 3 14×14 → stage 4 7×7 → mean → 1000

    basic block (18, 34)       x → 3×3 → 3×3 → + x → ReLU
    bottleneck (50, 101, 152)  x → 1×1 narrows → 3×3 → 1×1 widens by 4 → + x → ReLU

Batch normalization behind every convolution, ReLU in between.  Where a stage begins, a 1×1 convolution
brings x to the new shape (the paper's option B).  A bottleneck's stride is on its 3×3, as torchvision
has it ("v1.5"); the paper has it on the first 1×1, which then never looks at three of four positions.
A stage may keep its size and spread its 3×3 instead (dilation), for fcn.py.
Source: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition" (2016), table 1; Yu & Koltun,
"Multi-Scale Context Aggregation by Dilated Convolutions" (2016).  Next rooms: mobilenet_v2.py, fcn.py.
"""

from minicnn import nn
from minicnn.models.weights import numbers_from

WIDTHS = (64, 128, 256, 512)  # channels of the 3×3 in each stage
WIDENS = 4  # how much wider a bottleneck ends
NONE_DILATED = (False, False, False, False)


def resnet18(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return ResNet of 2, 2, 2, 2 basic blocks; arguments as resnet50's.

    >>> from minicnn import describe
    >>> facts = describe(resnet18(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("layer4.1.relu"))
    (11689512, 1814073344, '435 / 32 / 217')

    Raises WeightsError, FileFormatError, ArgumentError.  Source: He et al. (2016), table 1.
    """
    return _resnet("resnet18", (2, 2, 2, 2), False, weights, rng, classes)


def resnet34(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return ResNet of 3, 4, 6, 3 basic blocks; arguments as resnet50's.

    >>> sum(array.size for array in resnet34().parameters().values())
    21797672

    Raises WeightsError, FileFormatError, ArgumentError.  Source: He et al. (2016), table 1.
    """
    return _resnet("resnet34", (3, 4, 6, 3), False, weights, rng, classes)


def resnet50(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return ResNet of 3, 4, 6, 3 bottlenecks for 3×224×224 images, logits out.

    `weights` is a path to torchvision's weights, or a mapping of arrays; `rng` draws first weights; with
    neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(resnet50(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("layer4.2.relu"))
    (25557032, 4089184256, '427 / 32 / 213')

    Raises WeightsError, FileFormatError, ArgumentError.  Source: He et al. (2016), table 1.
    """
    return _resnet("resnet50", (3, 4, 6, 3), True, weights, rng, classes)


def resnet101(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return ResNet of 3, 4, 23, 3 bottlenecks; arguments as resnet50's.

    >>> sum(array.size for array in resnet101().parameters().values())
    44549160

    Raises WeightsError, FileFormatError, ArgumentError.  Source: He et al. (2016), table 1.
    """
    return _resnet("resnet101", (3, 4, 23, 3), True, weights, rng, classes)


def resnet152(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return ResNet of 3, 8, 36, 3 bottlenecks; arguments as resnet50's.

    >>> sum(array.size for array in resnet152().parameters().values())
    60192808

    Raises WeightsError, FileFormatError, ArgumentError.  Source: He et al. (2016), table 1.
    """
    return _resnet("resnet152", (3, 8, 36, 3), True, weights, rng, classes)


def _resnet(name: str, blocks: tuple[int, ...], bottleneck: bool, weights, rng, classes: int) -> nn.Network:
    """Return the network with so many blocks in each stage."""
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    value = stages(graph.input("x"), blocks, bottleneck, own)
    value = value.then("avgpool", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    features = WIDTHS[-1] * (WIDENS if bottleneck else 1)
    net = graph.network(value.then("fc", nn.Linear(features, classes, **own)))
    return numbers_from(net, weights, name)


def stages(value, blocks: tuple[int, ...], bottleneck: bool, own: dict, dilated: tuple[bool, ...] = NONE_DILATED):
    """Hang the stem and four stages behind an image and return what comes out.

    A stage that is `dilated` keeps its size: its first block has no stride, and from its second on the 3×3 takes
    every second cell (every fourth where the stage before was dilated too), which is where they would lie after a stride.
    """
    value = _convolved(value, "", "conv1 bn1 relu", 3, WIDTHS[0], 7, own, stride=2).then("maxpool", nn.MaxPool2d(3, 2, 1))
    channels, dilation, block = WIDTHS[0], 1, _bottleneck if bottleneck else _basic
    for stage, (width, count, keeps_size) in enumerate(zip(WIDTHS, blocks, dilated, strict=True), 1):
        out, stride = width * (WIDENS if bottleneck else 1), 1 if stage == 1 or keeps_size else 2
        for place in range(count):
            value = block(value, f"layer{stage}.{place}.", channels, width, stride if place == 0 else 1, dilation, own)
            dilation *= 2 if place == 0 and keeps_size else 1
            channels = out
    return value


def _basic(value, name, channels, width, stride, dilation, own):
    inner = _convolved(value, name, "conv1 bn1 relu1", channels, width, 3, own, stride, dilation)
    inner = _convolved(inner, name, "conv2 bn2", width, width, 3, own, dilation=dilation)
    return _added(value, inner, name, channels, width, stride, own)


def _bottleneck(value, name, channels, width, stride, dilation, own):
    inner = _convolved(value, name, "conv1 bn1 relu1", channels, width, 1, own)
    inner = _convolved(inner, name, "conv2 bn2 relu2", width, width, 3, own, stride, dilation)
    inner = _convolved(inner, name, "conv3 bn3", width, WIDENS * width, 1, own)
    return _added(value, inner, name, channels, WIDENS * width, stride, own)


def _added(value, inner, name, channels, out, stride, own):
    """Add what came into the block, brought to the new shape where that differs."""
    if stride != 1 or channels != out:
        value = _convolved(value, name, "downsample.0 downsample.1", channels, out, 1, own, stride)
    return value.graph.join(f"{name}add", nn.Add(), inner, value).then(f"{name}relu", nn.ReLU())


def _convolved(value, prefix, names, channels, out, kernel, own, stride=1, dilation=1):
    """Convolution, normalization and, where a third name is given, ReLU."""
    conv = nn.Conv2d(channels, out, kernel, stride, dilation * (kernel // 2), dilation, bias=False, **own)
    for name, layer in zip(names.split(), (conv, nn.BatchNorm2d(out, **own), nn.ReLU()), strict=False):
        value = value.then(f"{prefix}{name}", layer)
    return value
