"""Where the ladder's tests run: in Numba's simulator, on a GPU, or, for PTX, where the toolkit is installed."""

import importlib.util

import pytest

from minicnn.conv.cuda.device import SIMULATOR, simulated, why_none

needs_device = pytest.mark.skipif(
    why_none() is not None, reason=f"neither a GPU nor the simulator: {SIMULATOR} python -m pytest tests/cuda runs them without a GPU"
)
needs_toolkit = pytest.mark.skipif(
    simulated() or importlib.util.find_spec("numba_cuda") is None,
    reason="PTX is compiled by numba-cuda, outside the simulator: pip install 'minicnn-engine[cuda]'",
)
