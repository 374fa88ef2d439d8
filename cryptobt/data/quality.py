"""What a person should know of a market's bars before trusting them; nothing is changed."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from cryptobt.core import columns
from cryptobt.core.time import epoch_ns, interval_label, iso
from cryptobt.core.types import MarketData

_SHOWN, _MOST = 5, 50
_STANDS_ABOVE = re.compile("row.s. quarantined|with zero volume")
"""What the report says of itself, and not once more as what was said at loading."""
_TOLERANCE = 1e-9
# 1.4826 medians of absolute deviations are one standard deviation of a normal distribution
_SIGMA_PER_MAD = 1.4826
_OUTLIER, _TRAILING_BARS, _FEWEST_BARS = 8.0, 90, 30
# a level of volume is the median of this many bars on either side of a shift
_LEVEL_BARS = 20
# volumes wander by a factor of three; a price of less than ten is not told from such a walk
_NEAR, _TOLD_APART = np.log(3.0), np.log(10.0)


@dataclass(frozen=True)
class Gap:
    """Bars that are missing one after another: how many, and the open of the first."""

    first: pd.Timestamp
    bars: int


@dataclass(frozen=True)
class VolumeShift:
    """A jump of the level of volume by about the price: from coins to money, or back.

    ``time`` is the first bar on the new level, ``price`` its close, and ``ratio`` the new level
    over the old one, each the median of 20 bars.
    """

    time: pd.Timestamp
    ratio: float
    price: float


@dataclass(frozen=True)
class Outlier:
    """A return far from the others; it is listed and stays, for real markets do such things.

    ``change`` is the close over the previous one, minus 1; ``whole`` and ``trailing`` are robust
    deviations, (log return - median) / (1.4826 MAD), among all returns and among up to 90 before
    it. ``trailing`` is None where fewer than 30 stand before it, or too many of them are zero.
    """

    time: pd.Timestamp
    change: float
    whole: float
    trailing: float | None


@dataclass(frozen=True)
class DataQuality:
    """What :func:`examine` found. Places are times of bars, in order.

    Attributes
    ----------
    behind : int or None
        Complete bars that should follow the last one by now; None where no clock was given.
    unordered : int
        Rows that do not open after the row before them, repeated times among them.
    null, inconsistent : tuple of Timestamp
        Rows without a price; high or low inside the other prices by more than 1e-9.
    zero_volume, flat, stale : tuple of Timestamp
        Volume 0; open, high, low and close equal; all five values those of the row before.
    outliers : tuple of Outlier
        Beyond 8 robust deviations on both scales, or on the whole one where there is no other.
    loading : tuple of str
        What was said at loading: order, repetitions, rows left out.
    quarantined : tuple of dict
        Rows that cannot be true: ``{"time", "reason"}``.
    """

    symbol: str
    source: str
    interval: pd.Timedelta
    bars: int
    first: pd.Timestamp
    last: pd.Timestamp
    behind: int | None
    gaps: tuple[Gap, ...]
    unordered: int
    null: tuple[pd.Timestamp, ...]
    inconsistent: tuple[pd.Timestamp, ...]
    zero_volume: tuple[pd.Timestamp, ...]
    flat: tuple[pd.Timestamp, ...]
    stale: tuple[pd.Timestamp, ...]
    volume_shifts: tuple[VolumeShift, ...]
    outliers: tuple[Outlier, ...]
    loading: tuple[str, ...]
    quarantined: tuple[dict[str, str], ...]

    def lines(self) -> list[str]:
        """Say it to a person: what there is, then what was found, the largest gaps first."""
        label = interval_label(self.interval)
        places = {
            "row(s) without a price": self.null,
            "bar(s) whose high or low contradicts the other prices": self.inconsistent,
            "bar(s) with zero volume": self.zero_volume,
            "flat bar(s), open = high = low = close": self.flat,
            "bar(s) that repeat the one before, volume included": self.stale,
        }
        return [
            f"{self.symbol} ({self.source}): {self.bars} bars of {label}, "
            f"{iso(self.first)} to {iso(self.last)}",
            *([f"{self.behind} complete bar(s) since then are not there"] if self.behind else []),
            *_gap_lines(self.gaps),
            *([f"{self.unordered} row(s) out of order or repeated"] if self.unordered else []),
            *(f"{len(at)} {words}, first {iso(at[0])}" for words, at in places.items() if at),
            *(
                f"volume jumps by a factor of {shift.ratio:.4g} at {iso(shift.time)}, where the "
                f"price is {shift.price:.6g}: coins on one side, money on the other"
                for shift in self.volume_shifts
            ),
            *_outlier_lines(self.outliers),
            *_bad_lines(self.quarantined),
            *(f"at loading: {note}" for note in self.loading if not _STANDS_ABOVE.search(note)),
        ]

    def to_json(self) -> dict[str, Any]:
        """Give everything, times as ISO 8601 text, for a JSON document."""
        sizes = [gap.bars for gap in self.gaps]
        more = {"missing": sum(sizes), "longest_gap": max(sizes, default=0)}
        return _plain(asdict(self)) | more | {"interval": interval_label(self.interval)}


def _gap_lines(gaps: tuple[Gap, ...]) -> list[str]:
    longest = sorted(gaps, key=lambda gap: -gap.bars)[:_SHOWN]
    shown = _and_more([f"{gap.bars} from {iso(gap.first)}" for gap in longest], len(gaps))
    count = sum(gap.bars for gap in gaps)
    return [f"{count} bar(s) missing in {len(gaps)} gap(s): {shown}" if gaps else "no gaps"]


def _outlier_lines(outliers: tuple[Outlier, ...]) -> list[str]:
    widest = sorted(outliers, key=lambda move: -abs(np.log1p(move.change)))[:_SHOWN]
    count = len(outliers)
    shown = _and_more([f"{move.change:+.1%} at {iso(move.time)}" for move in widest], count)
    return [f"{count} return(s) far beyond the usual, all kept: {shown}"] if count else []


def _bad_lines(rows: tuple[dict[str, str], ...]) -> list[str]:
    if not rows:
        return []
    more = [f"  and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    reasons = [f"  {row['reason']}" for row in rows[:_MOST]]
    return [f"{len(rows)} row(s) that cannot be true", *reasons, *more]


def _and_more(shown: list[str], count: int) -> str:
    more = [f"{count - len(shown)} more"] if count > len(shown) else []
    return ", ".join([*shown, *more])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return iso(value) if isinstance(value, pd.Timestamp) else value


def examine(market: MarketData, now: pd.Timestamp | None = None) -> DataQuality:
    """Look at a market's bars for what spoils a backtest, and change nothing.

    Causality: none; it looks at all bars at once and feeds no forecast.

    Parameters
    ----------
    market : MarketData
        Bars that keep the contract, or break it in order, nulls or consistency: that is said.
    now : Timestamp, optional
        Aware; with it the complete bars that should have followed are counted.
    """
    bars = market.bars.sort_index(kind="stable")
    times = pd.DatetimeIndex(bars.index)
    values = bars[list(columns.BARS)].to_numpy(dtype=float)
    prices, close, volume = values[:, :4], values[:, 3], values[:, 4]
    return DataQuality(
        *(market.symbol, market.source, market.interval, len(bars), times[0], times[-1]),
        behind=None if now is None else max((now - times[-1]) // market.interval - 1, 0),
        gaps=_gaps(times, market.interval),
        unordered=int(np.count_nonzero(np.diff(epoch_ns(market.times)) <= 0)),
        null=tuple(times[np.isnan(prices).all(axis=1)]),
        inconsistent=tuple(times[_contradicts(prices)]),
        zero_volume=tuple(times[volume == 0]),
        flat=tuple(times[(prices == prices[:, :1]).all(axis=1)]),
        stale=tuple(times[_repeats(values)]),
        volume_shifts=_volume_shifts(times, volume, close),
        outliers=_outliers(times, close),
        loading=market.quality.warnings,
        quarantined=market.quality.quarantined,
    )


def _gaps(times: pd.DatetimeIndex, interval: pd.Timedelta) -> tuple[Gap, ...]:
    # rounded down: a bar beside the grid leaves less than a whole bar free
    missing = np.diff(epoch_ns(times)) // interval.value - 1
    places = np.flatnonzero(missing > 0).tolist()
    return tuple(Gap(times[i] + interval, int(missing[i])) for i in places)


def _contradicts(prices: np.ndarray) -> np.ndarray:
    opens, high, low, close = prices.T
    top, bottom = np.maximum.reduce([opens, low, close]), np.minimum(opens, close)
    return np.asarray((high < top * (1 - _TOLERANCE)) | (low > bottom * (1 + _TOLERANCE)))


def _repeats(values: np.ndarray) -> np.ndarray:
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    known = ~np.isnan(values[1:, :4]).any(axis=1)
    return np.append(False, same.all(axis=1) & known)


def _volume_shifts(
    times: pd.DatetimeIndex, volume: np.ndarray, close: np.ndarray
) -> tuple[VolumeShift, ...]:
    """Find sustained jumps of the level of volume whose size is near the price."""
    places = np.flatnonzero((volume > 0) & np.isfinite(volume) & (close > 0))
    logs, price = np.log(volume[places]), np.log(close[places])
    # medians are dear, and no two levels lie farther apart than the volumes around them
    sizes = np.abs(price)
    if not ((sizes > _TOLD_APART) & (_ranges(logs) > sizes - _NEAR)).any():
        return ()
    levels = pd.Series(logs).rolling(_LEVEL_BARS).median().to_numpy()
    at = np.arange(_LEVEL_BARS, len(logs) - _LEVEL_BARS + 1)
    before, after = levels[at - 1], levels[at + _LEVEL_BARS - 1]
    size = sizes[at]
    near = (size > _TOLD_APART) & (np.abs(np.abs(after - before) - size) < _NEAR)
    if not near.any():
        return ()
    groups = np.split(at[near], np.flatnonzero(np.diff(at[near]) > _LEVEL_BARS) + 1)
    rows = [int(group[np.argmax(np.abs(logs[group] - logs[group - 1]))]) for group in groups]
    jumps = {row: levels[row + _LEVEL_BARS - 1] - levels[row - 1] for row in rows}
    return tuple(
        VolumeShift(times[places[row]], float(np.exp(jump)), float(close[places[row]]))
        for row, jump in jumps.items()
        if _steps(logs[row - _LEVEL_BARS : row + _LEVEL_BARS], levels[row - 1] + jump / 2, jump)
    )


def _ranges(logs: np.ndarray) -> np.ndarray:
    """Give for each row a range that holds all rows of a level's length on either side of it."""
    blocks = np.pad(logs, (0, -len(logs) % _LEVEL_BARS), mode="edge").reshape(-1, _LEVEL_BARS)
    high = pd.Series(blocks.max(axis=1)).rolling(3, 1, center=True).max()
    low = pd.Series(blocks.min(axis=1)).rolling(3, 1, center=True).min()
    return np.repeat((high - low).to_numpy(), _LEVEL_BARS)[: len(logs)]


