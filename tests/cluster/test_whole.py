"""What any computer of a cluster knows of all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bittrader import paths
from bittrader.cluster.identity import identity
from bittrader.cluster.whole import whole_cluster
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {"time": 1.0, "head": {}, "nodes": [], "studies": []}


def test_a_head_tells_what_its_daemon_wrote_last(tmp_path: Path) -> None:
    identity(tmp_path, "head", "studio")
    with pytest.raises(ClusterError, match="only just begun"):
        whole_cluster(tmp_path)
    (tmp_path / paths.CLUSTER).write_text(json.dumps(KNOWN))
    assert whole_cluster(tmp_path) == KNOWN


def test_what_a_head_wrote_and_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    identity(tmp_path, "head", "studio")
    (tmp_path / paths.CLUSTER).write_text("{")
    with pytest.raises(ClusterError, match=r"cluster\.json cannot be read"):
        whole_cluster(tmp_path)


def test_to_look_makes_no_computer_a_node(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="bittrader worker join CODE"):
        whole_cluster(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_computer_that_has_not_joined_yet_cannot_ask(tmp_path: Path) -> None:
    identity(tmp_path, "worker", "air")
    with pytest.raises(ClusterError, match="in no cluster"):
        whole_cluster(tmp_path)
