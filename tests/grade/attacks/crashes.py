"""Reads where nothing is."""

import ctypes


def conv2d(x, weight, bias, stride, padding):
    return ctypes.string_at(8)
