"""Which question: what does the grader itself do while a student's process lives?

Idea: it closes its memory to other processes, and, as root, lends every runner a user of its own who owns nothing.  Such a user has a second use:
all that runs under it can be ended at once, however often it forked and whatever it calls itself.

Cost: none worth naming.  When it loses: without root there is no other user to be; on Windows and macOS nothing here applies.
Source: prctl(2), kill(2), systemd's UIDS-GIDS document (60706–61183 are in nobody's use).  Next room: process.py.
"""

import contextlib
import ctypes
import os
import signal
import stat
import subprocess
import sys
import threading
from typing import IO

from minicnn.errors import UnsupportedError

USERS = range(60706, 61184)
HOLDS = ("/run/minicnn-runners", "/tmp/minicnn-runners")  # the same for every grader of a machine, whatever its TMPDIR
_LOCK = threading.Lock()
_runners = {"alive": 0, "before": 1}  # the one count: a grader is readable again when its last runner is gone


def close_memory() -> bool:
    """Make this process unreadable to others (no ptrace, no /proc/PID/mem, environ, fd); return whether the system can."""
    if sys.platform != "linux":
        return False
    get, put = 3, 4
    libc = ctypes.CDLL(None)
    with _LOCK:
        if _runners["alive"] == 0:
            _runners["before"] = libc.prctl(get, 0, 0, 0, 0)
        _runners["alive"] += 1
        return libc.prctl(put, 0, 0, 0, 0) == 0


def open_memory() -> None:
    """Undo one close_memory; the last one gives back what was."""
    if sys.platform != "linux":
        return
    with _LOCK:
        _runners["alive"] -= 1
        if _runners["alive"] == 0 and _runners["before"] == 1:
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)


def borrow_user() -> tuple[int, IO] | None:
    """Return (number, the hold on it) of a user that no other runner has, None where this process is not root.

    The hold is a lock on a file that only root can open; the system frees it when its process ends, however that ends.  What a grader that
    was killed has left running under the user is ended first.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return None
    import fcntl  # not on Windows

    folder = holds()
    for user in USERS:
        hold = open(os.path.join(folder, str(user)), "ab")  # noqa: SIM115  whoever borrows closes it
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            hold.close()
            continue
        end_all_of(user)
        return user, hold
    raise UnsupportedError(f"Runner: all {len(USERS)} users that runners may be are taken, and none runs as root; end other graders first.")


def holds() -> str:
    """Return the folder of the locks: root's, and closed to everybody else."""
    for folder in HOLDS:
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)
            status = os.lstat(folder)
            if stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and status.st_mode & 0o077 == 0 and os.access(folder, os.W_OK):
                return folder
    raise UnsupportedError(
        f"Runner: root lends every runner a user, and notes it in a folder of root's alone, but neither {' nor '.join(HOLDS)} can be one; "
        "remove what is there under that name."
    )


def end_all_of(user: int) -> None:
    """Kill every process of a borrowed user."""
    sweep = ["/bin/sh", "-c", "kill -9 -1"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(sweep, user=user, group=user, extra_groups=[], cwd="/", env={}, capture_output=True, timeout=10, check=False)


def end_group(leader: int) -> None:
    """Kill a process and all that stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
