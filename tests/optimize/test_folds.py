from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError
from bittrader.market.timeframe import Timeframe
from bittrader.optimize.folds import (
    MODES,
    Validation,
    anchored,
    bars_in,
    combinatorial,
    development,
    purged_kfold,
    share,
    walk_forward,
)

HOURS = Timeframe.parse("1h")


@dataclass(frozen=True)
class Asked:
    bars: int
    folds: int
    tests: int
    purge: int
    embargo: int


@st.composite
def asked(draw):
    folds = draw(st.integers(2, 7))
    bars = draw(st.integers(30 * folds, 2_000))
    return Asked(
        bars,
        folds,
        draw(st.integers(1, folds - 1)),
        draw(st.integers(0, bars // (8 * folds))),
        draw(st.integers(0, bars // (8 * folds))),
    )


def plan_of(mode, what):
    if mode == "cpcv":
        return combinatorial(what.bars, what.folds, what.tests, what.purge, what.embargo)
    if mode == "purged-kfold":
        return purged_kfold(what.bars, what.folds, what.purge, what.embargo)
    return (anchored if mode == "anchored" else walk_forward)(what.bars, what.folds, purge=what.purge)


def bars_of(spans):
    return {bar for start, stop in spans for bar in range(start, stop)}


@pytest.mark.parametrize("mode", MODES)
@given(what=asked())
def test_training_keeps_away_from_its_test(mode, what):
    for fold in plan_of(mode, what).folds:
        training = bars_of(fold.train)
        assert training
        assert max(training) < what.bars
        for start, stop in fold.test:
            after = what.embargo if mode in {"purged-kfold", "cpcv"} else 0
            assert training.isdisjoint(range(start - what.purge, stop + after))


@pytest.mark.parametrize("mode", MODES)
@given(what=asked())
def test_spans_are_in_order_and_apart(mode, what):
    for fold in plan_of(mode, what).folds:
        for spans in (fold.train, fold.test):
            ends = [edge for span in spans for edge in span]
            assert ends == sorted(ends)
            assert all(start < stop for start, stop in spans)


@given(what=asked())
def test_everything_far_enough_from_a_test_is_trained_on(what):
    for fold in purged_kfold(what.bars, what.folds, what.purge, what.embargo).folds:
        start, stop = fold.test[0]
        near = set(range(start - what.purge, stop + what.embargo))
        missing = set(range(what.bars)) - near - bars_of(fold.train)
        assert len(missing) <= 2  # a part of one bar on each side is no training


@pytest.mark.parametrize("mode", MODES)
@given(what=asked())
def test_each_path_tests_every_bar_once_and_in_order(mode, what):
    plan = plan_of(mode, what)
    first = 0 if mode in {"purged-kfold", "cpcv"} else plan.folds[0].test[0][0]
    for path in plan.paths:
        edges = [edge for piece in path for edge in piece.span]
        assert edges[0] == first
        assert edges[-1] == what.bars
        assert all(before[1] == after[0] for before, after in pairwise(piece.span for piece in path))


@pytest.mark.parametrize("mode", MODES)
@given(what=asked())
def test_the_paths_are_made_of_all_tests_each_used_once(mode, what):
    plan = plan_of(mode, what)
    used = [(piece.fold, piece.span) for path in plan.paths for piece in path]
    assert sorted(used) == sorted((index, span) for index, fold in enumerate(plan.folds) for span in fold.test)


@given(what=asked())
def test_combinatorial_folds_and_paths_are_as_many_as_the_book_says(what):
    plan = combinatorial(what.bars, what.folds, what.tests, what.purge, what.embargo)
    assert len(plan.folds) == comb(what.folds, what.tests)
    assert len(plan.paths) == comb(what.folds, what.tests) * what.tests // what.folds
    for bar in (0, what.bars // 2, what.bars - 1):
        times = sum(bar in bars_of(fold.test) for fold in plan.folds)
        assert times == comb(what.folds - 1, what.tests - 1)


def test_six_groups_tested_two_at_once_make_fifteen_folds_and_five_paths():
    # López de Prado, 2018, section 12.3
    plan = combinatorial(600, 6, 2)
    assert (len(plan.folds), len(plan.paths)) == (15, 5)


@pytest.mark.parametrize("mode", ["walk-forward", "anchored"])
@given(what=asked())
def test_a_walk_forward_never_trains_on_what_comes_after_its_test(mode, what):
    for fold in plan_of(mode, what).folds:
        assert max(bars_of(fold.train)) < min(bars_of(fold.test))


@given(what=asked())
def test_rolling_trainings_are_equally_long_and_anchored_ones_grow_from_the_first_bar(what):
    rolling, growing = (make(what.bars, what.folds, purge=what.purge) for make in (walk_forward, anchored))
    assert len({stop - start for fold in rolling.folds for start, stop in fold.train}) == 1
    assert rolling.folds[0] == growing.folds[0]
    assert [fold.test for fold in rolling.folds] == [fold.test for fold in growing.folds]
    assert all(fold.train[0][0] == 0 for fold in growing.folds)


def test_a_training_is_four_tests_long_unless_said():
    assert walk_forward(900, 5).folds[0].train == ((0, 400),)
    assert walk_forward(900, 5).folds[0].test == ((400, 500),)
    assert walk_forward(900, 4, train=100).folds[1].train == ((200, 300),)


@given(st.integers(30, 10_000), st.integers(0, 90))
def test_a_holdout_is_its_share_of_the_bars_or_up_to_one_bar_more(bars, percent):
    assert percent * bars <= 100 * (bars - development(bars, percent / 100)) < percent * bars + 100


@pytest.mark.parametrize("held", [-0.1, 0.95, float("nan")])
def test_a_holdout_that_leaves_nothing_is_refused(held):
    with pytest.raises(InputError, match="holdout"):
        development(1_000, held)


@pytest.mark.parametrize(("text", "bars"), [("48", 48), ("2d", 48), ("90m", 2), ("1%", 10), (" 0.15% ", 2), ("0", 0)])
def test_an_extent_is_bars_a_time_or_a_share(text, bars):
    assert bars_in(text, 1_000, HOURS) == bars


@pytest.mark.parametrize("text", ["", "-3", "2.5", "many", "120%", "x%", "-1%"])
def test_what_is_no_extent_is_refused(text):
    with pytest.raises(InputError, match="no number of bars"):
        bars_in(text, 1_000, HOURS)


@pytest.mark.parametrize(("text", "value"), [("20%", 0.2), ("0.2", 0.2), ("0", 0.0)])
def test_a_share_is_a_fraction_or_in_percent(text, value):
    assert share(text) == value


@pytest.mark.parametrize("text", ["100%", "20", "some", "-5%", "nan"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(InputError, match="no share"):
        share(text)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_makes_its_plan(mode):
    plan = Validation(mode, folds=4, purge="1d", embargo="2%").plan(2_000, HOURS)
    expected = plan_of(mode, Asked(2_000, 4, 2, 24, 40))
    assert plan == expected


def test_an_unknown_mode_is_met_with_a_near_one():
    with pytest.raises(InputError, match="Did you mean 'walk-forward'"):
        Validation("walkforward")


@pytest.mark.parametrize(
    "what",
    [
        Validation("walk-forward", folds=0),
        Validation("anchored", folds=400),
        Validation("purged-kfold", folds=1),
        Validation("purged-kfold", folds=2, purge="60%"),
        Validation("cpcv", folds=4, tests=4),
        Validation("cpcv", folds=1, tests=1),
        Validation("walk-forward", purge="50%"),
    ],
)
def test_folds_that_do_not_fit_are_refused(what):
    with pytest.raises(InputError):
        what.plan(500, HOURS)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (Validation("walk-forward", folds=1_000), "500 bars are too few to test 1,000 folds"),
        (Validation("anchored", folds=10**12), "between 1 and 10,000"),
        (Validation("purged-kfold", folds=1), "at least 2"),
        (Validation("cpcv", folds=1), "at least 2"),
        (Validation("cpcv", folds=40, tests=20), "137,846,528,820 folds"),
    ],
)
def test_a_refusal_names_what_is_wrong_at_once(what, why):
    with pytest.raises(InputError, match=why):
        what.plan(500, HOURS)


def test_the_least_holdout_is_one_bar():
    assert development(1_000, 1e-300) == 999
    assert development(1_000, 0.0) == 1_000
