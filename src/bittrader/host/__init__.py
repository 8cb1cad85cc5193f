"""This computer, whichever system it runs."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from bittrader.errors import BittraderError

if TYPE_CHECKING:
    from bittrader.host.base import Host

_SYSTEMS = {"linux": "Linux", "darwin": "MacOS", "win32": "Windows"}
_MODULES = {"linux": "linux", "darwin": "macos", "win32": "windows"}


@cache
def current() -> Host:
    """The computer we run on."""
    if sys.platform not in _SYSTEMS:
        raise BittraderError(f"a cluster runs on Linux, macOS and Windows, not on {sys.platform}.")
    module = import_module(f"bittrader.host.{_MODULES[sys.platform]}")
    return cast("Host", getattr(module, _SYSTEMS[sys.platform])())
