"""A machine on which a node was installed from its zip, with the scripts that are in it."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.lab.images import USER
from tests.lab.installers import HEAD_ZIP, PROGRAM, WORKER_ZIP, python_mirror
from tests.lab.said import state_of, takes_part
from tests.lab.shell import LabError, wait_until
from tests.lab.study_file import StudyFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.lab import Lab
    from tests.lab.shell import Done, Process

Role = Literal["head", "worker"]
Rights = Literal["sudo", "user"]

HOME = f"home/{USER}"
UP_SECONDS = 180
_FOLDERS = {"head": "Head_Native_v4.0", "worker": "Worker_Linux_v2.6"}
_SCRIPTS = {
    "head": {"install": "setup_head_native.sh", "verify": "verify_head.sh", "uninstall": "uninstall_head.sh"},
    "worker": {"install": "install.sh", "verify": "verify_worker.sh", "uninstall": "uninstall.sh"},
}
_OF_SYSTEMD = ("systemd --user", "(sd-pam)", "dbus-daemon")


class Installed:
    """A machine with systemd for one role, where `owner` installs with or without sudo; bare until `install`.

    `has_python`: the pinned Python is there; else uv fetches it, from an archive that lies in the machine's reach.
    """

    def __init__(self, lab: Lab, name: str, role: Role, release: str, rights: Rights, *, has_python: bool) -> None:
        self.name, self.role, self.rights = name, role, rights
        mirror = python_mirror()
        self.machine = lab.machine(name, release, seen=(Path(sys.base_prefix),) if has_python else (mirror,))
        self.home, self.home_inside = self.machine.root / HOME, Path("/", HOME)
        if has_python:
            self.machine.succeed(["ln", "-s", str(Path(sys.base_prefix, "bin", PROGRAM)), "/usr/local/bin/"])
        self._mirror = () if has_python else (f"UV_PYTHON_DOWNLOADS_JSON_URL=file://{mirror}/downloads.json",)

    @property
    def folder(self) -> Path:
        """The node's, as seen from out here."""
        return self.home / f".bittrader_{self.role}"

    @property
    def folder_of_zip(self) -> str:
        """What the zip's folder is called, in the owner's home."""
        return _FOLDERS[self.role]

    def megabytes(self) -> int:
        """What the node's folder takes of the disk."""
        return int(self.machine.succeed(["du", "-sm", str(self.home_inside / self.folder.name)]).split()[0])

    def unpack(self, zips: Path) -> None:
        """Puts the zip's files into the owner's home, in the place of those of another version."""
        name = HEAD_ZIP if self.role == "head" else WORKER_ZIP
        shutil.copy(zips / name, self.home)
        self.as_owner("rm", "-rf", self.folder_of_zip)
        self.as_owner("unzip", "-q", name, timeout=120)
        (self.home / name).unlink()

    def script(self, what: str, *words: str) -> list[str]:
        """The words that run one of the zip's scripts."""
        sudo = ["sudo", *self._mirror] if self.rights == "sudo" and what != "verify" else ["env", *self._mirror]
        return self.machine.as_user([*sudo, "sh", f"{self.folder_of_zip}/{_SCRIPTS[self.role][what]}", *words])

    def install(self, *words: str) -> str:
        """What the installer prints that asks nothing, its plan and its result."""
        done = self.machine.run(self.script("install", "--yes", *words), 600)
        if done.code:
            raise LabError(str(done))
        return done.stderr + done.stdout

    def install_talking(self, answers: Sequence[tuple[str, str]], *words: str) -> Done:
        """The same on a terminal, each question answered."""
        return self.machine.talk(self.script("install", *words), answers, 600)

    def as_owner(self, *words: str, timeout: float = 60) -> str:
        """What a command of the owner's prints."""
        return self.machine.succeed(self.machine.as_user(words), timeout)

    def bittrader(self, *words: str, timeout: float = 60) -> str:
        """What the program that was installed prints."""
        return self.as_owner(f".bittrader_{self.role}/bin/bittrader", *words, timeout=timeout)

    @property
    def state(self) -> dict[str, Any]:
        """What the daemon said last; nothing before it first does."""
        return state_of(self.folder)

    @property
    def is_up(self) -> bool:
        """Whether it is part of the cluster, as it knows itself."""
        return takes_part(self.state)

    def wait_until_up(self) -> float:
        """Seconds until it is."""
        return wait_until(lambda: self.is_up, f"{self.name} is up", UP_SECONDS, self.log, every=0.1)

    @property
    def work(self) -> Process:
        """The process that does the node's work for a driver, or has it done by others."""
        return self.machine.processes("ray::NodeActor")[0]

    def evaluators(self) -> list[Process]:
        """The processes that evaluate, where the work is done in such."""
        return self.machine.processes("multiprocessing.spawn")

    def own_processes(self) -> list[str]:
        """The command lines of all that runs as the owner, less what systemd runs for a user who has services."""
        lines = self.machine.run(["ps", "-u", USER, "-o", "args", "--no-headers"]).stdout.splitlines()
        return [one for one in lines if not any(word in one for word in _OF_SYSTEMD)]

    def study(self, name: str) -> StudyFile:
        """The file of a study of this node's owner."""
        return StudyFile(self.home / ".bittrader", name)

    def log(self) -> str:
        """What the daemon wrote."""
        files = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join([f"{self.name}: {self.state}", *(f"--- {one}\n{one.read_text()[-3000:]}" for one in files)])


def join_code(printed: str) -> str:
    """The code in what an installed head prints at its end."""
    found = re.search(r"bittrader worker join (\S+)", printed)
    if found is None:
        raise LabError(f"no join code in what the head's installer printed\n{printed}")
    return found[1]
