"""What we ask of a computer: how busy its owner is, its power, its memory, its addresses and who listens there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bittrader.host.clocks import Clocks


@dataclass(frozen=True)
class Readings:
    """What a computer says of itself at one moment; None is what it does not know."""

    idle_seconds: float | None = None
    """Since the owner last touched keyboard, mouse or terminal."""
    on_battery: bool | None = None
    charge: float | None = None
    """Of the battery, 0 to 1."""
    hot: bool | None = None
    """Whether the processor is at the limit its maker sets, or already slowed down for it."""
    other_load: float = 0.0
    """Cores kept busy by processes that are not ours, over the last seconds."""
    has_screen: bool | None = None
    laptop: bool | None = None


Kind = Literal["tailscale", "lan", "public", "virtual", "loopback"]


@dataclass(frozen=True)
class Address:
    """An IPv4 address of this computer, on an interface that is up."""

    ip: str
    interface: str
    kind: Kind
    """`lan` is a private network, `virtual` one that ends on this computer, such as a container bridge."""


@dataclass(frozen=True)
class Listener:
    """A process that waits for connections at a TCP port; both None where this user may not know which."""

    pid: int | None
    name: str | None


@dataclass(frozen=True)
class Memory:
    """This computer's memory, in bytes."""

    total: int
    available: int


class Host(Protocol):
    """One operating system's way to answer. Every implementation can be imported, and its parsing tested, on all."""

    @property
    def name(self) -> str:
        """The system, as people write it: Linux, macOS, Windows."""

    def readings(self, ours: Iterable[int] = ()) -> Readings:
        """What the computer says now, cheap enough for twice a second.

        `ours` are process ids; they, this process, and all that descend from them do not count as other load. The first
        call asks every source and may take seconds; later ones take what a thread of this object's last heard.
        """

    def wait_for_news(self, seconds: float) -> None:
        """Returns after so long, or at once when the owner is back or the power has changed since the last wait."""

    def clocks(self) -> Clocks:
        """The three clocks, read together; see `bittrader.host.clocks`."""

    def addresses(self) -> tuple[Address, ...]:
        """The IPv4 addresses that are up, the best to be found at first."""

    def ranges(self) -> Mapping[str, str]:
        """The network that each IPv4 address of this computer is in, as in 192.168.1.0/24."""

    def listeners(self) -> Mapping[int, Listener]:
        """Who listens at which TCP port, as far as this user may know."""

    def drives(self) -> Iterable[Path]:
        """Folders that Google Drive keeps on this computer, the likeliest first; one that hangs may hold this up."""

    def flags(self) -> Mapping[str, str]:
        """The environment variables that Ray needs on this system to be a cluster of several machines."""

    def total_cores(self) -> int:
        """How many cores this process may use at most."""

    def memory(self) -> Memory:
        """The memory there is, and how much of it is to be had."""

    def close(self) -> None:
        """Ends the thread that asks the slow sources."""
