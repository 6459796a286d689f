"""A Runner answers whatever a student's file does, and goes on with the next call."""

import os
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from runner_modes import MODES, is_root, left_running, sandbox_of

from minicnn.errors import ArgumentError, DTypeError, UnsupportedError
from minicnn.grade.runner import Limits, Runner, guard, sandbox, seal, session, words

SHORT = Limits(wall=1.0)
X = np.array([[1.0, -2.0, 3.0]])


def ask(source: str, function="f", limits=session.DEFAULT, **arguments):
    with Runner(textwrap.dedent(source), limits=limits, sandbox="plain") as answer:
        return answer(function, arguments)


@pytest.fixture(params=MODES)
def kind(request, monkeypatch):
    return sandbox_of(request.param, monkeypatch)


def test_a_call_by_hand_in_every_mode(kind):
    x, kept = X[:, ::-1], X.copy()
    source = "import numpy as np\ndef f(x, k, scale):\n    x[0, 0] = 7\n    return x * scale, k, x.strides\nhelper = np.pad\n"
    with Runner(source, sandbox=kind) as answer:
        outcome = answer("f", {"x": x, "k": (1, 2), "scale": 2})
        assert (answer.kind, answer.defines, answer.problem) == (kind, ("f",), "")
    assert outcome.kind == "value"
    result, k, strides = outcome.value
    np.testing.assert_array_equal(result, [[14.0, -4.0, 2.0]])
    assert (k, strides) == ((1, 2), x.strides)
    np.testing.assert_array_equal(outcome.after["x"], [[7.0, -2.0, 1.0]])
    assert outcome.after["k"] == (1, 2)
    np.testing.assert_array_equal(X, kept)  # ours is untouched
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("return [1.0]", "refused", "f: the result is a list"),
        ("raise NotImplementedError", "raised", "f: it raises NotImplementedError: this is still to be written"),
        ("return 1 / 0", "raised", "f: it raised ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(0)", "raised", "f: it raised SystemExit: 0"),
        ("raise KeyboardInterrupt", "raised", "f: it raised KeyboardInterrupt"),
        ("import os; os._exit(0)", "died", r"f: the process ended before it answered \(it ended itself with exit status 0\)\."),
        ("import ctypes; ctypes.string_at(8)", "died", r"f: .*killed by SIGSEGV\)\. It may use 1024 MiB of memory and 120 s"),
        ("import os; os.closerange(0, 64)", "died", "f: the process ended before it answered"),
        ("while True: pass", "late", "f: no answer within 1 s, so it was stopped. Look for a loop that does not end"),
        ("import numpy as np; return np.ones(1 << 40)", "raised", "MemoryError"),
    ],
)
def test_what_a_call_can_come_to(body, kind, says):
    with Runner(f"def f(x):\n    {body}\ndef g(x):\n    return x + 1\n", limits=SHORT, sandbox="plain") as answer:
        outcome = answer("f", {"x": X})
        assert (outcome.kind, outcome.value) == (kind, None)
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(outcome.says)
        np.testing.assert_array_equal(answer("g", {"x": X}).value, X + 1)  # in a new process, where the old one is gone


def test_missing_functions_and_other_arguments():
    outcome = ask("f = 3")
    assert (outcome.kind, outcome.says) == (
        "missing",
        "f: it is a int, not a function; define it with `def f(…):`, at the left margin. Your file defines no function.",
    )
    assert ask("").says.startswith("f: there is no such function in your file; define it")
    outcome = ask("def Conv2D(x):\n    return x\ndef helper(x):\n    return x", "conv2d", x=1)
    assert outcome.says.endswith("Your file defines Conv2D, helper. Did you mean 'Conv2D'?")
    assert ask("def zebra(): pass", "conv2d").says.endswith("at the left margin. Your file defines zebra.")
    outcome = ask("class Layer:\n    def conv2d(self, x):\n        return x", "conv2d", x=1)
    assert (outcome.kind, outcome.says.partition(";")[0]) == ("missing", "conv2d: it is a method of your class Layer, not a function")
    outcome = ask("def f(x, w):\n    return x", x=1, weight=2)
    assert outcome.kind == "raised"
    assert outcome.says.startswith("f: it is called as f(x, weight), by these names, but your definition does not take that: missing")


