import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report import samples
from tests.report.validations import holdout, validation

from bittrader.optimize.folds import MODES
from bittrader.report.build import build
from bittrader.report.page import embedded, render
from bittrader.report.validation_figures import FOLDS_DRAWN

CANDLES = samples.walk(1200)


def page(found=None, held=None, candles=CANDLES):
    study = replace(samples.study(60), validation=found, holdout=held)
    return build([samples.result(candles)], study)


@settings(max_examples=25)
@given(st.sampled_from(MODES), st.integers(3, 9), st.sets(st.integers(0, 8)), st.sampled_from(("0", "1%", "12")))
def test_every_validation_can_be_shown(mode, folds, broken, embargo):
    shown = page(validation(CANDLES, mode, folds, broken=broken, embargo=embargo))
    json.loads(embedded({figure.key: figure.spec() for figure in shown.figures()}))
    html = render(shown)
    assert html.count("no set") == len([row for row in shown.validation.rows if row.cause])


def test_each_fold_has_a_line_in_the_picture_of_windows():
    found = validation(CANDLES, "walk-forward", 4)
    traces = {trace["name"]: trace for trace in page(found).validation.windows.data}
    assert traces["Training"]["y"] == traces["Test"]["y"] == [1, 2, 3, 4]
    lengths = [fold.test[0].last - fold.test[0].first for fold in found.folds]
    assert traces["Test"]["x"] == lengths


def test_bars_left_out_between_training_and_test_are_drawn():
    names = [[trace["name"] for trace in page(validation(CANDLES, "purged-kfold", embargo=gap)).validation.windows.data]
             for gap in ("0", "24")]  # fmt: skip
    assert names == [["Training", "Test"], ["Training", "Left out", "Test"]]


def test_what_was_left_out_of_sample_is_said_first():
    found = validation(CANDLES)
    lead = page(found).validation.lead
    assert f"{found.in_sample('sharpe'):.2f} on average" in lead
    assert f"out of sample it was {found.over_paths('sharpe')[0]:.2f}".replace("-", "−") in lead  # noqa: RUF001


def test_one_path_is_held_against_the_price_of_the_same_bars():
    shown = page(validation(CANDLES)).validation
    assert [trace["name"] for trace in shown.equity.data] == ["Price", "Out of sample"]
    assert shown.paths is None


def test_candles_that_lack_these_bars_are_not_drawn_beside_them():
    shown = page(validation(CANDLES), candles=samples.walk(300)).validation
    assert [trace["name"] for trace in shown.equity.data] == ["Out of sample"]


def test_several_paths_are_a_fan_and_a_spread_of_sharpe_ratios():
    found = validation(CANDLES, "cpcv", 6)
    shown = page(found).validation
    assert len(shown.equity.data) == 1 + len(found.paths) == 6
    assert shown.paths.data[0]["y"] == sorted(found.over_paths("sharpe"))


@pytest.mark.parametrize("folds", [5, 9])
def test_paths_are_numbered_by_whole_numbers(folds):
    axis = page(validation(CANDLES, "cpcv", folds)).validation.paths.layout["xaxis"]
    assert (axis["tick0"], axis["dtick"] >= 1, axis["dtick"] % 1) == (1, True, 0)


def test_several_series_have_a_line_each():
    shown = page(validation(CANDLES, symbols=("BTC/USDT", "ETH/USDT"))).validation
    assert [trace["name"] for trace in shown.equity.data] == ["BTC/USDT", "ETH/USDT"]


def test_a_fold_without_a_result_says_why_and_leaves_no_equity():
    shown = page(validation(CANDLES, broken={1})).validation
    assert shown.rows[1].cause == "no set"
    assert shown.equity is None
    assert "Not drawn are folds without both figures: 1." in shown.folds.caption
    assert "no figure to compare" in shown.lead


def test_many_folds_are_bounded():
    shown = page(validation(CANDLES, "cpcv", 12)).validation
    assert len(shown.rows) == FOLDS_DRAWN
    assert shown.left_out == 66 - FOLDS_DRAWN
    assert len(embedded([figure.spec() for figure in shown.figures()])) < 400_000


def test_a_closed_holdout_shows_its_bars_and_how_to_open_it():
    shown = page(held=holdout(CANDLES, 0))
    assert "nobody has looked" in shown.holdout.lead
    html = render(shown)
    assert "<code>bittrader studies holdout first-try</code>" in html
    assert "Each fold" not in html
    assert shown.holdout.figures() == ()


@pytest.mark.parametrize(("looks", "times", "warned"), [(1, "once", False), (3, "3 times", True)])
def test_every_look_at_a_holdout_is_listed(looks, times, warned):
    shown = page(held=holdout(CANDLES, looks)).holdout
    assert f"opened {times}." in shown.lead
    assert len(shown.rows) == looks
    assert ("searches the holdout too" in shown.warning) == warned
    assert shown.rows[0][0] == "2024-05-01 10:00:00"
    assert [trace["name"] for trace in shown.equity.data] == ["Held out"]


def test_a_look_at_a_holdout_is_drawn_beside_holding_the_market():
    known = holdout(CANDLES, 1)
    (looked,) = known.openings
    held = tuple(replace(one, equity=tuple(1.1 * value for value in one.equity)) for one in looked.curves)
    shown = page(held=replace(known, openings=(replace(looked, held=held),))).holdout
    assert [trace["name"] for trace in shown.equity.data] == ["Buy and hold", "Held out"]
    assert "Grey is buying and holding." in shown.equity.caption
    two = replace(looked, curves=looked.curves * 2, held=held * 2)
    shown = page(held=replace(known, openings=(two,))).holdout
    assert [trace["line"].get("dash") for trace in shown.equity.data] == ["dot", "dot", None, None]


def test_a_study_that_was_not_validated_has_no_such_part():
    shown = page()
    assert (shown.validation, shown.holdout) == (None, None)
    assert 'id="validation"' not in render(shown)


def test_parameters_of_folds_are_harmless():
    evil = "<script>alert(1)</script>"
    found = validation(CANDLES)
    named = replace(found, folds=tuple(replace(fold, params={evil: evil}, cause=evil) for fold in found.folds))
    assert "<script>alert" not in render(page(named, holdout(CANDLES)))
