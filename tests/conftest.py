"""What all tests share: a home of their own, and the real candles where there are any."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.wine import Wine, found_wine

if TYPE_CHECKING:
    from collections.abc import Callable

# A first call compiles, and machines differ: no test is decided by time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh `BITTRADER_HOME`."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("BITTRADER_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The path of a file of real candles, by name; the test is skipped where they are not to be had."""
    folder = Path(os.environ.get("BITTRADER_TEST_DATA") or _BESIDE_THE_REPOSITORY)

    def path(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip("no real candles here: set BITTRADER_TEST_DATA to their folder")
        return folder / name

    return path


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Wine:
    """Wine, whose Windows is made; the test is skipped where there is none."""
    program = found_wine()
    if program is None:
        pytest.skip("there is no wine64 here")
    made = Wine(program, tmp_path_factory.mktemp("wine"))
    assert made.run("cmd", "/c", "exit").returncode == 0
    return made
