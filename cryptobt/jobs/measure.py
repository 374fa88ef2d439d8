"""From rows to ``metrics.json``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.margin import MARGIN_CALL
from cryptobt.core.columns import CLOSE, TIME
from cryptobt.core.settings import Settings
from cryptobt.core.time import bars_per_year, interval_label, iso
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.windows import unbroken_rows
from cryptobt.jobs.rows import NO_NETWORK, Row
from cryptobt.jobs.symbols import (
    closes,
    common_times,
    missed_times,
    quality_warnings,
    quarantined,
)
from cryptobt.metrics.bootstrap import Resampler, make_resampler
from cryptobt.metrics.direction import direction, down_class, no_direction, no_down_class
from cryptobt.metrics.forecast import forecast_errors, no_forecast
from cryptobt.metrics.metric import Metric, absent
from cryptobt.metrics.performance import (
    no_performance,
    performance,
    sharpe_difference,
    symbol_account,
)

SCHEMA = 1


class Measures:
    """Measures every row of a run over the same bars with the same bootstrap draws.

    Parameters
    ----------
    markets : sequence of MarketData
        The symbols traded.
    rows : mapping
        As :func:`cryptobt.jobs.rows.run_rows` gives them.
    """

    def __init__(
        self,
        markets: Sequence[MarketData],
        forecasts: Forecasts | None,
        rows: Mapping[str, Row],
        settings: Settings,
    ) -> None:
        self.markets, self.forecasts, self.rows, self.settings = markets, forecasts, rows, settings
        self.periods = bars_per_year(markets[0].interval)
        self.level = settings.metrics.confidence
        self.times = rows["strategy"].account.times
        self.moves = closes(markets, common_times(markets)).pct_change(fill_method=None)
        horizon = settings.forecaster.horizons[0]
        self.ahead = pd.DataFrame({market.symbol: ahead(market, horizon) for market in markets})
        self.resampler = self._resampler()

    def document(
        self, strategy: str, missing_columns: Sequence[str], warnings: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Build the whole of ``metrics.json``.

        Parameters
        ----------
        warnings : sequence of str
            About series beside the bars and the symbols side by side; those about one symbol's
            bars are in its quality report.
        """
        ours, first = self.rows["strategy"].account, self.markets[0]
        return {
            "schema": SCHEMA,
            "strategy": strategy,
            "simulated": any(market.simulated for market in self.markets),
            "symbols": [market.symbol for market in self.markets],
            "interval": interval_label(first.interval),
            "first": iso(self.times[0]),
            "last": iso(self.times[-1]),
            "bars": sum(len(market.bars) for market in self.markets),
            "decisions": len(self.times),
            "rows": {name: self._row(row) for name, row in self.rows.items()},
            "comparison": self._comparison(),
            "forecast": _plain(self._forecast(self.ahead.columns)),
            "per_symbol": {market.symbol: self._symbol(market) for market in self.markets},
            "orders": _order_counts(ours.orders),
            "pending_orders": [_order(row) for row in ours.pending],
            "data": {
                "gaps": sum(market.quality.gaps for market in self.markets),
                "quarantined": quarantined(self.markets),
                "missing_columns": list(missing_columns),
                "warnings": [*quality_warnings(self.markets), *warnings],
            },
        }

    def _resampler(self) -> Resampler | None:
        ours = self.rows["strategy"].account.returns.to_numpy()[1:]
        # The market is the mean of the symbols that there are.
        moves = self.moves.mean(axis=1).reindex(self.times).to_numpy()[1:]
        chosen = self.settings.metrics
        series = np.column_stack([moves, ours])
        return make_resampler(series, chosen.bootstrap_draws, chosen.bootstrap_seed)

    def _row(self, row: Row) -> dict[str, Any]:
        return {
            "direction": self._direction(row, self.ahead.columns),
            "performance": self.performance(row),
        }

    def performance(self, row: Row) -> dict[str, Any]:
        """Measure a row's account: ``performance`` of ``metrics.json``."""
        if row.result is None:
            return _plain(no_performance(row.reason))
        return _plain(
            performance(
                row.result,
                self.moves,
                self.periods,
                self.settings.metrics.risk_free,
                self.resampler,
                self.level,
            )
        )

    def _direction(self, row: Row, symbols: Iterable[str]) -> dict[str, Any]:
        called, realised = self.called(row, symbols)
        if called is None:
            none = _plain(no_direction(row.reason))
            return {**none, "down": _plain(no_down_class(row.reason))}
        scored = direction(called, realised, self.resampler, self.level)
        down = down_class(called, realised, self.resampler, self.level)
        return {**_plain(scored), "down": _plain(down)}

    def called(self, row: Row, symbols: Iterable[str]) -> tuple[np.ndarray | None, np.ndarray]:
        """Calls of a row, and the returns that they are about, each of shape (bars − 1, symbols).

        The last bar's outcome is not known: decisions pair with the returns that follow them. The
        calls are None for a row that calls no direction.
        """
        symbols = list(symbols)
        realised = self.ahead[symbols].reindex(self.times).to_numpy()[:-1]
        if not row.calls:
            return None, realised
        return np.column_stack([self._calls(row, one) for one in symbols])[:-1], realised

    def _calls(self, row: Row, symbol: str) -> np.ndarray:
        if row.result is None:
            return np.ones(len(self.times))
        if row.forecaster is None or self.forecasts is None:
            scores = row.result.scores
            own = scores[scores["symbol"] == symbol].set_index(TIME)["score"]
            return own.reindex(self.times).to_numpy()
        frame = self.forecasts.of(row.forecaster, symbol)
        return frame["mean"].fillna(frame["score"]).reindex(self.times).to_numpy()

    def _symbol(self, market: MarketData) -> dict[str, Any]:
        """One symbol's part in the strategy's account."""
        row, symbol = self.rows["strategy"], market.symbol
        missed = missed_times(market, self.times)
        ours = row.account
        trades = ours.trades[ours.trades["symbol"] == symbol]
        return {
            "first": iso(market.times[0]),
            "last": iso(market.times[-1]),
            "bars": len(market.bars),
            "gaps": market.quality.gaps,
            "missed_bars": len(missed),
            "joined": self._joined(market),
            "trades": len(trades),
            "direction": self._direction(row, [symbol]),
            "account": _plain(symbol_account(ours, symbol)),
            "forecast": _plain(self._forecast([symbol])),
        }

    def _joined(self, market: MarketData) -> str | None:
        """First decision at which the symbol could be traded."""
        possible = market.times
        name = self.rows["strategy"].forecaster
        if name is not None and self.forecasts is not None:
            possible = pd.DatetimeIndex(self.forecasts.of(name, market.symbol).index)
        possible = possible[possible >= self.times[0]]
        return iso(possible[0]) if len(possible) else None

    def _comparison(self) -> dict[str, Any]:
        ours = self.rows["strategy"].account.returns.to_numpy()[1:]
        differences: dict[str, Any] = {}
        for name in ("trend_only", "buy_and_hold", "buy_and_hold_vol_target"):
            other = self.rows[name].result
            metric = absent("annualised ratio", self.rows[name].reason)
            if other is not None:
                theirs = other.returns.to_numpy()[1:]
                metric = sharpe_difference(
                    ours,
                    theirs,
                    self.resampler,
                    self.periods,
                    self.settings.metrics.risk_free,
                    self.level,
                )
            differences[f"sharpe_minus_{name}"] = metric.to_json()
        return differences

    def _forecast(self, symbols: Iterable[str]) -> dict[str, Metric]:
        symbols, members = list(symbols), self.settings.walkforward.ensemble_seeds
        found = self.forecast_rows(symbols)
        if found is None:
            return no_forecast(NO_NETWORK)
        frame, network = found
        log_ahead = self.outcomes(symbols)
        errors = forecast_errors(frame, log_ahead, members)
        if len(network):
            alone = forecast_errors(network, log_ahead, members)
            errors["seed_correlation"] = alone["seed_correlation"]
        return errors

    def forecast_rows(
        self, symbols: Iterable[str] | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """Rows of the strategy's forecaster, and of its network alone, by symbol and time."""
        name = self.rows["strategy"].forecaster
        if name is None or self.forecasts is None:
            return None
        chosen = list(self.ahead.columns if symbols is None else symbols)
        return (
            _together(self.forecasts, name, chosen),
            _together(self.forecasts, f"{name}_net", chosen),
        )

    def outcomes(self, symbols: Iterable[str]) -> pd.Series:
        """Log return over the forecasts' horizon, by symbol and time of the last bar used."""
        return pd.concat({symbol: np.log1p(self.ahead[symbol]) for symbol in symbols})


def _together(forecasts: Forecasts, name: str, symbols: Sequence[str]) -> pd.DataFrame:
    """One forecaster's rows of some symbols, indexed by symbol and time."""
    return pd.concat({symbol: forecasts.of(name, symbol) for symbol in symbols})


def ahead(market: MarketData, horizon: int) -> pd.Series:
    """Simple return over the next bars; NaN at the end and across a gap."""
    close = market.bars[CLOSE]
    ahead = close.shift(-horizon) / close - 1
    whole = unbroken_rows(market.times, market.interval) >= horizon
    reaches = np.zeros(len(close), dtype=bool)
    reaches[:-horizon] = whole[horizon:]
    return ahead.where(reaches)


def _plain(metrics: Mapping[str, Metric | int]) -> dict[str, Any]:
    return {k: v.to_json() if isinstance(v, Metric) else v for k, v in metrics.items()}


def _order_counts(orders: pd.DataFrame) -> dict[str, Any]:
    rejected = orders[orders["status"] == "rejected"]
    called = orders[
        (orders["reason"] == MARGIN_CALL) & orders["status"].isin(["filled", "pending"])
    ]
    return {
        "submitted": len(orders),
        "filled": int((orders["status"] == "filled").sum()),
        "rejected": len(rejected),
        "by_reason": dict(sorted(Counter(rejected["reason"]).items())),
        "margin_calls": int(called["time"].nunique()),
    }


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: iso(v) if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
