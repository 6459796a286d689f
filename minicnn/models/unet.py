"""U-Net: down four levels to see far, up again to say where, and at each level what the way down knew is joined to the way up.

    down1  64×512×512 ───────────────────────── join → up1  64×512×512 → one map per class
      down2  128×256×256 ────────────── join → up2  128×256×256
        down3  256×128×128 ──── join → up3  256×128×128
          down4  512×64×64 ─ join → up4  512×64×64
                 bottom  1024×32×32

Each level is two 3×3 convolutions with ReLU; a pooling halves on the way down, a 2×2 transposed convolution
with stride 2 (the paper's "up-convolution") doubles on the way up: its stamps do not overlap, so no cell is
written to more often than its neighbours, which is what draws checkerboards.  Here the 3×3 are padded by 1, as
almost everyone builds it now: maps keep their size, so the joins need no cropping and each pixel gets its answer.
The paper's are not padded (572×572 in, 388×388 out), so that no answer looks at zeros beyond the border.
31,030,658 parameters, for one channel in and two classes out, whichever the padding.

Fields: all centres meet (2×2 pooling and its 2×2 inverse shift to and fro), so every join is aligned.  The closed form
holds both phases of an up-convolution, 215 pixels at the end; the exact box of a pixel is 188 or 204 wide, by its phase.
What it does not do: take sides that 16 does not divide, where a level would come back one cell short.
Source: Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation" (2015),
figure 1.  Next room: fcn.py.
"""

from minicnn import nn
from minicnn.models.weights import numbers_from

WIDTHS = (64, 128, 256, 512)  # channels of each level
BOTTOM = 1024


def unet(*, weights=None, rng=None, channels: int = 1, classes: int = 2) -> nn.Network:
    """Return U-Net for images whose sides are multiples of 16, (N, channels, H, W) → logits (N, classes, H, W).

    `weights` is a path or a mapping of arrays, by the names of net.parameters(); `rng` draws first weights;
    with neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(unet(classes=21), (1, 160, 240))
    >>> facts["head"].shape, facts["bottom.relu2"].shape
    ((1, 21, 160, 240), (1, 1024, 10, 15))
    >>> [str(facts.field(name)) for name in ("down4.relu2", "bottom.relu2", "up4.cat", "head")]
    ['68 / 8 / 30', '140 / 16 / 62', '148 / 8 / 70', '215 / 1 / 107']
    >>> all(row.field.aligned for row in facts)
    True

    Raises WeightsError, FileFormatError, ArgumentError; describe and the network raise ShapeError for sides that 16 does
    not divide.  Source: Ronneberger et al. (2015), figure 1.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    value, before, skips = graph.input("x"), channels, []
    for level, width in enumerate(WIDTHS, 1):
        skips.append(_twice(value, f"down{level}", before, width, own))
        value, before = skips[-1].then(f"down{level}.pool", nn.MaxPool2d(2)), width
    value, before = _twice(value, "bottom", before, BOTTOM, own), BOTTOM
    for level, width in reversed([*enumerate(WIDTHS, 1)]):
        value = value.then(f"up{level}.up", nn.ConvTranspose2d(before, width, 2, 2, **own))
        value = graph.join(f"up{level}.cat", nn.Concat(), skips.pop(), value)
        value, before = _twice(value, f"up{level}", 2 * width, width, own), width
    net = graph.network(value.then("head", nn.Conv2d(before, classes, 1, **own)))
    return numbers_from(net, weights, "unet")


def _twice(value, name, channels, out, own):
    """Two 3×3 convolutions with ReLU, as conv1, relu1, conv2, relu2."""
    for number, before in ((1, channels), (2, out)):
        value = value.then(f"{name}.conv{number}", nn.Conv2d(before, out, 3, padding=1, **own)).then(f"{name}.relu{number}", nn.ReLU())
    return value
