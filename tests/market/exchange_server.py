"""A loopback HTTP server that answers as Bitstamp's public API does, and as badly as it is told to."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKET = {
    "name": "BTC/USD",
    "market_symbol": "btcusd",
    "base_currency": "BTC",
    "base_decimals": 8,
    "counter_currency": "USD",
    "counter_decimals": 2,
    "minimum_order_value": "10",
    "trading": "Enabled",
    "instant_and_market_orders": "Enabled",
    "description": "Bitcoin / U.S. dollar",
    "market_type": "SPOT",
}
HOUR = 3600


@dataclass
class Fake:
    """What the exchange has (start of each hour in seconds), and how it behaves."""

    hours: list[int]
    page: int = 10
    """The most bars that it gives at once, whatever it is asked for."""
    overlap: int = 0
    """How many bars before the first asked one each page begins with."""
    failures: list[int] = field(default_factory=list)
    """HTTP codes for the next requests of candles, before it answers well again."""
    asked: list[int] = field(default_factory=list)
    """The start, in seconds, of each request of candles."""

    def candles(self, start: int, limit: int) -> list[dict[str, str]]:
        """A page."""
        wanted = [hour for hour in self.hours if hour >= start - self.overlap * HOUR][: min(limit, self.page)]
        return [bar(hour) for hour in wanted if hour < start + limit * HOUR]


def bar(hour: int) -> dict[str, str]:
    """A bar whose values tell its hour."""
    price = 100 + hour // HOUR % 50
    values = {"open": price, "high": price + 2, "low": price - 1.5, "close": price + 0.25, "volume": hour // HOUR % 7}
    return {"timestamp": str(hour), **{name: str(value) for name, value in values.items()}}


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """The address at which the fake exchange answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlparse(self.path)
            if "ohlc" not in url.path:
                self.answer(200, [MARKET])
                return
            query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
            fake.asked.append(query["start"])
            if fake.failures:
                self.answer(fake.failures.pop(0), {"reason": "busy"})
            else:
                self.answer(200, {"data": {"pair": "BTC/USD", "ohlc": fake.candles(query["start"], query["limit"])}})

        def answer(self, code: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
