"""What systemd wants to hear of a service: that it is ready, that it still lives, and how it is."""

from __future__ import annotations

import os
import socket

_VARIABLE = "NOTIFY_SOCKET"


class Heartbeat:
    """The way to systemd; where there is none, nobody is told. What we start is not to speak to it in our name."""

    def __init__(self) -> None:
        """Takes the way out of this process's environment."""
        place = os.environ.pop(_VARIABLE, "") if hasattr(socket, "AF_UNIX") else ""
        self._address = f"\0{place[1:]}" if place.startswith("@") else place

    @property
    def is_heard(self) -> bool:
        """Whether systemd runs this, whose journal then takes what it writes."""
        return bool(self._address)

    def notify(self, *facts: str) -> None:
        """Tells systemd facts such as `READY=1` and `WATCHDOG=1`: one datagram, and nobody waits for an answer."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            try:
                sender.sendto("\n".join(facts).encode(), self._address)
            except OSError:
                return  # a systemd that restarts itself is away for a moment, and hears the next one
