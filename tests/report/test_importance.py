import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bittrader.report.importance import binned, explained

columns = arrays(np.float64, st.integers(1, 200), elements=st.floats(-100, 100))


@given(columns, st.integers(0, 9))
def test_a_share_is_between_nothing_and_everything(column, seed):
    share = explained(column, np.random.default_rng(seed).normal(size=len(column)))
    assert share is None or 0.0 <= share <= 1.0


@given(columns, st.integers(1, 20))
def test_bins_have_no_holes_and_keep_the_order(column, bins):
    found = binned(column, bins)
    assert set(found) == set(range(found.max() + 1))
    assert found.max() < bins or len(np.unique(column)) <= bins
    order = np.argsort(column, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_a_parameter_that_decides_all_explains_nearly_all():
    x = np.random.default_rng(1).random(2000)
    assert explained(x, -np.abs(x - 0.4)) > 0.95


def test_a_parameter_that_decides_nothing_explains_next_to_nothing():
    rng = np.random.default_rng(2)
    assert explained(rng.random(2000), rng.random(2000)) == pytest.approx(0.0, abs=0.02)


def test_one_disaster_does_not_hide_a_parameter():
    x = np.random.default_rng(3).random(500)
    y = x.copy()
    y[0] = -1e12
    assert explained(x, y) > 0.9


@pytest.mark.parametrize(
    ("column", "outcome"),
    [(np.ones(100), np.arange(100.0)), (np.arange(100.0), np.ones(100)), (np.arange(4.0), np.arange(4.0))],
    ids=["one value", "one outcome", "too few"],
)
def test_what_cannot_be_known_is_undefined(column, outcome):
    assert explained(column, outcome) is None
