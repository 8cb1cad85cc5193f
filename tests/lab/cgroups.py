"""One control group a host: freezes, kills and slows down exactly the processes of that host.

Freezing and killing belong to every version 2 hierarchy, also beside version 1 (where it is mounted at `unified`). The
share of processors is version 2's too where it has that controller, else version 1's.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.shell import LabError, wait_until

_TOP = Path("/sys/fs/cgroup")

# Short, so that a slow host is evenly slow: the kernel lets it run a little in each period and then holds it.
_PERIOD_MICROSECONDS = 50_000

# The kernel takes no quota below a thousandth of a second.
LEAST_CORES = 1000 / _PERIOD_MICROSECONDS


def second_version() -> Path:
    """Where the version 2 hierarchy is mounted."""
    return _TOP if (_TOP / "cgroup.controllers").exists() else _TOP / "unified"


def _has_processors_in_second_version() -> bool:
    return "cpu" in (second_version() / "cgroup.controllers").read_text().split()


class Cgroup:
    """A control group of its own for one host."""

    def __init__(self, name: str) -> None:
        self.path = second_version() / name
        self._speed = self.path if _has_processors_in_second_version() else _TOP / "cpu" / name
        self._cores: float | None = None
        self._make()

    @property
    def doors(self) -> tuple[Path, ...]:
        """The files that take in whoever writes a 0 into them."""
        return tuple(folder / "cgroup.procs" for folder in dict.fromkeys((self.path, self._speed)))

    def limit(self, cores: float | None) -> None:
        """At most so many processors' worth of time from now on; None takes the limit away."""
        if cores is not None and cores < LEAST_CORES:
            raise LabError(f"{cores} of a core is too little to be counted out: {LEAST_CORES} is the least")
        self._cores = cores
        quota = None if cores is None else round(cores * _PERIOD_MICROSECONDS)
        if self._speed == self.path:
            (self.path.parent / "cgroup.subtree_control").write_text("+cpu")
            (self.path / "cpu.max").write_text(f"{quota or 'max'} {_PERIOD_MICROSECONDS}")
        else:
            (self._speed / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (self._speed / "cpu.cfs_quota_us").write_text(str(quota or -1))

    def keep_to(self, processors: set[int]) -> None:
        """Has all its threads, and what they begin, use these processors alone."""
        for process in (self.path / "cgroup.procs").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                for thread in Path(f"/proc/{process}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), processors)

    def freeze(self) -> None:
        """Stops every process where it stands; returns when all stand."""
        (self.path / "cgroup.freeze").write_text("1")
        wait_until(lambda: self._event("frozen"), f"all of {self.path.name} stand still", 10)

    def thaw(self) -> None:
        """Lets them go on."""
        (self.path / "cgroup.freeze").write_text("0")
        wait_until(lambda: not self._event("frozen"), f"all of {self.path.name} go on", 10)

    def kill(self) -> None:
        """Kills every process of the group, frozen or being born as well; returns when none is left."""
        (self.path / "cgroup.kill").write_text("1")
        wait_until(lambda: not self._event("populated"), f"all of {self.path.name} are gone", 20)

    def remove(self) -> None:
        """Kills what is left, and removes the group from every hierarchy: nspawn makes it in more than ours."""
        self.kill()
        for folder in groups(self.path.name):
            remove_tree(folder)

    def renew(self) -> None:
        """A group as new in its place, with the same limit.

        The kernel counts how often a group was killed, and kills what is born from a group into another whose count
        differs: a second systemd in a group that was killed once would lose each service at birth.
        """
        self.remove()
        self._make()
        self.limit(self._cores)

    def _make(self) -> None:
        for folder in dict.fromkeys((self.path, self._speed)):
            folder.mkdir()

    def _event(self, name: str) -> bool:
        return f"{name} 1" in (self.path / "cgroup.events").read_text().splitlines()


def groups(pattern: str) -> list[Path]:
    """The groups of that name in all hierarchies."""
    return list(dict.fromkeys((*second_version().glob(pattern), *_TOP.glob(f"*/{pattern}"))))


def remove_tree(group: Path) -> None:
    """Removes a group and those below it; a group whose last process just ended may be busy for a moment."""
    below = [folder for folder in group.rglob("*") if folder.is_dir()]
    for folder in (*sorted(below, reverse=True), group):
        _remove_when_idle(folder)


def _remove_when_idle(folder: Path, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > until:
                raise LabError(f"the control group {folder} stays busy") from error
            time.sleep(0.02)
        else:
            return
