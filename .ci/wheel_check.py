"""Run by CI with the interpreter that the built wheel was installed into, outside the checkout: what must have shipped."""

from importlib.resources import files
from pathlib import Path

import numpy as np

import minicnn
from minicnn import conv2d, describe, grade, models, nn, show, trace

home = Path(minicnn.__file__).parent
checkout = Path(__file__).parents[1]
if checkout in home.parents:
    raise SystemExit(f"the checkout was imported, not the wheel: {home}")
viewer = [f"show/viewer/{name}" for name in ("main.js", "source.js", "step.js", "viewer.css", "report.html")]
for shipped in ("py.typed", "lessons/README.md", "models/data/imagenet_classes.txt", "models/data/lenet5_digits.safetensors", *viewer):
    if not files("minicnn").joinpath(shipped).is_file():
        raise SystemExit(f"the wheel lacks {shipped}")
if conv2d(np.ones((1, 2, 5, 6), np.float32), np.ones((3, 2, 3, 2), np.float32)).sum() != 12 * 3 * 15:
    raise SystemExit("a wrong sum")
if nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())(np.ones((1, 3, 5, 6), np.float32)).shape != (1, 4, 3, 4):
    raise SystemExit("a wrong shape")
if describe(models.lenet5(), (1, 32, 32)).parameters != 61_706:
    raise SystemExit("a wrong count")
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
if show.report(net, trace(net, np.ones((1, 3, 5, 6), np.float32)), "report.html", overwrite=True).stat().st_size < 100_000:
    raise SystemExit("the page lacks its viewer")
if models.lenet5(weights="pretrained", padding=2)(np.zeros((1, 1, 28, 28), np.float32)).shape != (1, 10):
    raise SystemExit("the shipped weights cannot be used")
numbers = [each.number for each in grade.all_of_them()]
if numbers != ["01", "02", "03", "04", "05", "06"] or not grade.check({"relu": lambda x: np.maximum(x, 0)}, "03", budget=5).points:
    raise SystemExit(f"the assignments of the wheel are {numbers}")
if left := [path for path in home.rglob("*") if "solution" in path.name or path.suffix == ".sealed"]:
    raise SystemExit(f"the wheel holds solutions: {left}")
print(f"wheel: minicnn {minicnn.__version__} at {home} is whole")
