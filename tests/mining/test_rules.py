"""What makes rules fit together: names, words, and methods that read as lines of one file."""

from __future__ import annotations

import ast
import re
from itertools import combinations

import numpy as np
import pytest

from bittrader.market.sample import synthetic
from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.rules import apart, said, sets_of, together
from bittrader.mining.strategy import Mined
from bittrader.mining.words import in_words
from bittrader.mining.writing import method_of
from bittrader.optimize.samplers.choose import choose
from bittrader.strategies.base import checked
from bittrader.strategies.chart import Chart
from bittrader.testing.strategies import check_strategy

RULES = {**ENTRIES, **FILTERS, **EXITS}
CANDLES = synthetic(3_000)


def assigned(rule):
    """The names that a rule's lines give a value."""
    tree = ast.parse("\n".join(method_of(rule).lines))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def test_no_two_rules_have_one_name():
    assert len(RULES) == len(ENTRIES) + len(FILTERS) + len(EXITS)
    assert "none" not in RULES


def test_parameters_of_one_name_are_one_object():
    for one, other in combinations(RULES.values(), 2):
        for left in one.parameters:
            assert all(left is right for right in other.parameters if left.name == right.name)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_a_postcard_whose_lines_can_be_written_out(name):
    method = method_of(RULES[name])
    assert len(method.lines) <= 3
    assert all("\n" not in text for text in (*method.lines, *method.returned))
    assert RULES[name].__doc__


def test_what_a_filter_or_exit_calls_its_own_is_not_used_by_another_rule():
    for one in FILTERS.values():
        assert not assigned(one) & {"up", "down", "atr"}
        for other in (*ENTRIES.values(), *FILTERS.values()):
            if one is not other:
                assert not assigned(one) & assigned(other)
    assert not any("atr" in assigned(one) for one in ENTRIES.values())


@pytest.mark.parametrize("name", RULES)
def test_a_rules_words_name_each_of_its_parameters(name):
    rule = RULES[name]
    for words in (rule.words,) if name in EXITS else (rule.long, rule.short):
        named = {key.removeprefix("100-") for key in re.findall(r"\{(.*?)\}", words)}
        assert named == {one.name for one in rule.parameters}
        assert "{" not in said(words, {one.name: one.default for one in rule.parameters})


def test_no_two_filters_of_one_kind_are_put_together():
    sets = [apart(value) for value in sets_of(FILTERS, 0, 2)]
    assert sets[0] == ()
    assert ("calm", "lively") not in sets
    assert ("trend", "volume") in sets
    assert len(set(sets)) == len(sets)
    assert all(together(names) == value for names, value in zip(sets, sets_of(FILTERS, 0, 2), strict=True))


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_goes_both_ways_and_never_at_once(name):
    chart, held = Chart(CANDLES), Mined(entry=name)
    long, short = ENTRIES[name].flags(held, chart)
    assert long.any()
    assert short.any()
    assert not (long & short).any()


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_lets_some_entries_pass_and_others_not(name):
    long, short = FILTERS[name].flags(Mined(filters=name), Chart(CANDLES))
    for flags in (long, short):
        assert flags.any()
        assert not flags.all()


@pytest.mark.parametrize("side", ["long", "short", "both"])
def test_a_side_is_all_that_is_traded(side):
    chart = Chart(CANDLES)
    signals = checked(Mined(side=side, exits="opposite").signals(chart), len(CANDLES))
    assert (signals.enter_long is not None) == (side != "short") == (signals.exit_long is not None)
    assert (signals.enter_short is not None) == (side != "long") == (signals.exit_short is not None)


def test_a_filter_holds_back_entries_and_never_exits():
    chart = Chart(CANDLES)
    free, held = Mined(exits="opposite"), Mined(exits="opposite", filters="trend")
    one, other = free.signals(chart), held.signals(chart)
    assert other.enter_long.sum() < one.enter_long.sum()
    assert not (other.enter_long & ~one.enter_long).any()
    np.testing.assert_array_equal(one.exit_long, other.exit_long)


def test_the_mixture_of_all_rules_keeps_the_contract():
    assert check_strategy(Mined, synthetic(1_500)) == []


@pytest.mark.parametrize(("trials", "sampler"), [(400, "tpe"), (401, "nsga2"), (10_000, "nsga2"), (10_001, "de")])
def test_auto_takes_what_found_the_best_rules_in_so_many_trials(trials, sampler):
    assert choose("auto", Mined.space, trials).sampler == sampler


def test_found_rules_read_as_one_would_say_them():
    params = Mined(side="long", entry="rsi-reversion", filters="trend", exits="stop + time").params
    assert in_words(params) == (
        "Enter long when RSI(14) falls below 30, while the close is above SMA(200); leave at a stop of 2.5 ATR(14) or "
        "after 48 bars."
    )


def test_both_sides_are_told_together_unless_their_filters_differ():
    both = Mined(entry="donchian-breakout", filters="volume", exits="opposite").params
    assert in_words(both) == (
        "Enter long when the close breaks the high of the last 55 bars, and enter short when the close breaks the low "
        "of the last 55 bars, while the volume is above 1.2 times its average of 50 bars; leave at the opposite signal."
    )
    apart_ = Mined(entry="rsi-momentum", filters="trend", exits="trail").params
    assert in_words(apart_) == (
        "Enter long when RSI(14) rises above 60, while the close is above SMA(200); enter short when RSI(14) falls "
        "below 40, while the close is below SMA(200); leave at a trailing stop of 5 ATR(14)."
    )
