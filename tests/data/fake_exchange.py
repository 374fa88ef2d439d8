"""Exchanges of our own on the loopback interface, which speak as Binance and as Kraken do."""

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from ..loopback import Asked, Loopback, Reply

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
STEPS = {"1m": MINUTE, "1h": HOUR, "1d": DAY, "1w": WEEK}

Bar = tuple[int, list[float | None]]
"""Open in ms since 1970 UTC, and open, high, low, close, volume."""

Manner = Callable[[list[Bar], int, int, int], list[Bar]]
"""How bars, start, limit and step (ms) make a page."""


def bars(first: str, count: int, step: int = DAY) -> list[Bar]:
    """Make bars whose close tells their place."""
    start = pd.Timestamp(first, tz="UTC").value // 1_000_000
    return [
        (start + step * i, [100.0 + i, 110.0 + i, 90.0 + i, 105.0 + i, 5.0]) for i in range(count)
    ]


def grouped(rows: list[Bar], step: int) -> list[Bar]:
    """Draw bars together to coarser ones; only their opens are right."""
    return [(at, rows[0][1]) for at in sorted({at - at % step for at, _ in rows})]


def from_start(rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
    """Give the first bars at ``start`` or later, as Binance does."""
    return [row for row in rows if row[0] >= start][:limit]


def in_window(rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
    """Give what lies within a page's length after ``start``, as Coinbase does."""
    return [row for row in rows if start <= row[0] < start + limit * step]


def newest(rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
    """Give the newest bars whatever was asked, as Kraken does."""
    return rows[-limit:]


def oldest(rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
    """Give one page for ever, whatever was asked."""
    return rows[:limit]


def overlapping(rows: list[Bar], start: int, limit: int, step: int) -> list[Bar]:
    """Begin three bars too early."""
    return from_start(rows, start - 3 * step, limit, step)


class Said(Exception):  # noqa: N818
    """What a manner of pages says instead of a page."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class FakeExchange(Loopback):
    """Serves ``rows`` by interval label in pages, ``most`` rows each, in the ``manner`` of one."""

    lists: frozenset[str]
    """Paths of what a client asks for first: markets and currencies."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[Bar]] = {}
        self.manner: Manner = from_start
        self.manners: dict[str, Manner] = {}
        self.most = 1000
        self.markets: Reply | None = None

    def settings(self) -> dict[str, Any]:
        """Point ccxt's client of the exchange here, in haste."""
        raise NotImplementedError

    def is_data(self, asked: Asked) -> bool:
        return asked.path not in self.lists

    def answer(self, asked: Asked) -> Reply:
        try:
            return self.told(asked.path, asked.query)
        except Said as said:
            return said.reply

    def told(self, path: str, query: dict[str, str]) -> Reply:
        raise NotImplementedError

    def pages(self, label: str) -> list[dict[str, str]]:
        """Tell what was asked for bars of one interval."""
        queries = [asked.query for asked in self.asked]
        return [query for query in queries if query.get("interval") == label]

    def page(self, label: str, start: int, limit: int) -> list[Bar]:
        manner = self.manners.get(label, self.manner)
        return manner(self.rows.get(label, []), start, limit, STEPS[label])


class FakeBinance(FakeExchange):
    """Binance's spot market of BTCUSDT, ETHUSDT and SOLUSDC."""

    lists = frozenset(f"/{api}/exchangeInfo" for api in ("api/v3", "fapi/v1", "dapi/v1"))

    def settings(self) -> dict[str, Any]:
        api = {
            "public": f"{self.address}/api/v3",
            "fapiPublic": f"{self.address}/fapi/v1",
            "dapiPublic": f"{self.address}/dapi/v1",
        }
        return {"urls": {"api": api}, "rateLimit": 1}

    def told(self, path: str, query: dict[str, str]) -> Reply:
        if path == "/api/v3/exchangeInfo":
            return self.markets or Reply({"symbols": _BINANCE_SYMBOLS})
        if path.endswith("/exchangeInfo"):
            return Reply({"symbols": []})
        if path == "/api/v3/ticker/24hr":
            return Reply(_BINANCE_TICKER)
        if path == "/api/v3/klines":
            limit = min(int(query["limit"]), self.most)
            page = self.page(query["interval"], int(query["startTime"]), limit)
            return Reply([_kline(row, STEPS[query["interval"]]) for row in page])
        return Reply(status=404)


class FakeKraken(FakeExchange):
    """Kraken's spot market of XBT/USD; its errors come with HTTP status 200."""

    lists = frozenset(("/0/public/AssetPairs", "/0/public/Assets"))
    minutes = {"1": "1m", "60": "1h", "1440": "1d", "10080": "1w"}  # noqa: RUF012

    def settings(self) -> dict[str, Any]:
        return {"urls": {"api": {"public": self.address}}, "rateLimit": 1}

    def told(self, path: str, query: dict[str, str]) -> Reply:
        if path == "/0/public/AssetPairs":
            return Reply(_kraken({"XXBTZUSD": _KRAKEN_PAIR}))
        if path == "/0/public/Assets":
            return Reply(_kraken(_KRAKEN_ASSETS))
        if path == "/0/public/Ticker":
            return Reply(_kraken({"XXBTZUSD": _KRAKEN_TICKER}))
        if path == "/0/public/OHLC":
            page = self.page(self.minutes[query["interval"]], 0, 720)
            later = [_ohlc(row) for row in page if row[0] // 1000 > int(query.get("since", 0))]
            return Reply(_kraken({"XXBTZUSD": later, "last": page[-1][0] // 1000}))
        return Reply(status=404)


class TickerStream:
    """Pushes a price of BTCUSDT over a WebSocket as Binance does, once it is asked; or ``says``."""

    def __init__(self, says: str | None = None) -> None:
        self.says = says
        self.asked: list[Any] = []
        self.closed = threading.Event()
        self._server = serve(self._talk, "127.0.0.1", 0)
        self.address = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/ws"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "TickerStream":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _talk(self, connection: ServerConnection) -> None:
        question = json.loads(connection.recv())
        self.asked.append(question)
        connection.send(json.dumps({"result": None, "id": question["id"]}))
        connection.send(json.dumps(_PUSHED) if self.says is None else self.says)
        with contextlib.suppress(ConnectionClosed):
            connection.recv()
        self.closed.set()


def _text(number: float | None) -> str | None:
    return None if number is None else f"{number:.8f}"


def _kline(row: Bar, step: int) -> list[Any]:
    at, (open_, high, low, close, volume) = row
    prices = [_text(value) for value in (open_, high, low, close, volume)]
    return [at, *prices, at + step - 1, "500.0", 9, "2.0", "250.0", "0"]


def _ohlc(row: Bar) -> list[Any]:
    at, (open_, high, low, close, volume) = row
    return [at // 1000, *map(_text, (open_, high, low, close, close, volume)), 9]


def _kraken(result: Any) -> dict[str, Any]:
    return {"error": [], "result": result}


def _binance_symbol(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
        "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"], "icebergAllowed": True, "ocoAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00",
             "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0",
             "stepSize": "0.00001"},
        ],
    }  # fmt: skip


_BINANCE_SYMBOLS = [
    _binance_symbol(*pair) for pair in (("BTC", "USDT"), ("ETH", "USDT"), ("SOL", "USDC"))
]
_BINANCE_TICKER = {
    "symbol": "BTCUSDT", "priceChange": "-94.99", "priceChangePercent": "-0.2",
    "weightedAvgPrice": "68000.0", "prevClosePrice": "68100.0", "lastPrice": "68250.50",
    "lastQty": "0.5", "bidPrice": "68250.0", "bidQty": "1.0", "askPrice": "68251.0",
    "askQty": "1.0", "openPrice": "68345.49", "highPrice": "69000.0", "lowPrice": "67000.0",
    "volume": "8913.3", "quoteVolume": "600000000.0", "openTime": 1709976600000,
    "closeTime": 1710063000000, "firstId": 1, "lastId": 9, "count": 9,
}  # fmt: skip
_PUSHED = {
    "e": "24hrTicker", "E": 1710063000123, "s": "BTCUSDT", "p": "-94.9", "P": "-0.2",
    "w": "68000.0", "x": "68100.0", "c": "68260.5", "Q": "0.5", "b": "68260.0", "B": "1.0",
    "a": "68261.0", "A": "1.0", "o": "68345.4", "h": "69000.0", "l": "67000.0", "v": "8913.3",
    "q": "600000000.0", "O": 1709976600000, "C": 1710063000100, "F": 1, "L": 9, "n": 9,
}  # fmt: skip
_KRAKEN_PAIR = {
    "altname": "XBTUSD", "wsname": "XBT/USD", "aclass_base": "currency", "base": "XXBT",
    "aclass_quote": "currency", "quote": "ZUSD", "lot": "unit", "cost_decimals": 5,
    "pair_decimals": 1, "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [],
    "leverage_sell": [], "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]],
    "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40, "ordermin": "0.0001",
    "costmin": "0.5", "tick_size": "0.1", "status": "online",
}  # fmt: skip
_KRAKEN_ASSETS = {
    "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5,
             "status": "enabled"},
    "ZUSD": {"aclass": "currency", "altname": "USD", "decimals": 4, "display_decimals": 2,
             "status": "enabled"},
}  # fmt: skip
_KRAKEN_TICKER = {
    "a": ["68251.0", "1", "1.0"], "b": ["68250.0", "1", "1.0"], "c": ["68250.5", "0.1"],
    "v": ["1.0", "2.0"], "p": ["68000.0", "68000.0"], "t": [1, 2], "l": ["67000.0", "67000.0"],
    "h": ["69000.0", "69000.0"], "o": "68345.4",
}  # fmt: skip
