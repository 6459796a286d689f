"""Absent PyTorch or torchvision, what needs them skips with the reason; in CI, which installs both, that is a failure."""

import importlib.util
import os

import pytest

PINS = {"torch": "torch==2.13.0", "torchvision": "torchvision==0.28.0"}  # the second names the first as its own
for name, pin in PINS.items():
    if os.environ.get("MINICNN_REQUIRE_TORCH") and importlib.util.find_spec(name) is None:
        raise pytest.UsageError(f"the parity suite must run here, but {name} is not installed: pip install {pin}")
