"""Which question: in which words is a fast kernel written, so that it is still readable Python?

A vector is eight float32 numbers side by side, a lane each.  The words:

    load(array, i)            array[i], …, array[i + 7]
    store(array, i, v)        the other way
    broadcast(number)         the number in all lanes
    spread(array, i)          array[i] in all lanes
    fma(a, b, c)              a·b + c, lane by lane
    transpose(v0, …, v7)      eight vectors as the columns of what were rows

Arrays are flat, contiguous float32; i counts numbers.  Uncompiled, each word is plain Python on NumPy
arrays that checks its bounds, so `kernel.py_func` runs anywhere and names a stray access; compiled, each
is one or a few machine instructions without a check.

Eight lanes always: narrower machines split a vector in two, wider ones use half of a register, and a
width that changed with the machine would meet Numba's disk cache, which does not notice.
`fma` is LLVM's fmuladd: one rounding where the machine has the instruction, two where it has not
(llvm.fma would be a library call there); the contract (contract.py) allows both.
An accumulator stays in a register only as a local variable: twelve of them and their operands fill the
sixteen registers of AVX2.

Source: LLVM language reference, "vector type", "llvm.fmuladd"; Numba's documentation, "Extending Numba".
Next room: direct.py, the first kernel that is written in them.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic, models, overload, register_model

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, 8)
_INT = ir.IntType(32)


class Float32x8(types.Type):
    """Numba's type of a vector."""

    def __init__(self):
        super().__init__(name="float32x8")


float32x8 = Float32x8()


@register_model(Float32x8)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, _VECTOR)


def load(array, i):
    """Return eight numbers from place i on."""
    if not 0 <= i <= array.size - 8:
        raise IndexError(f"load: places {i} … {i + 7} of an array of {array.size}")
    return array[i : i + 8].copy()


def store(array, i, vector):
    """Write eight numbers from place i on."""
    if not 0 <= i <= array.size - 8:
        raise IndexError(f"store: places {i} … {i + 7} of an array of {array.size}")
    array[i : i + 8] = vector


def broadcast(number):
    """Return the number in all eight lanes."""
    return np.full(8, number, np.float32)


def spread(array, i):
    """Return array[i] in all eight lanes; unlike broadcast(array[i]) it never asks whether i counts from the end."""
    if not 0 <= i < array.size:
        raise IndexError(f"spread: place {i} of an array of {array.size}")
    return np.full(8, array[i], np.float32)


def fma(a, b, c):
    """Return a·b + c, lane by lane."""
    return a * b + c


def transpose(v0, v1, v2, v3, v4, v5, v6, v7):
    """Return eight vectors: lane i of vector j becomes lane j of vector i."""
    return tuple(np.stack([v0, v1, v2, v3, v4, v5, v6, v7]).T.copy())


def _place(context, builder, signature, arguments):
    """Return the address of array[i] as that of a vector."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), _VECTOR.as_pointer())


def _flat_float32(array, *, written=False) -> None:
    if not (isinstance(array, types.Array) and array.dtype == types.float32 and array.ndim == 1 and array.layout == "C"):
        raise errors.TypingError(f"vector words take flat, contiguous float32 arrays, not {array}")
    if written and not array.mutable:
        raise errors.TypingError("store: the array is locked; kernels write into their outputs only")


@intrinsic
def _load(typing, array, i):
    def code(context, builder, signature, arguments):
        return builder.load(_place(context, builder, signature, arguments), align=4)

    return float32x8(array, types.intp), code


@intrinsic
def _store(typing, array, i, vector):
    def code(context, builder, signature, arguments):
        builder.store(arguments[2], _place(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), code


def _in_all_lanes(builder, number):
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(undefined, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(_INT, 8), [0] * 8))


@intrinsic
def _broadcast(typing, number):
    def code(context, builder, signature, arguments):
        return _in_all_lanes(builder, arguments[0])

    return float32x8(types.float32), code


@intrinsic
def _spread(typing, array, i):
    def code(context, builder, signature, arguments):
        values = context.make_array(signature.args[0])(context, builder, arguments[0])
        return _in_all_lanes(builder, builder.load(builder.gep(values.data, [arguments[1]])))

    return float32x8(array, types.intp), code


@intrinsic
def _fma(typing, a, b, c):
    def code(context, builder, signature, arguments):
        function = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, function, "llvm.fmuladd.v8f32"), arguments)

    return float32x8(a, b, c), code


@intrinsic
def _transpose(typing, v0, v1, v2, v3, v4, v5, v6, v7):
    def code(context, builder, signature, arguments):
        def shuffled(a, b, lanes):
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT, 8), lanes))

        rows = list(arguments)
        # Three rounds exchange blocks of 4, 2 and 1 lanes between rows that lie as far apart.
        for far in (4, 2, 1):
            low = [lane if not lane & far else 8 + lane - far for lane in range(8)]
            high = [lane + far if not lane & far else 8 + lane for lane in range(8)]
            for j in range(8):
                if not j & far:
                    rows[j], rows[j + far] = shuffled(rows[j], rows[j + far], low), shuffled(rows[j], rows[j + far], high)
        return context.make_tuple(builder, signature.return_type, rows)

    return types.UniTuple(float32x8, 8)(*[float32x8] * 8), code


@overload(load, inline="always")
def _overload_load(array, i):
    _flat_float32(array)
    return lambda array, i: _load(array, i)


@overload(store, inline="always")
def _overload_store(array, i, vector):
    _flat_float32(array, written=True)
    return lambda array, i, vector: _store(array, i, vector)


@overload(broadcast, inline="always")
def _overload_broadcast(number):
    return lambda number: _broadcast(np.float32(number))


@overload(spread, inline="always")
def _overload_spread(array, i):
    _flat_float32(array)
    return lambda array, i: _spread(array, i)


@overload(fma, inline="always")
def _overload_fma(a, b, c):
    return lambda a, b, c: _fma(a, b, c)


@overload(transpose, inline="always")
def _overload_transpose(v0, v1, v2, v3, v4, v5, v6, v7):
    return lambda v0, v1, v2, v3, v4, v5, v6, v7: _transpose(v0, v1, v2, v3, v4, v5, v6, v7)
