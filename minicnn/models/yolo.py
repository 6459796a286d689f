"""YOLOv5n: a detector: one pass, three maps of answers, for small, middle and large things.

    3×640×640 → 16×320² → 32×160² → 64×80² (P3) → 128×40² (P4) → 256×20² (P5) → SPPF      backbone, strides 2 … 32
    P5 → ×2, join P4 → ×2, join P3 → answers 80² → stride 2, join → answers 40² → stride 2, join → answers 20²

    CSP block  x → { 1×1 → bottlenecks,  1×1 } → join → 1×1: half of the channels take the short way
    SPPF       x → 1×1 → three 5×5 poolings in a row, all four joined → 1×1: 5×5, 9×9 and 13×13 at the price of three 5×5

Behind every convolution batch normalization (eps 1e-3) and SiLU, but for the last ones, which answer, for each of 3
anchor boxes, with 5 + classes numbers: x, y, width, height, whether there is something, and one for each class.  With σ the sigmoid,
the cell in row i and column j at stride s means a box centred on ((2σ(x) - 0.5 + j)·s, (2σ(y) - 0.5 + i)·s), of width
anchor width·(2σ(w))² and height alike.  1,872,157 parameters for 80 classes.

Fields: a 3×3 with stride 2 centres its cell i on cell 2·i below; enlarging by repeating lays it over 2·i and 2·i + 1.  So
what comes up is half a cell from what it is joined to: 8 pixels at P4, and at P3 4 more.  describe marks it from there on.
What it does not do: turn answers into boxes, suppress overlapping ones, letterbox the image.
Source: Jocher, YOLOv5 (release 6.0), whose parameter names these are; there is no paper.  Redmon & Farhadi, "YOLOv3" (2018);
Wang et al., "CSPNet" (2020); He et al., "Spatial Pyramid Pooling" (2015); Liu et al., "Path Aggregation Network" (2018).
"""

from minicnn import nn
from minicnn.models.weights import numbers_from

