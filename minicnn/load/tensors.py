"""Which question: how do a storage, an offset, a size and strides make an array?

Idea: PyTorch saves the raw bytes of each storage once, and each tensor as a view of one:

    element (i, j) = storage[offset + i·stride_0 + j·stride_1]

so a transposed or expanded tensor costs a few integers.  Everything in that line is a claim of the
file: it is checked against the storage's true size before NumPy is shown any of it.  Names in a
file's pickle are looked up in NAMES, below, and nowhere else.

Cost: one copy of each tensor; float16 and bfloat16 become float32, which holds each of their values.
Does not do: sparse, quantized and nested tensors, 8-bit floats, subclasses of Tensor.
Source: torch/_utils.py (_rebuild_tensor_v2) and torch/storage.py, read for what they accept.
Next room: archives.py, which finds the bytes.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load.kinds import READ_AS, own_array
from minicnn.load.pickles import Call, plain_dict, scalar_keys

MOST_AXES = 32
LARGEST = 2**48  # no size, stride or offset of a real file comes near; it keeps the sums below small
RESAVE = "save the weights alone with torch.save(model.state_dict(), path)"

STORAGES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
}  # fmt: skip


class Kind(NamedTuple):
    """A PyTorch dtype by name."""

    name: str

    @property
    def itemsize(self) -> int:
        return np.dtype(READ_AS[self.name]).itemsize


class Storage(NamedTuple):
    """A claim: `nbytes` bytes are saved under `key`; of these, this storage is `length` bytes from `first` on."""

    key: str
    kind: Kind
    nbytes: int
    first: int
    length: int

    @property
    def label(self) -> str:
        return repr(self.key[:40])


class Tensor(NamedTuple):
    """A claim about a view of a storage; offset and strides count elements."""

    storage: Storage
    kind: Kind
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the array that this becomes, an empty axis counted as one so that no claim is free."""
        return math.prod(max(n, 1) for n in self.size) * max(self.kind.itemsize, 4)


def whole(value, what: str) -> int:
    """Return value as a size, stride, offset or count that is not absurd."""
    if type(value) is not int or not 0 <= value < LARGEST:
        shown = value if type(value) is int and abs(value) < 2**64 else f"a {type(value).__name__}"
        raise FileFormatError(f"claims a {what} of {shown}, which must be a whole number from 0 to 2**48; it is damaged or hostile.")
    return value


def storage_claim(identity) -> Storage:
    """Return the Storage that a persistent id ("storage", kind, key, device, count[, view]) describes."""
    if type(identity) is not tuple or not identity or identity[0] != "storage":
        if type(identity) is tuple and identity and identity[0] == "module":
            raise FileFormatError(f"holds a whole model, with its code; a weights file may hold only tensors: {RESAVE}.")
        raise ValueError("an unknown persistent id")
    _, kind, key, _device, count, *view = identity
    if type(kind) is not Kind or type(key) is not str:
        raise ValueError("a storage without a type or a key")
    nbytes = whole(count, "storage size") * kind.itemsize
    if not view or view[0] is None:
        return Storage(key, kind, nbytes, 0, nbytes)
    _view_key, first, length = view[0]
    first, length = whole(first, "view offset") * kind.itemsize, whole(length, "view size") * kind.itemsize
    if first + length > nbytes:
        raise FileFormatError(
            f"claims a view of bytes {first} to {first + length} of storage {key[:40]!r}, which has {nbytes}; it is damaged or hostile."
        )
    return Storage(key, kind, nbytes, first, length)


def view_of(storage, offset, size, stride, kind: Kind) -> Tensor:
    """Return a Tensor once its farthest element is known to lie inside its storage."""
    if type(storage) is not Storage or type(kind) is not Kind or type(size) is not tuple or type(stride) is not tuple:
        raise ValueError("a tensor without a storage, a size or strides")
    if len(size) != len(stride) or len(size) > MOST_AXES:
        raise FileFormatError(
            f"claims a tensor of {len(size)} axes with {len(stride)} strides; at most {MOST_AXES} are read, one stride each."
        )
    size = tuple(whole(n, "tensor size") for n in size)
    stride = tuple(whole(n, "stride") for n in stride)
    last = whole(offset, "tensor offset") + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    have = storage.length // kind.itemsize
    if 0 not in size and last >= have:
        raise FileFormatError(
            f"claims a tensor of size {size} and stride {stride} from offset {offset}, which reads element {last} "
            f"of a storage of {have}; it is damaged or hostile."
        )
    return Tensor(storage, kind, offset, size, stride)


def _rebuild(storage, offset, size, stride, *_unused) -> Tensor:
    return view_of(storage, offset, size, stride, storage.kind)


