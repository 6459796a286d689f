"""Which question: can this data set be learned from, by this network?

Idea: everything that can be asked before the first step is asked before it, of the whole set: one target per
image, enough images for a batch, a shape that the network takes, labels that it has outputs for, in the user's
own numbering.  A mistake in the held out set must not wait for the end of the first epoch.
Cost: one pass over the targets.  What it does not do: look at the images' numbers.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, MinicnnError, ShapeError
from minicnn.network import Network
from minicnn.network.shapes import shapes_of

IGNORED = -100  # the label that cross entropy passes over, PyTorch's

DataSet = tuple[np.ndarray, np.ndarray]


def data_set(data, name: str, what: str) -> DataSet:
    """Return (images, targets) when they are arrays of as many rows, at least one.

    >>> [array.shape for array in data_set((np.zeros((2, 3)), np.array([0, 1])), "data", "fit")]
    [(2, 3), (2,)]
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        parts = f"({name}.images, {name}.labels)" if hasattr(data, "images") and hasattr(data, "labels") else "(x, labels)"
        raise ArgumentError(f"{what}: {name} is a pair (images, targets), but it is a {type(data).__name__}; write {name}={parts}.")
    images, targets = data
    images = check.float_array(images, f"{name}[0]", what)
    if not isinstance(targets, np.ndarray):
        raise DTypeError(
            f"{what}: {name}[1], the targets, must be a NumPy array, but it is a {type(targets).__name__}; pass np.asarray(labels)."
        )
    if images.ndim < 2 or targets.ndim < 1 or len(images) != len(targets):
        raise ShapeError(
            f"{what}: {name} holds one target per image, along their first axes, but images.shape={images.shape} and targets.shape={targets.shape}."
        )
    if not len(images):
        raise ArgumentError(f"{what}: {name} must hold at least one image, but it is empty; check how it was selected.")
    return images, targets


def enough(images: np.ndarray, batch_size: int) -> None:
    """Raise where not even one batch is full.

    >>> enough(np.zeros((4, 1)), 4)
    """
    if len(images) < batch_size:
        raise ArgumentError(
            f"fit: a data set fills at least one batch, but it holds {len(images)} images and batch_size is {batch_size}; "
            f"use batch_size={len(images)} or less."
        )


def fits(net: Network, data: DataSet, name: str, classes: bool) -> None:
    """Raise where the network does not take these images or, with `classes`, has no output for a label.

    >>> from minicnn import nn
    >>> fits(nn.Sequential(nn.Linear(2, 3)), (np.zeros((4, 2)), np.array([0, 1, 2, 2])), "data", classes=True)
    """
    images, targets = data
    if len(net.inputs) != 1:
        raise ArgumentError(
            f"fit: it feeds one array of images, but this network has {len(net.inputs)} inputs ({', '.join(net.inputs)}); "
            "take train.step's lines as a pattern: trace(net, a, b, training=True), backward, optimizer.step."
        )
    if images.ndim == 3:  # which a network takes as one image
        raise ShapeError(
            f"fit: images of {name} are (N, C, H, W), but images.shape={images.shape} has 3 axes; "
            "grey images need their channel axis of length 1: images[:, None]."
        )
    try:
        out = shapes_of(net, images.shape)[net.outputs[0]]
    except MinicnnError as error:
        raise type(error)(f"fit: {name}: {error}") from None
    if classes and are_labels(targets) and len(out) >= 2:
        _in_range(targets, out[1], name)


def are_labels(targets: np.ndarray) -> bool:
    """Return whether targets are whole numbers.

    >>> are_labels(np.array([1, 2])), are_labels(np.array([1.0]))
    (True, False)
    """
    return targets.dtype.kind in "iu"


def _in_range(labels: np.ndarray, classes: int, name: str) -> None:
    wrong = ((labels < 0) & (labels != IGNORED)) | (labels >= classes)
    if not wrong.any():
        return
    place = tuple(map(int, np.argwhere(wrong)[0]))
    shown = place[0] if len(place) == 1 else list(place)
    kept = labels[labels != IGNORED]
    hint = " They seem to start at 1: subtract 1." if kept.min() == 1 and kept.max() == classes else ""
    raise ArgumentError(
        f"fit: labels of {name} are from 0 to {classes - 1}, since the network has {classes} outputs, but {name}[1][{shown}] is "
        f"{labels[place]} ({int(wrong.sum()):,} of {labels.size:,} are outside).{hint}"
    )
