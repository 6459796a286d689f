"""Tiles, and the constants of the machine: sums that stay in registers, and kernels that are never met by another processor."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import types
from numba.core.errors import TypingError

import minicnn
from minicnn.conv import winograd_kernel
from minicnn.conv.jit import jit, machine
from minicnn.conv.jit.machine import COLUMNS, HEIGHT, LANES, ROWS
from minicnn.conv.jit.tile import (
    add_part,
    columns_of,
    load_tile,
    outer,
    outer_at,
    places,
    rectified,
    rows_of,
    store_part,
    store_tile,
    zeros,
)

PACKAGE = Path(minicnn.__file__).parent
compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")
rng = np.random.default_rng(0)


# 1. The words.


@jit
def product(a, step, far, b, bias, depth, y, width):
    """y = bias of each row + a · b; what is in row r and term k of a lies at r·step + k·far."""
    tile = columns_of(bias, 1)
    for k in range(depth):
        tile = outer(tile, a, k * far, step, b, k * COLUMNS)
    store_tile(y, 2, width, tile)


@jit
def cut_off(y, most):
    store_tile(y, 0, COLUMNS, rectified(load_tile(y, 0, COLUMNS), most))


@jit
def cleared(y, i, step):
    store_tile(y, i, step, zeros())


@pytest.mark.parametrize("kernel", [product, product.py_func], ids=["compiled", "python"])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_of_matrices(kernel, transposed):
    depth, width = 5, COLUMNS + 3
    a, b = rng.integers(-5, 6, (ROWS, depth)).astype(np.float32), rng.integers(-5, 6, (depth, COLUMNS)).astype(np.float32)
    bias = np.arange(ROWS + 1, dtype=np.float32)
    laid, step, far = (a.T.copy(), 1, ROWS) if transposed else (a, depth, 1)
    y = np.full(2 + ROWS * width, -77, np.float32)
    kernel(laid.reshape(-1), step, far, b.reshape(-1), bias, depth, y, width)
    rows = y[2:].reshape(ROWS, width)
    np.testing.assert_array_equal(rows[:, :COLUMNS], a @ b + bias[1:, None])
    assert (rows[:, COLUMNS:] == -77).all()  # between the rows of a tile nothing is written
    assert (y[:2] == -77).all()


@jit
def steps_on(y, place, width, other, at):
    store_tile(y, place, width, outer(load_tile(y, place, width), y, 0, 0, other, at))


@pytest.mark.parametrize("kernel", [steps_on, steps_on.py_func], ids=["compiled", "python"])
def test_sums_go_on_where_they_stopped(kernel):
    width = COLUMNS + 1
    y = np.arange(1 + ROWS * width, dtype=np.float32)
    y[0] = 2  # what each row of `other` is multiplied by: a step of 0 reads one number for all rows
    before, other = y.copy(), rng.integers(-5, 6, COLUMNS + 1).astype(np.float32)
    kernel(y, 1, width, other, 1)
    rows = before[1:].reshape(ROWS, width).copy()
    rows[:, :COLUMNS] += 2 * other[1:]
    np.testing.assert_array_equal(y[1:].reshape(ROWS, width), rows)


@pytest.mark.parametrize("kernel", [cut_off, cut_off.py_func], ids=["compiled", "python"])
@pytest.mark.parametrize("most", [6, np.inf])
def test_rectified_keeps_nan_and_the_sign_of_zero(kernel, most):
    special = np.array([-1, 0, -0.0, np.nan, 5, 6, 7, np.inf, -np.inf, 1e-45, -1e-45], np.float32)
    y = np.resize(special, ROWS * COLUMNS)
    expected = np.resize([0, 0, -0.0, np.nan, 5, 6, min(7, most), most, 0, 1e-45, 0], ROWS * COLUMNS).astype(np.float32)
    kernel(y, np.float32(most))
    np.testing.assert_array_equal(y, expected)
    kept = ~np.isnan(y)
    np.testing.assert_array_equal(np.signbit(y[kept]), np.signbit(expected[kept]))


def test_zero_times_infinity_is_nan():
    for kernel in (product, product.py_func):
        y = np.zeros(2 + ROWS * COLUMNS, np.float32)
        with np.errstate(invalid="ignore"):
            kernel(np.zeros(ROWS, np.float32), 1, ROWS, np.full(COLUMNS, np.inf, np.float32), np.ones(ROWS + 1, np.float32), 1, y, COLUMNS)
        assert np.isnan(y[2:]).all()


@pytest.mark.parametrize("kernel", [cleared, cleared.py_func], ids=["compiled", "python"])
def test_zeros(kernel):
    y = np.ones(1 + ROWS * COLUMNS, np.float32)
    kernel(y, 1, COLUMNS)
    np.testing.assert_array_equal(y, [1, *[0] * (ROWS * COLUMNS)])


@jit
def rows_anywhere(a, table, depth, b, bias, other, y, step, rows, columns):
    """y[r] = bias + Σ_k a[table[1 + r] + k] · b[k] + other[r] for rows that begin anywhere in a; `rows` × `columns` of them are written."""
    tile, at = rows_of(bias, 1, 2), places(table, 1)
    for k in range(depth):
        tile = outer_at(tile, a, at, k, b, k * 2 * LANES)
    store_part(y, 2, step, add_part(tile, other, 3, step, rows, columns), rows, columns)


@jit
def one_vector(a, table, b, bias, y, step):
    store_tile(y, 0, step, outer_at(rows_of(bias, 0, 1), a, places(table, 0), 0, b, 0))


@pytest.mark.parametrize("kernel", [rows_anywhere, rows_anywhere.py_func], ids=["compiled", "python"])
@pytest.mark.parametrize("rows", range(1, HEIGHT + 1))
@pytest.mark.parametrize("columns", [1, LANES - 1, LANES, LANES + 1, 2 * LANES])
def test_rows_that_begin_anywhere(kernel, rows, columns):
    """Rows in any order, one of them twice, later ones as the last wanted; nothing beside rows × columns is read of `other` or written."""
    depth, step = 5, columns + 2
    a, b = rng.integers(-5, 6, 40).astype(np.float32), rng.integers(-5, 6, (depth, 2 * LANES)).astype(np.float32)
    starts = rng.permutation(30)[:HEIGHT]
    starts[rows:] = starts[rows - 1]
    bias = np.arange(1 + 2 * LANES, dtype=np.float32)
    other = np.full(3 + (rows - 1) * step + columns, np.nan, np.float32)
    added, y = rng.integers(-5, 6, (rows, columns)), np.full(2 + (rows - 1) * step + columns, -77, np.float32)
    expected = y.copy()
    for r in range(rows):
        other[3 + r * step : 3 + r * step + columns] = added[r]
        sums = a[starts[r] : starts[r] + depth] @ b + bias[1:]
        expected[2 + r * step : 2 + r * step + columns] = sums[:columns] + added[r]
    kernel(a, np.array([9999, *starts]), depth, b.reshape(-1), bias, other, y, step, rows, columns)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("kernel", [one_vector, one_vector.py_func], ids=["compiled", "python"])
def test_rows_of_one_vector(kernel):
    a, b, step = rng.integers(-5, 6, 20).astype(np.float32), np.arange(LANES, dtype=np.float32), LANES + 1
    table, y = np.arange(HEIGHT) * 2, np.full(HEIGHT * step, -77, np.float32)
    kernel(a, table, b, np.full(LANES, 3, np.float32), y, step)
    rows = y.reshape(HEIGHT, step)
    np.testing.assert_array_equal(rows[:, :LANES], np.outer(a[table], b) + 3)
    assert (rows[:, LANES:] == -77).all()


def test_a_stray_row_is_named():
    short, table = np.zeros(5, np.float32), np.arange(HEIGHT)
    with pytest.raises(IndexError, match=rf"places: places 1 … {HEIGHT} of an array of {HEIGHT}"):
        places(table, 1)
    with pytest.raises(IndexError, match=rf"rows_of: places 0 … {LANES - 1} of an array of 5"):
        rows_of(short, 0, 1)
    tile = np.zeros((HEIGHT, LANES), np.float32)
    with pytest.raises(IndexError, match=rf"outer_at: places 0 … {HEIGHT - 1} of an array of 5"):
        outer_at(tile, short, tuple(table), 0, np.zeros(LANES, np.float32), 0)
    with pytest.raises(IndexError, match=r"store_part: places 1 … 5 of an array of 5"):
        store_part(short, 1, 3, tile, 2, 2)
    with pytest.raises(IndexError, match=r"add_part: places -1 … 1 of an array of 5"):
        add_part(tile, short, -1, 1, 2, 2)


def test_a_stray_access_is_named():
    short, size = np.zeros(ROWS * COLUMNS - 1, np.float32), ROWS * COLUMNS - 1
    last = ROWS * COLUMNS - 1
    with pytest.raises(IndexError, match=rf"load_tile: places 0 … {last} of an array of {size}"):
        load_tile(short, 0, COLUMNS)
    with pytest.raises(IndexError, match=rf"store_tile: places -1 … {last - 1} of an array of {size}"):
        store_tile(short, -1, COLUMNS, zeros())
    with pytest.raises(IndexError, match=rf"columns_of: places 1 … {ROWS} of an array of {ROWS}"):
        columns_of(np.zeros(ROWS, np.float32), 1)
    with pytest.raises(IndexError, match=rf"outer: places 0 … {(ROWS - 1) * 9} of an array of {ROWS}"):
        outer(zeros(), np.zeros(ROWS, np.float32), 0, 9, np.zeros(COLUMNS, np.float32), 0)
    with pytest.raises(IndexError, match=rf"outer: places 1 … {COLUMNS} of an array of {COLUMNS}"):
        outer(zeros(), np.zeros(ROWS, np.float32), 0, 1, np.zeros(COLUMNS, np.float32), 1)


@compiled_only
def test_tiles_refuse_what_they_would_misread():
    flat = np.zeros(2 * ROWS * COLUMNS, np.float32)
    locked = flat.copy()
    locked.flags.writeable = False
    with pytest.raises(TypingError, match="store: the array is locked"):
        cleared(locked, 0, COLUMNS)
    for wrong in (flat.astype(np.float64), flat.reshape(1, -1), flat[::2]):
        for call in (lambda wrong: cleared(wrong, 0, COLUMNS), lambda wrong: cut_off(wrong, np.float32(6))):
            with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
                call(wrong)
        for at in (0, 3, 4):
            arguments = [flat, 1, ROWS, flat, flat, 1, flat, COLUMNS]
            arguments[at] = wrong
            with pytest.raises(TypingError, match="vector words take flat, contiguous float32 arrays"):
                product(*arguments)


# 2. The machine.


def run(code, **environment):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, env=env, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_tile_is_whole_vectors_and_fits_the_registers():
    assert LANES in (8, 16)
    assert COLUMNS % LANES == 0
    registers = 32 if LANES == 16 else 16
    assert registers >= ROWS * COLUMNS // LANES + COLUMNS // LANES + 1  # its sums, a row of b, a number of a


def test_the_constants_follow_the_processor_that_numba_is_told_of():
    code = "from minicnn.conv.jit.machine import LANES, ROWS, COLUMNS; print(LANES, ROWS, COLUMNS)"
    narrow = run(code, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert narrow[0] == "8"
    assert run(code, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2,+fma") == narrow
    assert run(code, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="+avx512f") == narrow  # 256-bit vectors need avx512vl besides
    if platform.machine().lower() in ("x86_64", "amd64"):
        wide = run(code, NUMBA_CPU_NAME="skylake-avx512", NUMBA_CPU_FEATURES="+avx512f,+avx512vl")
        assert wide[0] == "16"
    if not os.environ.get("NUMBA_CPU_NAME"):
        assert run(code) == [str(machine.LANES), str(machine.ROWS), str(machine.COLUMNS)]


@compiled_only
@pytest.mark.skipif("NUMBA_CPU_NAME" in os.environ, reason="compares the processor itself with another, and this run names one")
def test_the_disk_cache_never_mixes_processors(tmp_path):
    """The same folder for this processor and for one without vector instructions: each is right, and finds what is its own only."""
    code = """
