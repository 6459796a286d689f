"""Which question: in which words is a fast kernel written, so that it is still readable Python?

A vector is some float32 numbers side by side, a lane each.  The words:

    load(array, i)            array[i], …, array[i + 7]
    store(array, i, v)        the other way
    broadcast(number)         the number in all lanes
    spread(array, i)          array[i] in all lanes
    fma(a, b, c)              a·b + c, lane by lane
    add, subtract, multiply, maximum(a, b)      lane by lane; a NaN wins
    select(a, b, c)           b where a < 0, c elsewhere, where a is NaN too
    silu(v)                   v / (1 + e⁻ᵛ)
    slid(sums, x, i, w, j, taps, stride)     a row of taps over vectors of x, added to four sums, `stride` vectors apart
    weave(array, i, a, b, c)  writes a, b and c lane by lane: a₀ b₀ c₀ a₁ …
    evens, odds(a, b)         every other lane of a and then of b, from the first or from the second
    fetch(array, i)           asks for the cache line of array[i], which will be read soon; i may lie outside
    transpose(v0, …, v7)      eight vectors as the columns of what were rows
    wide_load, wide_broadcast, wide_spread      the same for LANES lanes (machine.py), where kernels are the machine's width

Arrays are flat, contiguous float32; i counts numbers.  Uncompiled, each word is plain Python on NumPy
arrays that checks its bounds, so a kernel whose helpers are uncompiled too (NUMBA_DISABLE_JIT=1) runs anywhere and names a
stray access; compiled, each is one or a few machine instructions without a check.

Eight lanes are right everywhere: narrower machines split a vector in two, wider ones use half of a register.
`fma` is LLVM's fmuladd: one rounding where the machine has the instruction, two where it has not
(llvm.fma would be a library call there); the contract (contract.py) allows both.
An accumulator stays in a register only as a local variable: twelve of them and their operands fill the
sixteen registers of AVX2.

Source: LLVM language reference, "vector type", "llvm.fmuladd"; Numba's documentation, "Extending Numba".
Next room: tile.py, for products of matrices; direct.py, the first kernel that is written in words.
"""

import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic, models, overload, register_model

from minicnn.conv.jit.machine import LANES

FLOAT = ir.FloatType()
INT = ir.IntType(32)
_BYTE = ir.IntType(8)


class Float32s(types.Type):
    """Numba's type of a vector."""

    def __init__(self, lanes: int):
        self.lanes = lanes
        super().__init__(name=f"float32x{lanes}")

    @property
    def code(self) -> ir.VectorType:
        return ir.VectorType(FLOAT, self.lanes)


float32x8 = Float32s(8)
wide = Float32s(LANES)


@register_model(Float32s)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, type_.code)


def load(array, i):
    """Return eight numbers from place i on."""
    return _loaded(array, i, 8, "load")


def wide_load(array, i):
    """Return LANES numbers from place i on."""
    return _loaded(array, i, LANES, "wide_load")


def _loaded(array, i, lanes, word):
    if not 0 <= i <= array.size - lanes:
        raise IndexError(f"{word}: places {i} … {i + lanes - 1} of an array of {array.size}")
    return array[i : i + lanes].copy()


def store(array, i, vector):
    """Write a vector from place i on."""
    if not 0 <= i <= array.size - vector.size:
        raise IndexError(f"store: places {i} … {i + vector.size - 1} of an array of {array.size}")
    array[i : i + vector.size] = vector


def broadcast(number):
    """Return the number in all eight lanes."""
    return np.full(8, number, np.float32)


def wide_broadcast(number):
    """Return the number in all LANES lanes."""
    return np.full(LANES, number, np.float32)


def spread(array, i):
    """Return array[i] in all eight lanes; unlike broadcast(array[i]) it never asks whether i counts from the end."""
    return _spread_out(array, i, 8, "spread")


