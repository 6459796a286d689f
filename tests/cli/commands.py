"""How the tests of the command line run it: in this process, or in one of its own."""

import inspect
import os
import subprocess
import sys

from typer.testing import CliRunner

from minicnn.cli import app

WIDE = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": None, "FORCE_COLOR": None}


def minicnn(*words: str):
    """Run a command in this process at 80 columns; the result has exit_code, stdout and stderr."""
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    result = CliRunner(env=WIDE, **apart).invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def process(*words: str, module: str = "minicnn", cwd=None, **env: str):
    """Run `python -m minicnn …` as users do."""
    surroundings = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **env}
    return subprocess.run(
        [sys.executable, "-m", module, *words], capture_output=True, encoding=surroundings["PYTHONIOENCODING"], env=surroundings, cwd=cwd
    )
