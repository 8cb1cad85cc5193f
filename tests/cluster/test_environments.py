"""Environments of earlier versions stay while something runs from them, and go after that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.environments import remove_retired, retire_all_but, runs_from
from bittrader.host.programs import Program, program_of

OLD = PurePosixPath("/home/ana/.bittrader_head/envs/0.1.0-1")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(exe=WORDS, words=st.lists(WORDS), virtual=WORDS)
def test_what_names_no_file_of_an_environment_does_not_run_from_it(exe, words, virtual) -> None:
    assert not runs_from(Program(exe, tuple(words), virtual), OLD)


@given(before=st.lists(WORDS), after=st.lists(WORDS))
def test_a_word_of_its_command_in_an_environment_is_enough(before, after) -> None:
    assert runs_from(Program("/usr/bin/python3", (*before, f"{OLD}/bin/python", *after), ""), OLD)


@pytest.mark.parametrize(
    ("program", "environment"),
    [
        (Program(f"{OLD}/lib/python3.11/site-packages/ray/core/src/ray/raylet/raylet", ("ray::IDLE",), ""), OLD),
        (Program("/usr/bin/python3.11", ("python", "search.py"), str(OLD)), OLD),
        (
            Program(r"C:\Users\ana\.bittrader_worker\envs\1\Scripts\python.exe", (), ""),
            PureWindowsPath(r"c:\users\ana\.bittrader_worker\envs\1"),
        ),
    ],
)
def test_its_file_in_an_environment_or_one_that_was_activated_for_it_is_enough(program: Program, environment) -> None:
    assert runs_from(program, environment)


def test_an_environment_whose_name_only_begins_alike_is_another() -> None:
    assert not runs_from(Program(f"{OLD}2/bin/python", (), ""), OLD)


class AnotherUsers:
    """A process that this user may not look into, though its words are public."""

    def exe(self) -> str:
        raise psutil.AccessDenied

    def cmdline(self) -> list[str]:
        return [f"{OLD}/bin/python", "-m", "bittrader"]

    def environ(self) -> dict[str, str]:
        raise psutil.AccessDenied


def test_a_program_of_another_user_runs_from_what_its_words_name() -> None:
    assert runs_from(program_of(AnotherUsers()), OLD)


def environments(folder: Path) -> list[str]:
    return sorted(one.name for one in (folder / "envs").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        (tmp_path / "envs" / name / "bin").mkdir(parents=True)
        (tmp_path / "envs" / name / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def test_nothing_is_removed_that_was_not_retired(folder: Path) -> None:
    assert remove_retired(folder) == ()
    assert remove_retired(folder / "no such") == ()
    assert environments(folder) == ["one", "three", "two"]


def test_all_that_were_retired_go_but_the_one_that_a_program_runs_from(folder: Path) -> None:
    used = folder / "envs" / "one"
    retire_all_but(folder / "envs" / "two", folder)
    words = [used / "bin" / "python", "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as program:
        assert remove_retired(folder) == (used,)
        assert environments(folder) == ["one", "two"]
        program.stdin.close()
    assert remove_retired(folder) == ()
    assert environments(folder) == ["two"]


def test_an_environment_that_is_wanted_again_stays(folder: Path) -> None:
    retire_all_but(folder / "envs" / "two", folder)
    retire_all_but(folder / "envs" / "one", folder)
    remove_retired(folder)
    assert environments(folder) == ["one"]


def test_a_program_in_an_activated_environment_is_known_by_a_link_to_its_folder_too(
    folder: Path, tmp_path_factory
) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(folder)
    retire_all_but(link / "envs" / "two", link)
    python, variables = shutil.which("sleep"), {**os.environ, "VIRTUAL_ENV": str(folder / "envs" / "one")}
    with subprocess.Popen([python, "600"], env=variables) as program:
        assert [one.name for one in remove_retired(link)] == ["one"]
        program.kill()
