"""Who may import whom: imports point down only, and rooms on one floor do not import each other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minicnn

PACKAGE = Path(minicnn.__file__).parent
FLOORS = (
    ("window", "axis", "check", "errors", "text"),
    ("conv", "field"),
    ("functional",),
    ("layers",),
    ("network",),
    ("load", "nn"),
    ("misconceptions", "models", "probe", "train"),
    ("grade", "quiz", "show"),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
BASE = {"errors": 0, "text": 0, "axis": 1, "check": 1, "window": 2}  # the order on the ground floor
CONV = {
    "jit": 0,
    "algorithm": 1,
    "layout_kernel": 2,
    "memory_format_kernel": 2,
    "memory_format": 3,
    "strips": 2,
    "phases_kernel": 2,
    "winograd_transforms": 2,
    "winograd_weights": 3,
    "winograd_kernel": 3,
    "depthwise_kernel": 3,
    "channels_last_kernel": 3,
    "layout": 3,
    "phases": 4,
    "gemm": 5,
    "winograd": 5,
    "winograd_gradient": 5,  # algorithms are 6
    "cuda.device": 1,  # where there is a device; the rest of cuda/ is an algorithm among others
    "gallery": 5,  # names only: nothing is imported until it is used
    "dispatch": 7,
    "cost": 8,
    "contract": 8,
    "gradient_input": 9,
    "gradient_weight": 9,
    "gradient": 10,
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Return (line, module below minicnn) of every import in a file, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.removeprefix("minicnn.")) for alias in node.names if alias.name.startswith("minicnn.")]
        elif isinstance(node, ast.ImportFrom) and node.module == "minicnn":
            names = [alias.name for alias in node.names]
            found += [(node.lineno, minicnn._HOME.get(name, name).removeprefix("minicnn.")) for name in names]
        elif isinstance(node, ast.ImportFrom) and node.module == "minicnn.conv":
            found += [(node.lineno, f"conv.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minicnn."):
            found.append((node.lineno, node.module.removeprefix("minicnn.")))
    return found


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path) not in ("__init__", "__main__", "lessons")]


def test_every_room_has_a_floor():
    assert {room_of(path) for path in SOURCES} == set(FLOOR)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    room = room_of(path)
    for line, module in imports_of(path):
        other = module.split(".")[0]
        if other == "__version__":
            continue
        below = FLOOR[other] < FLOOR[room] or (FLOOR[room] == 0 and other != room and BASE[other] < BASE[room])
        assert other == room or below, f"{path.name}:{line} imports {module}: {room} is on floor {FLOOR[room]}, {other} on {FLOOR[other]}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "conv").rglob("*.py")), ids=lambda path: path.name)
def test_inside_the_gallery_algorithms_do_not_know_each_other(path):
    """dispatch → algorithms → jit; contract and cost stand above."""

    def place(*name):
        return CONV.get(".".join(name[:2]), CONV.get(name[0], 6))

    own = path.relative_to(PACKAGE / "conv").parts[0].removesuffix(".py")
    for line, module in imports_of(path):
        parts = module.split(".")
        if parts[0] == "conv" and parts[1] != own:
            assert place(*parts[1:]) < place(own), f"{path.name}:{line} imports {module}"


def test_the_checker_sees_an_upward_import(tmp_path):
    upward = tmp_path / "window.py"
    upward.write_text("def f():\n    from minicnn.network import graph\n    from minicnn import conv2d\n    import minicnn.cli.x\n")
    assert imports_of(upward) == [(2, "network"), (3, "conv.dispatch"), (4, "cli.x")]


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import minicnn", set()),
        ("from minicnn import nn", {"numpy"}),
        ("from minicnn import nn; nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())", {"numpy"}),
        ("from minicnn import conv2d, functional, load, describe, trace, models, Window", {"numpy"}),
        ("import minicnn.cli", {"numpy", "typer", "rich"}),
    ],
)
def test_nothing_heavy_is_loaded(statement, allowed):
    """Whole processes: what each import brings in beside the standard library."""
    heavy = ["numpy", "numba", "llvmlite", "matplotlib", "PIL", "scipy", "torch", "hypothesis", "typer", "rich", "pandas", "safetensors"]
    code = f"import sys; {statement}; print(*[m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= allowed