def wide_spread(array, i):
    """Return array[i] in all LANES lanes."""
    return _spread_out(array, i, LANES, "wide_spread")


def _spread_out(array, i, lanes, word):
    if not 0 <= i < array.size:
        raise IndexError(f"{word}: place {i} of an array of {array.size}")
    return np.full(lanes, array[i], np.float32)


def fma(a, b, c):
    """Return a·b + c, lane by lane."""
    return a * b + c


def add(a, b):
    """Return a + b, lane by lane."""
    return a + b


def subtract(a, b):
    """Return a - b, lane by lane."""
    return a - b


def multiply(a, b):
    """Return a·b, lane by lane."""
    return a * b


def maximum(a, b):
    """Return the larger of a and b in each lane; NaN where one of them is; a where they are equal."""
    return np.where((a < b) | (b != b), b, a)


def select(a, b, c):
    """Return b where a < 0, c elsewhere, where a is NaN too."""
    return np.where(a < 0, b, c)


LOG2_E, LOG2_HIGH, LOG2_LOW = 1.4426950408889634, 0.693359375, -2.12194440e-4  # log 2 in two parts: a whole number times the first is exact
SERIES = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2)  # of eʳ = 1 + r + r²·(1/2 + r/6 + …)


def silu(v):
    """Return v / (1 + e⁻ᵛ), lane by lane, as v·(e⁻ˡᵛˡ or 1) / (1 + e⁻ˡᵛˡ), which does not overflow; NaN stays NaN, and -∞ gives NaN.

    e⁻ˡᵛˡ = 2ᵏ·eʳ with a whole k and |r| ≤ (log 2)/2, a series of eight terms and the bits of an exponent; below e⁻⁸⁷ it is 0.
    """
    one, x = np.float32(1), -np.abs(v)
    held = np.where(x < np.float32(-87), np.float32(-87), np.where(v == v, x, np.float32(0)))
    k = np.floor(held * np.float32(LOG2_E) + np.float32(0.5))
    r = (held - k * np.float32(LOG2_HIGH)) - k * np.float32(LOG2_LOW)
    p = np.full(v.size, SERIES[0], np.float32)
    for term in SERIES[1:]:
        p = p * r + np.float32(term)
    e = ((p * r) * r + r + one) * ((k.astype(np.int32) + 127) << 23).view(np.float32)
    e = np.where(x < np.float32(-87), np.float32(0), e)
    return v * np.where(v < 0, e, one) / (one + e)


def slid(sums, x, i, w, j, taps, stride):
    """Return four sums, with w[j + t·LANES …] · x[i + (n·stride + t)·LANES …] added to sum n for each of so many taps t.

    `taps` and `stride` are written as numbers in the kernel: each vector of x is loaded once for all sums.
    """
    return tuple(
        functools.reduce(lambda v, t: fma(wide_load(w, j + t * LANES), wide_load(x, i + (n * stride + t) * LANES), v), range(taps), v)
        for n, v in enumerate(sums)
    )


def fetch(array, i):
    """Ask for the cache line of array[i] and wait for nothing: it changes no number, and i may lie outside the array."""


def weave(array, i, a, b, c):
    """Write three vectors lane by lane, a₀ b₀ c₀ a₁ …, from place i on: planes of red, green and blue as pixels."""
    store(array, i, np.stack([a, b, c], axis=1).reshape(-1))


def evens(a, b):
    """Return lanes 0, 2, … of a and then of b."""
    return np.concatenate([a, b])[::2]


def odds(a, b):
    """Return lanes 1, 3, … of a and then of b."""
    return np.concatenate([a, b])[1::2]


def transpose(v0, v1, v2, v3, v4, v5, v6, v7):
    """Return eight vectors: lane i of vector j becomes lane j of vector i."""
    return tuple(np.stack([v0, v1, v2, v3, v4, v5, v6, v7]).T.copy())


