"""Absent PyTorch, this suite skips with the reason; in CI, which installs it, that is a failure."""

import importlib.util
import os

import pytest

if os.environ.get("MINICNN_REQUIRE_TORCH") and importlib.util.find_spec("torch") is None:
    raise pytest.UsageError("the parity suite must run here, but PyTorch is not installed: pip install torch==2.13.0")
