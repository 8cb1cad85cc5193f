from dataclasses import replace

from tests.report import samples

from bittrader.report.build import build
from bittrader.report.page import render
from bittrader.report.series_part import SERIES_DRAWN


def page(symbols=("BTC/USDT", "ETH/USDT", "SOL/USDT"), **changes):
    results = [samples.result(samples.walk(500 + 10 * n, symbol=name, seed=n)) for n, name in enumerate(symbols)]
    study = samples.study()
    best = replace(study.best[0], params=results[0].params)
    return results, build(results, replace(study, best=(best, *study.best[1:]), aggregate="worst", **changes))


def test_each_series_has_a_row_holding_beside_it_and_a_picture():
    results, shown = page()
    assert [row.name for row in shown.series.rows] == ["BTC/USDT 1h", "ETH/USDT 1h", "SOL/USDT 1h"]
    assert [figure.title for figure in shown.series.equity] == ["BTC/USDT 1h", "ETH/USDT 1h", "SOL/USDT 1h"]
    place = shown.series.columns.index("Return")
    for row, result in zip(shown.series.rows, results, strict=True):
        assert row.strategy[place] == f"{100 * result.metrics.total_return:.2f}%"
        assert row.held[place] == f"{100 * result.buy_and_hold.total_return:.2f}%"


def test_how_they_count_together_is_said():
    _, shown = page()
    assert "by the worst of each metric" in shown.series.lead
    assert len(shown.series.together) == len(shown.series.columns)
    assert "the worst</th>" in render(shown)


def test_another_set_than_the_best_has_no_figures_of_the_best():
    results, _ = page()
    assert build(results, samples.study()).series.together == ()


def test_the_head_names_every_market_and_the_run_says_which_it_shows():
    _, shown = page()
    assert shown.symbol == "BTC/USDT, ETH/USDT, SOL/USDT"
    assert shown.run.comparison.startswith("This part and the next show BTC/USDT, the first of 3 series")


def test_series_of_one_market_are_told_apart():
    _, shown = page(("BTC/USDT", "BTC/USDT"))
    assert [row.name for row in shown.series.rows] == ["BTC/USDT 1h (1)", "BTC/USDT 1h (2)"]


def test_many_series_are_all_listed_and_some_drawn():
    _, shown = page([f"C{n}/USDT" for n in range(SERIES_DRAWN + 3)])
    assert len(shown.series.rows) == SERIES_DRAWN + 3
    assert len(shown.series.equity) == SERIES_DRAWN
    assert "3 more series are in the table" in render(shown)


def test_one_series_needs_no_part_of_its_own():
    assert build([samples.result()], samples.study()).series is None