import numpy as np
from minicnn import conv2d
from minicnn.conv import gemm
from minicnn.conv.jit.machine import LANES
x, w = np.arange(2 * 6 * 7, dtype=np.float32).reshape(1, 2, 6, 7), np.arange(5 * 2 * 6, dtype=np.float32).reshape(5, 2, 3, 2)
right = np.array_equal(conv2d(x, w, algorithm="gemm"), conv2d(x, w, algorithm="reference"))
stats = gemm.all_blocks._serial.stats
print(right, LANES, sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
    here = {"NUMBA_CACHE_DIR": str(tmp_path)}
    other = {**here, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    lanes = str(LANES)
    assert run(code, **here) == ["True", lanes, "0", "1"]
    assert run(code, **other) == ["True", "8", "0", "1"]
    assert run(code, **here) == ["True", lanes, "1", "0"]
    assert run(code, **other) == ["True", "8", "1", "0"]


def loops_of(assembly: str) -> list[str]:
    """Return the innermost loops: from a label to the jump back to it, with no label between."""
    return [match.group(0) for match in re.finditer(r"^(\.?LBB\w+):\n(?:(?!^\.?LBB).*\n)*?\s+j\w+\s+\1$", assembly, flags=re.M)]


@compiled_only
@pytest.mark.skipif(LANES != 16, reason="looks for the registers of AVX-512, which the processor that Numba compiles for has not")
def test_a_tiles_sums_stay_in_registers():
    """The loop of winograd's products multiplies zmm registers, and none of them goes through the stack on the way."""
    options = dict(winograd_kernel.multiply_tile.targetoptions)
    fresh = numba.njit(winograd_kernel.multiply_tile.py_func, **{name: options[name] for name in ("error_model", "boundscheck", "_nrt")})
    flat, locked, whole = types.float32[::1], types.Array(types.float32, 1, "C", readonly=True), types.int64
    fresh.compile((flat, whole, whole, locked, whole, whole, flat, whole, whole))
    (assembly,) = fresh.inspect_asm().values()
    sums = ROWS * COLUMNS // LANES
    found = [loop for loop in loops_of(assembly) if len(re.findall(r"vfmadd\w+ps.*zmm", loop)) >= sums]
    assert found, "no loop multiplies a whole tile"
    for loop in found:
        stray = [line for line in loop.splitlines() if re.search(r"[xyz]mm\d", line) and "(%rsp)" in line]
        assert not stray, f"vectors go through the stack: {stray}"
