"""The lab's tests run by `make lab` alone, which says `BITTRADER_LAB=quick` or `full`; else they are not collected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab.measure import Recorder
from tests.lab.ready import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.cluster import Cluster
    from tests.lab.lab import Lab
    from tests.lab.standing import Standing

WANTED = os.environ.get("BITTRADER_LAB", "")
RESULTS = Path(__file__).parents[2] / "bench" / "results" / "lab.json"
RECORDER = pytest.StashKey[Recorder]()

collect_ignore_glob = [] if WANTED else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDER] = Recorder()
    config.addinivalue_line("markers", "full: takes minutes; runs with `make lab ARGS=--full`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    why = lacking()
    for item in here:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
        elif WANTED != "full" and item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: make lab ARGS=--full"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab of the test's own."""
    from tests.lab.lab import Lab  # noqa: PLC0415 - where the lab cannot run, it may not even import

    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def standing() -> Iterator[Standing]:
    """The keeper of the cluster that many tests share."""
    from tests.lab.standing import Standing  # noqa: PLC0415 - as above

    made = Standing()
    yield made
    made.close()


@pytest.fixture
def cluster(standing: Standing) -> Cluster:
    """A head that leads and the workers `one` and `two` of one core each, all up."""
    return standing.sound()


@pytest.fixture
def recorder(pytestconfig: pytest.Config) -> Recorder:
    """The session's figures: printed as one table at the end, and kept in bench/results/lab.json."""
    return pytestconfig.stash[RECORDER]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    made = config.stash[RECORDER]
    if made.rows:
        made.save(RESULTS)
        terminalreporter.section("figures of the lab")
        terminalreporter.write_line(made.table())
