"""minicnn: a convolution engine to learn from.

    from minicnn import nn, conv2d, describe, trace, load, models

Importing this loads NumPy and nothing heavier; each name below is imported when it is first used
(PEP 562), kernels are compiled when they are first called.
"""

__version__ = "0.1.0"

_HOME = {
    "ALGORITHMS": "minicnn.conv.gallery",
    "Box": "minicnn.field",
    "Description": "minicnn.network",
    "FeatureMap": "minicnn.network",
    "Graph": "minicnn.network",
    "Network": "minicnn.network",
    "Node": "minicnn.network",
    "ReceptiveField": "minicnn.field",
    "Sequential": "minicnn.network",
    "Statistics": "minicnn.functional.statistics",
    "Trace": "minicnn.network",
    "Window": "minicnn.window",
    "allowed_error": "minicnn.conv.contract",
    "backward": "minicnn.network",
    "choose_algorithm": "minicnn.conv.dispatch",
    "compiling": "minicnn.conv.jit",
    "conv2d": "minicnn.conv.dispatch",
    "describe": "minicnn.network",
    "fuse": "minicnn.network",
    "solve": "minicnn.quiz.solving",
    "statistics": "minicnn.functional.statistics",
    "to_device": "minicnn.network",
    "trace": "minicnn.network",
}
_ROOMS = (
    "cli",
    "errors",
    "functional",
    "grade",
    "load",
    "misconceptions",
    "models",
    "nn",
    "probe",
    "quiz",
    "show",
    "text",
    "train",
    "window",
)

__all__ = [*_HOME, *_ROOMS, "__version__"]


def __getattr__(name: str):
    import importlib

    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"minicnn.{name}")
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
