from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.optimize.spaces import SPACES, crossing
from tests.optimize.studies import FACTS, experiment

from bittrader.backtest.costs import Costs, Sizing
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.narrowing import narrowed
from bittrader.optimize.studies.experiment import Experiment, differences


@pytest.mark.parametrize("space", SPACES)
def test_an_experiment_survives_json(space):
    where = (Condition("trades", ">=", 100.0), Condition("max_drawdown", "<", 0.2))
    objectives = (Objective("sharpe", "maximize"), Objective("max_drawdown", "minimize"))
    changes = {"where": where, "objectives": objectives, "series": (FACTS, FACTS)}
    before = experiment(space=SPACES[space], time_limit=2.5, **changes)
    after = Experiment.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert after.fingerprint == before.fingerprint
    assert differences(before, after) == []


CHANGES = {
    "candles: the same 1,000 bars of BTC/USDT 1h": {"series": (replace(FACTS, fingerprint="0" * 32),)},
    "candles: 1,000 bars of BTC/USDT 1h, 2017-07-14 to 2017-08-24 then; 900 bars": {
        "series": (replace(FACTS, fingerprint="0" * 32, bars=900),)
    },
    "the code of sma-cross has changed": {"code": "0" * 32},
    "bittrader's own code has changed (version 0.1.0 then, 0.2.0 now)": {
        "engine": "0" * 32,
        "versions": {"bittrader": "0.2.0"},
    },
    "strategy: sma-cross then, macd now": {"name": "macd", "code": "0" * 32},
    "fee: 0.001 then, 0.002 now": {"costs": Costs(fee=0.002)},
    "leverage: 1.0 then, 2.0 now": {"sizing": Sizing(leverage=2.0)},
    "fast: 5 to 60 then, 5 to 30 now": {"space": narrowed(crossing(), {"fast": (5, 30)}, {})},
    "slow: 10 to 100 then, fixed at 50 now": {"space": narrowed(crossing(), {}, {"slow": 50})},
    "constraints: fast < slow then, none now": {"space": replace(crossing(), constraints=())},
    "objectives: sharpe:max then, calmar:max now": {"objectives": (Objective("calmar", "maximize"),)},
    "objectives: sharpe:max then, sharpe:min now": {"objectives": (Objective("sharpe", "minimize"),)},
    "objectives: sharpe:max then, sharpe:max, calmar:max now": {
        "objectives": (Objective("sharpe", "maximize"), Objective("calmar", "maximize"))
    },
    "where: none then, trades >= 100 now": {"where": (Condition("trades", ">=", 100.0),)},
    "aggregate: mean then, worst now": {"aggregate": "worst"},
    "candles: 1,000 bars of BTC/USDT 1h, 2017-07-14 to 2017-08-24 then; 1,000 bars of BTC/USDT 1h, 2017-07-14 to "
    "2017-08-24, 1,000 bars of ETH": {"series": (FACTS, replace(FACTS, symbol="ETH/USDT"))},
    "seed: 3 then, 4 now": {"seed": 4},
    "time_limit: None then, 5.0 now": {"time_limit": 5.0},
}


@pytest.mark.parametrize("words", CHANGES)
def test_what_differs_is_said_in_words(words):
    (found,) = differences(experiment(), experiment(**CHANGES[words]))
    assert found.startswith(words)


def test_a_version_that_is_still_the_same_is_not_named():
    assert differences(experiment(), experiment(engine="0" * 32)) == ["bittrader's own code has changed"]


@pytest.mark.parametrize(
    "change",
    [
        {"trials": 9},
        {"strategy": "elsewhere.py:SmaCross"},
        {"series": (replace(FACTS, reference="/moved.parquet"),)},
        {"versions": {"bittrader": "0.1.0", "numpy": "9"}},
    ],
)
def test_what_does_not_decide_the_numbers_may_change(change):
    assert differences(experiment(), experiment(**change)) == []
