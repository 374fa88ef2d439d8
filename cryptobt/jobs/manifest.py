"""``run.json``: what a run was made of, so that it can be made again."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import cryptobt
from cryptobt.core.hashing import hash_json, hash_source
from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.sets import FeatureSet, find_feature_set
from cryptobt.forecasters.registry import TREND_ONLY, ForecasterSpec
from cryptobt.jobs.symbols import quarantined
from cryptobt.jobs.trader import forecaster_of
from cryptobt.strategies.registry import StrategySpec

SCHEMA = 1
RECIPE_FLOOR = 100
"""Settings that were tried to find the default recipe (docs/recipe.md): the least N there is."""
WHERE = frozenset({"csv", "cross_check", "extras", "onchain", "source", "symbols"})
"""Settings of data that say where it lies; which series there are stands beside them."""
_LIBRARIES = (
    "arch", "backtrader", "matplotlib", "numpy", "pandas", "quantstats", "scikit-learn", "ta",
    "torch", "yfinance",
)  # fmt: skip


def manifest(
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    spec: StrategySpec,
    forecasts_text: str,
) -> dict[str, Any]:
    """Everything in ``run.json`` that a repetition of the run would have in common with it."""
    return {
        "schema": SCHEMA,
        "settings": settings.model_dump(mode="json", exclude={"run"}),
        "data": [_data(market) for market in markets],
        "extras": [_extra(series) for group in extras.values() for series in group],
        "forecasts_hash": hash_json(forecasts_text),
        "code_version": code_version(),
        "seeds": list(range(settings.walkforward.ensemble_seeds)),
        "libraries": libraries(),
        "strategy": _code(spec),
        "forecaster": _code(forecaster_of(settings, spec)),
        "features": _code(find_feature_set(settings.features.set)),
        "trials": trials(settings, markets, spec),
        "simulated": any(market.simulated for market in markets),
        "quarantined": quarantined(markets),
    }


def settings_key(settings: Settings, spec: StrategySpec) -> str:
    """Hash of the settings that were chosen, and of strategy and forecaster where they are his.

    Of workers, folders, and where data and files lie nothing is in it but the names of the series.
    """
    unrelated: Any = {
        **{"run": True, "paper": True, "data": WHERE},
        **{"strategy": {"name"}, "forecaster": {"name"}},
    }
    chosen = plain_settings(settings, unrelated)
    series = sorted(entry.partition("=")[0] for entry in settings.data.extras)
    code = [_code(spec), _code(forecaster_of(settings, spec))]
    return hash_json([code, chosen, bool(settings.data.onchain), series])


def plain_settings(settings: Settings, exclude: Any) -> dict[str, Any]:
    """Settings as plain values; a feature set of the user's by its content, wherever it lies."""
    plain = settings.model_dump(mode="json", exclude=exclude)
    columns = find_feature_set(settings.features.set)
    if columns.file:
        plain["features"]["set"] = _code(columns)
    return plain


def trials(settings: Settings, markets: Sequence[MarketData], spec: StrategySpec) -> dict[str, Any]:
    """The least number of settings that were tried before this one."""
    chosen, forecaster = settings.forecaster, forecaster_of(settings, spec)
    recipe = forecaster is not None and (forecaster.trained or forecaster.name == TREND_ONLY)
    recipe = recipe and chosen.preset == "small" and chosen.target == "trend"
    floor = max(settings.trials.floor or 1, RECIPE_FLOOR if recipe else 1)
    where = [f"{market.symbol} {interval_label(market.interval)}" for market in markets]
    return {"n": None, "floor": floor, "key": settings_key(settings, spec), "counted_per": where}


def libraries() -> dict[str, str]:
    """Versions of Python and of the libraries whose arithmetic is in the numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def code_version() -> str:
    """Version of the package and a hash of its source."""
    root = Path(cryptobt.__file__).parent
    sources = [path for path in root.rglob("*") if path.suffix in {".py", ".html", ".css", ".js"}]
    return f"{cryptobt.__version__}+{hash_source(sources)[:12]}"


def _code(
    spec: StrategySpec | ForecasterSpec | FeatureSet | None,
) -> dict[str, str | None] | None:
    return None if spec is None else {"name": spec.name, "file_hash": spec.file_hash or None}


def _data(market: MarketData) -> dict[str, Any]:
    return {
        "symbol": market.symbol,
        "source": market.source,
        "interval": interval_label(market.interval),
        "first": iso(market.times[0]),
        "last": iso(market.times[-1]),
        "rows": len(market.bars),
        "hash": market.hash,
        "snapshot": market.hash,
        "fetched_at": _moment(market.fetched_at),
        "simulated": market.simulated,
        "gaps": market.quality.gaps,
        "warnings": list(market.quality.warnings),
        "unanswered": market.quality.unanswered,
    }


def _extra(series: ExtraSeries) -> dict[str, Any]:
    return {
        "name": series.name,
        "source": series.source,
        "hash": series.hash,
        "lag_hours": series.lag_hours,
    }


def _moment(instant: pd.Timestamp | None) -> str | None:
    return None if instant is None else iso(instant)
