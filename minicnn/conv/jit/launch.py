"""Which question: how do all cores run a kernel that is compiled already, without its being compiled again?

Idea: a prange loop makes Numba compile its body once more, three times over, with everything that it calls.  So there is
one such loop for all kernels, around a call by address, and what it hands on is an address too, of the arguments:

    start(address of loop, address of kernel, workers, …)      puts the arguments in a row on the stack
    loop(address of entry, workers, place of the row)          for worker in prange(workers): entry(worker, workers, place)
    entry(worker, workers, place)                              takes them from there and calls the kernel(worker, workers, …)

`loop` is compiled once, `start` with its `entry` for each kernel: some lines each.  Addresses are looked up anew in every
process, since in the disk cache they would be strangers'.
Cost: 0.2 s to compile for each kernel, in place of up to five; some nanoseconds a call.
What it does not do: check the arguments' types, which an address does not tell; compile.py keeps to those that it was taken for.
Source: Numba's documentation, "Low-level extension API", and numba.core.callconv, whose calling convention is not public: where a
Numba has changed it, kernels are compiled as a whole, with the same bits.
Next room: compile.py.
"""

from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

_WHOLE = ir.IntType(64)
_ENTRY = ir.FunctionType(ir.VoidType(), [_WHOLE] * 3)
THREE = (types.int64, types.int64, types.int64)  # the types of loop's arguments


def _call(context, builder, address, kinds, values) -> None:
    """Call a compiled function of Numba's by its address; it returns nothing and raises nothing."""
    function = context.call_conv.get_function_type(types.none, kinds)
    nothing, error = (cgutils.alloca_once(builder, kind.pointee) for kind in function.args[:2])
    arguments = context.get_arg_packer(kinds).as_arguments(builder, values)
    builder.call(builder.inttoptr(address, function.as_pointer()), [nothing, error, *arguments])


def _entry(context, module, kinds, row: ir.LiteralStructType) -> ir.Function:
    """Return a function (worker, workers, place) that calls the kernel whose address and arguments lie at the place."""
    function = ir.Function(module, _ENTRY, module.get_unique_name("entry"))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    worker, workers, place = function.args
    kernel, packed = cgutils.unpack_tuple(builder, builder.load(builder.inttoptr(place, row.as_pointer())))
    _call(context, builder, kernel, kinds, [worker, workers, *cgutils.unpack_tuple(builder, packed)])
    builder.ret_void()
    return function


@intrinsic
def _launched(typing, loop, kernel, workers, arguments):
    kinds = types.int64, types.int64, *arguments

    def code(context, builder, signature, values):
        loop, kernel, workers, packed = values
        row = ir.LiteralStructType([_WHOLE, packed.type])
        place = cgutils.alloca_once(builder, row)
        builder.store(cgutils.pack_struct(builder, [kernel, packed]), place)
        entry = builder.ptrtoint(_entry(context, builder.module, kinds, row), _WHOLE)
        _call(context, builder, loop, THREE, [entry, workers, builder.ptrtoint(place, _WHOLE)])
        return context.get_dummy_value()

    return types.void(*THREE, arguments), code


@intrinsic
def _enter(typing, entry, worker, workers, place):
    def code(context, builder, signature, values):
        entry, *rest = values
        builder.call(builder.inttoptr(entry, _ENTRY.as_pointer()), rest)
        return context.get_dummy_value()

    return types.void(types.int64, *THREE), code


def start(loop, kernel, workers, *arguments):
    """Run kernel(worker, workers, *arguments) for every worker, all at once; both are addresses."""
    _launched(loop, kernel, workers, arguments)


def loop(entry, workers, place):
    """Call entry(worker, workers, place) for every worker, all at once."""
    for worker in prange(workers):
        _enter(entry, worker, workers, place)


def address_of(kernel, signature) -> int:
    """Return where the machine code of a kernel begins that was compiled for arguments of these types."""
    compiled = kernel.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
