"""Any backtrader strategy, made to trade here: it starts on time and can pay for what it buys."""

import math
from functools import lru_cache
from typing import Any

import backtrader as bt

from cryptobt.strategies.base import SignalStrategy
from cryptobt.strategies.sizing import TradingRules

RULES = "cryptobt_rules"
"""Parameter by which a stock strategy is given the run's rules, beside its own."""


class AllInSizer(bt.Sizer):
    """Size of an order that names none: a symbol's share of the account, or all that it closes.

    With one symbol a purchase spends all the cash. A fraction of a coin is bought, rounded down to
    lots, with room for fee, slippage and a gap; backtrader's own default is one whole coin, which
    most accounts cannot pay.
    """

    params = (("rules", None),)

    def _getsizing(self, _comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        if not len(data):
            return math.nan  # there is no price yet; the order is rejected
        held = float(self.broker.getposition(data).size)
        if held < 0 if isbuy else held > 0:
            return abs(held)
        rules: TradingRules = self.p.rules
        free = self._share(rules) - abs(held) * data.close[0]
        if not rules.sizing.allow_short:
            free = min(free, cash)
        return rules.round_down(max(free, 0.0) / (data.close[0] * rules.room()))

    def _share(self, rules: TradingRules) -> float:
        gross = self.broker.getvalue() * rules.sizing.max_gross
        return float(gross / len(self.strategy.datas))


class _OnTime:
    """Mixed in before a stock strategy: it decides from the run's first deciding bar on."""

    p: Any
    datetime: Any
    _delayed = False

    def start(self) -> None:
        self.rules: TradingRules = getattr(self.p, RULES)
        sizer = self.getsizer()  # type: ignore[attr-defined]
        if type(sizer) is bt.sizers.FixedSize and sizer.p.stake == 1:
            self.setsizer(AllInSizer(rules=self.rules))  # type: ignore[attr-defined]
        super().start()  # type: ignore[misc]

    def prenext(self) -> None:
        if self._trades_now():
            super().prenext()  # type: ignore[misc]

    def nextstart(self) -> None:
        if self._trades_now():
            super().nextstart()  # type: ignore[misc]
        else:
            self._delayed = True

    def next(self) -> None:
        if not self._trades_now():
            return
        if self._delayed:
            # Its first bar came before the run's: the strategy is told of it now.
            self._delayed = False
            super().nextstart()  # type: ignore[misc]
        else:
            super().next()  # type: ignore[misc]

    def _trades_now(self) -> bool:
        return bool(self.datetime[0] >= self.rules.start)


def fit_to_run(strategy: type[Any], rules: TradingRules) -> tuple[type[Any], dict[str, Any]]:
    """Give a strategy the run's rules.

    Returns
    -------
    class, dict
        A :class:`SignalStrategy` as it is, with the rules as a parameter; any other in a subclass
        that decides nothing before the first deciding bar, while its indicators warm up, and that
        sizes orders by :class:`AllInSizer` unless the strategy has set a sizer.
    """
    if issubclass(strategy, SignalStrategy):
        return strategy, {"rules": rules}
    return _on_time(strategy), {RULES: rules}  # type: ignore[arg-type]


# backtrader keeps every class that is made, and looks through their names for each new one.
@lru_cache(maxsize=256)
def _on_time(strategy: type[Any]) -> type[Any]:
    metaclass: Any = type(strategy)
    # backtrader looks a class up by its module.
    own = {"params": ((RULES, None),), "__module__": __name__}
    made = metaclass(strategy.__name__, (_OnTime, strategy), own)
    made.next = _OnTime.next  # the metaclass of backtrader's own SignalStrategy replaces it
    return made
