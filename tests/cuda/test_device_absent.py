"""What is said where there is no GPU: in one message, with the remedy; these tests need none."""

import importlib.util

import numpy as np
import pytest

from minicnn.conv.cuda import device
from minicnn.conv.dispatch import conv2d
from minicnn.conv.gallery import ALGORITHMS, LADDER
from minicnn.errors import UnknownNameError, UnsupportedError
from minicnn.layers import Conv2d

X, W = np.ones((1, 2, 4, 5), np.float32), np.ones((3, 2, 3, 3), np.float32)


@pytest.fixture
def without(monkeypatch):
    """Return a function that takes something away: 'numba_cuda', or the device, with what the driver then says."""
    monkeypatch.setattr(device, "simulated", lambda: False)
    find = importlib.util.find_spec

    def take(what: str, said: str = ""):
        installed = None if what == "numba_cuda" else object()
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: installed if name == "numba_cuda" else find(name, *rest))
        if what != "numba_cuda":
            from numba import cuda

            def refuse(*arguments):
                raise RuntimeError(said)

            monkeypatch.setattr(cuda, "is_available", lambda: False)
            monkeypatch.setattr(cuda, "current_context", refuse)
            monkeypatch.setattr(device, "_without_device", device._without_device.__wrapped__)

    return take


@pytest.mark.parametrize("name", list(LADDER))
def test_without_numba_cuda(without, name):
    without("numba_cuda")
    with pytest.raises(
        UnsupportedError, match=r'numba-cuda is not installed: pip install "minicnn-engine\[cuda\]", or with \[cuda12\]'
    ) as raised:
        conv2d(X, W, algorithm=name)
    assert str(raised.value).count("numba-cuda") == 1
    assert not any(f"  {rung}:" in str(raised.value) for rung in LADDER)  # the list is of what could be asked for instead


def test_without_a_device(without):
    without("device", "[100] Call to cuInit results in CUDA_ERROR_NO_DEVICE")
    with pytest.raises(
        UnsupportedError,
        match=r"there is no CUDA device here \(.*CUDA_ERROR_NO_DEVICE\); run on a machine with an NVIDIA GPU and its driver, or set",
    ):
        conv2d(X, W, algorithm="cuda_naive")


@pytest.mark.parametrize("said", ["CUDA driver version is insufficient for CUDA runtime version", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"])
def test_with_a_driver_that_is_too_old(without, said):
    without("device", said)
    with pytest.raises(
        UnsupportedError, match=rf"the driver is too old for this toolkit \({said}\); update it, or use the toolkit that it knows"
    ):
        conv2d(X, W, algorithm="cuda_tiled")


def test_a_driver_that_says_so_when_a_kernel_is_loaded(without, monkeypatch):
    from numba import cuda

    from minicnn.conv.cuda.kernel import Kernel

    def refuse(*arguments, **options):
        raise RuntimeError("CUDA_ERROR_UNSUPPORTED_PTX_VERSION")

    monkeypatch.setattr(cuda, "jit", refuse)
    with pytest.raises(
        UnsupportedError, match=r"cuda: the driver is too old for this toolkit \(CUDA_ERROR_UNSUPPORTED_PTX_VERSION\); update it"
    ):
        Kernel(lambda x: None, "f4[::1]")(1, 1, X)
    monkeypatch.setattr(cuda, "jit", lambda *arguments, **options: {}["something else"])
    with pytest.raises(KeyError, match="something else"):
        Kernel(lambda x: None, "f4[::1]")(1, 1, X)


def test_an_array_that_says_it_is_on_a_device(without):
    """Such as PyTorch's on a machine where numba-cuda is not installed."""

    class Tensor:
        __cuda_array_interface__ = None
        shape, dtype = (1, 2, 4, 5), np.dtype(np.float32)

    without("numba_cuda")
    with pytest.raises(UnsupportedError, match=r"conv2d: a GPU is asked for, but numba-cuda is not installed"):
        conv2d(Tensor(), Tensor())


def test_the_list_of_others_does_not_name_the_ladder_where_nobody_asked_for_it():
    with pytest.raises(UnknownNameError) as raised:
        conv2d(X, W, algorithm="fastest")
    assert all(f"\n  {name}: " in str(raised.value) for name in ALGORITHMS)
    assert "cuda" not in str(raised.value)
    with pytest.raises(UnsupportedError) as raised:
        conv2d(X, W, algorithm="pointwise")
    assert "cuda" not in str(raised.value)


def test_a_misspelt_rung_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"cuda_register_tiled"):
        Conv2d(2, 3, 3, algorithm="cuda_register_tile")


def test_whether_an_array_is_on_a_device():
    class Tensor:
        """PyTorch's: asking a tensor that wants gradients for its interface raises."""

        is_cuda = False

        @property
        def __cuda_array_interface__(self):
            raise RuntimeError("requires grad")

    assert not device.is_on_device(X)
    assert not device.is_on_device(None)
    assert not device.is_on_device([1.0])
    assert not device.is_on_device(Tensor())
    Tensor.is_cuda = True
    assert device.is_on_device(Tensor())


def test_importing_conv2d_imports_no_compiler():
    """The ladder costs nothing where nobody asks for it."""
    import subprocess
    import sys

    code = "import sys, minicnn.conv.dispatch; sys.exit(any(n.startswith(('numba.cuda', 'numba_cuda')) for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
