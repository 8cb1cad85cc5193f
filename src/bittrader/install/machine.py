"""The edge: everything that an installation does to a computer goes through here."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bittrader.errors import InstallError, last_words
from bittrader.files import make_folder, written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATIENCE_SECONDS = 180.0
_SUDO_SECONDS = 30.0
"""For a sudo that asks nobody: it may ask a server in the network who may what."""
_NO_PROGRAM = 127


@dataclass(frozen=True)
class Said:
    """What became of a command."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def why(self) -> str:
        """Its last words, for a person who asks why it failed."""
        return last_words(f"{self.out}\n{self.err}") or f"it ended with code {self.code}"


@dataclass(frozen=True)
class Owner:
    """The ordinary user whose node it is."""

    name: str
    uid: int | None = None
    """None where users have no numbers."""
    gid: int | None = None


class Machine(Protocol):
    """A computer that can be changed. With `root`, as its administrator; else as the owner of the node."""

    def run(self, words: Sequence[str], *, root: bool = False) -> Said:
        """What became of a command; one that is not there ends with 127."""

    def read(self, path: str) -> str | None:
        """A file's text, byte for byte; None if there is no file."""

    def mode(self, path: str) -> int:
        """A file's permissions."""

    def write(self, path: str, text: str, *, mode: int, root: bool = False, utf16: bool = False) -> None:
        """Has a file hold a text, and the folder for it be there."""

    def link(self, path: str, target: str, *, root: bool = False) -> None:
        """Has a name stand for another file."""

    def target(self, path: str) -> str | None:
        """What a link stands for; None if it is none."""

    def exists(self, path: str) -> bool:
        """Whether there is anything of that name."""

    def remove(self, path: str, *, root: bool = False) -> None:
        """Takes a file or a link away; that there is none is no fault."""

    def remove_folder(self, path: str, *, root: bool = False) -> None:
        """Takes a folder away if it is empty."""

    def pause(self, seconds: float) -> None:
        """Waits."""


def require(said: Said, what: str) -> Said:
    """What was said, if the command did what it should; InstallError, with its own words, if not."""
    if said.code:
        raise InstallError(f"{what}: {said.why}")
    return said


class Here:
    """This computer.

    Started with sudo, this process acts as the owner of the node, and is root only where a change says so. Started by
    the owner, what needs root goes through sudo, which asks for the password if it may.
    """

    def __init__(self, owner: Owner, sudo: Literal["asks", "silent", "never"] = "never") -> None:
        self._owner = owner
        self._sudo_mode = sudo
        self._sudo_refuses: str | None = None
        self._is_root = started_as_root()
        self._is_posix = hasattr(os, "getuid")
        if self._is_root and owner.uid and owner.gid is not None:
            os.initgroups(owner.name, owner.gid)
            _become(owner.uid, owner.gid)

    def run(self, words: Sequence[str], *, root: bool = False) -> Said:
        as_other = root and self._is_posix and not self._is_root
        ids: dict[str, Any] = {"user": self._owner.uid, "group": self._owner.gid} if self._is_root and not root else {}
        command = [*self._sudo(), *words] if as_other else list(words)
        try:
            with self._raised(root):
                return _finished(
                    command,
                    _PATIENCE_SECONDS,
                    stdin=None if as_other and self._sudo_mode == "asks" else subprocess.DEVNULL,
                    env=self._environment(root=root),
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                    **ids,
                )
        except FileNotFoundError:
            return Said(_NO_PROGRAM, err=f"there is no program {command[0]}")

    def read(self, path: str) -> str | None:
        try:
            with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def mode(self, path: str) -> int:
        return stat.S_IMODE(Path(path).stat().st_mode)

    def write(self, path: str, text: str, *, mode: int, root: bool = False, utf16: bool = False) -> None:
        data = text.encode("utf-16") if utf16 else text.encode("utf-8", "surrogateescape")
        if self._needs_sudo(root):
            self._do("mkdir", "-p", str(Path(path).parent))
            self._pipe(data, "tee", path)
            self._do("chmod", f"{mode:o}", path)
            return
        with self._raised(root), _named(path):
            make_folder(Path(path).parent)
            _remove_parts(Path(path))
            with written_whole(Path(path)) as part:
                part.touch(mode=0o600)
                part.write_bytes(data)
                part.chmod(mode)

    def link(self, path: str, target: str, *, root: bool = False) -> None:
        if self._needs_sudo(root):
            self._do("mkdir", "-p", str(Path(path).parent))
            self._do("ln", "-sfn", target, path)
            return
        with self._raised(root):
            make_folder(Path(path).parent)
            Path(path).unlink(missing_ok=True)
            Path(path).symlink_to(target)

    def target(self, path: str) -> str | None:
        return str(Path(path).readlink()) if Path(path).is_symlink() else None

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def remove(self, path: str, *, root: bool = False) -> None:
        if self._needs_sudo(root):
            self._do("rm", "-f", path)
            return
        with self._raised(root):
            _remove_parts(Path(path))
            Path(path).unlink(missing_ok=True)

    def remove_folder(self, path: str, *, root: bool = False) -> None:
        if not Path(path).is_dir() or any(Path(path).iterdir()):
            return
        if self._needs_sudo(root):
            self._do("rmdir", path)
            return
        with self._raised(root):
            Path(path).rmdir()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _needs_sudo(self, root: bool) -> bool:  # noqa: FBT001 - the switch of its callers
        return root and self._is_posix and not self._is_root

    def _sudo(self) -> list[str]:
        """The words before a command that make it root's; InstallError if sudo will not."""
        words = ["sudo", "--"] if self._sudo_mode == "asks" else ["sudo", "-n", "--"]
        if self._sudo_refuses is None:
            self._sudo_refuses = "no sudo" if self._sudo_mode == "never" or shutil.which("sudo") is None else ""
            if not self._sudo_refuses:  # asked once, so that what is said later is the command's own
                asks = self._sudo_mode == "asks"  # a person may take their time
                tried = _finished(
                    [*words, "true"], None if asks else _SUDO_SECONDS, stdin=None if asks else subprocess.DEVNULL
                )
                self._sudo_refuses = tried.why if tried.code else ""
        if self._sudo_refuses:
            raise InstallError(f"this needs the rights of an administrator ({self._sudo_refuses})")
        return words

    def _do(self, *words: str) -> None:
        require(self.run(words, root=True), " ".join(words))

    def _pipe(self, data: bytes, *words: str) -> None:
        require(_finished([*self._sudo(), *words], _PATIENCE_SECONDS, data, stdin=subprocess.PIPE), " ".join(words))

    @contextmanager
    def _raised(self, root: bool) -> Iterator[None]:  # noqa: FBT001 - likewise
        """Root while it lasts, where this process may be."""
        if not (root and self._is_root and os.geteuid() != 0):
            yield
            return
        before = os.geteuid(), os.getegid()
        _become(0, 0)
        try:
            yield
        finally:
            _become(*before)

    def _environment(self, *, root: bool) -> dict[str, str]:
        """Ours, in English, and with the place of the owner's own systemd, which a login by sudo or ssh may not set."""
        found = {**os.environ, "LC_ALL": "C"}
        if not root and self._owner.uid is not None:
            found["XDG_RUNTIME_DIR"] = f"/run/user/{self._owner.uid}"
            found.pop("DBUS_SESSION_BUS_ADDRESS", None)
        return found


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Has what the system refuses say where: a write to a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or path
        raise


