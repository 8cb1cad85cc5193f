"""The call that figures come to, and the words for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.belief.beliefs import RATIO, REALITY, figures, known

from bittrader.belief.figures import Neighbourhood, Outside
from bittrader.belief.verdict import FEWEST_PERIODS, FEWEST_TRADES, LEVEL, strongest, verdict

ORDER = ("luck", "inconclusive", "edge")

shares = st.floats(0.0005, 1.0)


def judged(p_value, **changes):
    return figures(reality=replace(REALITY, chosen=p_value), **changes)


def outside(p_value, kind="validation", periods=400, sharpe=1.0):
    return Outside(kind, periods, 100.0, sharpe, 0.1, p_value, 40)


@given(shares)
def test_what_luck_gives_often_is_luck(p_value) -> None:
    assert (verdict(judged(p_value)).call == "luck") == (p_value > LEVEL)


@given(shares)
def test_an_edge_is_what_luck_seldom_gives(p_value) -> None:
    assert (verdict(judged(p_value)).call == "edge") == (p_value <= LEVEL)


@given(shares, st.integers(0, 50), st.integers(8, 300))
def test_what_happened_too_seldom_is_no_edge(p_value, trades, periods) -> None:
    call = verdict(judged(p_value, trades=trades, periods=periods)).call
    if trades < FEWEST_TRADES or periods < FEWEST_PERIODS:
        assert call == ("luck" if p_value > LEVEL else "inconclusive")


@given(shares, shares)
def test_less_likely_luck_is_never_called_less(first, second) -> None:
    low, high = sorted((first, second))
    assert ORDER.index(verdict(judged(low)).call) >= ORDER.index(verdict(judged(high)).call)


def test_a_set_that_earns_nothing_beyond_the_market_is_luck_whatever_its_p_value() -> None:
    assert verdict(figures(reality=replace(REALITY, score=-0.1))).call == "luck"
    assert verdict(figures(reality=None, beyond=None)).call == "luck"


@given(shares, shares)
def test_results_outside_the_search_stand_for_those_inside(inside, beside) -> None:
    assert strongest(judged(inside, outside=(outside(beside),))) == beside


@given(shares, st.floats(0.001, 0.999))
def test_a_holdout_that_says_nothing_makes_nothing_more_believable(inside, p_value) -> None:
    p_value = max(p_value, 0.5)
    low = min(inside, 0.5)
    assert strongest(judged(low, outside=(outside(p_value, "holdout"),))) >= low - 1e-9


def test_two_pieces_of_evidence_of_equal_weight_count_alike() -> None:
    given_figures = figures(periods=400, reality=replace(REALITY, chosen=0.1), outside=(outside(0.1, "holdout"),))
    # Two scores of 1.2816, added up and divided by the square root of 2.
    assert strongest(given_figures) == pytest.approx(0.03496, abs=1e-4)


def test_a_failed_holdout_takes_an_edge_back() -> None:
    assert verdict(judged(0.01, outside=(outside(0.9, "holdout"),), periods=1600)).call != "edge"


def test_without_returns_nothing_can_be_told() -> None:
    found = verdict(None, traded=False)
    assert (found.call, found.p_value) == ("inconclusive", None)
    assert "what it earned" in found.reasons[0]


def test_reasons_are_sentences() -> None:
    for one in (known(), figures(), judged(0.4), judged(0.04), figures(reality=None, beyond=None)):
        reasons = verdict(one).reasons
        assert len(reasons) >= 2
        for reason in reasons:
            assert reason.endswith(".")
            assert "nan" not in reason
            assert "None" not in reason


def test_the_reasons_say_what_was_found_how_likely_it_is_luck_and_what_would_change_it() -> None:
    reasons = verdict(judged(0.24)).reasons
    assert reasons[0].startswith("The best of 80 sets tried made 40% over 7 months with 150 closed trades")
    assert any("24 of 100" in reason for reason in reasons)
    assert reasons[-1].startswith("What would change this")


def test_a_longer_record_is_asked_for_by_how_much_the_score_lacks() -> None:
    # Twice the score takes four times the record: three more years on top of one.
    lacking = replace(REALITY, chosen=0.3, score=1.3, needed=2.6)
    reasons = verdict(figures(days=365.0, reality=lacking)).reasons
    assert "about 3.0 years more" in reasons[-1]


def test_a_longer_record_outside_the_search_is_asked_for_where_that_decides() -> None:
    # A score of 0.94 needs to be 1.645: 3.06 times the record, so 206 days on top of 100.
    reasons = verdict(figures(outside=(outside(0.1736),))).reasons
    assert "about 7 months more" in reasons[-1]
    assert "gains beyond the market" in verdict(figures(outside=(outside(0.6),))).reasons[-1]


def test_an_advantage_too_small_to_ever_show_is_said_to_be_that() -> None:
    reasons = verdict(figures(days=365.0, reality=replace(REALITY, chosen=0.9, score=0.2, needed=2.6))).reasons
    assert "No record that anyone can wait for" in reasons[-1]


def test_doubts_are_named() -> None:
    text = " ".join(verdict(known(neighbourhood=Neighbourhood(4, 0.2, -1.0, 0.1))).reasons)
    assert "spike" in text
    assert "fee x 3" in text


def test_a_return_that_is_the_markets_is_said_to_be_the_markets() -> None:
    falling = replace(RATIO, sharpe=-0.4)
    text = " ".join(verdict(figures(beyond=falling, reality=replace(REALITY, score=-1.0, chosen=1.0))).reasons)
    assert "holding some of the market does as well" in text


def test_a_spread_that_chance_does_not_explain_is_no_hurdle_of_chance() -> None:
    # With these scores, chance comes to 2.1 * 2.6 / 3.6 = 1.52 in one search of twenty.
    for hurdle, told in ((1.5, True), (1.6, False), (8.7, False)):
        said = " ".join(verdict(figures(beyond=replace(RATIO, hurdle=hurdle))).reasons)
        assert ("were it chance alone" in said) == told
        assert f"{RATIO.sharpe:.2f} a year" in said


def test_on_several_series_the_return_is_that_of_equal_parts_and_said_to_be():
    said = verdict(figures(series=3)).reasons[0]
    assert "with equal parts on 3 series over the 7 months that they share; holding them made 10%" in said


def test_bars_that_are_held_out_already_are_not_asked_for_again():
    for held, words in ((True, "the bars held out"), (False, "--holdout 20%")):
        assert words in verdict(figures(kept_closed=held)).reasons[-1]


def test_what_looks_ahead_is_no_edge_however_good_it_is():
    seen = verdict(figures(ahead="enter_long of BTC/USDT at 2020-01-01 00:00 UTC"))
    assert seen.call == "inconclusive"
    assert any("looks ahead: enter_long of BTC/USDT at 2020-01-01 00:00" in reason for reason in seen.reasons)
    assert verdict(figures()).call == "edge"


def test_a_return_with_more_digits_than_anyone_reads_is_short():
    assert "made 1.3e+30%" in verdict(figures(total_return=1.3e28)).reasons[0]
