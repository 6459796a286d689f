"""Published architectures, one file per paper; each builds a Network.

A model built with neither weights nor rng is shape-only: it can be described, not run.
`MODELS` maps a name to the function that builds it; a new model is one file and one row.
"""

import importlib

from minicnn.errors import UnknownNameError, nearest

MODELS = {
    "lenet5": ("minicnn.models.lenet", (1, 32, 32)),
    "efficientnet_lite0": ("minicnn.models.efficientnet_lite", (3, 224, 224)),
}  # name: (module, the input shape it was published for)

__all__ = ["MODELS", "build", "efficientnet_lite0", "imagenet_classes", "input_shape", "lenet5"]


def build(name: str, *, weights=None, rng=None):
    """Return the network of that name; `weights` and `rng` are the model's own.

    >>> len(build("lenet5"))
    12

    Raises UnknownNameError with the nearest name, and what the model raises.  Source: the papers in each model's file.
    """
    return getattr(importlib.import_module(_row(name)[0]), name)(weights=weights, rng=rng)


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
    if name == "imagenet_classes":
        from minicnn.models.imagenet import imagenet_classes

        return imagenet_classes
    if name in MODELS:
        return getattr(importlib.import_module(MODELS[name][0]), name)
    raise AttributeError(f"module 'minicnn.models' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
