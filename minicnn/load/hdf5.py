"""Which question: what is in this HDF5 file, if looking is safe?

Idea: another process looks (hdf5_child.py), which cannot open anything and is stopped when it takes too
long; what it answers is checked again here.  A file that crashes the HDF5 library ends that process and
is an error in this one.

    file ─► child: h5py ─► texts and arrays by path        or: refused, crashed, too slow

Cost: a fifth of a second to start the child, then the file and its arrays once through a pipe.
Does not do: keep the child for the next file, unless a Reader is kept.
Source: h5py; Python's subprocess.  Next room: kerasfile.py, which knows what the paths mean.
"""

import contextlib
import importlib.util
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load import hdf5_child
from minicnn.load.files import trusted_bytes
from minicnn.load.kinds import READ_AS, WIDENED, own_array

CHILD = Path(hdf5_child.__file__)
SECONDS, BYTES_A_SECOND = 20, 2**23  # what a file may take: 20 s, and 8 MB/s on top
LARGEST_ANSWER = 2**28  # bytes of names and texts
HURT = "it is damaged or hostile, and as it was read in a process of its own, this one is unharmed."


class Tree(NamedTuple):
    """What an HDF5 file holds: texts by group and attribute, arrays by path, and how many were widened."""

    groups: dict[str, dict[str, str | list[str]]]
    arrays: dict[str, np.ndarray]
    widened: Counter


class Reader:
    """The process that reads HDF5 files, started when the first one comes; use it in a `with`."""

    def __init__(self):
        self.process: subprocess.Popen | None = None
        self.ready = False  # for another file: all of the last answer has been taken

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            with contextlib.suppress(OSError):  # what it was not sent any more
                self.process.stdin.close()
            self.process = None

    def read(self, stream: BinaryIO, size: int) -> Tree:
        """Return what the HDF5 file of `size` bytes in the stream holds."""
        self._start()
        self.ready = False
        seconds, stopped, process = SECONDS + size / BYTES_A_SECOND, [], self.process

        def stop():
            stopped.append(True)
            process.kill()

        watch = threading.Timer(seconds, stop)
        watch.start()
        try:
            return self._asked(stream, size)
        except (EOFError, OSError):
            code = self.process.wait()
            if stopped:
                raise FileFormatError(f"kept the HDF5 library busy for more than {seconds:.0f} s; {HURT}") from None
            raise FileFormatError(f"crashed the HDF5 library (exit status {code}); {HURT}") from None
        finally:
            watch.cancel()
            if not self.ready:
                self.stop()  # what it still has to say is not asked for any more

    def _start(self) -> None:
        """Start the child, unless it waits already."""
        if self.process is not None:
            return
        if importlib.util.find_spec("h5py") is None:
            raise FileFormatError(
                'holds HDF5, which is read by the package h5py, and that is not installed: pip install "minicnn-engine[keras]".'
            )
        command = [sys.executable, "-P", str(CHILD)]
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=env, **pipes)
        if self.process.stdout.read(len(hdf5_child.FIRST_WORD)) != hdf5_child.FIRST_WORD:
            self.stop()
            raise FileFormatError("holds HDF5, and the package h5py cannot be imported: pip install --force-reinstall h5py.")

    def _asked(self, stream: BinaryIO, size: int) -> Tree:
        requests, answers = self.process.stdin, self.process.stdout
        requests.write(struct.pack("<QQ", size, trusted_bytes(size)))
        shutil.copyfileobj(stream, requests, 2**20)
        requests.flush()
        text = _counted(answers, LARGEST_ANSWER)
        told = json.loads(text)
        if "refused" in told:
            self.ready = True
            raise FileFormatError(told["refused"])
        arrays, widened = {}, Counter()
        for path, kind, shape in _within(told["arrays"], trusted_bytes(size)):
            if answers.read(1) != b"\1":
                raise FileFormatError(f"{_counted(answers, 2**16).decode()}; fetch or save it again.")
            arrays[path] = _array(answers, kind, shape)
            widened.update([kind] if kind in WIDENED else [])
        self.ready = True
        return Tree(told["groups"], arrays, widened)


def _within(listed: list, room: int) -> list:
    """Return the arrays that the child lists; that they are within bounds is not left to it."""
    claimed = sum(math.prod(shape) * np.dtype(READ_AS[kind]).itemsize for _, kind, shape in listed)
    if claimed > room or any(type(n) is not int or n < 0 for _, _, shape in listed for n in shape):
        raise ValueError(f"arrays of {claimed} bytes")
    return listed


def _array(answers: BinaryIO, kind: str, shape: list[int]) -> np.ndarray:
    """Return the next array that comes through the pipe, read into its own memory."""
    values = np.empty(shape, np.dtype(READ_AS[kind]).newbyteorder("<"))
    flat, done = memoryview(values.reshape(-1).view(np.uint8)) if values.size else b"", 0
    while done < len(flat):
        got = answers.readinto(flat[done:])
        if not got:
            raise EOFError
        done += got
    return values if values.dtype.isnative and kind in ("float32", "float64") else own_array(values, kind)


def _counted(answers: BinaryIO, most: int) -> bytes:
    head = answers.read(8)
    if len(head) < 8:
        raise EOFError
    (length,) = struct.unpack("<Q", head)
    if length > most:
        raise ValueError(f"an answer of {length} bytes")
    data = answers.read(length)
    if len(data) < length:
        raise EOFError
    return data
