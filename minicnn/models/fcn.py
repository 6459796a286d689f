"""FCN: a classifier without its end names every cell of its last map, and the map of each class is enlarged to the image.

    3×520×520 → ResNet-50 2048×65×65 → 3×3 512 → 1×1 21×65×65 → bilinear ×8 → 21×520×520

The backbone's last two stages keep their size and spread their 3×3 by 2 and 4 (resnet.py), so that a cell is 8
pixels, not 32.  As torchvision builds it, without the second head that is used in training only; the paper's own
FCN-8s is a VGG16 that adds scores of three levels.  32,957,013 parameters with 21 classes.

Fields: all kernels are odd, so cell i is centred on pixel 8·i, but enlarging lays its centre on pixel 8·i + 3.5: each
answer looks 3.5 pixels up and left of its own pixel.  No branches meet there, so nothing is called misaligned.
What it does not do: a height or width that 8 does not divide comes out as the next multiple of 8 unless `size` is given.
Source: Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015), section 3;
torchvision's fcn_resnet50.  Next room: unet.py.
"""

from minicnn import nn
from minicnn.models.resnet import WIDENS, WIDTHS, stages
from minicnn.models.weights import numbers_from

VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)  # Pascal VOC 2012's 20 classes behind the background, in index order: torchvision's weights know these
STRIDE = 8  # of the scores


def fcn_resnet50(*, weights=None, rng=None, classes: int = 21, size: tuple[int, int] | None = None) -> nn.Network:
    """Return the FCN on a ResNet-50: (N, 3, H, W) → logits (N, classes, H, W), for sides that are multiples of 8.

    `size` = (H, W) is the image's size where 8 does not divide it.  `weights` is a path to torchvision's weights,
    or a mapping of arrays; `rng` draws first weights; with neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(fcn_resnet50(), (3, 160, 240))
    >>> facts.parameters, facts["classifier.4"].shape, facts["upsample"].shape
    (32957013, (1, 21, 20, 30), (1, 21, 160, 240))
    >>> [str(facts.field(name)) for name in ("backbone.layer4.2.relu", "classifier.4", "upsample")]
    ['427 / 8 / 213', '443 / 8 / 221', '458 / 1 / 232']

    Raises WeightsError, FileFormatError, ArgumentError.  Source: Long et al. (2015); torchvision's fcn_resnet50.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    inner, graph = nn.Graph(), nn.Graph()
    backbone = inner.network(stages(inner.input("x"), (3, 4, 6, 3), True, own, dilated=(False, False, True, True)))
    channels = WIDENS * WIDTHS[-1]
    value = graph.input("x").then("backbone", backbone)
    value = value.then("classifier.0", nn.Conv2d(channels, channels // 4, 3, padding=1, bias=False, **own))
    value = value.then("classifier.1", nn.BatchNorm2d(channels // 4, **own)).then("classifier.2", nn.ReLU())
    value = value.then("classifier.3", nn.Dropout(0.1)).then("classifier.4", nn.Conv2d(channels // 4, classes, 1, **own))
    enlarge = nn.Upsample(scale_factor=STRIDE, mode="bilinear") if size is None else nn.Upsample(size, mode="bilinear")
    return numbers_from(graph.network(value.then("upsample", enlarge)), weights, "fcn_resnet50", rename=_without_second_head)


def _without_second_head(found: dict) -> dict:
    """Leave out the head that torchvision's training hangs on the third stage."""
    return {name: array for name, array in found.items() if not name.startswith("aux_classifier.")}
