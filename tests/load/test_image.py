"""load.image and load.to_hwc: pictures are made here with Pillow, and every expected number is worked out in NumPy."""

import io
import os
import re
import struct
import subprocess
import sys
import warnings
import zlib
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageFile

from minicnn import load
from minicnn.errors import ArgumentError, DTypeError, FileFormatError, ShapeError
from minicnn.load import decode, photo

RNG = np.random.default_rng(7)
COLOURS = RNG.integers(0, 256, (11, 17, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (5, 8), dtype=np.uint8)
WIDE = np.array([[0, 1, 255, 256], [32768, 65280, 65534, 65535]], dtype=np.uint16)


def encoded(image, kind="PNG", **options) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chw(array: np.ndarray, scale: float = 255) -> np.ndarray:
    """The law of load.image without mean and std: channels first, divided in float32."""
    array = array[:, :, None] if array.ndim == 2 else array
    return (array.astype(np.float32) / np.float32(scale)).transpose(2, 0, 1)[None]


def refused(error, pattern, source, **options):
    with pytest.raises(error, match=pattern) as caught:
        load.image(source, **options)
    assert str(caught.value).startswith("load.image: ")


# --- What comes out --------------------------------------------------------------------------------------------------


def test_a_hand_worked_picture():
    """One red and one blue pixel: the red channel is 1 0, the green 0 0, the blue 0 1."""
    got = load.image(np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8))
    assert_array_equal(got, np.array([[[[1, 0]], [[0, 0]], [[0, 1]]]], np.float32), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layout_and_dtype(dtype):
    got = load.image(COLOURS, dtype=dtype)
    assert got.shape == (1, 3, 11, 17)
    assert got.dtype == dtype
    assert got.flags.c_contiguous
    assert got.flags.writeable
    assert_array_equal(got[0, 1, 2, 5], dtype(COLOURS[2, 5, 1]) / dtype(255))


def test_every_source_gives_the_same_numbers(tmp_path, monkeypatch):
    data = encoded(COLOURS)
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    with path.open("rb") as file:
        sources = [path, str(path), "photo.png", data, bytearray(data), memoryview(data), file, io.BytesIO(data), Image.open(path), COLOURS]
        for source in sources:
            assert_array_equal(load.image(source), chw(COLOURS), strict=True)
    path.rename(tmp_path / "still readable")  # nothing is held open


def test_arguments_are_left_alone():
    array, picture = COLOURS.copy(), Image.fromarray(COLOURS)
    floats = COLOURS / 255
    locked = floats.copy()
    locked.flags.writeable = False
    for source in (array, picture, locked):
        load.image(source, resize=7, crop=5, mean=0.5, std=0.5)
    got = load.image(floats, dtype=np.float64)
    got[...] = -1
    load.image(array)[...] = -1
    assert_array_equal(array, COLOURS)
    assert_array_equal(np.asarray(picture), COLOURS)
    assert_array_equal(floats, COLOURS / 255)


def test_permuted_arrays():
    turned = np.asfortranarray(COLOURS.transpose(1, 0, 2))[::-1]
    assert_array_equal(load.image(turned), chw(turned))


# --- Modes -----------------------------------------------------------------------------------------------------------


def test_grey_becomes_three_equal_channels_or_stays_one():
    for source in (GREY, GREY[:, :, None], encoded(GREY), Image.fromarray(GREY)):
        assert_array_equal(load.image(source), np.repeat(chw(GREY), 3, axis=1), strict=True)
        assert_array_equal(load.image(source, mode="L"), chw(GREY), strict=True)


def test_colour_becomes_grey_by_the_weights_of_bt601():
    expected = np.asarray(Image.fromarray(COLOURS).convert("L"))
    assert_array_equal(load.image(COLOURS, mode="L"), chw(expected))
    primaries = np.eye(3)[None]  # red, green, blue as floats
    assert_allclose(load.image(primaries, mode="L").ravel(), [0.299, 0.587, 0.114], rtol=1e-6)
    assert load.image(np.ones((1, 1, 3)), mode="L", dtype=np.float64).max() == 1


@pytest.mark.parametrize("alpha", [0, 51, 255])
def test_transparency_is_composited_on_white(alpha):
    rgba = np.dstack([COLOURS, np.full(COLOURS.shape[:2], alpha, np.uint8)])
    expected = chw(COLOURS) * alpha / 255 + (1 - alpha / 255)
    for source in (rgba, encoded(rgba), Image.fromarray(rgba)):
        assert_allclose(load.image(source), expected, atol=1.01 / 255 if alpha == 51 else 1e-7)
    for wide in (rgba / 255, (rgba.astype(np.uint16) * 257)):
        assert_allclose(load.image(wide), expected, atol=1e-6)
        assert load.image(wide).max() <= 1


def test_grey_with_alpha():
    image = Image.fromarray(np.array([[0, 100, 200]], np.uint8))
    image.putalpha(Image.fromarray(np.array([[255, 0, 255]], np.uint8)))
    assert image.mode == "LA"
    assert_array_equal(load.image(encoded(image), mode="L"), chw(np.array([[0, 255, 200]])))


def test_palettes_with_and_without_transparency():
    image = Image.new("P", (3, 2))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2, 2, 1, 0])
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 255], [0, 255, 0], [255, 0, 0]]])
    assert_array_equal(load.image(encoded(image)), chw(colours))
    colours[:, 1] = 255
    assert_array_equal(load.image(encoded(image, transparency=1)), chw(colours))
    by_bytes = encoded(image, transparency=bytes([255, 0, 255]))
    assert_array_equal(load.image(by_bytes), chw(colours))
    assert_array_equal(load.image(encoded(image, "GIF", transparency=1)), chw(colours))


