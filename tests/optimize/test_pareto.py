from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.optimize.studies import evaluate, experiment, run

from bittrader.backtest.metrics import METRICS
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.studies import found
from bittrader.optimize.studies.pareto import non_dominated
from bittrader.optimize.studies.study import Study

few = st.integers(0, 5).map(float)  # many ties
tables = st.tuples(st.integers(0, 30), st.integers(1, 4)).flatmap(lambda shape: arrays(np.float64, shape, elements=few))

OBJECTIVES = (Objective("sharpe", "maximize"), Objective("max_drawdown", "minimize"))


def front_of(losses):
    """The front by its definition."""
    rows = losses.tolist()

    def beaten(i):
        return any(
            all(a <= b for a, b in zip(rows[j], rows[i], strict=True)) and (rows[j] != rows[i] or j < i)
            for j in range(len(rows))
            if j != i
        )

    return [i for i in range(len(rows)) if not beaten(i)]


@given(tables)
def test_the_front_is_what_nothing_beats(losses):
    assert non_dominated(losses).tolist() == front_of(losses)


@pytest.mark.parametrize("columns", [2, 3])
def test_a_large_front_is_what_nothing_beats(columns):
    losses = np.random.default_rng(columns).random((700, columns)).round(2)
    losses[:500] /= losses[:500].sum(axis=1, keepdims=True) + 0.01
    assert non_dominated(losses).tolist() == front_of(losses)


def two_sided(rows):
    """Sharpe ratios and drawdowns that pull apart."""
    answer = evaluate(rows)
    answer.metrics[:, METRICS.index("max_drawdown")] = (100 - rows[:, 0]) / 100 + (rows[:, 1] % 7) / 50
    return answer


@pytest.mark.parametrize("where", [(), (Condition("max_drawdown", "<", 0.8),)])
def test_a_studys_front_is_that_of_its_sets_that_keep_the_conditions(tmp_path, monkeypatch, where):
    facts = experiment(objectives=OBJECTIVES, where=where, trials=300)
    with Study.create(tmp_path / "a.sqlite", facts) as study:
        run(study, two_sided)
        summary = found.summary(study)
        kept = summary.violations == 0
        losses = np.column_stack([one.losses(summary.metrics[one.metric]) for one in OBJECTIVES])[kept]
        wanted = sorted(losses[front_of(losses)].tolist())
        front = [[-one.metrics["sharpe"], one.metrics["max_drawdown"]] for one in summary.front]
        assert front == wanted
        assert len(front) > 3
        assert bool(where) == (not kept.all())
        assert summary.best[0].number == summary.front[0].number
        monkeypatch.setattr(found, "_PIECE", 40)  # a large study: what the best of a sample beat is not read
        assert [one.number for one in found.front(study)] == [one.number for one in summary.front]
        some = found.front(study, most=3)
        assert len(some) == 3
        assert [some[0].number, some[-1].number] == [summary.front[0].number, summary.front[-1].number]
        assert found.front_and_more(study, most=3)[1] == len(front) - 3
        assert summary.front_size == len(front)