def place(context, builder, array_type, array, i, code):
    """Return the address of array[i] as that of a value of the LLVM type `code`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [i]), code.as_pointer())


def flat_float32(array, *, written=False) -> None:
    if not (isinstance(array, types.Array) and array.dtype == types.float32 and array.ndim == 1 and array.layout == "C"):
        raise errors.TypingError(f"vector words take flat, contiguous float32 arrays, not {array}")
    if written and not array.mutable:
        raise errors.TypingError("store: the array is locked; kernels write into their outputs only")


def in_all_lanes(builder, number, lanes: int):
    """Return the number in every lane."""
    undefined = ir.Constant(ir.VectorType(FLOAT, lanes), ir.Undefined)
    single = builder.insert_element(undefined, number, ir.Constant(INT, 0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(INT, lanes), [0] * lanes))


def fused(builder, a, b, c, lanes: int):
    """Return a·b + c by LLVM's fmuladd."""
    code = ir.VectorType(FLOAT, lanes)
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(code, [code] * 3), f"llvm.fmuladd.v{lanes}f32")
    return builder.call(function, [a, b, c])


def _reads(vector):
    """Return the intrinsics that load a vector and that spread a number."""

    @intrinsic
    def load_(typing, array, i):
        def code(context, builder, signature, arguments):
            return builder.load(place(context, builder, signature.args[0], *arguments, vector.code), align=4)

        return vector(array, types.intp), code

    @intrinsic
    def spread_(typing, array, i):
        def code(context, builder, signature, arguments):
            return in_all_lanes(builder, builder.load(place(context, builder, signature.args[0], *arguments, FLOAT)), vector.lanes)

        return vector(array, types.intp), code

    @intrinsic
    def broadcast_(typing, number):
        def code(context, builder, signature, arguments):
            return in_all_lanes(builder, arguments[0], vector.lanes)

        return vector(types.float32), code

    return load_, spread_, broadcast_


_load, _spread, _broadcast = _reads(float32x8)
_wide_load, _wide_spread, _wide_broadcast = _reads(wide)


@intrinsic
def _store(typing, array, i, vector):
    def code(context, builder, signature, arguments):
        array, i, value = arguments
        builder.store(value, place(context, builder, signature.args[0], array, i, signature.args[2].code), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), code


@intrinsic
def _fetch(typing, array, i):
    def code(context, builder, signature, arguments):
        address = builder.bitcast(place(context, builder, signature.args[0], *arguments, FLOAT), _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), INT, INT, INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, kept_near, data = (ir.Constant(INT, number) for number in (0, 3, 1))
        builder.call(function, [address, read, kept_near, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def _weave(typing, array, i, a, b, c):
    def code(context, builder, signature, arguments):
        array, i, a, b, c = arguments
        lanes = signature.args[2].lanes

        def shuffled(v, w, places):
            return builder.shuffle_vector(v, w, ir.Constant(ir.VectorType(INT, len(places)), places))

        both = shuffled(a, b, list(range(2 * lanes)))
        third = shuffled(c, c, [*range(lanes), *[0] * lanes])
        woven = shuffled(both, third, [n // 3 + (n % 3) * lanes for n in range(3 * lanes)])
        code = ir.VectorType(FLOAT, 3 * lanes)
        builder.store(woven, place(context, builder, signature.args[0], array, i, code), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, a, a, a), code


@intrinsic
def _fma(typing, a, b, c):
    def code(context, builder, signature, arguments):
        return fused(builder, *arguments, signature.return_type.lanes)

    return a(a, b, c), code


@intrinsic(prefer_literal=True)
def _slid(typing, sums, x, i, w, j, taps, stride):
    def code(context, builder, signature, arguments):
        sums, x, i, w, j, _, _ = arguments

        def vectors(array_type, array, start, count):
            starts = [builder.add(start, ir.Constant(start.type, n * LANES)) for n in range(count)]
            return [builder.load(place(context, builder, array_type, array, at, wide.code), align=4) for at in starts]

        pixels = vectors(signature.args[1], x, i, 3 * step + count)
        taps_ = vectors(signature.args[3], w, j, count)
        results = []
        for n in range(4):
            v = builder.extract_value(sums, n)
            for t in range(count):
                v = fused(builder, taps_[t], pixels[n * step + t], v, LANES)
            results.append(v)
        return context.make_tuple(builder, signature.return_type, results)

    if not (isinstance(taps, types.IntegerLiteral) and isinstance(stride, types.IntegerLiteral)):
        raise errors.TypingError("slid: taps and stride are numbers written in the kernel")
    count, step = taps.literal_value, stride.literal_value
    return types.UniTuple(wide, 4)(sums, x, types.intp, w, types.intp, taps, stride), code


def _lane_by_lane(make):
    @intrinsic
    def word(typing, a, b):
        def code(context, builder, signature, arguments):
            return make(builder, *arguments)

        return a(a, b), code

    return word


def _larger(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), b, a)  # a NaN of a stays


_add = _lane_by_lane(lambda builder, a, b: builder.fadd(a, b))
_subtract = _lane_by_lane(lambda builder, a, b: builder.fsub(a, b))
_multiply = _lane_by_lane(lambda builder, a, b: builder.fmul(a, b))
_maximum = _lane_by_lane(lambda builder, a, b: builder.select(builder.fcmp_unordered("uno", b, b), b, _larger(builder, a, b)))


def _every_other(builder, a, b, first):
    lanes = a.type.count
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, lanes), list(range(first, 2 * lanes, 2))))


