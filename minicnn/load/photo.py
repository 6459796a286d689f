"""Which question: how does a photo become the array that a network takes, and back?

Idea: decode, resize, crop, scale to [0, 1], subtract the mean, divide by the standard deviation,
and put channels first.  The steps and their rounding are those of torchvision's transforms on PIL
images, so a network trained there sees the same numbers here.

    (H, W, 3) bytes ─ resize ─ crop ─► / 255 ─► (v - mean) / std ─► (1, 3, H, W)

Cost: decoding and resizing, a few milliseconds for a photo; importing this module does not load Pillow.
Does not do: augmentation, batches of several files, colour profiles.
Source: torchvision.transforms.functional (resize, center_crop, to_tensor, normalize); He et al. (2016)
for 256 and 224; the mean and standard deviation of ImageNet's training set; keras/applications/imagenet_utils.py
(preprocess_input, mode "caffe") for networks that came by way of Caffe.  Next room: network.
"""

from types import MappingProxyType

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.arguments import real
from minicnn.load import decode

WHAT = "load.image"
MODES = ("RGB", "L")
ORDERS = ("RGB", "BGR")
MOST_PIXELS = 2**27  # per channel, after resizing
ROUNDING = 1e-3  # how far outside [0, 1] an image array may come back from (x - mean) / std · std + mean

#: The settings of most ImageNet classifiers: `load.image(path, **load.IMAGENET)`.
IMAGENET = MappingProxyType({"resize": 256, "crop": 224, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)})

#: The settings of networks that were trained in Caffe or with Keras' mode "caffe" (its VGG16, VGG19 and ResNet50):
#: values 0 to 255, blue first, the mean of ImageNet's training set subtracted, nothing divided.
CAFFE = MappingProxyType({"resize": 256, "crop": 224, "order": "BGR", "scale": 255.0, "mean": (103.939, 116.779, 123.68)})


def image(
    source, *, mode: str = "RGB", resize=None, crop=None, order: str = "RGB", scale=1.0, mean=None, std=None, dtype=np.float32
) -> np.ndarray:
    """Return a picture as a C-contiguous array (1, C, H, W), with C = 3 for mode 'RGB' and 1 for 'L'.

    x[0, c, i, j] = (scale · pixel[i, j, c] / 255 - mean[c]) / std[c]        (/ 65535 for 16 bits)

    source: a path, bytes, an open binary file, a PIL image, or an array (H, W), (H, W, 1), (H, W, 3)
    or (H, W, 4) of uint8, uint16 or floats in [0, 1]. EXIF orientation is applied. Grey pictures get
    three equal channels under 'RGB'. Transparency is composited on white, where torchvision's
    convert("RGB") would drop it. 16-bit grey is scaled by 65535 and never clipped.

    resize: a whole number is the new length of the shorter side, the longer becoming
    int(resize·long / short); a pair is (H, W). Bicubic, averaging over the source where it shrinks
    (antialiasing); 8-bit pictures are resized as 8-bit pictures, others as floats, clipped to [0, 1].
    crop: a whole number or (H, W), from the centre, with top = round((H - h) / 2).
    order: 'BGR' puts the blue channel first, as networks from Caffe expect it; mean and std follow that order.
    scale: what a white pixel is, 1 or 255 as a rule.
    mean, std: one number, or one per channel, in units of [0, scale]; without them values stay in [0, scale].

    A picture in memory is (H, W, C): the three colours of a pixel lie side by side. transpose(2, 0, 1)
    only relabels the axes, and the bytes stay where they are; the copy into C-contiguous order then
    puts each channel's rows together, so that a kernel that walks along a row reads neighbours.

    Raises FileFormatError for a file that is missing, damaged, no picture or too large; ShapeError for
    a crop larger than the picture; ArgumentError and DTypeError for settings outside their range.
    Source: torchvision.transforms.functional; Pillow's Image.resize.

    >>> photo = np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8)   # one row: a red pixel, a blue pixel
    >>> image(photo).shape
    (1, 3, 1, 2)
    >>> image(photo)[0, 0]                                             # the red channel
    array([[1., 0.]], dtype=float32)
    >>> image(np.zeros((300, 400, 3), np.uint8), **IMAGENET).shape
    (1, 3, 224, 224)
    >>> image(photo, order="BGR", scale=255, mean=CAFFE["mean"])[0, :, 0, 0].round(3)   # red: 0, 0, 255, less the mean
    array([-103.939, -116.779,  131.32 ], dtype=float32)
    """
    check.one_of(mode, "mode", WHAT, MODES)
    dtype, white = _float_dtype(dtype), _white(scale, WHAT)
    backwards = _backwards(order, 3 if mode == "RGB" else 1, WHAT)
    scaling = _per_channel(mean, std, 3 if mode == "RGB" else 1, WHAT, white)
    size = _size(resize, "resize")
    window = _size(crop, "crop")
    pixels = decode.pixels(source, mode)  # (H, W, C), uint8 or float64
    pixels = _cropped(_resized(pixels, size), window)
    values = _scaled(pixels[:, :, ::-1] if backwards else pixels, white, dtype)
    if scaling is not None:
        values = (values - scaling[0].astype(dtype)) / scaling[1].astype(dtype)
    return np.ascontiguousarray(values.transpose(2, 0, 1))[None]  # (H, W, C) → (1, C, H, W)


