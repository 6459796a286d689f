"""Which question: how is a product of matrices written so that its sums never leave the registers?

A tile is a block of ROWS × COLUMNS sums (machine.py), all of them in registers.  The words:

    zeros()                      a tile of zeros
    columns_of(array, i)         array[i + r] all along row r: where sums of filters begin, at the bias
    load_tile(y, i, step)        row r is y[i + r·step], …: where sums go on
    outer(tile, a, i, step, b, j)      tile[r, s] + a[i + r·step] · b[j + s]: one step of the product
    rectified(tile, most)        0 where a sum is below 0, `most` where it is above that, NaN where it is NaN
    smooth(tile)                 silu of every sum
    store_tile(y, i, step, tile)       the other way

    tile = zeros()
    for k in range(depth):
        tile = outer(tile, a, i + k * ROWS, 1, b, j + k * COLUMNS)
    store_tile(y, place, width, tile)

is the inner loop of every product in this package.  Idea: an outer product loads ROWS + COLUMNS numbers for
ROWS · COLUMNS multiply-adds, so the loads hide behind the arithmetic; no other shape of product does that.
As with the other words, the uncompiled ones are plain Python that checks its bounds.

Source: Goto, van de Geijn (2008), section 6; CUTLASS's documentation, "Efficient GEMM".
Next room: gemm.py, where tiles make a convolution.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from minicnn.conv.jit.machine import COLUMNS, LANES, ROWS
from minicnn.conv.jit.words import FLOAT, flat_float32, fused, in_all_lanes, in_silu, place, silu

_VECTOR = ir.VectorType(FLOAT, LANES)
_PER_ROW = COLUMNS // LANES
_TILE = ir.ArrayType(_VECTOR, ROWS * _PER_ROW)
_INDEX = ir.IntType(64)


class Tile(types.Type):
    """Numba's type of a tile."""

    def __init__(self):
        super().__init__(name=f"tile{ROWS}x{COLUMNS}")


tile_type = Tile()


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, _TILE)


def _rows(array, i, step, width, word):
    """Return the places of ROWS × width numbers, rows `step` apart."""
    places = i + np.arange(ROWS)[:, None] * step + np.arange(width)
    if places.min() < 0 or places.max() >= array.size:
        raise IndexError(f"{word}: places {places.min()} … {places.max()} of an array of {array.size}")
    return places


def zeros():
    """Return a tile of zeros."""
    return np.zeros((ROWS, COLUMNS), np.float32)


def columns_of(array, i):
    """Return a tile whose row r holds array[i + r] everywhere."""
    return np.repeat(array[_rows(array, i, 1, 1, "columns_of")], COLUMNS, axis=1)


def load_tile(array, i, step):
    """Return the tile whose row r is array[i + r·step], … ."""
    return array[_rows(array, i, step, COLUMNS, "load_tile")]


def store_tile(array, i, step, tile):
    """Write row r from place i + r·step on."""
    array[_rows(array, i, step, COLUMNS, "store_tile")] = tile


def outer(tile, a, i, step, b, j):
    """Return tile[r, s] + a[i + r·step] · b[j + s]."""
    if not 0 <= j <= b.size - COLUMNS:
        raise IndexError(f"outer: places {j} … {j + COLUMNS - 1} of an array of {b.size}")
    return tile + a[_rows(a, i, step, 1, "outer")] * b[j : j + COLUMNS]


def rectified(tile, most):
    """Return 0 where a number is below 0, `most` where it is above it, the number elsewhere; NaN stays NaN."""
    tile = np.where(tile < 0, np.float32(0), tile)
    return np.where(tile > most, np.float32(most), tile)


def smooth(tile):
    """Return silu of every number."""
    return silu(tile.reshape(-1)).reshape(tile.shape)


def _vectors(builder, tile):
    return [builder.extract_value(tile, n) for n in range(ROWS * _PER_ROW)]


def _packed(builder, vectors):
    tile = ir.Constant(_TILE, ir.Undefined)
    for n, vector in enumerate(vectors):
        tile = builder.insert_value(tile, vector, n)
    return tile


def _row_starts(builder, i, step):
    return [builder.add(i, builder.mul(step, ir.Constant(_INDEX, r))) for r in range(ROWS)]