_evens = _lane_by_lane(lambda builder, a, b: _every_other(builder, a, b, 0))
_odds = _lane_by_lane(lambda builder, a, b: _every_other(builder, a, b, 1))


def in_silu(builder, v, lanes: int):
    """Return silu of the vector v, the operations of the word `silu` one by one."""
    code, whole = ir.VectorType(FLOAT, lanes), ir.VectorType(INT, lanes)

    def number(value):
        return ir.Constant(code, [float(np.float32(value))] * lanes)

    def times(a, b):
        return builder.fmul(a, b)

    zero, one, lowest = number(0), number(1), number(-87)
    below = builder.fcmp_ordered("<", v, zero)
    x = builder.select(below, v, builder.fsub(number(-0.0), v))
    deep = builder.fcmp_ordered("<", x, lowest)
    held = builder.select(deep, lowest, builder.select(builder.fcmp_ordered("ord", v, v), x, zero))
    floor = cgutils.get_or_insert_function(builder.module, ir.FunctionType(code, [code]), f"llvm.floor.v{lanes}f32")
    k = builder.call(floor, [builder.fadd(times(held, number(LOG2_E)), number(0.5))])
    r = builder.fsub(builder.fsub(held, times(k, number(LOG2_HIGH))), times(k, number(LOG2_LOW)))
    p = number(SERIES[0])
    for term in SERIES[1:]:
        p = builder.fadd(times(p, r), number(term))
    p = builder.fadd(builder.fadd(times(times(p, r), r), r), one)
    exponent = builder.add(builder.fptosi(k, whole), ir.Constant(whole, [127] * lanes))
    power = builder.bitcast(builder.shl(exponent, ir.Constant(whole, [23] * lanes)), code)
    e = builder.select(deep, zero, times(p, power))
    return builder.fdiv(times(v, builder.select(below, e, one)), builder.fadd(one, e))


@intrinsic
def _silu(typing, v):
    def code(context, builder, signature, arguments):
        return in_silu(builder, arguments[0], signature.return_type.lanes)

    return v(v), code


@intrinsic
def _select(typing, a, b, c):
    def code(context, builder, signature, arguments):
        a, b, c = arguments
        return builder.select(builder.fcmp_ordered("<", a, ir.Constant(a.type, [0.0] * signature.return_type.lanes)), b, c)

    return a(a, b, c), code


