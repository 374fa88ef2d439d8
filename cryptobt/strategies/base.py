"""The base of built-in strategies: a target weight at each close, turned into orders."""

from collections.abc import Mapping
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.time import DAY, epoch_ns
from cryptobt.strategies.sizing import Holding, TradingRules

_EPOCH_DAY = 719163  # proleptic Gregorian ordinal of 1970-01-01


class SignalStrategy(bt.Strategy):
    """A strategy that names a target weight for every symbol at its close.

    A subclass defines :meth:`score` and, where the weight is not simply "long while the score is
    positive", :meth:`target_weight`. The symbols share the account under the gross cap. Orders are
    sized at the close and fill at the next open; what only closes goes first, so that what it frees
    can be spent. A symbol joins when it is listed and its indicators have values; on a bar at which
    it has none it is left alone.

    Attributes
    ----------
    calls_direction : bool
        Whether the sign of the score is a call of the next bar's direction.
    volatility_scaled : bool
        Whether its weights shrink in proportion to the market's volatility, whatever the score.
    joined : bool
        Whether a symbol has been listed since the decision before.
    holdings : dict
        Feed of each symbol that has had a bar to what is held of it, with what comes before a late
        decision is made, and its last close.
    equity : float
        Worth of the account at this close.

    Causality: ``self.data.<line>[0]`` is the bar that has just closed; nothing later exists.
    """

    params: ClassVar[Any] = (("rules", None),)
    calls_direction: ClassVar[bool] = True
    volatility_scaled: ClassVar[bool] = False

    def __init__(self) -> None:
        self.rules: TradingRules = self.p.rules
        self.targets: dict[Any, float] = {}
        self.scores: dict[Any, float] = {}
        self.holdings: dict[Any, Holding] = {}
        self.equity = 0.0
        self.joined = False
        self._sent: list[Any] = []

    def score(self, data: Any) -> float:
        """Opinion about the symbol's next bar: positive for up, NaN for none."""
        raise NotImplementedError

    def target_weight(self, _data: Any, score: float) -> float:
        """Share of equity to hold of this symbol, given a score that is not NaN."""
        if score < 0 and self.rules.sizing.allow_short:
            return -1.0
        return 1.0 if score > 0 else 0.0

    def prenext(self) -> None:
        """Decide for the symbols that are ready while others are not."""
        self._decide()

    def next(self) -> None:
        """Decide at the close of a bar."""
        self._decide()

    def held_weight(self, data: Any) -> float:
        """Share of equity that is held of a listed symbol at this close; negative is short."""
        return self.holdings[data].value / self.equity if self.equity > 0 else 0.0

    def _decide(self) -> None:
        now = self.lines.datetime[0]
        if now < self.rules.start:
            return
        ready = self._look(now)
        self.scores = {data: self.score(data) for data in ready}
        wanted = {data: self._wanted(data, score) for data, score in self.scores.items()}
        # No opinion leaves what is held, and whatever it weighs.
        wanted = {data: weight for data, weight in wanted.items() if weight == weight}
        self._take_back(wanted)
        besides = sum(abs(self.held_weight(data)) for data in self.holdings if data not in wanted)
        self.targets = self.rules.under_cap(wanted, besides)
        if self.equity > 0:
            self._rebalance()

    def _look(self, now: float) -> list[Any]:
        """Read the account and the closes once.

        Returns
        -------
        list
            Symbols that have a bar now, and enough of them for their indicators.
        """
        listed, ready = len(self.holdings), []
        self.equity = self.broker.getvalue()
        self.holdings = {}
        coming = self._coming()
        for data, needed in zip(self.datas, self._minperiods, strict=True):
            bars, lines = len(data), data.lines
            if bars:
                size = self.broker.positions[data].size + coming.get(data, 0.0)
                self.holdings[data] = Holding(size, lines.close[0])
            if bars and bars >= needed and lines.datetime[0] == now:
                ready.append(data)
        self.joined = len(self.holdings) > listed
        return ready

    def _coming(self) -> dict[Any, float]:
        """Units that earlier decisions will have bought or sold before this one, late, is made."""
        self._sent = [order for order in self._sent if order.alive()]
        coming: dict[Any, float] = {}
        for order in self._sent:
            if self.broker.fills_first(order):
                coming[order.data] = coming.get(order.data, 0.0) + order.executed.remsize
        return coming

    def _take_back(self, wanted: Mapping[Any, float]) -> None:
        """Cancel what still waits of symbols that are decided anew: decisions that came late."""
        for order in self._sent:
            if order.data in wanted and not self.broker.fills_first(order):
                order.addinfo(reason="replaced by a later decision")
                self.cancel(order)
        self._sent = [order for order in self._sent if order.alive()]

    def _spent(self, coming: Mapping[Any, float]) -> float:
        """Cash that orders which fill before this decision will take, at worst."""
        room = self.rules.room()
        values = [size * self.holdings[data].close for data, size in coming.items()]
        return sum(value * room if value > 0 else value / room for value in values)

    def _wanted(self, data: Any, score: float) -> float:
        if score != score:  # NaN
            return score
        weight, limit = self.target_weight(data, score), self.rules.sizing.max_weight
        if weight < 0 and not self.rules.sizing.allow_short:
            raise UsageError(
                f"target_weight of {data._name} is {weight:g}, a short position, in a long/flat "
                "account; return 0 or more, or set sizing.allow_short=true"
            )
        return max(-limit, min(limit, weight)) if weight == weight else weight

    def _rebalance(self) -> None:
        """Send the orders that bring weights outside the band to their targets."""
        rules, equity, holdings = self.rules, self.equity, self.holdings
        gross_value = sum(abs(holding.value) for holding in holdings.values())
        band = rules.sizing.rebalance_band / len(holdings)
        over = gross_value > equity * rules.sizing.max_gross * (1 + 1e-9)
        changes = [
            change
            for data, target in self.targets.items()
            if (change := rules.change(data, target, holdings[data], equity, band=band, over=over))
        ]
        if not changes:
            return
        cash = self.broker.getcash() - self._spent(self._coming())
        for change in rules.affordable(changes, cash, equity, gross_value):
            ask = self.buy if change.side > 0 else self.sell
            size = change.closing + change.opening
            self._sent.append(ask(data=change.data, size=size, target_weight=change.target))


def day_numbers(times: pd.DatetimeIndex) -> np.ndarray:
    """Days since year 0, as backtrader's datetime line counts them, of aware instants."""
    # An array at once: backtrader's own date2num takes one datetime at a time.
    return epoch_ns(times) / DAY.value + _EPOCH_DAY


def instants(numbers: pd.Series) -> pd.Series:
    """Instants in UTC of backtrader's day numbers, to the second; NaT where there is none."""
    seconds = ((numbers - _EPOCH_DAY) * DAY.total_seconds()).round()
    return pd.to_datetime(seconds, unit="s", utc=True)
