"""load.image for networks that came by way of Caffe: blue first, 0 to 255, a mean and no division; and the way back."""

from types import MappingProxyType

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import load
from minicnn.errors import ArgumentError

PIXELS = np.random.default_rng(3).integers(0, 256, (7, 5, 3), dtype=np.uint8)
MEAN = (103.939, 116.779, 123.68)  # blue, green, red


def test_one_pixel_by_hand():
    """Red 10, green 20, blue 30: 30 - 103.939, 20 - 116.779, 10 - 123.68."""
    got = load.image(np.array([[[10, 20, 30]]], np.uint8), order="BGR", scale=255, mean=MEAN, dtype=np.float64)
    assert_allclose(got.ravel(), [-73.939, -96.779, -113.68], rtol=1e-15)


def test_the_settings():
    assert isinstance(load.CAFFE, MappingProxyType)
    assert dict(load.CAFFE) == {"resize": 256, "crop": 224, "order": "BGR", "scale": 255.0, "mean": MEAN}
    got = load.image(np.zeros((300, 260, 3), np.uint8), **load.CAFFE)
    assert got.shape == (1, 3, 224, 224)
    assert got.flags.c_contiguous
    assert_allclose(got[0, :, 3, 7], [-103.939, -116.779, -123.68])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_stay_bytes(dtype):
    got = load.image(PIXELS, scale=255, dtype=dtype)
    assert_array_equal(got[0], PIXELS.transpose(2, 0, 1).astype(dtype), strict=True)
    assert_array_equal(load.image(PIXELS, order="BGR", dtype=dtype), load.image(PIXELS, dtype=dtype)[:, ::-1], strict=True)


def test_other_pictures_and_scales():
    assert_allclose(load.image(PIXELS, scale=2)[0], PIXELS.transpose(2, 0, 1) / 127.5, rtol=1e-6)
    half = load.image(np.full((2, 3, 3), 0.5), scale=255, mean=100)
    assert_array_equal(half, np.full((1, 3, 2, 3), 27.5, np.float32), strict=True)
    grey = load.image(np.array([[65535, 0]], np.uint16), mode="L", scale=255)
    assert_array_equal(grey, np.array([[[[255, 0]]]], np.float32), strict=True)


def test_keras_own_scale_from_minus_one_to_one():
    """Mode "tf": x / 127.5 - 1."""
    got = load.image(PIXELS, scale=2, mean=1, dtype=np.float64)
    assert_allclose(got[0], PIXELS.transpose(2, 0, 1) / 127.5 - 1, rtol=0, atol=1e-15)


def test_the_way_back():
    how = {"mean": MEAN, "order": "BGR", "scale": 255}
    x = load.image(PIXELS, **how)
    copy = x.copy()
    got = load.to_hwc(x, **how)
    assert got.dtype == np.float32
    assert_allclose(got, PIXELS / 255, atol=1e-6)
    assert_array_equal(x, copy)


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"order": "bgr"}, "order must be one of 'RGB', 'BGR', but it is 'bgr'"),
        ({"order": "BGR", "mode": "L"}, "order='BGR' is about three channels, and a grey image has one; leave order out"),
        ({"scale": 0}, "scale is the value of a white pixel, a number above 0 such as 1 or 255, but it is 0"),
        ({"scale": -255.0}, "a number above 0"),
        ({"scale": np.inf}, "a number above 0"),
        ({"scale": "255"}, "scale must be a real number"),
        ({"scale": 255, "mean": 300}, r"mean is in units of \[0, 255\], like the pixels, but it is 300; give mean in the units of scale"),
        ({"mean": MEAN}, r"mean is in units of \[0, 1\], like the pixels, .* divide values for 0 to 255 by 255"),
    ],
)
def test_settings_are_checked(options, pattern):
    with pytest.raises(ArgumentError, match=pattern) as caught:
        load.image(PIXELS, **options)
    assert str(caught.value).startswith("load.image: ")


def test_settings_of_the_way_back_are_checked():
    x = load.image(PIXELS, scale=255)
    with pytest.raises(ArgumentError, match="pass scale=255 if it was loaded so; else pass the mean and std"):
        load.to_hwc(x)
    with pytest.raises(ArgumentError, match=r"load.to_hwc: order='BGR' is about three channels"):
        load.to_hwc(x[:, :1], scale=255, order="BGR")
    with pytest.raises(ArgumentError, match=r"load.to_hwc: scale is the value"):
        load.to_hwc(x, scale=0)