@intrinsic
def _zeros(typing):
    def code(context, builder, signature, arguments):
        return _packed(builder, [ir.Constant(_VECTOR, [0.0] * LANES)] * (ROWS * _PER_ROW))

    return tile_type(), code


@intrinsic
def _columns_of(typing, array, i):
    def code(context, builder, signature, arguments):
        array, i = arguments
        vectors = []
        for start in _row_starts(builder, i, ir.Constant(_INDEX, 1)):
            number = builder.load(place(context, builder, signature.args[0], array, start, FLOAT))
            vectors += [in_all_lanes(builder, number, LANES)] * _PER_ROW
        return _packed(builder, vectors)

    return tile_type(array, types.intp), code


def _row_places(context, builder, array_type, array, i, step):
    """Return the addresses of the vectors of all rows."""
    for start in _row_starts(builder, i, step):
        for n in range(_PER_ROW):
            yield place(context, builder, array_type, array, builder.add(start, ir.Constant(_INDEX, n * LANES)), _VECTOR)


@intrinsic
def _load_tile(typing, array, i, step):
    def code(context, builder, signature, arguments):
        places = _row_places(context, builder, signature.args[0], *arguments)
        return _packed(builder, [builder.load(at, align=4) for at in places])

    return tile_type(array, types.intp, types.intp), code


@intrinsic
def _store_tile(typing, array, i, step, tile):
    def code(context, builder, signature, arguments):
        *where, tile = arguments
        places = _row_places(context, builder, signature.args[0], *where)
        for at, vector in zip(places, _vectors(builder, tile), strict=True):
            builder.store(vector, at, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, tile), code


@intrinsic
def _outer(typing, tile, a, i, step, b, j):
    def code(context, builder, signature, arguments):
        tile, a, i, step, b, j = arguments
        vectors = _vectors(builder, tile)
        across = [
            builder.load(place(context, builder, signature.args[4], b, builder.add(j, ir.Constant(_INDEX, n * LANES)), _VECTOR), align=4)
            for n in range(_PER_ROW)
        ]
        for r, start in enumerate(_row_starts(builder, i, step)):
            number = builder.load(place(context, builder, signature.args[1], a, start, FLOAT))
            down = in_all_lanes(builder, number, LANES)
            for n in range(_PER_ROW):
                at = r * _PER_ROW + n
                vectors[at] = fused(builder, down, across[n], vectors[at], LANES)
        return _packed(builder, vectors)

    return tile_type(tile, a, types.intp, types.intp, b, types.intp), code


@intrinsic
def _rectified(typing, tile, most):
    def code(context, builder, signature, arguments):
        tile, most = arguments
        zero, top = ir.Constant(_VECTOR, [0.0] * LANES), in_all_lanes(builder, most, LANES)
        vectors = [builder.select(builder.fcmp_ordered("<", v, zero), zero, v) for v in _vectors(builder, tile)]
        return _packed(builder, [builder.select(builder.fcmp_ordered(">", v, top), top, v) for v in vectors])

    return tile_type(tile, types.float32), code


@intrinsic
def _smooth(typing, tile):
    def code(context, builder, signature, arguments):
        return _packed(builder, [in_silu(builder, v, LANES) for v in _vectors(builder, arguments[0])])

    return tile_type(tile), code


@overload(zeros, inline="always")
def _overload_zeros():
    return lambda: _zeros()


@overload(columns_of, inline="always")
def _overload_columns_of(array, i):
    flat_float32(array)
    return lambda array, i: _columns_of(array, i)


@overload(load_tile, inline="always")
def _overload_load_tile(array, i, step):
    flat_float32(array)
    return lambda array, i, step: _load_tile(array, i, step)


@overload(store_tile, inline="always")
def _overload_store_tile(array, i, step, tile):
    flat_float32(array, written=True)
    return lambda array, i, step, tile: _store_tile(array, i, step, tile)


@overload(outer, inline="always")
def _overload_outer(tile, a, i, step, b, j):
    flat_float32(a)
    flat_float32(b)
    return lambda tile, a, i, step, b, j: _outer(tile, a, i, step, b, j)


@overload(rectified, inline="always")
def _overload_rectified(tile, most):
    return lambda tile, most: _rectified(tile, np.float32(most))


@overload(smooth, inline="always")
def _overload_smooth(tile):
    return lambda tile: _smooth(tile)
