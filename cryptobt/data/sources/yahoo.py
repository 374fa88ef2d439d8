"""Yahoo Finance, through its own client yfinance, whose silences are turned into errors.

What the client does by itself and is guarded here: it returns an empty frame instead of an error,
adjusts prices, writes its cache into the home folder, waits half a minute for a cookie, and logs
to the terminal.
"""

import logging
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import DataUnavailableError, UsageError
from cryptobt.core.settings import home
from cryptobt.core.time import iso, parse_interval
from cryptobt.core.types import MarketData, QualityReport
from cryptobt.data.validation import BadRow, check_bars

TIMEOUT_SECONDS = 10.0
"""Longest wait for one answer; a request for a cookie, a crumb and the bars are three."""

_INTERVALS = {
    "1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1h", "60m": "1h", "1d": "1d",
    "1w": "1wk",
}  # fmt: skip
_UNREACHABLE = frozenset((
    "ConnectionError", "DNSError", "ProxyError", "SSLError", "CertificateVerifyError", "Timeout",
    "ConnectTimeout", "ReadTimeout", "InterfaceError", "IncompleteRead", "ChunkedEncodingError",
))  # fmt: skip
_ELSE = "try again later, or use --csv FILE or --source sample"


class SourceUnreachableError(DataUnavailableError):
    """No connection to the vendor: no network, no name, no answer in time."""


def fetch_bars(
    symbol: str, interval_label: str, on_bad_row: BadRow, now: pd.Timestamp
) -> MarketData:
    """Fetch all bars that Yahoo has of a symbol, unadjusted.

    Causality: bars not complete at ``now`` are left out, Yahoo's live bar of today among them;
    where yesterday's is not there yet, the report says so.

    Parameters
    ----------
    symbol : str
        Yahoo's name, such as BTC-USD.
    interval_label : str
        1m, 5m, 15m, 30m, 1h, 1d or 1w; Yahoo keeps intraday bars for 8 to 730 days.
    now : Timestamp
        Aware; it becomes ``fetched_at``.

    Raises
    ------
    UsageError
        If Yahoo has no such interval.
    SourceUnreachableError
        If the network or Yahoo cannot be reached.
    DataUnavailableError
        If Yahoo refuses, has nothing, or answers what is no chart.
    DataInvalidError
        Naming the first bad row by its time.
    """
    if interval_label not in _INTERVALS:
        raise UsageError(
            f"Yahoo has no interval '{interval_label}'; it has {', '.join(_INTERVALS)}"
        )
    statuses: list[int] = []
    try:
        answer = _history(symbol, _INTERVALS[interval_label], statuses)
    # yfinance passes on whatever its parser and transport raise
    except Exception as error:
        raise _explained(symbol, error, statuses) from error
    if answer.empty:
        raise DataUnavailableError(_no_bars(symbol))
    interval = parse_interval(interval_label)
    raw = _raw(answer)
    bars, report = check_bars(
        raw, label=f"Yahoo {symbol}", interval=interval, on_bad_row=on_bad_row, now=now
    )
    report = _with_staleness(report, pd.DatetimeIndex(bars.index)[-1], interval, now)
    return MarketData(symbol, interval, "yahoo", bars, fetched_at=now, quality=report)


def _history(symbol: str, interval: str, statuses: list[int]) -> pd.DataFrame:
    with warnings.catch_warnings():
        # yfinance has pandas' deprecations printed, which are not the user's
        warnings.simplefilter("ignore")
        yfinance = _client()
        with _impatient_session(statuses) as session:
            answer: pd.DataFrame = yfinance.Ticker(symbol, session=session).history(
                period="max",
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


def _explained(symbol: str, error: Exception, statuses: list[int]) -> DataUnavailableError:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = statuses[-1] if statuses else 0
    if "YFRateLimitError" in kinds or status == 429:
        return DataUnavailableError(f"Yahoo: too many requests for now; {_ELSE}")
    if kinds & _UNREACHABLE:
        return SourceUnreachableError(f"Yahoo cannot be reached ({_line(error)}); {_ELSE}")
    if status >= 400 and status != 404:
        return DataUnavailableError(f"Yahoo refuses {symbol} with HTTP status {status}; {_ELSE}")
    if status == 404 or "YFTickerMissingError" in kinds:
        return DataUnavailableError(_no_bars(symbol))
    return DataUnavailableError(
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


def _with_staleness(
    report: QualityReport, last: pd.Timestamp, interval: pd.Timedelta, now: pd.Timestamp
) -> QualityReport:
    if last + 2 * interval > now:
        return report
    note = f"Yahoo's newest complete bar is {iso(last)}; later ones are not there yet"
    return QualityReport(report.gaps, report.quarantined, (*report.warnings, note))
