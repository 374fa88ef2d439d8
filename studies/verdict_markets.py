"""One market, one strategy, one verdict: how the study judges, by the code of every run."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings, load_settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import FeatureTable, compute
from cryptobt.forecasters.registry import TREND_ONLY
from cryptobt.forecasters.walkforward import forecast
from cryptobt.jobs.audits import judged
from cryptobt.records.content import ContentStore
from cryptobt.strategies.registry import find_strategy
from studies.planted_markets import plant

BARS = 3653
"""Ten years of days."""
DRIFT = 0.5
"""Log drift a year of the markets that have one."""
COMMON = ("metrics.bootstrap_draws=500", "run.workers=1", "walkforward.refit_days=365")
CHEAP = {
    "sma_trend": ("strategy.name=sma_trend",),
    "momentum": ("strategy.name=momentum",),
    "linear on trend": ("forecaster.name=linear",),
    "linear on next return": ("forecaster.name=linear", "forecaster.target=next_return"),
    "last_sign": ("forecaster.name=last_sign", "forecaster.target=next_return"),
}
"""Strategies that cost little to fit, in turn."""
NETWORK = ("strategy.name=attn_signal",)
PLANTED = ("forecaster.name=linear", "forecaster.target=next_return", "forecaster.window_bars=2")


class Judged(NamedTuple):
    """A verdict, and what it came from.

    Attributes
    ----------
    grade : str
        ``none``, ``weak`` or ``evidence``.
    kept : tuple of str
        Rules that hold.
    excess : float or None
        Sharpe ratio of the lead over the same exposure without a forecast.
    """

    grade: str
    kept: tuple[str, ...]
    excess: float | None


def judge_nothing(
    seed: int, assignments: Sequence[str], cache: ContentStore, *, drift: bool
) -> Judged:
    """Judge a strategy on a market in which nothing can be known."""
    market = simulate(
        f"NONE-{seed}", BARS, seed=5000 + seed, strength=0.0,
        drift_per_year=DRIFT if drift else 0.0,
    ).market  # fmt: skip
    settings = load_settings(None, [*COMMON, *assignments], {})
    return judge(market, compute(settings.features.set, market), settings, cache)


def judge_planted(seed: int, rho: float, cache: ContentStore) -> Judged:
    """Judge a linear forecaster on a market whose next return has a known correlation."""
    planted = plant("linear", seed, columns=3, lag=0, bars=BARS, rho=rho)
    settings = load_settings(None, [*COMMON, *PLANTED], {})
    return judge(planted.market, planted.features, settings, cache)


def judge(
    market: MarketData, features: FeatureTable, settings: Settings, cache: ContentStore
) -> Judged:
    """Forecast, trade, measure and judge, as ``cryptobt backtest`` does, without the page.

    The rows that no rule reads are not traded; one setting counts as tried.
    """
    spec = find_strategy(settings.strategy.name)
    name = settings.forecaster.name or spec.forecaster
    known = forecast(market, features, name or TREND_ONLY, settings, cache, lambda _: None)
    found = judged.judge([market], known, Trader(spec, {}, name), settings)
    return Judged(found.grade, found.kept, found.excess)


def years(judged_bars: int = BARS) -> float:
    """Length of a market in years."""
    return judged_bars / pd.Timedelta(days=365).days
