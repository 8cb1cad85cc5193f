"""A light host: namespaces for its network, processes, mounts and name, and a control group. Ready in a moment.

It sees the computer's files, but has /tmp, /dev/shm, HOME, /etc/hosts and an identity of its own, and
sees no process but its own.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.cgroups import Cgroup
from tests.lab.host import Host
from tests.lab.network import GATEWAY, PREFIX
from tests.lab.places import PROJECT
from tests.lab.shell import LabError, children_of, each, succeed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.network import Cable, Network
    from tests.lab.shell import Running

INIT = Path(__file__).with_name("init.sh")


class NamespaceHost(Host):
    """A host made of namespaces. Made by `Lab.host`."""

    def __init__(
        self,
        network: Network,
        name: str,
        cable: Cable,
        *,
        cores: float | None = None,
        processors: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.cable = cable
        self.folder = network.folder / "hosts" / name
        self.home = self.folder / "home"
        super().__init__(self.home, processors, variables or {})
        self._network = network
        self._namespace = f"{network.namespace}-{name}"
        self._init: Running | None = None
        self._prepare_folder()
        self.cgroup = Cgroup(self._namespace)
        self.limit(cores)
        self.power_on()

    @property
    def on(self) -> bool:
        return self._init is not None and self._init.alive

    @property
    def leader(self) -> int:
        if self._init is None or not (children := children_of(self._init.pid)):
            raise LabError(f"{self.name} is off")
        return children[0]

    def change_address(self, new: str | None = None) -> str:
        new = new or self._network.fresh_address()
        self.cut()
        self._ip("address", "flush", "dev", "eth0", "scope", "global")
        self.cable.rename(new)
        self._take_address()
        self.join()
        return new

    def power_on(self) -> None:
        if self.on:
            return
        succeed("ip", "netns", "add", self._namespace)
        self._ip("link", "set", "lo", "up")
        peer = ("peer", "name", "eth0", "address", self.cable.hardware_address, "netns", self._namespace)
        self._network.ip("link", "add", self.cable.port, "type", "veth", *peer)
        self._take_address()
        self.cable.plug()
        self._start_init()

    def power_off(self) -> None:
        if not self.on:
            return
        self.cut()  # first: a computer without power says goodbye to nobody
        self.cgroup.renew()
        self._wait_for_all()
        self._network.ip("link", "delete", self.cable.port)
        succeed("ip", "netns", "delete", self._namespace)
        self._init = None
        shutil.rmtree(self.folder / "tmp")
        (self.folder / "tmp").mkdir(mode=0o1777)

    def close(self) -> None:
        each(
            (
                self.power_off,
                self.cable.close,
                self.cgroup.remove,
                lambda: shutil.rmtree(self.folder),
            )
        )

    def _prepare_folder(self) -> None:
        for name in ("home", "logs", "tmp"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "tmp").chmod(0o1777)
        (self.folder / "resolv.conf").write_text(f"nameserver {GATEWAY}\noptions attempts:1 timeout:1\n")
        (self.folder / "machine-id").write_text(f"{uuid.uuid4().hex}\n")

    def _take_address(self) -> None:
        self._ip("address", "add", f"{self.address}/{PREFIX}", "dev", "eth0")
        self._ip("link", "set", "eth0", "up")
        self._ip("route", "replace", "default", "via", GATEWAY)

    def _start_init(self) -> None:
        kept = [str(path) for path in PROJECT if path.is_relative_to("/tmp")]
        words = [
            *self._enter_cgroup(),
            *self._pin(),
            *("nsenter", f"--net=/run/netns/{self._namespace}", "--"),
            *("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc", "--"),
            *("sh", str(INIT), str(self.folder), self.name, str(self._network.hosts_file), *kept),
        ]
        self._init = self._go(words, f"first process of {self.name}").says("ready\n", 10)

    def _ip(self, *words: str) -> None:
        succeed("ip", "-n", self._namespace, *words)

    def _entrance(self) -> list[str]:
        return [
            *self._pin(),
            *("nsenter", "-t", str(self.leader), "--mount", "--net", "--pid", "--uts", "--ipc", "--"),
        ]
