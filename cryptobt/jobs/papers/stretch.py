"""Which rows a paper's data are in the data that there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import DataSettings
from cryptobt.core.time import interval_label, parse_day
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.features.sets import FeatureTable, compute
from cryptobt.jobs.papers.paper import Paper


@dataclass(frozen=True)
class Stretch:
    """Rows of the market that stand for the paper's data.

    Attributes
    ----------
    first, last : int
        Row numbers, both inclusive.
    at_its_dates : bool
        Whether they are the paper's own days.
    notes : tuple of str
        What differs from the paper's, loudly.
    """

    first: int
    last: int
    at_its_dates: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """The bars and features that a column of a reproduction sees."""

    market: MarketData
    features: FeatureTable


def find_stretch(paper: Paper, market: MarketData, data: DataSettings) -> Stretch:
    """Find the paper's days, the user's, or the newest as many.

    Raises
    ------
    DataInvalidError
        If ``data.start`` lies behind the last bar.
    """
    notes = []
    if interval_label(market.interval) != paper.interval:
        notes.append(
            f"the paper has bars of {paper.interval}, these are of "
            f"{interval_label(market.interval)}: its claims are not comparable"
        )
    last = len(market.times) - 1
    if data.start is not None:
        first = int(market.times.searchsorted(parse_day(data.start, "data.start")))
        if first > last:
            raise DataInvalidError(
                f"data.start {data.start} is after the last bar, {market.times[-1]:%Y-%m-%d}"
            )
        if paper.first:
            notes.append(f"--start in place of the paper's days, {paper.first} to {paper.last}")
        return Stretch(first, last, False, tuple(notes))
    found = _own_days(paper, market)
    if found is not None:
        return Stretch(*found, True, tuple(notes))
    first = 0 if paper.rows is None else max(0, len(market.times) - paper.rows)
    if paper.first:
        notes.append(
            f"the paper's days, {paper.first} to {paper.last}, are not in the data, which run from "
            f"{market.times[0]:%Y-%m-%d} to {market.times[-1]:%Y-%m-%d}: the newest "
            f"{last - first + 1} rows stand in for them, and its claims are not comparable"
        )
    return Stretch(first, last, False, tuple(notes))


def own_scene(
    market: MarketData, extras: Sequence[ExtraSeries], name: str, found: Stretch
) -> Scene:
    """Cut bars and features to the paper's rows, the features computed on all bars before.

    One bar more is kept before them, without features: a window's first return needs it.
    """
    return _cut(_whole(market, extras, name), found.first, found.last)


def twin_scene(
    paper: Paper, market: MarketData, extras: Sequence[ExtraSeries], name: str, found: Stretch
) -> Scene:
    """Everything up to the paper's last row, or the paper's rows alone."""
    whole = _whole(market, extras, name)
    return _cut(whole, 0 if paper.history == "all" else found.first, found.last)


def _whole(market: MarketData, extras: Sequence[ExtraSeries], name: str) -> Scene:
    return Scene(market, compute(name, market, extras))


def _cut(whole: Scene, first: int, last: int) -> Scene:
    before = max(0, first - 1)
    rows = slice(before, last + 1)
    frame = whole.features.frame.iloc[rows].copy()
    if before < first:
        frame.iloc[0] = np.nan
    market = replace(whole.market, bars=whole.market.bars.iloc[rows])
    return Scene(market, replace(whole.features, frame=frame))


def _own_days(paper: Paper, market: MarketData) -> tuple[int, int] | None:
    if paper.first is None or paper.last is None or market.simulated:
        return None
    days = [parse_day(day, "day of a paper") for day in (paper.first, paper.last)]
    first, last = market.times.get_indexer(pd.DatetimeIndex(days))
    return None if min(first, last) < 0 else (int(first), int(last))