def test_a_traceback_has_the_students_lines_only():
    outcome = ask("import numpy as np\n\ndef g(x):\n    return np.pad(x, -1)\n\ndef f(x):\n    return g(x)\n", x=X)
    assert 'File "submission.py", line 7, in f' in outcome.traceback
    assert "return np.pad(x, -1)" in outcome.traceback
    assert outcome.traceback.count("File ") == 2
    assert "child.py" not in outcome.traceback


def test_an_endless_traceback_is_short():
    outcome = ask("def f(x):\n    return f(x)", x=1)
    assert outcome.says.startswith("f: it raised RecursionError")
    assert 0 < len(outcome.traceback) < 6_001


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("def f(x)\n    return x", "raised", "importing your file|line 1: expected ':'"),
        ("import torch", "raised", "your file cannot be imported: it raised ModuleNotFoundError: No module named 'torch'"),
        ("import minicnn", "raised", "No module named 'minicnn'"),
        ("import sys\nsys.exit()", "raised", "your file cannot be imported: it raised SystemExit"),
        ("while True: pass", "late", "importing your file: no answer within 1 s"),
        ("import os\nos._exit(3)", "died", "importing your file: .*exit status 3"),
        ("x = '\0'", "raised", "your file cannot be imported: it"),
        ("x = '\ud800'", "raised", "your file cannot be imported: it"),
    ],
)
def test_a_file_that_cannot_be_imported(source, kind, says):
    with Runner(source, limits=SHORT, sandbox="plain") as answer:
        assert answer.defines == ()
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(answer.problem)
        assert answer("f", {"x": 1}).kind == kind  # at once: the file is not tried for every call
        assert answer("f", {"x": 1}).says in answer.problem


def test_a_syntax_error_shows_the_students_line():
    with Runner("a = 1\nif a = 2:\n    pass", sandbox="plain") as answer:
        assert "is not Python in line 2: invalid syntax" in answer.problem
        assert "    if a = 2:" in answer.problem


REPLAY = """
import os
_write, frames = os.write, []
def replay(descriptor, data):
    frames.append(bytes(data))
    return len(data) if _write(descriptor, frames[{frame}]) else 0
def f(x):
    os.write = replay
    return x
"""


def test_an_answer_counts_for_its_own_question_only():
    with Runner(REPLAY.format(frame=-1), sandbox="plain") as answer:
        assert [answer("f", {"x": 1}).value, answer("f", {"x": 2}).value] == [1, 2]
    with Runner(REPLAY.format(frame=0), sandbox="plain") as answer:
        assert answer("f", {"x": 1}).value == 1
        outcome = answer("f", {"x": 2})
    assert outcome.kind == "died"
    assert outcome.says.startswith("f: what came back is no function's result: an answer to another question.")


def test_state_stays_until_the_process_is_restarted():
    with Runner("calls = []\ndef f():\n    calls.append(1)\n    return len(calls)", sandbox="plain") as answer:
        assert [answer("f", {}).value for _ in range(3)] == [1, 2, 3]
        answer.restart()
        assert answer("f", {}).value == 1
        with answer.another("def f():\n    return 'other'") as other:
            assert (other("f", {}).value, other.kind) == ("other", "plain")
        assert answer("f", {}).value == 2


def test_large_arguments_cross_a_pipe_that_holds_less():
    x = np.arange(1 << 20, dtype=np.float64)
    np.testing.assert_array_equal(ask("def f(x):\n    return x + 1", x=x).value, x + 1)


STOPS_LATER = """
import os, signal
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
def f(x):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
"""


