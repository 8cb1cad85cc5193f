import dataclasses
import json
import re

import numpy as np
import pytest
from tests.report import samples

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.result import Exit, OpenPosition
from bittrader.errors import InputError
from bittrader.report.build import build
from bittrader.report.page import embedded, render
from bittrader.report.run_part import TRADES_LISTED


def words_of(page):
    return " ".join(text for _, text in page.run.conventions)


def test_buy_and_hold_stands_beside_every_figure():
    result = samples.result()
    page = build([result])
    assert {measure.label for measure in page.run.cards} <= {measure.label for measure in page.run.measures}
    assert page.run.measures[0].held == f"{100 * result.buy_and_hold.total_return:.2f}%"


def test_plots_say_how_to_read_them_and_not_only_what_they_show():
    html = render(build([samples.result()], samples.study()))
    captions = re.findall(r'<(?:figcaption|p class="caption")[^>]*>(.*?)</', html, re.DOTALL)
    read = " ".join(" ".join(captions).split())
    for words in (
        "would you have stayed",
        "rise&#39;s, and need another",
        "and held on?",
        "coming again",
        "exits come late",
        "still climbs at the end",
        "one far above a flat line is more likely an accident",
    ):
        assert words in read


def test_an_undefined_figure_is_a_dash_with_its_reason():
    page = build([samples.result(trades=samples.no_trades())])
    by_label = {measure.label: measure for measure in page.run.measures}
    assert by_label["Win rate"].value == "–"  # noqa: RUF001 - the sign for no value
    assert by_label["Win rate"].reason == "Undefined: there are no closed trades."
    assert by_label["Profit factor"].reason == "Undefined: there are no closed trades."


def test_a_profit_factor_without_losses_says_so():
    candles = samples.walk()
    trades = samples.some_trades(candles, 5)
    won = dataclasses.replace(trades, profit=np.full(5, 0.1), profit_fraction=np.full(5, 0.1))
    measure = next(m for m in build([samples.result(candles, won)]).run.measures if m.label == "Profit factor")
    assert measure.reason == "Undefined: no trade lost anything."


def test_without_trades_there_is_nothing_to_list_and_that_is_said():
    page = build([samples.result(trades=samples.no_trades())])
    assert page.run.trades is None
    assert page.run.exits == ()
    assert page.run.distributions == ()
    assert "No trade was closed" in page.run.warnings[0]


def test_exits_by_reason_count_every_trade():
    page = build([samples.result()])
    assert sum(row.count for row in page.run.exits) == 60
    assert sum(row.share for row in page.run.exits) == pytest.approx(1.0)


def test_a_list_that_leaves_trades_out_says_so_and_totals_count_all():
    candles = samples.walk(2 * TRADES_LISTED + 100)
    page = build([samples.result(candles, samples.some_trades(candles, TRADES_LISTED + 7))])
    assert page.run.trades.listed == TRADES_LISTED
    assert page.run.trades.total == TRADES_LISTED + 7
    assert "The table lists the first 10,000" in page.run.trades.summary
    assert sum(row.count for row in page.run.exits) == TRADES_LISTED + 7


def test_close_ups_show_the_best_the_worst_and_the_latest_none_twice():
    result = samples.result()
    chosen = [view["trade"] for view in build([result]).run.trades.close_ups]
    assert len(chosen) == len(set(chosen))
    fractions = result.trades.profit_fraction
    assert {int(fractions.argmax()), int(fractions.argmin()), len(fractions) - 1} <= set(chosen)


def test_a_lost_equity_is_said():
    candles = samples.walk()
    trades = samples.some_trades(candles, 1)
    trades = dataclasses.replace(trades, exit=np.array([Exit.LIQUIDATION]))
    equity = np.where(np.arange(len(candles)) < trades.exit_bar[0], 1.0, 0.0)
    page = build([samples.result(candles, trades, equity=equity)])
    assert any("liquidated" in warning for warning in page.run.warnings)
    assert any("lost entirely" in warning for warning in page.run.warnings)
    assert page.run.exits[0].reason == "Liquidation"


