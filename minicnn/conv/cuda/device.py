"""Which question: is there a device, and how does an array get there and back?

    uploaded(x)        a NumPy array, copied to the device           the two functions through which all
    downloaded(x)      a device array, copied back                   copies go, so that a test can count them
    taken(x, …)        somebody's device array (Numba, CuPy, PyTorch), as Numba sees it; nothing is copied
    handed_back(x, like)   a result in the kind that `like` was

Idea: kernels see flat float32 arrays of Numba; what surrounds them decides once, at each end, whether anything is copied.
Cost: PCIe carries some 25 GB/s, a GPU's own memory 1,000 to 5,000: a copy at each end of a network, not of a layer.
When it loses: small inputs, for which the way there is longer than the work.
Source: CUDA C++ Best Practices Guide, section on data transfer; Numba's documentation of __cuda_array_interface__, version 3.
Next room: kernel.py.
"""

import functools
import importlib.util
import os
import re
from math import prod

import numpy as np

from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError

INSTALL = 'pip install "minicnn-engine[cuda]", or with [cuda12] for a driver of CUDA 12'
LARGEST = 2**31 - 1  # of an index: kernels count in 32 bits
SIMULATOR = "NUMBA_ENABLE_CUDASIM=1"


def simulated() -> bool:
    """Whether Numba's simulator stands in for a device: the environment says so before Numba is imported."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def is_plain() -> bool:
    """Whether words are plain Python: in the simulator, and where there is no compiler for kernels, so that their files can be read at least."""
    return simulated() or importlib.util.find_spec("numba_cuda") is None


def is_on_device(x) -> bool:
    """Whether an array lives on a device: it says so by __cuda_array_interface__, or is the simulator's."""
    if isinstance(x, np.ndarray) or x is None:
        return False
    if hasattr(type(x), "is_cuda"):  # PyTorch, whose tensors with gradients raise at the other question
        return bool(x.is_cuda)
    return hasattr(x, "__cuda_array_interface__") or type(x).__name__ == "FakeCUDAArray"


def why_none() -> str | None:
    """Return what is missing for work on a device, with the remedy; None where nothing is."""
    if simulated():
        return None
    if importlib.util.find_spec("numba_cuda") is None:
        return f"numba-cuda is not installed: {INSTALL}"
    return _without_device()


@functools.cache
def _without_device() -> str | None:
    from numba import cuda

    if cuda.is_available():
        return None
    try:
        cuda.current_context()
        found = "the driver answers, but has no device that Numba can use"
    except Exception as error:  # whatever the driver says
        found = " ".join(str(error).split())[:200] or type(error).__name__
    if is_old_driver(found):
        return old_driver(found)
    return f"there is no CUDA device here ({found}); run on a machine with an NVIDIA GPU and its driver, or set {SIMULATOR} before Python starts"


def is_old_driver(said: str) -> bool:
    """Whether an error's text says that the driver is older than the toolkit."""
    return bool(re.search(r"insufficient|too old|UNSUPPORTED_PTX", said, re.IGNORECASE))


def old_driver(said: str) -> str:
    """Return what is wrong and what helps where the driver is older than the toolkit."""
    return f"the driver is too old for this toolkit ({said}); update it, or use the toolkit that it knows: {INSTALL}"


def require(what: str) -> None:
    """Raise UnsupportedError where there is no device, with what is missing."""
    reason = why_none()
    if reason is not None:
        raise UnsupportedError(f"{what}: a GPU is asked for, but {reason}.")


# ── to the device and back ──


def uploaded(x: np.ndarray):
    """Return a copy of a NumPy array on the device."""
    from numba import cuda

    with _room(x.nbytes, x.shape):
        return cuda.to_device(np.ascontiguousarray(x))


def downloaded(x) -> np.ndarray:
    """Return a copy of a device array as a NumPy array."""
    return x.copy_to_host()


def empty(shape, dtype=np.float32):
    """Return an array of float32, or of another type of four bytes, on the device that nobody has written yet."""
    from numba import cuda

    shape = tuple(map(int, shape))
    check_size(shape, "cuda")
    with _room(4 * prod(shape), shape):
        return cuda.device_array(shape, dtype)


