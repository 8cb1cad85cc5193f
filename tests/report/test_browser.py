"""The report in a real browser: drawn, quiet, and alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.belief.beliefs import known
from tests.report import samples
from tests.report.validations import holdout, validation

from bittrader.backtest.result import Exit, OpenPosition
from bittrader.belief.figures import Belief, Verdict
from bittrader.market.table import utc
from bittrader.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.backtest.result import Result

BROWSER = os.environ.get("BITTRADER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here: set BITTRADER_CHROMIUM to one")

# The browser's own services are switched off, and no name resolves: a test reaches no network.
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--virtual-time-budget=30000",
    "--window-size=1200,2000",
)


def opened(page: Path) -> tuple[str, str, str]:
    """The page's document after its scripts ran, the console's lines, and the addresses that the page asked for."""
    log = page.parent / "net.json"
    command = [BROWSER, *QUIET, f"--user-data-dir={page.parent / 'profile'}", f"--log-net-log={log}", "--dump-dom"]
    done = subprocess.run(
        [*command, page.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
        check=True,
        env={**os.environ, "TZ": "Asia/Tokyo"},
    )
    console = "\n".join(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    events = log.read_text(encoding="utf-8", errors="replace").splitlines()
    # A page's request names its initiator; what the browser asks for itself has no origin.
    from_pages = [line for line in events if '"initiator":' in line and '"initiator":"not an origin"' not in line]
    asked = "\n".join(url for line in from_pages for url in re.findall(r'"url":"((?:https?|wss?)://[^"]*)"', line))
    return done.stdout, console, asked


def rich_result() -> Result:
    candles = samples.walk(30_000, timeframe="15m")
    position = OpenPosition(29_900, 1, float(candles.open[29_900]), 0.01)
    return samples.result(candles, samples.some_trades(candles, 400), position=position, strategy="<script>boo()")


def lost_result() -> Result:
    candles = samples.walk(200)
    trades = replace(samples.some_trades(candles, 1), exit=np.array([Exit.LIQUIDATION]))
    return samples.result(candles, trades, equity=np.where(np.arange(200) < trades.exit_bar[0], 1.0, 0.0))


HELD = holdout(samples.walk(900), 2)
CASES = {
    "a result and its study": (rich_result, lambda: samples.study(choices={"side": ("long", "<b>both</b>")}), 10),
    "everything lost in one trade": (lost_result, lambda: None, 5),
    "a result and its verdict": (
        samples.result,
        lambda: samples.study(belief=Belief(Verdict("luck", 0.3, ("It is luck.",)), known())),
        13,
    ),
    "three objectives, conditions and series": (
        lambda: [samples.result(samples.walk(700, symbol=name, seed=len(name))) for name in ("BTC", "LITE", "<b>")],
        lambda: samples.choosing(objectives=("sharpe", "max_drawdown", "win_rate"), where=("exposure >= 0.5",)),
        15,
    ),
    "a function of the user's own": (tuple, samples.own_function, 5),
    "a validation of many paths, and a holdout": (
        lambda: samples.result(samples.walk(900)),
        lambda: replace(samples.study(), validation=validation(samples.walk(900), "cpcv"), holdout=HELD),
        14,
    ),
    "one bar": (lambda: samples.result(samples.walk(1), samples.no_trades(), params={}), lambda: None, 2),
    "no trades, and failures alone": (
        lambda: samples.result(trades=samples.no_trades()),
        lambda: samples.study(0, failures={"ValueError": 3}),
        2,
    ),
    "eight parameters": (
        samples.result,
        lambda: samples.study(3000, parameters={f"p{n}": (0, 99) for n in range(8)}, direction="minimize"),
        15,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_plot_is_drawn_without_a_word_from_the_console_or_to_the_network(case: str, tmp_path: Path) -> None:
    result, study, plots = CASES[case]
    document, console, asked = opened(write_report(tmp_path / "report.html", result(), study()))
    assert console == ""
    assert asked == ""
    assert 'data-ready="yes"' in document
    assert len(re.findall(r'<div class="plot [^>]*data-plot=', document)) == plots
    drawn = re.findall(r'class="plot [a-z]+[^"]*\bdrawn\b[^"]*"', document)
    assert len(drawn) == plots
    # Every plot has a plotting area, and something in it: points, bars, lines, candles or an image.
    assert document.count('class="main-svg"') >= plots
    assert len(re.findall(r'<g class="(?:trace|ohlc|cartesianlayer)', document)) >= plots


def test_a_request_or_a_complaint_would_have_been_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<img src='http://example.invalid/x.png'><script>console.warn('look')</script>")
    _, console, asked = opened(page)
    assert "look" in console
    assert "http://example.invalid/x.png" in asked


def test_the_table_of_trades_is_filled_with_times_in_utc_wherever_the_reader_is(tmp_path: Path) -> None:
    result = samples.result()
    document, _, _ = opened(write_report(tmp_path / "report.html", result))
    table = document[document.index('id="trade-list"') :]
    assert table[: table.index("</table>")].count("<tr") == 26
    assert "1 to 25 of 60" in document
    assert f">{utc(result.candles.time[result.trades.entry_bar[0]])}</td>" in table
