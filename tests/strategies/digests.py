"""Prints a digest of every indicator's values: a program that a test runs compiled and interpreted."""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.strategies.made import walk

from bittrader.strategies.chart import Chart
from bittrader.strategies.drawing import Drawing
from bittrader.strategies.indicators import crossed_above, falling, rising


def digest(result: object) -> str:
    columns = result if isinstance(result, tuple) else (result,)
    return hashlib.blake2b(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()[:16]


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")


charts = [Chart(walk(160, places=places, flat=0.3, gaps=0.1)) for places in (2, None)]
for name, method in vars(Drawing).items():
    if inspect.isfunction(method) and not name.startswith("_") and name != "sma_crosses":
        say(name, *[digest(getattr(chart, name)()) for chart in charts])
for chart in charts:
    say(digest(chart.sma_crosses(3, 7)), digest(chart.higher("4h").sma(3)), digest(crossed_above(chart.close, 100.0)))
    say(digest(rising(chart.close, 2)), digest(falling(chart.close, 2)))
