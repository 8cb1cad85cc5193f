"""What each installer holds and is for. File names are a promise: people and their scripts know them."""

from __future__ import annotations

from dataclasses import dataclass, field

PYTHON = "3.11.18"
"""The Python of every node, to the patch level; uv of the version below knows where to fetch it for every system."""

PYTHONS = ("3.11", "3.12", "3.13")
"""Those that Bittrader and all that it needs run on."""

OLDEST_GLIBC = "2.28"
OLDEST_MACOS = "14.0"

UV_VERSION = "0.13.9"
UV = {
    "Linux-x86_64": (
        "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "Linux-aarch64": (
        "uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
    "Darwin-arm64": (
        "uv-0.13.9-py3-none-macosx_11_0_arm64.whl",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    ),
    "Windows-AMD64": (
        "uv-0.13.9-py3-none-win_amd64.whl",
        "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b",
    ),
}
"""uv as a package of the package index, which lies in each zip: its file, and its SHA-256."""


@dataclass(frozen=True)
class Package:
    """A zip: its name, the folder in it, the systems it is for, and each file with what it is made from."""

    zip_name: str
    folder: str
    systems: tuple[str, ...]
    files: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)

    @property
    def windows(self) -> bool:
        """Whether its files are read on Windows."""
        return self.systems == ("Windows-AMD64",)


def _same(folder: str, *names: str) -> dict[str, str]:
    return {name: f"{folder}/{name}" for name in names}


_WORKER = _same("worker", "install.sh", "worker_daemon.sh", "verify_worker.sh", "uninstall.sh")

PACKAGES = (
    Package(
        "Bittrader_Head_Installer_v4.0_Native.zip",
        "Head_Native_v4.0",
        ("Linux-x86_64", "Linux-aarch64", "Darwin-arm64"),
        _same("head", "setup_head_native.sh", "head_daemon.sh", "verify_head.sh", "uninstall_head.sh")
        | _same("head", "README_HEAD.txt", "CHANGELOG_HEAD.txt"),
        {"FOR": "any", "LEAST_GB": "8", "LEAST_CORES": "4", "LEAST_DISK_GB": "5"},
    ),
    Package(
        "Bittrader_Worker_Installer_v2.6_macOS.zip",
        "Worker_macOS_v2.6",
        ("Darwin-arm64",),
        _WORKER | _same("macos", "README_MACOS.txt", "CHANGELOG.txt"),
        {"FOR": "Darwin", "LEAST_GB": "4", "LEAST_CORES": "2", "LEAST_DISK_GB": "0"},
    ),
    Package(
        "Bittrader_Worker_Installer_v2.6_Windows.zip",
        "Worker_Windows_v2.6",
        ("Windows-AMD64",),
        _same(
            "windows", "install.ps1", "worker_daemon.ps1", "verify_worker.bat", "uninstall.bat", "README_WINDOWS.txt"
        ),
        {"LEAST_GB": "4", "LEAST_CORES": "2"},
    ),
    Package(
        "Bittrader_Worker_Installer_v2.6_Linux.zip",
        "Worker_Linux_v2.6",
        ("Linux-x86_64", "Linux-aarch64"),
        _WORKER | _same("linux", "bittrader-worker.service", "README_LINUX.txt"),
        {"FOR": "Linux", "LEAST_GB": "2", "LEAST_CORES": "1", "LEAST_DISK_GB": "0"},
    ),
)
