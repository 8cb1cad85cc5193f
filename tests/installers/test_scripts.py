"""The scripts keep to what the oldest shell they meet understands, as far as programs can tell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.install.machines import environment
from tests.install.machines import windows as windows_facts
from tests.wine import inside

from bittrader.cluster import invite
from bittrader.cluster.invite import LETTERS, MOST_ADDRESSES, Invite, encode
from bittrader.install.plan import plan
from bittrader.install.receipt import Choices
from bittrader.paths import INSTALLED

if TYPE_CHECKING:
    from tests.installers.stubs import Unpacked
    from tests.wine import Wine

SOURCES = Path(__file__).parents[2] / "installers"
POSIX = sorted((*SOURCES.glob("head/*.sh"), *SOURCES.glob("worker/*.sh")))
BATCH = ("verify_worker.bat", "uninstall.bat")
FOLDER = "Worker_Windows_v2.6"

# What PowerShell 7 has and 5.1 has not.
NEWER_POWERSHELL = (
    r"\?\?", r"&&", r"\|\|", r"\?\.", r" \? .* : ", r"-Parallel\b", r"\$Is(Windows|Linux|MacOS)\b", r"-AsByteStream",
)  # fmt: skip
# What GNU has and the BSD tools of macOS, or the shells, have not.
NOT_POSIX = (
    r"\bsed -i", r"\breadlink -f", r"\bstat -c", r"\bmktemp\b", r"\bgrep -P", r"\bsort -V", r"\blocal ", r"\[\[",
    r"\bfunction \w+( *\(\))? *\{", r"\becho -[ne]", r"\bdate -d", r"\bcp -a\b", r"\bdu -[a-z]*b", r"<<<", r"\$'",
)  # fmt: skip


def tool(name: str) -> str:
    """A program from the environment or the system; else the test is left out, and says so."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {name} here")
    return found


def built(zips: Unpacked) -> list[Path]:
    return sorted(zips.folder.glob("*/*.sh"))


