"""A result as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bittrader.report.page import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> object:
    """Imports the page's maker when it is first asked for: a table in a terminal needs only its words."""
    if name != "write_report":
        raise AttributeError(f"module 'bittrader.report' has no attribute {name!r}")
    from bittrader.report.page import write_report  # noqa: PLC0415 - see above

    globals()[name] = write_report
    return write_report
