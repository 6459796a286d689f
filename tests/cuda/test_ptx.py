"""Every kernel of the GPU compiles without a GPU: found in the modules, so a new one is tested from its first day."""

import functools
import importlib
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from device_marks import needs_toolkit

from minicnn.conv.cuda.device import simulated
from minicnn.conv.cuda.kernel import CAPABILITIES, Kernel
from minicnn.conv.cuda.occupancy import occupancy
from minicnn.errors import ArgumentError

PACKAGES = ("minicnn.conv.cuda", "minicnn.functional.cuda")


def found() -> dict[str, Kernel]:
    """Return every kernel of the packages by 'module.name', those that stand in a table as 'module.table[key]'."""
    if simulated() or importlib.util.find_spec("numba_cuda") is None:
        return {}
    kernels = {}
    for package in PACKAGES:
        home = importlib.import_module(package)
        for each in pkgutil.iter_modules(home.__path__):
            module = importlib.import_module(f"{package}.{each.name}")
            for name, value in vars(module).items():
                table = value.items() if isinstance(value, dict) else [(None, value)]
                for key, kernel in table:
                    if isinstance(kernel, Kernel) and kernel.function.__module__ in (module.__name__, "minicnn.conv.cuda.product"):
                        kernels[f"{package.split('.')[1]}.{each.name}.{name}{'' if key is None else f'[{_short(key)}]'}"] = kernel
    return kernels


def _short(key) -> str:
    return "×".join(map(str, key)) if isinstance(key, tuple) else str(key)


KERNELS = found()
IN_TILES = [name for name in KERNELS if "register_tiled" in name or "pointwise" in name]
ALL = [(name, capability) for name in KERNELS for capability in CAPABILITIES]

# Registers a thread and bytes of shared memory a block at the most, on any of the capabilities; kernels without a row: USUAL.
USUAL = (64, 0)
BOUNDS = {
    "conv.register_tiled.KERNELS[128×2×2]": (128, 16384),
    "conv.register_tiled.KERNELS[64×2×2]": (168, 12288),
    "conv.register_tiled.KERNELS[32×1×2]": (128, 6144),
    "conv.pointwise.KERNELS[128×2×2]": (128, 16384),
    "conv.pointwise.KERNELS[64×2×2]": (168, 12288),
    "conv.pointwise.KERNELS[32×1×2]": (128, 6144),
    "conv.tiled.share": (64, 2048),
    "functional.": (128, 48 << 10),
}


@functools.cache
def ptx(name: str, capability) -> str:
    return KERNELS[name].ptx(capability)


@functools.cache
def ptxas() -> str | None:
    """Return where ptxas is: in a wheel of NVIDIA's, which knows the PTX of the compiler beside it, or on the path."""
    spec = importlib.util.find_spec("nvidia")
    places = [Path(place) for place in (spec.submodule_search_locations if spec else [])]
    beside = [str(tool) for place in places for tool in sorted(place.glob("*/bin/ptxas"))]
    return next(iter(beside), None) or shutil.which("ptxas")


def assembled(name: str, capability, folder: Path) -> dict[str, int]:
    """Return what ptxas says of a kernel: registers, shared memory, bytes of stack and of spills."""
    source = folder / "kernel.ptx"
    source.write_text(ptx(name, capability))
    command = [ptxas(), f"-arch=sm_{capability[0]}{capability[1]}", "-v", str(source), "-o", str(folder / "kernel.cubin")]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stderr + done.stdout
    if done.returncode and "nsupported .version" in said:
        pytest.skip(f"{command[0]} is older than the compiler, whose PTX it does not know: pip install nvidia-cuda-nvcc")
    assert done.returncode == 0, said
    numbers = {"shared": r"(\d+) bytes smem", "stack": r"(\d+) bytes stack frame", "stores": r"(\d+) bytes spill stores"}
    counts = {what: max(map(int, re.findall(pattern, said)), default=0) for what, pattern in numbers.items()}
    return counts | {"registers": max(map(int, re.findall(r"Used (\d+) registers", said)))}


@needs_toolkit
def test_kernels_are_found():
    for rung in ("naive.slide", "coalesced.along", "tiled.share", "register_tiled.KERNELS[128×2×2]", "depthwise.KERNELS[3×1]"):
        assert f"conv.{rung}" in KERNELS
    assert len(KERNELS) >= 16


