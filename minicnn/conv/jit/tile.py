"""Which question: how is a product of matrices written so that its sums never leave the registers?

A tile is a block of ROWS × COLUMNS sums (machine.py), all of them in registers.  The words:

    zeros()                      a tile of zeros
    columns_of(array, i)         array[i + r] all along row r: where sums of filters begin, at the bias
    load_tile(y, i, step)        row r is y[i + r·step], …: where sums go on
    outer(tile, a, i, step, b, j)      tile[r, s] + a[i + r·step] · b[j + s]: one step of the product
    rectified(tile, most)        0 where a sum is below 0, `most` where it is above that, NaN where it is NaN
    smooth(tile)                 silu of every sum
    store_tile(y, i, step, tile)       the other way

and for tiles of HEIGHT rows, which lie anywhere, and of one or two vectors to a row:

    places(table, i)             HEIGHT whole numbers from table[i] on: where the rows begin
    rows_of(array, j, count)     a tile each of whose rows is `count` vectors from array[j] on: where sums of positions begin, at the bias
    outer_at(tile, a, at, t, b, j)     tile[r, s] + a[at[r] + t] · b[j + s]
    add_part(tile, y, i, step, rows, columns)       tile[r, s] + y[i + r·step + s] for the first numbers of the first rows
    store_part(y, i, step, tile, rows, columns)     the first numbers of the first rows alone

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
from numba.core import cgutils, errors
from numba.extending import intrinsic, models, overload, register_model

from minicnn.conv.jit.machine import COLUMNS, HEIGHT, LANES, ROWS
from minicnn.conv.jit.words import FLOAT, INT, flat_float32, fused, in_all_lanes, in_silu, place, silu

_VECTOR = ir.VectorType(FLOAT, LANES)
_PER_ROW = COLUMNS // LANES
_INDEX = ir.IntType(64)
_MASK = ir.VectorType(ir.IntType(1), LANES)


class Tile(types.Type):
    """Numba's type of a tile: so many rows, each of so many vectors."""

    def __init__(self, rows: int, per_row: int):
        self.rows, self.per_row = rows, per_row
        super().__init__(name=f"tile{rows}x{per_row * LANES}")

    @property
    def code(self) -> ir.ArrayType:
        return ir.ArrayType(_VECTOR, self.rows * self.per_row)


tile_type = Tile(ROWS, _PER_ROW)


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, type_.code)


def _rows(array, i, step, shape, word):
    """Return the places of rows × width numbers, rows `step` apart."""
    return _inside(array, i + np.arange(shape[0])[:, None] * step + np.arange(shape[1]), word)


def _inside(array, numbers, word):
    if numbers.min() < 0 or numbers.max() >= array.size:
        raise IndexError(f"{word}: places {numbers.min()} … {numbers.max()} of an array of {array.size}")
    return numbers


def zeros():
    """Return a tile of zeros."""
    return np.zeros((ROWS, COLUMNS), np.float32)


def columns_of(array, i):
    """Return a tile whose row r holds array[i + r] everywhere."""
    return np.repeat(array[_rows(array, i, 1, (ROWS, 1), "columns_of")], COLUMNS, axis=1)


def load_tile(array, i, step):
    """Return the tile whose row r is array[i + r·step], … ."""
    return array[_rows(array, i, step, (ROWS, COLUMNS), "load_tile")]


def store_tile(array, i, step, tile):
    """Write row r from place i + r·step on."""
    array[_rows(array, i, step, tile.shape, "store_tile")] = tile


def outer(tile, a, i, step, b, j):
    """Return tile[r, s] + a[i + r·step] · b[j + s]."""
    if not 0 <= j <= b.size - COLUMNS:
        raise IndexError(f"outer: places {j} … {j + COLUMNS - 1} of an array of {b.size}")
    return tile + a[_rows(a, i, step, (ROWS, 1), "outer")] * b[j : j + COLUMNS]


def rectified(tile, most):
    """Return 0 where a number is below 0, `most` where it is above it, the number elsewhere; NaN stays NaN."""
    tile = np.where(tile < 0, np.float32(0), tile)
    return np.where(tile > most, np.float32(most), tile)


def smooth(tile):
    """Return silu of every number."""
    return silu(tile.reshape(-1)).reshape(tile.shape)


def places(table, i):
    """Return HEIGHT whole numbers of a table, from place i on."""
    return tuple(table[_inside(table, i + np.arange(HEIGHT), "places")].tolist())


def rows_of(array, j, count):
    """Return a tile each of whose rows is array[j …], `count` vectors of it; count is written as a number in the kernel."""
    return array[_rows(array, np.full((HEIGHT, 1), j), 0, (HEIGHT, count * LANES), "rows_of")]


