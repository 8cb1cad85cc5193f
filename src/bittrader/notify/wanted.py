"""What an owner wants to be told, and by which ways."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """As the settings of a node say it."""

    on: bool
    desktop: bool
    urls: tuple[str, ...] = field(repr=False)
    """Each holds a token."""
    events: frozenset[str]
    most_an_hour: int

    @property
    def has_a_way(self) -> bool:
        """Whether there is any way to tell it."""
        return self.desktop or bool(self.urls)
