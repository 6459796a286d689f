"""Kernels as the plain Python that they are, down to the ones that they call; and what they are called with, recorded on the way.

`uncompiled()` lets kernels call each other's py_func; `recorded(run)` returns {"module.kernel": calls} of all that ran; `replay(kernel, call)`
makes the same call once more, compiled or not, and hands out everything that it wrote or returned.
"""

import contextlib
import importlib
import pkgutil
import sys
from typing import NamedTuple

import numba
import numpy as np

import minicnn.conv
from minicnn.conv.jit import KERNELS
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import load, store, wide_load


def name_of(kernel) -> str:
    """Return module.kernel, since several modules have a `one_block`."""
    return f"{kernel.py_func.__module__.rpartition('.')[2]}.{kernel.py_func.__name__}"


@contextlib.contextmanager
def uncompiled(stand_in=lambda kernel: kernel.py_func):
    """Replace every kernel, wherever a module of minicnn names it, by its py_func.

    `kernel.py_func` alone still calls compiled kernels, which take no NumPy arrays for vectors.
    """
    for room in pkgutil.iter_modules(minicnn.conv.__path__, "minicnn.conv."):  # some are imported by the call that needs them
        importlib.import_module(room.name)
    stand_ins = {id(kernel): stand_in(kernel) for kernel in KERNELS}
    replaced = []
    for name, module in list(sys.modules.items()):
        if module is not None and name.startswith("minicnn."):
            for attribute, value in list(vars(module).items()):
                if id(value) in stand_ins:
                    replaced.append((module, attribute, value))
                    setattr(module, attribute, stand_ins[id(value)])
    try:
        yield
    finally:
        for module, attribute, value in replaced:
            setattr(module, attribute, value)


class Call(NamedTuple):
    arguments: tuple  # arrays as they were before the call
    arrays: frozenset[int]  # the places of arguments that are arrays; other NumPy arrays are vectors


def recorded(run) -> dict[str, list[Call]]:
    """Run something uncompiled, and return calls of every kernel that ran: the first few, and ever fewer of the rest."""
    calls, counts, arrays, callers = {}, {}, [], []

    def stand_in(kernel):
        name = name_of(kernel)

        def recording(*arguments):
            arrays.extend(a for a in arguments if isinstance(a, np.ndarray) and not is_known(a) and (not callers or is_no_vector(a)))
            counts[name] = count = counts.get(name, 0) + 1
            if count <= 4 or count & (count - 1) == 0:
                where = frozenset(i for i, a in enumerate(arguments) if is_known(a))
                calls.setdefault(name, []).append(Call(copied(arguments), where))
            callers.append(name)
            try:
                return kernel.py_func(*arguments)
            finally:
                callers.pop()

        recording.alone = recording
        return recording

    def is_known(a) -> bool:
        return any(a is b for b in arrays)

    def is_no_vector(a) -> bool:
        """Vectors are made by words, so nobody has locked them; a kernel that Python calls is given none."""
        return a.size not in (8, LANES) or a.dtype != np.float32 or a.ndim != 1 or not a.flags.writeable

    empty = np.empty
    np.empty = np.zeros  # so that numbers that nobody wants are the same on both ways
    try:
        with uncompiled(stand_in), np.errstate(all="ignore"):
            run()
    finally:
        np.empty = empty
    return calls


def copied(arguments) -> tuple:
    """Copy arrays, locked ones locked; what was one array stays one."""
    copies = {}

    def one(a):
        if isinstance(a, tuple):
            return tuple(one(part) for part in a)
        if not isinstance(a, np.ndarray):
            return a
        if id(a) not in copies:
            copies[id(a)] = a.copy()
            copies[id(a)].flags.writeable = a.flags.writeable
        return copies[id(a)]

    return tuple(one(a) for a in arguments)


def replay(kernel, call: Call, *, compiled: bool) -> list:
    """Return what the kernel hands out for a recorded call, and every array that it was given, as it is afterwards."""
    arguments = copied(call.arguments)
    with np.errstate(all="ignore"):
        if compiled:
            result = through(kernel, arguments, call.arrays)
        else:
            with uncompiled():
                result = kernel.py_func(*arguments)
    result = result if isinstance(result, tuple) else (result,)
    return [*(part for part in result if part is not None), *(arguments[i] for i in sorted(call.arrays))]


def through(kernel, arguments, arrays):
    """Call a compiled kernel; where it takes or returns vectors, which Python cannot hold, through one that makes them of arrays."""
    is_vector = lambda i, a: i not in arrays and (isinstance(a, np.ndarray) or (isinstance(a, tuple) and isinstance(a[0], np.ndarray)))  # noqa: E731
    if not any(is_vector(i, a) for i, a in enumerate(arguments)):
        return kernel(*arguments)
    word = lambda a: "load" if a.size == 8 else "wide_load"  # noqa: E731
    parts, given, width = [], [], 0
    for i, a in enumerate(arguments):
        vectors = a if isinstance(a, tuple) else (a,)
        if is_vector(i, a):
            names = [f"v{len(given) + j}" for j in range(len(vectors))]
            given += vectors
            width = vectors[0].size
            loads = [f"{word(v)}({name}, 0)" for v, name in zip(vectors, names, strict=True)]
            parts.append(f"({', '.join(loads)})" if isinstance(a, tuple) else loads[0])
        else:
            parts.append(f"v{len(given)}")
            given.append(a)
    with uncompiled():
        returns = isinstance(kernel.py_func(*copied(arguments)), np.ndarray)
    call = f"kernel({', '.join(parts)})"
    body = f"def body(out, {', '.join(f'v{i}' for i in range(len(given)))}):\n    {f'store(out, 0, {call})' if returns else call}\n"
    names = {"kernel": kernel, "load": load, "wide_load": wide_load, "store": store}
    exec(body, names)
    out = np.zeros(width, np.float32)
    numba.njit(names["body"])(out, *given)
    return out if returns else None
