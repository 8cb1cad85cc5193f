"""Digests of code: what makes yesterday's numbers and today's comparable."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import bittrader

if TYPE_CHECKING:
    from bittrader.strategies.base import Strategy

# What turns candles and parameters into metrics.
_ENGINE = ("backtest/**/*.py", "strategies/**/*.py", "jit.py")


def strategy_digest(strategy: type[Strategy]) -> str:
    """Digest of the file a strategy is defined in; of the class alone when that is a program or a notebook."""
    try:
        file = inspect.getsourcefile(strategy)
        if file is not None and strategy.__module__ != "__main__" and Path(file).exists():
            return _digest(Path(file).read_bytes())
        return _digest(inspect.getsource(strategy).encode())
    except (OSError, TypeError):  # typed into an interpreter: its compiled form is all there is
        return _digest(strategy.signals.__code__.co_code + repr(strategy.signals.__code__.co_consts).encode())


@cache
def engine_digest() -> str:
    """Digest of our own code that evaluates strategies."""
    root = Path(bittrader.__file__).parent
    files = [file for pattern in _ENGINE for file in root.glob(pattern)]
    return _digest(b"\0".join(part for file in sorted(files) for part in (file.name.encode(), file.read_bytes())))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content.replace(b"\r\n", b"\n"), digest_size=16).hexdigest()
