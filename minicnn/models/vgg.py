"""VGG: nothing but 3×3 convolutions, two to four in a row, and a pooling that halves the map: depth is all that varies.

    3×224×224 → 64×224×224 → pool → 128×112×112 → pool → 256×56×56 → pool → 512×28×28 → pool → 512×14×14 → pool
              → 512×7×7 → 4096 → 4096 → 1000

Two 3×3 see 5×5 and three see 7×7, with fewer weights than one large kernel and a ReLU in between.  The
networks differ in how many stand in each stage (the paper's table 1: configurations A, B, D, E); those
with _bn have batch normalization behind each, which came a year later.  138,357,544 parameters for
VGG16, of which 123,642,856 are in the three layers that see everything.
Cost: 7.6 (VGG11) to 19.6 (VGG19) thousand million multiply-adds; a map of the first stage takes 12.8 MB.
What it does not do: configuration C, which has 1×1 convolutions and which nobody uses.
Source: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015), table 1.
Next room: resnet.py.
"""

from minicnn import nn
from minicnn.models.names import numbered
from minicnn.models.weights import numbers_from

WIDTHS = (64, 128, 256, 512, 512)  # channels of each stage
A, B, D, E = (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)  # convolutions in each stage


def vgg11(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG of 8 convolutions and 3 linear layers (configuration A); arguments as vgg16's.

    >>> sum(array.size for array in vgg11().parameters().values())
    132863336

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015), table 1.
    """
    return _vgg("vgg11", A, False, weights, rng, classes)


def vgg13(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG of 10 convolutions and 3 linear layers (configuration B); arguments as vgg16's.

    >>> sum(array.size for array in vgg13().parameters().values())
    133047848

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015), table 1.
    """
    return _vgg("vgg13", B, False, weights, rng, classes)


def vgg16(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG of 13 convolutions and 3 linear layers (configuration D) for 3×224×224 images, logits out.

    `weights` is a path to torchvision's weights, or a mapping of arrays; `rng` draws first weights; with
    neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(vgg16(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("features.30"))
    (138357544, 15470264320, '212 / 32 / 90')

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015), table 1.
    """
    return _vgg("vgg16", D, False, weights, rng, classes)


def vgg19(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG of 16 convolutions and 3 linear layers (configuration E); arguments as vgg16's.

    >>> sum(array.size for array in vgg19().parameters().values())
    143667240

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015), table 1.
    """
    return _vgg("vgg19", E, False, weights, rng, classes)


def vgg11_bn(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG11 with batch normalization; arguments as vgg16's.

    >>> sum(array.size for array in vgg11_bn().parameters().values())
    132868840

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015); torchvision's vgg11_bn.
    """
    return _vgg("vgg11_bn", A, True, weights, rng, classes)


def vgg13_bn(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG13 with batch normalization; arguments as vgg16's.

    >>> sum(array.size for array in vgg13_bn().parameters().values())
    133053736

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015); torchvision's vgg13_bn.
    """
    return _vgg("vgg13_bn", B, True, weights, rng, classes)


def vgg16_bn(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG16 with batch normalization; arguments as vgg16's.

    >>> sum(array.size for array in vgg16_bn().parameters().values())
    138365992

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015); torchvision's vgg16_bn.
    """
    return _vgg("vgg16_bn", D, True, weights, rng, classes)


def vgg19_bn(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return VGG19 with batch normalization; arguments as vgg16's.

    >>> sum(array.size for array in vgg19_bn().parameters().values())
    143678248

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Simonyan & Zisserman (2015); torchvision's vgg19_bn.
    """
    return _vgg("vgg19_bn", E, True, weights, rng, classes)


def _vgg(name: str, convolutions: tuple[int, ...], normalized: bool, weights, rng, classes: int) -> nn.Network:
    """Return the network with so many convolutions in each stage."""
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    features, channels = [], 3
    for width, count in zip(WIDTHS, convolutions, strict=True):
        for _ in range(count):
            features.append(nn.Conv2d(channels, width, 3, padding=1, **own))
            features += [nn.BatchNorm2d(width, **own)] if normalized else []
            features.append(nn.ReLU())
            channels = width
        features.append(nn.MaxPool2d(2))
    classifier = [nn.Linear(channels * 7 * 7, 4096, **own), nn.ReLU(), nn.Dropout()]
    classifier += [nn.Linear(4096, 4096, **own), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes, **own)]
    net = nn.Sequential(
        ("features", numbered(features)),
        ("avgpool", nn.AdaptiveAvgPool2d(7)),  # changes nothing at 224×224; other sizes come out of it as 7×7
        ("flatten", nn.Flatten()),
        ("classifier", numbered(classifier)),
    )
    return numbers_from(net, weights, name)
