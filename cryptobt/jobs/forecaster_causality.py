"""Whether a forecast rests on its own window and nothing after it: tried on a simulated market."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core.types import Forecasts, MarketData
from cryptobt.features.sets import compute
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.walkforward import forecast
from cryptobt.jobs.forecaster_trials import Trial
from cryptobt.records.content import ContentStore


def other_rows(trial: Trial) -> str:
    """Exchange all rows but those of one window, before and after it."""
    for place in trial.single:
        said = trial.ask(_with_other_rows(trial.asked, place))
        seen = trial.differing(said[[place]], np.array([place]))
        if seen:
            return f"other bars around its window: {seen}"
    return ""


def other_windows(trial: Trial) -> str:
    """Ask for fewer windows, from another first one, and in another order."""
    count = len(trial.asked)
    orders = (np.arange(count)[1::2], np.arange(count)[: count // 3], np.arange(count)[::-1])
    for chosen in orders:
        seen = trial.differing(trial.ask(trial.asked.take(chosen)), chosen)
        if seen:
            return f"asked for {len(chosen)} of {count} windows: {seen}"
    return ""


def one_at_a_time(trial: Trial) -> str:
    """Ask for one window alone."""
    for place in trial.single:
        alone = np.array([place])
        seen = trial.differing(trial.ask(trial.asked.take(alone)), alone)
        if seen:
            return f"asked alone: {seen}"
    return ""


def future_cut_away(trial: Trial) -> str:
    """Forecast as it would have been done at some bar, each time from an empty cache."""
    whole = _forecasts(trial, trial.coin.market)
    for bar in _days(trial):
        time = trial.samples.times[bar]
        cut = replace(trial.coin.market, bars=trial.coin.market.bars.iloc[: bar + 1])
        before, after = (part.frame[part.frame["time"] <= time] for part in (
            whole, _forecasts(trial, cut)
        ))  # fmt: skip
        seen = _first_difference(before, after)
        if seen:
            return f"without the bars after {time:%F}, {seen}"
    return ""


def _with_other_rows(asked: Windows, place: int) -> Windows:
    """Give every bar another's values, but those of one window and the close before it."""
    count, end = len(asked.rows), int(asked.ends[place])
    moved = np.roll(np.arange(count), count // 3)
    own, own_close = moved.copy(), moved.copy()
    window = np.arange(end - asked.length, end + 1)
    own[window[1:]], own_close[window] = window[1:], window
    others = np.roll(np.arange(len(asked)), len(asked) // 3)
    others[place] = place
    return replace(
        asked,
        rows=asked.rows[own],
        log_close=asked.log_close[own_close],
        known=asked.known[others],
        deviation=asked.deviation[others],
    )


def _days(trial: Trial) -> Iterator[int]:
    predicted = trial.fold.predicted
    yield from (int(predicted[int(share * len(predicted))]) for share in (0.35, 0.8))


def _forecasts(trial: Trial, market: MarketData) -> Forecasts:
    settings, coin = trial.settings, trial.coin
    features = compute(settings.features.set, market, (coin.onchain, coin.sentiment))
    with tempfile.TemporaryDirectory() as folder:
        cache = ContentStore(Path(folder))
        return forecast(market, features, trial.spec.name, settings, cache, lambda _: None)


def _first_difference(before: pd.DataFrame, after: pd.DataFrame) -> str:
    before, after = before.reset_index(drop=True), after.reset_index(drop=True)
    if len(before) != len(after):
        return f"there are {len(after)} forecasts up to it, not {len(before)}"
    equal = (before == after) | (before.isna() & after.isna())
    wrong = ~equal.all(axis=1)
    if not wrong.any():
        return ""
    row = int(wrong.to_numpy().argmax())
    column = str((~equal.iloc[row]).idxmax())
    was, now = before[column].iloc[row], after[column].iloc[row]
    time = pd.Timestamp(before["time"].iloc[row])
    return (
        f"{int(wrong.sum())} of {len(before)} forecasts up to it differ (first: '{column}' of "
        f"{time:%F} is {now}, not {was})"
    )
