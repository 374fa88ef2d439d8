"""Coin Metrics: on-chain series of an asset by the day, from the community API, version 4.

The vendor's data are free for non-commercial use (CC BY-NC 4.0); it answers ten requests within
six seconds.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import (
    DataUnavailableError,
    NoDataError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.core.time import DAY, iso
from cryptobt.core.types import ExtraSeries
from cryptobt.data.csv_series import published
from cryptobt.data.sources.http import Answer, VendorClient
from cryptobt.data.sources.patience import PATIENCE, Patience

BASE_URL = "https://community-api.coinmetrics.io/v4"
METRICS = ("AdrActCnt", "TxCnt", "FeeTotNtv")
"""Active addresses, transactions, and fees in coins."""

PAGE_ROWS = 10_000
_MOST_PAGES = 100
_MOST_NAMES = 40

_Row = tuple[float, ...]


class CoinMetricsSource:
    """On-chain metrics of an asset, one row a day, named by the day's start.

    Parameters
    ----------
    metrics : sequence of str
        As the vendor writes them; the columns are their names in lower case.
    lag_hours : float
        Hours between the end of a day and the publication of its row.
    base_url : str
        Where the API lies.
    """

    name = "coinmetrics"

    def __init__(
        self,
        metrics: Sequence[str] = METRICS,
        lag_hours: float = 24.0,
        *,
        base_url: str = BASE_URL,
        patience: Patience = PATIENCE,
    ) -> None:
        self.metrics = _checked(metrics)
        self.lag_hours = lag_hours
        self._base = base_url.rstrip("/")
        self._client = VendorClient("Coin Metrics", patience)

    def fetch(self, key: str, since: pd.Timestamp | None, now: pd.Timestamp) -> ExtraSeries:
        """Fetch the days from ``since`` on that were published by ``now``.

        Causality: a day may be used from its end plus the publication lag.

        Parameters
        ----------
        key : str
            An asset such as ``btc``, or a symbol such as ``BTC-USD``; what follows a colon names
            the metrics for whoever keeps the rows.

        Returns
        -------
        ExtraSeries
            Named ``onchain``. A value that is not there is NaN; a day without any is left out.
            Empty only where ``since`` is given.

        Raises
        ------
        UnknownSymbolError
            If there is no such asset.
        NoDataError
            If the asset has not all of the metrics, naming those that it has; or no row yet.
        """
        asset = _asset(key)
        asked = f"{', '.join(self.metrics)} of {asset}"
        rows = self._rows(asset, since, asked)
        told = {day: row for day, row in sorted(rows.items()) if not all(map(math.isnan, row))}
        index = pd.DatetimeIndex(list(told), tz="UTC", name=columns.TIME).as_unit("ns")
        names = [metric.lower() for metric in self.metrics]
        values = pd.DataFrame(list(told.values()), index=index, columns=names, dtype=float)
        empty = values.columns[values.isna().all()]
        if since is None and len(empty):
            what, advice = f"gives no value of {', '.join(empty)}", "ask for other metrics"
            none = NoDataError(self._client.line(what, asked, advice))
            raise self._by_catalog(asset, asked, none)
        series = published("onchain", self.name, values, DAY, self.lag_hours)
        return replace(series, frame=series.frame[series.frame[columns.AVAILABLE_AT] <= now])

    def _rows(self, asset: str, since: pd.Timestamp | None, asked: str) -> dict[pd.Timestamp, _Row]:
        rows: dict[pd.Timestamp, _Row] = {}
        for written in self._written(asset, since, asked):
            day, row = self._read(written, asset, asked)
            # as text, since NaN differs from itself
            if repr(rows.setdefault(day, row)) != repr(row):
                raise self._client.malformed(asked, f"two rows of {day:%Y-%m-%d} that differ")
        return rows

    def _written(self, asset: str, since: pd.Timestamp | None, asked: str) -> Iterator[Any]:
        """Yield the rows of all pages as the vendor writes them."""
        first = f"{self._base}/timeseries/asset-metrics"
        query = {
            "assets": asset, "metrics": ",".join(self.metrics), "frequency": "1d",
            "page_size": str(PAGE_ROWS), "paging_from": "start",
        }  # fmt: skip
        if since is not None:
            query["start_time"] = iso(since)
        place = first, query
        for _ in range(_MOST_PAGES):
            document = self._page(*place, asset, asked)
            yield from document["data"]
            following = self._next(document, first, query, asked)
            if following is None:
                return
            place = following
        raise self._client.malformed(asked, f"more than {_MOST_PAGES} pages")

    def _page(self, url: str, query: dict[str, str], asset: str, asked: str) -> dict[str, Any]:
        answer = self._client.get(url, query, asked)
        document = answer.document
        if answer.status >= 400 or (isinstance(document, dict) and "error" in document):
            raise self._refusal(answer, asset, asked)
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            raise self._client.malformed(asked, "no list of rows")
        return document

    def _next(
        self, document: dict[str, Any], first: str, query: dict[str, str], asked: str
    ) -> tuple[str, dict[str, str]] | None:
        url, token = document.get("next_page_url"), document.get("next_page_token")
        if url:
            if urlsplit(str(url))[:2] != urlsplit(self._base)[:2]:
                raise self._client.malformed(asked, "a next page on another host")
            return str(url), {}
        return (first, {**query, "next_page_token": str(token)}) if token else None

    def _read(self, written: Any, asset: str, asked: str) -> tuple[pd.Timestamp, _Row]:
        if not isinstance(written, dict) or written.get("asset") != asset:
            raise self._client.malformed(asked, "a row that is not of this asset")
        day = pd.to_datetime(str(written.get("time")), utc=True, format="ISO8601", errors="coerce")
        if pd.isna(day) or day != day.normalize():
            raise self._client.malformed(asked, f"the day '{written.get('time')}'")
        row = []
        for metric in self.metrics:
            value = _number(written.get(metric))
            if value is None:
                what = f"{metric} '{written[metric]}' at {day:%Y-%m-%d}, which is no finite number"
                raise self._client.malformed(asked, what)
            row.append(value)
        return day, tuple(row)

    def _refusal(self, answer: Answer, asset: str, asked: str) -> DataUnavailableError:
        """Explain a refusal, by the vendor's catalog where the asset or a metric may be wrong."""
        error = answer.document.get("error") if isinstance(answer.document, dict) else None
        said = str(error.get("message", "")) if isinstance(error, dict) else ""
        refused = self._client.refused(asked, answer, said)
        if answer.status not in (200, 400, 403) or not said:
            return refused
        return self._by_catalog(asset, asked, refused)

    def _by_catalog(
        self, asset: str, asked: str, otherwise: DataUnavailableError
    ) -> DataUnavailableError:
        try:
            return self._lack(asset, asked) or otherwise
        except DataUnavailableError:
            return otherwise

    def _lack(self, asset: str, asked: str) -> DataUnavailableError | None:
        """Name what the asset has; None if it should have all the metrics."""
        known = self._catalog(asset)
        if known is None:
            advice = "check the symbol, such as BTC-USD"
            return UnknownSymbolError(self._client.line(f"has no '{asset}'", asked, advice))
        missing = [metric for metric in self.metrics if metric not in known]
        if not missing:
            return None
        names = ", ".join(known[:_MOST_NAMES]) or "nothing by the day"
        more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
        what = f"has no {', '.join(missing)} of {asset}"
        advice = f"ask for what it has there: {names}{more}"
        return NoDataError(self._client.line(what, asked, advice))

    def _catalog(self, asset: str) -> list[str] | None:
        """Daily metrics of an asset; None where the vendor does not know it."""
        asked = f"the metrics of {asset}"
        answer = self._client.get(
            f"{self._base}/catalog-v2/asset-metrics", {"assets": asset}, asked
        )
        if answer.status == 400:
            return None
        try:
            entries = [entry for asset in answer.document["data"] for entry in asset["metrics"]]
            return sorted(
                entry["metric"]
                for entry in entries
                if any(_by_the_day(frequency) for frequency in entry["frequencies"])
            )
        except (LookupError, TypeError, AttributeError):
            raise self._client.malformed(asked, "no catalog") from None


def _by_the_day(frequency: dict[str, Any]) -> bool:
    return frequency["frequency"] == "1d" and bool(frequency.get("community", True))


def _checked(metrics: Sequence[str]) -> tuple[str, ...]:
    for metric in metrics:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", metric):
            raise UsageError(f"'{metric}' is no metric of Coin Metrics; write it like {METRICS[0]}")
    if not metrics or len({metric.lower() for metric in metrics}) < len(metrics):
        raise UsageError("name one or more metrics of Coin Metrics, each once")
    return tuple(metrics)


def _asset(key: str) -> str:
    asset = key.partition(":")[0].partition("-")[0].strip().lower()
    if not re.fullmatch(r"[a-z0-9._]+", asset):
        raise UnknownSymbolError(f"Coin Metrics has no '{key}'; name an asset like btc or BTC-USD")
    return asset


def _number(value: Any) -> float | None:
    """Read a number, mostly written as text: NaN where there is none, None where it is wrong."""
    if value is None or value == "":
        return math.nan
    try:
        read = math.inf if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return read if math.isfinite(read) else None
