"""One daemon a folder."""

from __future__ import annotations

import pytest

from bittrader.cluster.daemon_lock import DaemonLock, DaemonRunningError, is_held


def test_a_lock_is_held_until_it_is_released(tmp_path):
    assert not is_held(tmp_path)
    lock = DaemonLock(tmp_path)
    assert is_held(tmp_path)
    with pytest.raises(DaemonRunningError, match="running already"):
        DaemonLock(tmp_path)
    lock.release()
    assert not is_held(tmp_path)


def test_nothing_is_written_so_that_a_full_disk_does_not_keep_the_owner_from_asking(tmp_path):
    lock = DaemonLock(tmp_path)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("daemon.lock", 0)]
    lock.release()
