"""The reality check against another library, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import SPA
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.belief.returns import autoregressive, noise, tables

from bittrader.belief.bootstrap import counts, draws
from bittrader.belief.reality import long_run_variances, reality_check, share_at_least
from bittrader.belief.sharpe import expected_maximum


def checked(gains, chosen=0, block=2.0, resamples=999, seed=0, **how):
    counted = counts(draws(np.random.default_rng(seed), resamples, len(gains), block))
    return reality_check(gains, chosen, counted, block, **how)


@pytest.mark.parametrize("best", [0.0, 0.001, 0.002])
@pytest.mark.parametrize("block", [1, 8])
def test_the_p_values_are_those_of_arch(best, block) -> None:
    gains = noise(250, 12, seed=7)
    gains[:, 4] += best
    gains[:, 5] -= 0.004
    # arch compares plain means, and studentizes only to tell the poor; so it is given gains of variance 1.
    scaled = gains / np.sqrt(long_run_variances(gains, block))
    test = SPA(np.zeros(len(gains)), -scaled, block_size=block, reps=4000, bootstrap="stationary", seed=1)
    test.compute()
    ours = checked(gains, block=block, resamples=4000)
    assert ours is not None
    # Both are shares of 4,000 draws.
    assert [ours.lower, ours.consistent, ours.upper] == pytest.approx(test.pvalues.to_list(), abs=0.04)


def test_whites_p_value_is_that_of_arch_without_studentizing() -> None:
    gains = noise(250, 12, seed=7) * np.linspace(0.5, 2.0, 12)
    gains[:, 9] += 0.002
    test = SPA(np.zeros(len(gains)), -gains, block_size=3, reps=4000, bootstrap="stationary", studentize=False, seed=1)
    test.compute()
    ours = checked(gains, block=3, resamples=4000)
    assert ours is not None
    assert ours.white == pytest.approx(test.pvalues["upper"], abs=0.04)


@given(tables, st.data())
def test_p_values_are_ordered_and_never_none(table, data) -> None:
    chosen = data.draw(st.integers(0, table.shape[1] - 1))
    found = checked(table, chosen, resamples=49)
    if found is None:
        assert table.std(axis=0) == pytest.approx(0.0, abs=1e-9)
        return
    assert 0.02 <= found.lower <= found.consistent <= found.upper <= 1.0
    assert found.consistent <= found.chosen <= 1.0
    assert 0.02 <= found.white <= 1.0


def test_the_best_of_all_has_the_p_value_of_the_whole_test() -> None:
    gains = noise(300, 5)
    gains[:, 2] += 0.003
    found = checked(gains, chosen=2)
    assert found is not None
    assert found.chosen == found.consistent < 0.01


def test_a_score_that_is_just_needed_has_the_p_value_that_it_is_needed_for() -> None:
    gains = noise(300, 5)
    gains[:, 2] += 0.003
    first = checked(gains, chosen=2)
    assert first is not None
    gains[:, 2] -= gains[:, 2].mean() * (1 - first.needed / first.score)
    again = checked(gains, chosen=2)
    assert again is not None
    assert again.score == pytest.approx(first.needed, rel=1e-6)
    assert again.chosen == pytest.approx(0.05, abs=0.002)


def test_sets_that_all_lose_have_no_skill() -> None:
    found = checked(noise(300, 5) - 0.02, chosen=3)
    assert found is not None
    assert found.white == found.lower == found.consistent == found.chosen == 1.0
    assert found.score < 0


def test_a_set_beside_the_best_is_judged_by_its_own_gains() -> None:
    gains = noise(300, 5)
    gains[:, 2] += 0.003
    found = checked(gains, chosen=1)
    assert found is not None
    assert found.chosen > 0.2


def test_false_alarms_come_as_often_as_stated() -> None:
    alarms = [checked(noise(300, 20, seed=seed), resamples=99, seed=seed).consistent <= 0.05 for seed in range(200)]
    assert 0.01 <= np.mean(alarms) <= 0.09


def test_many_more_sets_make_the_same_gain_less_believable() -> None:
    gains = noise(300, 200)
    gains[:, 0] = noise(300, 1, seed=9)[:, 0] + 0.0012
    few, many = checked(gains[:, :2]), checked(gains)
    assert few is not None
    assert many is not None
    assert few.chosen < many.chosen


def test_the_allowance_is_what_more_independent_sets_would_add_and_not_much_more() -> None:
    found = checked(noise(2_000, 128), block=1.0, tries=2048)
    assert found is not None
    more = expected_maximum(2048, 1.0) - expected_maximum(128, 1.0)
    assert more <= found.allowance <= 1.5 * more


def test_sets_that_are_all_alike_need_no_allowance() -> None:
    found = checked(np.repeat(noise(300), 64, axis=1), tries=1e6)
    assert found is not None
    assert found.allowance == pytest.approx(0.0, abs=1e-9)


def test_the_allowance_looks_at_the_sets_that_no_search_chose() -> None:
    gains = np.concatenate([np.repeat(noise(300, seed=1), 64, axis=1), noise(300, 64, seed=2)], axis=1)
    found, spread = checked(gains, tries=1e4), checked(gains, tries=1e4, spread=64)
    assert found is not None
    assert spread is not None
    assert spread.allowance != found.allowance
    assert spread.allowance > 1.0


@settings(max_examples=20)
@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_more_tries_never_make_a_result_more_believable(first, second) -> None:
    gains = noise(200, 40)
    gains[:, 0] += 0.001
    fewer, more = (checked(gains, resamples=99, tries=tries) for tries in sorted((first, second)))
    assert fewer.chosen <= more.chosen
    assert fewer.needed <= more.needed
    assert (fewer.lower, fewer.consistent, fewer.upper) == (more.lower, more.consistent, more.upper)
    assert fewer.allowance == 0.0 or min(first, second) > 40


@pytest.mark.parametrize("block", [1.0, 5.0, 20.0])
def test_long_run_variances_are_those_of_resampled_means(block) -> None:
    values = np.stack([autoregressive(400, 0.6), noise(400)[:, 0]], axis=1)
    counted = counts(draws(np.random.default_rng(3), 6000, 400, block))
    resampled = (counted @ values / 400).var(axis=0) * 400
    assert long_run_variances(values, block) == pytest.approx(resampled, rel=0.08)


def test_a_p_value_counts_the_history_itself() -> None:
    assert share_at_least(np.array([1.0, 2.0, 3.0]), 2.5) == 0.5
    assert share_at_least(np.zeros(99), 1.0) == 0.01


def test_sets_that_earn_the_same_in_every_period_cannot_be_tested() -> None:
    assert checked(np.zeros((50, 3))) is None
