"""Whether the lab can run here; `python tests/lab/ready.py` installs what is missing (Debian, root), or says so.

Nothing else of the lab is imported: this runs first, on any system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# Each program, and the Debian package that brings it.
TOOLS = {
    "ip": "iproute2",
    "ping": "iputils-ping",
    "nsenter": "util-linux",
    "script": "bsdutils",
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "sysctl": "procps",
}
DEVICES = (Path("/dev/net/tun"), Path("/proc/self/ns/net"))
GROUPS = (Path("/sys/fs/cgroup/cgroup.controllers"), Path("/sys/fs/cgroup/unified/cgroup.controllers"))


def lacking() -> str:
    """Why the lab cannot run here, in one line; empty when it can."""
    if sys.platform != "linux":
        return "the lab needs Linux: its hosts are made of the kernel's namespaces"
    if os.geteuid() != 0:
        return "the lab needs root: it makes network namespaces, mounts and control groups (try: sudo make lab)"
    lacks = [f"{tool} (Debian's {TOOLS[tool]})" for tool in missing_tools()]
    lacks += [f"{device} (a matter of the kernel, or of its container)" for device in DEVICES if not device.exists()]
    lacks += [] if any(group.exists() for group in GROUPS) else ["control groups of version 2 (below /sys/fs/cgroup)"]
    lacks += [] if find_spec("ray") else ["Ray (make setup)"]
    return f"the lab lacks {', '.join(lacks)}" if lacks else ""


def missing_tools() -> list[str]:
    """The programs that are not there."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def install() -> None:
    """Installs the missing programs, where that is one command and allowed: Debian and its kin, as root."""
    tools = missing_tools()
    if not tools or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    packages = sorted({TOOLS[tool] for tool in tools})
    print(f"Installing {', '.join(packages)} for the lab ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *words], check=False, env=quiet, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if sys.platform == "linux":
        install()
    if why := lacking():
        print(f"make lab: {why}.", file=sys.stderr)
        sys.exit(2)