def test_one_transparent_colour():
    colours = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert_array_equal(load.image(encoded(colours, transparency=(4, 5, 6))), chw(np.array([[[1, 2, 3], [255, 255, 255]]])))
    assert_array_equal(load.image(encoded(np.array([[9, 8]], np.uint8), transparency=9), mode="L"), chw(np.array([[255, 8]])))


def test_black_and_white():
    bits = Image.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1")
    assert_array_equal(load.image(encoded(bits), mode="L"), chw(np.array([[0, 255, 255]])))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV"])
def test_other_colour_models_go_through_pillow(mode):
    image = Image.fromarray(COLOURS).convert(mode)
    assert_array_equal(load.image(image), chw(np.asarray(image.convert("RGB"))))
    assert_array_equal(load.image(image, mode="L"), chw(np.asarray(image.convert("RGB").convert("L"))))


def test_sixteen_bits_are_scaled_and_not_clipped():
    expected = chw(WIDE, 65535)
    assert expected.max() == 1
    assert len(np.unique(expected)) == WIDE.size
    png = encoded(WIDE)
    assert Image.open(io.BytesIO(png)).mode in ("I", "I;16")
    sources = [WIDE, WIDE.astype(">u2"), png, encoded(WIDE, "TIFF"), Image.fromarray(WIDE), Image.fromarray(WIDE.astype(np.int32))]
    for source in sources:
        assert_array_equal(load.image(source, mode="L"), expected, strict=True)
        assert_array_equal(load.image(source), np.repeat(expected, 3, axis=1), strict=True)
    big = Image.frombytes("I;16B", (4, 2), WIDE.astype(">u2").tobytes())
    assert_array_equal(load.image(big, mode="L"), expected)
    assert_array_equal(load.image(WIDE, mode="L", dtype=np.float64)[0, 0], WIDE / 65535)
    colours = COLOURS.astype(np.uint16) * 257
    assert_array_equal(load.image(colours), chw(colours, 65535))


def test_a_sixteen_bit_png_with_a_transparent_grey():
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in WIDE)
    parts = (b"IHDR", struct.pack(">IIBBBBB", 4, 2, 16, 0, 0, 0, 0)), (b"tRNS", struct.pack(">H", 256)), (b"IDAT", zlib.compress(rows))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + chunk(b"IEND", b"")
    expected = chw(WIDE, 65535)
    expected[0, 0, 0, 3] = 1  # the 256 is white
    assert_array_equal(load.image(data, mode="L"), expected)


def test_thirty_two_bits_of_grey_are_refused():
    refused(
        FileFormatError, "grey values from -3 to 70000, and 16 bits hold 0 to 65535", Image.fromarray(np.array([[-3, 70000]], np.int32))
    )


