"""The same orders through ``run_backtest`` and through backtesting.py.

backtesting.py trades whole units: its prices are those of a lot, a millionth of a coin unless said
otherwise, so that both engines round a size to the same lots. It is installed for tests alone, and
is licensed under AGPL-3.0.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import BacktestResult, MarketData
from tests.backtests.accounts import make_settings, scripted, trader_of

LOT = 1e-6
CASH = 10_000.0
GAP_RESERVE = 0.01
Act = Callable[[Any, int], None]


@dataclass(frozen=True)
class Terms:
    """What both engines are told: costs, cash, and the lot.

    Attributes
    ----------
    slippage_bps : float
        Slippage of ours; the other engine's spread.
    """

    fee_bps: float = 10.0
    slippage_bps: float = 0.0
    cash: float = CASH
    lot: float = LOT
    allow_short: bool = False

    def settings(self, **sections: Mapping[str, Any]) -> Any:
        """Settings of ours: no band, no least order, no gap reserve unless said."""
        sizing = {
            "lot_step": self.lot, "min_notional_quote": 0.0, "rebalance_band": 0.0,
            "allow_short": self.allow_short,
        }  # fmt: skip
        own: dict[str, dict[str, Any]] = {
            "account": {"cash_quote": self.cash},
            "costs": {"fee_bps": self.fee_bps, "slippage_bps": self.slippage_bps},
            "sizing": sizing,
        }
        for name, values in sections.items():
            own[name] = {**own.get(name, {}), **values}
        return make_settings(**own)


def ours(
    market: MarketData, trader: Trader, terms: Terms, **sections: Mapping[str, Any]
) -> BacktestResult:
    """The account that ``run_backtest`` keeps."""
    return run_backtest([market], None, trader, terms.settings(**sections))


@dataclass(frozen=True)
class Theirs:
    """An account of backtesting.py: equity at each close, and what it warned of."""

    equity: pd.Series
    stats: pd.Series
    said: list[str]


def theirs(market: MarketData, act: Act, terms: Terms, **options: Any) -> Theirs:
    """The account that backtesting.py keeps of a strategy that acts at each close.

    Parameters
    ----------
    act : callable
        Called with its strategy and the number of the bar that has closed; sizes are in lots.
    **options
        Of its ``Backtest``.
    """

    class Acting(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            act(self, len(self.data) - 1)

    bars = market.bars.rename(columns=str.title).set_axis(market.times.tz_localize(None))
    prices = bars[["Open", "High", "Low", "Close"]] * terms.lot
    given = {"commission": terms.fee_bps / 1e4, "spread": terms.slippage_bps / 1e4, **options}
    # It warns of open trades, refused orders and prices above the cash: part of its answer.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stats = Backtest(prices, Acting, cash=terms.cash, **given).run()
    equity = pd.Series(stats["_equity_curve"]["Equity"].to_numpy(float), market.times)
    return Theirs(equity, stats, [str(one.message) for one in caught])


def gap(account: BacktestResult, other: Theirs) -> float:
    """Largest relative gap between the two equities at any close."""
    equity = account.equity["equity_quote"].to_numpy(float)
    assert len(equity) == len(other.equity)
    return float(np.max(np.abs(equity - other.equity.to_numpy(float)) / equity))


# The same orders, in the words of each engine


@dataclass(frozen=True)
class Ask:
    """An order: a side, coins, and prices; of coins None, all that is held is left."""

    side: str
    coins: float | None
    limit: float | None = None
    stop: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None


Script = Mapping[int, Sequence[Ask]]


def our_orders(script: Script) -> Trader:
    """Send a script to ``run_backtest``."""

    class Sending(bt.Strategy):
        def next(self) -> None:
            for ask in script.get(len(self.data) - 1, ()):
                _send_ours(self, ask)

    return trader_of(Sending)


def _send_ours(strategy: bt.Strategy, ask: Ask) -> None:
    if ask.coins is None:
        strategy.close()
        return
    kinds = {
        (True, False): bt.Order.Limit, (False, True): bt.Order.Stop,
        (True, True): bt.Order.StopLimit, (False, False): bt.Order.Market,
    }  # fmt: skip
    kind = kinds[ask.limit is not None, ask.stop is not None]
    prices = {"price": ask.stop if ask.stop is not None else ask.limit, "plimit": ask.limit}
    if ask.stop_loss or ask.take_profit:
        strategy.buy_bracket(
            size=ask.coins, exectype=kind, price=ask.limit, stopprice=ask.stop_loss,
            limitprice=ask.take_profit,
        )  # fmt: skip
        return
    send = strategy.buy if ask.side == "buy" else strategy.sell
    send(size=ask.coins, exectype=kind, **prices)


def their_orders(script: Script, lot: float = LOT) -> Act:
    """Send a script to backtesting.py, its prices and sizes in lots."""

    def act(strategy: Any, bar: int) -> None:
        for ask in script.get(bar, ()):
            if ask.coins is None:
                strategy.position.close()
                continue
            send = strategy.buy if ask.side == "buy" else strategy.sell
            prices = {
                "limit": ask.limit, "stop": ask.stop, "sl": ask.stop_loss, "tp": ask.take_profit,
            }  # fmt: skip
            scaled = {name: price * lot for name, price in prices.items() if price is not None}
            send(size=whole(ask.coins / lot), **scaled)

    return act


def whole(lots: float) -> int:
    """Whole lots; the last digits of a quotient are rounding."""
    return math.floor(lots + 1e-9 + 4e-15 * abs(lots))


# The same signals


def long_signal(market: MarketData, bars: int = 20) -> np.ndarray:
    """Whether the close is above its mean, from the bar on at which there is one."""
    closes = market.bars["close"]
    return (closes > closes.rolling(bars).mean()).to_numpy(bool)


def our_all_in(signal: np.ndarray) -> Trader:
    """Everything while the signal says so, sized by the account (docs/strategies.md, Sizes)."""

    class AllIn(bt.Strategy):
        def next(self) -> None:
            wanted = signal[len(self.data) - 1]
            if wanted and not self.position:
                self.buy()
            elif not wanted and self.position:
                self.close()

    return trader_of(AllIn)


def their_all_in(signal: np.ndarray, terms: Terms) -> Act:
    """The same, with the size worked out at the close from what there is then."""
    room = (1 + terms.fee_bps / 1e4) * (1 + terms.slippage_bps / 1e4) * (1 + GAP_RESERVE)

    def act(strategy: Any, bar: int) -> None:
        if signal[bar] and not strategy.position:
            strategy.buy(size=whole(strategy.equity / (strategy.data.Close[-1] * room)))
        elif not signal[bar] and strategy.position:
            strategy.position.close()

    return act


def our_weights(weights: Sequence[float]) -> Trader:
    """Hold these weights of equity, NaN for no opinion."""
    return scripted(weights)


def their_weights(weights: Sequence[float]) -> Act:
    """The same: buy or sell what is missing at the close, rounded down to lots."""

    def act(strategy: Any, bar: int) -> None:
        if math.isnan(weights[bar]):
            return
        if weights[bar] == 0.0:
            strategy.position.close()
            return
        held = sum(trade.size for trade in strategy.trades)
        change = weights[bar] * strategy.equity / strategy.data.Close[-1] - held
        against = change * held < 0
        closing = min(abs(change), abs(held)) if against else 0.0
        lots = whole(abs(change) - closing)
        if closing and lots:
            lots += abs(held)
        elif closing:
            lots = whole(closing)
        if lots >= 1:
            (strategy.buy if change > 0 else strategy.sell)(size=lots)

    return act
