"""Every test of this folder that needs a device is marked `gpu`: python -m pytest -m gpu runs these alone."""

import pytest
from device_marks import needs_device


def pytest_collection_modifyitems(items):
    for item in items:
        if needs_device.mark in item.iter_markers("skipif"):
            item.add_marker(pytest.mark.gpu)
