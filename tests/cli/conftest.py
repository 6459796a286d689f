"""Fixtures of the command line's tests; commands.py has the functions behind them."""

import pytest
from commands import minicnn, process


@pytest.fixture
def run():
    return minicnn


@pytest.fixture
def spawn():
    return process


@pytest.fixture
def mistake():
    """Run a command that must fail, and return its message on one line."""

    def failed(*words: str, code: int = 1) -> str:
        result = minicnn(*words)
        assert result.exit_code == code, result.stdout + result.stderr
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert "Traceback" not in result.stderr
        assert max(map(len, result.stderr.splitlines())) <= 80
        return " ".join(result.stderr.split())

    return failed
