"""The independently written correct implementations, by file and function."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parent / "correct"


def functions_of(path: Path) -> dict:
    """Return the functions that a file defines."""
    spec = importlib.util.spec_from_file_location(f"correct_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")}


CORRECT = [(path.stem, name, function) for path in sorted(FOLDER.glob("*.py")) for name, function in functions_of(path).items()]
