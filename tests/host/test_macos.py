"""What macOS says, from the words of its programs."""

from __future__ import annotations

import pytest

from bittrader.host.macos import MacOS, parse_heat, parse_idle

IOREG = """\
+-o IOHIDSystem  <class IOHIDSystem, id 0x100000460, registered, matched, active, busy 0 (0 ms), retain 29>
    {
      "HIDKeyboardModifierMappingPairs" = ()
      "IOUserClientClass" = "IOHIDUserClient"
      "HIDIdleTime" = 184250118041
      "HIDParameters" = {"HIDClickTime"=500000000,"HIDIdleTimeLimit"=9}
    }
"""
NOTHING_WRONG = """\
Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded
"""
THROTTLED = """\
2026-07-14 15:02:11 +0200 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 8
\tCPU_Speed_Limit \t= 61
"""


def test_idle_time_is_in_nanoseconds():
    assert parse_idle(IOREG) == pytest.approx(184.250118041)


@pytest.mark.parametrize("text", [None, "", '"HIDIdleTime" = none'])
def test_without_idle_time_nothing_is_known(text):
    assert parse_idle(text) is None


@pytest.mark.parametrize(
    ("text", "hot"),
    [
        (THROTTLED, True),
        (THROTTLED.replace("61", "100"), False),
        (NOTHING_WRONG, False),
        ("", None),
        (None, None),
        ("?", None),
    ],
)
def test_a_processor_that_is_slowed_down_is_hot(text, hot):
    assert parse_heat(text) is hot


def test_sleep_is_told_from_darwins_own_clocks():
    clocks = MacOS(lambda *_: None, {6: 900.0, 8: 300.0}.__getitem__).clocks()  # <time.h>: MONOTONIC, UPTIME_RAW
    assert (clocks.monotonic, clocks.boottime) == (300.0, 900.0)


def test_macos_is_asked_by_the_paths_of_its_own_programs():
    answers = {"/usr/sbin/ioreg": IOREG, "/usr/bin/pmset": THROTTLED}
    host = MacOS(lambda program, *_: answers[program])
    assert host.idle_seconds() == pytest.approx(184.25, abs=0.01)
    assert host.hot() is True
