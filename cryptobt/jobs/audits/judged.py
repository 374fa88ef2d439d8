"""One verdict, by the code of every run, without counting the run as a trial or drawing a page."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.settings import Settings
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.forecasters.registry import TREND_ONLY, find_forecaster
from cryptobt.jobs.evidence import Evidence
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.robustness import seed_accounts
from cryptobt.jobs.rows import NO_NETWORK, ROWS, Row
from cryptobt.jobs.trials import TrialCount
from cryptobt.strategies.registry import SCORE_SIGNAL, STRATEGIES

NOT_TRADED = "no rule that is judged reads it"


class Judgement(NamedTuple):
    """What a run is judged to be.

    Attributes
    ----------
    document : dict
        ``metrics.json``, the rows that are not traded left out of it.
    measures : Measures
        That it was made by.
    """

    document: dict[str, Any]
    measures: Measures

    @property
    def grade(self) -> str:
        """``none``, ``weak`` or ``evidence``."""
        return str(self.document["verdict"]["grade"])

    @property
    def kept(self) -> tuple[str, ...]:
        """Rules of the verdict that hold."""
        reasons = self.document["verdict"]["reasons"]
        return tuple(reason["rule"] for reason in reasons if reason["holds"])

    @property
    def excess(self) -> float | None:
        """Sharpe ratio of the lead over the same exposure without a forecast."""
        value: float | None = self.document["significance"]["excess"]["sharpe"]["value"]
        return value


def judge(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    beside: Collection[str] = (),
) -> Judgement:
    """Trade, measure and judge as ``cryptobt backtest`` does; one setting counts as tried.

    Parameters
    ----------
    forecasts : Forecasts or None
        None for a strategy that needs none, where none can be made.
    beside : collection of str
        Strategies that it is compared with besides, of those that come with cryptobt.
    """
    settings = started(settings, forecasts)
    rows = _rows(markets, forecasts, trader, settings, beside)
    measures = Measures(markets, forecasts, rows, settings)
    bars = max(len(rows["strategy"].account.times) - 1, 1)
    once = TrialCount(1, 1, 1, True, 1 / bars, "1/T", {})
    seeds = seed_accounts(markets, forecasts, trader, settings)
    table = measures.document(trader.spec.name, ())
    evidence = Evidence(measures, trader.spec, once, seeds)
    return Judgement(evidence.document(table, paper_ways(settings)), measures)


def started(settings: Settings, forecasts: Forecasts | None) -> Settings:
    """Give every row the first decision of the forecasts."""
    if forecasts is None:
        return settings
    start = {"start": forecasts.frame["time"].min().isoformat()}
    return settings.model_copy(update={"data": settings.data.model_copy(update=start)})


def _rows(
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
    settings: Settings,
    beside: Collection[str],
) -> dict[str, Row]:
    """The strategy, and of one that learns the rows that it is judged against."""

    def traded(one: Trader) -> Row:
        named = one.forecaster if one.spec.reads_forecasts else None
        calls = named is not None or getattr(one.spec.strategy, "calls_direction", False)
        return Row(run_backtest(markets, forecasts, one, settings), named, calls)

    rows = {name: Row(None, calls=False, reason=NOT_TRADED) for name in ROWS}
    rows["strategy"] = traded(trader)
    rows["network_only"] = Row(None, calls=False, reason=NO_NETWORK)
    name = trader.forecaster
    if forecasts is not None and name is not None and find_forecaster(name).trained:
        alike = trader if trader.spec.reads_forecasts else Trader(SCORE_SIGNAL, {})
        rows[TREND_ONLY] = traded(replace(alike, forecaster=TREND_ONLY))
        rows["network_only"] = traded(replace(alike, forecaster=f"{name}_net"))
    for other in beside:
        rows[other] = traded(Trader(STRATEGIES[other], {}))
    return rows
