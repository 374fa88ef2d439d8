"""What speaks for a run and what against it: the sections behind the verdict, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptobt.core.types import BacktestResult
from cryptobt.jobs.alternatives import Alternatives
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.risk import risk_document
from cryptobt.jobs.robustness import Robustness
from cryptobt.jobs.significance import Significance
from cryptobt.jobs.trials import TrialCount
from cryptobt.jobs.verdict import verdict
from cryptobt.metrics.attribution import attribution
from cryptobt.strategies.registry import StrategySpec


@dataclass(frozen=True)
class Evidence:
    """Builds what ``metrics.json`` has beside the table.

    Attributes
    ----------
    measures : Measures
        Of the run.
    spec : StrategySpec
        Of its strategy.
    seeds : sequence of BacktestResult
        The strategy by each seed of the ensemble alone; empty where there is one.
    """

    measures: Measures
    spec: StrategySpec
    trials: TrialCount
    seeds: Sequence[BacktestResult] = ()

    def document(self, table: dict[str, Any], ways: Sequence[str] = ()) -> dict[str, Any]:
        """Add everything to the document of the table; the verdict comes from all of it.

        Parameters
        ----------
        ways : sequence of str
            Settings that let the run see the future, in words.
        """
        measures, settings = self.measures, self.measures.settings
        chosen = settings.robustness
        alternatives = Alternatives(
            measures.markets,
            measures.rows,
            settings,
            scaled=getattr(self.spec.strategy, "volatility_scaled", False),
            draws=chosen.random_strategies if chosen.enabled else 0,
        )
        significance = self._significance(alternatives)
        whole = {
            **table,
            "significance": significance.document(),
            "calibration": significance.calibration(),
            "risk": self._risk(),
            "robustness": self._robustness(alternatives),
            "attribution": self._attribution(),
        }
        return {"verdict": verdict(whole, ways), **whole}

    def _significance(self, alternatives: Alternatives) -> Significance:
        measures = self.measures
        found = measures.forecast_rows()
        calls, realised = measures.called(measures.rows["strategy"], measures.ahead.columns)
        return Significance(
            alternatives,
            calls,
            realised,
            None if found is None else found[0],
            measures.outcomes(measures.ahead.columns),
            measures.settings.forecaster.horizons[0],
            self.trials,
            measures.resampler,
            measures.settings,
            measures.periods,
        )

    def _risk(self) -> dict[str, Any]:
        measures = self.measures
        found = measures.forecast_rows()
        return risk_document(
            measures.rows["strategy"].account,
            None if found is None else found[0],
            measures.outcomes(measures.ahead.columns),
            measures.markets[0].interval,
            measures.level,
        )

    def _robustness(self, alternatives: Alternatives) -> dict[str, Any]:
        measures = self.measures
        if not measures.settings.robustness.enabled:
            return {"reason": "robustness.enabled is false"}
        return Robustness(
            alternatives,
            self.seeds,
            measures.moves,
            measures.resampler,
            measures.settings,
            measures.markets[0].interval,
        ).document()

    def _attribution(self) -> dict[str, Any]:
        measures = self.measures
        parts = attribution(
            measures.rows["strategy"].account,
            measures.moves,
            measures.periods,
            measures.resampler,
            measures.level,
        )
        return {name: part.to_json() for name, part in parts.items()}
