"""What a night knows: recorded bars, those that are new, and those that are told otherwise now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cryptobt.core.columns import BARS
from cryptobt.core.errors import DataInvalidError, DataUnavailableError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import DAY, interval_label, iso
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import compare
from cryptobt.data.load import load_markets, other_market
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.facts import Rewritten
from cryptobt.paper.ledger import Ledger


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
    """

    symbol: str
    recorded: pd.DataFrame
    fresh: pd.DataFrame
    told: MarketData | None
    failure: str = ""

    @property
    def bars(self) -> pd.DataFrame:
        """Recorded and fresh bars by time."""
        if self.fresh.empty:
            return self.recorded
        return pd.concat([self.recorded, self.fresh]).sort_index()

    @property
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
        told = self.told.bars[list(BARS)]
        both = told.index.intersection(self.recorded.index)
        old, new = self.recorded.loc[both].to_numpy(), told.loc[both].to_numpy()
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        for row in np.flatnonzero(~same.all(axis=1)).tolist():
            time = pd.DatetimeIndex(both)[row]
            yield Rewritten(self.symbol, time, _values(old[row]), _values(new[row]), now)


def gather(account: PaperAccount, ledger: Ledger, now: pd.Timestamp) -> dict[str, Known]:
    """Load every symbol, each alone, beside what the ledger has of it.

    A symbol whose source fails is known by its recorded bars.

    Raises
    ------
    DataUnavailableError
        If nothing is recorded yet and a source fails.
    DataInvalidError
        If a bar that is not recorded cannot be true, naming it.
    """
    return {symbol: _known(account, symbol, ledger.bars(symbol), now) for symbol in account.symbols}


def cross_check(account: PaperAccount, known: Mapping[str, Known], now: pd.Timestamp) -> None:
    """Hold back bars on which another source does not agree, where the settings name one.

    Raises
    ------
    DataInvalidError
        Naming the bar and both closes.
    DataUnavailableError
        If the other source has no such bar yet.
    """
    data = account.settings.data
    if data.cross_check is None:
        return
    for one in known.values():
        # of a whole history only what is about to be traded: its past is judged by `data verify`
        times = pd.DatetimeIndex(one.fresh.index)[-1:] if one.recorded.empty else one.fresh.index
        if one.told is None or not len(times):
            continue
        ours = replace(one.told, bars=one.told.bars.loc[times])
        _agree(ours, other_market(data.cross_check, ours, data, now), data)


def _agree(ours: MarketData, other: MarketData, data: DataSettings) -> None:
    missing = ours.times.difference(other.times)
    if len(missing):
        raise DataUnavailableError(
            f"{ours.symbol}: {data.cross_check} has no bar of {iso(missing[0])} to check it by; "
            "run again when it is there"
        )
    for apart in compare(ours, other, data.cross_check_threshold).apart:
        raise DataInvalidError(
            f"{ours.symbol}: two sources disagree on {iso(apart.time)}: {ours.source} closes at "
            f"{apart.ours:.10g}, {data.cross_check} at {apart.other:.10g}, apart by "
            f"{apart.difference:.2%}; nothing was traded, run again when they agree"
        )


def _known(account: PaperAccount, symbol: str, recorded: pd.DataFrame, now: pd.Timestamp) -> Known:
    try:
        told = _told(account.settings.data, symbol, now)
    except DataUnavailableError as error:
        if recorded.empty:
            raise
        return Known(symbol, recorded, recorded.iloc[:0], None, str(error))
    fresh = told.bars[~told.bars.index.isin(recorded.index)]
    if account.settings.data.on_bad_row == "refuse":
        _refuse(told, recorded)
    notes = [note for note in told.quality.warnings if "cannot be reached" in note]
    return Known(symbol, recorded, fresh[list(BARS)], told, "; ".join(notes))


def _told(data: DataSettings, symbol: str, now: pd.Timestamp) -> MarketData:
    """Everything that the source tells of a symbol, without the rows that cannot be true."""
    own = tuple(entry for entry in data.csv if entry.startswith(f"{symbol}="))
    alone = {"symbols": (symbol,), "csv": own, "on_bad_row": "quarantine", "cross_check": None}
    # a file that reaches beyond a clock that was put back is no file with dates in the future
    clock = max(now, pd.Timestamp.now("UTC")) if own else now
    (market,) = load_markets(data.model_copy(update=alone), clock)
    if market.interval != DAY:
        raise DataInvalidError(
            f"{symbol}: bars of {interval_label(market.interval)}, and paper accounts trade daily "
            "ones; open the account with --set data.resample=1d"
        )
    # nor does the sample market end with the clock
    return replace(market, bars=market.bars[market.times + DAY <= now])


def _refuse(told: MarketData, recorded: pd.DataFrame) -> None:
    """Refuse rows that cannot be true, unless they rewrite what was recorded."""
    for row in told.quality.quarantined:
        time = pd.to_datetime(row["time"], utc=True, errors="coerce")
        if recorded.empty or pd.isna(time) or time > recorded.index[-1]:
            raise DataInvalidError(
                f"{told.symbol} of {told.source}, {row['time']}: {row['reason']}; nothing was "
                "traded, run again when the source has mended it"
            )


def _values(row: np.ndarray) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(BARS, row, strict=True)
    }
