"""Which question: how is code run that nobody should trust?

Idea: in another process, which holds the student's file, Python and NumPy and nothing else, and which answers calls with raw arrays over a pipe.
The grader never imports the file; what is right is computed here, out of the other's reach, and so is the verdict.

Cost: 0.2 s a submission and 0.2 ms a call.  What it does not do: judge (checking.py).
Source: Saltzer & Schroeder, The protection of information in computer systems, Proc. IEEE 63 (1975): least privilege, fail-safe defaults.
Rooms: protocol.py (frames), child.py (the other side), seal.py (what it may never call), sandbox.py (walls), guard.py (the grader's own
part), process.py (deadlines), session.py.
"""

from minicnn.grade.runner.sandbox import Limits
from minicnn.grade.runner.session import Runner

__all__ = ["Limits", "Runner"]
