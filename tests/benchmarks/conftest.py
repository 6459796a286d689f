"""The scripts of benchmarks/ as modules: they are no package, so their folder goes on the path, last."""

import sys
from pathlib import Path

FOLDER = str(Path(__file__).parents[2] / "benchmarks")
if FOLDER not in sys.path:
    sys.path.append(FOLDER)
