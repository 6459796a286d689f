"""Which question: how does what Keras stores for one layer lie in memory here?

Idea: Keras keeps channels last, and kernels as (rows, columns, in, out); here, as in PyTorch, the output
channel comes first.  The numbers are the same, their order is not:

    Conv2D            kernel (kh, kw, in, out)      →  weight (out, in, kh, kw)
    DepthwiseConv2D   kernel (kh, kw, in, m)        →  weight (in·m, 1, kh, kw)     output i·m + j is filter j of channel i
    Conv2DTranspose   kernel (kh, kw, out, in)      →  weight (in, out, kh, kw)
    Dense             kernel (in, out)              →  weight (out, in)
    Dense behind a Flatten of (H, W, C)             its columns from (H, W, C) to (C, H, W) order
    BatchNormalization gamma, beta, moving_mean, moving_variance  →  weight, bias, running_mean, running_var

Nothing is flipped: both sum w[i, j]·x[p + i, q + j].  A SeparableConv2D is two layers, 'name.depthwise' and
'name.pointwise'.  Where one of gamma and beta was left out, ones or zeros stand in, which change nothing.

Cost: one copy of each array.  Does not do: recurrent layers, 1-D and 3-D convolutions (their arrays stay as they are).
Source: keras.io/api/layers; keras/src/layers/convolutional/base_conv.py (build), …/base_conv_transpose.py,
…/base_depthwise_conv.py.  Next room: kerasfile.py, which finds the arrays.
"""

import re
from typing import NamedTuple

import numpy as np

CONV, DEPTHWISE, TRANSPOSED, DENSE, NORM, AFFINE, SLOPE = "conv", "depthwise", "transposed", "dense", "norm", "affine", "slope"
# A class of Keras → the kind of layer that it is here, and the axes that its kernel has.
KINDS = {
    "Conv2D": CONV, "Convolution2D": CONV, "DepthwiseConv2D": DEPTHWISE, "Conv2DTranspose": TRANSPOSED, "Dense": DENSE,
    "BatchNormalization": NORM, "LayerNormalization": AFFINE, "GroupNormalization": AFFINE, "PReLU": SLOPE,
}  # fmt: skip
FOUR_AXES = (CONV, DEPTHWISE, TRANSPOSED)
# The fields of a layer in the order in which Keras numbers them, those that may be left out included.
FIELDS = {
    CONV: ("kernel", "bias"), DEPTHWISE: ("kernel", "bias"), TRANSPOSED: ("kernel", "bias"), DENSE: ("kernel", "bias"),
    NORM: ("gamma", "beta", "moving_mean", "moving_variance"), AFFINE: ("gamma", "beta"), SLOPE: ("alpha",),
    "separable": ("depthwise_kernel", "pointwise_kernel", "bias"),
}  # fmt: skip
NAMES = {
    "kernel": "weight", "depthwise_kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var", "alpha": "weight",
}  # fmt: skip


class KerasLayer(NamedTuple):
    """One layer of a Keras file: `arrays` by Keras' names of them, and what is known of it."""

    name: str
    path: str
    kind: str | None  # None where its arrays are none that are converted
    arrays: dict[str, np.ndarray]
    certain: bool = True  # whether the file says its kind, or its shapes were asked
    channels: int | None = None  # of the map that a Flatten has folded into its features
    lost: bool = False  # a Dense of which the configuration does not tell what it is given
    reshaped: bool = False  # a map is made of its outputs
    epsilon: float | None = None
    momentum: float | None = None  # in Keras' sense: the share of what was there


def arrays_of(layer: KerasLayer, kind: str | None = None, channels: int | None = None) -> dict[str, np.ndarray]:
    """Return a layer's arrays as they lie here, by the names that they have here.

    >>> kernel = np.arange(12.0).reshape(1, 2, 3, 2)                                        # (kh, kw, in, out)
    >>> arrays_of(KerasLayer("c1", "c1", CONV, {"kernel": kernel}))["weight"].shape
    (2, 3, 1, 2)
    >>> dense = np.arange(6.0).reshape(6, 1)                            # of a map of 3 pixels with 2 channels each
    >>> arrays_of(KerasLayer("fc", "fc", DENSE, {"kernel": dense}), channels=2)["weight"]
    array([[0., 2., 4., 1., 3., 5.]])
    """
    kind = layer.kind if kind is None else kind
    if kind is None:
        return dict(layer.arrays)
    arrays = {NAMES[field]: np.ascontiguousarray(TURNED.get(kind, _same)(array)) for field, array in layer.arrays.items()}
    if kind == NORM and ("weight" in arrays) != ("bias" in arrays):
        mean = arrays["running_mean"]
        arrays = {"weight": np.ones_like(mean), "bias": np.zeros_like(mean), **arrays}
    channels = layer.channels if channels is None else channels
    return arrays if channels is None else {name: _channels_first(array, kind, name, channels) for name, array in arrays.items()}


