"""Which question: how is a student's process kept apart from everything that it has no business with?

Idea: three ways, the best that this machine permits.  bubblewrap and unshare give a file system that holds Python's library and NumPy, read-only,
under their own paths, and nothing else: no network, no /proc, no other process has a name there.  What is absent cannot be
read, written or signalled, whatever the code tries.  A plain process has limits only, and says so.

Cost: bubblewrap about 10 ms a start, unshare about 50.  When it loses: a hole in the kernel is a hole in the wall; this is no virtual machine.
Source: namespaces(7), pivot_root(2), bwrap(1), unshare(1).  Next rooms: guard.py (what the grader does itself), process.py.
"""

import functools
import glob
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicnn.errors import ArgumentError, UnsupportedError, nearest

KINDS = ("bubblewrap", "unshare", "plain")
TOOLS = {"bubblewrap": ("bwrap",), "unshare": ("setpriv", "unshare", "mount", "umount", "pivot_root", "chroot", "sh"), "plain": ()}
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/alternatives")  # what libraries need; no programs
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HERE = Path(__file__).resolve().parent
INSIDE = "/runner"  # where a sandbox has child.py and its neighbour
NUMPY = Path(np.__file__).resolve().parent
PYTHON = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
ISOLATED = (PYTHON, "-I", "-S", "-B", "-X", "utf8")


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    wall : seconds a call (and importing the file); startup : seconds until Python and NumPy stand
    cpu : seconds of processor time in all; memory : bytes of address space; output : bytes of one answer
    file_size : bytes of a file, and of the private /tmp; open_files : descriptors
    """

    wall: float = 10.0
    startup: float = 30.0
    cpu: int = 120
    memory: int = 1 << 30
    output: int = 64 << 20
    file_size: int = 16 << 20
    open_files: int = 64


def choose(wanted: str = "auto", required: bool = False) -> str:
    """Return the kind of sandbox to use: the wanted one, or the first that works here.

    Raises ArgumentError for an unknown name; UnsupportedError where the wanted or required one does not work here, with the reason.
    """
    if wanted not in ("auto", *KINDS):
        raise ArgumentError(
            f"Runner: sandbox must be 'auto', {', '.join(map(repr, KINDS))}, but it is {wanted!r}.{nearest(str(wanted), KINDS)}"
        )
    if wanted == "plain" and required:
        raise UnsupportedError("Runner: a sandbox is required, but sandbox='plain' is none; choose 'bubblewrap', 'unshare' or 'auto'.")
    reasons = []
    for kind in KINDS if wanted == "auto" else (wanted,):
        reason = why_not(kind)
        if reason is None and not (kind == "plain" and required):
            return kind
        reasons += [f"{kind}: {reason}"] if reason else []
    rule = "a sandbox is required, but none works here" if required else f"sandbox={wanted!r} does not work here"
    remedy = "Install bubblewrap, or do without a sandbox and trust the code."
    raise UnsupportedError(f"Runner: {rule} ({'; '.join(reasons)}). {remedy}")


@functools.cache
def why_not(kind: str) -> str | None:
    """Return why this machine has no such sandbox, None where it has: Python is started in one, once."""
    if kind == "plain":
        return None
    if sys.platform != "linux":
        return f"needs Linux, and this is {sys.platform}"
    missing = [tool for tool in TOOLS[kind] if not shutil.which(tool, path=PATH)]
    if missing:
        return f"{', '.join(missing)} not installed (apt-get install {'bubblewrap' if kind == 'bubblewrap' else 'util-linux'})"
    with tempfile.TemporaryDirectory(prefix="minicnn-runner-") as folder:
        try:
            command = [*wrapped(kind, folder, Limits()), *ISOLATED, "-c", "pass"]
            done = subprocess.run(command, env=environment("/tmp"), stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if done.returncode:
        return f"not permitted here: {done.stderr.decode(errors='replace').strip()[-200:] or f'exit status {done.returncode}'}"
    return None


def environment(home: str) -> dict[str, str]:
    """Return the whole environment of a student's process: nothing of the grader's, and one thread for a BLAS."""
    one_thread = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR", "BLIS")
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows does not start Python without
    return kept | {f"{name}_NUM_THREADS": "1" for name in one_thread} | {"PATH": PATH, "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home}


def wrapped(kind: str, folder: str, limits: Limits) -> list[str]:
    """Return the words to put before a program so that it runs in such a sandbox; `folder` is an empty one of the grader's."""
    if kind == "bubblewrap":
        return bubblewrap(limits)
    if kind == "unshare":
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        apart = ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--"]
        return ["setpriv", "--pdeathsig", "KILL", "--", *apart, "sh", "-c", unshare_script(folder, limits), "runner"]
    return []


# ── the tree: paths stay as they are, all but these are absent ──


