"""Writes file after file, each within its limit."""

import contextlib
import os

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    written = 0
    with contextlib.suppress(OSError):
        for number in range(10_000):
            with open(os.path.join(os.environ["TMPDIR"], str(number)), "wb", buffering=0) as file:
                written += file.write(b"x" * (1 << 20))
    return f"stolen: {written >> 20} MiB" if written > 64 << 20 else np.zeros((1, 1))
