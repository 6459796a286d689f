"""Which question: how does a thread move four numbers with one instruction, and count in 32 bits?

    a, b, c, d = load4(x, i)         x[i], …, x[i + 3] by one load of 16 bytes; of float32 or int32
    store4(y, i, a, b, c, d)         the same the other way, float32
    load1(x, i)                      x[i], without Python's rule that x[-1] is the last number
    split(a, b)                      a // b and a % b of whole numbers from 0 on, by one division of 32 bits
    inside(i, n)                     0 ≤ i < n, by one comparison: as unsigned numbers, those below 0 are large

Idea: a load of 128 bits costs an instruction and an address as one of 32 bits does.  The address must be a multiple of 16 bytes: i a multiple of
4, in an array that begins at one.  Device memory does, and shared memory too where its size before is a multiple of 4.

Cost: one LDG.128 or LDS.128.  What it does not do: check the address; a wrong one is a fault of the device.
Numba widens int32 to int64 in all arithmetic; a division of 64 bits is a hundred instructions, one of 32 bits about twenty.
When it loses: rows whose length is not a multiple of 4, which begin anywhere.
Source: NVIDIA, "CUDA Pro Tip: Increase Performance with Vectorized Memory Access" (2013).  Next room: register_tiled.py.
"""

from minicnn.conv.cuda.device import is_plain

__all__ = ["inside", "load1", "load4", "split", "store4"]

if is_plain():

    def load4(array, i):
        return array[i], array[i + 1], array[i + 2], array[i + 3]

    def store4(array, i, a, b, c, d):
        array[i], array[i + 1], array[i + 2], array[i + 3] = a, b, c, d

    def load1(array, i):
        return array[i]

    def split(a, b):
        return a // b, a % b

    def inside(i, n):
        return 0 <= i < n

else:
    from llvmlite import ir
    from numba.core import types
    from numba.cuda.extending import intrinsic

    _WORD = ir.IntType(32)

    def _four(context, builder, array_type, array, i):
        """Return the address of four numbers, as one vector."""
        data = context.make_array(array_type)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [i]), ir.VectorType(data.type.pointee, 4).as_pointer(_space(data)))

    def _space(pointer) -> int:
        return pointer.type.addrspace

    def _lane(k: int):
        return ir.Constant(ir.IntType(32), k)

    @intrinsic
    def load4(typing, array, i):
        def made(context, builder, signature, arguments):
            loaded = builder.load(_four(context, builder, signature.args[0], *arguments))
            loaded.align = 16
            return context.make_tuple(builder, signature.return_type, [builder.extract_element(loaded, _lane(k)) for k in range(4)])

        return types.UniTuple(array.dtype, 4)(array, i), made

    @intrinsic
    def load1(typing, array, i):
        def made(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            return builder.load(builder.gep(data, [arguments[1]]))

        return array.dtype(array, i), made

    def _short(builder, number):
        """Return a whole number in 32 bits."""
        width = number.type.width
        return number if width == 32 else builder.trunc(number, _WORD) if width > 32 else builder.zext(number, _WORD)

    @intrinsic
    def split(typing, a, b):
        def made(context, builder, signature, arguments):
            a, b = (_short(builder, number) for number in arguments)
            quotient = builder.udiv(a, b)
            return context.make_tuple(builder, signature.return_type, [quotient, builder.sub(a, builder.mul(quotient, b))])

        return types.UniTuple(types.int32, 2)(a, b), made

    @intrinsic
    def inside(typing, i, n):
        def made(context, builder, signature, arguments):
            i, n = (_short(builder, number) for number in arguments)
            return builder.icmp_unsigned("<", i, n)

        return types.boolean(i, n), made

    @intrinsic
    def store4(typing, array, i, a, b, c, d):
        def made(context, builder, signature, arguments):
            array, i, *numbers = arguments
            four = ir.Constant(ir.VectorType(ir.FloatType(), 4), ir.Undefined)
            for k, number in enumerate(numbers):
                four = builder.insert_element(four, number, _lane(k))
            stored = builder.store(four, _four(context, builder, signature.args[0], array, i))
            stored.align = 16
            return context.get_dummy_value()

        f4 = types.float32
        return types.void(array, i, f4, f4, f4, f4), made
