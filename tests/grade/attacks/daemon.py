"""Leaves a process behind that belongs to nobody, to write when the grader is gone."""

import contextlib
import os
import time
from pathlib import Path

import numpy as np


def wait():
    os.setsid()
    if os.fork() == 0:
        time.sleep(1)
        with contextlib.suppress(OSError):
            Path("@CANARY@").write_text("full marks")
        time.sleep(3600)


def conv2d(x, weight, bias, stride, padding):
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            try:
                wait()
            finally:
                os._exit(0)
    return np.zeros((1, 1))
