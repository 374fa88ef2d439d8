"""From rows to ``metrics.json``."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE
from cryptobt.core.settings import Settings
from cryptobt.core.time import bars_per_year, interval_label, iso
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.windows import unbroken_rows
from cryptobt.jobs.rows import NO_NETWORK, Row
from cryptobt.metrics.bootstrap import Resampler, make_resampler
from cryptobt.metrics.direction import direction, no_direction
from cryptobt.metrics.forecast import forecast_errors, no_forecast
from cryptobt.metrics.metric import Metric, absent
from cryptobt.metrics.performance import no_performance, performance, sharpe_difference

SCHEMA = 1


class Measures:
    """Measures every row of a run over the same bars with the same bootstrap draws.

    Parameters
    ----------
    market : MarketData
        The symbol traded.
    rows : mapping
        As :func:`cryptobt.jobs.rows.run_rows` gives them.
    """

    def __init__(
        self,
        market: MarketData,
        forecasts: Forecasts | None,
        rows: Mapping[str, Row],
        settings: Settings,
    ) -> None:
        self.market, self.forecasts, self.rows, self.settings = market, forecasts, rows, settings
        self.periods = bars_per_year(market.interval)
        self.level = settings.metrics.confidence
        self.times = self.rows["strategy"].account.returns.index
        close = market.bars[CLOSE]
        self.market_returns = close.pct_change()
        self.ahead = _ahead(market, settings.forecaster.horizon_bars)
        self.resampler = self._resampler()

    def document(self, strategy: str, missing_columns: tuple[str, ...]) -> dict[str, Any]:
        """Build the whole of ``metrics.json``."""
        ours = self.rows["strategy"].account
        return {
            "schema": SCHEMA,
            "strategy": strategy,
            "simulated": self.market.simulated,
            "symbols": [self.market.symbol],
            "interval": interval_label(self.market.interval),
            "first": iso(self.times[0]),
            "last": iso(self.times[-1]),
            "bars": len(self.market.bars),
            "decisions": len(self.times),
            "rows": {name: self._row(row) for name, row in self.rows.items()},
            "comparison": self._comparison(),
            "forecast": _plain(self._forecast()),
            "orders": _order_counts(ours.orders),
            "pending_orders": [_order(row) for row in ours.pending],
            "data": {
                "gaps": self.market.quality.gaps,
                "quarantined": list(self.market.quality.quarantined),
                "missing_columns": list(missing_columns),
                "warnings": list(self.market.quality.warnings),
            },
        }

    def _resampler(self) -> Resampler | None:
        ours = self.rows["strategy"].account.returns.to_numpy()[1:]
        moves = self.market_returns.reindex(self.times).to_numpy()[1:]
        chosen = self.settings.metrics
        series = np.column_stack([moves, ours])
        return make_resampler(series, chosen.bootstrap_draws, chosen.bootstrap_seed)

    def _row(self, row: Row) -> dict[str, Any]:
        measured = no_performance(row.reason)
        if row.result is not None:
            measured = performance(
                row.result,
                self.market_returns,
                self.periods,
                self.settings.metrics.risk_free,
                self.resampler,
                self.level,
            )
        return {"direction": _plain(self._direction(row)), "performance": _plain(measured)}

    def _direction(self, row: Row) -> dict[str, Metric | int]:
        if not row.calls:
            return no_direction(row.reason)
        # The last bar's outcome is not known: decisions pair with the returns that follow them.
        called = self._calls(row).to_numpy()[:-1]
        realised = self.ahead.reindex(self.times).to_numpy()[:-1]
        return direction(called, realised, self.resampler, self.level)

    def _calls(self, row: Row) -> pd.Series:
        if row.result is None:
            return pd.Series(1.0, index=self.times)
        if row.forecaster is None or self.forecasts is None:
            return row.result.scores.reindex(self.times)
        frame = self.forecasts.of(row.forecaster, self.market.symbol)
        return frame["mean"].fillna(frame["score"]).reindex(self.times)

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

    def _forecast(self) -> dict[str, Metric]:
        name = self.rows["strategy"].forecaster
        if name is None or self.forecasts is None:
            return no_forecast(NO_NETWORK)
        log_ahead = np.log1p(self.ahead)
        members = self.settings.walkforward.ensemble_seeds
        frame = self.forecasts.of(name, self.market.symbol)
        errors = forecast_errors(frame, log_ahead, members)
        network = self.forecasts.of(f"{name}_net", self.market.symbol)
        if len(network):
            alone = forecast_errors(network, log_ahead, members)
            errors["seed_correlation"] = alone["seed_correlation"]
        return errors


def _ahead(market: MarketData, horizon: int) -> pd.Series:
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
    return {
        "submitted": len(orders),
        "filled": int((orders["status"] == "filled").sum()),
        "rejected": len(rejected),
        "by_reason": dict(sorted(Counter(rejected["reason"]).items())),
    }


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: iso(v) if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
