"""Which question: what does Gradescope want to be told?

Idea: one document, results.json: a test for every part, with its points and, where it failed, the lines that the terminal would show.
What was asked of whom is the course's secret, so the seed is not in it.

Cost: none.  What it does not do: write /autograder/results/results.json; the run_autograder that `minicnn assignment make-gradescope` makes does.
Source: Gradescope's autograder documentation, "Autograder Specifications", section "Output format".  Next room: making.py.
"""

from minicnn import check
from minicnn.grade.report import GradeReport, PartResult
from minicnn.grade.terminal import failure
from minicnn.grade.words import clean

VISIBILITY = ("visible", "hidden", "after_due_date", "after_published")


def results(report: GradeReport, visibility: str = "visible") -> dict:
    """Return a report as what Gradescope reads from results.json.

    visibility : when students see the tests: 'visible' (at once), 'hidden', 'after_due_date' or 'after_published'

    >>> from minicnn.grade.report import PartResult
    >>> found = results(GradeReport("02", "conv2d", (PartResult("conv2d", "stride 1", 4, 50, 0.1),)))
    >>> found["score"], found["tests"][0]["name"], found["tests"][0]["status"]
    (4.0, 'conv2d: stride 1', 'passed')

    Raises ArgumentError for another visibility.
    Source: Gradescope's autograder documentation, "Output format".
    """
    check.one_of(visibility, "visibility", "gradescope.results", VISIBILITY)
    remarks = (*report.advice, *report.in_force)
    told = [clean(report.problem)] if report.problem else []
    told += [f"- {clean(remark)}" for remark in remarks]
    return {
        "score": float(report.earned),
        "execution_time": round(float(report.seconds), 3),
        "output": "\n".join(told) or "All parts were checked.",
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": [_test(part, bool(report.problem)) for part in report.parts],
    }


def _test(part: PartResult, unchecked: bool) -> dict:
    why = part.failure
    belief = {"misconception": why.misconception.name} if why and why.misconception else {}
    told = [] if why is None or unchecked else failure(part)
    return {
        "name": f"{part.task}: {part.part}",
        "score": float(part.earned),
        "max_score": float(part.points),
        "status": "failed" if why else "passed",
        "output": "\n".join(line for line, _ in told)
        or ("nothing could be checked, see above" if why else f"passed in {part.cases} cases"),
        "extra_data": {"stage": why.stage, **belief} if why else {},
    }