def test_floats_are_taken_as_they_are():
    floats = RNG.random((4, 6, 3))
    for array in (floats, floats.astype(np.float32), floats.astype(">f8")):
        assert_array_equal(load.image(array), array.astype(np.float32).transpose(2, 0, 1)[None], strict=True)
    assert_array_equal(load.image(floats, dtype=np.float64), floats.transpose(2, 0, 1)[None], strict=True)
    assert_array_equal(load.image(np.float16(floats)), np.float16(floats).astype(np.float32).transpose(2, 0, 1)[None])
    one = Image.fromarray(floats[:, :, 0].astype(np.float32))
    assert one.mode == "F"
    assert_array_equal(load.image(one, mode="L")[0, 0], floats[:, :, 0].astype(np.float32))


@pytest.mark.parametrize(
    ("array", "error", "pattern"),
    [
        (np.array([[0.0, 255.0]]), ArgumentError, r"must lie in \[0, 1\], but the array goes from 0 to 255; divide by 255"),
        (np.array([[-1.0, 1.0]]), ArgumentError, r"goes from -1 to 1; scale them, \(v - v.min\(\)\)"),
        (np.array([[np.nan, 1.0]]), ArgumentError, "the array holds NaN or infinite values"),
        (np.array([[0, np.inf]]), ArgumentError, "the array holds NaN or infinite values"),
        (np.zeros((2, 3), np.int64), DTypeError, r"must be uint8, uint16 or float, but its dtype is int64; .*astype\(np.uint8\)"),
        (np.zeros((2, 3), bool), DTypeError, "its dtype is bool; .*for False and True array.astype"),
        (np.zeros((3, 5, 7), np.uint8), ShapeError, r"its shape is \(3, 5, 7\). That looks like CHW: array.transpose\(1, 2, 0\)"),
        (np.zeros((2, 5, 7, 3), np.uint8), ShapeError, r"That looks like a batch: pass one image, array\[0\]"),
        (np.zeros((5, 7, 2), np.uint8), ShapeError, r"an array must be \(H, W\), \(H, W, 1\), .* but its shape is \(5, 7, 2\)\.$"),
        (np.zeros(5, np.uint8), ShapeError, r"its shape is \(5,\)"),
        (np.zeros((0, 7, 3), np.uint8), ShapeError, r"needs at least one pixel, but its shape is \(0, 7, 3\)"),
    ],
)
def test_arrays_that_are_no_pictures(array, error, pattern):
    refused(error, pattern, array)


def test_float_files_outside_the_range():
    refused(FileFormatError, "the PIL image goes from 0 to 300; scale them", Image.fromarray(np.array([[0, 300]], np.float32)))


def test_other_modes_are_refused():
    refused(
        FileFormatError,
        r"has Pillow's mode 'LAB', which is not read here; convert it with image.convert\('RGB'\)",
        Image.new("LAB", (2, 2)),
    )


def test_the_first_frame_of_an_animation():
    first, second = Image.fromarray(GREY), Image.fromarray(255 - GREY)
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    assert_array_equal(load.image(data, mode="L"), chw(GREY))


# --- Orientation -----------------------------------------------------------------------------------------------------

# Exif 2.32: where row 0 and column 0 of the stored picture belong in the picture as seen.
STORED = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],  # row 0 at the top, column 0 at the right
    3: lambda seen: seen[::-1, ::-1],  # bottom, right
    4: lambda seen: seen[::-1],  # bottom, left
    5: lambda seen: seen.T,  # left, top
    6: lambda seen: seen[:, ::-1].T,  # right, top
    7: lambda seen: seen[::-1, ::-1].T,  # right, bottom
    8: lambda seen: seen[::-1].T,  # left, bottom
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("seen", [GREY, WIDE], ids=["8 bits", "16 bits"])
def test_exif_orientation_is_applied(orientation, seen):
    stored = np.ascontiguousarray(STORED[orientation](seen))
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = chw(seen, np.iinfo(seen.dtype).max)
    data = encoded(stored, exif=exif)
    assert_array_equal(load.image(data, mode="L"), expected)
    assert_array_equal(load.image(Image.open(io.BytesIO(data)), mode="L"), expected)


