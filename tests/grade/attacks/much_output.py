"""Prints without end, in every way that there is, and writes one file without end."""

import contextlib
import os
import sys

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    line = b"x" * (1 << 20)
    with contextlib.suppress(OSError), open("large", "wb", buffering=0) as file:
        for _ in range(100):
            file.write(line)
        return "stolen: 100 MiB of file"
    for _ in range(10 << 10):
        sys.stdout.write(line.decode())
        os.write(1, line)
        os.write(2, line)
    return np.zeros((1, 1))
