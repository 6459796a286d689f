"""The front door: every question that is asked of an argument, asked once and in one wording.

Idea: public functions call these before anything else; the rooms behind trust what they get.
Each check returns the value in its plain form (an ndarray, an int, a pair of ints) or raises an
error that gives rule, received and remedy.
"""

import operator

import numpy as np

from minicnn.errors import ArgumentError, DTypeError, ShapeError

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def float_array(value, name: str, what: str) -> np.ndarray:
    """Return `value` as a plain float32 or float64 ndarray, or say what to do about it."""
    if isinstance(value, np.ma.MaskedArray):
        raise DTypeError(f"{what}: {name} is a masked array, whose mask would be lost; fill it first, such as {name}.filled(0).")
    if not isinstance(value, np.ndarray):
        remedy = f"pass {name}.numpy()" if hasattr(value, "numpy") else f"pass np.asarray({name}, dtype=np.float32)"
        raise DTypeError(f"{what}: {name} must be a NumPy array, but it is a {type(value).__name__}; {remedy}.")
    value = np.asarray(value)  # a subclass (matrix, masked array, memmap) as the plain array it holds
    if value.dtype in FLOATS and value.dtype.isnative:
        return value
    raise DTypeError(f"{what}: {name} must be float32 or float64, but its dtype is {value.dtype}; {_dtype_remedy(value, name)}")


def _dtype_remedy(value: np.ndarray, name: str) -> str:
    kind = value.dtype.kind
    if value.dtype == np.uint8:
        return f"an image of bytes becomes numbers in [0, 1] by {name}.astype(np.float32) / 255."
    if kind in "iub" and name == "x":
        return "convert it with x.astype(np.float32), and scale it if it is an image (x / 255 for 8 bits, x / 65535 for 16)."
    if kind == "O":
        return f"an object array usually comes from nested lists of unequal length: check the lengths, then np.array({name}, dtype=np.float32)."
    if kind == "c":
        return f"take {name}.real or np.abs({name})."
    if kind in "fiub":
        return f"convert it with {name}.astype(np.float32)."
    return f"pass numbers: np.array({name}, dtype=np.float32)."


def same_dtype(what: str, **arrays: np.ndarray | None) -> np.dtype:
    """Return the one dtype of all arrays given; None is passed over."""
    present = {name: array for name, array in arrays.items() if array is not None}
    (first, lead), *rest = present.items()
    for name, array in rest:
        if array.dtype != lead.dtype:
            raise DTypeError(
                f"{what}: all arrays must have one dtype, but {first} is {lead.dtype} and {name} is {array.dtype}; "
                f"convert one: {name}.astype(np.{lead.dtype})."
            )
    return lead.dtype


def image_batch(x, what: str, name: str = "x") -> tuple[np.ndarray, bool]:
    """Return x as (N, C, H, W) and whether the batch axis was added (x came as C H W)."""
    x = float_array(x, name, what)
    if x.ndim == 2:
        raise ShapeError(
            f"{what}: {name} must be (N, C, H, W) or (C, H, W), but {name}.shape={x.shape} has 2 axes. "
            f"A single grey image needs its two axes of length 1: {name}[None, None]."
        )
    if x.ndim not in (3, 4):
        raise ShapeError(f"{what}: {name} must be (N, C, H, W) or (C, H, W), but {name}.shape={x.shape} has {x.ndim} axes.")
    batch = x[None] if x.ndim == 3 else x
    if 0 in batch.shape[1:]:
        raise ShapeError(f"{what}: only the batch may be empty, but {name}.shape={x.shape} has an empty channel, row or column axis.")
    return batch, x.ndim == 3


def wants_channels(what: str, x, channels: int, *, source: str = "weight", unbatched: bool = False) -> None:
    """Raise unless the batch x (an array or its shape, N C H W) has `channels` channels; an NHWC array is recognised."""
    batch = tuple(getattr(x, "shape", x))
    if batch[1] == channels:
        return
    shape, axis = (batch[1:], 0) if unbatched else (batch, 1)
    message = f"{what}: {source} expects {channels} input channels but x has {batch[1]} (x.shape={shape})."
    if len(batch) == 4 and batch[3] == channels:
        to_nchw = (2, 0, 1) if unbatched else (0, 3, 1, 2)
        message += (
            f" That looks like {'HWC' if unbatched else 'NHWC'}; minicnn uses {'CHW' if unbatched else 'NCHW'}: x.transpose{to_nchw}."
        )
    else:
        message += f" Channels are axis {axis} of x: give x {channels} channels, or build the layer for {batch[1]}."
    raise ShapeError(message)


def integer(value, name: str, what: str, least: int) -> int:
    """Return value as an int that is at least `least`."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise ArgumentError(f"{what}: {name} must be a whole number, but it is {value!r}.")
    if number < least:
        raise ArgumentError(f"{what}: {name} must be at least {least}, but it is {number}.")
    return number


def pair(value, name: str, what: str, least: int) -> tuple[int, int]:
    """Return (vertical, horizontal) from one whole number for both axes, or from two."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ArgumentError(f"{what}: {name} must be one whole number or a pair (vertical, horizontal), but it is {value!r}.")
        return integer(value[0], f"{name}[0]", what, least), integer(value[1], f"{name}[1]", what, least)
    number = integer(value, name, what, least)
    return number, number


def flag(value, name: str, what: str, instead: str = "") -> bool:
    """Return value when it is True or False."""
    if not isinstance(value, bool | np.bool_):
        shown = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ArgumentError(f"{what}: {name} is True or False, but it is {shown}{'; ' + instead if instead else ''}.")
    return bool(value)


def one_of(value, name: str, what: str, known: tuple[str, ...]) -> str:
    """Return value when it is one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{what}: {name} must be one of {', '.join(map(repr, known))}, but it is {value!r}.")
    return value
