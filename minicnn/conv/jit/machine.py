"""Which question: how large a piece of a matrix do this machine's registers hold?

    LANES      float32 numbers in a register: 16 where there is AVX-512, else 8 (on narrower machines two registers)
    ROWS       rows of a tile (tile.py)
    COLUMNS    columns of a tile, two or three registers
    HEIGHT     rows of a tile whose rows lie anywhere, of one or two registers each
    LINE       float32 numbers of a cache line
    AHEAD      steps of a product ahead of which weights are asked for: memory takes as long to answer

Idea: a product of matrices runs at full speed when its sums stay in registers, enough of them that the next
multiply-add need not wait for the last: 8·32 sums fill 16 of the 32 registers of AVX-512, 4·24 sums 12 of the
16 of AVX2.  Seven rows of 32 fill 14: maps that were halved from 224 have a multiple of seven positions.  That is the only thing that the kernels know of the machine.
A step takes about 8 cycles and memory some 400: weights that are asked for 64 steps ahead are there in time, across the ends of pages at
which the processor's own guesses stop (VGG16: +10%, ResNet-50: +4%).

These are constants of the processor that Numba compiles for, as it is named to Numba.  Numba keeps compiled
kernels apart by that very processor (its name and features are in the key of the disk cache), so a kernel
that was compiled with other constants is never met.  Results do not depend on them: lanes are outputs, and each
output sums its products in the same order on every machine.

Source: Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), section 4.
Next room: words.py.
"""

import platform

from llvmlite import binding
from numba.core import config


def _wide() -> bool:
    """Whether the processor that Numba compiles for has 32 registers of sixteen float32."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    if config.CPU_NAME not in (None, "host") or config.CPU_FEATURES is not None:  # the user names another processor
        return "+avx512f" in (config.CPU_FEATURES or "") and "+avx512vl" in (config.CPU_FEATURES or "")
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512f")) and bool(features.get("avx512vl"))


LANES, ROWS, COLUMNS, HEIGHT = (16, 8, 32, 7) if _wide() else (8, 4, 24, 6)
LINE, AHEAD = 16, 64
