"""The front door of the command line: what it answers by itself, and how it says what went wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bittrader import __version__, cli
from bittrader.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Said = Callable[..., tuple[int, str, str]]

# A noun with two verbs, and one that is a single command: the two forms that our commands have.
NOUN = '''
import typer
from bittrader.errors import InputError
app = typer.Typer(add_completion=False)

@app.command()
def ask(length: int, times: int = typer.Option(1, "--times")) -> None:
    """Asks."""
    print(length * times)

@app.command()
def fail() -> None:
    """Fails."""
    raise InputError("that cannot be. Try this.")

@app.command()
def interrupt() -> None:
    """Is stopped by Ctrl-C."""
    raise KeyboardInterrupt

@app.command()
def be_refused() -> None:
    """Meets a file that may not be opened."""
    raise PermissionError(13, "Permission denied", "/somewhere/else")

@app.command()
def fill_up() -> None:
    """Puts into words that the disk is full."""
    try:
        raise OSError(28, "No space left on device")
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}.") from None

@app.command()
def ramble() -> None:
    """Fails in many lines."""
    raise InputError("first\\n  and second.")

@app.command()
def break_down() -> None:
    """Shows a defect of ours."""
    raise ZeroDivisionError("ours")

@app.command()
def talk() -> None:
    """Writes more than any pipe holds."""
    for line in range(200_000):
        print(f"line {line}")

@app.command()
def stop_by_itself() -> None:
    """Ends with a code of its own."""
    raise typer.Exit(3)
'''
SINGLE = '''
import typer
app = typer.Typer(add_completion=False)

@app.command()
def single(word: str) -> None:
    """Says a word."""
    print(word)
'''
PROGRAM = """
from bittrader import cli
cli.COMMANDS = {"noun": ("noun_of_the_test", "A noun."), "single": ("single_of_the_test", "One command.")}
cli.main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "noun_of_the_test.py").write_text(NOUN)
    (tmp_path / "single_of_the_test.py").write_text(SINGLE)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def said(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs the words in this process, and gives the exit code and both streams."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(
        cli, "COMMANDS", {"noun": ("noun_of_the_test", "A noun."), "single": ("single_of_the_test", "One command.")}
    )

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bittrader", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        streams = capsys.readouterr()
        return end.value.code, streams.out, streams.err

    return run


