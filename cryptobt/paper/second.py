"""A second source beside the first: what is about to be traded is checked by it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cryptobt.core.errors import DataInvalidError, DataUnavailableError, UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import iso
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import compare
from cryptobt.data.frames import split_key
from cryptobt.data.load import other_market
from cryptobt.paper.account import PaperAccount
from cryptobt.paper.gather import DataClock, Known


def cross_check(
    account: PaperAccount,
    known: Mapping[str, Known],
    decided: pd.Timestamp | None,
    until: pd.Timestamp,
    clock: DataClock,
    warn: Callable[[str], None],
) -> None:
    """Hold a night back on whose bar another source does not agree, where the settings name one.

    Of a bar on which they never agree a newer one says that our source is right: it is warned of.

    Parameters
    ----------
    decided : Timestamp or None
        Newest bar decided so far: one up to it that comes late is not traded, nor checked.
    until : Timestamp
        Newest bar that is about to be traded.

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
        times = pd.DatetimeIndex(one.fresh.index[one.fresh.index <= until])
        # of a whole history only what is about to be traded: its past is judged by `data verify`
        times = times[-1:] if decided is None else times[times > decided]
        if one.told is None or not len(times):
            continue
        ours = replace(one.told, bars=one.told.bars.loc[times])
        _agree(ours, _other(ours, data, clock), data, warn)


def _other(ours: MarketData, data: DataSettings, clock: DataClock) -> MarketData:
    name = str(data.cross_check)
    is_file = split_key(Path(name).expanduser())[0].is_file()
    judged = clock.of_files if is_file else clock.now
    tolerant = data.model_copy(update={"on_bad_row": "quarantine"})
    try:
        return other_market(name, ours, tolerant, judged, again=ours.times[0])
    except UsageError as error:
        raise DataUnavailableError(
            f"{ours.symbol}: nothing to check it by, {error}; nothing was traded, run again when "
            f"{name} is there"
        ) from error


def _agree(
    ours: MarketData, other: MarketData, data: DataSettings, warn: Callable[[str], None]
) -> None:
    newest = ours.times[-1]
    if newest not in other.times:
        raise DataUnavailableError(
            f"{ours.symbol}: {data.cross_check} has no bar of {iso(newest)} to check it by; "
            "nothing was traded, run again when it is there"
        )
    for apart in compare(ours, other, data.cross_check_threshold).apart:
        said = (
            f"{ours.symbol}: two sources disagree on {iso(apart.time)}: {ours.source} closes at "
            f"{apart.ours:.10g}, {data.cross_check} at {apart.other:.10g}, apart by "
            f"{apart.difference:.2%}"
        )
        if apart.time == newest:
            raise DataInvalidError(f"{said}; nothing was traded, run again when they agree")
        warn(f"{said}; the former is used, since they agree again")
