"""What is left of a result at other costs, a bar later, by other seeds, in other years."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY, bars_per_year, iso
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.jobs.alternatives import COMPARED, SAME, TABLE_BPS, TWINS, Alternatives
from cryptobt.jobs.lanes import Course
from cryptobt.jobs.regimes import Stretch, periods_of, regimes_of
from cryptobt.jobs.trials import daily_returns
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.break_even import BPS, break_even
from cryptobt.metrics.metric import Metric, absent, measured
from cryptobt.metrics.performance import sharpe, sharpe_difference

WITHOUT_BEST = (5, 10)
MARGIN = "the account had a margin call, which cannot be had again at other conditions"
INSIDE = "limit and stop orders fill inside bars, which weights cannot repeat"
_SHARPE, _RATIO = "annualised ratio", "ratio"
_BREAK_EVENS = ("break_even_bps", "break_even_excess_bps", "break_even_holding_bps")
_BINS = 40
_SAME = 1e-6
"""Distance of two Sharpe ratios that are the same."""


@dataclass(frozen=True)
class Robustness:
    """Builds ``robustness`` of ``metrics.json``.

    Attributes
    ----------
    moves : DataFrame
        Simple returns from close to close by time, one column a symbol, all history.
    resampler : Resampler or None
        Bootstrap draws of the bars after the first decision.
    """

    alternatives: Alternatives
    seeds: Sequence[BacktestResult]
    moves: pd.DataFrame
    resampler: Resampler | None
    settings: Settings
    interval: pd.Timedelta

    def document(self) -> dict[str, Any]:
        """Everything; or the reason why there is none of it."""
        found = self.alternatives
        if found.closed_out:
            return {"reason": MARGIN}
        return {
            "reason": None,
            "basis": found.basis,
            "assumed_bps": found.assumed_bps,
            **self._conditions(),
            **self._seeds(),
            "periods": [self._stretch(one) for one in periods_of(found.times[1:])],
            "regimes": [
                self._stretch(one) for one in regimes_of(self.moves, found.times, self.interval)
            ],
            "random": self._random(),
            "without_best": [self._without_best(bars) for bars in WITHOUT_BEST],
        }

    def _conditions(self) -> dict[str, Any]:
        """Other costs, and a bar late; orders inside bars cannot be had at them."""
        if not self.alternatives.waits_inside_bars:
            return {"costs": self._costs(), **self._break_evens(), "delay": self._delay()}
        none = {
            "sharpe": absent(_SHARPE, INSIDE).to_json(),
            "total_return": absent(_RATIO, INSIDE).to_json(),
            "difference": absent(_SHARPE, INSIDE).to_json(),
        }
        costs = dict.fromkeys(_BREAK_EVENS, absent(BPS, INSIDE).to_json())
        return {"costs": [], **costs, "delay": {"bars": 1, **none}}

    @property
    def _periods(self) -> float:
        return bars_per_year(self.interval)

    def _sharpe(self, returns: np.ndarray) -> float | None:
        return _finite(sharpe(returns, self._periods, self.settings.metrics.risk_free))

    def _returns(self) -> dict[str, pd.Series | None]:
        """Simple returns of the compared rows after the first decision."""
        found = self.alternatives
        accounts = {"strategy": found.ours, **found.others}
        return {
            name: accounts[name].returns.iloc[1:] if name in accounts else None for name in COMPARED
        }

    def _costs(self) -> list[dict[str, Any]]:
        found = self.alternatives
        curves = {name: found.curve(name) for name in COMPARED}
        return [
            {
                "bps": bps,
                "sharpe": {k: _at(curve, "sharpe", place) for k, curve in curves.items()},
                "total_return": {k: _grown(curve, place) for k, curve in curves.items()},
            }
            for bps in sorted({*TABLE_BPS, found.assumed_bps})
            for place in [int(found.levels.searchsorted(bps))]
        ]

    def _break_evens(self) -> dict[str, Any]:
        found = self.alternatives
        own, held = found.curve("strategy"), found.curve("buy_and_hold")
        twins = [found.curve(name) for name in TWINS]
        assert own is not None, "the strategy has an account"
        leads = [own.mean - twin.mean for twin in twins if twin is not None]
        level = {
            "break_even_bps": own.sharpe,
            "break_even_excess_bps": np.min(leads, axis=0),
            "break_even_holding_bps": own.sharpe - held.sharpe if held else own.sharpe * np.nan,
        }
        costs = {name: break_even(found.levels, lead) for name, lead in level.items()}
        if found.own_twin is not None:
            costs["break_even_excess_bps"] = absent(BPS, SAME)
        return {name: cost.to_json() for name, cost in costs.items()}

    def _delay(self) -> dict[str, Any]:
        late, own = self.alternatives.delayed, self.alternatives.ours.returns.to_numpy()[1:]
        risk_free, level = self.settings.metrics.risk_free, self.settings.metrics.confidence
        why = "returns do not vary"
        return {
            "bars": 1,
            "sharpe": measured(sharpe(late, self._periods, risk_free), _SHARPE, why).to_json(),
            "total_return": measured(_total(late), _RATIO).to_json(),
            "difference": sharpe_difference(
                late, own, self.resampler, self._periods, risk_free, level
            ).to_json(),
        }

    def _seeds(self) -> dict[str, Any]:
        risk_free = self.settings.metrics.risk_free
        ratios = [
            measured(sharpe(one.returns.to_numpy()[1:], self._periods, risk_free), _SHARPE)
            for one in self.seeds
        ]
        known = [one.value for one in ratios if one.value is not None]
        spread = absent(_SHARPE, "one seed, or nothing random")
        if len(known) > 1:
            spread = measured(float(np.std(known, ddof=1)), _SHARPE)
        rows = [
            {
                "seed": seed,
                "sharpe": ratio.to_json(),
                "total_return": measured(_total(one.returns.to_numpy()[1:]), _RATIO).to_json(),
            }
            for seed, (one, ratio) in enumerate(zip(self.seeds, ratios, strict=True))
        ]
        return {"seeds": rows, "seed_spread": spread.to_json()}

    def _stretch(self, stretch: Stretch) -> dict[str, Any]:
        """Sharpe ratio and return of the compared rows over some of the bars."""
        parts = {
            name: None if returns is None else returns.to_numpy()[stretch.bars]
            for name, returns in self._returns().items()
        }
        return {
            **stretch.labels,
            "bars": int(stretch.bars.sum()),
            "sharpe": {
                k: None if part is None else self._sharpe(part) for k, part in parts.items()
            },
            "total_return": {
                k: None if part is None or not len(part) else _finite(_total(part))
                for k, part in parts.items()
            },
        }

    def _random(self) -> dict[str, Any]:
        found, drawn = self.alternatives, self.alternatives.random
        if drawn is None:
            reason = "too few decisions, or nothing was traded"
            return {"draws": 0, "p_value": absent("probability", reason).to_json()}
        own = self._sharpe(found.ours.returns.to_numpy()[1:])
        ratios = drawn.sharpe[np.isfinite(drawn.sharpe)]
        if not len(ratios):
            return {"draws": 0, "p_value": random_p_value(own, ratios).to_json()}
        # Accounts that are all the same differ in their last bits, which make no bins.
        around = _SAME if np.ptp(ratios) < _SAME else 0.0
        counts, edges = np.histogram(ratios, _BINS, (ratios.min() - around, ratios.max() + around))
        low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
        band = np.quantile(drawn.growth, [0.05, 0.5, 0.95], axis=1).T
        return {
            "draws": len(ratios),
            "exposure": float(drawn.exposure.mean()),
            "turnover_per_year": float(drawn.turnover.mean() * self._periods),
            "sharpe": {"q05": float(low), "q50": float(middle), "q95": float(high)},
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
            "p_value": random_p_value(own, ratios).to_json(),
            "band": [
                {"time": iso(time), "low": row[0], "middle": row[1], "high": row[2]}
                for time, row in zip(found.glimpsed, band.tolist(), strict=True)
            ],
        }

    def _without_best(self, bars: int) -> dict[str, Any]:
        """Take each row's own best days out of its returns; best bars, where they are longer."""
        daily = self.interval < DAY
        periods = bars_per_year(DAY) if daily else self._periods
        risk_free, kept = self.settings.metrics.risk_free, dict[str, np.ndarray | None]()
        for name, returns in self._returns().items():
            kept[name] = None
            if returns is not None:
                series = daily_returns(returns) if daily else returns
                known = len(series) > bars + 2
                kept[name] = np.sort(series.to_numpy())[:-bars] if known else None
        return {
            "bars": bars,
            "sharpe": {
                k: None if part is None else _finite(sharpe(part, periods, risk_free))
                for k, part in kept.items()
            },
            "total_return": {
                k: None if part is None else _finite(_total(part)) for k, part in kept.items()
            },
        }


