"""Alpha Vantage: daily bars of a coin in a currency, with a key of the user's own.

The vendor says most of its errors with HTTP status 200, and quotes the key in some of them. The
free key answers 25 questions a day, each with the whole history that the vendor keeps of a coin.
"""

import math
import re
from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.errors import (
    DataUnavailableError,
    RateLimitedError,
    SourceRefusedError,
    UnknownSymbolError,
    UsageError,
)
from cryptobt.data.sources.http import Answer, VendorClient
from cryptobt.data.sources.patience import PATIENCE, Patience

BASE_URL = "https://www.alphavantage.co"
KEY_VARIABLE = "ALPHAVANTAGE_API_KEY"
"""Where the user's key stands."""

_NO_KEY = (
    f"Alpha Vantage answers with a key only; set {KEY_VARIABLE} in the environment, "
    "a free one comes from https://www.alphavantage.co/support/#api-key"
)

_FUNCTION = "DIGITAL_CURRENCY_DAILY"
_META, _SERIES = "Meta Data", "Time Series (Digital Currency Daily)"
_LIMITED = re.compile(
    r"rate limit|requests per|calls per|call frequency|call volume|sparingly", re.I
)
# "1. open" at present; "1a. open (EUR)" beside "1b. open (USD)" until 2024
_FIELD = re.compile(r"\d+[ab]?\. (open|high|low|close|volume)(?: \((\w+)\))?")


class AlphaVantageSource:
    """Daily bars by the UTC day, today's forming one among them; volume in coins.

    Parameters
    ----------
    key : str
        The user's own; empty where there is none.
    base_url : str
        Where the API lies.
    """

    name = "alphavantage"
    intervals: tuple[str, ...] = ("1d",)

    def __init__(
        self, key: str, *, base_url: str = BASE_URL, patience: Patience = PATIENCE
    ) -> None:
        self._key = key
        self._url = f"{base_url.rstrip('/')}/query"
        self._client = VendorClient("Alpha Vantage", patience, secrets=(key,))

    def fetch(
        self,
        symbol: str,
        interval: str,
        since: pd.Timestamp | None,  # noqa: ARG002 - the vendor gives all bars or none
        now: pd.Timestamp,  # noqa: ARG002 - and its forming bar with them
    ) -> pd.DataFrame:
        """Fetch raw rows, always all that there are; see :class:`BarSource`.

        Parameters
        ----------
        symbol : str
            Coin and currency, such as BTC-USD.

        Raises
        ------
        SourceRefusedError
            Also without a key: then nothing is asked.
        """
        if interval not in self.intervals:
            raise UsageError(f"Alpha Vantage has no interval '{interval}'; it has 1d")
        coin, market = _pair(symbol)
        if not self._key:
            raise SourceRefusedError(_NO_KEY)
        asked = f"daily bars of {coin}-{market}"
        query = {"function": _FUNCTION, "symbol": coin, "market": market, "apikey": self._key}
        answer = self._client.get(self._url, query, asked)
        return _Chart(self._client, asked, coin, market).read(answer)


class _Chart:
    """Reads one answer."""

    def __init__(self, client: VendorClient, asked: str, coin: str, market: str) -> None:
        self._client, self._asked = client, asked
        self._coin, self._market = coin, market

    def read(self, answer: Answer) -> pd.DataFrame:
        document = answer.document if isinstance(answer.document, dict) else {}
        refusal = self._refusal(document)
        if refusal is not None:
            raise refusal
        if answer.status >= 400:
            raise self._client.refused(self._asked, answer)
        self._check_meta(document.get(_META))
        series = document.get(_SERIES)
        if not isinstance(series, dict) or not series:
            raise self._client.malformed(self._asked, "no series of days")
        rows = [self._row(day, values) for day, values in series.items()]
        return pd.DataFrame(rows, columns=[columns.TIME, *columns.BARS])

    def _refusal(self, document: dict[str, Any]) -> DataUnavailableError | None:
        """Explain an error, which comes with any status, 200 most often."""
        kind = next((k for k in ("Error Message", "Note", "Information") if k in document), None)
        if kind is None:
            return None
        said = str(document[kind])
        if kind == "Note" or _LIMITED.search(said):
            line = self._line(said, "try again later, a free key has 25 questions a day")
            return RateLimitedError(line)
        if kind == "Error Message" and not re.search("api ?key", said, re.IGNORECASE):
            return UnknownSymbolError(self._line(said, "check the symbol, such as BTC-USD"))
        return SourceRefusedError(self._line(said, f"check the key in {KEY_VARIABLE}"))

    def _line(self, said: str, advice: str) -> str:
        return self._client.line(f"refuses with '{said}'", self._asked, advice)

    def _check_meta(self, meta: Any) -> None:
        if not isinstance(meta, dict):
            raise self._client.malformed(self._asked, "neither bars nor an error")
        due = {
            "2. Digital Currency Code": self._coin, "4. Market Code": self._market,
            "7. Time Zone": "UTC",
        }  # fmt: skip
        for name, value in due.items():
            if meta.get(name) != value:
                what = f"'{name}' being '{meta.get(name)}' instead of '{value}'"
                raise self._client.malformed(self._asked, what)

    def _row(self, day: str, values: Any) -> tuple[Any, ...]:
        opens = pd.to_datetime(day, utc=True, format="%Y-%m-%d", errors="coerce")
        if pd.isna(opens):
            raise self._client.malformed(self._asked, f"the day '{day}'")
        told = self._values(values) if isinstance(values, dict) else {}
        missing = [name for name in columns.BARS if name not in told]
        if missing:
            raise self._client.malformed(self._asked, f"no {missing[0]} on {day}")
        return (opens, *(told[name] for name in columns.BARS))

    def _values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Take the values in the currency asked for, as the vendor writes them."""
        told: dict[str, Any] = {}
        for field, value in values.items():
            match = _FIELD.fullmatch(field)
            if match and match[2] in (None, self._market):
                told.setdefault(match[1], math.nan if value is None else value)
        return told


def _pair(symbol: str) -> tuple[str, str]:
    coin, dash, market = symbol.strip().upper().partition("-")
    if not (coin and market and dash):
        raise UnknownSymbolError(
            f"Alpha Vantage has no '{symbol}'; name a coin and a currency, such as BTC-USD"
        )
    return coin, market
