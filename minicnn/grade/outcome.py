"""Which question: what came back from a student's function?

Idea: a value, or one of the ways in which there is none; each is data, so that nothing of the student's is ever run by who reads it.
Values are plain: None, bool, int, float, str, a NumPy array of its own memory, or a tuple of such.

Cost: none.  What it does not do: compare (comparing.py).  Source: none.  Next room: runner/session.py, which makes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

VALUE, RAISED, MISSING, REFUSED, LATE, DIED = "value", "raised", "missing", "refused", "late", "died"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one call of a student's function came to.

    kind : 'value', 'raised' (an exception of the student's code), 'missing' (there is no such function), 'refused' (a value that is no
        plain one), 'late' (over the time), 'died' (the process ended, was killed, or answered what is no answer)
    value : what was returned, where kind is 'value'
    says : one sentence for the student, where it is not
    traceback : the student's own lines of an exception, ours left out
    after : the arguments as they were after the call, by name, where they are known
    seconds : how long it took, as the grader saw it
    """

    kind: str
    value: Any = None
    says: str = ""
    traceback: str = ""
    after: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


Answer = Callable[[str, Mapping[str, Any]], Outcome]  # a function's name and its arguments: what the student's code makes of them
