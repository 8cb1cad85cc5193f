"""One installation at a time, with processes that are killed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bittrader.errors import InstallError
from bittrader.install.turns import alone
from bittrader.paths import INSTALL_LOCK

if TYPE_CHECKING:
    from pathlib import Path

HOLDS = """
import sys, time
from pathlib import Path
from bittrader.install.turns import alone
with alone(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(600)
"""


def test_a_second_one_is_refused_until_the_first_has_ended_however_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE) as first:
        assert first.stdout
        assert first.stdout.readline() == b"in\n"
        with pytest.raises(InstallError, match="something else installs or removes in"), alone(tmp_path):
            pass
        first.kill()
    with alone(tmp_path):
        assert (tmp_path / INSTALL_LOCK).exists()


def test_a_folder_that_nothing_came_into_goes_again_and_one_that_was_there_stays(tmp_path: Path) -> None:
    with alone(tmp_path / "home" / "new"):
        pass
    assert list(tmp_path.iterdir()) == []
    with alone(tmp_path / "new"):
        (tmp_path / "new" / "receipt.json").write_text("{}")
    assert (tmp_path / "new" / "receipt.json").exists()
