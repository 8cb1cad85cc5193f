"""A real Ray of one node, started once for all tests of a process, and what runs on it."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack

import numpy as np
import pytest
from tests.execution import evaluations
from tests.execution.evaluations import Making
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


def search_together(places, folder, *, evaluations_each, steps):
    """Has a search at each place do evaluations that count their steps in files; which search each answer was for.

    No evaluation was done, or begun, twice: what was begun twice has counted more steps.
    """
    order = []
    with ExitStack() as stack:
        works = [work_of(Making(evaluations.count_up, str(folder), steps), apart=True) for _ in places]
        searches = [stack.enter_context(place.executor(work)) for place, work in zip(places, works, strict=True)]
        values = [[10 * number + value for value in range(evaluations_each)] for number in range(len(places))]
        for search, mine in zip(searches, values, strict=True):
            for value in mine:
                search.submit(np.full((1, 1), float(value)))
        while any(search.pending for search in searches):
            for number, search in enumerate(searches):
                order += [number for _ in search.wait(0.1)]
        redone = [list(place._search.dispatch.redone) for place in places]
    counted = {file.name: len(file.read_text()) for file in folder.glob("steps-*")}
    assert counted == {f"steps-{value}": steps for mine in values for value in mine}, redone
    assert redone == [[] for _ in places]
    assert sorted(order) == [number for number, mine in enumerate(values) for _ in mine]
    return order


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
