"""What tests of commands share."""

from __future__ import annotations

import pytest

from bittrader import cli


@pytest.fixture
def say(capsys, monkeypatch):
    """Runs a command: its exit code, and all that it said."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        code = cli.run(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run
