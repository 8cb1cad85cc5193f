"""What the installers make of a join code before anything is fetched, and that nobody else sees it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.installers.stubs import CODE
from tests.installers.test_bootstrap import begun, calls, hanging, wait_for

from bittrader.cluster.invite import as_file

if TYPE_CHECKING:
    from tests.installers.stubs import Computer, Unpacked


@pytest.mark.parametrize("words", [["--join", "04M2-S3CR3T!"], ["--join=04M2-S3CR3T"], ["04M2-S3CR3T"], []])
def test_a_join_code_with_a_wrong_sign_or_in_the_wrong_place_is_refused_and_not_shown(
    computer: Computer, zips: Unpacked, words: list[str]
) -> None:
    computer.variables = {} if words else {"BITTRADER_JOIN": "04M2-S3CR3T/"}
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", *words)
    assert done.returncode == 2
    assert "S3CR3T" not in done.stdout + done.stderr
    assert computer.tree() == {}


@pytest.mark.parametrize(
    "code",
    [CODE.replace("-", " _."), CODE.lower().replace("-", "\u2013"), f"bittrader worker join {CODE}"],
)
def test_a_join_code_is_taken_as_a_mail_program_or_a_person_writes_it(
    computer: Computer, zips: Unpacked, code: str
) -> None:
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", "--join", code)
    assert (done.returncode, calls(computer)[0][-1]) == (0, code), done.stderr


def test_a_code_in_the_variable_is_in_no_list_of_processes(computer: Computer, zips: Unpacked) -> None:
    computer.variables = {"BITTRADER_JOIN": CODE}
    reached = hanging(computer)
    script = zips.script("install.sh", "Worker_Linux_v2.6")
    with begun(computer, script) as running:
        wait_for(reached)
        ps = ["ps", "-o", "args=", "-g", str(running.pid)]
        lines = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    assert "install.sh" in lines
    assert CODE not in lines
    computer.has_uv()
    assert computer.run(script, "--yes").returncode == 0
    assert CODE not in calls(computer)[0]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (CODE[:-2] + CODE[-1] + CODE[-2], "the join code of --join is damaged: copy it again"),
        (CODE[:-1], "the join code of --join is not whole, it has 58 letters: copy it again"),
        ("U" + CODE[1:], "the join code of --join is damaged: copy it again"),
    ],
)
@pytest.mark.parametrize("given", ["itself", "a file"])
def test_a_damaged_join_code_is_refused_before_anything_is_fetched_and_not_shown(
    computer: Computer, zips: Unpacked, code: str, said: str, given: str
) -> None:
    held = computer.home.parent / "code.txt"
    held.write_text(as_file(code, "studio", "air", 0.0), encoding="utf-8-sig")
    word = code if given == "itself" else str(held)
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", "--join", word)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert code not in done.stdout + done.stderr
    assert computer.tree() == {}


def test_a_file_that_the_head_wrote_is_taken(computer: Computer, zips: Unpacked) -> None:
    held = computer.home.parent / "code.txt"
    held.write_text(as_file(CODE, "studio", "air", 0.0))
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", "--join", str(held))
    assert (done.returncode, calls(computer)[0][-1]) == (0, str(held)), done.stderr