def _remove_parts(path: Path) -> None:
    """Removes what a run left beside a file that was killed while it wrote it."""
    for one in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        one.unlink(missing_ok=True)


def started_as_root() -> bool:
    """Whether this process is root, or was and can be again."""
    if hasattr(os, "getresuid"):
        return 0 in os.getresuid()
    return hasattr(os, "getuid") and os.getuid() == 0


def _become(uid: int, gid: int) -> None:
    """Acts as a user, in earnest and in effect: what is started while only one of the two holds is not trusted by the
    system's loader, which then ignores where a program says that its libraries are. Only the saved number stays root's.
    """
    if uid == 0:
        os.seteuid(0)
    if hasattr(os, "setresuid"):
        os.setresgid(gid, gid, 0)
        os.setresuid(uid, uid, 0)
    elif uid == 0:
        os.setegid(gid)
    else:  # on macOS a node is never installed with sudo
        os.setegid(gid)
        os.seteuid(uid)


def hand_over(folder: Path, owner: Owner) -> None:
    """Gives an ordinary user what root made in their folder, as the script did that was started with sudo."""
    if owner.uid and owner.gid is not None and started_as_root() and folder.is_dir() and not folder.is_symlink():
        for _, folders, files, inside in os.fwalk(folder):  # by descriptors: nobody swaps a name for a link meanwhile
            for name in (".", *folders, *files):
                about = os.stat(name, dir_fd=inside, follow_symlinks=False)
                if about.st_uid == 0 and (about.st_nlink == 1 or stat.S_ISDIR(about.st_mode)):
                    os.chown(name, owner.uid, owner.gid, dir_fd=inside, follow_symlinks=False)


def keep_others_out() -> None:
    """Has nobody else write what this process makes from now on, whatever the umask is: it is run as the owner."""
    os.umask(os.umask(0o077) | 0o022)


def _finished(command: Sequence[str], seconds: float | None, data: bytes | None = None, **given: Any) -> Said:
    """What became of a program, which is given up after so many seconds; OSError where there is none."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)  # noqa: S603 - ours
    try:
        out, err = process.communicate(data, seconds)
    except subprocess.TimeoutExpired:
        with suppress(PermissionError, subprocess.TimeoutExpired):  # what sudo runs may not be ours to kill
            process.kill()
            process.wait(1.0)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        return Said(_NO_PROGRAM, err=f"no answer within {seconds:.0f} s")
    return Said(process.returncode, _text(out), _text(err))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
