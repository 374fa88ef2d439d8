"""Bars and quotes of any exchange that ccxt knows, without a key.

What ccxt and the exchanges leave to whoever asks, and is done here: pages, which some exchanges
count from ``since``, some cut at a window after it, and some give as they please; answers that
drip, are no JSON, or never come; and one tree of errors.
"""

import asyncio
import difflib
import math
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import (
    MalformedAnswerError,
    NoDataError,
    UnknownSymbolError,
    UsageError,
    did_you_mean,
)
from cryptobt.core.time import parse_interval
from cryptobt.data.sources.exchange_errors import ImpatientSession, setback
from cryptobt.data.sources.exchange_pages import History, Row
from cryptobt.data.sources.patience import PATIENCE, Answered, Patience, Setback, once, patiently
from cryptobt.data.sources.source import Quote

_END_OF_TIME = pd.Timestamp("2200-01-01", tz="UTC").value // 1_000_000
_WEEK = pd.Timedelta(weeks=1)


class ExchangeSource:
    """Public bars of one exchange; see :class:`cryptobt.data.sources.source.BarSource`.

    Parameters
    ----------
    exchange : str
        As ccxt calls it, such as ``binance``.
    patience : Patience
        With each question; all of one answer may take three times its ``read_seconds``.
    report : callable or None
        Told after each page how many bars have come so far.
    settings : mapping or None
        Further settings of ccxt's client, such as ``{"options": {"defaultType": "swap"}}``.

    Raises
    ------
    UsageError
        If ccxt is not installed, does not know the exchange, or gets no bars from it.
    """

    def __init__(
        self,
        exchange: str,
        *,
        patience: Patience = PATIENCE,
        report: Callable[[int], None] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        known = _library()
        if exchange not in known.exchanges:
            raise UsageError(
                f"ccxt has no exchange '{exchange}'; {did_you_mean(exchange, known.exchanges)}"
            )
        self.name = f"ccxt:{exchange}"
        self._exchange = exchange
        self._patience, self._answered = patience, Answered()
        timeout = round(patience.read_seconds * 1000)
        self._settings = {"enableRateLimit": True, "timeout": timeout, **(settings or {})}
        self._report = report
        self._client = getattr(known, exchange)({
            "session": ImpatientSession(patience, self._answered),
            **self._settings,
        })  # fmt: skip
        # ccxt drops rows without a time by itself, and then nothing is left of a page of nonsense
        parse = self._client.parse_ohlcv
        self._client.parse_ohlcv = lambda row, market=None: _bar(parse(row, market))
        self.intervals = _intervals(self._client)
        if not self.intervals:
            raise UsageError(f"{self.name} gives no bars; use another exchange")

    def fetch(
        self, symbol: str, interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Fetch raw rows, the forming bar among them; see :class:`BarSource`.

        Where the exchange keeps a limited past, whatever is asked for, its oldest bar is later
        than ``since``. Of a bar that changes between two pages the later page's is taken.

        Parameters
        ----------
        symbol : str
            As ccxt writes it, such as ``BTC/USDT``, or ``BTC-USDT``.
        """
        label = self._label(interval)
        market = self._market(symbol)
        history = History(
            ask=lambda spacing, start, limit: self._page(market, spacing, start, limit),
            label=label,
            coarse=self._coarse(),
            limit=self._client.feature_value(market, "fetchOHLCV", "limit"),
            now=_milliseconds(now),
            report=self._report,
        )
        rows = history.read(None if since is None else _milliseconds(since))
        if not rows and since is None:
            raise NoDataError(f"{self.name} has no {label} bars of {market}; check the symbol")
        return _frame(rows)

    def quote(self, symbol: str, now: pd.Timestamp) -> Quote:
        """Fetch the latest price, with its time as the exchange tells it.

        Parameters
        ----------
        now : Timestamp
            Aware; stands for the time where the exchange tells none.

        Returns
        -------
        price : float
            Of the last trade, in the quote currency.
        time : Timestamp
            Aware UTC.

        Raises
        ------
        NoDataError
            If nothing has been traded.
        DataUnavailableError
            As :meth:`fetch` does.
        """
        market = self._market(symbol)

        def ask() -> Quote | None:
            return _quoted(self._client.fetch_ticker(market), now)

        quote = self._asked(ask, f"the price of {market}")
        if quote is None:
            raise NoDataError(f"{self.name} has no price of {market} now; check the symbol")
        return quote

    def live_quote(self, symbol: str, now: pd.Timestamp) -> Quote:
        """Wait for the next price that the exchange pushes, at most as long as one request may.

        It comes over a WebSocket that is closed again. Where the exchange has none, or nothing
        comes of it, the answer is that of :meth:`quote`.
        """
        market = self._market(symbol)
        if not self._pushes:
            return self.quote(symbol, now)
        try:
            # in a thread of its own, since the caller's may already run an event loop
            with ThreadPoolExecutor(1) as thread:
                ticker = thread.submit(asyncio.run, self._next_ticker(market)).result()
            pushed = _quoted(ticker, now)
        # whatever is wrong with the shorter way, the longer one remains
        except Exception:
            pushed = None
        return pushed or self.quote(symbol, now)

    @cached_property
    def _pushes(self) -> bool:
        from ccxt import pro

        return self._exchange in pro.exchanges and bool(
            getattr(pro, self._exchange)().has["watchTicker"]
        )

    async def _next_ticker(self, market: str) -> dict[str, Any]:
        from ccxt import pro

        client = getattr(pro, self._exchange)({"aiohttp_trust_env": True, **self._settings})
        client.set_markets(self._client.markets, self._client.currencies)
        try:
            return await asyncio.wait_for(client.watch_ticker(market), self._patience.read_seconds)
        finally:
            await client.close()

    def _asked(self, call: Callable[[], Any], what: str) -> Any:
        def told(error: Exception) -> Setback:
            return setback(error, self.name, what, self._answered)

        def ask(_: float) -> Any:
            self._answered.forget()
            return once(call, told)

        return patiently(ask, self._patience)

    def _page(self, market: str, label: str, start: int, limit: int | None) -> list[Row]:
        def ask() -> list[Row]:
            return [_bar(row) for row in self._client.fetch_ohlcv(market, label, start, limit)]

        return self._asked(ask, f"{market} {label}")

    def _label(self, interval: str) -> str:
        named = {parse_interval(label): label for label in self.intervals}
        label = named.get(parse_interval(interval)) if _understood(interval) else None
        if label is None:
            raise UsageError(
                f"{self.name} has no interval '{interval}'; it has {', '.join(self.intervals)}"
            )
        return label

    def _coarse(self) -> str:
        # longer ones are not what they are called: 2w is 15 days at Kraken
        weekly = [label for label in self.intervals if parse_interval(label) <= _WEEK]
        return max(weekly, key=parse_interval)

    def _market(self, symbol: str) -> str:
        markets = self._asked(self._client.load_markets, "the list of its markets")
        if not markets:
            raise MalformedAnswerError(f"{self.name} lists no markets; try again later")
        for name in (symbol, symbol.replace("-", "/", 1)):
            if name in markets:
                return name
        nearest = difflib.get_close_matches(symbol.replace("-", "/", 1), markets, n=1, cutoff=0)
        raise UnknownSymbolError(
            f"{self.name} does not know '{symbol}'; the nearest that it knows is '{nearest[0]}'"
        )


def _library() -> Any:
    try:
        import ccxt
    except ImportError as error:
        raise UsageError(
            f"exchanges need {error.name}, which is not installed: "
            "pip install 'cryptobt[exchanges]'"
        ) from error
    return ccxt


def _intervals(client: Any) -> tuple[str, ...]:
    if not client.has["fetchOHLCV"]:
        return ()
    return tuple(label for label in client.timeframes if _understood(label))


def _understood(label: str) -> bool:
    # 1M is a month at an exchange, and a minute to parse_interval
    return re.fullmatch(r"[1-9]\d*[mhdw]", label) is not None


def _bar(row: Any) -> Row:
    timed = isinstance(row, list) and len(row) >= 6 and type(row[0]) is int
    numbers = timed and all(value is None or type(value) in (int, float) for value in row[1:6])
    if not numbers or not 0 <= row[0] < _END_OF_TIME:
        raise ValueError(f"a row is no bar: {row!r:.100}")
    return row


def _quoted(ticker: dict[str, Any], now: pd.Timestamp) -> Quote | None:
    price, told = ticker.get("last"), ticker.get("timestamp")
    if price is None:
        return None
    if not 0 < price < math.inf or not 0 <= (told or 0) < _END_OF_TIME:
        raise ValueError(f"price {price!r} at {told!r} ms is no quote")
    return float(price), _instants([told])[0] if told else now.tz_convert("UTC")


def _milliseconds(instant: pd.Timestamp) -> int:
    return instant.value // 1_000_000


def _instants(milliseconds: list[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(milliseconds, unit="ms", utc=True)).as_unit("ns")


def _frame(rows: list[Row]) -> pd.DataFrame:
    numbers = np.array([row[1:6] for row in rows], dtype=float).reshape(-1, 5)
    frame = pd.DataFrame(numbers, columns=list(columns.BARS))
    return frame.assign(**{columns.TIME: _instants([row[0] for row in rows])})