def test_strange_exif_is_ignored():
    for exif in (b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x12\x01"):
        assert load.image(encoded(GREY, "JPEG", exif=exif)).shape == (1, 3, 5, 8)
    exif = Image.Exif()
    exif[0x0112] = 9
    assert_array_equal(load.image(encoded(GREY, exif=exif), mode="L"), chw(GREY))


# --- Resize and crop -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((480, 640), 256, (256, 341)),  # int(256·640/480) = int(341.33)
        ((640, 480), 256, (341, 256)),
        ((500, 333), 256, (384, 256)),  # int(256·500/333) = int(384.38)
        ((100, 199), 50, (50, 99)),  # int(99.5)
        ((7, 7), 3, (3, 3)),
        ((300, 200), (20, 70), (20, 70)),
        ((3, 1000), 1, (1, 333)),
        ((49, 147), 49, (49, 147)),
    ],
)
def test_the_shorter_side(size, resize, expected):
    assert photo._target(*size, resize) == expected
    assert load.image(np.zeros(size, np.uint8), resize=resize).shape[2:] == expected
    if isinstance(resize, int):
        short, long = min(size), max(size)
        assert max(expected) == int(resize * long / short)  # torchvision's words


@pytest.mark.parametrize("resize", [6, 23, (4, 29), (30, 5), (11, 40), (11, 17)])
def test_eight_bit_pictures_resize_as_pillow_does(resize):
    """Torchvision resizes the PIL image as a whole and converts afterwards."""
    height, width = photo._target(11, 17, resize)
    for image, mode in ((Image.fromarray(COLOURS), "RGB"), (Image.fromarray(GREY), "L")):
        height, width = photo._target(image.height, image.width, resize)
        expected = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
        assert_array_equal(load.image(image, mode=mode, resize=resize), chw(expected), strict=True)


def test_shrinking_averages():
    """Every second column white: without antialiasing a quarter of the width would be all black or all white."""
    stripes = np.zeros((16, 64), np.uint8)
    stripes[:, 1::2] = 255
    got = load.image(stripes, mode="L", resize=(4, 16))
    assert abs(got[..., 1:-1] - 0.5).max() < 0.01


def test_sixteen_bits_and_floats_resize_as_floats():
    # On a slope, bicubic keeps the slope: a ramp of 16-bit greys that differ by less than one 8-bit step.
    ramp = np.tile(np.arange(30000, 30064, dtype=np.uint16), (8, 1))
    got = load.image(ramp, mode="L", resize=(8, 32))[0, 0]
    assert_allclose(np.diff(got[:, 3:-3], axis=1), 2 / 65535, rtol=0.02)
    step = np.zeros((4, 20))
    step[:, 10:] = 1
    got = load.image(step, resize=(4, 40))
    assert got.min() == 0  # the overshoot beside the edge is clipped
    assert got.max() == 1
    assert_allclose(load.image(COLOURS / 255, resize=6), load.image(COLOURS, resize=6), atol=1.01 / 255)


@pytest.mark.parametrize(
    ("crop", "top", "left"), [(5, 3, 6), ((4, 6), 4, 6), ((11, 17), 0, 0), ((8, 2), 2, 8), ((10, 16), 0, 0), ((6, 12), 2, 2)]
)
def test_crops_from_the_centre(crop, top, left):
    """(11 - 5)/2 = 3; (11 - 4)/2 = 3.5 rounds to the even 4; (11 - 6)/2 = 2.5 rounds to the even 2."""
    rows, columns = crop if isinstance(crop, tuple) else (crop, crop)
    assert (top, left) == (round((11 - rows) / 2.0), round((17 - columns) / 2.0))
    expected = COLOURS[top : top + rows, left : left + columns]
    got = load.image(COLOURS, crop=crop)
    assert_array_equal(got, chw(expected), strict=True)
    assert got.flags.c_contiguous


