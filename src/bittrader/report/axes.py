"""How a metric is written along an axis and beside a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bittrader.report import words
from bittrader.report.plot import plain

if TYPE_CHECKING:
    Json = dict[str, Any]


def objective_axis(metric: str) -> Json:
    """An axis with the metric's name."""
    return {"title": {"text": plain(words.label(metric))}, "tickformat": tick(metric)}


def tick(metric: str) -> str:
    """The format of the metric's numbers along an axis."""
    return ",.1~%" if is_percent(metric) else ",.3~r"


def hover(metric: str, axis: str) -> str:
    """The metric's name and its value on that axis, as hovering shows it."""
    return f"{plain(words.label(metric))} %{{{axis}:{',.2%' if is_percent(metric) else ',.3f'}}}"


def is_percent(metric: str) -> bool:
    """Whether the metric is written in percent."""
    return metric in words.WORDS and words.WORDS[metric].kind == "percent"
