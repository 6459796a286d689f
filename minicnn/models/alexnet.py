"""AlexNet: five convolutions with large kernels first, then three layers that see everything and hold 96% of the numbers.

    3×224×224 → 64×55×55 → pool 27×27 → 192 → pool 13×13 → 384 → 256 → 256 → pool 6×6 → 4096 → 4096 → 1000

As torchvision builds it: in one column, without the local response normalization and the split over two
processors of 2012.  61,100,840 parameters, 714,188,480 multiply-adds.
What it does not do: take images smaller than 63×63, of which the last pooling would leave nothing.
Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (2014), which is the
network of Krizhevsky, Sutskever & Hinton (2012) in one column.  Next room: vgg.py.
"""

from minicnn import nn
from minicnn.models.names import numbered
from minicnn.models.weights import numbers_from

# (channels out, kernel, stride, padding, whether a pooling follows)
CONVOLUTIONS = ((64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False), (256, 3, 1, 1, True))


def alexnet(*, weights=None, rng=None, classes: int = 1000) -> nn.Network:
    """Return AlexNet for 3×224×224 images, logits out.

    `weights` is a path to torchvision's weights, or a mapping of arrays; `rng` draws first weights; with
    neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(alexnet(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("features.12"))
    (61100840, 714188480, '195 / 32 / 66')

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Krizhevsky (2014); torchvision's alexnet.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    features, channels = [], 3
    for out, kernel, stride, padding, pooled in CONVOLUTIONS:
        features += [nn.Conv2d(channels, out, kernel, stride, padding, **own), nn.ReLU()]
        features += [nn.MaxPool2d(3, 2)] if pooled else []
        channels = out
    classifier = [nn.Dropout(), nn.Linear(channels * 6 * 6, 4096, **own), nn.ReLU()]
    classifier += [nn.Dropout(), nn.Linear(4096, 4096, **own), nn.ReLU(), nn.Linear(4096, classes, **own)]
    net = nn.Sequential(
        ("features", numbered(features)),
        ("avgpool", nn.AdaptiveAvgPool2d(6)),  # changes nothing at 224×224; other sizes come out of it as 6×6
        ("flatten", nn.Flatten()),
        ("classifier", numbered(classifier)),
    )
    return numbers_from(net, weights, "alexnet")