@intrinsic
def _transpose(typing, v0, v1, v2, v3, v4, v5, v6, v7):
    def code(context, builder, signature, arguments):
        def shuffled(a, b, lanes):
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, 8), lanes))

        # Three rounds bring numbers of two, four and eight rows together, by masks that are one instruction each on x86.
        evenly, oddly = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
        pairs = [shuffled(arguments[j], arguments[j + 1], mask) for j in (0, 2, 4, 6) for mask in (evenly, oddly)]
        first, second = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        fours = [shuffled(pairs[j], pairs[j + 2], mask) for j in (0, 1, 4, 5) for mask in (first, second)]
        low, high = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        rows = [shuffled(fours[j], fours[j + 4], mask) for mask in (low, high) for j in range(4)]
        return context.make_tuple(builder, signature.return_type, rows)

    return types.UniTuple(float32x8, 8)(*[float32x8] * 8), code


@overload(load, inline="always")
def _overload_load(array, i):
    flat_float32(array)
    return lambda array, i: _load(array, i)


@overload(wide_load, inline="always")
def _overload_wide_load(array, i):
    flat_float32(array)
    return lambda array, i: _wide_load(array, i)


@overload(store, inline="always")
def _overload_store(array, i, vector):
    flat_float32(array, written=True)
    return lambda array, i, vector: _store(array, i, vector)


@overload(broadcast, inline="always")
def _overload_broadcast(number):
    return lambda number: _broadcast(np.float32(number))


@overload(wide_broadcast, inline="always")
def _overload_wide_broadcast(number):
    return lambda number: _wide_broadcast(np.float32(number))


@overload(spread, inline="always")
def _overload_spread(array, i):
    flat_float32(array)
    return lambda array, i: _spread(array, i)


@overload(wide_spread, inline="always")
def _overload_wide_spread(array, i):
    flat_float32(array)
    return lambda array, i: _wide_spread(array, i)


@overload(fetch, inline="always")
def _overload_fetch(array, i):
    flat_float32(array)
    return lambda array, i: _fetch(array, i)


@overload(weave, inline="always")
def _overload_weave(array, i, a, b, c):
    flat_float32(array, written=True)
    return lambda array, i, a, b, c: _weave(array, i, a, b, c)


@overload(fma, inline="always")
def _overload_fma(a, b, c):
    return lambda a, b, c: _fma(a, b, c)


@overload(add, inline="always")
def _overload_add(a, b):
    return lambda a, b: _add(a, b)


@overload(subtract, inline="always")
def _overload_subtract(a, b):
    return lambda a, b: _subtract(a, b)


@overload(multiply, inline="always")
def _overload_multiply(a, b):
    return lambda a, b: _multiply(a, b)


@overload(maximum, inline="always")
def _overload_maximum(a, b):
    return lambda a, b: _maximum(a, b)


@overload(select, inline="always")
def _overload_select(a, b, c):
    return lambda a, b, c: _select(a, b, c)


@overload(silu, inline="always")
def _overload_silu(v):
    return lambda v: _silu(v)


@overload(slid, inline="always", prefer_literal=True)
def _overload_slid(sums, x, i, w, j, taps, stride):
    flat_float32(x)
    flat_float32(w)
    return lambda sums, x, i, w, j, taps, stride: _slid(sums, x, i, w, j, taps, stride)


@overload(evens, inline="always")
def _overload_evens(a, b):
    return lambda a, b: _evens(a, b)


@overload(odds, inline="always")
def _overload_odds(a, b):
    return lambda a, b: _odds(a, b)


@overload(transpose, inline="always")
def _overload_transpose(v0, v1, v2, v3, v4, v5, v6, v7):
    return lambda v0, v1, v2, v3, v4, v5, v6, v7: _transpose(v0, v1, v2, v3, v4, v5, v6, v7)