def taken(x, name: str, what: str):
    """Return somebody's device array as Numba's; nothing is copied.

    Raises DTypeError unless it is float32, UnsupportedError where it has gaps, lies on another device or is too large to be indexed.
    """
    from numba import cuda

    dtype = str(x.dtype).removeprefix("torch.")
    if dtype != "float32":
        cast = f"{name}.float()" if hasattr(type(x), "is_cuda") else f"{name}.astype('float32')"
        raise DTypeError(f"{what}: arrays on a device are float32, but {name} is {dtype}; give {cast}.")
    if getattr(x, "requires_grad", False):
        raise UnsupportedError(f"{what}: kernels for the GPU know no gradients, but {name} asks for one; give {name}.detach().")
    found = x if type(x).__name__ in ("FakeCUDAArray", "DeviceNDArray") else cuda.as_cuda_array(x)
    if not _contiguous(found):
        raise UnsupportedError(
            f"{what}: arrays on a device lie without gaps, rows last (C order), but {name} of shape {tuple(found.shape)} has strides "
            f"{tuple(found.strides)}; copy it on the device first: x.contiguous() in PyTorch, cupy.ascontiguousarray(x) in CuPy."
        )
    check_size(found.shape, what, name)
    _same_device(x, name, what)
    return found


def _contiguous(x) -> bool:
    if 0 in x.shape:
        return True
    steps, expected = 4, []
    for size in reversed(x.shape):
        expected.insert(0, steps)
        steps *= size
    return all(step == wanted for step, wanted, size in zip(x.strides, expected, x.shape, strict=True) if size > 1)


def _same_device(x, name: str, what: str) -> None:
    here, there = current_device(), device_of(x)
    if there is not None and there != here:
        raise ArgumentError(
            f"{what}: all arrays lie on one device, the current one, but that is device {here} and {name} lies on device {there}; "
            f"choose it first with numba.cuda.select_device({there}), or copy {name} over."
        )


def current_device() -> int:
    """Return the number of the device that kernels run on."""
    from numba import cuda

    return 0 if simulated() else cuda.get_current_device().id


def device_of(x) -> int | None:
    """Return the number of the device that an array says it lies on; None where it does not say."""
    for found in (getattr(getattr(x, "device", None), name, None) for name in ("index", "id")):
        if isinstance(found, int):
            return found
    return None


def check_size(shape, what: str, name: str = "an array") -> None:
    """Raise ShapeError where an index would need more than 32 bits."""
    if prod(shape) > LARGEST:
        raise ShapeError(
            f"{what}: kernels count in 32 bits, so an array on a device has at most {LARGEST:,} numbers, but {name} of shape {tuple(shape)} "
            f"has {prod(shape):,}; use a smaller batch{_that_fits(shape, LARGEST)}."
        )


def _that_fits(shape, numbers: int) -> str:
    """Return ', of N images at the most', where the first axis is a batch that can be cut."""
    each = prod(shape[1:])
    return f", of {numbers // each:,} images at the most" if len(shape) == 4 and 0 < each <= numbers else ""


def is_aligned(x) -> bool:
    """Whether an array on the device begins at a multiple of 16 bytes: a view of somebody's larger array may not."""
    return simulated() or x.__cuda_array_interface__["data"][0] % 16 == 0


def handed_back(y, like):
    """Return a result as the kind of device array that `like` is: PyTorch's, CuPy's, or Numba's own."""
    home = type(like).__module__.partition(".")[0]
    if home == "torch":
        import torch

        return torch.as_tensor(y, device=like.device)
    if home == "cupy":
        import cupy

        return cupy.asarray(y)
    return y


class _room:
    """Say what was asked for and what is free where the device's memory does not suffice; nothing is kept, so the device stays usable."""

    def __init__(self, nbytes: int, shape):
        self.nbytes, self.shape = nbytes, shape

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is None or not _is_out_of_memory(error):
            return
        free, total = free_and_total()
        fits = _that_fits(self.shape, free // 4)
        raise UnsupportedError(
            f"cuda: the device has {free:,} of its {total:,} bytes free, but an array of shape {tuple(self.shape)} needs {self.nbytes:,}; "
            f"free some, or use a smaller batch{fits}."
        ) from None


def free_and_total() -> tuple[int, int]:
    """Return the device's free bytes and all of them."""
    from numba import cuda

    return tuple(cuda.current_context().get_memory_info())


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error)