def test_imagenet():
    assert isinstance(load.IMAGENET, MappingProxyType)
    with pytest.raises(TypeError):
        load.IMAGENET["crop"] = 1
    assert dict(load.IMAGENET) == {"resize": 256, "crop": 224, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    pictures = RNG.integers(0, 256, (300, 401, 3), dtype=np.uint8)
    got = load.image(pictures, **load.IMAGENET)
    resized = Image.fromarray(pictures).resize((342, 256), Image.Resampling.BICUBIC)
    cropped = chw(np.asarray(resized)[16:240, 59:283])
    means, stds = (np.float32(load.IMAGENET[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    assert_array_equal(got, (cropped - means) / stds, strict=True)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"crop": (12, 4)}, ShapeError, r"crop=12×4 is larger than 11×17 \(1 rows and 0 columns too many\); use resize first"),
        ({"crop": 20}, ShapeError, r"crop=20×20 is larger than 11×17 \(9 rows and 3 columns too many\)"),
        ({"resize": 4, "crop": 5}, ShapeError, r"crop=5×5 is larger than 4×6"),
        ({"resize": 0}, ArgumentError, "resize must be at least 1, but it is 0"),
        ({"resize": 2.5}, ArgumentError, "resize must be a whole number, but it is 2.5"),
        ({"resize": True}, ArgumentError, "resize must be a whole number, but it is True"),
        ({"resize": (3, 4, 5)}, ArgumentError, "resize must be one whole number or a pair"),
        (
            {"resize": (10**5, 10**5)},
            ArgumentError,
            r"resize=\(100000, 100000\) makes 100000×100000 = 10,000,000,000 pixels of 11×17, more than",
        ),
        ({"resize": 10**400}, ArgumentError, "choose a smaller size"),
        ({"crop": -1}, ArgumentError, "crop must be at least 1, but it is -1"),
        ({"crop": "centre"}, ArgumentError, "crop must be a whole number, but it is 'centre'"),
        ({"mode": "rgb"}, ArgumentError, "mode must be one of 'RGB', 'L', but it is 'rgb'"),
        ({"mode": ["RGB"]}, ArgumentError, r"mode must be one of 'RGB', 'L', but it is \['RGB'\]"),
        ({"mean": (0.5, 0.5)}, ArgumentError, r"mean must be one number or 3, one per channel, but it has shape \(2,\).*three channels"),
        (
            {"mode": "L", **load.IMAGENET, "resize": None, "crop": None},
            ArgumentError,
            "mean must be one number or 1, .*a grey image has one",
        ),
        ({"mean": [[0.5]]}, ArgumentError, r"mean must be one number or 3, one per channel, but it has shape \(1, 1\)"),
        ({"mean": (123.675, 116.28, 103.53)}, ArgumentError, r"mean is in units of \[0, 1\].*divide values for 0 to 255 by 255"),
        ({"mean": -0.1}, ArgumentError, r"mean is in units of \[0, 1\]"),
        ({"mean": "0.5, 0.5"}, ArgumentError, "mean must be a finite number or one per channel, but it is '0.5, 0.5'"),
        ({"mean": np.nan}, ArgumentError, "mean must be a finite number"),
        ({"std": 0}, ArgumentError, "std divides the pixels and must be above 0, but it is 0; use 1"),
        ({"std": (0.2, -0.2, 0.2)}, ArgumentError, "std divides the pixels and must be above 0"),
        ({"std": np.inf}, ArgumentError, "std must be a finite number"),
        ({"dtype": np.uint8}, DTypeError, "dtype must be float32 or float64, but it is .*uint8.*; pass dtype=np.float32"),
        ({"dtype": "float"}, None, ""),
        ({"dtype": None}, DTypeError, "dtype must be float32 or float64, but it is None"),
        ({"dtype": "colour"}, DTypeError, "dtype must be float32 or float64, but it is 'colour'"),
        ({"dtype": ">f4"}, DTypeError, "dtype must be float32 or float64"),
    ],
)
def test_settings_are_checked(options, error, pattern):
    if error is None:
        assert load.image(COLOURS, **options).dtype == np.float64
    else:
        refused(error, pattern, COLOURS, **options)


def test_settings_are_checked_before_the_file():
    refused(ArgumentError, "mode must be one of", "no such file.png", mode="rgb")


def test_mean_and_std():
    got = load.image(COLOURS, mean=0.5, std=(0.5, 0.25, 1), dtype=np.float64)
    expected = (COLOURS / 255 - 0.5) / np.array([0.5, 0.25, 1])
    assert_allclose(got[0], expected.transpose(2, 0, 1), rtol=1e-15)
    assert_array_equal(load.image(COLOURS, std=0.5), chw(COLOURS) / np.float32(0.5))
    assert_array_equal(load.image(COLOURS, mean=0.5), chw(COLOURS) - np.float32(0.5))


# --- Files that are not pictures -------------------------------------------------------------------------------------


