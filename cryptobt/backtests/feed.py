"""Bars and forecasts as a backtrader feed."""

from array import array
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from cryptobt.core.columns import BARS
from cryptobt.core.types import MarketData
from cryptobt.features.volatility import annualised_volatility
from cryptobt.strategies.base import day_numbers

FORECAST_LINES = {
    "score": "score",
    "expected_return": "mean",
    "p_up": "p_up",
    "q05": "q05",
    "q95": "q95",
}
"""Data line to forecast column."""


class MarketFeed(bt.feed.DataBase):
    """One symbol's bars with its forecasts and volatility as extra lines, NaN where absent.

    Lines beside open, high, low, close, volume: ``score``, ``expected_return`` (log return),
    ``p_up``, ``q05``, ``q95`` and ``volatility`` (annualised).
    """

    lines = (*FORECAST_LINES, "volatility")
    params = (("columns", None),)

    def start(self) -> None:
        """Begin at the first bar."""
        super().start()
        self._row = 0

    def _load(self) -> bool:
        if self._row >= len(self.p.columns["datetime"]):
            return False
        for name, values in self.p.columns.items():
            getattr(self.lines, name)[0] = values[self._row]
        self._row += 1
        return True

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:  # noqa: ARG002
        """Move on one bar, without copying it into tick fields that only replays need."""
        super().advance(size, datamaster, ticks=False)

    def preload(self) -> None:
        """Fill every line at once: the same content as loading bar by bar, far faster."""
        for name, values in self.p.columns.items():
            line = getattr(self.lines, name)
            line.array.extend(values)
            line.idx += len(values)
            line.lencount += len(values)
        missing = getattr(self.lines, "openinterest")  # noqa: B009
        missing.array.extend(array("d", bytes(8 * len(values))))
        missing.idx += len(values)
        missing.lencount += len(values)
        self._row = len(values)
        self._last()
        self.home()


def make_feed(market: MarketData, forecasts: pd.DataFrame | None) -> MarketFeed:
    """Build the feed of one symbol.

    Parameters
    ----------
    forecasts : DataFrame or None
        One forecaster's rows of this symbol, indexed by ``time``.
    """
    _assert_ordered(market)
    columns: dict[str, Any] = {"datetime": array("d", day_numbers(market.times))}
    for name in BARS:
        columns[name] = array("d", market.bars[name].to_numpy(float))
    columns["volatility"] = array(
        "d", annualised_volatility(market.bars, market.interval).to_numpy(float)
    )
    for line, column in FORECAST_LINES.items():
        values = np.full(len(market.bars), np.nan)
        if forecasts is not None:
            values = forecasts[column].reindex(market.times).to_numpy(float)
        columns[line] = array("d", values)
    return MarketFeed(columns=columns, name=market.symbol)


def _assert_ordered(market: MarketData) -> None:
    # backtrader accepts a reversed or duplicate index and shifts aware times silently.
    assert market.times.tz is not None, "bars need aware times"
    assert market.times.is_monotonic_increasing, "bars need increasing times"
    assert market.times.is_unique, "bars need unique times"
