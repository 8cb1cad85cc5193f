import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bittrader.report import thin

values = st.floats(-1e6, 1e6)
columns = st.integers(1, 400).flatmap(lambda n: arrays(np.float64, n, elements=values))
limits = st.integers(4, 200)


@given(columns, limits)
def test_no_more_points_than_the_limit_and_in_order(column, limit):
    kept = thin.keep(column, limit=limit)
    assert len(kept) <= max(limit, 4)
    assert (np.diff(kept) > 0).all()


@given(columns, limits)
def test_the_ends_and_the_extremes_are_never_lost(column, limit):
    kept = thin.keep(column, limit=limit)
    assert kept[0] == 0
    assert kept[-1] == len(column) - 1
    assert column[kept].min() == column.min()
    assert column[kept].max() == column.max()


@given(columns)
def test_everything_is_kept_when_it_fits(column):
    assert (thin.keep(column, limit=len(column)) == np.arange(len(column))).all()


@given(columns, st.integers(4, 60))
def test_every_bucket_keeps_its_own_extremes(column, limit):
    kept = thin.keep(column, limit=limit)
    if len(column) > limit:
        edges = np.linspace(0, len(column), max(1, limit // 4) + 1).astype(int)
        for start, stop in itertools.pairwise(edges):
            inside = kept[(kept >= start) & (kept < stop)]
            assert column[inside].max() == column[start:stop].max()
            assert column[inside].min() == column[start:stop].min()


@given(columns, st.integers(8, 100))
def test_the_deepest_drawdown_survives(column, limit):
    equity = np.exp(np.clip(column, -50, 50) / 100)
    fall = equity / np.maximum.accumulate(equity) - 1
    kept = thin.keep(fall, limit=limit)
    assert fall[kept].min() == fall.min()


@given(columns, st.integers(6, 100))
def test_columns_thinned_together_all_keep_their_extremes(column, limit):
    other = -np.cumsum(column)
    kept = thin.keep(column, other, limit=limit)
    assert len(kept) <= max(limit, 6)
    for each in (column, other):
        assert each[kept].min() == each.min()
        assert each[kept].max() == each.max()


@given(st.integers(1, 500), st.integers(1, 100), st.data())
def test_a_spread_keeps_what_it_must_within_the_limit(size, limit, data):
    always = np.array(data.draw(st.lists(st.integers(0, size - 1), max_size=limit)), dtype=np.int64)
    kept = thin.spread(size, limit, always)
    assert len(kept) <= max(limit, 1)
    assert (np.diff(kept) > 0).all()
    assert set(always) <= set(kept)


@given(st.integers(1, 300), st.integers(1, 50), st.integers(0, 9))
def test_points_apart_are_within_the_limit_and_in_order(size, limit, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, size))
    kept = thin.apart(x, y, limit)
    assert 1 <= len(kept) <= limit
    assert (np.diff(kept) > 0).all()


def test_points_at_one_place_are_one_point():
    assert len(thin.apart(np.ones(50), np.ones(50), 10)) == 1