def test_paths(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(encoded(GREY, "JPEG"))
    (tmp_path / "empty.png").write_bytes(b"")
    refused(
        FileFormatError,
        rf"no file 'cats.jpg' in the folder {re.escape(repr(str(tmp_path)))}; did you mean 'cat.jpg'\?",
        tmp_path / "cats.jpg",
    )
    refused(FileFormatError, "is a folder; name a file inside it", tmp_path)
    refused(FileFormatError, r"empty.png is empty \(0 bytes\)", tmp_path / "empty.png")
    refused(FileFormatError, "is a web address, and minicnn downloads nothing", "https://example.org/cat.jpg")


def test_a_file_without_permission(tmp_path, monkeypatch):
    def denied(self, mode):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "cat.png").write_bytes(encoded(GREY))
    monkeypatch.setattr("pathlib.Path.open", denied)
    refused(FileFormatError, r"cat.png cannot be opened \(Permission denied\); check its permissions", tmp_path / "cat.png")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"


@pytest.mark.parametrize(
    ("data", "pattern"),
    [
        (
            b"hello, world",
            r"the picture of 12 bytes is not a picture that is read here \(it begins with b'hello, w'\); pass one of PNG, JPEG",
        ),
        (b"<html><body>404", "is a web page .HTML., probably the error page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"%PDF-1.7", "is a PDF document; pass one of PNG"),
        (EPS, "is not a picture that is read here"),
        (b"", "the source has 0 bytes left; pass the whole file, or rewind it"),
        (encoded(COLOURS)[:40], "damaged or cut short"),
        (encoded(COLOURS, "JPEG")[:5], "begins as a JPEG image but is damaged or cut short"),
        (encoded(COLOURS, "JPEG")[:-30], "damaged or cut short"),
    ],
)
def test_bytes_that_are_no_picture(data, pattern):
    refused(FileFormatError, pattern, data)


def test_objects_that_are_no_picture(tmp_path):
    refused(ArgumentError, "source must be a path, bytes, an open file, a PIL image or an array .*, but it is a int.$", 3)
    refused(ArgumentError, r"but it is a list; pass np.asarray\(source\)", [[0, 1]])
    refused(FileFormatError, r"gives str, not bytes; open it with open\(path, 'rb'\)", io.StringIO("x"))
    path = tmp_path / "cat.png"
    path.write_bytes(encoded(GREY))
    with path.open("rb") as file:
        load.image(file)
        refused(FileFormatError, r"0 bytes left; pass the whole file, or rewind it with source.seek\(0\)", file)
    refused(FileFormatError, "the file object cannot be read .*closed file", file)


def test_pil_images_that_are_no_picture(tmp_path):
    refused(FileFormatError, "the PIL image has 0×3 pixels", Image.new("RGB", (0, 3)))
    path = tmp_path / "cut.png"
    path.write_bytes(encoded(COLOURS)[:-200])
    with Image.open(path) as image:
        refused(FileFormatError, "the PIL image is damaged or cut short", image)


def test_decompression_bombs_are_refused_without_touching_pillow():
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    for width, height in ((10_000, 10_000), (60_000, 60_000)):  # Pillow warns of the first and refuses the second
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
        refused(FileFormatError, r"claims more than Pillow's limit of 89,478,485 pixels, as a decompression bomb does", data)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


def test_pillows_warnings_do_not_leak(monkeypatch):
    def noisy(image):
        warnings.warn("for Pillow's developers", UserWarning, stacklevel=2)
        return image

    monkeypatch.setattr(decode, "_upright", noisy)
    assert load.image(encoded(GREY)).shape == (1, 3, 5, 8)


def test_importing_the_room_does_not_load_pillow():
    code = "import sys, minicnn.load; print([name for name in ('PIL', 'numba', 'torch', 'matplotlib') if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


# --- Damage ----------------------------------------------------------------------------------------------------------

FILES = {
    "PNG": encoded(COLOURS),
    "grey PNG": encoded(WIDE),
    "JPEG": encoded(COLOURS, "JPEG"),
    "GIF": encoded(GREY, "GIF"),
    "BMP": encoded(COLOURS, "BMP"),
    "PPM": encoded(COLOURS, "PPM"),
}
# The same 100 examples each time; under the profile "deep", its own number of new ones.
DEEP = settings.default.max_examples > 100
FUZZ = settings(max_examples=settings.default.max_examples if DEEP else 100, deadline=None, derandomize=not DEEP)
damage = st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), max_size=3)


def read_or_refuse(data: bytes):
    try:
        got = load.image(data)
    except FileFormatError as error:
        assert str(error).startswith("load.image: ")  # noqa: PT017
        return
    assert got.shape[:2] == (1, 3)
    assert got.min() >= 0
    assert got.max() <= 1


