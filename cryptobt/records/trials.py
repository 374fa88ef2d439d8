"""The trial ledger: which settings were tried on a market, and what each of them returned."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core.time import iso
from cryptobt.records.trial_file import opened, transaction

ENOUGH = 20
"""Trials from which on the variance of their Sharpe ratios is measured instead of assumed."""
COVERED = 0.9
"""Share of a trial's days that another one must cover to be compared with it."""
NEWEST = 100
"""Trials that one is compared with at most."""
_DOUBLE = np.dtype("<f8")

_RECORD = """
INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key, symbol, interval) DO UPDATE SET
    strategy = excluded.strategy, first_at = excluded.first_at, last_at = excluded.last_at,
    bars = excluded.bars, sharpe_per_bar = excluded.sharpe_per_bar,
    first_day = excluded.first_day, daily_returns = excluded.daily_returns,
    updated_at = excluded.updated_at
"""
_COUNT = "SELECT COUNT(*) FROM trials WHERE symbol = ? AND interval = ?"
_SHARPES = """
SELECT sharpe_per_bar FROM trials
WHERE symbol = ? AND interval = ? AND sharpe_per_bar IS NOT NULL
"""
_RETURNS = """
SELECT key, first_day, daily_returns FROM trials
WHERE symbol = ? AND interval = ? ORDER BY key = ? DESC, updated_at DESC, key
"""


@dataclass(frozen=True)
class Trial:
    """One choice of settings, and what its account returned.

    Attributes
    ----------
    key : str
        Of the settings: the same key is the same trial.
    first_at, last_at : Timestamp
        First decision and last bar, aware UTC.
    bars : int
        Returns that the Sharpe ratio is of.
    sharpe_per_bar : float or None
        Not annualised; None where it is not defined.
    daily : Series
        Simple returns of every day from the first to the last, indexed by the day, aware UTC.
    tried_at : Timestamp
        The clock, aware.
    """

    key: str
    strategy: str
    first_at: pd.Timestamp
    last_at: pd.Timestamp
    bars: int
    sharpe_per_bar: float | None
    daily: pd.Series
    tried_at: pd.Timestamp


@dataclass(frozen=True)
class Tried:
    """What was tried on a market before, this trial included.

    Attributes
    ----------
    n : int
        Distinct keys on the symbol that most was tried on.
    variance : float or None
        Of that symbol's Sharpe ratios per bar, ddof 1; None with fewer than 20 of them.
    """

    n: int
    variance: float | None


@dataclass(frozen=True)
class TrialLedger:
    """Trials on every symbol and interval, in one SQLite file that several processes add to.

    Parameters
    ----------
    path : Path
        Made once something is counted.

    Raises
    ------
    LedgerError, LockHeldError, CannotWriteError
        From every method: the file is damaged, another program holds it, or the system does not
        let it be used.
    """

    path: Path

    def check(self) -> None:
        """Refuse a ledger that nothing could be added to, before anything is computed."""
        with transaction(self.path) as database:
            database.execute(_COUNT, ("", "")).fetchone()

    def record(self, trial: Trial, symbols: Iterable[str], interval: str) -> None:
        """Count a trial on each symbol; one that is there already has its newest returns then."""
        days = trial.daily.index
        returns = zlib.compress(trial.daily.to_numpy(dtype=_DOUBLE).tobytes())
        sharpe = None if trial.sharpe_per_bar is None else float(trial.sharpe_per_bar)
        at = iso(trial.tried_at)
        account = (iso(trial.first_at), iso(trial.last_at), int(trial.bars), sharpe)
        kept = (f"{days[0]:%Y-%m-%d}", returns, at, at)
        with transaction(self.path) as database:
            database.executemany(
                _RECORD,
                [(trial.key, symbol, interval, trial.strategy, *account, *kept)
                 for symbol in symbols],
            )  # fmt: skip

    def tried(self, symbols: Sequence[str], interval: str) -> Tried:
        """Count what was tried on the symbol that most was tried on.

        Who only asks makes no ledger: where there is none, nothing was tried.
        """
        if not self.path.exists():
            return Tried(0, None)
        most, n = self._most_tried(symbols, interval)
        with opened(self.path) as database:
            found = [row[0] for row in database.execute(_SHARPES, (most, interval))]
        enough = len(found) >= ENOUGH
        return Tried(n, float(np.var(found, ddof=1)) if enough else None)

    def returns_of(self, key: str, symbols: Sequence[str], interval: str) -> pd.DataFrame:
        """Daily returns of a trial and of those that can be compared with it.

        Of the symbol that most was tried on. Another trial takes part where it covers at least
        nine tenths of this one's days, so that the days which all share are at least four fifths
        of them; of more than 100 such trials the newest take part.

        Parameters
        ----------
        key : str
            Of a trial that is recorded for these symbols.

        Returns
        -------
        DataFrame, shape (days, trials)
            Simple returns, no NaN; columns are keys in their order, this trial's among them.
        """
        most, _ = self._most_tried(symbols, interval)
        chosen: dict[str, pd.Series] = {}
        with opened(self.path) as database:
            for other, first_day, packed in database.execute(_RETURNS, (most, interval, key)):
                daily = _unpacked(first_day, packed)
                judged = chosen.get(key, daily)
                if _shared(judged, daily) >= COVERED * len(judged):
                    chosen[other] = daily
                if len(chosen) > NEWEST:
                    break
        return pd.concat(chosen, axis=1, join="inner").sort_index(axis=1)

    def _most_tried(self, symbols: Sequence[str], interval: str) -> tuple[str, int]:
        with opened(self.path) as database:
            counts = {
                symbol: database.execute(_COUNT, (symbol, interval)).fetchone()[0]
                for symbol in symbols
            }
        most = max(counts, key=lambda symbol: counts[symbol])
        return most, counts[most]


def _unpacked(first_day: str, packed: bytes) -> pd.Series:
    returns = np.frombuffer(zlib.decompress(packed), dtype=_DOUBLE)
    return pd.Series(returns, pd.date_range(first_day, periods=len(returns), freq="D", tz="UTC"))


def _shared(one: pd.Series, other: pd.Series) -> int:
    """Days that two trials share; each has every day from its first to its last."""
    first, last = max(one.index[0], other.index[0]), min(one.index[-1], other.index[-1])
    return max((last - first).days + 1, 0)
