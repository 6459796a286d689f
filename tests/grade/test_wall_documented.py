"""What the documentation says of the wall is what the attack suite found."""

import re
from pathlib import Path

from test_attacks import ATTACKS, NOT_COVERED

TEXT = (Path(__file__).parents[2] / "lessons/assignments/README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([a-z_, ]+)(?::[^|]*)? \| ((?:not )?held[^|]*) \| ((?:not )?held[^|]*) \|$", TEXT, re.MULTILINE)


def test_the_table_of_attacks_is_the_suites():
    said = {name: dict(zip(("another user", "nothing"), cells, strict=True)) for names, *cells in ROWS for name in names.split(", ")}
    assert set(said) == set(NOT_COVERED)
    for name, cells in said.items():
        for mode, words in cells.items():
            assert words == ("not held" if mode in NOT_COVERED[name] else "held"), name
            assert name in ATTACKS
