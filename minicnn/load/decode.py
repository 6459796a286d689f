"""Which question: what are the pixels of this picture, whatever it came as?

Idea: everything becomes one array (H, W, C), of bytes where the picture has 8 bits and of floats in
[0, 1] where it has more, so that what follows has one case for each and no modes.

    1, L, P, RGB, CMYK, YCbCr, HSV     bytes, by Pillow's own conversions
    I;16, I (16-bit grey)              value / 65535
    F and arrays of floats             must lie in [0, 1] already
    alpha, in any of them              composited on white: a·colour + (1 - a)·white

The orientation that a camera noted in EXIF is applied; of an animation the first frame is taken.

Cost: decoding, plus one copy.  Does not do: colour profiles, 16 bits of colour (Pillow reads the
upper 8), raw camera files, EPS and WMF (reading those would start other programs).
Source: Pillow's "Concepts: modes"; Exif 2.32, tag 0x0112; ITU-R BT.601 for grey, as in Pillow.
Next room: photo.py, which resizes and crops them.
"""

import io
import os
import warnings

import numpy as np

from minicnn.errors import ArgumentError, DTypeError, FileFormatError, ShapeError
from minicnn.load.files import HEAD, existing_file, kind_of

WHAT = "load.image"
FORMATS = ("PNG", "JPEG", "JPEG2000", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM")
SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")
EIGHT_BITS = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "LA", "La", "PA", "RGBA", "RGBa")
LUMA = (299, 587, 114)  # of 1000
ORIENTATION = 0x0112
# What Pillow must do to show an image upright, by EXIF orientation; 1 is upright.
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip


def pixels(source, mode: str) -> np.ndarray:
    """Return the picture as (H, W, 3) for mode 'RGB' or (H, W, 1) for 'L': uint8, or float64 in [0, 1].

    >>> pixels(np.array([[0, 128, 255]], dtype=np.uint8), "RGB").shape
    (1, 3, 3)
    """
    from PIL import Image

    if isinstance(source, np.ndarray):
        return _from_array(source, mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks about the file are for its developers
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        if isinstance(source, Image.Image):
            return _read(lambda: source, "the PIL image", mode)
        if isinstance(source, str | os.PathLike):
            file = existing_file(source, WHAT)
            with _opened(file) as stream:
                return _read(lambda: _decoded(stream, file.name), file.name, mode)
        stream = _stream(source)
        name = f"the picture of {stream.getbuffer().nbytes:,} bytes"
        return _read(lambda: _decoded(stream, name), name, mode)


def _opened(file):
    try:
        return file.open("rb")
    except OSError as error:
        raise FileFormatError(f"{WHAT}: {file.name} cannot be opened ({error.strerror}); check its permissions.") from None


def _stream(source) -> io.BytesIO:
    """Return bytes or what is left of an open file as a stream."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        try:
            data = source.read()
        except (OSError, ValueError) as error:
            raise FileFormatError(f"{WHAT}: the file object cannot be read ({error}); open it with open(path, 'rb').") from None
        if not isinstance(data, bytes):
            raise FileFormatError(f"{WHAT}: the file object gives {type(data).__name__}, not bytes; open it with open(path, 'rb').")
    else:
        remedy = "; pass np.asarray(source)." if isinstance(source, list | tuple) else "."
        raise ArgumentError(
            f"{WHAT}: source must be a path, bytes, an open file, a PIL image or an array (H, W, C), but it is a {type(source).__name__}{remedy}"
        )
    if not data:
        raise FileFormatError(f"{WHAT}: the source has 0 bytes left; pass the whole file, or rewind it with source.seek(0).")
    return io.BytesIO(data)


def _decoded(stream, name: str):
    """Return the PIL image in a stream, its pixels loaded."""
    from PIL import Image, UnidentifiedImageError

    Image.init()
    try:
        image = Image.open(stream, formats=[kind for kind in FORMATS if kind in Image.OPEN])
        image.load()
        return image
    except UnidentifiedImageError:
        stream.seek(0)
        head = stream.read(HEAD)
        kind = kind_of(head)
        if kind in ("a PNG image", "a JPEG image"):
            raise FileFormatError(f"{WHAT}: {name} begins as {kind} but is damaged or cut short; fetch or save it again.") from None
        raise FileFormatError(
            f"{WHAT}: {name} is {kind or f'not a picture that is read here (it begins with {head[:8]!r})'}; "
            f"pass one of {', '.join(FORMATS)}, or an array."
        ) from None


def _read(get, name: str, mode: str) -> np.ndarray:
    """Return the pixels of the image that get() opens; whatever Pillow makes of a bad file becomes one error."""
    from PIL import Image

    try:
        image = get()
        if 0 in image.size:
            raise FileFormatError(f"{WHAT}: {name} has {image.width}×{image.height} pixels; a picture needs at least one.")
        return _from_pil(_upright(image), mode, name)
    except FileFormatError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FileFormatError(
            f"{WHAT}: {name} claims more than Pillow's limit of {Image.MAX_IMAGE_PIXELS:,} pixels, as a decompression bomb does; "
            f"if you trust it, open it with Pillow, make it smaller, and pass the PIL image."
        ) from None
    except Exception as error:  # Pillow's plugins raise many kinds for damaged files
        raise FileFormatError(
            f"{WHAT}: {name} is damaged or cut short ({type(error).__name__}: {str(error)[:200]}); fetch or save it again."
        ) from None


def _upright(image):
    """Return the image as the camera's owner saw it; damaged EXIF counts as none, as in image viewers."""
    from PIL import Image

    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # the pixels are sound, only the note about them is not
        return image
    return image.transpose(Image.Transpose[UPRIGHT[orientation]]) if orientation in UPRIGHT else image


def _from_pil(image, mode: str, name: str) -> np.ndarray:
    from PIL import Image

    if image.mode in SIXTEEN_BITS:
        return _channels(_sixteen_bits(image, name), mode)
    if image.mode == "F":
        return _channels(_unit_floats(np.asarray(image), name, FileFormatError), mode)
    if image.mode not in EIGHT_BITS:
        raise FileFormatError(
            f"{WHAT}: {name} has Pillow's mode {image.mode!r}, which is not read here; convert it with image.convert('RGB')."
        )
    if image.has_transparency_data:
        colours = image.convert("LA" if image.mode == "La" else image.mode).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours)
    grey = image if image.mode in ("1", "L") else image.convert("RGB")
    array = np.array(grey.convert(mode))  # uint8
    return array if array.ndim == 3 else array[:, :, None]


