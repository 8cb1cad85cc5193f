"""dev.py decides rightly what to set up, and says in one line why it cannot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bittrader.paths import INSTALLED

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


def load() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script in a project of its own whose environment is not there yet."""
    module = load()
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RUNTIME_LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(module, "DEV_LOCK", tmp_path / "requirements-dev.lock")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    return module


@pytest.fixture
def installed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What would be installed."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(dev, "find_uv", lambda: "uv")
    monkeypatch.setattr(dev, "install", lambda uv, *words: calls.append(words))
    monkeypatch.setattr(dev, "make_environment", lambda uv: calls.append(("new environment",)))
    return calls


def test_a_clones_environment_is_not_taken_for_one_of_the_installers() -> None:
    assert load().STAMP.name != INSTALLED


def test_a_clone_that_was_set_up_under_the_stamps_former_name_needs_nothing_and_loses_that_name(
    dev: ModuleType, installed: list[object]
) -> None:
    former = dev.STAMP.with_name(INSTALLED)
    former.write_text(dev.stamp_of(dev.DEV_LOCK))
    dev.set_up(dev.DEV_LOCK)
    assert (installed, former.exists(), dev.STAMP.exists()) == ([], False, True)


def test_the_second_run_installs_nothing(dev: ModuleType, installed: list[object]) -> None:
    dev.set_up(dev.DEV_LOCK)
    first = len(installed)
    dev.set_up(dev.DEV_LOCK)
    assert len(installed) == first == 2


def test_what_the_tests_need_is_enough_for_the_demo_but_not_the_other_way(
    dev: ModuleType, installed: list[object]
) -> None:
    dev.set_up(dev.RUNTIME_LOCK)
    dev.set_up(dev.DEV_LOCK)
    assert len(installed) == 4
    dev.set_up(dev.RUNTIME_LOCK)
    assert len(installed) == 4


@pytest.mark.parametrize("changed", ["requirements-dev.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_again(dev: ModuleType, installed: list[object], changed: str) -> None:
    dev.set_up(dev.DEV_LOCK)
    (dev.ROOT / changed).write_text("other")
    dev.set_up(dev.DEV_LOCK)
    assert len(installed) == 4


def test_an_environment_that_was_moved_is_made_anew(dev: ModuleType, installed: list[object]) -> None:
    dev.STAMP.write_text("/elsewhere\n0\n")
    dev.set_up(dev.DEV_LOCK)
    assert installed[0] == ("new environment",)


def test_an_environment_below_an_umlaut_finds_the_sources_in_a_locale_that_has_none(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path / "Jörg")
    monkeypatch.setattr(dev, "VENV", dev.ROOT / ".venv")
    venv.create(dev.VENV)
    (packages,) = dev.VENV.rglob("site-packages")
    (packages / "_editable_impl_bittrader.pth").write_text(str(dev.ROOT / "src"), encoding="utf-8")
    (dev.ROOT / "src").mkdir()
    (dev.ROOT / "src" / "pebble.py").write_text("print('small')")
    dev.point_at_sources()
    python = dev.VENV / dev.BIN.name / dev.PYTHON.name
    variables = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([python, "-c", "import pebble"], env=variables, capture_output=True, check=False)
    assert done.stdout.split() == [b"small"], done.stderr


def test_a_python_that_is_missing_or_fails_does_not_work(dev: ModuleType) -> None:
    assert dev.works(sys.executable)
    assert not dev.works("/no/such/python")
    assert not dev.works(sys.executable, "raise SystemExit(1)")


@pytest.mark.parametrize("bounds", [((3, 99), (3, 100)), ((3, 0), (3, 1))])
def test_a_python_that_the_locks_are_not_for_does_not_work(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, bounds: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    monkeypatch.setattr(dev, "OLDEST", bounds[0])
    monkeypatch.setattr(dev, "NEWEST", bounds[1])
    assert not dev.works(sys.executable)


def test_without_python_or_uv_it_says_what_to_install(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "find_python", lambda: None)
    with pytest.raises(dev.Stop, match="is needed; this is"):
        dev.make_environment(None)


def test_without_the_venv_module_it_says_what_to_install(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "find_python", lambda: sys.executable)
    monkeypatch.setattr(dev, "works", lambda *_: False)
    with pytest.raises(dev.Stop, match="sudo apt install python3-venv"):
        dev.make_environment(None)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("error: Failed to fetch\n  caused by: dns error: failed to lookup address", "cannot be downloaded"),
        ("Temporary failure in name resolution", "cannot be downloaded"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate that is not trusted"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not what the lock promises"),
        ("ERROR: No matching distribution found for llvmlite==0.50.0", "no ready-made package for this system"),
    ],
)
def test_what_installers_say_becomes_one_line(dev: ModuleType, said: str, line: str) -> None:
    assert line in dev.cause_in(said)


def test_an_unknown_failure_is_shown_as_it_was_said(dev: ModuleType) -> None:
    with pytest.raises(dev.Stop, match="something strange"):
        dev.attempt(sys.executable, "-c", "import sys; sys.exit('something strange')")


def test_other_code_does_not_leak_into_the_environment(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert "PYTHONPATH" not in dev.environment()


def test_an_unknown_job_is_one_line() -> None:
    run = subprocess.run([sys.executable, ROOT / "dev.py", "tset"], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert run.stderr.startswith("dev.py: there is no job 'tset'.")
    assert run.stderr.count("\n") == 1


def test_every_job_of_the_script_is_a_job_of_the_makefile(dev: ModuleType) -> None:
    jobs = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("JOBS :="))
    assert jobs.removeprefix("JOBS :=").split() == list(dev.JOBS)
