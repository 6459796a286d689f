"""What tests of handing in share: texts of students, a small assignment of one's own, and work for other processes."""

import os
import time
from pathlib import Path

from minicnn.grade import making

RIGHT = """
def center_crop(x, size):
    top, left = (x.shape[2] - size[0]) // 2, (x.shape[3] - size[1]) // 2
    return x[:, :, top : top + size[0], left : left + size[1]].copy()
"""
CORNER = """
def center_crop(x, size):
    return x[:, :, : size[0], : size[1]].copy()
"""
WIDE = RIGHT.replace("copy()", "astype('float64')")  # right, and known by its dtype
LAW = """
def law(arguments, value):
    import os

    if arguments["x"].dtype == np.float32 and value.dtype == np.float64:
        {action}


ASSIGNMENT ="""


def own_assignment(folder: Path) -> Path:
    """Write the sample assignment into folder/center_crop, and return that."""
    making.make(folder / "center_crop")
    return folder / "center_crop"


def with_trap(assignment: Path, action: str) -> Path:
    """Give an assignment a law that does `action` in the grader on the submission WIDE."""
    checks = assignment / "checks.py"
    text = checks.read_text().replace("\nASSIGNMENT =", LAW.format(action=action))
    checks.write_text(
        text.replace("            bound=bound,", '            bound=bound,\n            laws=(Law("trap", law),),').replace(
            "Example, ", "Example, Law, "
        )
    )
    return assignment


def noted(order: tuple[Path, str]) -> None:
    """Work for a process: leave a note with its number; an order called 'die' ends it, 'raise' raises, 'sleep' takes a minute."""
    folder, name = order
    (folder / f"{name}.{os.getpid()}").touch()
    if name == "die":
        os._exit(3)
    if name == "raise":
        raise ValueError("as was ordered")
    time.sleep(60 if name == "sleep" else 0.05)


def notes(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.iterdir())
