import io
import json

import pytest
from rich.console import Console
from tests.report import samples
from typer.testing import CliRunner

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.run import backtest
from bittrader.cli import backtest as command
from bittrader.cli import run
from bittrader.errors import DataError, InputError, StrategyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.market.table import table_of


@pytest.fixture(autouse=True)
def candles():
    made_up = synthetic(bars=3000)
    store(made_up, "made-up")
    return made_up


def invoke(*words):
    done = CliRunner().invoke(command.app, ["sma-cross", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_json_is_one_object_with_what_was_run_and_what_it_gave(candles):
    facts = json.loads(invoke("made-up", "--set", "fast=20", "--set", "slow=100", "--json").stdout)
    result = backtest("sma-cross", candles, {"fast": 20, "slow": 100})
    assert facts["params"] == {"fast": 20, "slow": 100}
    assert facts["candles"]["bars"] == 3000
    assert facts["candles"]["first"] == "2023-08-29T00:00:00Z"
    assert facts["candles"]["synthetic"] is True
    assert facts["metrics"]["trades"] == facts["trades"] == len(result.trades) > 10
    assert facts["metrics"]["sharpe"] == result.metrics.sharpe
    assert facts["buy_and_hold"]["win_rate"] is None
    assert set(facts["costs"]) == {"fee", "slippage_bps", "funding_rate", "funding_hours"}


def test_a_position_that_is_open_at_the_end_is_told(candles):
    told = [json.loads(invoke("made-up", "--set", f"fast={fast}", "--json").stdout) for fast in range(5, 40, 3)]
    positions = [one["open_position"] for one in told]
    assert {None if one is None else one["side"] for one in positions} == {None, "long"}
    for one, fast in zip(positions, range(5, 40, 3), strict=True):
        assert (one is None) == (backtest("sma-cross", candles, {"fast": fast}).open_position is None)


def test_options_reach_the_engine(candles):
    words = ("--fee", "0.002", "--slippage-bps", "3", "--leverage", "2", "--fraction", "0.5", "--json")
    facts = json.loads(invoke("made-up", *words).stdout)
    costs, sizing = Costs(fee=0.002, slippage_bps=3), Sizing(fraction=0.5, leverage=2)
    assert (facts["costs"]["fee"], facts["costs"]["slippage_bps"]) == (0.002, 3)
    result = backtest("sma-cross", candles, None, costs, sizing)
    assert facts["metrics"]["total_return"] == result.metrics.total_return
    assert facts["metrics"] != json.loads(invoke("made-up", "--json").stdout)["metrics"]


def test_the_table_has_words_units_and_buy_and_hold():
    text = io.StringIO()
    Console(file=text, width=100).print(command.shown(samples.result()))
    shown = text.getvalue()
    for fact in ("Buy and hold", "Sharpe ratio", "12.5 days", "fast=20, slow=100", "SYNTHETIC", "2017-08-17 00:00"):
        assert fact in shown


def test_names_are_no_markup():
    text = io.StringIO()
    Console(file=text, width=100).print(command.shown(samples.result(strategy="[red]x[/nothing]")))
    assert "[red]x[/nothing]" in text.getvalue()


def test_a_report_is_written_and_named_on_standard_error(tmp_path):
    done = invoke("made-up", "--json", "--report", str(tmp_path / "out.html"))
    assert json.loads(done.stdout)
    assert "out.html" in done.stderr.replace("\n", "")
    assert (tmp_path / "out.html").stat().st_size > 1_000_000


def test_a_mistyped_parameter_is_met_before_the_candles_are_read():
    with pytest.raises(InputError, match="Did you mean 'fast'"):
        invoke("no-such-candles", "--set", "fsat=20")


def test_gaps_are_for_files(tmp_path, candles):
    with pytest.raises(InputError, match="no file 'made-up'"):
        invoke("made-up", "--gaps", "fill")
    rows = zip(*table_of(candles).columns().values(), strict=True)
    lines = [",".join(map(str, row)) for index, row in enumerate(rows) if index != 1500]
    file = tmp_path / "btc_usd.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *lines]))
    with pytest.raises(DataError, match="1 bar is missing"):
        invoke(str(file))
    assert json.loads(invoke(str(file), "--gaps", "fill", "--json").stdout)["candles"]["bars"] == 3000
    assert json.loads(invoke(str(file), "--gaps", "keep", "--json").stdout)["candles"]["bars"] == 2999


def test_an_error_in_a_strategy_of_ones_own_is_one_line_that_says_where(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from bittrader import Signals, Strategy\n\n\n"
        "class Mine(Strategy):\n"
        "    def signals(self, chart):\n"
        "        return Signals(enter_long=chart.close > chart.smaa(20))\n"
    )
    with pytest.raises(StrategyError, match=r"^mine raised AttributeError: .*'smaa'.* \(.*mine\.py, line 6\)\.$"):
        run(["backtest", str(file), "made-up"])
