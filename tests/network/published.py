"""Published networks written down from their papers and torchvision's sources, shapes only.

Each function returns (network, name of the last map before the head).
"""

from itertools import pairwise

from minicnn import nn

OWN = {"rng": nn.SHAPE_ONLY}
RELU = nn.ReLU()


def conv(*arguments, **settings) -> nn.Conv2d:
    return nn.Conv2d(*arguments, **settings, **OWN)


def classifier(value, *features: int):
    """Hang linear layers behind a value, ReLU between them."""
    value = value.then("flatten", nn.Flatten())
    for number, (before, after) in enumerate(pairwise(features), 1):
        value = value.then(f"fc{number}", nn.Linear(before, after, **OWN))
        if after != features[-1]:
            value = value.then(f"fcrelu{number}", nn.ReLU())
    return value


def alexnet():
    """Krizhevsky (2014), "One weird trick", as torchvision builds it."""
    g = nn.Graph()
    value, channels = g.input("x"), 3
    for number, (out, kernel, stride, padding, pooled) in enumerate(
        ((64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False), (256, 3, 1, 1, True)), 1
    ):
        value = value.then(f"conv{number}", conv(channels, out, kernel, stride, padding)).then(f"relu{number}", nn.ReLU())
        value = value.then(f"pool{number}", nn.MaxPool2d(3, 2)) if pooled else value
        channels = out
    value = value.then("avg", nn.AdaptiveAvgPool2d(6))
    return g.network(classifier(value, 9216, 4096, 4096, 1000)), "pool5"


VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16():
    """Simonyan & Zisserman (2015), configuration D."""
    g = nn.Graph()
    value, channels = g.input("x"), 3
    for stage, widths in enumerate(VGG16, 1):
        for place, out in enumerate(widths, 1):
            value = value.then(f"conv{stage}_{place}", conv(channels, out, 3, padding=1)).then(f"relu{stage}_{place}", nn.ReLU())
            channels = out
        value = value.then(f"pool{stage}", nn.MaxPool2d(2))
    value = value.then("avg", nn.AdaptiveAvgPool2d(7))
    return g.network(classifier(value, 25088, 4096, 4096, 1000)), "pool5"


def resnet(blocks: tuple[int, int, int, int], bottleneck: bool):
    """He et al. (2016), table 1; in a bottleneck the stride is on the 3×3, as torchvision has it."""
    g = nn.Graph()
    value = _normalized(g.input("x"), "stem", 3, 64, 7, 2)
    value, channels = value.then("pool", nn.MaxPool2d(3, 2, 1)), 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), 1):
        for place in range(count):
            stride = 2 if place == 0 and stage > 1 else 1
            name, out = f"stage{stage}.{place}", width * (4 if bottleneck else 1)
            value = _residual(g, value, name, channels, width, out, stride, bottleneck)
            channels = out
    last = value.name
    return g.network(classifier(value.then("avg", nn.AdaptiveAvgPool2d(1)), channels, 1000)), last


def _normalized(value, name, channels, out, kernel, stride=1, groups=1, activation: nn.Layer | None = RELU):
    layer = conv(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    value = value.then(f"{name}.conv", layer).then(f"{name}.bn", nn.BatchNorm2d(out, **OWN))
    return value.then(f"{name}.relu", activation) if activation else value


def _residual(g, value, name, channels, width, out, stride, bottleneck):
    inner = value
    if bottleneck:
        inner = _normalized(inner, f"{name}.a", channels, width, 1)
        inner = _normalized(inner, f"{name}.b", width, width, 3, stride)
        inner = _normalized(inner, f"{name}.c", width, out, 1, activation=None)
    else:
        inner = _normalized(inner, f"{name}.a", channels, width, 3, stride)
        inner = _normalized(inner, f"{name}.b", width, out, 3, activation=None)
    skip = value if stride == 1 and channels == out else _normalized(value, f"{name}.skip", channels, out, 1, stride, activation=None)
    return g.join(f"{name}.add", nn.Add(), inner, skip).then(f"{name}.relu", nn.ReLU())


def resnet18():
    return resnet((2, 2, 2, 2), bottleneck=False)


def resnet50():
    return resnet((3, 4, 6, 3), bottleneck=True)


def resnet152():
    return resnet((3, 8, 36, 3), bottleneck=True)


def mobilenet_v2():
    """Sandler et al. (2018), table 2: (expansion, channels out, blocks, stride of the first)."""
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    g = nn.Graph()
    value, channels, number = _normalized(g.input("x"), "stem", 3, 32, 3, 2, activation=nn.ReLU6()), 32, 0
    for expansion, out, blocks, first in stages:
        for place in range(blocks):
            name, stride, wide, before = f"block{number}", first if place == 0 else 1, channels * expansion, value
            if expansion > 1:
                value = _normalized(value, f"{name}.expand", channels, wide, 1, activation=nn.ReLU6())
            value = _normalized(value, f"{name}.depthwise", wide, wide, 3, stride, groups=wide, activation=nn.ReLU6())
            value = _normalized(value, f"{name}.project", wide, out, 1, activation=None)
            value = g.join(f"{name}.add", nn.Add(), before, value) if stride == 1 and channels == out else value
            channels, number = out, number + 1
    value = _normalized(value, "head", channels, 1280, 1, activation=nn.ReLU6())
    return g.network(classifier(value.then("avg", nn.AdaptiveAvgPool2d(1)), 1280, 1000)), "head.relu"
