"""How busy the processor is with what is not ours."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from bittrader.host.load import LoadMeter, Usage, family, other_load, usage

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
child.communicate(b"\\n")
"""


def test_what_ours_used_is_taken_from_what_all_used():
    before = Usage(100.0, 1_000.0, {(7, 1.0): 50.0})
    after = Usage(105.0, 1_020.0, {(7, 1.0): 57.5, (8, 101.0): 2.5})
    assert other_load(before, after) == 2.0


def test_a_meter_that_is_finer_than_the_systems_never_gives_less_than_nothing():
    assert other_load(Usage(0.0, 10.0, {(7, 1.0): 0.0}), Usage(1.0, 10.9, {(7, 1.0): 1.0})) == 0.0


@pytest.mark.parametrize("gone", [{}, {(7, 2.0): 0.0}], ids=["ended", "its id was given to another"])
def test_a_time_in_which_one_of_ours_ended_tells_nothing(gone):
    assert other_load(Usage(0.0, 0.0, {(7, 1.0): 50.0}), Usage(5.0, 30.0, gone)) is None


def test_children_of_children_are_family():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    grandchild = int(parent.stdout.readline())
    try:
        assert {parent.pid, grandchild} <= {process.pid for process in family({os.getpid()})}
        assert {process.pid for process in family({parent.pid})} == {parent.pid, grandchild}
    finally:
        parent.communicate(b"\n")


def test_what_a_child_of_ours_uses_is_ours():
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        born = psutil.Process(child.pid).create_time()
        while (used := usage([]).ours.get((child.pid, born), 0.0)) < 0.2:
            assert child.poll() is None
        assert used <= usage([]).ours[child.pid, born] <= usage([]).everything
    finally:
        child.kill()
        child.wait()


def test_a_stranger_is_ours_only_if_we_are_told():
    assert all(process != 1 for process, _ in usage([]).ours)
    assert any(process == 1 for process, _ in usage([1]).ours)


def test_the_first_measurement_knows_of_no_load():
    assert LoadMeter().measure() == 0.0
