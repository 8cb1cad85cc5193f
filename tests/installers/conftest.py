"""A computer to install on, with the real uv and the Python that runs the tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from tests.installers.stubs import Computer, Unpacked, real_uv, this_python, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform != "linux":  # the scripts are run where their fakes are at home
    collect_ignore = ["test_bootstrap.py"]


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return unpacked(tmp_path_factory.mktemp("zips"))


@pytest.fixture(params=["dash", "bash"])
def computer(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Computer]:
    """One with uv and the pinned Python, whose owner has a space and umlauts in the name of the home."""
    if real_uv() is None:
        pytest.skip("there is no uv here")
    home, tools = tmp_path / "Jörg O'Brien", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    found = Computer(home, request.param, tools)
    python = this_python()
    (tools / f"python{sys.version_info.major}.{sys.version_info.minor}").symlink_to(python)
    found.has_uv()
    # Root's home is looked up; this is what it finds.
    found.tool("getent", f'echo "root:x:0:0:root:{home}:/bin/sh"')
    return found
