"""Yahoo Finance, through its own client yfinance, whose silences are turned into errors.

What the client does by itself and is guarded here: it returns an empty frame instead of an error,
adjusts prices, writes its cache into the home folder, keeps refusals in memory as if they were
answers, waits half a minute for a cookie, and logs to the terminal.
"""

import logging
import math
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import (
    DataUnavailableError,
    MalformedAnswerError,
    NoDataError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnreachableError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.settings import home
from cryptobt.data.sources.patience import Answered, Patience, Setback, once, patiently
from cryptobt.data.sources.source import Quote

PATIENCE = Patience(read_seconds=10.0, attempts=2)
"""Less than others are given: without a network a run falls back on the simulated market.

The read timeout is for one whole answer; a try asks for a cookie, a crumb and the bars.
"""

_INTERVALS = {
    "1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1h", "60m": "1h", "1d": "1d",
    "1w": "1wk",
}  # fmt: skip
# How far back Yahoo keeps intraday bars: what is asked for more is refused.
_DAYS_KEPT = {"1m": 7, "5m": 59, "15m": 59, "30m": 59, "1h": 729}
_UNREACHABLE = frozenset((
    "ConnectionError", "DNSError", "ProxyError", "SSLError", "CertificateVerifyError", "Timeout",
    "ConnectTimeout", "ReadTimeout", "InterfaceError", "IncompleteRead", "ChunkedEncodingError",
))  # fmt: skip
_ELSE = "try again later, or use --csv FILE or --source sample"


class _SaidError(Exception):
    """Yahoo's own words in an answer with HTTP status 200."""


class YahooSource:
    """All that Yahoo has of a symbol (such as BTC-USD), unadjusted; intraday for 7 to 729 days."""

    name = "yahoo"
    intervals = tuple(_INTERVALS)

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self._patience = patience

    def fetch(
        self, symbol: str, interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Fetch raw rows, today's live bar among them; see :class:`BarSource`."""
        if interval not in _INTERVALS:
            raise UsageError(f"Yahoo has no interval '{interval}'; it has {', '.join(_INTERVALS)}")
        span = _span(interval, since, now)
        chart = self._chart(symbol, _INTERVALS[interval], span)
        if chart.bars.empty and since is None:
            raise NoDataError(_no_bars(symbol))
        return _raw(chart.bars)

    def quote(self, symbol: str, now: pd.Timestamp) -> Quote:  # noqa: ARG002
        """Fetch the price of the last trade, with its time.

        Raises
        ------
        NoDataError
            If Yahoo tells none.
        DataUnavailableError
            As :meth:`fetch` does.
        """
        chart = self._chart(symbol, "1d", {"period": "1d"})
        price, at = chart.price, chart.traded_at
        if not isinstance(price, (int, float)) or not 0 < price < math.inf or at is None:
            raise NoDataError(f"Yahoo tells no price of {symbol} now; {_ELSE}")
        return float(price), pd.Timestamp(at).tz_convert("UTC").as_unit("ns")

    def _chart(self, symbol: str, interval: str, span: dict[str, Any]) -> "_Chart":
        return patiently(lambda _: self._asked(symbol, interval, span), self._patience)

    def _asked(self, symbol: str, interval: str, span: dict[str, Any]) -> "_Chart | Setback":
        answered = Answered()
        timeout = self._patience.read_seconds

        def told(error: Exception) -> Setback:
            ours = explained(symbol, error, answered)
            passing = isinstance(ours, SourceUnreachableError | RateLimitedError)
            return Setback(ours, passing or answered.status >= 500, answered.retry_after)

        return once(lambda: _history(symbol, interval, span, timeout, answered), told)


class _Chart(NamedTuple):
    """An answer of Yahoo's: bars, and the price and time of the last trade where it tells them."""

    bars: pd.DataFrame
    price: Any
    traded_at: pd.Timestamp | None


def _span(interval: str, since: pd.Timestamp | None, now: pd.Timestamp) -> dict[str, Any]:
    kept = _DAYS_KEPT.get(interval)
    if since is None or (kept is not None and now - since > pd.Timedelta(days=kept)):
        return {"period": "max"}
    return {"start": since.tz_convert("UTC").to_pydatetime()}


def _history(
    symbol: str, interval: str, span: dict[str, Any], timeout: float, answered: Answered
) -> _Chart:
    with warnings.catch_warnings():
        # yfinance has pandas' deprecations printed, which are not the user's
        warnings.simplefilter("ignore")
        yfinance = _client()
        # else an answer with an error would be given again to the next try
        yfinance.data.YfData.cache_get.cache_clear()
        with _impatient_session(timeout, answered) as session:
            ticker = yfinance.Ticker(symbol, session=session)
            bars: pd.DataFrame = ticker.history(
                **span,
                interval=interval,
                auto_adjust=False,
                actions=False,
                prepost=True,
                keepna=True,
                timeout=timeout,
            )
            told = ticker.get_history_metadata()
    return _Chart(bars, told.get("regularMarketPrice"), told.get("regularMarketTime"))


@cache
def _client() -> Any:
    """Import yfinance, make it raise, keep it quiet, and give it a folder it may write to."""
    import yfinance

    logger = logging.getLogger("yfinance")
    logger.propagate = False
    # without any handler Python would print warnings to the terminal by itself
    logger.addHandler(logging.NullHandler())
    yfinance.config.debug.hide_exceptions = False
    # patience is ours
    yfinance.config.network.retries = 0
    yfinance.set_tz_cache_location(str(_cache_folder()))
    return yfinance


def _cache_folder() -> Path:
    folder = home("cache") / "yfinance"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="cryptobt-yfinance-"))


