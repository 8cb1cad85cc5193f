"""A result as one HTML file."""

from bittrader.report.page import write_report

__all__ = ["write_report"]
