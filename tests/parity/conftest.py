"""Absent a peer, what needs it skips with the reason; in CI, which installs all of them, that is a failure."""

import importlib.util
import os

import pytest

PINS = {  # torchvision names PyTorch's version as its own
    "torch": "torch==2.13.0",
    "torchvision": "torchvision==0.28.0",
    "keras": "keras==3.15.1",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
}
for name, pin in PINS.items():
    if os.environ.get("MINICNN_REQUIRE_TORCH") and importlib.util.find_spec(name) is None:
        raise pytest.UsageError(f"the parity suite must run here, but {name} is not installed: pip install {pin}")
