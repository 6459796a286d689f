"""Which convolutions are measured?  Every distinct one of five published networks, each with its class.

Idea: the networks are built as shapes only and walked with `describe`, so the list cannot drift from them.  Two
convolutions are one where all that decides their speed is equal: channels, sizes, kernel, stride, padding, groups;
it goes by the first network that has it.
    3x3           3×3, stride 1
    3x3-strided   3×3, stride 2
    1x1           1×1, stride 1
    1x1-strided   1×1, stride 2 (the short cuts of a ResNet)
    depthwise     one input channel a filter, 3×3 and 5×5, any stride
    stem          the first layer, which sees the image's three channels
    tiny          LeNet-5's, at batch 64
    course        LeNet-5's first layer on one image, which even seven loops of Python finish; only beside a course's peers
Cost: some milliseconds.  Source: networks.py.  Next rooms: peers.py, conv.py.
"""

from dataclasses import dataclass, replace
from math import prod

from networks import NETWORKS, build

from minicnn import describe, nn
from minicnn.errors import ArgumentError, UnknownNameError, nearest

CLASSES = ("3x3", "3x3-strided", "1x1", "1x1-strided", "depthwise", "stem", "tiny", "course")
TINY_BATCH = 64
QUICK = (
    *("VGG 64→64 k3 @224", "VGG 256→256 k3 @56", "VGG 512→512 k3 @14", "ResNet 64→64 k3 @56", "ResNet 128→128 k3 s2 @56"),
    *("ResNet 256→64 k1 @56", "ResNet 1024→2048 k1 s2 @14", "ResNet 512→2048 k1 @7"),
    *("MBv2 96→96 k3 s2 dw @112", "Lite0 672→672 k5 dw @14", "ResNet 3→64 k7 s2 @224", "LeNet 6→16 k5 @14"),
)
Sides = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution of a network: shapes alone, with the name and class that tables give it."""

    network: str  # its key in NETWORKS
    node: str
    x_shape: tuple[int, int, int, int]
    weight_shape: tuple[int, int, int, int]
    stride: tuple[int, int]
    padding: Sides
    dilation: tuple[int, int]
    groups: int
    output_shape: tuple[int, int, int, int]
    kind: str  # its class

    @property
    def name(self) -> str:
        """What it is in few letters: network, channels, kernel, stride, dw for depthwise, rows of the input."""
        (_, channels, rows, _), (filters, _, kernel, _) = self.x_shape, self.weight_shape
        stride = f" s{self.stride[0]}" if self.stride[0] > 1 else ""
        depthwise = " dw" if self.groups > 1 else ""
        return f"{NETWORKS[self.network].short} {channels}→{filters} k{kernel}{stride}{depthwise} @{rows}"

    @property
    def batch(self) -> int:
        return self.x_shape[0]

    @property
    def multiply_adds(self) -> int:
        return prod(self.output_shape) * prod(self.weight_shape[1:])

    @property
    def bytes(self) -> int:
        """Input, weight and output, each moved once: the least that memory must do, in float32."""
        return 4 * (prod(self.x_shape) + prod(self.weight_shape) + prod(self.output_shape))

    def to_dict(self) -> dict:
        """Return it as plain data."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return {"name": self.name, "batch": self.batch, **own, "multiply_adds": self.multiply_adds, "bytes": self.bytes}


def every(batches=(1, 8), *, course: bool = False) -> list[Convolution]:
    """Return the distinct convolutions of all networks at each batch size; LeNet-5's once, at batch 64.

    `course` adds the layer of that class.
    """
    distinct: dict[tuple, Convolution] = {}
    for name in NETWORKS:
        for found in _convolutions(name):
            settings = replace(found, network="", node="")
            distinct.setdefault(settings, found)
    large = [layer for layer in distinct.values() if layer.kind != "tiny"]
    tiny = [_at_batch(layer, TINY_BATCH) for layer in distinct.values() if layer.kind == "tiny"]
    found = [_at_batch(layer, batch) for batch in batches for layer in large] + tiny
    found += [replace(_at_batch(tiny[0], 1), kind="course")] if course else []
    return sorted(found, key=lambda layer: (layer.batch, CLASSES.index(layer.kind)))  # stable: in the order of the networks


def _convolutions(name: str) -> list[Convolution]:
    shape = NETWORKS[name].shape if name != "lenet5" else (1, 28, 28)
    net = build(name) if name != "lenet5" else NETWORKS[name].make(padding=2)
    facts = describe(net, shape)
    rows = []
    for node in net:
        if isinstance(node.layer, nn.Conv2d):
            layer, x_shape = node.layer, tuple(facts[node.inputs[0]].shape)
            window = layer.window.resolve(x_shape[2:])
            own = (tuple(layer.weight.shape), window.stride, window.padding, window.dilation, layer.groups)
            rows.append(Convolution(name, node.name, x_shape, *own, tuple(facts[node.name].shape), _kind(name, layer)))
    return rows


def _kind(network: str, layer: nn.Conv2d) -> str:
    kernel, strided = layer.window.kernel, layer.window.stride != (1, 1)
    if network == "lenet5":
        return "tiny"
    if layer.groups > 1:
        return "depthwise"
    if layer.in_channels == 3:
        return "stem"
    return f"{kernel[0]}x{kernel[1]}" + ("-strided" if strided else "")


def _at_batch(layer: Convolution, batch: int) -> Convolution:
    return replace(layer, x_shape=(batch, *layer.x_shape[1:]), output_shape=(batch, *layer.output_shape[1:]))


def chosen(batches=(1, 8), *, kinds=(), only=(), quick=False, course=False, command="bench conv") -> list[Convolution]:
    """Return the layers asked for: by class, by words of their name, or a dozen that stand for all.

    >>> [layer.kind for layer in chosen((1,), only=("VGG 512→512 k3 @14",))]
    ['3x3']

    Raises UnknownNameError for a class that does not exist, ArgumentError where nothing is left.
    """
    for kind in kinds:
        if kind not in CLASSES:
            raise UnknownNameError(f"{command}: --class names classes of layers, but one of them is {kind!r}.{nearest(kind, CLASSES)}")
    layers = every(batches, course=course)
    wanted = [
        layer
        for layer in layers
        if (not kinds or layer.kind in kinds)
        and (not quick or only or layer.name in QUICK or layer.kind == "course")
        and (not only or any(_holds(layer.name, words) for words in only))
    ]
    if wanted:
        return wanted
    raise ArgumentError(
        f"{command}: at least one layer must be left to measure, but none of {len(layers)} is "
        f"{'of class ' + ' or '.join(kinds) + ' ' if kinds else ''}{'named like ' + ' or '.join(map(repr, only)) if only else 'among those of --quick'}; "
        f"names read like {layers[0].name!r}, and a part of one, such as 'VGG' or '@14', is enough."
    )


def _holds(name: str, words: str) -> bool:
    """Whether a name holds words as they can be typed: 64->64 is 64→64."""
    return words.replace("->", "→").casefold() in name.casefold()
