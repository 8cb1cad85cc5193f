"""What systemd wants to hear of a service: that it is ready, that it still lives, and how it is."""

from __future__ import annotations

import os
import socket


def notify(*facts: str) -> None:
    """Tells systemd facts such as `READY=1` and `WATCHDOG=1`; where there is none to tell, nothing.

    It is one datagram to the socket that the environment names, and nobody waits for an answer.
    """
    place = os.environ.get("NOTIFY_SOCKET")
    if not place or not hasattr(socket, "AF_UNIX"):
        return
    address = f"\0{place[1:]}" if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        try:
            sender.sendto("\n".join(facts).encode(), address)
        except OSError:
            return  # a systemd that restarts itself is away for a moment, and hears the next one
