"""The four ways in which a student's process may be kept, for the tests of the runner; each skips, with its reason, where it does not exist."""

import os
import sys
import time
from pathlib import Path

import pytest

from minicnn.grade.runner import guard, sandbox

MODES = ("bubblewrap", "unshare", "another user", "nothing")
REQUIRED = bool(os.environ.get("MINICNN_REQUIRE_SANDBOX"))


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def sandbox_of(mode: str, monkeypatch) -> str:
    """Return the Runner's sandbox= for a mode; skip or fail where this machine has none."""
    kind = mode if mode in sandbox.KINDS else "plain"
    reason = sandbox.why_not(kind)
    if reason and REQUIRED:
        pytest.fail(f"MINICNN_REQUIRE_SANDBOX is set, but {kind}: {reason}")
    if reason:
        pytest.skip(f"{kind}: {reason}")
    if mode == "another user" and not (is_root() and sys.platform == "linux"):
        pytest.skip("only root can become another user")
    if mode == "nothing":
        monkeypatch.setattr(guard, "borrow_user", lambda: None)
    return kind


def left_running(mark: str) -> list[str]:
    """Return the processes that carry the mark, after some time to die in."""
    for _ in range(40):
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark.encode() in entry.read_bytes():
                    found.append(entry.parent.name)
            except OSError:
                continue
        if not found:
            break
        time.sleep(0.05)
    return found
