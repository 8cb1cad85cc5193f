"""A belief is kept as JSON and read again."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from tests.belief.beliefs import figures, known

from bittrader.belief.figures import Belief, Verdict

VERDICT = Verdict("edge", 0.004, ("It earned.", "More would be better."))


def test_what_is_written_is_read_again() -> None:
    for one in (Belief(VERDICT, known()), Belief(VERDICT, figures()), Belief(VERDICT, None)):
        assert Belief.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one


def test_what_is_not_finite_is_not_a_number_in_json() -> None:
    written = Belief(VERDICT, replace(figures(), total_return=math.inf)).to_json()
    assert written["figures"]["total_return"] is None
