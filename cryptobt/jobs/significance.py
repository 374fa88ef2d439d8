"""Could it be luck? Tests of an account, of its calls and of its forecasts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.jobs.alternatives import SAME, TWINS, Alternatives
from cryptobt.jobs.trials import TrialCount
from cryptobt.metrics.bootstrap import Resampler
from cryptobt.metrics.calibration import crps_from_quantiles, reliability
from cryptobt.metrics.metric import Metric, absent, measured, with_interval
from cryptobt.metrics.performance import sharpe, sharpes
from cryptobt.metrics.sharpe import no_sharpe_significance, sharpe_significance
from cryptobt.metrics.significance import (
    NAMES,
    brier,
    clark_west,
    diebold_mariano,
    pesaran_timmermann,
    pinball,
)

QUANTILES = {"q05": 0.05, "q50": 0.50, "q95": 0.95}
SEVERAL = "several symbols move together, and the test takes every call for independent"
NO_CALL, NO_NUMBERS = "it calls no direction", "no calibrated forecast"
_KEPT = ("psr", "dsr", "min_track_record_bars")


@dataclass(frozen=True)
class Significance:
    """Builds ``significance`` and ``calibration`` of ``metrics.json``.

    Attributes
    ----------
    calls, realised : ndarray, shape (n, S)
        The strategy's calls and the returns that they are about.
    forecasts : DataFrame or None
        Rows of its forecaster, indexed by symbol and time; None where it has none.
    outcomes : Series
        Log return over the forecasts' horizon, by symbol and time; NaN where not known.
    horizon : int
        Bars that a forecast looks ahead.
    periods : float
        Bars a year.
    """

    alternatives: Alternatives
    calls: np.ndarray | None
    realised: np.ndarray
    forecasts: pd.DataFrame | None
    outcomes: pd.Series
    horizon: int
    trials: TrialCount
    resampler: Resampler | None
    settings: Settings
    periods: float

    def document(self) -> dict[str, Any]:
        """Everything but the calibration."""
        own, chosen = self.alternatives.ours.returns.to_numpy()[1:], self.settings.metrics
        said = self.trials.to_json()
        return {
            "bars": len(own),
            **_plain(self._sure(own, chosen.risk_free)),
            "trials": {name: said[name] for name in _TRIALS},
            "excess": self._excess(own),
            **self._tests(),
            **self._scores(),
            "pbo": said["pbo"],
        }

    def calibration(self) -> list[dict[str, float | int]]:
        """Probabilities of up against the share that went up, in tenths."""
        if self.forecasts is None:
            return []
        p_up, outcome = self.forecasts["p_up"], self._outcome
        return reliability(p_up.to_numpy(), outcome, level=self.settings.metrics.confidence)

    def _sure(self, returns: np.ndarray, risk_free: float, least: float = 0.0) -> dict[str, Metric]:
        count, level = self.trials, self.settings.metrics.confidence
        spread = max(count.variance, least)
        return sharpe_significance(returns, count.n, spread, self.periods, risk_free, level)

    def _excess(self, own: np.ndarray) -> dict[str, Any]:
        """What is left beyond the same exposure without a forecast: the harder of two twins.

        Trials that are mostly long share the market, and their Sharpe ratios differ less than
        their leads do: the spread of leads by luck alone is 1/T at least.
        """
        twin = self.alternatives.own_twin
        if twin is not None:
            mean, ratio = absent("ratio a year", SAME), absent("annualised ratio", SAME)
            sure = no_sharpe_significance(SAME)
        else:
            leads = {name: own - self.alternatives.twin(name) for name in TWINS}
            twin = min(TWINS, key=lambda name: sharpe(leads[name], self.periods))
            mean, ratio = self._lead(leads[twin])
            sure = self._sure(leads[twin], 0.0, 1 / len(own))
        kept = {name: sure[name] for name in _KEPT}
        return {"twin": twin, **_plain({"mean": mean, "sharpe": ratio, **kept})}

    def _lead(self, lead: np.ndarray) -> tuple[Metric, Metric]:
        mean = measured(float(lead.mean()) * self.periods, "ratio a year")
        ratio = measured(sharpe(lead, self.periods), "annualised ratio", "it does not vary")
        if self.resampler is None:
            return mean, ratio
        level = self.settings.metrics.confidence
        means, ratios = self.resampler.apply(
            lambda rows: np.column_stack(
                [lead[rows].mean(axis=1) * self.periods, sharpes(lead[rows], self.periods, 0.0)]
            )
        ).T
        return with_interval(mean, means, level), with_interval(ratio, ratios, level)

    @property
    def _outcome(self) -> np.ndarray:
        assert self.forecasts is not None, "there are forecasts"
        return self.outcomes.reindex(self.forecasts.index).to_numpy()

    def _tests(self) -> dict[str, Any]:
        several = self.realised.shape[1] > 1
        reason = SEVERAL if several else NO_CALL if self.calls is None else ""
        direction = _untested(reason)
        if not reason and self.calls is not None:
            # Outcomes that overlap are not independent: every h-th has none in common.
            called, came = self.calls[:: self.horizon, 0], self.realised[:: self.horizon, 0]
            direction = pesaran_timmermann(called, came)
        errors = beyond = _untested(NO_NUMBERS)
        if several:
            errors = beyond = _untested(SEVERAL)
        elif self.forecasts is not None and self.forecasts["mean"].notna().any():
            mean = self.forecasts["mean"].to_numpy()[:: self.horizon]
            outcome = self._outcome[:: self.horizon]
            errors = diebold_mariano(outcome - mean, outcome, 1)
            beyond = clark_west(outcome, mean, 1)
        tests = {
            "pesaran_timmermann": direction,
            "diebold_mariano": errors,
            "clark_west": beyond,
        }
        return {name: _plain(test) for name, test in tests.items()}

    def _scores(self) -> dict[str, Any]:
        """How true the probabilities and the quantiles were."""
        frame = self.forecasts
        if frame is None:
            none = absent("log return", NO_NUMBERS).to_json()
            score = absent("ratio", NO_NUMBERS).to_json()
            return {"brier": score, "crps": none, "pinball": dict.fromkeys(QUANTILES, none)}
        outcome, q = self._outcome, {name: frame[name].to_numpy() for name in QUANTILES}
        losses = {name: pinball(q[name], tau, outcome) for name, tau in QUANTILES.items()}
        return {
            "brier": brier(frame["p_up"].to_numpy(), outcome).to_json(),
            "crps": crps_from_quantiles(q["q05"], q["q50"], q["q95"], outcome).to_json(),
            "pinball": _plain(losses),
        }


_TRIALS = ("n", "counted", "floor", "ledger", "variance", "variance_from")


def _untested(reason: str) -> dict[str, Metric]:
    units = ("standard errors", "probability")
    return {name: absent(unit, reason) for name, unit in zip(NAMES, units, strict=True)}


def _plain(metrics: dict[str, Metric]) -> dict[str, Any]:
    return {name: metric.to_json() for name, metric in metrics.items()}
