"""What a process finds in each kind of sandbox, what is said of it, and what happens where there is none."""

import os
import shutil
import sys

import pytest
from runner_modes import MODES, is_root, sandbox_of

from minicnn.errors import ArgumentError, UnsupportedError
from minicnn.grade.runner import Limits, Runner, guard, process, sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and all of the limits are Linux's")

LOOK = """
import os, sys
def tree(): return tuple(sorted(os.listdir("/")))
def find(path): return os.path.exists(path)
def variables(): return " ".join(sorted(os.environ))
def limit(name):
    import resource
    return resource.getrlimit(getattr(resource, name))
def write(path):
    with open(path, "ab"):
        return True
def users(): return os.getresuid()
def modules(): return " ".join(sorted(sys.modules))
def standard():
    import decimal, sqlite3, xml.etree.ElementTree, numpy.ma, numpy.polynomial, numpy.lib.stride_tricks, numpy.random
    return True
"""


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture
def kind(mode, monkeypatch):
    return sandbox_of(mode, monkeypatch)


@pytest.fixture
def look(kind):
    with Runner(LOOK, sandbox=kind) as answer:
        assert answer.problem == ""

        def see(function, **arguments):
            outcome = answer(function, arguments)
            return outcome.value if outcome.kind == "value" else outcome.says

        see.answer = answer
        yield see


def test_the_standard_library_and_all_of_numpy_are_there(look):
    assert look("standard") is True


def test_the_environment_is_the_graders_own_list(look, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "42")
    look.answer.restart()
    assert "COURSE_SECRET" not in look("variables")
    assert "OPENBLAS_NUM_THREADS" in look("variables")
    assert "minicnn" not in look("modules")


def test_limits_are_set_and_cannot_be_raised(look):
    most = Limits()
    assert look("limit", name="RLIMIT_AS") == (most.memory, most.memory)
    assert look("limit", name="RLIMIT_CPU") == (most.cpu, most.cpu)
    assert look("limit", name="RLIMIT_FSIZE") == (most.file_size, most.file_size)
    assert look("limit", name="RLIMIT_NOFILE") == (most.open_files, most.open_files)
    assert look("limit", name="RLIMIT_CORE") == (0, 0)
    assert look("limit", name="RLIMIT_NPROC") == (0, 0)


def test_a_sandbox_holds_python_and_numpy_and_nothing_else(look, kind):
    if kind == "plain":
        pytest.skip("a plain process sees the machine's files")
    here = {path.split("/")[1] for path in (str(sandbox.NUMPY), sandbox.PYTHON)}
    assert set(look("tree")) <= {"dev", "etc", "lib", "lib64", "usr", "tmp", "runner", ".old", *here}
    for path in (
        "/proc",
        "/sys",
        "/usr/bin/env",
        "/bin/sh",
        "/etc/passwd",
        str(sandbox.HERE),
        os.path.expanduser("~/.bashrc"),
        "/.old/etc",
    ):
        assert look("find", path=path) is False
    for path in (str(sandbox.NUMPY / "__init__.py"), "/runner/child.py", "/new", f"{os.path.dirname(os.__file__)}/site-packages/new.py"):
        assert "raised" in str(look("write", path=path)), path
    assert look("write", path="/tmp/new") is True


def test_root_becomes_somebody_who_owns_nothing(look, mode):
    if not is_root() or mode == "nothing":
        pytest.skip("needs root, and a user to become")
    users = look("users")
    assert len(set(users)) == 1
    assert users[0] in guard.USERS
    assert any(f"a user of its own ({users[0]})" in line for line in look.answer.in_force)


def test_what_is_in_force_is_said(look, mode):
    said = " / ".join(look.answer.in_force)
    walls = {"bubblewrap": "bubblewrap: no network", "unshare": "unshare: no network"}
    assert said.startswith(walls.get(mode, "a plain process: no wall around files and network"))
    assert ("the same user as the grader" in said) is (mode == "nothing")
    assert "limits: 10 s a call, 120 s of processor time, 1024 MiB of memory a process, 16 MiB a file" in said
    assert "no further processes or threads" in said
    assert "no privileges, and no way to gain one" in said
    assert "the grader's memory is closed to it" in said


def test_too_long_a_use_of_the_processor_is_the_end():
    with Runner("def f():\n    while True: pass", limits=Limits(cpu=1, wall=20.0), sandbox="plain") as answer:
        outcome = answer("f", {})
    assert outcome.kind == "died"
    assert "It may use 1024 MiB of memory and 1 s of processor time" in outcome.says


# ── the choice ──


def test_auto_takes_the_first_that_works(monkeypatch):
    works = {"bubblewrap": None, "unshare": None, "plain": None}
    monkeypatch.setattr(sandbox, "why_not", works.get)
    assert sandbox.choose() == "bubblewrap"
    works["bubblewrap"] = "bwrap not installed"
    assert (sandbox.choose(), sandbox.choose("auto", required=True)) == ("unshare", "unshare")
    works["unshare"] = "not permitted here"
    assert sandbox.choose() == "plain"
    says = (
        r"a sandbox is required, but none works here \(bubblewrap: bwrap not installed; unshare: not permitted here\)\. Install bubblewrap"
    )
    with pytest.raises(UnsupportedError, match=says):
        sandbox.choose("auto", required=True)
    with pytest.raises(UnsupportedError, match=r"Runner: sandbox='unshare' does not work here \(unshare: not permitted here\)"):
        Runner("", sandbox="unshare").__enter__()


def test_wrong_choices_are_told():
    with pytest.raises(UnsupportedError, match="Runner: a sandbox is required, but sandbox='plain' is none; choose 'bubblewrap'"):
        Runner("", sandbox="plain", require_sandbox=True).__enter__()
    says = r"Runner: sandbox must be 'auto', 'bubblewrap', 'unshare', 'plain', but it is 'bubble'\. Did you mean 'bubblewrap'\?"
    with pytest.raises(ArgumentError, match=says):
        Runner("", sandbox="bubble").__enter__()


def test_a_machine_without_the_tools_says_which(monkeypatch):
    sandbox.why_not.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda tool, path: None)
    assert "bwrap not installed (apt-get install bubblewrap)" in sandbox.why_not("bubblewrap") or "needs Linux" in sandbox.why_not(
        "bubblewrap"
    )
    assert "setpriv, unshare, mount" in sandbox.why_not("unshare") or "needs Linux" in sandbox.why_not("unshare")
    sandbox.why_not.cache_clear()
    monkeypatch.setattr(sandbox.sys, "platform", "win32")
    assert sandbox.why_not("unshare") == "needs Linux, and this is win32"
    sandbox.why_not.cache_clear()


def test_without_a_free_user_root_runs_nothing(monkeypatch):
    if not is_root():
        pytest.skip("only root lends users")
    monkeypatch.setattr(guard, "USERS", range(0))
    with pytest.raises(UnsupportedError, match="users that runners may be are taken, and none runs as root"):
        Runner("", sandbox="plain").__enter__()


def test_the_installed_packages_are_hidden():
    hidden = {place for step, _, place in sandbox.steps() if step == "hide"}
    shown = [path for step, path, _ in sandbox.steps() if step == "show"]
    assert all(any(folder.startswith(f"{path}/") for path in shown) for folder in hidden)
    assert any(folder.endswith("-packages") for folder in hidden)
    assert os.path.dirname(os.__file__) not in hidden


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "killed by SIGKILL"), (137, "killed by SIGKILL"), (3, "exit status 3"), (255, "status 255")]
)
def test_an_exit_status_in_words(code, words):
    assert words in process.in_words(code)
