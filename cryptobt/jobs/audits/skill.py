"""Skill on markets where there can be none: orders of returns, or of labels, drawn anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT, BARS, CLOSE, PRICES, VOLUME
from cryptobt.core.types import BacktestResult, ExtraSeries, Forecasts, MarketData
from cryptobt.forecasters.folds import Samples

LUCK = 0.99
"""Part of the time that luck alone keeps a pipeline without skill inside what is allowed."""
_WARM = 50
"""Values by which the next ones are standardised, before the first counts."""
_FAR = 3.0


class Skill(NamedTuple):
    """How well numbers told the returns that followed them; the sum of two is that of both.

    Attributes
    ----------
    told, spread : float
        Sum of products of standardised number and return, and of their squares.
    right, calls : int
        Numbers whose side of their own past mean was the side of the return that followed.
    """

    told: float = 0.0
    spread: float = 0.0
    right: int = 0
    calls: int = 0

    def plus(self, other: "Skill") -> "Skill":
        """Both together."""
        return Skill(
            self.told + other.told,
            self.spread + other.spread,
            self.right + other.right,
            self.calls + other.calls,
        )

    @property
    def errors(self) -> float:
        """Standard errors by which it is above none; standard normal without skill."""
        return self.told / self.spread**0.5 if self.spread > 0 else 0.0

    @property
    def accuracy(self) -> float | None:
        """Share of the calls that came true."""
        return self.right / self.calls if self.calls else None


def skill_of(numbers: pd.Series, market: MarketData) -> Skill:
    """Measure how well numbers known at the close of each bar tell the next bar's return.

    Each number is set against the mean and deviation of those before it, so that none is judged
    by what came later; products with returns that cannot be known are then martingale
    differences, whatever made the numbers.

    Parameters
    ----------
    numbers : Series
        By time; a bar without one is left out.
    """
    moves = np.log(market.bars[CLOSE]).diff().shift(-1)
    past = numbers.expanding(_WARM)
    deviation = past.std().shift().where(lambda one: one > 0)
    standard = ((numbers - past.mean().shift()) / deviation).clip(-_FAR, _FAR)
    beyond = (moves - moves.mean()) / moves.std()
    together = pd.DataFrame({"said": standard, "came": beyond.clip(-_FAR, _FAR)}).dropna()
    said, came = together["said"].to_numpy(), together["came"].to_numpy()
    called = said != 0
    right = int(((said > 0) == (came > 0))[called].sum())
    products = said * came
    return Skill(float(products.sum()), float((products**2).sum()), right, int(called.sum()))


def shuffled(
    market: MarketData, extras: Sequence[ExtraSeries], seed: int
) -> tuple[MarketData, list[ExtraSeries]]:
    """The same bars in another order: nothing in them tells the next return any more.

    Range, volume, and the row of a series beside the bars that has the time of one move with the
    bar's return. Times, and so the gaps, stay.
    """
    bars = market.bars
    order = np.concatenate(
        [[0], 1 + np.random.default_rng([seed, len(bars)]).permutation(len(bars) - 1)]
    )
    logs = np.log(bars[list(PRICES)].to_numpy())
    before = np.concatenate([logs[:1, 3], logs[:-1, 3]])
    moved = (logs - before[:, None])[order]
    closes = before[0] + np.cumsum(moved[:, 3])
    starts = np.concatenate([before[:1], closes[:-1]])
    values = np.column_stack([np.exp(starts[:, None] + moved), bars[VOLUME].to_numpy()[order]])
    other = replace(market, bars=pd.DataFrame(values, bars.index, pd.Index(BARS)))
    return other, [_moved(series, market.times, order) for series in extras]


def _moved(series: ExtraSeries, times: pd.DatetimeIndex, order: np.ndarray) -> ExtraSeries:
    """Give rows that have the time of a bar the values of the bar's new place."""
    values = series.frame.drop(columns=AVAILABLE_AT)
    taken = pd.Series(times[order], times).reindex(values.index)
    both = taken.isin(values.index).to_numpy()
    frame = values.to_numpy(copy=True)
    frame[both] = values.reindex(taken[both].to_numpy()).to_numpy()
    moved = pd.DataFrame(frame, values.index, values.columns)
    return replace(series, frame=moved.assign(**{AVAILABLE_AT: series.frame[AVAILABLE_AT]}))


def relabelled(samples: Samples, seed: int) -> Samples:
    """The same windows with each other's labels: there is nothing to learn from them."""
    known = np.flatnonzero(np.isfinite(samples.targets).all(axis=1))
    drawn = np.random.default_rng([seed, len(known)]).permutation(known)
    targets = samples.targets.copy()
    targets[known] = samples.targets[drawn]
    return replace(samples, targets=targets)


@dataclass(frozen=True)
class Said:
    """What a pipeline said of every symbol at the close of each bar.

    Attributes
    ----------
    scores : mapping
        Symbol to its forecaster's score; empty without one.
    holdings : mapping
        Symbol to what the strategy decided to hold, as a share of equity; empty where orders
        filled inside bars, which no decision at a close tells.
    """

    scores: Mapping[str, pd.Series]
    holdings: Mapping[str, pd.Series]


def said_by(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    forecaster: str | None,
    account: BacktestResult,
) -> Said:
    """What a run's forecasts and its account said."""
    symbols = [market.symbol for market in markets]
    scores = {}
    if forecasts is not None and forecaster is not None:
        known = set(forecasts.frame["symbol"])
        scores = {
            symbol: forecasts.of(forecaster, symbol)["score"]
            for symbol in symbols
            if symbol in known
        }
    return Said(scores, _holdings(account, symbols))


def _holdings(account: BacktestResult, symbols: Sequence[str]) -> dict[str, pd.Series]:
    """Weight decided at each close: the one that was named, else what was held a bar later.

    That is taken in quantity, at this close's price and equity: the next bar's own move is not
    in it.
    """
    fills = account.fills.merge(account.orders[["order_id", "exec_type"]], on="order_id")
    if (fills["exec_type"] != "market").any():
        return {}
    equity = account.equity.set_index("time")["equity_quote"]
    weights, found = account.weights, {}
    for symbol in symbols:
        own = weights[weights["symbol"] == symbol].set_index("time")
        named = own["target_weight"]
        held = own["quantity_base"].shift(-1) * own["close"] / equity.reindex(own.index)
        found[symbol] = (named.ffill() if named.notna().any() else held).rename("weight")
    return found