def random_p_value(own: float | None, drawn: np.ndarray) -> Metric:
    """Share of random strategies, itself among them, that did as well as the strategy.

    Parameters
    ----------
    own : float or None
        Its Sharpe ratio.
    drawn : ndarray, shape (n,)
        Theirs, finite.

    Source: (1 + count) / (1 + n), Davison & Hinkley (1997, section 4.2).
    """
    if own is None or not len(drawn):
        return absent("probability", "there is no Sharpe ratio to compare")
    # The strategy comes from the engine, and its equal from arrays: they differ in the last bits.
    share = (1 + int((drawn >= own - _SAME).sum())) / (1 + len(drawn))
    return measured(share, "probability")


def seed_accounts(
    markets: Sequence[MarketData], forecasts: Forecasts | None, trader: Trader, settings: Settings
) -> list[BacktestResult]:
    """Trade each seed of the ensemble alone, by the strategy itself; empty where there is one.

    Empty, too, for a strategy that does not read its forecasts.
    """
    if forecasts is None or forecasts.members is None or trader.forecaster is None:
        return []
    if not trader.spec.reads_forecasts:
        return []
    alone = Forecasts(forecasts.members)
    names = sorted(
        set(alone.frame["forecaster"]), key=lambda name: int(name.rpartition("_seed")[2])
    )
    traders = [Trader(trader.spec, trader.params, name) for name in names]
    return [run_backtest(markets, alone, one, settings) for one in traders]


def _at(curve: Course | None, name: str, place: int) -> float | None:
    return None if curve is None else _finite(float(getattr(curve, name)[place]))


def _grown(curve: Course | None, place: int) -> float | None:
    return None if curve is None else _finite(float(curve.growth[-1, place] - 1))


def _total(returns: np.ndarray) -> float:
    return float(np.prod(1 + np.maximum(returns, -1.0)) - 1)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
