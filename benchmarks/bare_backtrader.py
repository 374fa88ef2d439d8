"""The same trades by backtrader alone: stock engine, broker and feeds, the least code."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import backtrader as bt
import pandas as pd

from cryptobt.backtests.feed import FORECAST_LINES, make_feed
from cryptobt.core.settings import Settings
from cryptobt.core.time import naive_utc
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.volatility import annualised_volatility

SETTINGS = Settings()
GAIN, BASE = 0.5, 0.5


class Bare(NamedTuple):
    """What a bare run ends with."""

    equity_quote: float
    fills: int


class _Lines(bt.feeds.PandasData):  # type: ignore[misc]
    lines = (*FORECAST_LINES, "volatility")
    params = tuple((name, name) for name in (*FORECAST_LINES, "volatility"))


class _Fee(bt.CommInfoBase):  # type: ignore[misc]
    params = (("commtype", bt.CommInfoBase.COMM_PERC), ("stocklike", True), ("percabs", True))


class _Strategy(bt.Strategy):  # type: ignore[misc]
    """Trades the score at a volatility target: the arithmetic of attn_signal, and no more."""

    def next(self) -> None:
        """Size every symbol's order, sales first."""
        equity, cash = self.broker.getvalue(), self.broker.getcash()
        sizing, buys = SETTINGS.sizing, []
        weights = {data: _weight(data) for data in self.datas if not math.isnan(data.score[0])}
        factor = min(1.0, sizing.max_gross / max(sum(weights.values()), 1e-12))
        for data, weight in weights.items():
            close, held = data.close[0], self.getposition(data).size
            target = weight * factor
            near = abs(target - held * close / equity) < sizing.rebalance_band / len(self.datas)
            if near and not (target == 0 and held):
                continue
            size = target * equity / close - held
            if size > 0:
                buys.append((data, size))
                continue
            sold = held if target == 0 else _lots(-size)
            if sold * close >= sizing.min_notional_quote:
                self.sell(data, size=sold)
                cash += sold * close / _ROOM
        cost = sum(size * data.close[0] for data, size in buys) * _ROOM
        for data, size in buys:
            self.buy(data, size=_lots(size * min(1.0, cash / cost)))


def _weight(data: Any) -> float:
    exposure = min(max(BASE + GAIN * data.score[0], 0.0), 1.0)
    wild = data.volatility[0]
    return exposure * (min(1.0, SETTINGS.sizing.volatility_target / wild) if wild > 0 else 1.0)


_ROOM = (
    (1 + SETTINGS.costs.fee_bps / 1e4)
    * (1 + SETTINGS.costs.slippage_bps / 1e4)
    * (1 + SETTINGS.sizing.gap_reserve)
)


def _lots(size: float) -> float:
    return math.floor(size / SETTINGS.sizing.lot_step) * SETTINGS.sizing.lot_step


def stock_feed(market: MarketData, rows: pd.DataFrame) -> Any:
    """Make backtrader's own feed of a frame, with the same lines."""
    frame = market.bars.copy()
    for line, column in FORECAST_LINES.items():
        frame[line] = rows[column].reindex(market.times)
    frame["volatility"] = annualised_volatility(market.bars, market.interval)
    return _Lines(dataname=frame.set_axis(naive_utc(market.times)))


def run_bare(
    markets: Sequence[MarketData], forecasts: Forecasts, forecaster: str, *, our_feed: bool
) -> Bare:
    """Trade the forecasts with backtrader alone, on its own feeds or on ours."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(SETTINGS.account.cash_quote)
    cerebro.broker.addcommissioninfo(_Fee(commission=SETTINGS.costs.fee_bps / 1e4))
    cerebro.broker.set_slippage_perc(
        SETTINGS.costs.slippage_bps / 1e4, slip_open=True, slip_match=True, slip_out=True
    )
    make = make_feed if our_feed else stock_feed
    for market in markets:
        cerebro.adddata(make(market, forecasts.of(forecaster, market.symbol)))
    cerebro.addstrategy(_Strategy)
    (strategy,) = cerebro.run()
    filled = [order for order in strategy.broker.orders if order.status == order.Completed]
    return Bare(strategy.broker.getvalue(), len(filled))
