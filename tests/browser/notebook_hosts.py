"""JupyterLab and marimo as a reader starts them, each on a port and in a home of its own, and ended with all that they started.

What they print goes to a file beside the notebook, so that a test that fails can tell what the server said.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

BEGIN_WITHIN = 40  # seconds for a server to answer
END_WITHIN = 5  # seconds to end politely
SETTINGS = "lab/user-settings/@jupyterlab"


@contextlib.contextmanager
def jupyter_lab(folder: Path, *, dark: bool = False):
    """Serve the notebooks of a folder; the address is handed out."""
    home = folder / ".home"
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    looks = {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"}
    for name, settings in {"notification": quiet, "themes": looks}.items():
        path = home / "config" / SETTINGS / "apputils-extension" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")
    port = free_port()
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
    ]
    own = {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "runtime")}
    settings = {"JUPYTERLAB_SETTINGS_DIR": str(home / "config/lab/user-settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"]
    with server(command, folder, home, port, "/api/status", **own, **settings, IPYTHONDIR=str(home / "ipython")) as address:
        yield address


@contextlib.contextmanager
def marimo_app(path: Path, *, edit: bool = False):
    """Run a marimo app, or open it to be edited; the address is handed out."""
    port = free_port()
    options = ["--headless", "--no-token", "--host=127.0.0.1", f"--port={port}", *(["--skip-update-check"] if edit else [])]
    command = [sys.executable, "-m", "marimo", *("-y", "-q"), "edit" if edit else "run", *options, str(path)]
    with server(command, path.parent, path.parent / ".home", port, "/health") as address:
        yield address


@contextlib.contextmanager
def server(command: list[str], folder: Path, home: Path, port: int, alive: str, **environment):
    """Start a server in a process group of its own, wait until it answers, and end the group whatever happens."""
    home.mkdir(exist_ok=True)
    own = {"HOME": str(home), **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "CACHE", "DATA", "STATE")}}
    log = folder / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(process, address + alive, log)
            yield address
        finally:
            end(process)


def wait_for(process, address: str, log: Path) -> None:
    """Wait until the address answers; fail with what the server said where it ended or takes too long."""
    until = time.monotonic() + BEGIN_WITHIN
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, http.client.HTTPException, OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise AssertionError(f"no answer from {address} (exit status {process.poll()}); the server said:\n{said}")


def end(process) -> None:
    """End a process and all that it started, kernels too."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN)


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def notebook(path: Path, cells: list[str]) -> Path:
    """Write a Jupyter notebook of code cells that have not been run."""
    code = [
        {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": text}
        for n, text in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path.write_text(json.dumps({"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


def app(path: Path, cells: list[str]) -> Path:
    """Write a marimo app of cells; what a cell's last line says is shown."""
    bodies = "".join(f"@app.cell\ndef _({needs}):\n{indented(text)}\n\n\n" for needs, text in cells)
    path.write_text(f"import marimo\n\napp = marimo.App()\n\n\n{bodies}if __name__ == '__main__':\n    app.run()\n", encoding="utf-8")
    return path


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