def test_an_open_position_is_said_and_not_counted():
    page = build([samples.result(position=OpenPosition(1990, -1, 4000.0, 0.1))])
    assert "A short position" in page.run.warnings[-1]
    assert page.run.trades.total == 60


def test_conventions_state_the_costs_and_the_size_of_this_run():
    costs, sizing = Costs(0.0005, 2.5, 0.0001, 8), Sizing(leverage=3, risk_per_trade=0.01)
    text = words_of(build([samples.result(costs=costs, sizing=sizing)]))
    for fact in ("0.05%", "2.5 basis points", "0.01% of notional every 8 hours", "leverage of 3", "loses 1% of equity"):
        assert fact in text


def test_gaps_are_counted():
    candles = samples.walk(100)
    columns = {name: np.delete(column, [10, 11, 50]) for name, column in candles.columns().items()}
    facts = dict(build([samples.result(dataclasses.replace(candles, **columns), samples.no_trades())]).run.data)
    assert facts["Gaps"] == "2 with 3 missing bars, the longest 2"
    assert facts["Fingerprint"] != candles.fingerprint


@pytest.mark.parametrize("bars", [1, 2, 24])
def test_a_very_short_series_makes_a_page(bars):
    page = build([samples.result(samples.walk(bars), samples.no_trades())])
    assert len(page.run.years) == 1


def test_only_losing_trades_make_a_page():
    candles = samples.walk()
    trades = samples.some_trades(candles, 3)
    lost = dataclasses.replace(trades, profit=np.full(3, -0.1), profit_fraction=np.full(3, -0.1))
    page = build([samples.result(candles, lost)])
    assert next(m for m in page.run.measures if m.label == "Win rate").value == "0.00%"


@pytest.mark.parametrize("bars", [300, 20_000])
def test_all_figures_are_json_without_nan(bars):
    candles = samples.walk(bars)
    page = build([samples.result(candles, samples.some_trades(candles, 50))], samples.study())
    json.loads(embedded({figure.key: figure.spec() for figure in page.figures()}))
    assert all(figure.alt for figure in page.figures())
    assert len({figure.key for figure in page.figures()}) == len(page.figures())


def test_a_study_of_a_function_is_a_page_without_prices_or_trades():
    study = samples.own_function()
    page = build([], study)
    assert (page.run, page.luck, page.series, page.symbol) == (None, None, None, "")
    assert page.title == "evaluate"
    assert dict(page.params) == {name: str(value) for name, value in study.best[0].params.items()}
    assert page.study.best.columns == ("Evaluation", "fast", "slow", "profit", "waste")
    html = render(page)
    for gone in ("Trades", "Monthly returns", "buy and hold", "Symbol", "How to read this"):
        assert gone not in html[html.index("<body>") : html.index('id="figures"')]


def test_a_study_of_which_nothing_finished_is_still_a_page():
    nothing = dataclasses.replace(samples.study(0, failures={"ValueError": 3}), series=())
    assert "ValueError" in render(build([], nothing))


def test_nothing_at_all_is_no_page():
    with pytest.raises(InputError, match="neither a result nor a study"):
        build([])


def test_mined_rules_are_told_in_words_at_the_top():
    params = {"side": "long", "entry": "stochastic", "stochastic_length": 32, "stochastic_smooth": 10,
              "stochastic_low": 39, "filters": "none", "exits": "opposite"}  # fmt: skip
    study = samples.study(20)
    mined = dataclasses.replace(study, rules="Enter long when it rains.")
    html = render(build([samples.result(params=study.best[0].params)], mined))
    assert html.index("Enter long when it rains.") < html.index("</header>")
    assert "stochastic(32, 10)" in build([samples.result(params=params)], mined).rules
    assert build([samples.result()], study).rules == ""