def _impatient_session(timeout: float, answered: Answered) -> Any:
    """Make a session like yfinance's own that never waits beyond the timeout.

    It notes what comes of each question for a chart, since yfinance goes on after a refusal and
    ends in an error about something else.
    """
    from curl_cffi import requests

    class ImpatientSession(requests.Session):  # type: ignore[type-arg]
        def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
            options["timeout"] = min(options.get("timeout") or timeout, timeout)
            answer = super().request(method, url, *args, **options)
            if "/chart/" in url:
                answered.note(answer)
                _check_said(answer)
            return answer

    return ImpatientSession(impersonate="chrome")


def _check_said(answer: Any) -> None:
    """Raise what is said in place of bars: yfinance would go on to ask for a time zone."""
    try:
        error = answer.json()["chart"]["error"] if answer.ok else None
        said = error["description"] if error else None
    except (ValueError, LookupError, TypeError):
        return  # malformed, as yfinance will find
    if said:
        raise _SaidError(said)


def _raw(answer: pd.DataFrame) -> pd.DataFrame:
    index = pd.DatetimeIndex(answer.index)
    times = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    named = answer.rename(columns=str.lower)[list(columns.BARS)].reset_index(drop=True)
    return named.assign(**{columns.TIME: times})


def explained(symbol: str, error: Exception, answered: Answered) -> DataUnavailableError:
    """Say what a failure of the client means, by its kind and the status of the last chart."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = answered.status
    if "YFRateLimitError" in kinds or status == 429:
        return RateLimitedError(f"Yahoo: too many requests for now{answered.wish}; {_ELSE}")
    if isinstance(error, _SaidError):
        return SourceRefusedError(f"Yahoo refuses {symbol} with '{_line(error)}'; {_ELSE}")
    if kinds & _UNREACHABLE:
        return SourceUnreachableError(f"Yahoo cannot be reached ({_line(error)}); {_ELSE}")
    if status >= 400 and status != 404:
        return SourceRefusedError(f"Yahoo refuses {symbol} with HTTP status {status}; {_ELSE}")
    if status == 404 or "YFTickerMissingError" in kinds:
        return UnknownSymbolError(_no_bars(symbol))
    return MalformedAnswerError(
        f"Yahoo's answer for {symbol} is not understood "
        f"({type(error).__name__}: {_line(error)}); {_ELSE}"
    )


def _no_bars(symbol: str) -> str:
    return (
        f"Yahoo has no bars of '{symbol}'; check the symbol (such as BTC-USD), "
        "or use --csv FILE or --source sample"
    )


def _line(error: object) -> str:
    # curl ends with the address of its own manual
    return " ".join(str(error).split()).partition(". See http")[0][:200]
