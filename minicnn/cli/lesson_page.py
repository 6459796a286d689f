"""Which question: how can a lesson be read, and answered, where there is no Python?

Idea: the lesson is run once and its outputs become one page: texts, code, figures with their alt texts, tables.  Questions are the predict
cells themselves, since all that they need lies in their data; step viewers are those of a report, and explain what a report explains.  Sliders
say their value and stand still.  Equations are set as MathML by the KaTeX that marimo brings.

Cost: the lesson's own seconds, and a page of some megabytes.  What it does not do: move a slider; ask another host (its policy forbids it).
Source: marimo's documentation of App.run; W3C, MathML Core.  Next rooms: lesson_files.py, lesson_page.html.
"""

import contextlib
import html
import importlib.util
import io
import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template

from minicnn import __version__
from minicnn.cli.lesson_files import Cell, Lesson, cells
from minicnn.errors import FileFormatError
from minicnn.quiz import cell as question

__all__ = ["page"]

QUESTION = ("question", "answer", "wrong", "because", "choices", "form", "topic", "typed", "state", "tries", "turn")
UI = re.compile(r"<marimo-ui-element\b[^>]*>\s*<marimo-[\w-]+(?P<data>[^>]*)>.*?</marimo-ui-element>", re.DOTALL)
SCROLLS = re.compile("<(pre|table)>")
TEX = re.compile(r"<marimo-tex\b[^>]*>(?P<tex>.*?)</marimo-tex>", re.DOTALL)


class Viewer:
    """What stands for a step viewer while a lesson is run for a page: what the page needs of it."""

    def __init__(self, net, trace, node=None, channel=None, at=None, mode="step", *, photo=None):
        from minicnn.show.payload import payload
        from minicnn.show.stepper import begin

        self.payload = payload(net, trace, photo=photo)
        self.state = begin(net, trace, node, channel, at, mode)
        held = next((each.get("explained") or {} for each in self.payload["nodes"] if each["name"] == node), {})
        if ",".join(map(str, (self.state.get("channel"), *self.state.get("at", ())))) not in held:
            self.state = {key: value for key, value in self.state.items() if key in ("tab", "node")}  # begin with one that is explained


def page(lesson: Lesson) -> str:
    """Return a lesson as the text of an .html file; the lesson is run.  Raises what the lesson raises."""
    return written(lesson, outputs_of(lesson.path))


def written(lesson: Lesson, outputs: list[tuple[str, object]]) -> str:
    """Return the page of a lesson that was run."""
    own = cells(lesson.path)
    if len(outputs) != len(own):
        raise FileFormatError(f"export: {lesson.path.name} has {len(own)} cells but {len(outputs)} outputs; is every cell below @app.cell?")
    data: list[str] = []
    body = "\n".join(_section(cell, said, output, data) for cell, (said, output) in zip(own, outputs, strict=True))
    return Template(_own("lesson_page.html")).substitute(
        title=html.escape(f"{lesson.number} {lesson.title}"),
        number=lesson.number,
        version=__version__,
        body=body,
        data="\n".join(data),
        style="\n".join([_style(body), _own("lesson_page.css")]),
        script="\n".join(_scripts(body)),
    )


class Said(io.StringIO):
    """A stream that keeps what each cell prints apart; marimo names a cell in the file that its code is said to come from."""

    def __init__(self):
        super().__init__()
        self.by_cell: dict[str, str] = {}

    def write(self, text: str) -> int:
        frame = sys._getframe(1)
        while frame and not (found := re.search(r"__marimo__cell_(\w+?)_\.py", frame.f_code.co_filename)):
            frame = frame.f_back
        if frame:
            self.by_cell[found[1]] = self.by_cell.get(found[1], "") + text
        return len(text)


def outputs_of(path: Path) -> list[tuple[str, object]]:
    """Run a lesson and return what each cell prints and shows."""
    spec = importlib.util.spec_from_file_location(f"lesson_{path.stem}", path)
    module, said = importlib.util.module_from_spec(spec), Said()
    with _nothing_left_behind(), _viewers(), contextlib.redirect_stdout(said):
        spec.loader.exec_module(module)
        shown = module.app.run()[0]
    printed = [said.by_cell.get(cell, "") for cell in module.app._cell_manager.valid_cell_ids()]
    return list(zip(printed, shown, strict=True))


@contextlib.contextmanager
def _nothing_left_behind():
    """Import a lesson without a __pycache__ beside it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


@contextlib.contextmanager
def _viewers():
    """Let show.stepper hand out what a page needs: the widget's own data leaves out what it would ask Python for."""
    from minicnn import show

    widget, show.stepper = show.stepper, Viewer
    try:
        yield
    finally:
        show.stepper = widget


