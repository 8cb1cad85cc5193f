"""What is packed for another computer: whole, but for what travels once."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from bittrader.execution.work import packed, unpacked


@dataclass(frozen=True, eq=False)
class Large:
    """Stands for candles."""

    values: np.ndarray
    fingerprint: str


def test_what_is_shared_is_not_in_what_is_packed():
    large = Large(np.zeros(1_000_000), "abc")
    data = packed({"candles": large, "fee": 0.001}, [large])
    assert len(data) < 500
    assert unpacked(data, {"abc": large}) == {"candles": large, "fee": 0.001}


def test_what_is_not_shared_is_packed_whole():
    large = Large(np.arange(1000.0), "abc")
    assert (unpacked(packed(large, []), {}).values == large.values).all()


def test_a_shared_thing_that_did_not_arrive_is_missed():
    large = Large(np.zeros(3), "abc")
    with pytest.raises(KeyError, match="abc"):
        unpacked(packed(large, [large]), {})


def test_plain_pickle_does_not_read_what_is_packed():
    large = Large(np.zeros(3), "abc")
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(packed(large, [large]))
