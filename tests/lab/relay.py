"""Carries Ethernet frames between two TAP devices, each a while later: `relay.py NEAR FAR MILLISECONDS LOSS`.

A program of its own, started where the lab's bridge is. It makes both devices, says `relaying`, and goes on until
SIGTERM; the devices go with it. The milliseconds are for one way. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
LONGEST_FRAME = 65_536

# So many frames are read before the clock is looked at and what is due is sent.
AT_ONCE = 64


def tap(name: str) -> int:
    """A new TAP device's file."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


@dataclass
class Way:
    """One direction: what was read from one device and is due at the other. All wait equally long."""

    source: int
    sink: int
    seconds: float
    loss: float
    chance: random.Random
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self) -> None:
        """Reads what is there."""
        due = time.monotonic() + self.seconds
        with suppress(BlockingIOError):
            for _ in range(AT_ONCE):
                frame = os.read(self.source, LONGEST_FRAME)
                if not self.loss or self.chance.random() >= self.loss:
                    self.waiting.append((due, frame))

    def give(self, now: float) -> None:
        """Sends what is due. A device that is down, or full, loses the frame, as a wire would."""
        while self.waiting and self.waiting[0][0] <= now:
            with suppress(OSError):
                os.write(self.sink, self.waiting[0][1])
            self.waiting.popleft()


def carry(ways: tuple[Way, Way]) -> NoReturn:
    """Goes on for ever."""
    poll = select.poll()
    for way in ways:
        poll.register(way.source, select.POLLIN)
    while True:
        due = [way.waiting[0][0] for way in ways if way.waiting]
        wait = max(0.0, min(due) - time.monotonic()) * 1000 if due else None
        ready = {number for number, _ in poll.poll(wait)}
        for way in ways:
            if way.source in ready:
                way.take()
            way.give(time.monotonic())


def main(near: str, far: str, milliseconds: str, loss: str) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    one, two = tap(near), tap(far)
    seconds, share, chance = float(milliseconds) / 1000, float(loss), random.Random(0)
    print("relaying", flush=True)
    carry((Way(one, two, seconds, share, chance), Way(two, one, seconds, share, chance)))


if __name__ == "__main__":
    main(*sys.argv[1:])
