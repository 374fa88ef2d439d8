"""Lanes: groups of accounts that want the same weights, all traded in one go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.time import YEAR
from cryptobt.metrics.weight_equity import Paths, Prices, WeightAccounts, weight_equity

_DAYS_A_YEAR = YEAR.days


@dataclass(frozen=True)
class Lane:
    """Accounts that want the same weights.

    Attributes
    ----------
    weights : ndarray, shape (T, S)
        Wanted at each close; NaN for no opinion.
    bps : ndarray, shape (n,)
        Cost of a fill in each of its accounts.
    band : float
        Distance of weights that is left alone.
    shifts : ndarray of int, shape (n, R), or None
        Bars by which the weights of each account come late, around the end of each stretch.
    scaled : bool
        Whether the weights are still to be scaled to the volatility of the bar.
    whole : bool
        Whether the equity of its first account is kept at every bar.
    """

    weights: np.ndarray
    bps: np.ndarray
    band: float
    shifts: np.ndarray | None = None
    scaled: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Course:
    """What one lane's accounts came to.

    Attributes
    ----------
    sharpe, mean, exposure, turnover : ndarray, shape (n,)
        Annualised Sharpe ratio; mean return a bar; mean gross weight; mean value filled a bar as a
        share of the equity before.
    growth : ndarray, shape (rows, n)
        Of one unit, at the bars that are kept of every account.
    """

    sharpe: np.ndarray
    mean: np.ndarray
    exposure: np.ndarray
    turnover: np.ndarray
    growth: np.ndarray


class Lanes:
    """Several lanes over the same bars.

    Parameters
    ----------
    lanes : mapping
        Name to lane; those that are kept whole come first.
    scale : ndarray, shape (T, S)
        What weights that are still to be scaled are multiplied by at each close.
    rows : ndarray of int
        Bars at which growth is kept of every account.
    stretches : ndarray of int, shape (R,)
        First bars of the stretches that weights are shifted in; the first is 0.
    """

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        prices: Prices,
        scale: np.ndarray,
        settings: Settings,
        rows: np.ndarray,
        stretches: np.ndarray,
    ) -> None:
        self.lanes, self.prices, self.scale = lanes, prices, scale
        self.settings, self.rows, self.stretches = settings, rows, stretches

    def __contains__(self, name: str) -> bool:
        return name in self.lanes

    def course(self, name: str) -> Course:
        """What the accounts of a lane came to."""
        place, traded = self._places[name], self._traded
        periods = _DAYS_A_YEAR / self.prices.days
        sharpe = traded.sharpe(periods, self.settings.metrics.risk_free)
        return Course(
            sharpe[place],
            traded.mean[place],
            traded.exposure[place],
            traded.turnover[place],
            traded.glimpses[:, place] / self.settings.account.cash_quote,
        )

    def returns(self, name: str) -> np.ndarray:
        """Simple returns of the first account of a lane that is kept whole, shape (T − 1,)."""
        assert self.lanes[name].whole, "only some lanes are kept at every bar"
        equity = self._traded.equity[:, self._places[name].start]
        before = equity[:-1]
        return np.divide(equity[1:] - before, before, out=np.zeros(len(before)), where=before > 0)

    @cached_property
    def _places(self) -> dict[str, slice]:
        ends = np.cumsum([len(lane.bps) for lane in self.lanes.values()]).tolist()
        return {
            name: slice(end - len(lane.bps), end)
            for (name, lane), end in zip(self.lanes.items(), ends, strict=True)
        }

    @cached_property
    def _traded(self) -> WeightAccounts:
        lanes = list(self.lanes.values())
        fee, slippage = self._split(np.concatenate([lane.bps for lane in lanes]))
        band = np.repeat([lane.band for lane in lanes], [len(lane.bps) for lane in lanes])
        whole = sum(len(lane.bps) for lane in lanes if lane.whole)
        paths = Paths(_targets(lanes, self.scale, self.stretches), fee, slippage, band)
        return weight_equity(self.prices, paths, self.settings, whole, self.rows)

    def _split(self, bps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Divide costs into fee and slippage as the run's own is divided."""
        costs = self.settings.costs
        assumed = costs.fee_bps + costs.slippage_bps
        share = costs.fee_bps / assumed if assumed else 1.0
        return bps * share, bps * (1 - share)


def _targets(
    lanes: Sequence[Lane], scale: np.ndarray, stretches: np.ndarray
) -> Callable[[int], np.ndarray]:
    """From a bar's number to what every account wants at its close, shape (P, S)."""
    counts = [len(lane.bps) for lane in lanes]
    weights = np.stack([lane.weights for lane in lanes])
    # What was wanted last, for accounts that begin a stretch in the middle of a stay.
    steady = np.stack([pd.DataFrame(lane.weights).ffill().to_numpy() for lane in lanes])
    lane_of = np.repeat(np.arange(len(lanes)), counts)
    shifted = np.repeat([lane.shifts is not None for lane in lanes], counts)[:, None]
    none = (len(stretches),)
    late = [
        np.zeros((len(one.bps), *none), int) if one.shifts is None else one.shifts for one in lanes
    ]
    shifts = np.concatenate(late)
    scaled = np.repeat([lane.scaled for lane in lanes], counts)[:, None]
    ends = np.append(stretches[1:], len(scale))
    within = np.searchsorted(stretches, np.arange(len(scale)), side="right") - 1

    def wanted(bar: int) -> np.ndarray:
        stretch = within[bar]
        first, length = stretches[stretch], ends[stretch] - stretches[stretch]
        rows = first + (bar - first - shifts[:, stretch]) % length
        found = weights[lane_of, rows]
        if bar == first:
            found = np.where(shifted, steady[lane_of, rows], found)
        return np.where(scaled, found * scale[bar], found)

    return wanted
