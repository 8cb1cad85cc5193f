"""How many files and connections a program may have open."""

from __future__ import annotations

from contextlib import suppress

WANTED = 65536
"""A head's Ray has some ten connections for each node, and keeps those of nodes that vanished."""
_MACOS_MOST = 10240


def raise_limit() -> None:
    """Lets this process, and all that it starts, have as many open as it may: terminals begin with 256 or 1,024."""
    with suppress(ImportError):  # on Windows, where there is no such limit
        import resource  # noqa: PLC0415 - not on every system

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for most in (WANTED, _MACOS_MOST):  # macOS says that there is no limit, and refuses what is above its own
            wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
            if soft == resource.RLIM_INFINITY or soft >= wanted:
                return
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return
