"""Opening an account: everything is tried once before anything is written."""

import pandas as pd

from cryptobt.backtests.run import run_backtest
from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.extras import load_extras
from cryptobt.data.load import load_markets
from cryptobt.data.sources.registry import find_quotes
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.symbols import quality_warnings
from cryptobt.jobs.trader import trader_of
from cryptobt.paper.account import PaperAccount, check_free, frozen, open_account
from cryptobt.paper.gather import check_daily
from cryptobt.paper.quotes import quote_source


def init_account(settings: Settings, name: str, now: pd.Timestamp, events: Events) -> PaperAccount:
    """Open an account with these settings, frozen, once a backtest over its past has worked.

    Models that are fitted on the way are kept, so that the first night need not.

    Raises
    ------
    CryptobtError
        As a backtest, and if the name is taken, the settings or the bars are not those of an
        account, or the strategy does not give the same account twice.
    """
    check_free(name)
    chosen = frozen(settings)
    trader = trader_of(chosen)
    find_quotes(quote_source(chosen))
    events.step("loading data")
    markets = load_markets(chosen.data, now)
    for market in markets:
        check_daily(market)
    for warning in quality_warnings(markets):
        events.warn(warning)
    forecasts = None
    if trader.forecaster is not None:
        extras = load_extras(chosen.data, markets, now)
        events.step("forecasting")
        making = Forecasting(markets, extras, trader, chosen, events)
        forecasts = making.forecasts(making.features())
    _replay_twice(markets, forecasts, chosen)
    return open_account(chosen, name, now)


def _replay_twice(
    markets: list[MarketData], forecasts: Forecasts | None, settings: Settings
) -> None:
    """Refuse a strategy with a clock or unseeded randomness in it: its past would not replay."""
    trader = trader_of(settings)
    first, second = (run_backtest(markets, forecasts, trader, settings) for _ in range(2))
    for what in ("orders", "fills", "equity"):
        one, other = getattr(first, what), getattr(second, what)
        if not one.equals(other):
            raise UsageError(
                f"strategy '{trader.spec.name}' gave other {what} when it was run again over the "
                "same bars; take clocks and unseeded randomness out of it"
            )
