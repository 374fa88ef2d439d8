"""What a leak would be worth: the pipeline beside twins of it that were given the future."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.columns import CLOSE, FORECASTS
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.feature_set import FeatureSet, FeatureTable
from cryptobt.features.sets import find_feature_set
from cryptobt.features.volatility import ewma_volatility
from cryptobt.jobs.audits.asking import Columns
from cryptobt.jobs.audits.checks import LEAK, Check, Question
from cryptobt.jobs.audits.features import FeatureChecks
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.audits.judged import started
from cryptobt.jobs.audits.pipeline import Pipeline
from cryptobt.jobs.audits.shown import Shown, beside_twins, shown_by
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.rows import ROWS, Row
from cryptobt.strategies.registry import SCORE_SIGNAL

CORRELATIONS = (0.05, 0.1, 0.3, 1.0)
"""Of the column that is given to a twin with the next bar's return."""
TOMORROW = "tomorrow"
TWIN = Question(
    "a leaking twin",
    "deep",
    "a table with a column that knows a little of tomorrow's return is found to leak",
)
SCALER_TWIN = Question(
    "a twin whose scaler sees everything", "deep", "its settings are found to let the future in"
)
_HONEST = "as it is"
_SCALER = "its scaler sees everything"
_SEED = 20_141


def with_tomorrow(frame: pd.DataFrame, bars: pd.DataFrame, correlation: float) -> pd.DataFrame:
    """Add, as the first column, one that has this correlation with the next bar's return.

    Causality: none; it is a leak on purpose. The return is over σ; the rest of the column is
    normal noise that the number of the bar alone decides, so that cutting bars away moves nothing
    but the last row.
    """
    moves = np.log(bars[CLOSE]).diff().shift(-1) / ewma_volatility(bars)
    noise = np.random.default_rng(_SEED).standard_normal(len(bars))
    known = correlation * moves.fillna(0.0) + np.sqrt(1 - correlation**2) * noise
    # Where σ is not known yet there is no column, as in the warm-up of any other.
    column = known.where(ewma_volatility(bars).notna())
    return pd.concat([column.rename(TOMORROW), frame], axis=1)


