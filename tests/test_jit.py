"""What was compiled once is kept, and made anew where it cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
from bittrader.jit import compiled

@compiled
def doubled(x):
    return 2 * x

print(doubled(21), sum(doubled.stats.cache_hits.values()))
"""


def said(folder: Path) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, folder / "module.py"], env=environment, capture_output=True, text=True, check=False
    )
    return run.stdout or run.stderr


@pytest.mark.parametrize("size", [0, 4096], ids=["empty", "zeros"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_file_of_the_cache_that_a_power_cut_left_without_its_content_is_written_again(
    tmp_path: Path, kind: str, size: int
) -> None:
    (tmp_path / "module.py").write_text(MODULE)
    assert said(tmp_path) == "42 0\n"
    assert said(tmp_path) == "42 1\n"
    (file,) = (tmp_path / "cache").rglob(f"*.{kind}")
    file.write_bytes(bytes(size))
    assert said(tmp_path) == "42 0\n"
    assert said(tmp_path) == "42 1\n"


NAMED = """
from typing import NamedTuple
from bittrader.jit import compiled

class Old(NamedTuple):
    x: int

@compiled
def doubled(pair):
    return 2 * pair.x

print(doubled(Old(21)), sum(doubled.stats.cache_hits.values()))
"""


def test_a_cache_that_names_a_class_of_an_earlier_version_is_begun_anew(tmp_path: Path) -> None:
    for name in ("Old", "New"):
        # Imported, so that the cache names the class where it was.
        (tmp_path / "pairs.py").write_text(NAMED.replace("Old", name))
        (tmp_path / "module.py").write_text("import pairs")
        assert said(tmp_path) == "42 0\n"
        assert said(tmp_path) == "42 1\n"