def _steps(logs: np.ndarray, middle: float, jump: float) -> bool:
    """Tell a clean step, each side on its own level but for a tenth, from a steep climb."""
    moved = (logs > middle) == (jump > 0)
    return bool(np.append(~moved[:_LEVEL_BARS], moved[_LEVEL_BARS:]).mean() >= 0.9)


def _outliers(times: pd.DatetimeIndex, close: np.ndarray) -> tuple[Outlier, ...]:
    priced = np.flatnonzero((close > 0) & np.isfinite(close))
    returns = pd.Series(np.diff(np.log(close[priced])))
    far = returns - returns.median()
    whole = far / (_SIGMA_PER_MAD * far.abs().median() or np.nan)
    moves = np.flatnonzero(whole.abs() > _OUTLIER)
    trailing = _trailing(returns.to_numpy(), moves)
    kept = ~(np.abs(trailing) <= _OUTLIER)
    found = zip(
        times[priced[moves[kept] + 1]],
        np.expm1(returns[moves[kept]]).tolist(),
        whole[moves[kept]].tolist(),
        (None if np.isnan(size) else size for size in trailing[kept].tolist()),
        strict=True,
    )
    return tuple(Outlier(*move) for move in found)


def _trailing(returns: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Measure moves in robust deviations of the returns before them; NaN where there are too few.

    Medians are dear: they are taken where a move needs them, and nowhere else.
    """
    past = np.append(np.full(_TRAILING_BARS, np.nan), returns)
    windows = sliding_window_view(past, _TRAILING_BARS)[moves]
    centre = _medians(windows)
    spread = _medians(np.abs(windows - centre[:, None]))
    return (returns[moves] - centre) / np.where(spread > 0, _SIGMA_PER_MAD * spread, np.nan)


def _medians(windows: np.ndarray) -> np.ndarray:
    """Take the median of each row that has enough values; the others have none."""
    ordered = np.sort(windows, axis=1)  # NaN goes last
    count = np.count_nonzero(~np.isnan(ordered), axis=1)
    row = np.arange(len(count))
    middle = (ordered[row, (count - 1) // 2] + ordered[row, count // 2]) / 2
    return np.where(count >= _FEWEST_BARS, middle, np.nan)