ANCHORS = (  # (width, height) in pixels, three for each of the outputs
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


def yolov5n(*, weights=None, rng=None, classes: int = 80) -> nn.Network:
    """Return YOLOv5n: (N, 3, H, W) → three maps (N, 3·(5 + classes), H/s, W/s), s = 8, 16, 32, for sides that are multiples of 32.

    `weights` is a path to a state dict of YOLOv5's (not to its own .pt files, which hold code), or a mapping of
    arrays; `rng` draws first weights; with neither the network is shape-only.

    >>> from minicnn import describe
    >>> net = yolov5n()
    >>> facts = describe(net, (3, 320, 480))
    >>> facts.parameters, [facts[name].shape for name in net.outputs]
    (1872157, [(1, 255, 40, 60), (1, 255, 20, 30), (1, 255, 10, 15)])
    >>> facts.field("model.9.cv2.act").size, [facts.field(name).size[0] for name in net.outputs]
    ((650, 650), [722, 770, 866])
    >>> facts.field("model.12").reason
    'misaligned: model.11 is centred 8 rows and 8 columns from model.6.cv3.act'

    Raises WeightsError, FileFormatError, ArgumentError; describe and the network raise ShapeError for sides that 32 does
    not divide.  Source: Jocher, YOLOv5 (release 6.0).
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    p3, p4, p5 = _backbone(graph.input("x"), own)
    small, middle, large = _neck(graph, p3, p4, p5, own)
    answers = []
    for scale, (value, channels) in enumerate(((small, 64), (middle, 128), (large, 256))):
        conv = nn.Conv2d(channels, len(ANCHORS[scale]) * (5 + classes), 1, **own)
        answers.append(value.then(f"model.24.m.{scale}", conv))
    return numbers_from(graph.network(*answers), weights, "yolov5n", rename=_without_anchors)


def _backbone(x, own):
    """Return the maps at strides 8, 16 and 32; each stage halves the map and doubles the channels."""
    value = _convolved(x, "model.0", 3, 16, 6, own, stride=2, padding=2)
    value = _csp(_convolved(value, "model.1", 16, 32, 3, own, stride=2), "model.2", 32, 32, 1, own)
    p3 = _csp(_convolved(value, "model.3", 32, 64, 3, own, stride=2), "model.4", 64, 64, 2, own)
    p4 = _csp(_convolved(p3, "model.5", 64, 128, 3, own, stride=2), "model.6", 128, 128, 3, own)
    p5 = _csp(_convolved(p4, "model.7", 128, 256, 3, own, stride=2), "model.8", 256, 256, 1, own)
    return p3, p4, _sppf(p5, "model.9", 256, own)


def _neck(graph, p3, p4, p5, own):
    """Bring what P5 knows up to P3, then what P3 knows down again; return one map per scale."""
    deep = _convolved(p5, "model.10", 256, 128, 1, own)
    joined = graph.join("model.12", nn.Concat(), deep.then("model.11", nn.Upsample(scale_factor=2)), p4)
    half = _convolved(_csp(joined, "model.13", 256, 128, 1, own, shortcut=False), "model.14", 128, 64, 1, own)
    joined = graph.join("model.16", nn.Concat(), half.then("model.15", nn.Upsample(scale_factor=2)), p3)
    small = _csp(joined, "model.17", 128, 64, 1, own, shortcut=False)
    joined = graph.join("model.19", nn.Concat(), _convolved(small, "model.18", 64, 64, 3, own, stride=2), half)
    middle = _csp(joined, "model.20", 128, 128, 1, own, shortcut=False)
    joined = graph.join("model.22", nn.Concat(), _convolved(middle, "model.21", 128, 128, 3, own, stride=2), deep)
    return small, middle, _csp(joined, "model.23", 256, 256, 1, own, shortcut=False)


def _csp(value, name, channels, out, depth, own, shortcut=True):
    """Half of the channels through `depth` bottlenecks, half by the short way, joined and mixed."""
    half = out // 2
    inner = _convolved(value, f"{name}.cv1", channels, half, 1, own)
    for number in range(depth):
        inner = _bottleneck(inner, f"{name}.m.{number}", half, own, shortcut)
    joined = value.graph.join(f"{name}.cat", nn.Concat(), inner, _convolved(value, f"{name}.cv2", channels, half, 1, own))
    return _convolved(joined, f"{name}.cv3", 2 * half, out, 1, own)


def _bottleneck(value, name, channels, own, shortcut):
    inner = _convolved(value, f"{name}.cv1", channels, channels, 1, own)
    inner = _convolved(inner, f"{name}.cv2", channels, channels, 3, own)
    return value.graph.join(f"{name}.add", nn.Add(), value, inner) if shortcut else inner


def _sppf(value, name, channels, own):
    """The largest number within 5×5, 9×9 and 13×13 cells, beside the cells themselves."""
    seen = [_convolved(value, f"{name}.cv1", channels, channels // 2, 1, own)]
    for number in (1, 2, 3):
        seen.append(seen[-1].then(f"{name}.pool{number}", nn.MaxPool2d(5, 1, 2)))
    joined = value.graph.join(f"{name}.cat", nn.Concat(), *seen)
    return _convolved(joined, f"{name}.cv2", 2 * channels, channels, 1, own)


def _convolved(value, name, channels, out, kernel, own, *, stride=1, padding=None):
    """Convolution, normalization and SiLU, as 'name.conv', 'name.bn', 'name.act'."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2 if padding is None else padding, bias=False, **own)
    value = value.then(f"{name}.conv", conv).then(f"{name}.bn", nn.BatchNorm2d(out, eps=1e-3, momentum=0.03, **own))
    return value.then(f"{name}.act", nn.SiLU())


def _without_anchors(found: dict) -> dict:
    """Leave out the anchor boxes, which YOLOv5 keeps beside its weights; ANCHORS has them."""
    return {name: array for name, array in found.items() if name != "model.24.anchors"}
