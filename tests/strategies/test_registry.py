from __future__ import annotations

import inspect
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.strategies.made import walk

from bittrader.errors import InputError, StrategyError
from bittrader.strategies import registry
from bittrader.strategies.base import Strategy, checked
from bittrader.strategies.chart import Chart
from bittrader.strategies.registry import builtin_strategies, code_digest, load_strategy, place_in_strategy, run_file

PLAIN = """
from bittrader import Int, Signals, Strategy

class Mine(Strategy):
    length = Int(5, 50)

    def signals(self, chart):
        return Signals(enter_long=chart.close > chart.sma(self.length))
"""
PROMISED = {
    "buy-and-hold",
    "sma-cross",
    "ema-cross",
    "rsi-reversion",
    "donchian-breakout",
    "bollinger-reversion",
    "macd",
    "supertrend",
    "momentum",
}


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "mine.py") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def test_the_promised_strategies_are_there():
    assert set(builtin_strategies()) >= PROMISED


@pytest.mark.parametrize("name", builtin_strategies())
def test_a_builtin_is_a_postcard_under_its_own_name(name):
    strategy = load_strategy(name)
    assert strategy.name == name
    assert strategy.__doc__
    assert len(inspect.getsource(strategy).splitlines()) <= 32


@pytest.mark.parametrize("name", builtin_strategies())
def test_a_builtin_trades_with_its_defaults(name):
    series = walk(3000, 5)
    signals = checked(load_strategy(name)().signals(Chart(series)), len(series))
    assert any(flags is not None and flags.any() for flags in (signals.enter_long, signals.enter_short))


