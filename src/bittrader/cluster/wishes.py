"""What the owner of a computer asked of its node, kept in a file that the command line writes and the daemon reads."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from bittrader.errors import InputError
from bittrader.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

Run = Literal["yes", "stop", "restart"]
_LAST = 1e12  # as Unix seconds, the end of all calendars
_KEYS = {"paused_until", "cores", "run", "asked"}


@dataclass(frozen=True)
class Wishes:
    """What holds until the owner asks for something else."""

    paused_until: float | None = None
    """Unix seconds; `math.inf` is until resumed."""
    cores: int | None = None
    """How many to use whatever the policy says; None leaves it to the policy."""
    run: Run = "yes"
    asked: float = 0.0
    """When the owner last asked for something, in Unix seconds."""

    def is_paused(self, unix: float) -> bool:
        """Whether the owner wants no work at this Unix time."""
        return self.paused_until is not None and unix < self.paused_until


def parse_wishes(text: str) -> Wishes:
    """The wishes written in a file; InputError for anything that says none."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("it is no JSON") from None
    if not isinstance(facts, dict):
        raise InputError('it is no JSON object such as {"cores": 2}')
    for key in facts:
        if key not in _KEYS:
            raise InputError(f"there is no wish {key!r}")
    until = facts.get("paused_until")
    return Wishes(
        paused_until=math.inf if until == "forever" else _number("paused_until", until),
        cores=_cores(facts.get("cores")),
        run=_run(facts.get("run", "yes")),
        asked=_number("asked", facts.get("asked")) or 0.0,
    )


def _run(value: Any) -> Run:
    if value not in get_args(Run):
        raise InputError(f"run is one of {', '.join(get_args(Run))}, not {value!r}")
    return cast("Run", value)


def _number(key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST:
        raise InputError(f"{key} is no time: {value!r}")
    return float(value)


def _cores(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise InputError(f"cores is no number of cores: {value!r}")
    return value


def wishes_text(wishes: Wishes) -> str:
    """The wishes as they stand in the file, which `parse_wishes` reads back."""
    until = "forever" if wishes.paused_until == math.inf else wishes.paused_until
    facts = {"paused_until": until, "cores": wishes.cores, "run": wishes.run, "asked": wishes.asked}
    return json.dumps(facts) + "\n"


def read_wishes(path: Path) -> tuple[Wishes, str]:
    """The wishes in a file, and what is wrong with it if they cannot be read: then there are none.

    No file is no wish, and nothing wrong.
    """
    try:
        return parse_wishes(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return Wishes(), ""
    except (OSError, UnicodeDecodeError, InputError) as error:
        cause = getattr(error, "strerror", None) or error
        return Wishes(), f"{path.name} cannot be used, so nothing is paused or overridden: {cause}."


def ask(path: Path, now: float, **changes: object) -> Wishes:
    """Asks for something else at a Unix time, and returns all that is wanted from now on; the rest stays as it was."""
    wishes, _ = read_wishes(path)
    wishes = replace(wishes, asked=now, **changes)  # type: ignore[arg-type]
    write_wishes(path, wishes)
    return wishes


def write_wishes(path: Path, wishes: Wishes) -> None:
    """Has the daemon see these wishes at its next turn, in place of the earlier ones; InputError if that cannot be."""
    try:
        write_whole(path, wishes_text(wishes))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from None
