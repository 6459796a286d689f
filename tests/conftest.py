"""Profiles of Hypothesis and what all tests share.

dev    50 examples a property: the README's test command
ci     200 examples: what CI runs (chosen by CI=true)
few    5 examples: for the runs with the JIT off, where every loop is Python's
deep   2,000 examples: run by hand before a release, `pytest --hypothesis-profile=deep`
"""

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("dev", max_examples=50, **_COMMON)
settings.register_profile("ci", max_examples=200, derandomize=True, print_blob=True, **_COMMON)
settings.register_profile("few", max_examples=5, derandomize=True, **_COMMON)
settings.register_profile("deep", max_examples=2000, **_COMMON)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
