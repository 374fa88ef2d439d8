"""The rows of the table: the strategy and everything it must be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.forecasters.registry import TREND_ONLY, find_forecaster
from cryptobt.strategies.registry import SCORE_SIGNAL, STRATEGIES

BASELINES = ("buy_and_hold", "buy_and_hold_vol_target", "sma_trend", "momentum")
ROWS = ("strategy", "network_only", "trend_only", *BASELINES, "always_up")
NO_NETWORK = "this run has no network"
NO_FORECAST = "too few rows before the first decision to fit a fold"


@dataclass(frozen=True)
class Row:
    """One row: an account, the forecaster whose calls are scored, or why there is neither.

    Attributes
    ----------
    result : BacktestResult or None
        None where the row trades nothing.
    forecaster : str or None
        Name in the forecasts, for rows whose direction is a forecast's.
    calls : bool
        Whether the row calls a direction at all.
    reason : str
        Why a part of the row is absent.
    """

    result: BacktestResult | None
    forecaster: str | None = None
    calls: bool = True
    reason: str = ""

    @property
    def account(self) -> BacktestResult:
        """The account of a row that has one."""
        assert self.result is not None, "this row trades nothing"
        return self.result


def run_rows(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    lived: BacktestResult | None = None,
) -> dict[str, Row]:
    """Trade the strategy and every row beside it over the same dates, at the same costs.

    Parameters
    ----------
    lived : BacktestResult or None
        The strategy's account where it has one already, as a paper account with late decisions.
    """
    rows = {
        "strategy": _traded(lived or run_backtest(markets, forecasts, trader, settings), trader)
    }
    rows["network_only"] = _network_only(markets, forecasts, trader, settings)
    if forecasts is None:
        rows[TREND_ONLY] = Row(None, calls=False, reason=NO_FORECAST)
    else:
        alike = replace(_sized_alike(trader), forecaster=TREND_ONLY)
        rows[TREND_ONLY] = _row(markets, forecasts, alike, settings)
    for name in BASELINES:
        rows[name] = _row(markets, None, Trader(STRATEGIES[name], {}), settings)
    rows["always_up"] = Row(None, reason="a call without a position; its account is buy_and_hold")
    return rows


def _row(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
) -> Row:
    return _traded(run_backtest(markets, forecasts, trader, settings), trader)


def _traded(result: BacktestResult, trader: Trader) -> Row:
    forecaster = trader.forecaster if trader.spec.reads_forecasts else None
    calls = forecaster is not None or getattr(trader.spec.strategy, "calls_direction", False)
    return Row(result, forecaster, calls, "" if calls else "it calls no direction")


def _network_only(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
) -> Row:
    name = trader.forecaster
    if forecasts is None or name is None or not find_forecaster(name).trained:
        return Row(None, calls=False, reason=NO_NETWORK)
    alike = replace(_sized_alike(trader), forecaster=f"{name}_net")
    return _row(markets, forecasts, alike, settings)


def _sized_alike(trader: Trader) -> Trader:
    """The strategy itself where it reads forecasts, so that only the forecast differs."""
    if trader.forecaster is not None and trader.spec.reads_forecasts:
        return trader
    return Trader(SCORE_SIGNAL, {})
