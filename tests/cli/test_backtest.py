import io
import json
import sys
from types import ModuleType

import pytest
from rich.console import Console
from tests.report import samples
from typer.testing import CliRunner

from bittrader.backtest.result import OpenPosition
from bittrader.cli import backtest as command
from bittrader.cli import run
from bittrader.errors import InputError, StrategyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.strategies.base import Strategy
from bittrader.strategies.parameters import Int


class SmaCross(Strategy):
    fast = Int(5, 100)
    slow = Int(50, 400)
    constraints = (fast < slow,)


@pytest.fixture
def engine(monkeypatch):
    """An engine that notes what it is asked, and gives a made-up result."""
    asked = {}

    def run(strategy, candles, params, costs, sizing):
        asked.update(costs=costs, sizing=sizing)
        position = OpenPosition(1990, 1, 4000.0, 0.1)
        return samples.result(candles, params=strategy(**params).params, costs=costs, sizing=sizing, position=position)

    def candles_of(ref, **how):
        asked.update(ref=str(ref), how=how)
        return samples.walk()

    fakes = {
        "bittrader.backtest.run": {"backtest": run},
        "bittrader.market.store": {"load_candles": candles_of, "read_candles": candles_of},
        "bittrader.strategies.registry": {"load_strategy": lambda _: SmaCross},
    }
    for name, content in fakes.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return asked


def invoke(*words):
    done = CliRunner().invoke(command.app, ["sma-cross", "btc", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_json_is_one_object_with_what_was_run_and_what_it_gave(engine):
    done = invoke("--set", "fast=20", "--set", "slow=100", "--json")
    facts = json.loads(done.stdout)
    assert facts["params"] == {"fast": 20, "slow": 100}
    assert facts["candles"]["bars"] == 2000
    assert facts["candles"]["first"] == "2017-08-17T00:00:00Z"
    assert facts["candles"]["synthetic"] is True
    assert facts["metrics"]["trades"] == facts["trades"] == 60
    assert facts["buy_and_hold"]["win_rate"] is None
    assert facts["open_position"]["side"] == "long"
    assert set(facts["costs"]) == {"fee", "slippage_bps", "funding_rate", "funding_hours"}


def test_options_reach_the_engine(engine):
    invoke("--fee", "0.002", "--slippage-bps", "3", "--leverage", "2", "--risk-per-trade", "0.01", "--json")
    assert (engine["costs"].fee, engine["costs"].slippage_bps) == (0.002, 3)
    assert (engine["sizing"].leverage, engine["sizing"].risk_per_trade) == (2, 0.01)


def test_the_table_has_words_units_and_buy_and_hold(engine):
    text = io.StringIO()
    Console(file=text, width=100).print(command.shown(samples.result()))
    shown = text.getvalue()
    for fact in ("Buy and hold", "Sharpe ratio", "12.5 days", "fast=20, slow=100", "SYNTHETIC", "2017-08-17 00:00"):
        assert fact in shown


def test_names_are_no_markup():
    text = io.StringIO()
    Console(file=text, width=100).print(command.shown(samples.result(strategy="[red]x[/nothing]")))
    assert "[red]x[/nothing]" in text.getvalue()


def test_a_report_is_written_and_named_on_standard_error(engine, tmp_path):
    done = invoke("--json", "--report", str(tmp_path / "out.html"))
    assert json.loads(done.stdout)
    assert "out.html" in done.stderr.replace("\n", "")
    assert (tmp_path / "out.html").stat().st_size > 1_000_000


def test_a_mistyped_parameter_is_met_before_the_candles_are_read(engine):
    with pytest.raises(InputError, match="Did you mean 'fast'"):
        invoke("--set", "fsat=20")
    assert "ref" not in engine


def test_gaps_are_for_files(engine, tmp_path):
    with pytest.raises(InputError, match="no file 'btc'"):
        invoke("--gaps", "fill")
    file = tmp_path / "btc.csv"
    file.write_text("")
    CliRunner().invoke(command.app, ["sma-cross", str(file), "--gaps", "fill"], catch_exceptions=False)
    assert engine["how"] == {"gaps": "fill"}


def test_an_error_in_a_strategy_of_ones_own_is_one_line_that_says_where(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from bittrader import Signals, Strategy\n\n\n"
        "class Mine(Strategy):\n"
        "    def signals(self, chart):\n"
        "        return Signals(enter_long=chart.close > chart.smaa(20))\n"
    )
    store(synthetic(bars=500), "made-up")
    with pytest.raises(StrategyError, match=r"^mine raised AttributeError: .*'smaa'.* \(.*mine\.py, line 6\)\.$"):
        run(["backtest", str(file), "made-up"])
