"""A cluster of the lab's hosts, made and used with the commands that an owner has, and looked at from outside."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.lab.said import state_of, takes_part
from tests.lab.shell import LabError, wait_until
from tests.lab.study_file import StudyFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.lab import Lab
    from tests.lab.namespace import NamespaceHost
    from tests.lab.shell import Done, Process

Role = Literal["head", "worker"]

PROGRAM = str(Path(sys.prefix, "bin", "bittrader"))

# Nobody at the computer, on mains, cool: all cores are allowed, whatever the computer is that the lab runs on.
AT_EASE = {
    "idle_seconds": 1000.0,
    "on_battery": False,
    "charge": 1.0,
    "other_load": 0.0,
    "hot": False,
    "laptop": False,
    "has_screen": False,
}

# Generous: on a busy computer of two cores a Ray node takes a quarter of a minute to start.
UP_SECONDS = 120


class Node:
    """A host that is a head or a worker."""

    def __init__(self, host: NamespaceHost, role: Role) -> None:
        self.host, self.role, self.name = host, role, host.name
        self.home = host.home / "bt"
        self.folder = self.home / role
        host.variables["BITTRADER_HOME"] = str(host.home_inside / "bt")
        host.variables["BITTRADER_READINGS"] = str(host.home_inside / "readings.json")
        self.read_as()

    def bittrader(self, *words: str, timeout: float = 60) -> Done:
        """What came of a `bittrader` command on this host."""
        return self.host.run([PROGRAM, *words], timeout)

    def succeed(self, *words: str, timeout: float = 60) -> str:
        """What the command prints; LabError when it fails."""
        return self.host.succeed([PROGRAM, *words], timeout)

    def own(self, *words: str, timeout: float = 60) -> str:
        """The same with a command of the node's role."""
        return self.succeed(self.role, *words, timeout=timeout)

    def read_as(self, **readings: float | bool) -> None:
        """What the computer tells of its owner, its battery and its heat from now on."""
        file = self.host.home / "readings.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps({**AT_EASE, **readings}))
        part.replace(file)

    def own_status(self) -> str:
        """What `status` shows the owner."""
        return self.bittrader(self.role, "status").stdout

    def set_up(self, cores: int) -> None:
        """Sets what a worker of the lab has set: so many cores, and no wait until there may be more."""
        self.own("config", "set", "node.cores", str(cores))
        self.own("policy", "set", "grow_after_seconds", "0")

    def start(self) -> None:
        """Starts the daemon; its Ray comes up later."""
        self.own("start", "--background")

    @property
    def state(self) -> dict[str, Any]:
        """What the daemon said last; nothing before it first does."""
        return state_of(self.folder)

    @property
    def is_up(self) -> bool:
        """Whether the node is part of the cluster, as it knows itself, at the address that it has."""
        state = self.state
        return takes_part(state) and state["address"] == self.host.address

    @property
    def daemon(self) -> Process:
        """The process of the daemon; LabError when there is none."""
        return self._one("bittrader.cluster.daemon")

    @property
    def raylet(self) -> Process:
        """The process of Ray's own that makes the host a node."""
        return self._one("raylet/raylet ")

    @property
    def work(self) -> Process:
        """The process that does the node's work for a driver, or has it done by others."""
        return self._one("ray::NodeActor")

    def evaluators(self) -> list[Process]:
        """The processes that evaluate, where the work is done in such."""
        return self.host.processes("multiprocessing.spawn")

    def study(self, name: str) -> StudyFile:
        """The file of a study of this host."""
        return StudyFile(self.home, name)

    def log(self) -> str:
        """What the daemon wrote, and what it complained about."""
        logs = self.folder / "logs"
        return "\n".join(f"--- {one}\n{one.read_text()[-4000:]}" for one in sorted(logs.glob("*.log")))

    def forget_ray(self) -> None:
        """Kills the daemon and all that it started, as a crash of the whole node does; other processes stay."""
        for words in ("bittrader.cluster", "/ray/", "ray::", "multiprocessing.spawn"):
            self.host.kill(words)

    def _one(self, words: str) -> Process:
        found = self.host.processes(words)
        if not found:
            raise LabError(f"no process of {self.name} is called {words!r}\n{self.log()}")
        return found[0]


class Cluster:
    """A head that only leads, and workers that work."""

    def __init__(self, lab: Lab, workers: Mapping[str, int], *, processors: Sequence[int] = ()) -> None:
        """`workers`: how many cores each has, by name."""
        self.lab = lab
        self.head = Node(lab.host("head", processors=processors), "head")
        self.head.own("policy", "set", "active_cores", "0")
        self.head.own("policy", "set", "away_cores", "0")
        self.head.start()
        self.workers: dict[str, Node] = {}
        for name, cores in workers.items():
            self.worker(name, cores)
        self.wait_until_up()

    def worker(self, name: str, cores: int, *, processors: Sequence[int] = (), **variables: str) -> Node:
        """Another host, which has joined; its Ray comes up later."""
        node = Node(self.lab.host(name, processors=processors, variables=variables), "worker")
        node.set_up(cores)
        node.succeed("worker", "join", self.invite(name), "--background")
        self.workers[name] = node
        return node

    def invite(self, name: str, *words: str) -> str:
        """A join code."""
        code: str = json.loads(self.head.own("invite", "--json", "--name", name, *words))["code"]
        return code

    @property
    def nodes(self) -> list[Node]:
        """The head and all workers."""
        return [self.head, *self.workers.values()]

    def is_up(self) -> bool:
        """Whether every node is part of the cluster."""
        return all(node.is_up for node in self.nodes)

    def wait_until_up(self, timeout: float = UP_SECONDS) -> float:
        """Seconds until every node is part of the cluster."""
        return wait_until(self.is_up, "every node is up", timeout, self.log, every=0.1)

    def mend(self) -> None:
        """Ends whatever was done to the hosts, and waits until all is well."""
        for node in self.nodes:
            node.host.power_on()
            node.host.thaw()
            node.host.join()
            node.host.delay(0)
            node.host.limit(None)
            node.host.keep_to(os.sched_getaffinity(0))
            node.host.kill(" optimize ")
            node.host.kill("studies resume")
            node.read_as()
            if not node.host.processes("bittrader.cluster.daemon"):
                node.start()
            elif node.state.get("cause") in ("paused", "override"):
                node.own("resume")
        self.wait_until_up()

    def log(self) -> str:
        """What all daemons wrote."""
        return "\n".join(f"===== {node.name}: {node.state}\n{node.log()}" for node in self.nodes if node.host.on)


def load() -> str:
    """How busy the computer is, for whoever reads a figure."""
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
