"""What every figure of a GPU stands beside: the device, its driver, the toolkit, the versions; and how PyTorch is set up.

Idea: what cannot be found is left out, never guessed; a benchmark must not end because nvidia-smi is not there.
Cost: a call of nvidia-smi.  What it does not do: fix clocks or power.
Source: numba.cuda's Device; PyTorch's documentation of torch.backends.  Next rooms: gpu.py; machine.py, for the host.
"""

import datetime
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from machine import facts

L2_BYTES = 64 << 20  # where the device does not say


def surroundings() -> dict:
    """Return what there is to say of the device, the driver, the toolkit and the libraries."""
    from numba import cuda

    here = cuda.get_current_device()
    name = here.name.decode() if isinstance(here.name, bytes) else str(here.name)
    found = {"device": name, "capability": ".".join(map(str, here.compute_capability)), "multiprocessors": here.MULTIPROCESSOR_COUNT}
    found |= {"L2 MB": round(l2_bytes(here) / 1e6), **_from_smi()}
    for package in ("numba-cuda", "cuda-bindings", "nvidia-cuda-nvcc", "nvidia-cuda-nvcc-cu12"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    try:
        return {**facts(), **found}
    except PackageNotFoundError:  # a tree that is on the path, and not installed
        return {"date": datetime.date.today().isoformat(), "machine": platform.platform(), "python": platform.python_version(), **found}


def size() -> dict[str, int]:
    """Return what sizes are chosen by: the bytes of the L2 cache, and the number of multiprocessors."""
    from numba import cuda

    here = cuda.get_current_device()
    return {"l2_bytes": l2_bytes(here), "multiprocessors": here.MULTIPROCESSOR_COUNT}


def l2_bytes(here) -> int:
    try:
        return int(here.L2_CACHE_SIZE) or L2_BYTES
    except Exception:  # an attribute that this version does not know
        return L2_BYTES


def _from_smi() -> dict:
    """Return the driver, the highest clock and the power limit as nvidia-smi says them; nothing where it is not there."""
    words = {"driver": "driver_version", "most MHz": "clocks.max.sm", "power": "power.limit"}
    try:
        asked = ["nvidia-smi", f"--query-gpu={','.join(words.values())}", "--format=csv,noheader,nounits"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(zip(words, (part.strip() for part in done.stdout.splitlines()[0].split(",")), strict=False))


def ready_torch(document: dict) -> bool:
    """Set PyTorch up, and say so in the document; False where it has no device, or another stream than Numba."""
    import torch

    if not torch.cuda.is_available():
        document["left_out"]["torch"] = "this PyTorch sees no CUDA device; install one for this driver: pip install torch"
        return False
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if torch.cuda.current_stream().cuda_stream != 0:
        document["left_out"]["torch"] = "its current stream is not the default one, which events are recorded on"
        return False
    document["facts"] |= {"torch": torch.__version__, "torch's CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}
    document["torch_settings"] = "cudnn.benchmark on; TF32 off, and allowed for the column TF32; inference mode; NCHW"
    return True