def _section(cell: Cell, said: str, output, data: list[str]) -> str:
    shown = (said and _shown(said.rstrip("\n"), data)) + _shown(getattr(output, "widget", output), data)
    code = (
        ""
        if cell.text is not None or cell.hidden or not cell.code
        else f"<pre class='code' tabindex='0'><code>{html.escape(cell.code)}</code></pre>"
    )
    return f"{code}{shown and f'<div class=output>{shown}</div>'}"


def _shown(output, data: list[str]) -> str:
    """Return one output as HTML; what a script draws gets its data behind the page and a place in it."""
    if output is None:
        return ""
    if isinstance(output, Viewer):
        return _placed("viewer", {"payload": output.payload, "state": output.state}, data)
    if hasattr(output, "_esm") and hasattr(output, "wrong"):
        return _placed("question", {name: getattr(output, name) for name in QUESTION}, data)
    if hasattr(output, "_repr_html_"):
        return _plain_html(output._repr_html_())
    if isinstance(output, tuple | list) and any(hasattr(each, "_repr_html_") for each in output):
        return "".join(_shown(each, data) for each in output)
    return f"<pre tabindex='0'>{html.escape(output if isinstance(output, str) else repr(output))}</pre>"


def _placed(kind: str, value: dict, data: list[str]) -> str:
    from minicnn.show.report import deflated

    data.append(f'<script type="text/plain" id="data-{len(data)}">{deflated(value)}</script>')
    return f'<div data-{kind}="data-{len(data) - 1}"></div>'


def _plain_html(text: str) -> str:
    """Return marimo's HTML without marimo's elements.

    >>> _plain_html("<p><marimo-tex class='a'>||(a^2||)</marimo-tex></p>")
    '<p><span class="tex">a^2</span></p>'
    """
    return SCROLLS.sub(r'<\1 tabindex="0">', TEX.sub(_equation, UI.sub(_still, text)))  # what scrolls is reached by keys


def _still(found: re.Match) -> str:
    """Return a slider as a line that says its value."""
    said = {name: html.unescape(value) for name, value in re.findall(r"data-([\w-]+)='([^']*)'", found["data"])}
    label, value = (json.loads(said.get(name) or '""') for name in ("label", "initial-value"))
    words = re.sub(r"<[^>]*>", "", str(label or "")).strip()
    return f'<p class="still"><span>{words}</span> <b>{html.escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))}</b></p>'


def _equation(found: re.Match) -> str:
    tex = found["tex"].strip()
    display = ' data-display="1" tabindex="0"' if tex.startswith("||[") else ""
    return (
        f'<span class="tex"{display}>{tex.removeprefix("||[").removeprefix("||(").removesuffix("||]").removesuffix("||)").strip()}</span>'
    )


def _scripts(body: str) -> list[str]:
    """Return what the page runs, and no more than it needs."""
    from minicnn.show import bundle

    parts = []
    if "data-question" in body:
        module = re.sub(r"^export default .*$", "", question.script(), flags=re.MULTILINE)
        parts.append(f"const quiz = (() => {{\n{bundle.plain(module, 'cell.js')}\nreturn {{ render }};\n}})();")
    if "data-viewer" in body:
        parts.append(f"const viewers = (() => {{\n{bundle.joined()}\nreturn {{ mount, reportSource }};\n}})();")
    if 'class="tex"' in body and (katex := _katex()):
        parts.append(katex)
    return [bundle.embeddable("\n".join([*parts, _own("lesson_page.js")]))]


def _katex() -> str:
    """Return marimo's KaTeX as a constant `katex`, "" where this marimo keeps it elsewhere: then equations stay in TeX."""
    import marimo

    for file in sorted((Path(marimo.__file__).parent / "_static" / "assets").glob("katex-*.js")):
        text = file.read_text(encoding="utf-8")
        name = re.search(r"renderToString:([\w$]+)", text)
        if name and not re.search(r"^import\b", text):
            return f"const katex = (() => {{\n{re.sub(r'export *{[^}]*};?', '', text)}\nreturn {{ renderToString: {name[1]} }};\n}})();"
    return ""


def _style(body: str) -> str:
    from minicnn.show import bundle

    return "\n".join([question.style(), bundle.style() if "data-viewer" in body else ""])


def _own(name: str) -> str:
    return files("minicnn.cli").joinpath(name).read_text(encoding="utf-8")