def test_a_process_that_reads_no_more_is_late_too(monkeypatch):
    """The request is longer than the pipe is, so the sending has to give up."""
    with Runner(STOPS_LATER, limits=SHORT, sandbox=sandbox_of("another user", monkeypatch)) as answer:
        assert answer("f", {"x": 1}).kind == "value"
        time.sleep(0.5)
        assert answer("f", {"x": np.zeros(1 << 17)}).kind == "late"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return np.zeros((10, 10**6))", "the result is an array of shape 10×1000000, which is 80,000,000 bytes of float64"),
        ("return np.broadcast_to(0., (10**6, 10**6))", "shape 1000000×1000000, which is 8,000,000,000,000 bytes of float64"),
        (
            "return (np.zeros(5 * 10**6), np.zeros(5 * 10**6))",
            "item 1 of the result is an array of shape 5000000, which is 40,000,000 bytes",
        ),
        ("x.dtype = complex", "x after the call is an array of dtype complex128"),
    ],
)
def test_too_large_an_answer_is_refused_in_a_sentence(body, says):
    outcome = ask(f"import numpy as np\ndef f(x):\n    {body}", x=np.zeros(2))
    assert outcome.kind == "refused"
    assert says in outcome.says
    if "bytes" in says:
        assert "the right result of these arguments is never that large (at most 67,108,864 bytes are taken in all)" in outcome.says


def test_an_answer_up_to_the_limit_is_taken():
    source = "import numpy as np\ndef f(n):\n    return np.zeros(n)"
    assert ask(source, limits=Limits(output=4000), n=500).value.nbytes == 4000
    assert ask(source, limits=Limits(output=4000), n=501).kind == "refused"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "raise ExceptionGroup('two mistakes', [ValueError('a'), TypeError('b')])",
            "f: it raised ExceptionGroup: two mistakes (2 sub-exceptions)",
        ),
        ("e = ValueError('a'); e.add_note('a note'); raise e", "f: it raised ValueError: a"),
        ("eval('1 +')", "f: it raised SyntaxError: invalid syntax"),
        ("raise type(' x', (Exception,), {'__module__': 'builtins'})", "f: it raised  x"),
    ],
)
def test_an_exception_is_named_by_its_own_line(source, says):
    assert ask(f"def f():\n    {source}").says == says


