"""Asks for all memory there is."""

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    held = []
    while len(held) < 256:
        held.append(np.ones(8 << 20))  # 64 MiB each, touched
    return f"stolen: {len(held) * 64} MiB"
