"""Whether the lab can run here, and what is missing: `python tests/lab/ready.py` installs it on Debian as root, else says so.

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
    if tools := missing_tools():
        packages = " ".join(sorted({TOOLS[tool] for tool in tools}))
        return f"the lab lacks {', '.join(tools)} (Debian: apt-get install {packages})"
    if devices := [str(device) for device in DEVICES if not device.exists()]:
        return f"the lab lacks {', '.join(devices)}: this kernel, or this container, does not have it"
    if not any(group.exists() for group in GROUPS):
        return "the lab lacks control groups of version 2: mount them at /sys/fs/cgroup/unified"
    if find_spec("ray") is None:
        return "the lab lacks Ray: install what requirements-dev.lock names (make setup)"
    return ""


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
        sys.exit(f"make lab: {why}.")