def test_listing_the_builtins_imports_none_of_them():
    code = (
        "import sys; from bittrader.strategies.registry import builtin_strategies; builtin_strategies();"
        "assert not [m for m in sys.modules if m.startswith(('bittrader.strategies.builtin.', 'numba', 'talib'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_strategy_of_ones_own_is_loaded_with_or_without_its_class(write):
    path = write(PLAIN)
    for ref in (path, f"{path}:Mine"):
        assert load_strategy(ref).space.names == ("length",)


def test_a_mistyped_name_is_met_with_the_right_one(write):
    with pytest.raises(InputError, match="Did you mean 'sma-cross'"):
        load_strategy("sma-cros")
    with pytest.raises(StrategyError, match="Did you mean 'Mine'"):
        load_strategy(f"{write(PLAIN)}:Mien")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class Broken(:\n    pass\n", r"mine\.py, line 1: invalid syntax"),
        ("x = 1\n\ny = 1 / 0\n", r"mine\.py, line 3: ZeroDivisionError: division by zero"),
        ("import no_such_module_here\n", r"line 1: ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("from bittrader import Int\nx = Int(5, 4)\n", r"line 2: Int\(5, 4"),
        ("raise SystemExit(3)\n", r"line 1: SystemExit: 3"),
        ("raise BaseException('no')\n", r"line 1: BaseException: no"),
        ("class Stop(KeyboardInterrupt): pass\nraise Stop\n", r"line 2: Stop"),
        ("raise GeneratorExit\n", r"line 1: GeneratorExit"),
        ("x = 1\n", r"0 strategies"),
        (PLAIN + PLAIN.replace("Mine", "Other"), r"2 strategies: Mine, Other; say which"),
        ("x = '\\x00\n", r"line 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line_with_its_place(write, text, words):
    with pytest.raises(StrategyError, match=words) as caught:
        load_strategy(write(text))
    assert "\n" not in str(caught.value)


def test_an_interrupt_while_a_file_runs_stays_an_interrupt(write):
    with pytest.raises(KeyboardInterrupt):
        load_strategy(write("raise KeyboardInterrupt\n"))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot read the file"):
        load_strategy(str(tmp_path / "none.py"))


def test_helpers_beside_a_file_are_its_own_and_as_they_are_now(write):
    helped = "from helper_beside import LENGTH\n" + PLAIN.replace("5, 50", "LENGTH, 50")
    for folder, length in (("one", 5), ("two", 6), ("one", 7)):
        write(f"LENGTH = {length}\n", f"{folder}/helper_beside.py")
        assert load_strategy(write(helped, f"{folder}/mine.py")).length.low == length
    assert not any(str(path).endswith(("one", "two")) for path in sys.path)


def test_an_error_in_a_helper_is_told_with_its_place(write):
    write("\n\nboom\n", "helper_beside.py")
    with pytest.raises(StrategyError, match=r"helper_beside\.py, line 3: NameError"):
        load_strategy(write("import helper_beside\n"))


def test_loading_leaves_nothing_behind(write, tmp_path):
    write("LENGTH = 5\n", "helper_beside.py")
    load_strategy(write("import helper_beside\n" + PLAIN))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper_beside.py", "mine.py"]


def test_a_digest_is_that_of_the_code_and_not_of_its_place(write):
    first, second = load_strategy(write(PLAIN, "a/mine.py")), load_strategy(write(PLAIN, "b/mine.py"))
    assert code_digest(first) == code_digest(second)
    assert len(code_digest(first)) == 32


def test_a_digest_differs_when_the_file_or_a_helper_differs(write):
    text = "from package import deep\nfrom package.deep import LENGTH\n" + PLAIN
    write("", "package/__init__.py")
    digests = []
    for deep, mine in (("LENGTH = 1\n", text), ("LENGTH = 2\n", text), ("LENGTH = 2\n", f"{text}OTHER = 1\n")):
        write(deep, "package/deep.py")
        digests.append(code_digest(load_strategy(write(mine))))
    assert len(set(digests)) == 3


def test_comments_docstrings_and_layout_do_not_count(write):
    helped = "import helper\n" + PLAIN
    write("def length():\n    return 5\n", "helper.py")
    before = code_digest(load_strategy(write(helped)))
    write('"""Helps."""\n\ndef length():\n    """Five."""\n    return (5)  # five\n', "helper.py")
    assert code_digest(load_strategy(write(f'"""Mine."""\n# said\n\n{helped}'))) == before
    write("def length():\n    return 6\n", "helper.py")
    assert code_digest(load_strategy(write(helped))) != before


def test_a_docstring_that_the_code_reads_counts(write):
    def digest(words: str) -> str:
        return code_digest(load_strategy(write(f'"""{words}"""\nLENGTH = int(__doc__)\n{PLAIN}')))

    assert digest("5") != digest("6")
    assert digest("5") == digest("5")


@pytest.mark.parametrize("statement", ["from package import far", "from .far import X", "from package.far import *"])
def test_a_digest_follows_imports_between_helpers(write, statement):
    def digest(far: str) -> str:
        write(far, "package/far.py")
        return code_digest(load_strategy(write("import package.near\n" + PLAIN)))

    write("", "package/__init__.py")
    write(statement, "package/near.py")
    assert digest("X = 1") != digest("X = 2")


def test_line_endings_do_not_count(write, tmp_path):
    unix = code_digest(load_strategy(write(PLAIN)))
    (tmp_path / "mine.py").write_bytes(PLAIN.replace("\n", "\r\n").encode())
    assert code_digest(load_strategy(str(tmp_path / "mine.py"))) == unix


def test_strategies_without_a_file_have_digests_too():
    def made(level: float) -> type[Strategy]:
        scope: dict[str, object] = {"__name__": "nowhere", "Strategy": Strategy, "np": np}
        exec(f"class Made(Strategy):\n def signals(self, chart):\n  return chart.close > {level}\n", scope)
        return scope["Made"]

    assert code_digest(made(1)) == code_digest(made(1))
    assert code_digest(made(1)) != code_digest(made(2))


def test_every_builtin_has_a_digest_of_its_own():
    assert len({code_digest(load_strategy(name)) for name in builtin_strategies()}) == len(builtin_strategies())


def test_an_error_in_signals_has_its_place_in_the_strategys_file(write):
    strategy = load_strategy(write(PLAIN.replace("return", "raise ValueError('no\\nluck') #")))
    with pytest.raises(ValueError, match="luck") as caught:
        strategy().signals(Chart(walk(50)))
    assert place_in_strategy(caught.value).endswith("mine.py, line 8: ValueError: no luck")


def test_an_error_of_ours_has_no_place_in_a_strategy(write):
    load_strategy(write(PLAIN))
    with pytest.raises(InputError) as caught:
        load_strategy("sma-cros")
    assert place_in_strategy(caught.value) is None


def test_packages_below_the_strategys_folder_are_not_the_users(write, monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_PACKAGES", (tmp_path / ".venv",))
    package = tmp_path / ".venv" / "other.py"
    package.parent.mkdir()
    package.write_text("def fail():\n    raise ValueError('deep')\n")
    text = f"import sys\nsys.path.append({str(package.parent)!r})\nimport other\nother.fail()\n"
    with pytest.raises(StrategyError, match=r"mine\.py, line 4: ValueError: deep"):
        load_strategy(write(text))


def test_an_abstract_class_is_no_strategy(write):
    text = PLAIN.replace("def signals", "@abc.abstractmethod\n    def signals")
    with pytest.raises(StrategyError, match="has 0 strategies"):
        load_strategy(write(f"import abc\n{text.replace('(Strategy)', '(Strategy, abc.ABC)')}"))


def test_a_path_with_a_zero_byte_is_refused():
    with pytest.raises(InputError, match="cannot read the file"):
        load_strategy("a\0b.py")


def test_a_helper_runs_as_its_text_says_whatever_python_has_compiled_of_it(tmp_path):
    """Size and second of the source are all that Python compares: a file that others replace may keep both."""
    helper, package = tmp_path / "averages.py", tmp_path / "rules" / "__init__.py"
    package.parent.mkdir()
    (tmp_path / "mine.py").write_text("from averages import value\nfrom rules import other\n")
    for number in (1, 2):
        for file, name in ((helper, "value"), (package, "other")):
            file.write_text(f"{name} = {number}\n")
            os.utime(file, (1e9, 1e9))
            if number == 1:
                py_compile.compile(str(file))
    module = run_file(tmp_path / "mine.py")
    assert (module.value, module.other) == (2, 2)


def test_running_a_file_leaves_the_imports_of_others_as_they_were(tmp_path):
    before = list(sys.path_hooks), list(sys.path)
    (tmp_path / "mine.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("import json\nvalue = 1\n")
    run_file(tmp_path / "mine.py")
    assert (list(sys.path_hooks), list(sys.path)) == before
    assert not [path for path in sys.path_importer_cache if Path(path).is_relative_to(tmp_path)]
    assert not list(tmp_path.rglob("*.pyc"))
