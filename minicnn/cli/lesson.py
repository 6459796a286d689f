"""Which question: how does a reader get to a lesson?

    minicnn lesson list                    the lessons, their minutes
    minicnn lesson 03                      the lesson as an app in the browser
    minicnn lesson 03 --edit               a copy of your own, opened to be changed
    minicnn lesson export 03 --to ipynb    a notebook for Jupyter and Colab; --to html: one page that needs no Python

Idea: a lesson is a file, and marimo shows it; this finds the file and a free port, and hands over.
Cost: marimo's own start, some seconds.  What it does not do: change a lesson that came with minicnn.
Source: marimo's documentation of its command line.  Next rooms: lesson_files.py, lesson_notebook.py, lesson_page.py.
"""

import importlib.util
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.core import TyperGroup

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal

PORT, TRIED = 2718, 100  # where marimo itself begins, and how many ports are tried from there
SHOW_CODE = "/?show-code=true"  # marimo's app shows pictures and answers alone unless it is asked for; cells that hide theirs stay folded
NEEDS = {"marimo": "marimo", "anywidget": "anywidget", "skimage": "scikit-image"}  # what a lesson imports, by what is installed
Which = Annotated[str, typer.Argument(metavar="LESSON", help="Its number or name: 03, channels.", show_default=False)]


class Lessons(TyperGroup):
    """`minicnn lesson 03` means `minicnn lesson open 03`."""

    def parse_args(self, ctx, args):
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["open", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Lessons,
    name="lesson",
    help="Lessons that ask before they tell: minicnn lesson 03 opens one in the browser.",
    epilog="Examples: minicnn lesson list, minicnn lesson 03, minicnn lesson 03 --edit, minicnn lesson export 03 --to html",
    rich_markup_mode="rich",
    no_args_is_help=True,
)


@app.command("list", epilog="Example: minicnn lesson list")
def list_(json: JsonOption = False) -> None:
    """Show the lessons and how long each takes."""
    from minicnn.cli.lesson_files import all_of_them
    from minicnn.text import table

    terminal, known = Terminal(), all_of_them()
    if json:
        terminal.json([{"number": each.number, "title": each.title, "minutes": each.minutes, "file": each.path.name} for each in known])
        return
    terminal.line(table(("no.", "lesson", "minutes"), [(each.number, each.title, each.minutes) for each in known], align="llr"))
    if known:
        terminal.say(f"To begin: minicnn lesson {known[0].number}")


@app.command("open", epilog="Examples: minicnn lesson 03, minicnn lesson 03 --edit")
def open_(
    lesson: Which,
    edit: Annotated[bool, typer.Option("--edit", help="Write a copy into this folder, and open it to be changed.")] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where to serve it; a free one by default.", show_default=False)
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Open a lesson in the browser; Ctrl-C ends it."""
    from minicnn.cli.lesson_files import find

    terminal, chosen = Terminal(), find(lesson)
    _installed(chosen.number)
    taken = free_port(port)
    if port is None and taken != PORT:
        terminal.note(f"port {PORT} is in use; this lesson is on port {taken}.")
    path = own_copy(chosen.path, terminal) if edit else chosen.path
    terminal.fact("lesson", f"{chosen.number} {chosen.title} ({chosen.minutes} minutes)")
    address = f"http://127.0.0.1:{taken}" + ("" if edit else SHOW_CODE)
    terminal.fact("address", f"{address}; Ctrl-C ends it")
    how = ["edit", "--skip-update-check"] if edit else ["run", "--include-code"]
    options = ["--host=127.0.0.1", f"--port={taken}", *([] if browser and edit else ["--headless"])]
    command = [sys.executable, "-m", "marimo", "-y", "-q", *how, *options, str(path)]
    raise typer.Exit(handed_over(command, address if browser and not edit else None))


@app.command("export", epilog="Example: minicnn lesson export 03 --to ipynb --out channels.ipynb")
def export(
    lesson: Which,
    to: Annotated[Literal["ipynb", "html"], typer.Option(help="A notebook to run, or a page to read.")] = "ipynb",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="What is written; NN_name here by default.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a lesson as a notebook for Jupyter and Colab, or run it and write one page that needs no Python."""
    from minicnn.cli.lesson_files import find
    from minicnn.load.whole import written

    terminal, chosen = Terminal(), find(lesson)
    path = out if out is not None else f"{chosen.path.stem}.{to}"
    _writable(path, to, overwrite)
    if to == "ipynb":
        from minicnn.cli.lesson_notebook import notebook

        text = notebook(chosen)
    else:
        from minicnn.cli.lesson_page import page

        _installed(chosen.number)
        terminal.note("running the lesson, once …")
        text = page(chosen)
    written(path, lambda stream: stream.write(text.encode()), overwrite=overwrite, what="export")
    terminal.fact("written", f"{path} ({len(text.encode()):,} bytes)")
    terminal.fact("look at it", "in Jupyter or Colab: run all cells" if to == "ipynb" else "open it in any browser; it asks no network")


def _installed(number: str) -> None:
    """Refuse to begin what would end in a missing import."""
    from minicnn.errors import UnsupportedError

    missing = [name for module, name in NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UnsupportedError(
            f"lesson: lesson {number} needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed: "
            'pip install "minicnn-engine[lessons]".'
        )


def free_port(wanted: int | None) -> int:
    """Return a port that nobody listens on: the wanted one, or the first from marimo's own upwards."""
    from minicnn.errors import ArgumentError

    for port in [wanted] if wanted is not None else range(PORT, PORT + TRIED):
        with socket.socket() as tried:
            if sys.platform != "win32":
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
            try:
                tried.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    which = f"{wanted} is" if wanted is not None else f"{PORT} to {PORT + TRIED - 1} are"
    raise ArgumentError(f"--port: a port that is free is needed, but {which} in use; leave --port out, or name another.")


def own_copy(lesson: Path, terminal: Terminal) -> Path:
    """Return the reader's copy of a lesson in this folder, written where there is none."""
    own = Path(lesson.name)
    if own.exists() and own.resolve() != lesson.resolve():
        terminal.note(f"{own} is there already and is opened as it is.")
    elif not own.exists():
        own.write_bytes(lesson.read_bytes())
        terminal.fact("yours", str(own))
    return own


def handed_over(command: list[str], address: str | None = None) -> int:
    """Run marimo until the reader ends it, its address opened once it answers; return its exit status."""
    process = subprocess.Popen(command)
    if address:
        threading.Thread(target=_open_when_ready, args=(address, process), daemon=True).start()
    try:
        return process.wait()
    except KeyboardInterrupt:  # marimo hears it too and ends by itself
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def _open_when_ready(address: str, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                webbrowser.open(address)
                return
        except OSError:  # not yet
            time.sleep(0.2)


def _writable(path: str, to: str, overwrite: bool) -> None:
    """Refuse a file that may not be written, before anything runs."""
    from minicnn.errors import ArgumentError
    from minicnn.load.whole import places

    if not path.lower().endswith(f".{to}"):
        raise ArgumentError(
            f"--out: --to {to} writes a file that ends in .{to}, but it is called {path!r}; call it {Path(path).stem}.{to}."
        )
    try:
        places(path, overwrite, "--out")
    except ArgumentError as error:
        raise ArgumentError(str(error).replace("pass overwrite=True", "add --overwrite")) from None
