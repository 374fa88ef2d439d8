"""What a night knows: recorded bars, those that are new, and those that are told otherwise now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from cryptobt.core.columns import BARS
from cryptobt.core.errors import (
    DataInvalidError,
    DataUnavailableError,
    NoDataError,
    RateLimitedError,
    SourceUnreachableError,
    UsageError,
)
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY, interval_label, iso
from cryptobt.core.types import MarketData
from cryptobt.data.frames import split_key
from cryptobt.data.load import load_markets
from cryptobt.data.rewrites import find_rewrites
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.facts import Rewritten
from cryptobt.paper.ledger import Ledger


@dataclass(frozen=True)
class DataClock:
    """What time it is to those who give data; files reach beyond one that ``--as-of`` put back."""

    now: pd.Timestamp
    simulated: bool

    @property
    def of_files(self) -> pd.Timestamp:
        """What dates of a file are judged by."""
        return pd.Timestamp.max.tz_localize("UTC") if self.simulated else self.now

    def knows(self, path: Path) -> pd.Timestamp:
        """Up to when a file can know: a bar that was forming when it was written still is."""
        file = split_key(path)[0]
        if self.simulated or not file.is_file():
            return self.now
        return min(self.now, pd.Timestamp(file.stat().st_mtime, unit="s", tz="UTC"))


@dataclass(frozen=True)
class Known:
    """What is known of one symbol.

    Attributes
    ----------
    recorded : DataFrame
        Bars of the ledger.
    fresh : DataFrame
        Bars that the source has and the ledger has not, complete by the clock.
    told : MarketData or None
        All that the source tells; None where it failed.
    failure : str
        Why it failed.
    unanswered : bool
        Whether it may have more and could not be asked.
    untrue : str
        Which rows that would have been traded were left out, since they cannot be true.
    """

    symbol: str
    recorded: pd.DataFrame
    fresh: pd.DataFrame
    told: MarketData | None
    failure: str = ""
    unanswered: bool = False
    untrue: str = ""

    @cached_property
    def bars(self) -> pd.DataFrame:
        """Recorded and fresh bars by time."""
        if self.fresh.empty:
            return self.recorded
        return pd.concat([self.recorded, self.fresh]).sort_index()

    @cached_property
    def newest(self) -> pd.Timestamp:
        """Open of the newest bar."""
        return pd.DatetimeIndex(self.bars.index)[-1]

    def market(self, until: pd.Timestamp) -> MarketData:
        """Bars up to one, as features see them."""
        return self._market(self.bars, until)

    def traded(
        self, in_time: pd.DataFrame, decided: pd.Timestamp | None, until: pd.Timestamp
    ) -> MarketData:
        """Bars up to one, as the account saw them: those that were there when it decided.

        Parameters
        ----------
        in_time : DataFrame
            Recorded bars that were.
        decided : Timestamp or None
            Newest bar decided so far: a fresh bar up to it comes too late.
        """
        fresh = self.fresh if decided is None else self.fresh[self.fresh.index > decided]
        return self._market(replace(self, recorded=in_time, fresh=fresh).bars, until)

    def _market(self, bars: pd.DataFrame, until: pd.Timestamp) -> MarketData:
        source, simulated = "", False
        if self.told is not None:
            source, simulated = self.told.source, self.told.simulated
        return MarketData(self.symbol, DAY, source, bars[bars.index <= until], simulated)

    def rewritten(self, now: pd.Timestamp) -> Iterator[Rewritten]:
        """Recorded bars that the source tells otherwise."""
        if self.told is None:
            return
        recorded, told = (bars.reset_index() for bars in (self.recorded, self.told.bars))
        for one in find_rewrites(recorded, told, BARS, now):
            yield Rewritten(self.symbol, one.time, one.old, one.new, one.seen_at)


def gather(
    account: PaperAccount, ledger: Ledger, clock: DataClock, decided: pd.Timestamp | None
) -> dict[str, Known]:
    """Load every symbol, each alone, beside what the ledger has of it.

    A symbol whose source fails is known by its recorded bars.

    Parameters
    ----------
    decided : Timestamp or None
        Newest bar decided so far: what cannot be true up to it is not traded any more.

    Raises
    ------
    DataUnavailableError
        If nothing is recorded yet and a source fails.
    DataInvalidError
        If a bar that is about to be traded cannot be true, naming it.
    """
    return {
        symbol: _known(account, symbol, ledger.bars(symbol), clock, decided)
        for symbol in account.symbols
    }


def check_daily(market: MarketData) -> None:
    """Refuse bars that no paper account can trade.

    Raises
    ------
    DataInvalidError
        If they are not of a day, or do not open at midnight.
    """
    if market.interval != DAY:
        raise DataInvalidError(
            f"{market.symbol}: bars of {interval_label(market.interval)}, and paper accounts trade "
            "daily ones; open the account with --set data.resample=1d"
        )
    other = market.times[market.times != market.times.normalize()]
    if len(other):
        raise DataInvalidError(
            f"{market.symbol}: the bar of {iso(other[0])} opens at {other[0]:%H:%M} UTC, and a "
            "paper account trades days of UTC, which open at 00:00"
        )


def _known(
    account: PaperAccount,
    symbol: str,
    recorded: pd.DataFrame,
    clock: DataClock,
    decided: pd.Timestamp | None,
) -> Known:
    data = account.settings.data
    own = tuple(entry for entry in data.csv if entry.startswith(f"{symbol}="))
    over = clock.knows(Path(own[0].removeprefix(f"{symbol}="))) if own else clock.now
    # bars of before the account was opened were judged then
    again = account.created_at.floor("D") - DAY if decided is None else decided + DAY
    try:
        told = _told(data.model_copy(update={"symbols": (symbol,), "csv": own}), clock, over, again)
    except DataUnavailableError as error:
        if recorded.empty:
            raise
        silent = isinstance(error, SourceUnreachableError | RateLimitedError)
        return Known(symbol, recorded, recorded.iloc[:0], None, str(error), silent)
    fresh = told.bars[~told.bars.index.isin(recorded.index)]
    untrue = _untrue(told, clock, over, decided)
    if untrue and data.on_bad_row == "refuse":
        raise DataInvalidError(
            f"{untrue[0]}; nothing was traded, run again when the source has mended it (to "
            "accounts opened with data.on_bad_row=quarantine such a day is a gap)"
        )
    left_out = f"{len(untrue)} row(s) left out, first {untrue[0]}" if untrue else ""
    written = f"its file was last written at {iso(over)}" if over < clock.now.floor("D") else ""
    unanswered = told.quality.unanswered
    failure = "; ".join(note for note in (unanswered, written, left_out) if note)
    return Known(symbol, recorded, fresh[list(BARS)], told, failure, bool(unanswered), left_out)


def _told(
    data: DataSettings, clock: DataClock, over: pd.Timestamp, again: pd.Timestamp
) -> MarketData:
    """Everything that the source tells of one symbol, without the rows that cannot be true."""
    market = _loaded(data, clock, again)
    # neither a file nor the sample market ends with the clock
    bars = market.bars[market.times + DAY <= over]
    if bars.empty:
        first = iso(market.times[0])
        raise NoDataError(
            f"{market.symbol}: no bar is complete at {iso(over)}; the first is {first}"
        )
    complete = replace(market, bars=bars)
    check_daily(complete)
    return complete


def _loaded(data: DataSettings, clock: DataClock, again: pd.Timestamp) -> MarketData:
    chosen = data.model_copy(update={"on_bad_row": "quarantine", "cross_check": None})
    if not data.csv:
        return load_markets(chosen, clock.now, again)[0]
    try:
        return load_markets(chosen, clock.of_files)[0]
    except UsageError as error:
        # of the name nothing can be wrong: the account was opened with it
        raise SourceUnreachableError(f"{data.symbols[0]}: {error}") from error


def _untrue(
    told: MarketData, clock: DataClock, over: pd.Timestamp, decided: pd.Timestamp | None
) -> list[str]:
    """Rows that cannot be true, but for those of days that still form or were decided long ago."""
    found = []
    for row in told.quality.quarantined:
        time = pd.to_datetime(row["time"], utc=True, errors="coerce")
        # a row may be of an hour of its day
        bar_at = time.floor("D")
        forming = time <= clock.of_files and bar_at + DAY > over
        past = decided is not None and bar_at <= decided
        if not (forming or past):
            found.append(f"{told.symbol} of {told.source}, {row['time']}: {row['reason']}")
    return found
