"""Which question: how does a lesson become a notebook for Jupyter and Colab?

Idea: text cells become markdown, the others code.  A first cell stands in for what the lesson uses of marimo (texts, sliders, things below each
other) with Jupyter's own, so that a slider is there and keeps its `.value`; what depends on it is run again by the reader.

Cost: reading a file.  What it does not do: run anything; make pictures follow a slider by themselves, which only marimo does.
Source: nbformat's documentation, version 4.5; ipywidgets' documentation.  Next rooms: lesson_files.py, lesson.py.
"""

import json
import re

from minicnn.cli.lesson_files import Lesson, cells, ordered

__all__ = ["notebook"]

BEFORE = """\
*Lesson {number} of minicnn, as a notebook. On Colab, first run `%pip install "minicnn-engine[lessons,pretrained]"` in a cell of its own.
After moving a slider, run the cells below it again: by themselves the pictures follow only in marimo, `minicnn lesson {number}`.*"""

SETUP = """\
# What this lesson uses of marimo, in Jupyter's own widgets.
import inspect
import sys

import ipywidgets
from IPython.display import Markdown, display

if "google.colab" in sys.modules:
    from google.colab import output

    output.enable_custom_widget_manager()


class Dropdown(ipywidgets.Dropdown):
    selected_key = property(lambda self: self.label)


class mo:
    def md(text):
        return Markdown(inspect.cleandoc(text))

    def vstack(items, **looks):
        for item in items:
            display(item)

    hstack = vstack

    class ui:
        def slider(start=None, stop=None, step=None, value=None, label="", steps=None, **looks):
            own = {"description": label, "style": {"description_width": "initial"}, "layout": {"width": "100%"}}
            if steps is not None:
                return ipywidgets.SelectionSlider(options=list(steps), value=steps[0] if value is None else value, **own)
            whole = all(isinstance(number, int) for number in (start, stop, step or 1))
            kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
            return kind(min=start, max=stop, step=step or 1, value=start if value is None else value, **own)

        def dropdown(options, value=None, label="", **looks):
            first = options[value] if isinstance(options, dict) and value is not None else value
            return Dropdown(options=options, value=first, description=label, style={"description_width": "initial"})

        def switch(value=False, label="", **looks):
            return ipywidgets.Checkbox(value=value, description=label)

        checkbox = switch"""


def notebook(lesson: Lesson) -> str:
    """Return a lesson as the text of an .ipynb file, not yet run."""
    made = [_markdown(BEFORE.format(number=lesson.number)), _code(SETUP, hidden=True)]
    for cell in ordered(cells(lesson.path)):
        code = re.sub(r"^import marimo as mo\n?", "", cell.code, flags=re.MULTILINE).strip("\n")
        if cell.text is not None:
            made.append(_markdown(cell.text))
        elif code:
            made.append(_code(code, cell.hidden))
    numbered = [{"id": f"cell-{n}", **cell} for n, cell in enumerate(made)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": numbered,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _markdown(text: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(code: str, hidden: bool) -> dict:
    looks = {"jupyter": {"source_hidden": True}, "cellView": "form"} if hidden else {}
    return {"cell_type": "code", "execution_count": None, "metadata": looks, "outputs": [], "source": code.splitlines(keepends=True)}
