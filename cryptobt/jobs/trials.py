"""How many settings were tried before a run looked as good as it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.hashing import hash_json
from cryptobt.core.settings import Settings, home
from cryptobt.core.time import interval_label
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.jobs.manifest import WHERE, plain_settings
from cryptobt.jobs.manifest import trials as least
from cryptobt.jobs.trader import forecaster_of
from cryptobt.metrics.metric import absent
from cryptobt.metrics.overfitting import BLOCKS, probability_of_overfitting
from cryptobt.metrics.performance import sharpe
from cryptobt.records.trials import Trial, TrialLedger
from cryptobt.strategies.registry import StrategySpec, own_params

SIMULATED = " (simulated)"
"""Behind a simulated market's symbol: its trials say nothing of the real one."""
_NO_LEDGER = "the trial ledger is not used"
_NOT_CHOSEN: dict[str, Any] = {
    "run": True,
    "paper": True,
    "robustness": {"enabled"},
    "trials": True,
    "data": {*WHERE, "interval", "resample", "on_bad_row", "cross_check_threshold"},
    "walkforward": {"ensemble_seeds"},
    "strategy": True,
    "forecaster": {"name"},
}


@dataclass(frozen=True)
class TrialCount:
    """The number of trials that a Sharpe ratio is deflated by, and where it comes from.

    Attributes
    ----------
    n : int
        Trials (N): the larger of ``counted`` and ``floor``.
    counted : int or None
        Distinct settings in the ledger, this one's among them; None where it is not used.
    floor : int
        The least that there were.
    ledger : bool
        Whether the ledger was used.
    variance : float
        Of the trials' Sharpe ratios per bar (V).
    variance_from : str
        ``ledger`` where that holds 20 or more, else ``1/T``: that of a Sharpe ratio of T returns
        without skill.
    pbo : dict
        Probability of backtest overfitting over the ledger's trials, as in ``metrics.json``.
    """

    n: int
    counted: int | None
    floor: int
    ledger: bool
    variance: float
    variance_from: str
    pbo: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Everything that a repetition needs to print the same numbers."""
        return {
            "n": self.n,
            "counted": self.counted,
            "floor": self.floor,
            "ledger": self.ledger,
            "variance": self.variance,
            "variance_from": self.variance_from,
            "pbo": self.pbo,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "TrialCount":
        """Read ``trials`` of ``run.json``; keys of others are left out.

        Raises
        ------
        KeyError
            Of a run that was made before trials were counted.
        """
        names = ("n", "counted", "floor", "ledger", "variance", "variance_from", "pbo")
        return cls(**{name: document[name] for name in names})


def trial_ledger() -> TrialLedger:
    """The ledger of the user's data folder."""
    return TrialLedger(home("data") / "trials.sqlite")


def check_ledger(settings: Settings) -> None:
    """Refuse a ledger that cannot be added to, before an hour is spent on a run.

    Raises
    ------
    LedgerError, LockHeldError, CannotWriteError
        As :class:`~cryptobt.records.trials.TrialLedger` says.
    """
    if settings.trials.ledger:
        trial_ledger().check()


def trial_key(settings: Settings, markets: Sequence[MarketData], spec: StrategySpec) -> str:
    """Hash of everything that was chosen: the same key again is the same trial.

    Dates count: whoever moves the first or the last day until the result looks good has tried as
    many settings as days. So do the symbols that share the account, names of series, the base
    seed, how results are measured (another seed of the bootstrap is another throw of the dice),
    and the code of a strategy, forecaster or feature set of the user's own. Left out is what
    decides nothing: where data lie and what is done with rows that cannot be true, the interval
    (trials are counted for each), paper trading, folders, workers, and the number of seeds
    averaged. A parameter given at its default is that parameter left out.
    """
    forecaster = forecaster_of(settings, spec)
    return hash_json(
        {
            "settings": plain_settings(settings, _NOT_CHOSEN),
            "params": {**own_params(spec.strategy), **settings.strategy.params},
            "code": [[one.name, one.file_hash] for one in (spec, forecaster) if one is not None],
            "symbols": sorted(market.symbol for market in markets),
            "series": sorted(entry.partition("=")[0] for entry in settings.data.extras),
            "onchain": bool(settings.data.onchain),
        }
    )