DOORS = """
import ctypes, os, threading
libc = ctypes.CDLL(None, use_errno=True)
def unshare(flag):
    return os.strerror(ctypes.get_errno()) if libc.unshare(flag) else "opened"
def fork():
    os.fork() or os._exit(0)
def thread():
    threading.Thread(target=print).start()
def memfd():
    os.memfd_create("more")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp(2)")
def test_no_process_thread_or_namespace_is_to_be_had(kind):
    with Runner(DOORS, sandbox=kind) as answer:
        for flag in (0x10000000, 0x00020000, 0x40000000, 0x10020000):  # CLONE_NEWUSER, NEWNS, NEWNET
            assert answer("unshare", {"flag": flag}).value == "Operation not permitted"
        assert "PermissionError" in answer("fork", {}).says
        assert "can't start new thread" in answer("thread", {}).says
        assert "PermissionError" in answer("memfd", {}).says


def test_where_nothing_is_sealed_the_report_does_not_say_so(monkeypatch):
    facts = {"limits": ["AS", "NPROC"], "user": None, "locked": True, "sealed": False}
    assert words.in_force_words("bubblewrap", Limits(), facts)[-2:] == (
        "limits: 10 s a call, 1024 MiB of memory a process, no further processes or threads",
        "no privileges, but namespaces of its own where the system permits them; the grader's memory is closed to it",
    )
    monkeypatch.setattr(seal, "MACHINES", {})
    assert seal.seal() is False


def test_wrong_use_is_told():
    with pytest.raises(ArgumentError, match="Runner: source must be the text of a Python file, but it is a bytes; read it first"):
        Runner(b"")
    with pytest.raises(ArgumentError, match="Runner: it runs inside `with Runner"):
        Runner("")("f", {})
    with Runner("def f(x): return x", sandbox="plain") as answer, pytest.raises(DTypeError, match="Runner: argument x is a list"):
        answer("f", {"x": [1]})
    with pytest.raises(ArgumentError, match="Runner: it runs inside `with"):
        answer("f", {"x": 1})


def test_a_start_that_fails_is_not_the_students_fault(monkeypatch):
    monkeypatch.setattr(sandbox, "NUMPY", sandbox.HERE / "nowhere" / "numpy")
    says = (
        r"Runner: Python with NumPy does not start in a plain process here \(ModuleNotFoundError: No module named 'numpy'\)\. Try another"
    )
    with pytest.raises(UnsupportedError, match=says):
        Runner("", sandbox="plain").__enter__()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_the_graders_memory_is_closed_while_a_runner_lives():
    def dumpable():
        import ctypes

        return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)

    before = dumpable()
    with Runner("", sandbox="plain"), Runner("", sandbox="plain") as inner:
        assert dumpable() == 0
        inner.restart()
        assert dumpable() == 0
    assert dumpable() == before


@pytest.mark.skipif(not is_root(), reason="only root lends users")
def test_two_runners_are_two_users():
    first, second = guard.borrow_user(), guard.borrow_user()
    assert first[0] != second[0]
    first[1].close()
    again = guard.borrow_user()
    assert again[0] == first[0]
    for _, hold in (second, again):
        hold.close()


@pytest.mark.skipif(not is_root(), reason="only root lends users")
def test_what_a_killed_grader_left_under_a_user_is_ended_before_another_borrows_it():
    user, hold = guard.borrow_user()
    hold.close()
    with subprocess.Popen(["sleep", "60"], user=user, group=user, extra_groups=[], cwd="/") as survivor:
        try:
            again, hold = guard.borrow_user()
            hold.close()
            assert (again, survivor.wait(5)) == (user, -9)
        finally:
            survivor.kill()


@pytest.mark.skipif(not is_root(), reason="only root lends users")
def test_a_submission_cannot_take_the_users_of_the_class(monkeypatch):
    """Whatever names it binds, whatever locks it tries to take."""
    monkeypatch.setattr(guard, "USERS", range(guard.USERS[-1], guard.USERS[-1] + 1))
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(f"\0minicnn-runner-{guard.USERS[0]}")
        source = "import fcntl\ndef f(path):\n    file = open(path)\n    fcntl.flock(file, fcntl.LOCK_EX)"
        with Runner(source, sandbox="plain") as answer:
            path = os.path.join(guard.holds(), str(guard.USERS[0]))
            assert "PermissionError" in answer("f", {"path": path}).says


@pytest.mark.skipif(not is_root(), reason="only root lends users")
def test_the_folder_of_the_locks_is_roots_alone(tmp_path, monkeypatch):
    strangers, link, own = tmp_path / "strangers", tmp_path / "link", tmp_path / "own"
    strangers.mkdir()
    os.chown(strangers, 65534, 65534)
    link.symlink_to(tmp_path)
    monkeypatch.setattr(guard, "HOLDS", (str(strangers), str(link), str(own)))
    assert guard.holds() == str(own)
    assert own.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(guard, "HOLDS", (str(strangers), str(link)))
    with pytest.raises(UnsupportedError, match=r"in a folder of root's alone, but neither .*strangers nor .*link can be one; remove"):
        guard.borrow_user()


GRADER = """
import sys
from minicnn.grade.runner import Runner, sandbox
usual = sandbox.environment
sandbox.environment = lambda home: usual(home) | {sys.argv[1]: "1"}
with Runner("def f():\\n    while True: pass", sandbox=sys.argv[2]) as answer:
    print("asked", flush=True)
    answer("f", {})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2)")
def test_a_grader_that_is_killed_takes_its_runner_with_it(kind, tmp_path):
    mark = f"MINICNN_MARK_{os.getpid()}_{time.monotonic_ns()}"
    own = os.environ | {"TMPDIR": str(tmp_path)}  # nobody is left to remove the folder
    with subprocess.Popen([sys.executable, "-c", GRADER, mark, kind], stdout=subprocess.PIPE, env=own) as grader:
        assert grader.stdout.readline().strip() == b"asked"
        time.sleep(0.3)
        assert left_running(mark) != []
        grader.kill()
    assert left_running(mark) == []
