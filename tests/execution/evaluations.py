"""What the contract's tests evaluate: plain functions, so that a spawned process can import them."""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np


def double(rows):
    return rows * 2


def fail_on_negative(rows):
    if (rows < 0).any():
        raise ValueError("a value is\nnegative")
    return rows * 2


def slowly(seconds, rows):
    time.sleep(seconds)
    return rows * 2


def hang_on_negative(rows):
    if (rows < 0).any():
        time.sleep(60)
    return rows * 2


def die_on_negative(rows):
    if (rows < 0).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return rows * 2


def die_once(marker, rows):
    """Kills its process the first time, as an operating system short of memory would."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return rows * 2


def exit_with_3(rows):
    os._exit(3)


def mark_running(folder, seconds, rows):
    """Leaves a file while it runs, and the most files that it saw."""
    mine = Path(folder) / f"running-{rows[0, 0]:g}"
    mine.touch()
    seen = len(list(Path(folder).glob("running-*")))
    time.sleep(seconds)
    mine.unlink()
    return np.full(len(rows), seen)


def count_up(folder, steps, rows):
    """Takes so many steps, and writes each one down."""
    for _ in range(steps):
        with (Path(folder) / f"steps-{rows[0, 0]:g}").open("a") as file:
            file.write(".")
        time.sleep(0.05)
    return rows * 2


def unsendable(rows):
    return lambda: rows


class Making:
    """A picklable factory."""

    def __init__(self, function, *arguments):
        self.evaluate = functools.partial(function, *arguments)

    def __call__(self):
        return self.evaluate


def broken_factory():
    raise RuntimeError("no candles")


def dying_factory():
    os._exit(7)


def leave(rows):
    sys.exit(3)


class Unusual(BaseException):
    """What nobody catches by accident."""


def end_unusually(rows):
    raise Unusual("so")


class Mute(Exception):  # noqa: N818 - what it says is the point
    """Fails to say why."""

    def __str__(self):
        raise RuntimeError("no words")


def mumble(rows):
    raise Mute


class MakingAtTheSecondTry:
    """A picklable factory whose first process is killed."""

    def __init__(self, marker):
        self.marker = marker

    def __call__(self):
        if not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return double


def spin(folder, rows):
    """Goes round, counting in a file of its own, until there is a file called `enough`."""
    mine, rounds = Path(folder) / f"spins-{os.getpid()}", 0
    while not (Path(folder) / "enough").exists():
        rounds += 1
        mine.write_text(f"{rounds}")
        time.sleep(0.005)
    return rows * 2


def grow_on_negative(megabytes, rows):
    """Takes much memory for a while when a value is negative."""
    taken = np.ones(int(megabytes * 125_000)) if (rows < 0).any() else np.ones(1)
    time.sleep(1.0 if len(taken) > 1 else 0.0)
    return rows * 2