def count_trial(
    settings: Settings,
    markets: Sequence[MarketData],
    spec: StrategySpec,
    result: BacktestResult,
    now: pd.Timestamp,
) -> TrialCount:
    """Count a run in the trial ledger, and say what it must be deflated by.

    Parameters
    ----------
    result : BacktestResult
        The strategy's own account.
    now : Timestamp
        The clock, aware; kept in the ledger alone.

    Raises
    ------
    LedgerError, LockHeldError, CannotWriteError
        As :class:`~cryptobt.records.trials.TrialLedger` says.
    """
    floor = least(settings, markets, spec)["floor"]
    bars = max(len(result.returns) - 1, 1)
    if not settings.trials.ledger:
        return TrialCount(floor, None, floor, False, 1 / bars, "1/T", _no_pbo())
    ledger, interval = trial_ledger(), interval_label(markets[0].interval)
    symbols = [_counted_as(market) for market in markets]
    trial = _trial(trial_key(settings, markets, spec), spec.name, result, now)
    ledger.record(trial, symbols, interval)
    tried = ledger.tried(symbols, interval)
    known = tried.variance is not None
    return TrialCount(
        n=max(tried.n, floor),
        counted=tried.n,
        floor=floor,
        ledger=True,
        variance=tried.variance if tried.variance is not None else 1 / bars,
        variance_from="ledger" if known else "1/T",
        pbo=_pbo(ledger.returns_of(trial.key, symbols, interval)),
    )


def known_trials(
    settings: Settings, markets: Sequence[MarketData], spec: StrategySpec, bars: int
) -> TrialCount:
    """Say what a paper account's record must be deflated by, and count nothing.

    What an account trades was chosen before its first night: its record is no trial of its own. N
    is what the ledger holds now, what was tried since then included.

    Parameters
    ----------
    bars : int
        Returns of the record.
    """
    floor = least(settings, markets, spec)["floor"]
    if not settings.trials.ledger:
        return TrialCount(floor, None, floor, False, 1 / max(bars, 1), "1/T", _no_pbo())
    ledger, interval = trial_ledger(), interval_label(markets[0].interval)
    tried = ledger.tried([_counted_as(market) for market in markets], interval)
    return TrialCount(
        n=max(tried.n, floor),
        counted=tried.n,
        floor=floor,
        ledger=True,
        variance=1 / max(bars, 1) if tried.variance is None else tried.variance,
        variance_from="1/T" if tried.variance is None else "ledger",
        pbo=_no_pbo("a record is not chosen among trials"),
    )


def trials_document(
    settings: Settings, markets: Sequence[MarketData], spec: StrategySpec, count: TrialCount
) -> dict[str, Any]:
    """``trials`` of ``run.json``."""
    key = trial_key(settings, markets, spec)
    return {**least(settings, markets, spec), **count.to_json(), "key": key}


def daily_returns(returns: pd.Series) -> pd.Series:
    """Compound returns of bars to days: the UTC day in which a bar opens; 0 on a day without one.

    Parameters
    ----------
    returns : Series
        Simple returns by ``time``, aware UTC, one at least.

    Returns
    -------
    Series
        Every day from the first to the last; no NaN.
    """
    days = pd.DatetimeIndex(returns.index).as_unit("ns").floor("D")
    grown = (1 + returns).groupby(days).prod()
    every = pd.date_range(days[0], days[-1], freq="D")
    return grown.reindex(every, fill_value=1.0) - 1


def _counted_as(market: MarketData) -> str:
    return market.symbol + SIMULATED * market.simulated


def _trial(key: str, strategy: str, result: BacktestResult, now: pd.Timestamp) -> Trial:
    times, returns = result.times, result.returns.iloc[1:]
    per_bar = sharpe(returns.to_numpy(), 1.0)
    return Trial(
        key=key,
        strategy=strategy,
        first_at=times[0],
        last_at=times[-1],
        bars=len(returns),
        sharpe_per_bar=per_bar if np.isfinite(per_bar) else None,
        # of a single bar: the first decision, which returned nothing
        daily=daily_returns(returns if len(returns) else result.returns),
        tried_at=now,
    )


def _pbo(returns: pd.DataFrame) -> dict[str, Any]:
    found = probability_of_overfitting(returns.to_numpy(), blocks=BLOCKS)
    return {
        "value": found.value.to_json(),
        "trials": found.trials,
        "blocks": found.blocks,
        "slope": found.slope.to_json(),
        "loss_probability": found.loss_probability.to_json(),
    }


def _no_pbo(reason: str = _NO_LEDGER) -> dict[str, Any]:
    return {
        "value": absent("probability", reason).to_json(),
        "trials": 0,
        "blocks": BLOCKS,
        "slope": absent("ratio", reason).to_json(),
        "loss_probability": absent("probability", reason).to_json(),
    }
