"""Which question: what is a misconception, to a program?

Idea: a wrong implementation of one function and one sentence that says what its author believed.  Whoever believes it
computes the same wrong numbers, so a student's answers name the belief: it is the one whose numbers agree with all of them.

Cost: none.  What it does not do: search (grade/diagnosis.py).
Source: Brown & Burton, Diagnostic models for procedural bugs in basic mathematical skills, Cognitive Science 2 (1978).
Next rooms: conv2d.py and its neighbours, one file for each function that is learned.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Misconception", "believed"]


@dataclass(frozen=True, eq=False)
class Misconception:
    """A wrong implementation of `function`: `wrong` has its arguments; `says` is one sentence to its author; `lesson` is the one to reread."""

    name: str
    function: str
    says: str
    lesson: str
    wrong: Callable

    def __call__(self, *args, **arguments):
        return self.wrong(*args, **arguments)

    def __repr__(self):
        return f"Misconception({self.function}: {self.name})"


def believed(says: str, lesson: str, function: str = "", name: str = "") -> Callable[[Callable], Misconception]:
    """Make a misconception of the function below, whose name is what the mistake is called.

    function : what it is a wrong implementation of, the name of its file unless given.  Source: none.

    >>> @believed("Your result is …", lesson="02", function="relu")
    ... def keeps_the_sign(x):
    ...     return abs(x)
    >>> keeps_the_sign, keeps_the_sign(-2)
    (Misconception(relu: keeps the sign), 2)
    """

    def make(wrong: Callable) -> Misconception:
        own = function or wrong.__module__.rpartition(".")[2]
        return Misconception(name or wrong.__name__.replace("_", " "), own, says, lesson, wrong)

    return make
