from __future__ import annotations

import gc
import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bittrader.strategies import buffers
from bittrader.strategies.buffers import Pool


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["keep", "view", "slice", "bytes", "drop", "forget"]), st.integers(1, 3)),
        max_size=60,
    )
)
def test_what_is_kept_is_never_overwritten(steps):
    pool, kept = Pool(kept=4), []
    for number, (step, length) in enumerate(steps):
        taken = pool.take(length, np.float64)
        taken[:] = number
        keep = {"keep": taken, "view": taken.view(), "slice": taken[:1][::-1], "bytes": memoryview(taken)}
        if step in keep:
            kept.append((number, keep[step]))
        elif step == "drop" and kept:
            kept.pop(0)
        del taken, keep
        assert all((np.asarray(array) == value).all() for value, array in kept)


def test_a_buffer_that_nobody_holds_is_used_again():
    pool = Pool()
    first = pool.take(1000, np.float64)
    address = first.ctypes.data
    del first
    gc.collect()
    assert pool.take(1000, np.float64).ctypes.data == address
    assert len(pool) == 1


def test_a_buffer_of_another_size_or_type_is_another_buffer():
    pool = Pool()
    pool.take(10, np.float64)
    assert pool.take(11, np.float64).shape == (11,)
    assert pool.take(10, np.bool_).dtype == np.bool_


def test_a_buffer_can_be_written_to_though_it_was_made_read_only_before():
    pool = Pool()
    pool.take(5, np.float64).flags.writeable = False
    pool.take(5, np.float64)[:] = 1.0


def test_only_so_many_are_kept():
    pool = Pool(kept=3)
    held = [pool.take(10, np.float64) for _ in range(10)]
    for length in range(20):
        pool.take(length, np.float64)
    assert len(pool) == 3
    assert len({array.ctypes.data for array in held}) == 10


def test_every_thread_has_its_own():
    pools = [buffers.pool()]
    thread = threading.Thread(target=lambda: pools.append(buffers.pool()))
    thread.start()
    thread.join()
    assert pools[0] is not pools[1]
    assert buffers.pool() is pools[0]
