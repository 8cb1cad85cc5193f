"""What can go wrong that a user can mend.

Everything below the command line raises these or returns failures as values; the command line prints the one line and
exits with `exit_code`. Anything else that escapes is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
import threading
from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What a command ends with; from 70 on as BSD's `sysexits.h` has it. Above 2, to try again may end otherwise."""

    DONE = 0
    NOTHING = 1
    """Done, but nothing finished, or a check found something; an installation failed, or was declined."""
    REFUSED = 2
    """What was given must be mended."""
    DEFECT = 70
    """We made a mistake."""
    SYSTEM = 74
    """The computer did not do as asked: its disk is full, say."""
    BUSY = 75
    """Something else has what is needed, for now."""
    INTERRUPTED = 130


class BittraderError(Exception):
    """A failure with one clear line: what is wrong, and what to do about it."""

    exit_code = ExitCode.REFUSED


class InputError(BittraderError):
    """The user gave something that we cannot use."""


class DataError(BittraderError):
    """Candles that cannot be read, or must not be used as they are."""


class StrategyError(BittraderError):
    """A strategy that breaks its contract."""


class StudyError(BittraderError):
    """A study that is not there, cannot be written, or does not match what it is resumed with."""


class ClusterError(BittraderError):
    """A computer that cannot be met, was refused by the head, or lacks what a node needs."""


class InstallError(BittraderError):
    """An installation that cannot be made here, or that failed and was undone."""

    exit_code = ExitCode.NOTHING


_LONGEST = 300
# What a system that is well has no cause to answer again.
_FAILING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


def exit_code_of(error: OSError) -> ExitCode:
    """SYSTEM where the computer has no room or fails, REFUSED where a path or permission that was given is at fault."""
    return ExitCode.SYSTEM if error.errno in _FAILING else ExitCode.REFUSED


def is_interrupt(error: BaseException) -> bool:
    """Whether this is Ctrl-C, which Python raises in the main thread alone; else it is what somebody's code raised."""
    return type(error) is KeyboardInterrupt and threading.current_thread() is threading.main_thread()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'fast'?` when a known word is close to `word`, whatever the case, else an empty string."""
    spelt = {one.lower(): one for one in known}
    close = get_close_matches(word.lower(), spelt, n=1, cutoff=0.6)
    return f" Did you mean {spelt[close[0]]!r}?" if close else ""


def cause_of(error: BaseException) -> str:
    """An exception in one line, as a cause of failure."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an exception's words may be a user's code, and fail themselves
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def reason_of(error: Exception) -> str:
    """Why a file could not be read or written: what the system refused, else the error's words; without a full stop."""
    # Arrow puts numbers and paths into the system's words.
    refused = error.errno if isinstance(error, OSError) else None
    return os.strerror(refused) if refused else " ".join(str(error).split()).rstrip(". ")


def last_words(output: str) -> str:
    """The last line that a program printed, in at most 300 letters, less our own name before it; empty if none."""
    line = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    return line.removeprefix("bittrader: ")[:_LONGEST]
