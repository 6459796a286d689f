"""What kernels may touch: their arrays to the last number, nothing beside them, and no scratch that they did not write.

Compiled, the vector words check no bounds, so the guards are the system's: pages that may not be touched (protected_memory.py).
Everywhere else canaries: y and the scratch are slices of larger arrays, whose other numbers must stay as they were.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import protected_memory
import pytest
from wide_shapes import FAST, UNCOMPILED, computed, made, ragged

import minicnn
from minicnn.conv import algorithm
from minicnn.conv.dispatch import conv2d

HERE, PACKAGE = Path(__file__).parent, Path(minicnn.__file__).parent
CANARY, AROUND = np.float32(-12345.5), 512


def run_protected(name, package=PACKAGE):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package.parent), str(HERE)]), "NUMBA_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-P", str(HERE / "protected_memory.py"), name], capture_output=True, text=True, env=env, timeout=300
    )


@pytest.mark.skipif(UNCOMPILED, reason="uncompiled words check their bounds themselves")
@pytest.mark.skipif(not protected_memory.supported(), reason="pages are protected by mprotect, which this system has not")
@pytest.mark.parametrize("name", FAST)
def test_nothing_is_touched_beyond_an_arrays_end_or_before_its_begin(name):
    done = run_protected(name)
    last = done.stdout.splitlines()[-1:]
    assert (done.returncode, last) == (0, ["sound"]), f"{name} ended with {done.returncode} at {last}: {done.stderr[-2000:]}"


@pytest.mark.skipif(not protected_memory.supported(), reason="pages are protected by mprotect, which this system has not")
@pytest.mark.parametrize(("side", "place"), [("end", 5), ("begin", -1)])
def test_the_guards_do_end_the_process(side, place):
    code = f"""
import ctypes, numpy as np, protected_memory
array = protected_memory.guarded(5, np.float32, {side!r})
read = lambda i: ctypes.c_float.from_address(array.ctypes.data + 4 * i).value
print(np.isnan([read(0), read(4)]).all(), flush=True)
read({place})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HERE)})
    assert done.stdout.strip() == "True"
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS)


class Canaries:
    """np.empty and scratch that keep canaries around what they hand out, and fill it with NaN."""

    def __init__(self, monkeypatch):
        self.rooms = []
        scratch, empty = algorithm.scratch, np.empty

        def between(shape, dtype=np.float64):
            if np.dtype(dtype) != np.float32:
                return empty(shape, dtype)
            size = int(np.prod(shape))
            room = np.full(size + 2 * AROUND, CANARY)
            room[AROUND : AROUND + size] = np.nan
            self.rooms.append((room, size))
            return room[AROUND : AROUND + size].reshape(shape)

        def nan_scratch(workers, numbers):
            room = scratch(workers, numbers)
            room[...] = np.nan
            return room

        for module in list(sys.modules.values()):
            if getattr(module, "scratch", None) is scratch:
                monkeypatch.setattr(module, "scratch", nan_scratch)
        monkeypatch.setattr(np, "empty", between)

    def assert_alive(self):
        assert self.rooms
        for room, size in self.rooms:
            assert (room[:AROUND] == CANARY).all(), "something was written before an array"
            assert (room[AROUND + size :] == CANARY).all(), "something was written behind an array"


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("activation", [None, "relu6"])
def test_canaries_live_and_scratch_is_written_before_it_is_read(name, activation, monkeypatch):
    cases = ragged(name)
    if not UNCOMPILED:  # so large that several threads run, each in its own scratch
        channels, weight = (70, (70, 1, 5, 5)) if name == "depthwise" else (45, (50, 45, 1, 1) if name == "pointwise" else (50, 45, 3, 3))
        cases.append(made((1, channels, 27, 29), weight, padding=1))
    for case in cases:
        law = conv2d(*case.arrays, **case.arguments, algorithm="reference")
        expected = law if activation is None else np.clip(law, 0, 6)
        computed(name, case, activation)  # compiled with NumPy's own np.empty
        with monkeypatch.context() as patch:
            canaries = Canaries(patch)
            y = computed(name, case, activation)
        canaries.assert_alive()
        assert y.flags.c_contiguous
        np.testing.assert_array_equal(np.rint(y) if name == "winograd4" else y, expected, f"{case.x.shape} {case.weight.shape}")
