"""Every lesson as a script, as a notebook of Jupyter and as a page: each runs, and leaves no file where it was begun."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from minicnn.cli.lesson_files import all_of_them, cells
from minicnn.cli.lesson_notebook import notebook

LIMIT = 20 * 2  # seconds of processor time of a lesson as a script: 20 on two cores
LESSONS = all_of_them()
NUMBERS = [lesson.number for lesson in LESSONS]
MISSING = [name for name in ("marimo", "anywidget", "skimage") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"pip install 'minicnn-engine[lessons]': {', '.join(MISSING)} missing")


def spent() -> float:
    """Return the processor time of all processes that have ended: others on this machine make a lesson wait, not work."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize("lesson", LESSONS, ids=NUMBERS)
def test_it_runs_as_a_script(lesson, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "", "PYTHONDONTWRITEBYTECODE": "1"}
    for _ in range(2):  # the first run may compile kernels, which a reader waits for once
        before = spent()
        done = subprocess.run(
            [sys.executable, str(lesson.path)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400
        )
        took = spent() - before
        assert done.returncode == 0, done.stderr[-3000:]
        if took < LIMIT:
            break
    assert took < LIMIT, f"lesson {lesson.number} took {took:.1f} s of processor time, with its kernels compiled"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lesson", LESSONS, ids=NUMBERS)
def test_its_notebook_runs_and_shows_its_questions(lesson, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    made = nbformat.reads(notebook(lesson), as_version=4)
    nbformat.validate(made)
    own = cells(lesson.path)
    assert sum(cell.cell_type == "markdown" for cell in made.cells) == 1 + sum(cell.text is not None for cell in own)
    assert not any("marimo as mo" in cell.source for cell in made.cells)
    asked = sum("quiz.predict(" in cell.code or "quiz.ask(" in cell.code for cell in own)
    nbclient.NotebookClient(made, timeout=400, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    states = made.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    outputs = [output.data for cell in made.cells if cell.cell_type == "code" for output in cell.outputs if "data" in output]
    shown = [
        data["application/vnd.jupyter.widget-view+json"]["model_id"]
        for data in outputs
        if "application/vnd.jupyter.widget-view+json" in data
    ]
    questions = [states[model]["state"] for model in shown if "because" in states.get(model, {}).get("state", {})]
    assert len(questions) == asked >= 3
    assert all(each["question"] and each["answer"]["text"] for each in questions)
    assert any("payload" in states[model]["state"] for model in shown)
    assert any("Slider" in states[model]["state"].get("_model_name", "") for model in states)
    assert any('alt="' in data.get("text/html", "") for data in outputs)


def test_what_a_notebook_takes_the_place_of(tmp_path):
    """The cell that stands in for marimo: sliders with the same .value, texts as Markdown."""
    pytest.importorskip("ipywidgets")
    from minicnn.cli.lesson_notebook import SETUP

    made = {}
    exec(SETUP, made)
    mo = made["mo"]
    assert mo.ui.slider(1, 7, value=3, label="kernel", show_value=True).value == 3
    assert mo.ui.slider(start=0, stop=90, step=15).value == 0
    assert mo.ui.slider(0.5, 2, step=0.5, value=1.5).value == 1.5
    assert mo.ui.slider(steps=[1, 2, 4], value=4).value == 4
    assert mo.ui.dropdown({"a": 1, "b": 2}, value="b").value == 2
    assert mo.ui.dropdown({"a": 1, "b": 2}, value="b").selected_key == "b"
    assert mo.ui.dropdown(["a", "b"], value="b").value == "b"
    assert mo.md("  a\n  b").data == "a\nb"


def test_a_notebook_is_plain_json():
    for lesson in LESSONS:
        document = json.loads(notebook(lesson))
        assert len({cell["id"] for cell in document["cells"]}) == len(document["cells"])
        assert document["nbformat"] == 4
