"""Which question: what do all operations beside convolution share on a GPU?

    spread(kernel, work, …)   a thread for each piece of work; nothing is launched where there is none
    in_fours(x, …)            whether arrays begin where 16 bytes can be moved at once
    target(out, shape)        the array that results go into
    larger(best, v)           the larger number, and a NaN once it is there; a word for kernels

Idea: an operation that does little with each number is as fast as memory, if its threads ask for enough at once and do not spend their
time on finding out where they are.  Hence four numbers a thread where their addresses allow it, and divisions of 32 bits (words.split).

Cost: a launch, some microseconds, whatever the work.  When it loses: maps of a few thousand numbers, where the launch is all there is.
What it does not do: run several operations at once.
Source: CUDA C++ Best Practices Guide, sections on coalesced access and on integer arithmetic.  Next room: activation.py.
"""

from minicnn.conv.cuda import device
from minicnn.conv.cuda.kernel import Kernel, blocks_for, word

THREADS = 256
WARP = 32


def spread(kernel: Kernel, work: int, *arguments) -> None:
    """Run a kernel with one thread for each piece of work, in blocks of THREADS at the most."""
    if work:
        threads = min(THREADS, blocks_for(work, WARP) * WARP)
        kernel(blocks_for(work, threads), threads, *arguments)


def in_fours(*arrays) -> bool:
    """Whether every array begins at a multiple of 16 bytes: somebody's device array may begin anywhere."""
    return all(map(device.is_aligned, arrays))


def target(out, shape):
    """Return the array that results go into: `out`, which has that shape, or a new one."""
    return device.empty(shape) if out is None else out


@word
def larger(best, v):
    """Return the larger number; a NaN stays once it is there."""
    return v if v > best or v != v else best
