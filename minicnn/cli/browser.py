"""Which question: how is a page that was written shown?

Idea: the system's browser is asked to open the file; where there is no screen, or no browser takes it, the path is said instead, since the file
can be opened anywhere.
Cost: none.  What it does not do: wait; serve anything.  Source: Python's documentation of webbrowser.  Next rooms: tour.py, report.py.
"""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal

OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def opened(terminal: Terminal, path: Path) -> bool:
    """Open a file in the browser and return True; where that cannot be, say on stderr where the file is."""
    address = Path(path).resolve().as_uri()
    if _has_screen() and webbrowser.open(address):
        return True
    terminal.note(f"there is no browser to open the page in; it is at {Path(path).resolve()}, and opens on any machine, without a network.")
    return False


def _has_screen() -> bool:
    """Return whether a window can appear: on Linux and its like a display must be named, or a browser."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