@dataclass(frozen=True)
class Twins:
    """The pipeline with the future among what it is given, at several strengths."""

    pipeline: Pipeline

    @cached_property
    def shown(self) -> dict[float, Shown]:
        """What each twin would have shown, by its correlation with tomorrow."""
        found = {}
        for number, rho in enumerate(CORRELATIONS, start=1):
            self.pipeline.events.step(f"deep: leaking twin {number} of {len(CORRELATIONS)}")
            found[rho] = self._given(rho) if self.pipeline.fitted else self._traded(rho)
        return found

    @cached_property
    def honest(self) -> Shown:
        """What the pipeline shows as it is."""
        return self._measured(self.pipeline.forecasts, self.pipeline.trader)

    def checks(self) -> list[Check]:
        """See that the audit catches its own leaks."""
        return [self._caught(), self._scaler_caught()]

    def document(self) -> dict[str, Any]:
        """``worth`` of ``audit.json``."""
        rows = [self.honest.row(_HONEST, "the pipeline that was audited")]
        rows += [shown.row(_name(rho), self._meaning(rho)) for rho, shown in self.shown.items()]
        if self._has_scaler_twin:
            self.pipeline.events.step("deep: twin whose scaler sees everything")
            meaning = "scaled by rows that come after those it is fitted to, as in some papers"
            rows.append(self._all_seen().row(_SCALER, meaning))
        return {"rows": rows, "text": beside_twins(self.honest, self.shown, self._target)}

    def _caught(self) -> Check:
        """Ask the quick questions about a table that leaks as little as any twin's."""
        pipeline, market = self.pipeline, self.pipeline.markets[0]
        base, rho = find_feature_set(pipeline.settings.features.set), min(CORRELATIONS)

        def columns(bars: pd.DataFrame, extras: pd.DataFrame) -> pd.DataFrame:
            return with_tomorrow(base.compute(bars, extras), bars, rho)

        twin = FeatureSet("twin", "", columns, base.warm_up_bars, base.extras)
        world = World(market, tuple(pipeline.extras.get(market.symbol, ())))
        checks = FeatureChecks(Columns(twin), world, few=True).checks()
        found = [one for one in checks if one.outcome == LEAK and one.column == TOMORROW]
        if found:
            told = f"'{found[0].name}' finds the column with a correlation of {rho:g}"
            return TWIN.passed(f"{told} from {found[0].time:%F} on")
        asked = "; ".join(f"{one.name}: {one.outcome}" for one in checks)
        return TWIN.noted(f"it is not found ({asked}): a leak of this table could be missed")

    def _scaler_caught(self) -> Check:
        if not self._has_scaler_twin:
            return SCALER_TWIN.not_asked("nothing is scaled, or the scaler sees everything already")
        found = any("scaler_sees" in way for way in paper_ways(self._seeing_all.settings))
        if not found:
            return SCALER_TWIN.noted("no warning names it: a scaler that sees too much is missed")
        return SCALER_TWIN.passed("the check of settings names features.scaler_sees")

    @property
    def _has_scaler_twin(self) -> bool:
        features = self.pipeline.settings.features
        honest = features.scaler_sees != "everything" and features.scaling != "window"
        return self.pipeline.fitted and honest

    @property
    def _seeing_all(self) -> Pipeline:
        settings = self.pipeline.settings
        features = settings.features.model_copy(update={"scaler_sees": "everything"})
        return replace(self.pipeline, settings=settings.model_copy(update={"features": features}))

    def _all_seen(self) -> Shown:
        twin = self._seeing_all
        return self._measured(twin.forecasting.forecasts(self.pipeline.tables), twin.trader)

    def _given(self, rho: float) -> Shown:
        """Fit the twin to the features and the leak beside them."""
        tables = {
            market.symbol: self._leaking(self.pipeline.tables[market.symbol], market, rho)
            for market in self.pipeline.markets
        }
        forecasts = self.pipeline.forecasting.forecasts(tables)
        return self._measured(forecasts, self.pipeline.trader)

    def _leaking(self, table: FeatureTable, market: MarketData, rho: float) -> FeatureTable:
        return replace(table, frame=with_tomorrow(table.frame, market.bars, rho))

    def _traded(self, rho: float) -> Shown:
        """Trade the leak itself: of a rule there is nothing that could be fitted to it."""
        nothing = pd.DataFrame(columns=list(FORECASTS))
        times = self.pipeline.account(self.pipeline.forecasts).times
        frames = []
        for market in self.pipeline.markets:
            bars = market.bars
            column = with_tomorrow(pd.DataFrame(index=bars.index), bars, rho)[TOMORROW]
            known = column.reindex(market.times.intersection(times)).dropna()
            rows = {"time": known.index, "score": known.to_numpy()}
            frame = pd.DataFrame(rows).reindex(columns=nothing.columns)
            frames.append(frame.assign(symbol=market.symbol, forecaster=TOMORROW, horizon_bars=1))
        made = Forecasts(pd.concat(frames, ignore_index=True))
        return self._measured(made, Trader(SCORE_SIGNAL, {}, TOMORROW))

    def _measured(self, forecasts: Forecasts | None, trader: Trader) -> Shown:
        twin = replace(self.pipeline, trader=trader)
        named = trader.forecaster if trader.spec.reads_forecasts else None
        calls = named is not None or getattr(trader.spec.strategy, "calls_direction", False)
        rows = {name: Row(None, calls=False) for name in ROWS}
        rows["strategy"] = Row(twin.account(forecasts), named, calls)
        # The intervals are not shown: few draws are enough.
        few = twin.settings.metrics.model_copy(update={"bootstrap_draws": 100})
        settings = started(twin.settings, forecasts).model_copy(update={"metrics": few})
        return shown_by(Measures(twin.markets, forecasts, rows, settings))

    def _meaning(self, rho: float) -> str:
        given = "given one more column" if self.pipeline.fitted else "in its place, a score"
        if rho == 1:
            return f"{given}: the next bar's return itself"
        return f"{given} that has a correlation of {rho:g} with the next bar's return"

    @property
    def _target(self) -> str:
        target = self.pipeline.settings.forecaster.target
        return {"trend": "the smoothed trend", "scaled_close": "the scaled close"}.get(
            target, target.replace("_", " ")
        )


def _name(rho: float) -> str:
    return "knows tomorrow" if rho == 1 else f"knows {rho:g} of tomorrow"
