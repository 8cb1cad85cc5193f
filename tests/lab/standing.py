"""A cluster that stands through many tests, because making one takes half a minute."""

from __future__ import annotations

import itertools
import sys

from tests.lab.cluster import Cluster
from tests.lab.lab import Lab
from tests.lab.searches import Compiled, Search, Wanted, now
from tests.lab.shell import LabError

_numbers = itertools.count(1)


class Standing:
    """Makes the cluster when it is first asked for, and anew when a test has broken it."""

    def __init__(self) -> None:
        self._lab: Lab | None = None
        self._cluster: Cluster | None = None

    def sound(self) -> Cluster:
        """The cluster, with all of its nodes up."""
        if self._cluster is not None:
            try:
                self._cluster.mend()
            except LabError as error:
                sys.stderr.write(f"the cluster cannot be mended, another is made: {error}\n")
                self.close()
        if self._cluster is None:
            self._lab = Lab()
            self._cluster = Cluster(self._lab, {"one": 1, "two": 1})
        return self._cluster

    def close(self) -> None:
        lab, self._lab, self._cluster = self._lab, None, None
        if lab is not None:
            lab.close()


def fresh_name() -> str:
    """A name that no study has yet."""
    return f"study-{next(_numbers)}"


def search(cluster: Cluster, wanted: Wanted | Compiled, *words: str, on: str = "head") -> Search:
    """A search driven from that host, at work on every worker."""
    driver = cluster.head if on == "head" else cluster.workers[on]
    made = Search(driver, wanted, fresh_name(), *words)
    made.log = cluster.log
    made.wait_for(1, 60)
    begun = now()
    for name in cluster.workers:
        made.wait_for_work_of(name, begun)
    return made
