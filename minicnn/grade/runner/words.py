"""Which question: how does a report say what kept a student's code apart?

Idea: one sentence for each wall that stands, and one for what does not, so that nobody takes a plain process for a sandbox.

Cost: none.  What it does not do: decide (sandbox.py, child.py).  Source: none.  Next room: session.py.
"""

from minicnn.grade.runner.sandbox import Limits

WALLS = {
    "bubblewrap": "bubblewrap: no network, a read-only tree with Python and NumPy alone, a private /tmp, no /proc, no other process in sight",
    "unshare": "unshare: no network, a read-only tree with Python and NumPy alone, a private /tmp, no /proc, no other process in sight",
    "plain": "a plain process: no wall around files and network, so this protects from accidents, not from intent",
}


def in_force_words(kind: str, limits: Limits, facts: dict) -> tuple[str, ...]:
    """Return the sentences of GradeReport.in_force from what the child reported before any student's code ran.

    >>> in_force_words("plain", Limits(), {"limits": ["CPU"], "user": None, "locked": False, "sealed": False})[1:]
    ('the same user as the grader, whose files and processes are in reach', 'limits: 10 s a call, 120 s of processor time')
    """
    names = {
        "CPU": f"{limits.cpu} s of processor time",
        "AS": f"{limits.memory >> 20} MiB of memory a process",
        "FSIZE": f"{limits.file_size >> 20} MiB a file",
        "NPROC": "no further processes or threads",
        "NOFILE": f"{limits.open_files} open files",
    }
    held = [f"limits: {limits.wall:g} s a call", *(words for name, words in names.items() if name in facts["limits"])]
    said = [WALLS[kind]]
    if facts["user"] is not None:
        said.append(f"a user of its own ({facts['user']}), who owns nothing")
    elif kind == "plain":
        said.append("the same user as the grader, whose files and processes are in reach")
    said.append(", ".join(held))
    if facts["locked"]:
        gained = "and no way to gain one" if facts["sealed"] else "but namespaces of its own where the system permits them"
        said.append(f"no privileges, {gained}; the grader's memory is closed to it")
    return tuple(said)
