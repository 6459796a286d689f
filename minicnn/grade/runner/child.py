"""Which question: what runs on the student's side of the pipe?

Idea: a loop that reads a call, makes it, and writes what came of it.  It first shuts the doors behind itself (limits, user, privileges), then
takes the student's file, from the pipe: no file of the course is near it.  Standard input and output lead nowhere by then; the pipe
has descriptors of its own, and every answer repeats the request's nonce, so an answer prepared earlier is none.

Cost: Python's and NumPy's start, about 0.1 s.  What it does not do: judge.  It holds nothing worth reading; whoever takes it over may forge
an answer, which is what their function could have returned anyway.
It runs as a script under `python -I -S`, beside protocol.py and seal.py, with nothing but the standard library and NumPy.
Source: prctl(2), setrlimit(2), capabilities(7).  Next rooms: seal.py; process.py, the other end.
"""

import contextlib
import inspect
import linecache
import os
import sys
import traceback
import types

NAME, FILE = "submission", "submission.py"
MOST_TRACEBACK = 6_000


def main() -> None:
    requests, answers = private_pipe()
    here, numpy_folder = os.path.dirname(os.path.abspath(__file__)), sys.argv[1]
    sys.path[:0] = [here, numpy_folder]
    import protocol  # the neighbours of this file
    import seal

    del sys.path[:2]  # from here on `import` finds the standard library; NumPy's own parts are found through NumPy

    def read(size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(requests, min(size - len(parts), 1 << 20))
            if not part:
                os._exit(0)  # the grader has closed the pipe, or is gone; atexit is the student's and does not run
            parts += part
        return bytes(parts)

    def write(frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(answers, view) :]

    module, most = None, 0
    while True:
        request, raw = protocol.read_frame(read, sys.maxsize)
        sent: list[bytes] = []
        if request["do"] == "begin":
            most, answer = request["output"], shut_doors(request, [*sys.path, numpy_folder], seal.seal)
        elif request["do"] == "load":
            module, answer = load(request["source"])
        else:
            answer = call(protocol, module, request, raw, sent, most)
        write(protocol.packed({**answer, "nonce": request["nonce"]}, sent))


def private_pipe() -> tuple[int, int]:
    """Move the pipe away from descriptors 0 and 1."""
    requests, answers = os.dup(0), os.dup(1)  # not inherited by programs that the student starts
    to_nowhere(0, 1)
    return requests, answers


def to_nowhere(*descriptors: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


# ── doors ──


def shut_doors(request: dict, folders: list[str], seal) -> dict:
    """Give up what the student's code is not to have; say what was given up."""
    set_limits = [name for name, most in request["limits"].items() if limit(name, most)]
    if request["user"] is not None:
        become(request["user"], folders)
    locked = sys.platform == "linux" and lock_privileges()
    sealed = locked and seal()
    if limit("NPROC", 0) and (sealed or os.geteuid() != 0):  # root is exempt from the limit, and not from the seal
        set_limits.append("NPROC")
    to_nowhere(2)  # until here it told the grader why Python would not start; what the student prints goes nowhere
    return {"limits": set_limits, "user": request["user"], "locked": locked, "sealed": sealed}


def limit(name: str, most: int) -> bool:
    """Set a limit of the system's, soft and hard; return whether there is such a one."""
    try:
        import resource

        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    except (ImportError, AttributeError, ValueError, OSError):  # Windows, macOS
        return False
    return True


def become(user: int, folders: list[str]) -> None:
    """Become a user who owns nothing.  Folders that this user cannot walk to, such as a Python below /root, stay in reach as descriptors."""
    opened = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            opened[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    for folder, descriptor in opened.items():
        if os.access(folder, os.X_OK):
            os.close(descriptor)
        else:
            rename(folder, f"/proc/self/fd/{descriptor}")


def rename(old: str, new: str) -> None:
    """Let imports look in `new` where they looked in `old`."""
    paths = [sys.path, *(getattr(module, "__path__", None) for module in list(sys.modules.values()))]
    for path in (path for path in paths if isinstance(path, list)):
        path[:] = [new + entry[len(old) :] if entry == old or entry.startswith(old + os.sep) else entry for entry in path]


def lock_privileges() -> bool:
    """Drop every capability, never gain one again, and die with the grader."""
    import ctypes
    import signal

    libc = ctypes.CDLL(None)
    head, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    no_new_privileges, die_with_parent = 38, 1
    done = libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0 and libc.capset(head, nothing) == 0
    return libc.prctl(die_with_parent, int(signal.SIGKILL), 0, 0, 0) == 0 and done


# ── the student's code ──


def load(source: str) -> tuple[types.ModuleType | None, dict]:
    """Run the student's file as a module; return it and the functions that it defines."""
    module = types.ModuleType(NAME)
    module.__file__ = FILE
    sys.modules[NAME] = module
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    try:
        exec(compile(source, FILE, "exec"), vars(module))
    except BaseException as error:  # SystemExit is an answer too
        return None, raised(error, "your file cannot be imported: it")
    own = (name for name, value in vars(module).items() if isinstance(value, types.FunctionType) and value.__module__ == NAME)
    return module, {"kind": "value", "value": {"tuple": []}, "defines": [name[:200] for name in own][:1000]}


def call(protocol, module, request: dict, raw: bytes, sent: list[bytes], most: int) -> dict:
    """Call a function; return the header of what came of it, with the arrays' bytes, at most `most`, in `sent`."""
    name, function = request["function"], getattr(module, request["function"], None)
    if not callable(function):
        what = "there is no such function in your file" if function is None else f"it is a {type(function).__name__}, not a function"
        owner = next((key for key, value in vars(module).items() if isinstance(value, type) and name in vars(value)), None)
        what = f"it is a method of your class {owner[:200]}, not a function" if function is None and owner else what
        return {"kind": "missing", "says": f"{name}: {what}; define it with `def {name}(…):`, at the left margin."}
    names = list(request["names"])
    arguments = dict(zip(names, protocol.decoded(request["arguments"], raw, layout=True), strict=True))
    if problem := cannot_bind(name, function, arguments):
        return {"kind": "raised", "says": problem, "traceback": ""}
    try:
        value = function(**arguments)
    except BaseException as error:
        return raised(error, f"{name}: it")
    try:
        result = protocol.encoded(value, sent, most=most)
        arrays = [key for key in names if type(arguments[key]) is protocol.np.ndarray]  # the others cannot be changed
        after = [protocol.encoded(arguments[key], sent, f"{key} after the call", most=most) for key in arrays]
    except protocol.NotPlain as refusal:
        sent.clear()
        return {"kind": "refused", "says": f"{name}: {refusal}"}
    return {"kind": "value", "value": {"tuple": [result, *after]}, "after": arrays}


def cannot_bind(name: str, function, arguments: dict) -> str:
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        return f"{name}: it is called as {name}({', '.join(arguments)}), by these names, but your definition does not take that: {error}."
    except ValueError:  # no signature to be had: the call will tell
        pass
    return ""


def raised(error: BaseException, what: str) -> dict:
    """Return the header of an exception: one sentence, and the traceback with the student's own lines only."""
    shown = traceback.TracebackException(type(error), error, error.__traceback__, limit=-200)
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if frame.filename == FILE])
    shown.__cause__ = shown.__context__ = None
    text = "".join(shown.format())
    words = (line.strip() for line in shown.format_exception_only() if not line.startswith(" "))  # a SyntaxError's begin with its place
    last = next(words, type(error).__name__)[:500]
    if isinstance(error, SyntaxError) and error.filename == FILE:
        says = f"{what} is not Python in line {error.lineno}: {error.msg}."
    elif isinstance(error, NotImplementedError):
        says = f"{what} raises {last}: this is still to be written."
    else:
        says = f"{what} raised {last}"
    return {"kind": "raised", "says": says, "traceback": text[:MOST_TRACEBACK]}


if __name__ == "__main__":
    main()