def steps() -> list[tuple[str, str, str]]:
    """Return what the tree consists of, in order: (what to do, a path, its place in the tree).

    'link' a symbolic link as it is, 'show' read-only, 'hide' a folder by an empty one, 'device' usable.
    """
    prefix = os.path.realpath(sys.base_prefix)
    shown = dict.fromkeys([*SYSTEM, f"{prefix}/lib", PYTHON])
    system = [("link" if os.path.islink(path) else "show", path, path) for path in shown if os.path.exists(path)]
    inside = tuple(f"{path}/" for step, path, _ in system if step == "show")
    hidden = sorted(folder for folder in others_packages(prefix) if f"{folder}/".startswith(inside))
    numpy = (str(path) for path in (NUMPY, NUMPY.with_name("numpy.libs")) if path.exists())
    return [
        *system,
        *(("hide", folder, folder) for folder in hidden),
        *(("show", path, path) for path in numpy),
        *(("show", str(HERE / name), f"{INSIDE}/{name}") for name in ("child.py", "protocol.py", "seal.py")),  # not where the course lies
        *(("device", path, path) for path in ("/dev/null", "/dev/urandom")),
    ]


def others_packages(prefix: str) -> set[str]:
    """Return the folders of installed packages, and the one that minicnn lies in: what a student's process is not to find."""
    patterns = [f"{root}{middle}/lib*/python*/*-packages" for root in ("/usr", prefix) for middle in ("", "/local")]
    found = {os.path.realpath(path) for pattern in patterns for path in glob.glob(pattern)}
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    return (found | {str(HERE.parents[2])}) - {standard}


NAMESPACES = ("ipc", "pid", "net", "uts", "cgroup-try")


def bubblewrap(limits: Limits) -> list[str]:
    """Return bubblewrap's words: namespaces, the private /tmp, the tree, and what is locked once it stands."""
    user = [] if os.geteuid() == 0 else ["--unshare-user"]
    apart = [*user, *(f"--unshare-{name}" for name in NAMESPACES), "--die-with-parent", "--new-session"]
    private = ["--perms", "1777", "--size", str(limits.file_size), "--tmpfs", "/tmp", "--chdir", "/tmp"]
    tree, locked = [], ["/"]
    for step, path, place in steps():
        for parent in reversed(Path(place).parents[:-1]):  # left to itself, bubblewrap makes them root's alone
            tree += ["--perms", "0755", "--dir", str(parent)]
        if step == "link":
            tree += ["--symlink", os.readlink(path), place]
        elif step == "hide":
            tree += ["--perms", "0755", "--tmpfs", place]
            locked.append(place)
        else:
            tree += ["--ro-bind" if step == "show" else "--dev-bind", path, place]
    return ["bwrap", *apart, *private, *tree, *(word for path in locked for word in ("--remount-ro", path)), "--"]


SHELL = """set -e
umask 022
R={root}
mount -t tmpfs -o size=1m,mode=755 tmpfs "$R"
on() {{ if [ -d "$1" ]; then mkdir -p "$R$2"; else mkdir -p "$R${{2%/*}}"; : > "$R$2"; fi; mount --bind "$1" "$R$2"; }}
show() {{ on "$1" "$2"; mount -o remount,bind,ro,nosuid,nodev "$R$2"; }}
device() {{ on "$1" "$2"; }}
link() {{ mkdir -p "$R${{2%/*}}"; ln -s "$(readlink "$1")" "$R$2"; }}
hide() {{ mkdir -p "$R$2"; mount -t tmpfs -o size=1m,mode=755,nosuid,nodev tmpfs "$R$2"; }}
lock() {{ mount -o remount,bind,ro "$R$1"; }}
mkdir "$R/tmp" "$R/.old"
mount -t tmpfs -o size={size},mode=1777,nosuid,nodev tmpfs "$R/tmp"
{steps}
cd "$R"
pivot_root . .old
cd /tmp
/.old{chroot} /.old {umount} -l /
exec "$@"
"""


def unshare_script(folder: str, limits: Limits) -> str:
    """Return the shell's part: build the tree in memory, make it the root, and let go of the old one."""
    tree = [f"{step} {shlex.quote(path)} {shlex.quote(place)}" for step, path, place in steps()]
    locks = [f"lock {shlex.quote(place)}" for step, _, place in steps() if step == "hide"] + ["lock ''"]
    tools = {tool: shutil.which(tool, path=PATH) for tool in ("chroot", "umount")}
    return SHELL.format(root=shlex.quote(folder), size=limits.file_size, steps="\n".join([*tree, *locks]), **tools)


def program(kind: str, folder: str, limits: Limits) -> Sequence[str]:
    """Return the command of a runner: the sandbox, Python, child.py, where NumPy lies."""
    here = HERE if kind == "plain" else INSIDE
    return [*wrapped(kind, folder, limits), *ISOLATED, f"{here}/child.py", str(NUMPY.parent)]
