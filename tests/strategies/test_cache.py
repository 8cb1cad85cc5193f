from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bittrader.strategies.cache import Cache


@given(keys=st.lists(st.integers(0, 9), max_size=60))
def test_never_more_bytes_than_the_bound_and_always_the_right_result(keys):
    cache = Cache(limit=5 * 80)
    for key in keys:
        assert cache.get(key, lambda key=key: np.full(10, float(key)))[0] == key
        assert cache.nbytes == len(cache) * 80 <= 400


def test_what_was_asked_for_last_stays():
    cache, made = Cache(limit=2 * 80), []

    def get(key: str) -> None:
        cache.get(key, lambda: made.append(key) or np.empty(10))

    for key in "abacab":
        get(key)
    assert made == ["a", "b", "c", "b"]


def test_a_result_bigger_than_the_bound_is_not_kept():
    cache = Cache(limit=100)
    cache.get("small", lambda: np.empty(10))
    assert len(cache.get("big", lambda: np.empty(1000))) == 1000
    assert len(cache) == 1


def test_several_arrays_count_together():
    cache = Cache(limit=1000)
    cache.get("pair", lambda: (np.empty(10), np.empty(20)))
    assert cache.nbytes == 240


def test_threads_that_make_the_same_result_all_get_the_one_that_is_kept():
    cache = Cache(limit=10**6)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: cache.get("key", lambda: np.empty(1000)), range(200)))
    assert all(result is cache.get("key", lambda: np.empty(0)) for result in results[20:])
    assert cache.nbytes == 8000
