"""What the searches on a computer say of themselves, as its daemon reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from bittrader.cluster.drivers import read_running

if TYPE_CHECKING:
    from pathlib import Path

SAID = {"study": "first", "began": 3.0}


@pytest.fixture
def running(tmp_path: Path) -> Path:
    (tmp_path / "running").mkdir()
    return tmp_path / "running"


def test_a_driver_that_runs_is_told_of_with_its_process(running: Path) -> None:
    (running / f"{os.getpid()}.json").write_text(json.dumps(SAID))
    assert read_running(running.parent) == [{**SAID, "pid": os.getpid()}]


def test_the_file_of_a_driver_that_was_killed_goes_with_it(running: Path) -> None:
    driver = subprocess.Popen([sys.executable, "-c", ""])
    driver.wait()
    (running / f"{driver.pid}.json").write_text(json.dumps(SAID))
    assert read_running(running.parent) == []
    assert list(running.iterdir()) == []


def test_a_program_that_got_a_dead_drivers_number_is_none(running: Path) -> None:
    path = running / f"{os.getpid()}.json"
    path.write_text(json.dumps(SAID))
    before_us = psutil.Process().create_time() - 60
    os.utime(path, (before_us, before_us))
    assert read_running(running.parent) == []
    assert not path.exists()


@pytest.mark.parametrize("name", ["abc.json", "²³.json", "12.txt"])
def test_what_is_no_drivers_file_is_left_alone(running: Path, name: str) -> None:
    (running / name).write_text(json.dumps(SAID))
    assert read_running(running.parent) == []
    assert (running / name).exists()


@pytest.mark.parametrize("text", ["", "[]", '{"study": '])
def test_what_cannot_be_read_says_nothing(running: Path, text: str) -> None:
    (running / f"{os.getpid()}.json").write_text(text)
    assert read_running(running.parent) == []


def test_where_nothing_ever_ran_nothing_runs(tmp_path: Path) -> None:
    assert read_running(tmp_path) == []
