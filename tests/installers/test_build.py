"""The zips hold what the table promises, the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest
from installers.build import LOCK, build_wheel, main, requirements_of
from installers.contents import OLDEST_GLIBC, OLDEST_MACOS, PACKAGES, PYTHONS, UV, UV_VERSION

import bittrader

ROOT = Path(__file__).parents[2]
WHEEL = f"bittrader-{bittrader.__version__}-py3-none-any.whl"
HEAD = {
    "setup_head_native.sh", "head_daemon.sh", "verify_head.sh", "uninstall_head.sh", "README_HEAD.txt",
    "CHANGELOG_HEAD.txt",
}  # fmt: skip
WORKER = {"install.sh", "worker_daemon.sh", "verify_worker.sh", "uninstall.sh"}
WINDOWS = {"install.ps1", "worker_daemon.ps1", "verify_worker.bat", "uninstall.bat", "README_WINDOWS.txt"}
PROMISED = {
    "Bittrader_Head_Installer_v4.0_Native.zip": ("Head_Native_v4.0", HEAD),
    "Bittrader_Worker_Installer_v2.6_macOS.zip": ("Worker_macOS_v2.6", WORKER | {"README_MACOS.txt", "CHANGELOG.txt"}),
    "Bittrader_Worker_Installer_v2.6_Windows.zip": ("Worker_Windows_v2.6", WINDOWS),
    "Bittrader_Worker_Installer_v2.6_Linux.zip": (
        "Worker_Linux_v2.6", WORKER | {"bittrader-worker.service", "README_LINUX.txt"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    main(["--out", str(folder)])
    return folder


def test_the_zips_hold_what_is_promised_and_the_package(built: Path) -> None:
    assert {path.name for path in built.iterdir()} == {*PROMISED, "SHA256SUMS"}
    for name, (folder, files) in PROMISED.items():
        with zipfile.ZipFile(built / name) as archive:
            (package,) = (one for one in PACKAGES if one.zip_name == name)
            uvs = [f"package/uv/{UV[system][0]}" for system in package.systems]
            promised = {f"{folder}/{file}" for file in (*files, f"package/{WHEEL}", "package/requirements.txt", *uvs)}
            assert set(archive.namelist()) == promised
            for system, uv in zip(package.systems, uvs, strict=True):
                assert hashlib.sha256(archive.read(f"{folder}/{uv}")).hexdigest() == UV[system][1]


def test_the_same_input_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    main(["--out", str(tmp_path)])
    for name in (*PROMISED, "SHA256SUMS"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes()


def test_the_sums_are_those_of_the_zips(built: Path) -> None:
    for line in (built / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest


def test_the_scripts_can_be_started_and_end_their_lines_as_their_system_does(built: Path) -> None:
    for name, (folder, files) in PROMISED.items():
        with zipfile.ZipFile(built / name) as archive:
            for file in files:
                text = archive.read(f"{folder}/{file}")
                mode = archive.getinfo(f"{folder}/{file}").external_attr >> 16 & 0o777
                assert mode == (0o755 if file.endswith(".sh") else 0o644)
                assert text.endswith(b"\n")
                assert text.count(b"\r\n") == (text.count(b"\n") if "Windows" in name else 0)
                assert b"#:" not in text.replace(b"#!", b"")
                assert not re.search(rb"@[A-Z]", text)


def test_each_readme_says_that_not_every_system_was_really_tried_and_where_more_of_it_stands(built: Path) -> None:
    for name, (folder, files) in PROMISED.items():
        (readme,) = (file for file in files if file.startswith("README"))
        with zipfile.ZipFile(built / name) as archive:
            text = " ".join(archive.read(f"{folder}/{readme}").decode().split())
        assert re.search(r"checked, but not run(, on a| there)", text), readme
        assert "DEPLOYMENT_GUIDE.md of the project" in text, readme


def test_each_readme_fits_a_terminal_and_has_room_above_its_headings_alone(built: Path) -> None:
    for name, (folder, files) in PROMISED.items():
        (readme,) = (file for file in files if file.startswith("README"))
        with zipfile.ZipFile(built / name) as archive:
            lines = archive.read(f"{folder}/{readme}").decode().splitlines()
        assert max(map(len, lines)) <= 80, readme
        underlines = [at for at, line in enumerate(lines) if line and set(line) <= {"=", "-"}]
        assert [lines[at - 1] for at in underlines if len(lines[at]) != len(lines[at - 1])] == [], readme
        wide = [at for at in range(1, len(lines)) if lines[at - 1] == lines[at] == ""]
        assert wide == [at - 2 for at in underlines[1:]], readme


def test_the_wheel_holds_every_file_of_this_version(tmp_path: Path) -> None:
    package = ROOT / "src" / "bittrader"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        held = {name for name in archive.namelist() if name.startswith("bittrader/")}
        assert held == {f"bittrader/{path.relative_to(package).as_posix()}" for path in files}
        assert all(archive.read(name) == (package.parent / name).read_bytes() for name in held)


def test_every_requirement_is_pinned_and_hashed_and_rays_nodes_are_among_them() -> None:
    lines = requirements_of(LOCK.read_text()).decode().splitlines()
    names = [line.split("==")[0] for line in lines if not line.startswith("    ")]
    assert {"ray", "cryptography", "numba", "ccxt"} <= set(names)
    assert not {"pytest", "ruff", "hatchling"} & set(names)
    assert all(line.startswith("    --hash=sha256:") or "==" in line for line in lines)


def test_uv_is_named_by_its_version_and_sums_for_every_system() -> None:
    assert {system for package in PACKAGES for system in package.systems} == set(UV)
    for name, sha256 in UV.values():
        assert name.startswith(f"uv-{UV_VERSION}-")
        assert re.fullmatch(r"[0-9a-f]{64}", sha256)


def test_the_oldest_systems_are_those_that_the_locks_are_checked_for() -> None:
    text = (ROOT / "dev.py").read_text()
    assert f'OLDEST_MACOS = "{OLDEST_MACOS}"' in text
    assert f"x86_64-manylinux_{OLDEST_GLIBC.replace('.', '_')}" in text


@pytest.mark.parametrize(
    ("python", "said"),
    [
        *((one, "say 3.11, 3.12 or 3.13 with its last number") for one in ("3.9", "3.14.1", "3.12", "x")),
        ("3.12.999", "knows no Python 3.12.999: take another last number"),
    ],
)
def test_a_python_that_no_node_could_run_is_refused_in_one_line(tmp_path: Path, capsys, python: str, said: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--out", str(tmp_path / "dist"), "--python", python])
    err = capsys.readouterr().err
    assert (refused.value.code, said in err, err.count("\n")) == (2, True, 1), err
    assert not (tmp_path / "dist").exists()


def test_the_pythons_are_those_that_the_locks_are_checked_for() -> None:
    assert f"PYTHONS = {json.dumps(PYTHONS).replace('[', '(').replace(']', ')')}" in (ROOT / "dev.py").read_text()


def test_another_python_makes_another_environment(built: Path, tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--python", "3.12.1"])
    name = "Bittrader_Worker_Installer_v2.6_Linux.zip"
    with zipfile.ZipFile(tmp_path / name) as other, zipfile.ZipFile(built / name) as one:
        texts = [archive.read("Worker_Linux_v2.6/install.sh").decode() for archive in (one, other)]
    assert "PYTHON_VERSION='3.12.1'" in texts[1]
    first, second = (re.findall(r"PACKAGE_ID='(\S+)'", text) for text in texts)
    assert first != second
