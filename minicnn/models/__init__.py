"""Published architectures, one file per paper; each builds a Network.

A model built with neither weights nor rng is shape-only: it can be described, not run.
`MODELS` maps a name to the function that builds it; a new model is one file, one import and one row.
The functions are imported here at once: one that is called like its file would else be hidden behind the file.
"""

from minicnn.errors import UnknownNameError, nearest
from minicnn.models.alexnet import alexnet
from minicnn.models.efficientnet_lite import efficientnet_lite0
from minicnn.models.fcn import VOC_CLASSES, fcn_resnet50
from minicnn.models.lenet import lenet5
from minicnn.models.mobilenet_v2 import mobilenet_v2
from minicnn.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from minicnn.models.squeezenet import squeezenet1_1
from minicnn.models.unet import unet
from minicnn.models.vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from minicnn.models.yolo import yolov5n

IMAGENET = (3, 224, 224)
MODELS = {
    "lenet5": (lenet5, (1, 32, 32)),
    "alexnet": (alexnet, IMAGENET),
    "vgg11": (vgg11, IMAGENET),
    "vgg13": (vgg13, IMAGENET),
    "vgg16": (vgg16, IMAGENET),
    "vgg19": (vgg19, IMAGENET),
    "vgg11_bn": (vgg11_bn, IMAGENET),
    "vgg13_bn": (vgg13_bn, IMAGENET),
    "vgg16_bn": (vgg16_bn, IMAGENET),
    "vgg19_bn": (vgg19_bn, IMAGENET),
    "squeezenet1_1": (squeezenet1_1, IMAGENET),
    "resnet18": (resnet18, IMAGENET),
    "resnet34": (resnet34, IMAGENET),
    "resnet50": (resnet50, IMAGENET),
    "resnet101": (resnet101, IMAGENET),
    "resnet152": (resnet152, IMAGENET),
    "mobilenet_v2": (mobilenet_v2, IMAGENET),
    "efficientnet_lite0": (efficientnet_lite0, IMAGENET),
    "unet": (unet, (1, 512, 512)),
    "fcn_resnet50": (fcn_resnet50, (3, 520, 520)),
    "yolov5n": (yolov5n, (3, 640, 640)),
}  # name: (what builds it, the input shape it was published for)

__all__ = [
    *("MODELS", "build", "input_shape", "imagenet_classes"),
    "VOC_CLASSES",
    *("lenet5", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "squeezenet1_1"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2", "efficientnet_lite0"),
    *("unet", "fcn_resnet50", "yolov5n"),
]


def build(name: str, *, weights=None, rng=None):
    """Return the network of that name; `weights` and `rng` are the model's own.

    >>> len(build("lenet5"))
    12

    Raises UnknownNameError with the nearest name, and what the model raises.  Source: the papers in each model's file.
    """
    return _row(name)[0](weights=weights, rng=rng)


def input_shape(name: str) -> tuple[int, int, int]:
    """Return the (C, H, W) that a model was published for.

    >>> input_shape("lenet5")
    (1, 32, 32)

    Raises UnknownNameError with the nearest name.  Source: the papers in each model's file.
    """
    return _row(name)[1]


def _row(name: str):
    if not isinstance(name, str) or name not in MODELS:
        raise UnknownNameError(f"models: there is no model {name!r}.{nearest(str(name), MODELS)}")
    return MODELS[name]


def __getattr__(name: str):
    if name == "imagenet_classes":  # reads a file of the package, with a module that takes its time
        from minicnn.models.imagenet import imagenet_classes

        return imagenet_classes
    raise AttributeError(f"module 'minicnn.models' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