def outer_at(tile, a, at, t, b, j):
    """Return tile[r, s] + a[at[r] + t] · b[j + s]."""
    row = b[_inside(b, j + np.arange(tile.shape[1]), "outer_at")]
    return tile + a[_inside(a, np.array(at)[:, None] + t, "outer_at")] * row


def add_part(tile, array, i, step, rows, columns):
    """Return the tile with `columns` numbers of row r added to its row r, from place i + r·step on; the rest is nobody's."""
    places = _rows(array, i, step, (rows, columns), "add_part")
    tile = tile.copy()
    tile[:rows, :columns] += array[places]
    tile[rows:] = tile[rows - 1]
    return tile


def store_part(array, i, step, tile, rows, columns):
    """Write `columns` numbers of each of the first rows, row r from place i + r·step on; later rows are equal to the last of these."""
    array[_rows(array, i, step, (rows, columns), "store_part")] = tile[:rows, :columns]


def _vectors(builder, tile):
    return [builder.extract_value(tile, n) for n in range(tile.type.count)]


def _packed(builder, vectors):
    tile = ir.Constant(ir.ArrayType(_VECTOR, len(vectors)), ir.Undefined)
    for n, vector in enumerate(vectors):
        tile = builder.insert_value(tile, vector, n)
    return tile


def _row_starts(builder, i, step, rows=ROWS):
    return [builder.add(i, builder.mul(step, ir.Constant(_INDEX, r))) for r in range(rows)]


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


def _row_places(context, builder, array_type, array, i, step, tile):
    """Return the addresses of the vectors of all rows."""
    for start in _row_starts(builder, i, step, tile.rows):
        for n in range(tile.per_row):
            yield place(context, builder, array_type, array, builder.add(start, ir.Constant(_INDEX, n * LANES)), _VECTOR)


def _side_by_side(context, builder, array_type, array, j, count):
    """Return `count` vectors from array[j] on."""
    starts = [builder.add(j, ir.Constant(_INDEX, n * LANES)) for n in range(count)]
    return [builder.load(place(context, builder, array_type, array, start, _VECTOR), align=4) for start in starts]


@intrinsic
def _load_tile(typing, array, i, step):
    def code(context, builder, signature, arguments):
        vectors = _row_places(context, builder, signature.args[0], *arguments, tile_type)
        return _packed(builder, [builder.load(at, align=4) for at in vectors])

    return tile_type(array, types.intp, types.intp), code


@intrinsic
def _store_tile(typing, array, i, step, tile):
    def code(context, builder, signature, arguments):
        *where, tile = arguments
        vectors = _row_places(context, builder, signature.args[0], *where, signature.args[3])
        for at, vector in zip(vectors, _vectors(builder, tile), strict=True):
            builder.store(vector, at, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, tile), code


@intrinsic
def _outer(typing, tile, a, i, step, b, j):
    def code(context, builder, signature, arguments):
        tile, a, i, step, b, j = arguments
        vectors = _vectors(builder, tile)
        across = _side_by_side(context, builder, signature.args[4], b, j, _PER_ROW)
        starts = _row_starts(builder, i, step)
        return _multiplied(context, builder, vectors, signature.args[1], a, starts, across)

    return tile_type(tile, a, types.intp, types.intp, b, types.intp), code


def _multiplied(context, builder, vectors, array_type, a, starts, across):
    """Return the tile of these vectors with a[start of row r] · across added to each row r."""
    for r, start in enumerate(starts):
        number = builder.load(place(context, builder, array_type, a, start, FLOAT))
        down = in_all_lanes(builder, number, LANES)
        for n, vector in enumerate(across):
            at = r * len(across) + n
            vectors[at] = fused(builder, down, vector, vectors[at], LANES)
    return _packed(builder, vectors)


@intrinsic
def _places(typing, table, i):
    def code(context, builder, signature, arguments):
        table, i = arguments
        starts = _row_starts(builder, i, ir.Constant(_INDEX, 1), HEIGHT)
        numbers = [builder.load(place(context, builder, signature.args[0], table, start, _INDEX)) for start in starts]
        return context.make_tuple(builder, signature.return_type, numbers)

    return types.UniTuple(types.int64, HEIGHT)(table, types.intp), code


@intrinsic(prefer_literal=True)
def _rows_of(typing, array, j, count):
    def code(context, builder, signature, arguments):
        array, j, _ = arguments
        return _packed(builder, _side_by_side(context, builder, signature.args[0], array, j, per_row) * HEIGHT)

    if not isinstance(count, types.IntegerLiteral):
        raise errors.TypingError("rows_of: count is a number written in the kernel")
    per_row = count.literal_value
    return Tile(HEIGHT, per_row)(array, types.intp, count), code


