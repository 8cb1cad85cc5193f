"""Debian systems as folders, built once by debootstrap and kept: a machine's disk before its first boot."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.lab.places import cache
from tests.lab.shell import succeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A small server or laptop as people have it: systemd with user sessions, firewalls at hand, and a user without rights.
_EVERYWHERE = (
    *("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "sudo", "adduser"),
    *("iproute2", "iputils-ping", "procps", "psmisc", "nftables", "iptables", "ufw", "firewalld"),
    *("ca-certificates", "curl", "unzip", "less", "python3", "python3-venv", "tzdata"),
    *("libbz2-1.0", "liblzma5", "libncursesw6", "libsqlite3-0", "libtinfo6", "libuuid1", "zlib1g", "libexpat1"),
)

# Libraries that a Python of the computer's own, mounted into a machine, needs; and what else differs.
_IN_RELEASE = {
    "bookworm": ("libffi8", "libssl3", "libreadline8"),
    "trixie": ("libffi8", "libssl3t64", "libreadline8t64", "systemd-resolved"),
}
RELEASES = tuple(_IN_RELEASE)

USER = "owner"

# What a fresh image gets, run inside it: the user, networkd, and nothing that differs between two machines.
_FINISH = f"""
set -eu
useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/{USER}
systemctl enable systemd-networkd
systemctl disable firewalld nftables
systemctl mask systemd-networkd-wait-online systemd-resolved console-getty apt-daily.timer apt-daily-upgrade.timer
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/hostname /etc/resolv.conf /var/cache/apt/archives/*.deb
touch /etc/machine-id
"""


def image(release: str) -> Path:
    """The folder of that release's system; it is built when it is not there, which takes some minutes."""
    packages = (*_EVERYWHERE, *_IN_RELEASE[release])
    recipe = hashlib.sha256(repr((packages, _FINISH)).encode()).hexdigest()[:12]
    folder = cache() / "images" / f"{release}-{recipe}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            _build(release, packages, folder)
    return folder


def _build(release: str, packages: tuple[str, ...], folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    wanted = f"--include={','.join(packages)}"
    # What it mounts while it works goes with it, also when it is killed: else the next try would clear /proc away.
    alone = ("unshare", "--mount", "--")
    succeed(*alone, "debootstrap", "--variant=minbase", wanted, release, str(unfinished), timeout=1200)
    succeed("chroot", str(unfinished), "/bin/sh", "-c", _FINISH, timeout=120)
    unfinished.rename(folder)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Only one process at a time is inside; one that is killed there frees the way."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