def modules_after(words: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `bittrader <words>`."""
    program = (
        "import sys, json\n"
        f"sys.argv = ['bittrader', *{words.split()!r}]\n"
        "from bittrader.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(run.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", ["", "--help", "-h", "--version", "optimise"])
def test_the_front_door_imports_no_library(words: str) -> None:
    assert not modules_after(words) & {"typer", "rich", "pydantic", "numpy", "numba", "pyarrow", "optuna", "scipy"}


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_help_names_every_command(said: Said, words: tuple[str, ...]) -> None:
    code, out, err = said(*words)
    assert (code, err) == (0, "")
    assert "noun    A noun.\n" in out
    assert "single  One command.\n" in out


def test_version_is_the_packages(said: Said) -> None:
    assert said("--version") == (0, f"bittrader {__version__}\n", "")


def test_a_mistyped_command_is_met_with_a_suggestion(said: Said) -> None:
    assert said("nuon") == (2, "", "bittrader: there is no command 'nuon'. Did you mean 'noun'?\n")


def test_a_strange_command_is_told_where_they_are_listed(said: Said) -> None:
    assert said("zzz") == (2, "", "bittrader: there is no command 'zzz'. `bittrader --help` lists them all.\n")


def test_a_mistyped_option_is_met_with_a_suggestion(said: Said) -> None:
    assert said("--verison") == (2, "", "bittrader: there is no option '--verison'. Did you mean '--version'?\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("noun aks", "no such command 'aks'. Did you mean 'ask'? See `bittrader noun --help`."),
        ("noun ask", "missing argument 'length'. See `bittrader noun ask --help`."),
        ("noun ask x", "length takes a whole number, not 'x'. See `bittrader noun ask --help`."),
        ("noun ask 3 --tmes 4", "no such option: --tmes (Possible options: --times). See `bittrader noun ask --help`."),
        ("single", "missing argument 'word'. See `bittrader single --help`."),
        ("single a b", "got unexpected extra argument(s) (b). See `bittrader single --help`."),
    ],
)
def test_a_usage_error_is_one_line_and_code_2(said: Said, words: str, line: str) -> None:
    code, out, err = said(*words.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"bittrader: {line}")
    assert err.count("\n") == 1


def test_commands_of_both_forms_run(said: Said) -> None:
    assert said("noun", "ask", "3", "--times", "4") == (0, "12\n", "")
    assert said("single", "hello") == (0, "hello\n", "")


def test_a_noun_alone_prints_its_help(said: Said) -> None:
    code, out, err = said("noun")
    assert (code, err) == (0, "")
    assert "Fails." in out


@pytest.mark.parametrize("words", ["noun", "noun ask", "single"])
def test_the_short_and_the_long_word_for_help_print_the_same(said: Said, words: str) -> None:
    short, long = (said(*words.split(), word) for word in ("-h", "--help"))
    assert short == long
    assert (short[0], short[2]) == (0, "")


def test_a_commands_help_offers_no_completion_of_its_own(said: Said) -> None:
    assert "completion" not in said("single", "--help")[1]


def test_what_a_user_can_mend_is_one_line_and_code_2(said: Said) -> None:
    assert said("noun", "fail") == (2, "", "bittrader: that cannot be. Try this.\n")


def test_a_command_may_end_with_a_code_of_its_own(said: Said) -> None:
    assert said("noun", "stop-by-itself")[0] == 3


def test_ctrl_c_ends_with_130_and_no_traceback(said: Said) -> None:
    assert said("noun", "interrupt") == (130, "", "")


def test_a_defect_keeps_its_traceback_asks_for_a_report_and_has_a_code_of_its_own(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "program.py", "noun", "break-down"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == ExitCode.DEFECT
    assert "ZeroDivisionError: ours" in run.stderr
    assert run.stderr.splitlines()[-1].startswith("bittrader: this is a defect of ours")


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="pipes break otherwise on Windows")
def test_a_reader_that_has_enough_is_no_error(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "program.py", "noun", "talk"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout.readline() == b"line 0\n"
        run.stdout.close()
        assert run.stderr.read() == b""


def test_the_module_is_the_command() -> None:
    run = subprocess.run([sys.executable, "-m", "bittrader", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"bittrader {__version__}\n"


@pytest.mark.parametrize(("typed", "offered"), [("bittrader no", ["noun"]), ("bittrader noun a", ["ask"])])
def test_the_tab_key_completes_commands(folder: Path, typed: str, offered: list[str]) -> None:
    words = {"_BITTRADER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    run = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False, env=os.environ | words
    )
    assert run.stdout.split() == offered


def test_the_completion_script_can_be_seen(folder: Path) -> None:
    # Typer looks for the shell among the parent processes, and a test may run without one.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    run = subprocess.run(
        [sys.executable, "program.py", "--show-completion", "bash"],
        cwd=folder, capture_output=True, text=True, check=True, env=os.environ | named,
    )  # fmt: skip
    assert "_BITTRADER_COMPLETE=complete_bash" in run.stdout


def test_what_the_system_refuses_is_one_line_with_the_place_and_code_2(said: Said) -> None:
    code, out, err = said("noun", "be-refused")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "/somewhere/else: Permission denied. Look at its permissions" in err


def test_a_full_disk_ends_with_the_code_of_the_computer_whoever_puts_it_in_words(said: Said) -> None:
    line = "bittrader: it cannot be written: No space left on device.\n"
    assert said("noun", "fill-up") == (ExitCode.SYSTEM, "", line)


def test_a_message_of_several_lines_is_said_on_one(said: Said) -> None:
    assert said("noun", "ramble") == (2, "", "bittrader: first and second.\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110 - a device
def test_output_that_finds_no_room_is_told(folder: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        words = [sys.executable, str(folder / "program.py"), "noun", "ask", "1"]
        run = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (
        ExitCode.SYSTEM,
        "bittrader: the output: No space left on device. Free some space, and try again.\n",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110 - a device
@pytest.mark.parametrize(("verb", "code"), [("fail", ExitCode.REFUSED), ("break-down", ExitCode.DEFECT)])
def test_the_exit_code_is_the_same_where_nothing_can_be_said(folder: Path, verb: str, code: ExitCode) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        words = [sys.executable, str(folder / "program.py"), "noun", verb]
        assert subprocess.run(words, stdout=full, stderr=full, check=False).returncode == code


@pytest.mark.skipif(os.name == "nt", reason="closes its output as a POSIX shell does")
def test_a_closed_output_is_no_defect(folder: Path) -> None:
    line = f"{sys.executable} {folder / 'program.py'} noun ask 1 >&-"
    run = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