@intrinsic
def _outer_at(typing, tile, a, at, t, b, j):
    def code(context, builder, signature, arguments):
        tile_, a, at, t, b, j = arguments
        starts = [builder.add(builder.extract_value(at, r), t) for r in range(HEIGHT)]
        across = _side_by_side(context, builder, signature.args[4], b, j, tile.per_row)
        return _multiplied(context, builder, _vectors(builder, tile_), signature.args[1], a, starts, across)

    return tile(tile, a, at, types.intp, b, types.intp), code


@intrinsic
def _rectified(typing, tile, most):
    def code(context, builder, signature, arguments):
        tile, most = arguments
        zero, top = ir.Constant(_VECTOR, [0.0] * LANES), in_all_lanes(builder, most, LANES)
        vectors = [builder.select(builder.fcmp_ordered("<", v, zero), zero, v) for v in _vectors(builder, tile)]
        return _packed(builder, [builder.select(builder.fcmp_ordered(">", v, top), top, v) for v in vectors])

    return tile(tile, types.float32), code


@intrinsic
def _smooth(typing, tile):
    def code(context, builder, signature, arguments):
        return _packed(builder, [in_silu(builder, v, LANES) for v in _vectors(builder, arguments[0])])

    return tile(tile), code


@intrinsic
def _store_part(typing, array, i, step, tile, rows, columns):
    def code(context, builder, signature, arguments):
        array, i, step, tile_, rows, columns = arguments
        kind = ir.FunctionType(ir.VoidType(), [_VECTOR, _VECTOR.as_pointer(), INT, _MASK])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
        wanted = _wanted(context, builder, signature.args[0], array, i, step, tile, rows, columns)
        for vector, (at, mask) in zip(_vectors(builder, tile_), wanted, strict=True):
            builder.call(function, [vector, at, ir.Constant(INT, 4), mask])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, tile, types.intp, types.intp), code


@intrinsic
def _add_part(typing, tile, array, i, step, rows, columns):
    def code(context, builder, signature, arguments):
        tile_, array, i, step, rows, columns = arguments
        kind = ir.FunctionType(_VECTOR, [_VECTOR.as_pointer(), INT, _MASK, _VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
        nothing = ir.Constant(_VECTOR, [0.0] * LANES)
        wanted = _wanted(context, builder, signature.args[1], array, i, step, tile, rows, columns)
        pairs = zip(_vectors(builder, tile_), wanted, strict=True)
        return _packed(
            builder, [builder.fadd(v, builder.call(function, [at, ir.Constant(INT, 4), mask, nothing])) for v, (at, mask) in pairs]
        )

    return tile(tile, array, types.intp, types.intp, types.intp, types.intp), code


def _wanted(context, builder, array_type, array, i, step, tile: Tile, rows, columns):
    """Return the address of each vector and which of its lanes lie within `columns`; rows from the last wanted one on share its place."""
    whole, undefined = ir.VectorType(INT, LANES), ir.Constant(ir.VectorType(INT, LANES), ir.Undefined)
    first = builder.insert_element(undefined, builder.trunc(columns, INT), ir.Constant(INT, 0))
    limit = builder.shuffle_vector(first, undefined, ir.Constant(whole, [0] * LANES))
    lanes = [ir.Constant(whole, list(range(n * LANES, (n + 1) * LANES))) for n in range(tile.per_row)]
    masks = [builder.icmp_signed("<", numbers, limit) for numbers in lanes]
    last, found = builder.sub(rows, ir.Constant(_INDEX, 1)), []
    for r in range(tile.rows):
        row = ir.Constant(_INDEX, r)
        start = builder.add(i, builder.mul(builder.select(builder.icmp_signed("<", row, last), row, last), step))
        for n, mask in enumerate(masks):
            found.append((place(context, builder, array_type, array, builder.add(start, ir.Constant(_INDEX, n * LANES)), _VECTOR), mask))
    return found


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


@overload(places, inline="always")
def _overload_places(table, i):
    return lambda table, i: _places(table, i)


@overload(rows_of, inline="always", prefer_literal=True)
def _overload_rows_of(array, j, count):
    flat_float32(array)
    return lambda array, j, count: _rows_of(array, j, count)


@overload(outer_at, inline="always")
def _overload_outer_at(tile, a, at, t, b, j):
    flat_float32(a)
    flat_float32(b)
    return lambda tile, a, at, t, b, j: _outer_at(tile, a, at, t, b, j)


@overload(store_part, inline="always")
def _overload_store_part(array, i, step, tile, rows, columns):
    flat_float32(array, written=True)
    return lambda array, i, step, tile, rows, columns: _store_part(array, i, step, tile, rows, columns)


@overload(add_part, inline="always")
def _overload_add_part(tile, array, i, step, rows, columns):
    flat_float32(array)
    return lambda tile, array, i, step, rows, columns: _add_part(tile, array, i, step, rows, columns)