def to_hwc(x, mean=None, std=None, *, order: str = "RGB", scale=1.0) -> np.ndarray:
    """Return an image array (1, C, H, W) or (C, H, W) as (H, W, 3) in [0, 1], ready for plotting.

    pixel[i, j, c] = (x[c, i, j]·std[c] + mean[c]) / scale

    C is 3, or 1, which becomes three equal channels. mean, std, order and scale are those the image
    was loaded with. Rounding outside [0, 1] is clipped; values farther outside are an error, because a clipped
    picture would show colours that the photo does not have.

    Raises ShapeError for several images or other channel counts; DTypeError unless x is float32 or
    float64; ArgumentError for values that are not finite or not in [0, 1].
    Source: the inverse of torchvision.transforms.functional.normalize.

    >>> x = image(np.array([[0, 51, 255]], np.uint8), mean=0.5, std=0.25)
    >>> to_hwc(x, mean=0.5, std=0.25)[0, :, 0].round(3)
    array([0. , 0.2, 1. ], dtype=float32)
    """
    what = "load.to_hwc"
    batch, _ = check.image_batch(x, what)
    if batch.shape[0] != 1:
        raise ShapeError(f"{what}: x must hold one image, but x.shape={batch.shape} holds {batch.shape[0]}; pass x[i].")
    channels = batch.shape[1]
    if channels not in (1, 3):
        hint = (
            " That looks like HWC already; plot x as it is." if batch.shape[3] in (1, 3) else " Pass one channel at a time: x[:, c:c + 1]."
        )
        raise ShapeError(f"{what}: x must have 1 or 3 channels on axis {x.ndim - 3}, but it has {channels} (x.shape={x.shape}).{hint}")
    white, backwards = _white(scale, what), _backwards(order, channels, what)
    scaling = _per_channel(mean, std, channels, what, white)
    values = batch[0].transpose(1, 2, 0)  # (C, H, W) → (H, W, C)
    if scaling is not None:
        values = values * scaling[1].astype(x.dtype) + scaling[0].astype(x.dtype)
    values = values[:, :, ::-1] if backwards else values
    values = values if white == 1 else values / x.dtype.type(white)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ArgumentError(f"{what}: x holds NaN or infinite values; look for where they come from before plotting.")
    if low < -ROUNDING or high > 1 + ROUNDING:
        remedy = "pass the mean and std that it was loaded with" if scaling is None else "check mean and std, or clip x first"
        remedy = f"pass scale=255 if it was loaded so; else {remedy}" if white == 1 and 2 < high < 300 else remedy
        raise ArgumentError(f"{what}: the picture must lie in [0, 1], but it goes from {low:.6g} to {high:.6g}; {remedy}.")
    return np.repeat(np.clip(values, 0, 1), 3 // channels, axis=2)


def _white(scale, what: str) -> float:
    white = real(scale, "scale", what)
    if not (white > 0 and np.isfinite(white)):
        raise ArgumentError(f"{what}: scale is the value of a white pixel, a number above 0 such as 1 or 255, but it is {scale!r}.")
    return white


def _backwards(order, channels: int, what: str) -> bool:
    """Return whether blue comes first."""
    backwards = check.one_of(order, "order", what, ORDERS) == "BGR"
    if backwards and channels == 1:
        raise ArgumentError(f"{what}: order='BGR' is about three channels, and a grey image has one; leave order out.")
    return backwards


def _scaled(pixels: np.ndarray, white: float, dtype: np.dtype) -> np.ndarray:
    """Return bytes, or floats in [0, 1], as numbers from 0 to white; bytes to 255 are the bytes themselves."""
    whole = pixels.dtype == np.uint8
    values = pixels.astype(dtype)
    if whole and white == 255:
        return values
    values = values / dtype.type(255) if whole else values
    return values if white == 1 else values * dtype.type(white)


def _float_dtype(dtype) -> np.dtype:
    try:
        found = None if dtype is None else np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found not in check.FLOATS:  # NumPy reads None as float64, even when it compares
        raise DTypeError(f"{WHAT}: dtype must be float32 or float64, but it is {dtype!r}; pass dtype=np.float32.")
    return found


def _size(value, name: str) -> int | tuple[int, int] | None:
    """Return None, a length, or (H, W)."""
    if value is None:
        return None
    if isinstance(value, list | tuple | np.ndarray):
        return check.pair(value, name, WHAT, 1)
    return check.integer(value, name, WHAT, 1)


def _per_channel(mean, std, channels: int, what: str, white: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return mean and std with one number per channel, or None when neither is given."""
    if mean is None and std is None:
        return None
    means = _numbers(0.0 if mean is None else mean, "mean", channels, what)
    stds = _numbers(1.0 if std is None else std, "std", channels, what)
    if (means < 0).any() or (means > white).any():
        remedy = "divide values for 0 to 255 by 255" if white == 1 else "give mean in the units of scale"
        raise ArgumentError(f"{what}: mean is in units of [0, {white:g}], like the pixels, but it is {mean!r}; {remedy}.")
    if (stds <= 0).any():
        raise ArgumentError(f"{what}: std divides the pixels and must be above 0, but it is {std!r}; use 1 to leave a channel as it is.")
    return means, stds


def _numbers(value, name: str, channels: int, what: str) -> np.ndarray:
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if not np.isfinite(numbers).all():
        raise ArgumentError(f"{what}: {name} must be a finite number or one per channel, but it is {value!r}.")
    if numbers.ndim > 1 or numbers.ndim == 1 and numbers.size != channels:
        raise ArgumentError(
            f"{what}: {name} must be one number or {channels}, one per channel, but it has shape {numbers.shape}: {value!r}; "
            f"{'a grey image has one channel' if channels == 1 else 'a colour image has three channels'}."
        )
    return np.broadcast_to(numbers, channels)


def _target(height: int, width: int, size: int | tuple[int, int]) -> tuple[int, int]:
    """Return the (H, W) that resize asks for; a single length is the shorter side's.

    >>> _target(480, 641, 256), _target(641, 480, 256)
    ((256, 341), (341, 256))
    """
    if isinstance(size, tuple):
        return size
    short, long = sorted((height, width))
    longer = size * long // short
    return (size, longer) if height <= width else (longer, size)


def _resized(pixels: np.ndarray, size: int | tuple[int, int] | None) -> np.ndarray:
    """Return (H, W, C) pixels at another size; each channel is resized by itself, which is what Pillow does within a picture."""
    if size is None:
        return pixels
    height, width = _target(*pixels.shape[:2], size)
    if height * width > MOST_PIXELS:
        raise ArgumentError(
            f"{WHAT}: resize={size} makes {height}×{width} = {height * width:,} pixels of {pixels.shape[0]}×{pixels.shape[1]}, "
            f"more than {MOST_PIXELS:,}; choose a smaller size."
        )
    planes = [_resized_plane(pixels[:, :, c], height, width) for c in range(pixels.shape[2])]
    return np.stack(planes, axis=2)


def _resized_plane(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    from PIL import Image

    if plane.shape == (height, width):
        return plane
    whole = plane.dtype == np.uint8
    picture = Image.fromarray(np.ascontiguousarray(plane if whole else plane.astype(np.float32)))
    resized = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    # Bicubic overshoots beside an edge. Pillow clips bytes itself; floats are clipped here.
    return resized if whole else np.clip(resized, 0, 1).astype(np.float64)


def _cropped(pixels: np.ndarray, window: int | tuple[int, int] | None) -> np.ndarray:
    """Return the centre of (H, W, C) pixels."""
    if window is None:
        return pixels
    rows, columns = window if isinstance(window, tuple) else (window, window)
    height, width = pixels.shape[:2]
    if rows > height or columns > width:
        raise ShapeError(
            f"{WHAT}: a crop must fit into the picture, but crop={rows}×{columns} is larger than {height}×{width} "
            f"({max(rows - height, 0)} rows and {max(columns - width, 0)} columns too many); use resize first, or a smaller crop."
        )
    # Python rounds halves to the even number, and torchvision with it.
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    return pixels[top : top + rows, left : left + columns]