@needs_toolkit
@pytest.mark.parametrize(("name", "capability"), ALL)
def test_kernel_compiles_and_stays_in_float32(name, capability):
    code = ptx(name, capability)
    assert f".target sm_{capability[0]}{capability[1]}" in code
    assert not re.search(r"\.f64\b", code)


@needs_toolkit
@pytest.mark.parametrize(("name", "capability"), [case for case in ALL if case[0].startswith("conv.")])
def test_kernel_of_the_ladder_keeps_its_numbers_in_registers(name, capability):
    """No local memory: where a loop is not written out by the compiler, arrays of a thread would be put there."""
    assert not re.search(r"local_depot|[ls][dt]\.local", ptx(name, capability))


@needs_toolkit
@pytest.mark.parametrize("name", IN_TILES)
def test_products_load_by_fours(name):
    """Weights and the table of taps from global memory; 8 taps of (GM + GN) loads from shared memory, and their outer products."""
    M, GM, GN = map(int, re.findall(r"\d+", name.split("[")[1]))
    code = ptx(name, (9, 0))
    assert code.count("ld.global.v4.f32") >= 2  # the first tile, and the next
    assert code.count("ld.shared.v4.f32") == 8 * (GM + GN)
    assert code.count("ld.shared") == 8 * (GM + GN)
    assert code.count("st.global.v4.f32") >= 1
    assert code.count("fma.rn.f32") >= 8 * 16 * GM * GN
    assert not re.search(r"(div|rem)\.[su]64", code)
    assert M in (32, 64, 128)


@needs_toolkit
@pytest.mark.parametrize(("name", "capability"), ALL)
def test_registers_shared_memory_and_spills(name, capability, tmp_path):
    if ptxas() is None:
        assert "MINICNN_REQUIRE_PTXAS" not in os.environ, "ptxas is asked for, but it is neither on the path nor in a wheel of NVIDIA's"
        pytest.skip("ptxas is not installed: pip install nvidia-cuda-nvcc")
    used = assembled(name, capability, tmp_path)
    registers, shared = next((bound for start, bound in BOUNDS.items() if name.startswith(start)), USUAL)
    assert used["registers"] <= registers
    assert used["shared"] <= shared
    assert used["stores"] == 0
    if name.startswith("conv."):
        assert used["stack"] == 0


# Occupancy, by hand.


def test_occupancy_by_hand():
    """128 registers: 4096 a warp, 4 warps of a scheduler's 16384, 16 in all: two blocks of 8 warps."""
    assert occupancy(128, 16384, 256, (9, 0)) == (2, 16, 0.25, "registers")
    assert occupancy(129, 16384, 256, (9, 0)) == (1, 8, 0.125, "registers")  # 129·32 is rounded up to 4352: 3 warps a scheduler, 12
    assert occupancy(144, 0, 64, (9, 0)) == (6, 12, 12 / 64, "registers")  # 4608 a warp: 3 of a scheduler, though 14 of all 65536
    assert occupancy(32, 0, 256, (9, 0)) == (8, 64, 1.0, "registers")  # 1024 a warp: 16 of a scheduler
    assert occupancy(32, 0, 256, (7, 5)) == (4, 32, 1.0, "warps")
    assert occupancy(16, 0, 32, (8, 0)) == (32, 32, 0.5, "blocks")
    assert occupancy(16, 0, 32, (7, 5)) == (16, 16, 0.5, "blocks")


def test_occupancy_by_shared_memory():
    """100 KiB and the system's 1: one block of 164 KiB, two of 228; Turing has 64 in all."""
    assert occupancy(32, 100 << 10, 128, (8, 0)) == (1, 4, 4 / 64, "shared memory")
    assert occupancy(32, 100 << 10, 128, (9, 0)) == (2, 8, 8 / 64, "shared memory")
    assert occupancy(32, 100 << 10, 128, (7, 5)) == (0, 0, 0.0, "shared memory")
    assert occupancy(32, 1, 128, (7, 5)) == (8, 32, 1.0, "warps")


def test_occupancy_knows_three_capabilities():
    with pytest.raises(ArgumentError, match=r"capability must be one of \(7, 5\), \(8, 0\), \(9, 0\), but it is \(6, 1\)"):
        occupancy(32, 0, 256, (6, 1))
