"""Asks the system for more than it was given: another user, another root, a namespace where it is the master."""

import contextlib
import ctypes
import os
from pathlib import Path

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    libc = ctypes.CDLL(None)
    new_user, new_mounts = 0x10000000, 0x00020000
    for ask in (
        lambda: os.setresuid(0, 0, 0),
        lambda: os.chroot("/"),
        lambda: libc.unshare(new_user | new_mounts),
        lambda: libc.umount2(b"/tmp", 2),
    ):
        with contextlib.suppress(OSError):
            ask()
    with contextlib.suppress(OSError):
        os.chmod("@CANARY@", 0o666)
        Path("@CANARY@").write_text("full marks")
    with contextlib.suppress(OSError), open(np.__file__, "ab"):  # that it opens is enough; nothing is written
        return "stolen: NumPy itself"
    return np.zeros((1, 1))
