"""The Crypto Fear & Greed Index of alternative.me: one number a day, from 0 (fear) to 100."""

from dataclasses import replace
from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import NoDataError, SourceRefusedError, UnknownSymbolError
from cryptobt.core.types import ExtraSeries
from cryptobt.data.csv_series import published
from cryptobt.data.sources.http import Answer, VendorClient
from cryptobt.data.sources.patience import PATIENCE, Patience

BASE_URL = "https://api.alternative.me"
FEAR_GREED = "fear_greed"

_ASKED = "the fear and greed index"


class FearGreedSource:
    """The index of every day, published at the start of the day that names it.

    Parameters
    ----------
    base_url : str
        Where the API lies.
    """

    name = "feargreed"

    def __init__(self, *, base_url: str = BASE_URL, patience: Patience = PATIENCE) -> None:
        self._url = f"{base_url.rstrip('/')}/fng/"
        self._client = VendorClient("alternative.me", patience)

    def fetch(self, key: str, since: pd.Timestamp | None, now: pd.Timestamp) -> ExtraSeries:
        """Fetch the days from ``since`` on that were published by ``now``.

        Causality: a value may be used from its timestamp on, 00:00 UTC of its day; there is no
        further lag.

        Parameters
        ----------
        key : str
            Empty: there is one index only, for the whole market.

        Returns
        -------
        ExtraSeries
            Named ``sentiment``, column ``fear_greed`` from 0 to 100. A day without a value is
            left out. Empty only where ``since`` is given.
        """
        if key:
            raise UnknownSymbolError(f"alternative.me has one index only, not one of '{key}'")
        answer = self._client.get(self._url, {"limit": "0", "format": "json"}, _ASKED)
        told = self._told(self._rows(answer))
        values = pd.DataFrame({FEAR_GREED: pd.Series(told, dtype=float)}).sort_index()
        values.index = pd.to_datetime(values.index, unit="s", utc=True).as_unit("ns")
        values.index.name = columns.TIME
        series = published("sentiment", self.name, values, pd.Timedelta(0), 0.0)
        known = values.index <= now
        if since is not None:
            known &= values.index >= since
        elif not known.any():
            raise NoDataError(self._client.line("gives no value", _ASKED, "try again later"))
        return replace(series, frame=series.frame[known])

    def _rows(self, answer: Answer) -> list[Any]:
        document = answer.document if isinstance(answer.document, dict) else {}
        metadata = document.get("metadata")
        said = metadata.get("error") if isinstance(metadata, dict) else None
        if answer.status >= 400:
            raise self._client.refused(_ASKED, answer, str(said or ""))
        if said:
            what = f"refuses with '{said}'"
            raise SourceRefusedError(self._client.line(what, _ASKED, "try again later"))
        rows = document.get("data")
        if not isinstance(rows, list):
            raise self._client.malformed(_ASKED, "no list of days")
        return rows

    def _told(self, rows: list[Any]) -> dict[int, float]:
        """Read the rows, newest first, as seconds since 1970 and values."""
        told: dict[int, float] = {}
        for row in rows:
            at, value = self._read(row)
            if value is not None and told.setdefault(at, value) != value:
                raise self._client.malformed(_ASKED, f"two values of the instant {at}")
        return told

    def _read(self, row: Any) -> tuple[int, float | None]:
        try:
            at, written = int(row["timestamp"]), row["value"]
            value = float(written) if written not in (None, "") else None
        except (LookupError, TypeError, ValueError):
            raise self._client.malformed(_ASKED, f"the row {str(row)[:100]}") from None
        # what is outside 2000 to 2200 is no count of seconds
        if not 946_684_800 <= at < 7_258_118_400:
            raise self._client.malformed(_ASKED, f"the timestamp {at}")
        if value is not None and not 0 <= value <= 100:
            raise self._client.malformed(_ASKED, f"the value {value:g} at {at}, not in 0 to 100")
        return at, value