def test_shellcheck_has_nothing_to_say(zips: Unpacked) -> None:
    done = subprocess.run([tool("shellcheck"), "--shell=sh", *built(zips)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_scripts_are_formatted() -> None:
    sources = [*POSIX, *SOURCES.glob("shared/*.sh")]
    done = subprocess.run(
        [tool("shfmt"), "-i", "4", "-ci", "-d", *sources], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_shells_can_read_them(zips: Unpacked, shell: str) -> None:
    for script in built(zips):
        done = subprocess.run([tool(shell), "-n", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), script.name


@pytest.mark.parametrize("pattern", NOT_POSIX)
def test_no_script_uses_what_only_gnu_or_bash_has(zips: Unpacked, pattern: str) -> None:
    for script in built(zips):
        text = "\n".join(line for line in script.read_text().splitlines() if not line.lstrip().startswith("#"))
        assert re.search(pattern, text) is None, script.name


def powershell_scripts(zips: Unpacked) -> list[Path]:
    return sorted((zips.folder / FOLDER).glob("*.ps1"))


def test_powershell_scripts_are_whole(zips: Unpacked) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert len(powershell_scripts(zips)) == 2
    for script in powershell_scripts(zips):
        root = parser.parse(script.read_bytes().replace(b"\r\n", b"\n")).root_node
        assert not root.has_error, f"{script.name}: {wrong(root)}"


def wrong(node: object) -> list[tuple[int, bytes]]:
    """The lines that the parser cannot read."""
    here = [(node.start_point[0] + 1, node.text[:60])] if node.is_error or node.is_missing else []
    return here + [one for child in node.children for one in wrong(child)]


def test_powershell_scripts_keep_to_5_1(zips: Unpacked) -> None:
    for script in powershell_scripts(zips):
        code = re.sub(r'(?s)@".*?"@|"[^"\n]*"|\'[^\'\n]*\'|(?m:^\s*#.*$)', "''", script.read_text())
        for pattern in NEWER_POWERSHELL:
            assert re.search(pattern, code) is None, f"{script.name}: {pattern}"
        # An alias means something else on another computer; what is not set is an error.
        assert not re.search(r"(?m)^\s*(cd|ls|cp|rm|mv|echo|cat|curl|wget|iwr|gci|sc)\b", code)
        assert "Set-StrictMode -Version 2.0" in script.read_text()


def test_a_join_code_is_no_word_of_a_command_and_in_no_error(zips: Unpacked) -> None:
    text = (zips.folder / FOLDER / "install.ps1").read_text()
    assert "Add-Word '--join', $env:BITTRADER_JOIN" not in text
    shown = re.findall(r'Stop-Script \d "([^"\n]*)"', text)
    assert shown
    assert not [words for words in shown if "$value" in words and "cores" not in words]


@settings(max_examples=10)
@given(data=st.data())
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_shells_tell_a_whole_join_code_from_a_damaged_one_as_the_program_does(
    zips: Unpacked, shell: str, data: st.DataObject
) -> None:
    addresses = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=MOST_ADDRESSES).map(tuple)
    made = st.builds(Invite, addresses, st.integers(1, 65535), st.binary(min_size=16, max_size=16),
                     st.binary(min_size=10, max_size=10))  # fmt: skip
    whole = [encode(one).replace("-", "") for one in data.draw(st.lists(made, min_size=1, max_size=10))]
    damaged = [data.draw(damages(one)) for one in whole]
    script = zips.script("install.sh", "Worker_Linux_v2.6").read_text()
    function = re.findall(r"^is_whole\(\) \{.*?^\}\n", script, re.MULTILINE | re.DOTALL)[0]
    loop = 'while read -r code; do if is_whole "$code"; then echo whole; else echo damaged; fi; done'
    codes = "\n".join([*whole, *damaged, ""])
    done = subprocess.run([shell, "-c", function + loop], input=codes, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["whole"] * len(whole) + ["damaged"] * len(damaged), done.stderr


def damages(code: str) -> st.SearchStrategy[str]:
    """The code with up to four letters changed, which is always noticed."""

    def changed(places: set[int], steps: list[int]) -> str:
        letters = list(code)
        for place, step in zip(places, steps, strict=False):
            letters[place] = LETTERS[(LETTERS.index(letters[place]) + step) % 32]
        return "".join(letters)

    places = st.sets(st.integers(0, len(code) - 1), min_size=1, max_size=4)
    return st.builds(changed, places, st.lists(st.integers(1, 31), min_size=4, max_size=4))


def test_the_stamp_is_the_one_by_which_the_program_knows_their_environments(zips: Unpacked) -> None:
    assert f"STAMP=$ENVIRONMENT/{INSTALLED}\n" in zips.script("install.sh", "Worker_Linux_v2.6").read_text()
    assert f"Join-Path $Environment '{INSTALLED}'" in zips.script("install.ps1", FOLDER).read_text()


def test_powershell_knows_the_same_code_as_the_shells(zips: Unpacked) -> None:
    shell = zips.script("install.sh", "Worker_Linux_v2.6").read_text()
    windows = zips.script("install.ps1", "Worker_Windows_v2.6").read_text()
    for numbers in (invite._GENERATOR, invite._SIGNED):
        assert " ".join(map(str, numbers)) in shell
    assert ", ".join(map(str, invite._GENERATOR)) in windows
    assert " ".join(map(str, invite._SIGNED)) in windows
    assert LETTERS in shell
    assert LETTERS in windows
    lengths = list(invite._lengths().values())
    assert " | ".join(map(str, lengths)) in shell
    assert ", ".join(map(str, lengths)) in windows


def test_a_dry_run_on_a_fresh_windows_names_every_place_that_the_program_would_change(zips: Unpacked) -> None:
    text = (zips.folder / FOLDER / "install.ps1").read_text()
    said = re.findall(r"(?s)^function Write-Changes \{(.*?)^\}", text, re.MULTILINE)[0]
    assert "    Write-Changes\n    Write-Host 'Nothing was changed" in text
    facts = windows_facts(is_root=True)
    program = re.findall(r"(?m)^\$Program = Join-Path \$Folder '(.*)'$", text)[0]
    said = said.replace("$Program", f"$Folder\\{program}").replace("$Folder", facts.folder)
    for change in plan(facts, Choices(firewall=True), environment(facts)).changes:
        assert (change.target if change.kind in ("file", "task") else "in the firewall of Windows") in said


def test_windows_tells_how_a_switch_is_meant_that_was_given_a_value_for_every_switch_that_it_knows(
    zips: Unpacked,
) -> None:
    text = zips.script("install.ps1", FOLDER).read_text()
    read = re.findall(r"(?s)^function Read-Options\b.*?^\}", text, re.MULTILINE)[0]
    switches = set(re.findall(r"(?m)^ +'(\w+)' \{", read))
    assert len(switches) == 10
    assert set(re.findall(r"'(\w+)='", read)) == switches


def test_windows_checks_the_answers_before_it_says_anything_and_so_before_a_dry_run_ends(zips: Unpacked) -> None:
    text = zips.script("install.ps1", FOLDER).read_text()
    calls = re.findall(r"(?m)^(?:if \()?([\w-]+|\$script:DryRun)\b", text[text.index("\nRead-Options $args\n") :])
    assert calls[:4] == ["Read-Options", "Read-Variables", "Test-Values", "Write-Host"]
    assert "$script:DryRun" in calls[4:]
    checks = re.findall(r"(?s)^function Test-Values \{(.*?)^\}", text, re.MULTILINE)[0]
    assert re.findall(r"'--(?:cores|join)'|\$env:\w+(?=\))", checks) == ["'--cores'", "'--join'", "$env:BITTRADER_JOIN"]


def test_powershell_functions_are_called_by_the_names_that_they_have(zips: Unpacked) -> None:
    text = (zips.folder / FOLDER / "install.ps1").read_text()
    defined = re.findall(r"(?m)^function ([\w-]+)", text)
    for name in defined:
        assert len(re.findall(rf"(?<![\w-]){name}(?![\w-])", text)) > 1, f"{name} is never called"
    verbs = "Add|Copy|Find|Format|Get|Install|Invoke|New|Read|Remove|Save|Start|Stop|Test|Undo|Write"
    known = {"Set-StrictMode", "Join-Path", "New-Object", "Write-Host", "New-Item", "Test-Path", "Get-FileHash"}
    known |= {"Get-CimInstance", "Get-ChildItem", "ForEach-Object", "Where-Object", "Remove-Item", "Get-Command"}
    known |= {"Get-Content", "Start-Process", "Copy-Item", "Add-Type", "Read-Host"}
    called = set(
        re.findall(rf"(?<![\w'.$-])((?:{verbs}|ForEach|Where|Join|Set)-[A-Z]\w+)", re.sub(r"(?m)^\s*#.*$", "", text))
    )
    assert called - set(defined) <= known


@dataclass(frozen=True)
class Windows:
    """Wine with a home for bittrader."""

    wine: Wine
    home: Path

    @property
    def folder(self) -> Path:
        """The node's."""
        return self.home / "worker"

    def batch(self, zips: Unpacked, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """What became of a batch file of the zip."""
        script = inside(zips.folder / FOLDER / name)
        return self.wine.run("cmd", "/c", script, *words, BITTRADER_HOME=inside(self.home))


@pytest.fixture
def windows(wine: Wine, tmp_path: Path) -> Windows:
    """Wine with a node's folder of its own, in a place with a space and umlauts."""
    made = Windows(wine, tmp_path / "Jörg Müller (x86)")
    made.folder.mkdir(parents=True)
    return made


def put_program(folder: Path, code: int) -> None:
    """A program that says its words and ends with a code."""
    (folder / "bin").mkdir()
    (folder / "bin" / "bittrader.cmd").write_text(f"@echo off\r\necho asked: %*\r\nexit /b {code}\r\n")


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize(("name", "verb"), [("verify_worker.bat", "verify"), ("uninstall.bat", "uninstall")])
def test_a_batch_file_hands_over_its_words_and_the_exit_code(
    windows: Windows, zips: Unpacked, name: str, verb: str, code: int
) -> None:
    put_program(windows.folder, code)
    done = windows.batch(zips, name, "--json", "--yes")
    assert f"asked: worker {verb} --json --yes" in done.stdout
    assert done.returncode == code


def test_a_batch_file_says_when_nothing_is_installed(windows: Windows, zips: Unpacked) -> None:
    done = windows.batch(zips, "verify_worker.bat")
    assert done.returncode == 2
    assert "no worker is installed here" in done.stderr
    done = windows.batch(zips, "uninstall.bat", "--yes")
    assert (done.returncode, "nothing to remove" in done.stdout) == (0, True)


@pytest.mark.parametrize("sure", ["--yes", "-y"])
def test_what_an_unfinished_installation_left_is_removed_on_windows(
    windows: Windows, zips: Unpacked, sure: str
) -> None:
    for name in ("envs/0.1.0-1/Lib", "python", ".setup"):
        (windows.folder / name).mkdir(parents=True)
    (windows.folder / "config.env").write_text("NUM_CPUS=2\n")
    (windows.folder / "install.lock").touch()
    done = windows.batch(zips, "uninstall.bat", "--dry-run")
    assert (done.returncode, "would remove" in done.stdout) == (0, True)
    assert (windows.folder / "envs").exists()
    assert windows.batch(zips, "uninstall.bat").returncode == 1  # nobody answers
    assert (windows.folder / "envs").exists()
    done = windows.batch(zips, "uninstall.bat", sure)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in windows.folder.iterdir()] == ["config.env"]


def test_wine_leaves_no_folder_of_its_server_behind(wine: Wine) -> None:
    there = wine.folder.stat()
    assert not [*Path("/tmp").glob(f"wine-*/server-{there.st_dev:x}-{there.st_ino:x}")]


def test_batch_files_end_every_line_as_cmd_needs_it(zips: Unpacked) -> None:
    with zipfile.ZipFile(zips.folder / "Bittrader_Worker_Installer_v2.6_Windows.zip") as archive:
        for name in BATCH:
            lines = archive.read(f"{FOLDER}/{name}").split(b"\n")
            assert all(line.endswith(b"\r") for line in lines[:-1])
