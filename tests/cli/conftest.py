"""What tests of commands share."""

from __future__ import annotations

import pytest

from bittrader import cli


@pytest.fixture
def tell(capsys, monkeypatch):
    """Runs a command: its exit code, what it printed, and what it said beside."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        code = cli.run(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def say(tell, monkeypatch):
    """Runs a command: its exit code, and all that it said."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        code, out, err = tell(*words)
        return code, out + err

    return run
