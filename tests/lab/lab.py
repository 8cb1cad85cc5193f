"""A lab: one network, the hosts in it, and a clean-up that leaves nothing behind.

with Lab() as lab:
    head, node = lab.host("head"), lab.host("node", cores=1)
    print(head.succeed(["ping", "-c1", node.address]))
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Self

from tests.lab.images import image
from tests.lab.leftovers import remove, sweep
from tests.lab.machine import Machine
from tests.lab.namespace import NamespaceHost
from tests.lab.network import Network
from tests.lab.places import PROJECT, labs_folder
from tests.lab.shell import LabError, each, process_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.lab.host import Host

_numbers = count(1)


class Lab:
    """Hosts on one private network. Closing it removes everything; so does the next lab, should this one die."""

    def __init__(self) -> None:
        sweep()
        self.name = f"lab{os.getpid()}-{next(_numbers)}"
        self.folder = labs_folder() / self.name
        self.folder.mkdir(parents=True)
        owner = process_at(os.getpid())
        (self.folder / "owner").write_text(f"{os.getpid()} {owner.started if owner else 0}")
        self.network = Network(self.name, self.folder)
        self.hosts: list[Host] = []

    def host(
        self,
        name: str,
        *,
        address: str | None = None,
        cores: float | None = None,
        processors: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> NamespaceHost:
        """A light host. `cores` limits its processor time, `processors` says on which of them it may run."""
        self._refuse_second(name)
        cable = self.network.cable(name, address)
        host = NamespaceHost(self.network, name, cable, cores=cores, processors=processors, variables=variables)
        self.hosts.append(host)
        return host

    def machine(
        self,
        name: str,
        release: str = "bookworm",
        *,
        address: str | None = None,
        cores: float | None = None,
        processors: Sequence[int] = (),
        seen: Sequence[Path] = PROJECT,
        variables: Mapping[str, str] | None = None,
    ) -> Machine:
        """A machine with systemd, booted. `seen`: what it sees of this computer, read-only; () is a bare one."""
        self._refuse_second(name)
        disk = image(release)
        cable = self.network.cable(name, address)
        machine = Machine(
            self.network, name, cable, disk, cores=cores, processors=processors, seen=seen, variables=variables
        )
        self.hosts.append(machine)
        return machine

    def close(self) -> None:
        """Ends all hosts, and removes all that the lab made."""
        hosts, self.hosts = self.hosts, []
        each([*(host.close for host in hosts), self.network.close, lambda: remove(self.folder)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_second(self, name: str) -> None:
        if any(host.name == name for host in self.hosts):
            raise LabError(f"there is a host {name} already")