def _sixteen_bits(image, name: str) -> np.ndarray:
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise FileFormatError(
            f"{WHAT}: {name} has grey values from {low} to {high}, and 16 bits hold 0 to 65535; scale them to [0, 1] and pass the array."
        )
    floats = values / 65535
    clear = image.info.get("transparency")  # the one grey value that a PNG may call transparent
    return np.where(values == clear, 1.0, floats) if isinstance(clear, int) else floats


def _unit_floats(values: np.ndarray, name: str, error: type) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise error(f"{WHAT}: {name} holds NaN or infinite values; replace them, for example by np.nan_to_num.")
    if low < 0 or high > 1:
        remedy = "divide by 255" if low >= 0 and high <= 255 else "scale them, (v - v.min()) / (v.max() - v.min())"
        raise error(f"{WHAT}: float pixels must lie in [0, 1], but {name} goes from {low:.6g} to {high:.6g}; {remedy}.")
    return values.astype(np.float64)


def _from_array(array: np.ndarray, mode: str) -> np.ndarray:
    from PIL import Image

    array = np.asarray(array)
    if array.ndim not in (2, 3) or array.ndim == 3 and array.shape[2] not in (1, 3, 4):
        raise ShapeError(
            f"{WHAT}: an array must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), but its shape is {array.shape}.{_layout_hint(array.shape)}"
        )
    if array.size == 0:
        raise ShapeError(f"{WHAT}: an array needs at least one pixel, but its shape is {array.shape}.")
    if array.dtype == np.uint8:
        flat = array[:, :, 0] if array.shape[2:] == (1,) else array
        return _from_pil(Image.fromarray(np.ascontiguousarray(flat)), mode, "the array")
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _channels(array / 65535, mode)
    if array.dtype.kind == "f":
        return _channels(_unit_floats(array, "the array", ArgumentError), mode)
    raise DTypeError(
        f"{WHAT}: an array must be uint8, uint16 or float, but its dtype is {array.dtype}; "
        f"for values 0 to 255 pass array.astype(np.uint8), for False and True array.astype(float)."
    )


def _layout_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return " That looks like CHW: array.transpose(1, 2, 0)."
    if len(shape) == 4:
        return " That looks like a batch: pass one image, array[0], as (H, W, C)."
    return ""


def _channels(values: np.ndarray, mode: str) -> np.ndarray:
    """Return floats (H, W[, 1 | 3 | 4]) with the channels of mode, alpha composited on white."""
    values = values[:, :, None] if values.ndim == 2 else values
    if values.shape[2] == 4:
        colour, alpha = values[:, :, :3], values[:, :, 3:]
        values = np.minimum(alpha * colour + (1 - alpha), 1.0)  # the sum may round to a little over 1
    if mode == "L" and values.shape[2] == 3:
        return np.minimum(values @ LUMA / 1000, 1.0)[:, :, None]  # and so may the three weights
    return np.repeat(values, 3, axis=2) if mode == "RGB" and values.shape[2] == 1 else values
