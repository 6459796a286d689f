"""Which question: how does the grader talk to a process that may do anything but answer?

Idea: every exchange has a deadline for all of it, sending included, and a nonce.  What comes late, cut short, unasked or as nonsense is one of
two exceptions, and the process is ended, with all that it started.

Cost: about 0.1 ms an exchange.  What it does not do: read what an answer says (session.py).
When it loses: on Windows a pipe cannot be waited for, so a timer ends the process instead.
Source: poll(2).  Next room: session.py.
"""

import contextlib
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from minicnn.grade.runner import guard, sandbox
from minicnn.grade.runner.protocol import NoAnswer, packed, read_frame

POSIX = os.name == "posix"
PIECE = 1 << 20


class Late(Exception):
    """The deadline passed."""


class Died(Exception):
    """The pipe is closed at the other end."""


class Process:
    """One runner process, from its start to the end of everything that it left."""

    def __init__(self, kind: str, limits: sandbox.Limits):
        self.limits, self.deadline, self.user, self.hold = limits, 0.0, None, None
        self.folder, self.home = own_folder() if kind != "bubblewrap" else ("", "")  # which needs none
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        guard.close_memory()
        try:
            self.user, self.hold = guard.borrow_user() or (None, None)
            if self.user is not None and self.home:
                os.chown(self.home, self.user, self.user)
            self.child = self._started(kind)
        except BaseException:
            self._tidy()
            raise
        if POSIX:
            os.set_blocking(self.child.stdin.fileno(), False)

    def _started(self, kind: str) -> subprocess.Popen:
        plain = kind == "plain"
        return subprocess.Popen(
            sandbox.program(kind, self.folder, self.limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            bufsize=0,
            cwd=self.home if plain else os.sep,
            env=sandbox.environment(self.home if plain else "/tmp"),
            start_new_session=POSIX,
        )

    def exchange(self, request: dict, raw: list[bytes], seconds: float) -> tuple[dict, bytes]:
        """Send a request and return its answer, (header, bytes), within `seconds`; raise Late, Died or NoAnswer."""
        nonce = secrets.token_hex(16)
        self.deadline = time.monotonic() + seconds
        timer = None if POSIX else threading.Timer(seconds, self.child.kill)
        if timer:
            timer.start()
        try:
            self._write(packed({**request, "nonce": nonce}, raw))
            header, blob = read_frame(self._read, self.limits.output)
        finally:
            if timer:
                timer.cancel()
        if header.get("nonce") != nonce:
            raise NoAnswer("an answer to another question")
        return header, blob

    def _wait(self, descriptor: int, event: str) -> None:
        left = self.deadline - time.monotonic()
        if not POSIX:
            return
        poll = select.poll()
        poll.register(descriptor, getattr(select, event))
        if left <= 0 or not poll.poll(left * 1000):
            raise Late

    def _write(self, frame: bytes) -> None:
        descriptor, view = self.child.stdin.fileno(), memoryview(frame)
        while view:
            self._wait(descriptor, "POLLOUT")
            try:
                view = view[os.write(descriptor, view[:PIECE]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise self._gone() from None

    def _read(self, size: int) -> bytes:
        descriptor, parts = self.child.stdout.fileno(), bytearray()
        while len(parts) < size:
            self._wait(descriptor, "POLLIN")
            part = os.read(descriptor, min(size - len(parts), PIECE))
            if not part:
                raise self._gone()
            parts += part
        return bytes(parts)

    def _gone(self) -> Exception:
        return Late() if time.monotonic() >= self.deadline else Died()

    def end(self, patience: float = 0.3) -> str:
        """End the process and all it started, remove its folder; return in words how it had ended by itself, '' where it had not."""
        self.child.stdin.close()
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.child.wait(patience)
        if POSIX:
            guard.end_group(self.child.pid)
        else:
            self.child.kill()
        self.child.wait()
        if self.user is not None:
            guard.end_all_of(self.user)
        self.child.stdout.close()
        self._tidy()
        return "" if code is None else in_words(code)

    def _tidy(self) -> None:
        if self.hold is not None:
            self.hold.close()
        self.errors.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)  # follows no links
        guard.open_memory()

    def complaint(self) -> str:
        """Return the last line on standard error, which until a student's code runs is the system's."""
        self.errors.seek(0)
        return self.errors.read(1 << 16).decode(errors="replace").strip().rpartition("\n")[2][-400:]


def own_folder() -> tuple[str, str]:
    """Return a new folder and one inside it, which is the student's: what it renames, or links to, stays inside the first."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="minicnn-runner-"))
    os.chmod(folder, 0o711)
    home = os.path.join(folder, "home")
    os.mkdir(home, 0o700)
    return folder, home


def in_words(code: int) -> str:
    """Say an exit status as a person would.

    >>> in_words(-11), in_words(139), in_words(0)
    ('killed by SIGSEGV', 'killed by SIGSEGV', 'it ended itself with exit status 0')
    """
    number = -code if code < 0 else code - 128
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(number).name}"
    return f"it ended itself with exit status {code}"
