"""What Coin Metrics, Alpha Vantage and alternative.me send, errors included."""

from datetime import date, timedelta
from typing import Any

import pandas as pd

from ..loopback import Asked, Loopback, Reply


class FakeCoinMetrics(Loopback):
    """Coin Metrics: pages of asset metrics, a catalog, and its errors for what it does not have.

    ``days`` maps assets to days to metrics to text; a metric that no day has is not supported.
    """

    def __init__(self, days: dict[str, dict[str, dict[str, str | None]]]) -> None:
        super().__init__()
        self.days = days
        self.page_rows = 10_000
        self.paid: set[str] = set()

    def metrics(self, asset: str) -> list[str]:
        return sorted({name for values in self.days[asset].values() for name in values})

    def answer(self, asked: Asked) -> Reply:
        asset = asked.query.get("assets", "")
        if asset not in self.days:
            return bad_parameter(f"Bad parameter 'assets'. Value '{asset}' is not supported.")
        if asked.path == "/v4/catalog-v2/asset-metrics":
            return Reply({"data": [{"asset": asset, "metrics": self._catalog(asset)}]})
        if asked.path != "/v4/timeseries/asset-metrics":
            return coinmetrics_error(404, "not_found", "Requested resource was not found.")
        return self._series(asset, asked)

    def _catalog(self, asset: str) -> list[dict[str, Any]]:
        span = {"min_time": "2009-01-03T00:00:00.000000000Z", "max_time": "2026-06-01T00:00:00Z"}
        free = [
            {"metric": name, "frequencies": [{"frequency": "1d", **span, "community": True}]}
            for name in self.metrics(asset)
            if name not in self.paid
        ]
        other = [{"frequency": "1h", **span, "community": True}]
        paid = [{"frequency": "1d", **span, "community": False}]
        return [
            *free,
            {"metric": "ReferenceRate", "frequencies": other},
            {"metric": "NVTAdj", "frequencies": paid},
        ]

    def _series(self, asset: str, asked: Asked) -> Reply:
        wanted = asked.query["metrics"].split(",")
        for name in wanted:
            if name in self.paid:
                said = (
                    f"Requested metric '{name}' with frequency '1d' for asset '{asset}' "
                    "is not available with supplied credentials."
                )
                return coinmetrics_error(403, "forbidden", said)
        if not set(wanted) & set(self.metrics(asset)):
            said = f"All requested metrics aren't supported for asset '{asset}'"
            return bad_parameter(f"Bad parameter 'metrics'. {said}")
        days = [
            d
            for d in sorted(self.days[asset])
            if f"{d}T00:00:00Z" >= asked.query.get("start_time", "")
        ]
        return self._page(asset, wanted, days, asked)

    def _page(self, asset: str, wanted: list[str], days: list[str], asked: Asked) -> Reply:
        first = int(asked.query.get("next_page_token", "0.").removeprefix("0.") or 0)
        size = min(int(asked.query["page_size"]), self.page_rows)
        rows = []
        for day in days[first : first + size]:
            row: dict[str, str | None] = {"asset": asset, "time": f"{day}T00:00:00.000000000Z"}
            values = self.days[asset][day]
            rows.append(row | {name: values[name] for name in wanted if name in values})
        document: dict[str, Any] = {"data": rows}
        if first + size < len(days):
            query = {**asked.query, "next_page_token": f"0.{first + size}"}
            text = "&".join(f"{name}={value}" for name, value in query.items())
            document["next_page_token"] = query["next_page_token"]
            document["next_page_url"] = f"{self.address}{asked.path}?{text}"
        return Reply(document)


def coinmetrics_error(status: int, kind: str, message: str) -> Reply:
    """Write an error as Coin Metrics does."""
    return Reply({"error": {"type": kind, "message": message}}, status)


def bad_parameter(message: str) -> Reply:
    """Write Coin Metrics' answer to a value that it does not know."""
    return coinmetrics_error(400, "bad_parameter", message)


def alphavantage_chart(
    bars: dict[str, list[str | None]], coin: str = "BTC", market: str = "USD", legacy: bool = False
) -> dict[str, Any]:
    """Write bars (day to open, high, low, close, volume), newest first, as Alpha Vantage does.

    In the legacy layout the prices in dollars are a tenth of those in the market's currency.
    """
    series = {}
    for day in sorted(bars, reverse=True):
        fields: dict[str, str | None] = {}
        for place, name in enumerate(("open", "high", "low", "close", "volume"), start=1):
            value = bars[day][place - 1]
            if legacy and name != "volume":
                fields[f"{place}a. {name} ({market})"] = value
                fields[f"{place}b. {name} (USD)"] = value and str(float(value) / 10)
            else:
                fields[f"{place}. {name}"] = value
        series[day] = fields | ({"6. market cap (USD)": "1"} if legacy else {})
    meta = {
        "1. Information": "Daily Prices and Volumes for Digital Currency",
        "2. Digital Currency Code": coin, "3. Digital Currency Name": "a coin",
        "4. Market Code": market, "5. Market Name": "a currency",
        "6. Last Refreshed": f"{max(bars, default='')} 00:00:00", "7. Time Zone": "UTC",
    }  # fmt: skip
    return {"Meta Data": meta, "Time Series (Digital Currency Daily)": series}


def fear_greed(values: dict[str, str | None]) -> dict[str, Any]:
    """Write values by day, newest first, as alternative.me does."""
    rows: list[dict[str, Any]] = [
        {
            "value": values[day],
            "value_classification": "Neutral",
            "timestamp": str(int(pd.Timestamp(day, tz="UTC").timestamp())),
        }
        for day in sorted(values, reverse=True)
    ]
    if rows:
        rows[0]["time_until_update"] = "84597"
    return {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}


def days_from(first: str, count: int) -> list[str]:
    """Name consecutive days."""
    return [(date.fromisoformat(first) + timedelta(days=n)).isoformat() for n in range(count)]
