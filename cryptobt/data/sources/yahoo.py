"""Yahoo Finance, through its own client yfinance, whose silences are turned into errors.

What the client does by itself and is guarded here: it returns an empty frame instead of an error,
adjusts prices, writes its cache into the home folder, waits half a minute for a cookie, and logs
to the terminal.
"""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

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

TIMEOUT_SECONDS = 10.0
"""Longest wait for one answer; a request for a cookie, a crumb and the bars are three."""

RETRIES = 1
"""Further tries after a fault of the network."""

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


class YahooSource:
    """All that Yahoo has of a symbol (such as BTC-USD), unadjusted; intraday for 7 to 729 days."""

    name = "yahoo"
    intervals = tuple(_INTERVALS)

    def fetch(
        self, symbol: str, interval: str, since: pd.Timestamp | None, now: pd.Timestamp
    ) -> pd.DataFrame:
        """Fetch raw rows, today's live bar among them; see :class:`BarSource`."""
        if interval not in _INTERVALS:
            raise UsageError(f"Yahoo has no interval '{interval}'; it has {', '.join(_INTERVALS)}")
        statuses: list[int] = []
        try:
            answer = _history(symbol, _INTERVALS[interval], _span(interval, since, now), statuses)
        # yfinance passes on whatever its parser and transport raise
        except Exception as error:
            raise explained(symbol, error, statuses) from error
        if answer.empty and since is None:
            raise NoDataError(_no_bars(symbol))
        return _raw(answer)


def _span(interval: str, since: pd.Timestamp | None, now: pd.Timestamp) -> dict[str, Any]:
    kept = _DAYS_KEPT.get(interval)
    if since is None or (kept is not None and now - since > pd.Timedelta(days=kept)):
        return {"period": "max"}
    return {"start": since.tz_convert("UTC").to_pydatetime()}


def _history(symbol: str, interval: str, span: dict[str, Any], statuses: list[int]) -> pd.DataFrame:
    with warnings.catch_warnings():
        # yfinance has pandas' deprecations printed, which are not the user's
        warnings.simplefilter("ignore")
        yfinance = _client()
        with _impatient_session(statuses) as session:
            answer: pd.DataFrame = yfinance.Ticker(symbol, session=session).history(
                **span,
                interval=interval,
                auto_adjust=False,
                actions=False,
                prepost=True,
                keepna=True,
                timeout=TIMEOUT_SECONDS,
            )
    return answer


@cache
def _client() -> Any:
    """Import yfinance, make it raise, keep it quiet, and give it a folder it may write to."""
    import yfinance

    logger = logging.getLogger("yfinance")
    logger.propagate = False
    # without any handler Python would print warnings to the terminal by itself
    logger.addHandler(logging.NullHandler())
    yfinance.config.debug.hide_exceptions = False
    # with pauses that double
    yfinance.config.network.retries = RETRIES
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


def _impatient_session(statuses: list[int]) -> Any:
    """Make a session like yfinance's own that never waits beyond the timeout.

    It notes the HTTP status of each chart, since yfinance goes on after a refusal and ends in
    an error about something else.
    """
    from curl_cffi import requests

    class ImpatientSession(requests.Session):  # type: ignore[type-arg]
        def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
            options["timeout"] = min(options.get("timeout") or TIMEOUT_SECONDS, TIMEOUT_SECONDS)
            answer = super().request(method, url, *args, **options)
            if "/chart/" in url:
                statuses.append(answer.status_code)
            return answer

    return ImpatientSession(impersonate="chrome")


def _raw(answer: pd.DataFrame) -> pd.DataFrame:
    index = pd.DatetimeIndex(answer.index)
    times = index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")
    named = answer.rename(columns=str.lower)[list(columns.BARS)].reset_index(drop=True)
    return named.assign(**{columns.TIME: times})


def explained(symbol: str, error: Exception, statuses: Sequence[int]) -> DataUnavailableError:
    """Say what a failure of the client means, by its kind and the status of the last chart."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = statuses[-1] if statuses else 0
    if "YFRateLimitError" in kinds or status == 429:
        return RateLimitedError(f"Yahoo: too many requests for now; {_ELSE}")
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
