"""A machine: a Debian of its own with systemd in charge, booted by systemd-nspawn on an overlay of an image."""

from __future__ import annotations

import shlex
import shutil
import signal
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.cgroups import Cgroup
from tests.lab.host import Host, words_of
from tests.lab.images import USER
from tests.lab.network import GATEWAY, PREFIX
from tests.lab.shell import LabError, children_of, each, run, succeed, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.lab.host import Command
    from tests.lab.network import Cable, Network
    from tests.lab.shell import Running

REBOOT = 133
BOOTED = ("running", "degraded")

_NETWORK_FILE = """\
[Match]
Name=eth0

[Link]
MACAddress={hardware}

[Network]
Address={address}/{prefix}
Gateway={gateway}
DNS={gateway}
IPv6AcceptRA=no
"""


class Machine(Host):
    """A machine with systemd. Made by `Lab.machine`."""

    def __init__(
        self,
        network: Network,
        name: str,
        cable: Cable,
        image: Path,
        *,
        cores: float | None = None,
        processors: Sequence[int] = (),
        seen: Sequence[Path] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.cable = cable
        self.folder = network.folder / "hosts" / name
        self.root = self.folder / "root"
        self.home = self.root / "root"
        super().__init__(Path("/root"), processors, variables or {})
        self._network = network
        self._image = image
        self._seen = seen
        self._nspawn: Running | None = None
        self._lay_disk()
        self.cgroup = Cgroup(f"{network.namespace}-{name}")
        self.limit(cores)
        self.power_on()

    @property
    def on(self) -> bool:
        return self._nspawn is not None and self._nspawn.alive

    @property
    def leader(self) -> int:
        if not (found := self._booting):
            raise LabError(f"{self.name} is off")
        return found[0]

    @property
    def _booting(self) -> list[int]:
        """systemd's number out here, once it is there: `script` runs nspawn, nspawn runs it."""
        outer = [] if self._nspawn is None else [self._nspawn.pid]
        return [systemd for script in outer for nspawn in children_of(script) for systemd in children_of(nspawn)]

    def as_user(self, command: Command, user: str = USER) -> list[str]:
        """The words that do a command as that user, with the variables that a login would give."""
        number = self.succeed(["id", "-u", user]).strip()
        session = (f"XDG_RUNTIME_DIR=/run/user/{number}", f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{number}/bus")
        home = f"/home/{user}"
        given = (f"HOME={home}", f"USER={user}", f"LOGNAME={user}", *session)
        return ["runuser", "-u", user, "--", "env", f"--chdir={home}", *given, *words_of(command)]

    def change_address(self, new: str | None = None) -> str:
        new = new or self._network.fresh_address()
        self.cut()
        self.cable.rename(new)
        self._write_network_file()
        self.succeed("networkctl reload && networkctl reconfigure eth0")
        self.join()
        self._wait_for_address()
        return new

    def power_on(self) -> None:
        if self.on:
            return
        self._nspawn = self._go(self._boot_words(), f"nspawn of {self.name}")
        self._wait("has its cable", self._has_port)
        self.cable.plug()
        self._wait("has booted", lambda: self.state() in BOOTED)
        self._wait_for_address()

    def power_off(self) -> None:
        if not self.on:
            return
        self.cut()  # first: a computer without power says goodbye to nobody
        self._wait_for_the_end()

    def reboot(self) -> None:
        """`systemctl reboot`, and the start after it on the same disk."""
        nspawn = self._nspawn
        if nspawn is None:
            raise LabError(f"{self.name} was never started")
        self.succeed(["systemctl", "reboot", "--no-block"])
        for running in self._started:  # as the end of a session does it; else systemd waits ten seconds for them
            if running is not nspawn:
                running.kill(signal.SIGTERM)
        wait_until(lambda: not self._going_on(nspawn), f"{self.name} shuts down", 120, lambda: nspawn.text)
        if (code := nspawn.wait()) != REBOOT:
            raise LabError(f"{self.name} ended with {code} and not for a reboot\n{nspawn.text}")
        self._wait_for_the_end()
        self.power_on()

    def state(self) -> str:
        """What systemd says of itself, `running` when all is well; empty while it says nothing."""
        if not self._booting:
            return ""
        return self.run(["systemctl", "is-system-running"]).stdout.strip()

    def close(self) -> None:
        each(
            (
                self.power_off,
                self.cable.close,
                self.cgroup.remove,
                lambda: succeed("umount", str(self.root)),
                lambda: shutil.rmtree(self.folder),
            )
        )

    def _lay_disk(self) -> None:
        for name in ("logs", "disk", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        layers = f"lowerdir={self._image},upperdir={self.folder / 'disk'},workdir={self.folder / 'work'}"
        succeed("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        (self.root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/resolv.conf").write_text(f"nameserver {GATEWAY}\noptions attempts:1 timeout:1\n")
        if any(path.is_relative_to("/root") for path in self._seen):
            (self.root / "root").chmod(0o711)  # else only root could use what is seen there
        self._write_network_file()

    def _write_network_file(self) -> None:
        text = _NETWORK_FILE.format(
            hardware=self.cable.hardware_address, address=self.address, prefix=PREFIX, gateway=GATEWAY
        )
        (self.root / "etc/systemd/network/10-eth0.network").write_text(text)

    def _boot_words(self) -> list[str]:
        boot = [
            *("systemd-nspawn", "--quiet", "-D", str(self.root), "-M", self.name, "--register=no", "--keep-unit"),
            *("--private-users=no", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *("--private-network", f"--network-veth-extra={self.cable.port}:eth0"),
            f"--bind-ro={self._network.hosts_file}:/etc/hosts",
            *(f"--bind-ro={path}" for path in self._seen),
            *([f"--cpu-affinity={','.join(map(str, self._processors))}"] if self._processors else ()),
            "--boot",
        ]
        return [
            *self._enter_cgroup(),
            *("nsenter", f"--net=/run/netns/{self._network.namespace}", "--"),
            *("script", "--quiet", "--return", "--flush", "--command", f"exec {shlex.join(boot)}", "/dev/null"),
        ]

    def _wait(self, what: str, fact: Callable[[], object]) -> None:
        if self._nspawn is None:
            raise LabError(f"{self.name} was never started")
        nspawn = self._nspawn
        wait_until(lambda: fact() or not nspawn.alive, f"{self.name} {what}", 60, lambda: nspawn.text)
        if not nspawn.alive:
            raise LabError(f"{self.name} ended while it was awaited that it {what}\n{nspawn.text}")

    def _has_port(self) -> bool:
        return self.cable.port in self._network.links()

    def _let_go(self) -> bool:
        run(["ip", "-n", self._network.namespace, "link", "delete", self.cable.port])
        return not self._has_port()

    def _going_on(self, nspawn: Running) -> bool:
        """Whether it still runs. systemd stops all before it ends them: the `nsenter`s out here, too, are woken."""
        for running in self._started:
            running.kill(signal.SIGCONT)
        return nspawn.alive

    def _wait_for_address(self) -> None:
        show = ["ip", "-4", "-o", "address", "show", "dev", "eth0"]
        self._wait("has its address", lambda: f"{self.address}/" in self.run(show).stdout)

    def _wait_for_the_end(self) -> None:
        self.cgroup.renew()
        self._wait_for_all()
        # The kernel keeps the dead machine's end for as long as a connection of it waits for an answer.
        wait_until(self._let_go, f"{self.name} has let go of its cable", 30)

    def _entrance(self) -> list[str]:
        return [*self._pin(), "nsenter", "-t", str(self.leader), "--all", "--"]
