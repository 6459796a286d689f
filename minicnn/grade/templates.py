"""Which question: what do the files say that making.py and autograder.py write?

Idea: they are texts with holes, in one place, so that they can be read as what they become.

Cost: none.  What it does not do: fill the holes.  Source: Gradescope's documentation, Autograder Specifications.
Next rooms: making.py, autograder.py.
"""

CHECKS = '''"""Which question: what is right in {title}, and what is checked?

Everything here is meant to be edited: the reference, the domain, the parts with their points, the bound, the misconceptions.
`minicnn assignment check FILE --assignment FOLDER` checks one file, `minicnn assignment grade` a class.
"""

import numpy as np
{imports}
from minicnn.grade.domains import sizes
from minicnn.grade.task import Assignment, Example, Part, Task
from minicnn.misconceptions import believed

{body}


def bound(arguments):
    """How far a sound result may be off: wide enough for sums of some 1,000 terms.  Return 0 where numbers are only copied."""
    arrays = [value for value in arguments.values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    largest = max([1.0, *(float(np.abs(array).max()) for array in arrays if array.size)])
    right = {name}(**arguments)
    scale = max([largest, *(float(np.abs(item).max()) for item in (right if isinstance(right, tuple) else (right,)) if np.size(item))])
    return 1000 * max([np.finfo(array.dtype).eps for array in arrays], default=2.0**-52) * scale


def example():
    """One call and its right result: work it out by hand.  README.md shows the same numbers."""
{example}
    return Example({{{given}}}, right_result)


ASSIGNMENT = Assignment(
    number="{number}",
    title={quoted},
    minutes=60,  # to expect
    lesson="",  # the one to reread
    tasks=(
        Task(
            name="{name}",
            arguments=arguments,
            reference={name},
            parts=(Part("all sizes", {points}, sizes(**DOMAIN)),),  # a corner of the domain is a part with points of its own
            examples=(example(),),
            bound=bound,
            misconceptions=({mutants}),
        ),
    ),
)
'''

STARTER = '''"""Assignment {number}: {title}.  The task is in README.md."""

import numpy as np


{header}
    """{docstring}
    """
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{{__file__}}" --assignment FOLDER')
'''

README = """# {number} {title}

{task}

Write `{name}` with NumPy alone; keep its name and its arguments. About 60 minutes.

## By hand

```pycon
{call}
```

## What is checked

In this order: the example; whole numbers, exactly; any numbers, in float32 and float64, in arrays that need not be contiguous; that your arguments
are as they were; that the same call gives the same answer twice.

`minicnn assignment check FILE --assignment FOLDER` says what is wrong, with the smallest case that shows it.
"""

SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: Python 3.11 or newer, minicnn in an environment of its own, bubblewrap for the sandbox.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y bubblewrap python3 python3-venv
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  apt-get install -y python3.11 python3.11-venv
  python=python3.11
fi
"$python" -m venv /opt/minicnn
wheel=$(ls /autograder/source/*.whl 2>/dev/null || true) # a wheel that was zipped with this file goes first
/opt/minicnn/bin/python -m pip install "${{wheel:-{version}}}"
chmod 700 /autograder/source # the secret and the checks are the grader's
"""

RUN = """#!/usr/bin/env bash
# Runs at every submission, in /autograder: grades what lies in submission/, and writes results/results.json.
cd "$(dirname "$0")"
exec /opt/minicnn/bin/python -m minicnn.grade.autograder {assignment}
"""
