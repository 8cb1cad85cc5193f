"""The probability of overfitting against a version that looks at every split on its own."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from scipy import stats
from tests.belief.returns import noise, tables

from bittrader.belief.overfitting import overfitting


def ratio(column):
    spread = column.std(ddof=1)
    return 0.0 if spread < 1e-6 * np.sqrt((column**2).mean()) or spread == 0.0 else column.mean() / spread


def slowly(table, blocks):
    """Every split by itself."""
    table = table[:, table.std(axis=0) > 0]
    length = len(table) // blocks
    parts = np.split(table[len(table) - length * blocks :], blocks)
    found = []
    for inside in combinations(range(blocks), blocks // 2):
        first = np.concatenate([parts[block] for block in inside])
        second = np.concatenate([parts[block] for block in range(blocks) if block not in inside])
        chosen = int(np.argmax([ratio(column) for column in first.T]))
        outside = [ratio(column) for column in second.T]
        rank = stats.rankdata(outside)[chosen] / (len(outside) + 1)
        found.append((ratio(first[:, chosen]), outside[chosen], rank))
    return np.array(found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("blocks", [4, 6])
def test_every_split_is_judged_as_by_hand(seed, blocks) -> None:
    table = noise(97, 7, seed=seed)
    inside, outside, ranks = slowly(table, blocks).T
    found = overfitting(table, blocks)
    assert found is not None
    assert found.splits == len(ranks)
    assert found.probability == pytest.approx((ranks <= 0.5).mean())
    assert found.loss == pytest.approx((outside < 0).mean())
    assert (found.slope, found.intercept) == pytest.approx(np.polyfit(inside, outside, 1).tolist())
    assert found.ranks == tuple(int(((ranks > n / 20) & (ranks <= (n + 1) / 20)).sum()) for n in range(20))


@given(tables)
def test_shares_are_shares_whatever_the_returns(table) -> None:
    found = overfitting(table, 8)
    if found is not None:
        assert 0.0 <= found.probability <= 1.0
        assert 0.0 <= found.loss <= 1.0
        assert found.splits == sum(found.ranks) == 70
        assert sum(found.ranks[:10]) == round(found.probability * 70)


def test_the_usual_sixteen_blocks_give_the_papers_number_of_splits() -> None:
    found = overfitting(noise(320, 5))
    assert found is not None
    assert found.splits == 12_870


def test_one_set_that_is_better_everywhere_is_no_accident() -> None:
    table = noise(800, 20)
    table[:, 3] += 0.02
    found = overfitting(table)
    assert found is not None
    assert found.probability == 0.0
    assert found.loss == 0.0


def test_choosing_among_sets_without_skill_is_a_toss() -> None:
    drawn = [overfitting(noise(320, 30, seed=seed), 8) for seed in range(40)]
    assert np.mean([one.probability for one in drawn]) == pytest.approx(0.5, abs=0.1)


def test_with_nothing_to_choose_there_is_no_answer() -> None:
    assert overfitting(noise(320, 1)) is None
    assert overfitting(noise(20, 5)) is None
    assert overfitting(np.zeros((320, 5))) is None
    assert overfitting(np.empty((0, 5))) is None