def _channels_first(array: np.ndarray, kind: str, name: str, channels: int) -> np.ndarray:
    """Return an array whose last axis counts the features of a flattened (H, W, C) map, in (C, H, W) order."""
    counts_features = kind in (NORM, AFFINE, SLOPE) or kind == DENSE and name == "weight"
    if not counts_features or array.shape[-1] % channels:
        return array
    pixels = array.reshape(*array.shape[:-1], -1, channels)
    return np.ascontiguousarray(np.swapaxes(pixels, -1, -2)).reshape(array.shape)


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _kernel_or_bias(turn):
    return lambda array: turn(array) if array.ndim > 1 else array


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    rows, columns, channels, each = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, rows, columns)


TURNED = {
    CONV: _kernel_or_bias(lambda kernel: kernel.transpose(3, 2, 0, 1)),
    TRANSPOSED: _kernel_or_bias(lambda kernel: kernel.transpose(3, 2, 0, 1)),  # (kh, kw, out, in): the same axes, other names
    DEPTHWISE: _kernel_or_bias(_depthwise),
    DENSE: _kernel_or_bias(lambda kernel: kernel.transpose(1, 0)),
    SLOPE: lambda alpha: alpha.reshape(-1) if alpha.size == alpha.shape[-1] else alpha,  # (1, 1, C), shared along rows and columns
}


def kind_from(name: str, arrays: dict[str, np.ndarray]) -> str | None:
    """Return which kind of layer has these arrays, as far as their names and shapes tell.

    A kernel of four axes is a convolution's unless its name or its bias says otherwise.

    >>> shapes = {"kernel": np.zeros((3, 3, 4, 2)), "bias": np.zeros(8)}
    >>> kind_from("stem", shapes), kind_from("fc", {"kernel": np.zeros((4, 2))})
    ('depthwise', 'dense')
    """
    fields = set(arrays)
    if "moving_mean" in fields and "moving_variance" in fields:
        return NORM if fields <= set(FIELDS[NORM]) and all(a.ndim == 1 for a in arrays.values()) else None
    if fields == {"alpha"}:
        return SLOPE
    if fields and fields <= {"gamma", "beta"}:
        return AFFINE
    if not fields <= {"kernel", "depthwise_kernel", "bias"} or len(fields - {"bias"}) != 1:
        return None
    kernel = next(array for field, array in arrays.items() if field != "bias")
    bias = arrays.get("bias")
    if kernel.ndim == 2:
        return DENSE
    return _kind_of_four_axes(name, kernel, None if bias is None else bias.size) if kernel.ndim == 4 else None


def _kind_of_four_axes(name: str, kernel: np.ndarray, outputs: int | None) -> str:
    third, fourth = kernel.shape[2:]
    if "depthwise" in name or outputs == third * fourth != fourth:
        return DEPTHWISE
    return TRANSPOSED if "transpose" in name or outputs == third != fourth else CONV


def fits(kind: str, arrays: dict[str, np.ndarray]) -> bool:
    """Return whether arrays of these names and axes can be a layer of that kind."""
    axes = {"kernel": 4 if kind in FOUR_AXES else 2, "depthwise_kernel": 4}
    allowed = {*FIELDS[kind], *(("depthwise_kernel",) if kind == DEPTHWISE else ())}
    return (
        bool(arrays)
        and set(arrays) <= allowed
        and all(array.ndim == axes.get(field, 1) or kind == SLOPE for field, array in arrays.items())
    )


def numbered(kind: str, count: int, settings: dict | None) -> tuple[str, ...] | None:
    """Return the names of a layer's first `count` arrays, or None where that cannot be known.

    >>> numbered(NORM, 4, None), numbered(NORM, 3, None), numbered(NORM, 3, {"scale": False})
    (('gamma', 'beta', 'moving_mean', 'moving_variance'), None, ('beta', 'moving_mean', 'moving_variance'))
    """
    left_out = {"gamma": "scale", "beta": "center", "bias": "use_bias"}
    fields = FIELDS[kind]
    if settings is not None and any(word in settings for word in left_out.values()):
        fields = tuple(field for field in fields if settings.get(left_out.get(field, "")) is not False)
        return fields if len(fields) == count else None
    if kind == NORM:
        return fields if count == 4 else fields[2:] if count == 2 else None
    if kind == AFFINE:
        return fields if count == 2 else None
    return fields[:count] if count in (len(fields) - 1, len(fields)) and count else None


OLD_FIELDS = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance", "alphas": "alpha"}
WORDS = "|".join([*OLD_FIELDS, *NAMES, "pointwise_kernel"])


def split(path: str) -> tuple[str, str]:
    """Return the layer and the field that a weight of a .h5 belongs to, in any of Keras' spellings.

    Keras 1 called the running variance 'running_std'.

    >>> split("block1_conv1/kernel:0"), split("block1_conv1_W_1:0"), split("model/bn/moving_mean")
    (('block1_conv1', 'kernel'), ('block1_conv1', 'kernel'), ('model/bn', 'moving_mean'))
    """
    path = path.removesuffix(":0")
    layer, _, last = path.rpartition("/")
    found = re.fullmatch(rf"(.+?)_({WORDS})(_\d+)?" if not layer else rf"()({WORDS})(_\d+)?", last)
    return (layer or found[1], OLD_FIELDS.get(found[2], found[2])) if found else (layer, last)
