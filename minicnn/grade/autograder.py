"""Which question: how does a grade get onto Gradescope?

Idea: two scripts are uploaded: setup.sh installs this package once, run_autograder runs this module at every submission, which takes
the one file, grades it and writes results.json, whatever was handed in.

    /autograder/submission ─► take ─► runner, checks ─► /autograder/results/results.json

Cost: one grading.  What it does not do: talk to Gradescope; draw (gradescope.py).
Source: Gradescope's documentation, Autograder Specifications.  Next rooms: gradescope.py, templates.py.
"""

import json
import shlex
import sys
from pathlib import Path

from minicnn import __version__
from minicnn.grade.assignments import find
from minicnn.grade.gradescope import results
from minicnn.grade.handed_in import grade_submission, slug, unchecked
from minicnn.grade.seeds import new_secret, read_secret, seed_of
from minicnn.grade.submission import take
from minicnn.grade.templates import RUN, SETUP
from minicnn.load.whole import places, written

SECRET = "secret.key"


def make_gradescope(assignment: str, folder) -> tuple[Path, ...]:
    """Write setup.sh, run_autograder and the course's secret into a folder, whose contents are then zipped and uploaded; return the paths.

    assignment : a number, or a folder, whose checks.py is copied
    Raises ArgumentError where one of the files is there already.
    """
    chosen, folder = find(assignment), Path(folder)
    own = (Path(assignment) / "checks.py").is_file()
    version, name = f"minicnn-engine=={__version__}", chosen.folder.name
    texts = {
        "setup.sh": SETUP.format(version=version).encode(),
        "run_autograder": RUN.format(assignment=shlex.quote(f"source/{name}") if own else chosen.number).encode(),
    }
    texts |= {f"{name}/checks.py": (chosen.folder / "checks.py").read_bytes()} if own else {}
    paths = [folder / each for each in texts]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        places(path, False, "make-gradescope")
    for path, data in zip(paths, texts.values(), strict=True):
        written(path, lambda stream, data=data: stream.write(data), overwrite=False, what="make-gradescope")
    (folder / "run_autograder").chmod(0o755)
    new_secret(folder / SECRET)
    return (*paths, folder / SECRET)


def run(assignment: str, root=Path(".")) -> int:
    """Grade what lies in root/submission, write root/results/results.json, and return an exit code: 1 where the grader itself failed."""
    root, chosen = Path(root), find(assignment)
    try:
        handed_in = take(root / "submission", slug(chosen))
        student = _student(root / "submission_metadata.json")
        seed = seed_of(read_secret(root / "source" / SECRET), student, chosen.number)
        report, code = grade_submission(chosen, handed_in, student=student, seed=seed), 0
    except Exception as error:  # whatever it is: Gradescope shows nothing where there is no result
        report, code = unchecked(chosen, f"the grader failed ({type(error).__name__}: {error}); please tell your instructor."), 1
    document = json.dumps(results(report), allow_nan=False).encode()
    (root / "results").mkdir(exist_ok=True)
    written(root / "results" / "results.json", lambda stream: stream.write(document), overwrite=True, what="autograder")
    return code


def _student(metadata: Path) -> str:
    """Return who handed in: the numbers of all users of a group, which stay the same from one submission to the next."""
    users = json.loads(metadata.read_text(encoding="utf-8"))["users"]
    return ",".join(sorted(str(user["id"]) for user in users))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
