"""A real Ray of one node, started once for all tests of a process, and what runs on it."""

from __future__ import annotations

import importlib.util

import pytest
from tests.execution.ray_node import RayNode
from tests.execution.test_node import Sent

from bittrader.execution.cluster_executor import OnCluster
from bittrader.execution.work import Work


@pytest.fixture(scope="session")
def ray_node(tmp_path_factory):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: the extra is called `cluster`")
    node = RayNode(tmp_path_factory.mktemp("node"), cpus=4)
    try:
        yield node.start()
    finally:
        node.close()


def work_of(making, *, apart=False):
    """A plain function as a search's work, the same on any computer."""
    return Work(making, making, lambda: Sent(making), apart=apart)


@pytest.fixture(scope="session")
def cluster(ray_node):
    with OnCluster(ray_node.folder) as place:
        assert place.cores == 4
        yield place


@pytest.fixture
def cluster_executor(cluster):
    """Makes an executor as the local ones are made."""

    def make(making, slots):
        executor = cluster.executor(work_of(making))
        executor.resize(slots)
        return executor

    return make
