"""Rows of the forecasts table: scores with what calibration makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE, FORECASTS
from cryptobt.core.hashing import hash_json
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.features.volatility import ewma_volatility
from cryptobt.features.windows import unbroken_rows
from cryptobt.forecasters.calibration import calibrate
from cryptobt.forecasters.folds import Fold
from cryptobt.forecasters.registry import ForecasterSpec, design_of


@dataclass(frozen=True)
class Outcomes:
    """What came after each bar.

    Attributes
    ----------
    horizon : int
        Bars ahead.
    outcome : ndarray, shape (n,)
        Log return over the horizon, over σ; NaN where not known yet or across a gap.
    deviation : ndarray, shape (n,)
        σ of the log return over the horizon, known at the bar.
    """

    horizon: int
    outcome: np.ndarray
    deviation: np.ndarray


def realised(market: MarketData, horizon: int) -> Outcomes:
    """Measure what came after each bar, in units of what was to be expected."""
    log_close = np.log(market.bars[CLOSE].to_numpy())
    deviation = ewma_volatility(market.bars).to_numpy() * np.sqrt(horizon)
    outcome = np.full(len(log_close), np.nan)
    outcome[:-horizon] = (log_close[horizon:] - log_close[:-horizon]) / deviation[:-horizon]
    unbroken = unbroken_rows(market.times, market.interval)
    outcome[:-horizon][unbroken[horizon:] < horizon] = np.nan
    return Outcomes(horizon, outcome, deviation)


class ForecastTable:
    """Builds the forecast rows of one symbol.

    Parameters
    ----------
    outcomes : sequence of Outcomes
        Of every horizon.
    start : int
        First bar that has a row; earlier forecasts only calibrate later ones.
    folds : list of Fold
        Whose forecasts are given to :meth:`rows`, in order.
    """

    def __init__(
        self,
        market: MarketData,
        settings: Settings,
        outcomes: Sequence[Outcomes],
        start: int,
        folds: list[Fold],
    ) -> None:
        self.market, self.settings, self.start = market, settings, start
        self.outcomes = outcomes
        self.forecast_rows = np.concatenate([fold.predicted for fold in folds])
        self.fold_names = np.concatenate([[fold.date] * len(fold.predicted) for fold in folds])
        self.trained_until = np.concatenate(
            [[market.times[f.stop - 1] + market.interval] * len(f.predicted) for f in folds]
        )

    def rows(
        self, forecaster: str, spec: ForecasterSpec, z: np.ndarray, trend_share: float = 0.0
    ) -> pd.DataFrame:
        """Rows of one forecaster from the first decision on, of every horizon.

        Parameters
        ----------
        forecaster : str
            Its name in the table.
        z : ndarray, shape (m, H, seeds)
            As in :class:`~cryptobt.forecasters.answers.Answers`. Without an opinion, no row.
        trend_share : float
            Share of the known trend in it.
        """
        model_id = self._model_id(forecaster, spec, trend_share)
        frames = [
            self._horizon(forecaster, model_id, z[:, min(number, z.shape[1] - 1)], outcomes)
            for number, outcomes in enumerate(self.outcomes)
        ]
        return pd.concat(frames, ignore_index=True)

    def _horizon(
        self, forecaster: str, model_id: str, z: np.ndarray, outcomes: Outcomes
    ) -> pd.DataFrame:
        said = np.isfinite(z).all(axis=1)
        rows, z, horizon = self.forecast_rows[said], z[said], outcomes.horizon
        score = z.mean(axis=1)
        calibrated = calibrate(
            rows, score, outcomes.outcome[rows], outcomes.deviation[rows], horizon
        )
        times = self.market.times[rows]
        made_at = times + self.market.interval
        frame = pd.DataFrame(
            {
                "time": times,
                "symbol": self.market.symbol,
                "horizon_bars": horizon,
                "model_id": model_id,
                "forecaster": forecaster,
                "made_at": made_at,
                "target_at": made_at + horizon * self.market.interval,
                "score": score,
                **calibrated._asdict(),
                "seed_spread": z.std(axis=1, ddof=1) if z.shape[1] > 1 else np.nan,
                "trained_until": self.trained_until[said],
                "fold": self.fold_names[said],
            }
        )
        return frame[rows >= self.start][list(FORECASTS)].reset_index(drop=True)

    def _model_id(self, forecaster: str, spec: ForecasterSpec, trend_share: float) -> str:
        parts = self.settings.model_dump(include={"features", "forecaster", "walkforward"})
        parts["forecaster"] |= {"name": spec.name, "trend_share": trend_share}
        return f"{forecaster}-{hash_json([design_of(spec, self.settings, 1), parts])[:8]}"
