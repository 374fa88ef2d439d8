"""Accounts that might have been: other costs, a bar later, the same exposure without a forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from cryptobt.backtests.margin import MARGIN_CALL
from cryptobt.core.columns import CLOSE, OPEN
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.features.volatility import annualised_volatility
from cryptobt.jobs.lanes import Course, Lane, Lanes
from cryptobt.jobs.rows import Row
from cryptobt.metrics.weight_equity import Prices

TABLE_BPS = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0)
"""Costs of a fill that are shown."""
LEVELS_BPS = (*np.arange(0.0, 50.1, 2.5).tolist(), *np.geomspace(60, 1000, 13).round().tolist())
"""Costs of a fill that break-evens are looked for between."""
COMPARED = ("strategy", "trend_only", "buy_and_hold")
TWINS = ("constant", "volatility_scaled")
LEAST_BARS = 60
"""Decisions below which no random strategy is made: its times could hardly be others."""
SAME = "it holds what the same exposure without a forecast holds"
_LEAST_DIFFERENCE = 0.02
"""Deviation of the lead over a twin, as a share of the account's own, below which it has none."""
_BAND_POINTS = 150
_LEAST_SHIFT = 20
"""A shift is at least this part of the run: less would be the strategy itself, a little late."""


class Alternatives:
    """Trades what the strategy wanted, and what it is compared with, under other conditions.

    All of them at once, by :func:`~cryptobt.metrics.weight_equity.weight_equity`. A stock
    strategy, which names no weights, is taken by those that it held.

    Parameters
    ----------
    rows : mapping
        Of the run, as :func:`cryptobt.jobs.rows.run_rows` gives them.
    scaled : bool
        Whether the strategy scales its weights to volatility.
    draws : int
        Random strategies; 0 for none.
    """

    def __init__(
        self,
        markets: Sequence[MarketData],
        rows: Mapping[str, Row],
        settings: Settings,
        *,
        scaled: bool,
        draws: int,
    ) -> None:
        self.markets, self.settings, self.scaled = markets, settings, scaled
        self.ours = rows["strategy"].account
        others = {name: rows[name].result for name in COMPARED if name != "strategy"}
        self.others = {name: result for name, result in others.items() if result is not None}
        self.times = self.ours.times
        self._held = self._table(self.ours, "weight")
        self.basis = "targets" if np.isfinite(self._wanted(self.ours)).any() else "held"
        trades = len(self.times) >= LEAST_BARS and len(self.ours.fills) > 0
        self.draws = draws if trades else 0
        self.levels = np.unique([*LEVELS_BPS, *TABLE_BPS, self.assumed_bps])

    @property
    def closed_out(self) -> bool:
        """Whether positions were ended by a margin call, which these accounts have none of."""
        return MARGIN_CALL in set(self.ours.orders["reason"])

    @property
    def waits_inside_bars(self) -> bool:
        """Whether orders were filled inside bars, limits or stops: weights cannot say when."""
        fills = self.ours.fills.merge(self.ours.orders[["order_id", "exec_type"]], on="order_id")
        return self.basis == "held" and bool((fills["exec_type"] != "market").any())

    @property
    def assumed_bps(self) -> float:
        """Cost of a fill that the run assumed: fee and slippage."""
        return self.settings.costs.fee_bps + self.settings.costs.slippage_bps

    def curve(self, name: str) -> Course | None:
        """A row of :data:`COMPARED`, or a twin, at each of ``levels``; None without an account."""
        return self._lanes.course(name) if name in self._lanes else None

    def twin(self, name: str) -> np.ndarray:
        """Simple returns of the same exposure without a forecast, after the first decision.

        ``constant`` holds of each symbol the mean weight that the strategy held of it, at all
        times; ``volatility_scaled`` the same on average, less of it when the market is wilder.
        Both trade at the run's costs and in its band, or in a quarter of the exposure where that is
        less: a small position would not be opened at all.

        Notes
        -----
        Causality: none is claimed. The mean weight is known at the end of the run: the question is
        what the same exposure would have earned, not whether anyone could have chosen it.
        """
        return self._lanes.returns(f"{name} at the assumed cost")

    @cached_property
    def own_twin(self) -> str | None:
        """The twin that holds what the strategy holds: no forecast makes a difference to it."""
        own = self.ours.returns.to_numpy()[1:]
        if len(own) < 2:
            return TWINS[0]  # over one bar every account of the same exposure is the same
        least = _LEAST_DIFFERENCE * own.std()
        alike = (name for name in TWINS if (own - self.twin(name)).std() <= least)
        return next(alike, None)

    @property
    def delayed(self) -> np.ndarray:
        """Simple returns of the strategy's weights, each traded one bar late."""
        return self._lanes.returns("delay")

    @property
    def random(self) -> Course | None:
        """The strategy's decisions at other times: shifted around the run, their order kept.

        Exposure, turnover and length of its stays are the strategy's, but for a stay that the shift
        parts at the ends of the run; which bars they fall on is chance. Where it scales to
        volatility, what is left besides is shifted. None with fewer than 60 decisions, and where
        nothing was traded.
        """
        return self.curve("random")

    @property
    def glimpsed(self) -> pd.DatetimeIndex:
        """Bars at which the growth of every account is kept."""
        return self.times[self._lanes.rows]

    @cached_property
    def _lanes(self) -> Lanes:
        bars = len(self.times)
        rows = np.unique(np.linspace(0, bars - 1, _BAND_POINTS).round().astype(int))
        return Lanes(self._all(), self._prices(), self._scale, self.settings, rows, self._stretches)

    def _all(self) -> dict[str, Lane]:
        band, now = self.settings.sizing.rebalance_band, np.array([self.assumed_bps])
        own, own_band = self._wanted(self.ours), band
        if self.basis == "held":
            # Every change of what was held was an order: none is left alone.
            own, own_band = self._held_again(), 0.0
        if self.waits_inside_bars:
            # What is held at a close is known then; how it came to be held inside the bar is not.
            own = self._held
        late = np.vstack([np.full((1, own.shape[1]), np.nan), own[:-1]])
        twins = self._twins()
        lanes = {"delay": Lane(late, now, own_band, whole=True)}
        for name, twin in twins.items():
            lanes[f"{name} at the assumed cost"] = replace(twin, bps=now, whole=True)
        lanes["strategy"] = Lane(own, self.levels, own_band)
        for name, account in self.others.items():
            lanes[name] = Lane(self._wanted(account), self.levels, band)
        lanes |= twins
        return lanes | ({"random": self._random(own, own_band)} if self.draws else {})

    def _random(self, own: np.ndarray, band: float) -> Lane:
        exposure = own / self._scale if self.scaled else own.copy()
        # Nothing is held before the first decision, nor of a symbol that is not listed.
        nothing = ~np.isfinite(self._held)
        nothing[0] |= ~np.isfinite(exposure[0])
        exposure[nothing] = 0.0
        shifts = self._shifts()
        costs = np.full(len(shifts), self.assumed_bps)
        return Lane(exposure, costs, band, shifts, self.scaled)

    def _shifts(self) -> np.ndarray:
        """Bars by which each random account comes late in each stretch, shape (n, R)."""
        bars = len(self.times)
        stream = np.random.default_rng([self.settings.metrics.bootstrap_seed, bars])
        ends = np.append(self._stretches[1:], bars)
        lengths = (ends - self._stretches).tolist()
        ranges = [(n // _LEAST_SHIFT, n - n // _LEAST_SHIFT) for n in lengths]
        if len(ranges) == 1 and ranges[0][1] - ranges[0][0] < self.draws:
            # No more differ than there are: each of them once.
            return stream.permutation(np.arange(*ranges[0]))[:, None]
        columns = [stream.integers(low, high, self.draws) for low, high in ranges]
        return np.column_stack(columns)

    def _twins(self) -> dict[str, Lane]:
        held = np.nan_to_num(self._held)
        constant, usual = (self._mean_of(table) for table in (held, self._scale))
        scaled = constant * self._scale / np.where(usual > 0, usual, 1.0)
        meant = float(np.abs(constant).sum(axis=1).mean())
        band = min(self.settings.sizing.rebalance_band, meant / 4)
        wanted = zip(TWINS, (constant, scaled), strict=True)
        return self._as_exposed({n: Lane(w, self.levels, band) for n, w in wanted}, meant)

    def _as_exposed(self, twins: Mapping[str, Lane], meant: float) -> dict[str, Lane]:
        """Make up for what drift inside the band adds to a twin's exposure, or takes from it."""
        now = np.array([self.assumed_bps])
        first = {name: replace(twin, bps=now) for name, twin in twins.items()}
        nowhere = np.zeros(0, dtype=int)
        tried = Lanes(first, self._prices(), self._scale, self.settings, nowhere, self._stretches)
        exposed = {name: float(tried.course(name).exposure[0]) for name in twins}
        share = {name: meant / one if one > 0 else 1.0 for name, one in exposed.items()}
        return {name: replace(t, weights=t.weights * share[name]) for name, t in twins.items()}

    def _mean_of(self, table: np.ndarray) -> np.ndarray:
        """Mean of each column over each stretch, at each of its bars, shape (T, S)."""
        lengths = np.diff(np.append(self._stretches, len(table)))
        means = np.add.reduceat(table, self._stretches, axis=0) / lengths[:, None]
        return np.repeat(means, lengths, axis=0)

    @cached_property
    def _stretches(self) -> np.ndarray:
        """First bars of the stretches in which the same symbols can be traded.

        An account that waits for a symbol has another exposure before than after: compared with one
        mean for both it would look as if it had known when to wait.
        """
        opinions = np.isfinite(self._wanted(self.ours) if self.basis == "targets" else self._held)
        bars = np.isfinite(self._prices().closes)
        joins = np.where(opinions.any(axis=0), opinions.argmax(axis=0), 0)
        ends = np.where(bars.any(axis=0), len(bars) - bars[::-1].argmax(axis=0), len(bars))
        # A symbol that misses the last bars has not ended.
        ended = ends[ends <= len(bars) - LEAST_BARS]
        return np.unique([0, *joins, *ended])

    @cached_property
    def _scale(self) -> np.ndarray:
        """Volatility target over volatility at each close, at most 1, shape (T, S)."""
        columns = [
            annualised_volatility(market.bars, market.interval).reindex(self.times)
            for market in self.markets
        ]
        volatility = np.column_stack(columns)
        # As the strategies do: full size where there is no volatility yet.
        scale = self.settings.sizing.volatility_target / np.where(volatility > 0, volatility, 1e-9)
        return np.minimum(scale, 1.0)

    def _held_again(self) -> np.ndarray:
        """Weights that lead to the quantities that were held, where they changed."""
        quantity = np.nan_to_num(self._table(self.ours, "quantity_base"))
        closes = np.nan_to_num(self._table(self.ours, "close"))
        ahead = np.vstack([quantity[1:], quantity[-1:]])
        equity = self.ours.equity["equity_quote"].to_numpy()[:, None]
        wanted = np.divide(ahead * closes, equity, out=np.zeros_like(ahead), where=equity > 0)
        return np.where(ahead != quantity, wanted, np.nan)

    def _wanted(self, account: BacktestResult) -> np.ndarray:
        return self._table(account, "target_weight")

    def _table(self, account: BacktestResult, column: str) -> np.ndarray:
        """One column of an account's weights, shape (T, S); NaN before a symbol's listing."""
        wide = account.weights.set_index(["time", "symbol"])[column].unstack()  # noqa: PD010
        symbols = [market.symbol for market in self.markets]
        return wide.reindex(index=self.times, columns=symbols).to_numpy(float)

    def _prices(self) -> Prices:
        opens, closes = (
            np.column_stack([market.bars[name].reindex(self.times) for market in self.markets])
            for name in (OPEN, CLOSE)
        )
        return Prices(opens, closes, self.markets[0].interval / DAY)
