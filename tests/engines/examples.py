"""One example for each rule in which backtesting.py and cryptobt differ: the last equity of both.

``python -m tests.engines.examples`` prints what docs/engines.md says.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.data.sample import sample_market

from .both import (
    Ask,
    Script,
    Terms,
    Theirs,
    long_signal,
    our_all_in,
    our_orders,
    our_weights,
    ours,
    their_all_in,
    their_orders,
    their_weights,
    theirs,
)

Row = tuple[float, float, float, float]
FLAT: Row = (100.0, 100.0, 100.0, 100.0)
FREE = Terms(fee_bps=0.0)


@dataclass(frozen=True)
class Both:
    """The same orders in both engines."""

    ours: BacktestResult
    theirs: Theirs

    def last(self) -> tuple[float, float]:
        """Equity at the last close, ours first."""
        return float(self.ours.equity["equity_quote"].iloc[-1]), float(self.theirs.equity.iloc[-1])


def bars(*rows: Row) -> MarketData:
    """Bars of open, high, low, close, a day each; the orders come after the second."""
    index = pd.date_range("2024-01-01", periods=len(rows), tz="UTC", name="time")
    frame = pd.DataFrame(rows, index, columns=["open", "high", "low", "close"])
    return MarketData("COIN", pd.Timedelta(days=1), "test", frame.assign(volume=1.0))


def sent(market: MarketData, script: Script, terms: Terms = FREE, **sections: object) -> Both:
    return Both(
        ours(market, our_orders(script), terms, **sections),  # type: ignore[arg-type]
        theirs(market, their_orders(script, terms.lot), terms),
    )


@cache
def bitcoin() -> MarketData:
    return sample_market("BTC-USD").market


def followed(terms: Terms, other: Terms | None = None) -> Both:
    """The moving average of 20 days, all in and out, over ten years of the sample market."""
    market, other = bitcoin(), other or terms
    signal = long_signal(market)
    return Both(
        ours(market, our_all_in(signal), terms),
        theirs(market, their_all_in(signal, other), other),
    )


# Where the rules are the same


def nothing_differs() -> Both:
    return followed(Terms())


# Costs


def slippage_on_both_sides() -> Both:
    return followed(Terms(slippage_bps=5.0))


def spread_beyond_a_limit() -> Both:
    market = bars(FLAT, FLAT, (100.0, 100.0, 90.0, 100.0), FLAT)
    terms = Terms(fee_bps=0.0, slippage_bps=5.0)
    return sent(market, {1: [Ask("buy", 50.0, limit=95.0)]}, terms)


def funding() -> Both:
    market, weights = bitcoin(), [math.nan, 0.9] + [math.nan] * (len(bitcoin().bars) - 2)
    costs = {"funding_bps_per_day": 3.0}
    return Both(
        ours(market, our_weights(weights), FREE, costs=costs),
        theirs(market, their_weights(weights), FREE),
    )


# Sizes


def all_there_is() -> Both:
    """Their own way to spend all: a share of what there is at the open, in lots."""
    market, terms = bitcoin(), Terms()
    signal = long_signal(market)

    def act(strategy: object, bar: int) -> None:
        if signal[bar] and not strategy.position:  # type: ignore[attr-defined]
            strategy.buy()  # type: ignore[attr-defined]
        elif not signal[bar]:
            strategy.position.close()  # type: ignore[attr-defined]

    return Both(ours(market, our_all_in(signal), terms), theirs(market, act, terms))


def whole_coins() -> Both:
    """Their units as they are: coins; ours in the default lots."""
    return followed(Terms(lot=1e-8), Terms(lot=1.0))


def least_order() -> Both:
    market = bars(FLAT, FLAT, FLAT, (100.0, 200.0, 100.0, 200.0))
    least = {"min_notional_quote": 10.0}
    return sent(market, {1: [Ask("buy", 0.05)]}, sizing=least)


# What can be paid


def cash_at_sending() -> Both:
    market = bars(FLAT, FLAT, (95.0, 110.0, 95.0, 110.0))
    return sent(market, {1: [Ask("buy", 103.0)]})


def coins_not_held() -> Both:
    market = bars(FLAT, FLAT, FLAT, FLAT, (100.0, 100.0, 80.0, 80.0))
    return sent(market, {1: [Ask("buy", 10.0)], 2: [Ask("sell", 30.0)]})


def margin_by_the_bars_close() -> Both:
    """A sale at an open of 100, in a bar that closes at 160: the other refuses it there."""
    market = bars(FLAT, FLAT, FLAT, (100.0, 160.0, 100.0, 160.0), (150.0, 150.0, 150.0, 150.0))
    script: Script = {1: [Ask("sell", 40.0)], 2: [Ask("sell", 30.0)]}
    terms = Terms(fee_bps=0.0, allow_short=True)
    return sent(market, script, terms)


def ruin() -> Both:
    market = bars(
        FLAT, FLAT, FLAT, (100.0, 180.0, 100.0, 180.0), (185.0, 250.0, 185.0, 250.0), FLAT
    )
    return sent(market, {1: [Ask("sell", 100.0)]}, Terms(fee_bps=0.0, allow_short=True))


# Inside a bar


def stop_in_the_bar_of_its_entry() -> Both:
    market = bars(FLAT, FLAT, (100.0, 105.0, 94.0, 105.0), (105.0, 105.0, 105.0, 105.0))
    return sent(market, {1: [Ask("buy", 50.0, stop_loss=95.0, take_profit=120.0)]})


def stop_limit_beyond_a_gap() -> Both:
    high = (107.0, 109.0, 106.0, 108.0)
    market = bars(FLAT, FLAT, high, (108.0, 108.0, 108.0, 108.0))
    return sent(market, {1: [Ask("buy", 50.0, stop=105.0, limit=110.0)]})


def stop_limit_that_came_back() -> Both:
    turned = (104.0, 106.0, 100.0, 102.0)
    market = bars(FLAT, FLAT, turned, (110.0, 110.0, 110.0, 110.0))
    return sent(market, {1: [Ask("buy", 50.0, stop=105.0, limit=103.0)]})


# Begin and end


def first_bar() -> Both:
    rise = (110.0, 120.0, 110.0, 120.0)
    return sent(bars(FLAT, (100.0, 110.0, 100.0, 110.0), rise), {0: [Ask("buy", 50.0)]})


def fill_at_the_close() -> Both:
    """Their option to fill at the close that the decision was made by."""
    market = bars(FLAT, FLAT, (90.0, 95.0, 90.0, 95.0))
    script: Script = {1: [Ask("buy", 50.0)]}
    other = theirs(market, their_orders(script), FREE, trade_on_close=True)
    return replace(sent(market, script), theirs=other)


def trades_closed_at_the_end() -> Both:
    market = bars(FLAT, FLAT, FLAT, (110.0, 130.0, 110.0, 130.0))
    script: Script = {1: [Ask("buy", 50.0)]}
    other = theirs(market, their_orders(script), FREE, finalize_trades=True)
    return replace(sent(market, script), theirs=other)


EXAMPLES: dict[str, Callable[[], Both]] = {
    example.__name__: example
    for example in (
        nothing_differs, slippage_on_both_sides, spread_beyond_a_limit, funding, all_there_is,
        whole_coins, least_order, cash_at_sending, coins_not_held, margin_by_the_bars_close, ruin,
        stop_in_the_bar_of_its_entry, stop_limit_beyond_a_gap, stop_limit_that_came_back, first_bar,
        fill_at_the_close, trades_closed_at_the_end,
    )
}  # fmt: skip


def shown(name: str) -> tuple[str, str]:
    """Last equities of an example, ours first, as the document has them."""
    one, other = EXAMPLES[name]().last()
    return f"{one:,.2f}", f"{other:,.2f}"


def main() -> None:
    """Print every example."""
    for name in EXAMPLES:
        print(f"{name:32s} {shown(name)}")  # noqa: T201


if __name__ == "__main__":
    main()