@FUZZ
@given(st.sampled_from(list(FILES)), damage, st.integers(0, 60))
def test_damaged_pictures_are_read_or_refused(name, flips, cut):
    data = bytearray(FILES[name])
    for place, bits in flips:
        data[min(place % 200, len(data) - 1)] ^= bits  # the headers are in front
    read_or_refuse(bytes(data[: max(len(data) - cut, 1)]))


@pytest.mark.parametrize("name", ["PNG", "GIF", "BMP"])
def test_pictures_cut_at_any_byte(name):
    for length in range(1, len(FILES[name])):
        read_or_refuse(FILES[name][:length])


# --- Back to a picture -----------------------------------------------------------------------------------------------


def test_to_hwc_undoes_the_normalisation():
    settings = {"mean": load.IMAGENET["mean"], "std": load.IMAGENET["std"]}
    x = load.image(COLOURS, **settings)
    copy = x.copy()
    for given_x in (x, x[0]):
        got = load.to_hwc(given_x, **settings)
        assert got.shape == (11, 17, 3)
        assert got.dtype == np.float32
        assert got.min() >= 0
        assert got.max() <= 1
        assert_allclose(got, COLOURS / 255, atol=1e-6)
    got[...] = 0
    assert_array_equal(x, copy)
    plain = load.image(COLOURS, dtype=np.float64)
    assert_array_equal(load.to_hwc(plain), COLOURS / 255, strict=True)


def test_to_hwc_does_not_hand_out_its_argument():
    x = load.image(COLOURS)
    load.to_hwc(x)[...] = 0
    assert_array_equal(x, chw(COLOURS))


def test_to_hwc_of_grey_has_three_equal_channels():
    got = load.to_hwc(load.image(GREY, mode="L", mean=0.5, std=0.25), mean=0.5, std=0.25)
    assert_allclose(got, np.repeat(GREY[:, :, None] / 255, 3, axis=2), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "options", "error", "pattern"),
    [
        (np.zeros((2, 3, 4, 5)), {}, ShapeError, r"x must hold one image, but x.shape=\(2, 3, 4, 5\) holds 2; pass x\[i\]"),
        (
            np.zeros((1, 4, 5, 3)),
            {},
            ShapeError,
            r"1 or 3 channels on axis 1, but it has 4 .* That looks like HWC already; plot x as it is",
        ),
        (np.zeros((4, 5, 3)), {}, ShapeError, r"1 or 3 channels on axis 0, but it has 4 \(x.shape=\(4, 5, 3\)\)"),
        (np.zeros((1, 64, 5, 7)), {}, ShapeError, r"but it has 64 .* Pass one channel at a time: x\[:, c:c \+ 1\]"),
        (np.zeros((5, 7)), {}, ShapeError, r"x must be \(N, C, H, W\) or \(C, H, W\)"),
        (np.zeros((3, 5, 7), np.uint8), {}, DTypeError, "x must be float32 or float64, but its dtype is uint8"),
        (np.full((3, 5, 7), 1.5), {}, ArgumentError, r"must lie in \[0, 1\], but it goes from 1.5 to 1.5; pass the mean and std"),
        (np.full((3, 5, 7), 2.0), {"mean": 0.5, "std": 0.5}, ArgumentError, "goes from 1.5 to 1.5; check mean and std, or clip x first"),
        (np.full((3, 5, 7), np.nan), {}, ArgumentError, "x holds NaN or infinite values"),
        (np.zeros((1, 5, 7)), {"mean": (0.1, 0.2, 0.3)}, ArgumentError, "mean must be one number or 1"),
        (np.zeros((3, 5, 7)), {"std": 0}, ArgumentError, "std divides the pixels and must be above 0"),
    ],
)
def test_to_hwc_refuses(x, options, error, pattern):
    with pytest.raises(error, match=pattern) as caught:
        load.to_hwc(x, **options)
    assert str(caught.value).startswith("load.to_hwc: ")


def test_to_hwc_clips_rounding_only():
    x = np.array([-0.0005, 1.0005]).reshape(1, 1, 1, 2)
    assert_array_equal(load.to_hwc(x)[0, :, 0], [0, 1])
    with pytest.raises(ArgumentError):
        load.to_hwc(x * 3)