def _rebuild_v2(storage, offset, size, stride, _grad, _hooks, lazy=None) -> Tensor:
    if lazy:
        raise FileFormatError("holds a tensor with a lazy conjugate or sign; call .resolve_conj().resolve_neg() on it before saving.")
    return view_of(storage, offset, size, stride, storage.kind)


def _rebuild_v3(storage, offset, size, stride, _grad, _hooks, kind, lazy=None) -> Tensor:
    return _rebuild_v2(storage._replace(kind=kind), offset, size, stride, _grad, _hooks, lazy)


def _parameter(data, *_unused) -> Tensor:
    if type(data) is not Tensor:
        raise ValueError("a parameter that holds no tensor")
    return data


def _from_type(rebuild, _type, arguments, _attributes) -> Tensor:
    if type(rebuild) is not Call or rebuild.name not in TENSORS:
        raise ValueError("a tensor that is not rebuilt as one")
    return rebuild.run(*arguments)


def _encoded(text, encoding) -> bytes:
    """Return the bytes that protocol 2 writes as text."""
    if encoding != "latin1":
        raise ValueError("bytes in an unknown encoding")
    return text.encode("latin-1")


TENSORS: Mapping[str, Callable] = {
    "torch._utils._rebuild_tensor": _rebuild,
    "torch._utils._rebuild_tensor_v2": _rebuild_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}
BUILTINS: Mapping[str, Callable] = {
    "set": lambda items=(): set(scalar_keys(items)),
    "frozenset": lambda items=(): frozenset(scalar_keys(items)),
    "bytes": lambda: b"",  # how protocol 2 writes empty bytes
    "complex": lambda real, imaginary: complex(real, imaginary),
}
CONTAINERS: Mapping[str, Callable] = {
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "collections.OrderedDict": lambda pairs=(): plain_dict(pairs),
    "torch.Size": lambda items: tuple(items),
    "torch.device": lambda kind, _index=0: kind,
    "_codecs.encode": _encoded,
    **{f"{module}.{name}": function for name, function in BUILTINS.items() for module in ("builtins", "__builtin__")},
}
NAMES: Mapping[str, object] = {
    **{name: Call(name, function) for name, function in {**TENSORS, **CONTAINERS}.items()},
    **{f"torch.{name}": Kind(name) for name in READ_AS},
    **{f"{module}.{word}Storage": Kind(name) for word, name in STORAGES.items() for module in ("torch", "torch.cuda")},
    "torch.storage.UntypedStorage": Kind("uint8"),
    "torch.Tensor": "torch.Tensor",
    "torch.nn.parameter.Parameter": "torch.nn.parameter.Parameter",
}
REFUSED = {
    "torch._utils._rebuild_qtensor": "holds a quantized tensor, which is not read in this version; save the float model's state_dict().",
    "torch._utils._rebuild_sparse_tensor": "holds a sparse tensor, which is not read in this version; save its .to_dense().",
    "torch._utils._rebuild_nested_tensor": "holds a nested tensor, which is not read in this version; save its parts by name.",
    "torch._utils._rebuild_meta_tensor_no_storage": "holds a tensor on the meta device, which has no values; save the model after loading it.",
}


def find(name: str):
    """Return what a name in a weights file stands for here, or refuse it by name."""
    if name in NAMES:
        return NAMES[name]
    if name in REFUSED:
        raise FileFormatError(REFUSED[name])
    shown = ascii(name[:80])[1:-1]
    if name.startswith("torch.") and (name.endswith("Storage") or name.startswith("torch.float8")):
        raise FileFormatError(f"holds numbers of the type {shown}, which NumPy does not have; convert them with .float() before saving.")
    if name.startswith("numpy."):
        raise FileFormatError(f"asks to run {shown} (a NumPy value next to the tensors); {RESAVE}, and other numbers as float(value).")
    raise FileFormatError(
        f"asks to run {shown}; a weights file may hold only tensors and plain containers, and nothing in it is ever run. "
        f"If it is a whole model saved by torch.save(model, path), load it where you trust it and {RESAVE}."
    )


def as_array(tensor: Tensor, block: bytes | memoryview, order: str) -> np.ndarray:
    """Return the tensor as an array of its own: C-contiguous, native byte order, writable."""
    storage, dtype = tensor.storage, np.dtype(READ_AS[tensor.kind.name]).newbyteorder(order)
    if 0 in tensor.size:
        values = np.zeros(tensor.size, dtype)
    else:
        flat = np.frombuffer(block, dtype, count=storage.length // dtype.itemsize, offset=storage.first)[tensor.offset :]
        values = np.lib.stride_tricks.as_strided(flat, tensor.size, [step * dtype.itemsize for step in tensor.stride], writeable=False)
    return own_array(values, tensor.kind.name)
