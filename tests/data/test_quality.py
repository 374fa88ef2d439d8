"""What is found in bars: each defect planted once and found where it is; real moves stay."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.types import MarketData, QualityReport
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.quality import Gap, VolumeShift, examine

DAY = pd.Timedelta(days=1)
NOW = pd.Timestamp("2026-06-05T12:00:00Z")


def walk(
    count: int = 400, start: float = 30_000.0, seed: int = 1, spacing: str = "D"
) -> pd.DataFrame:
    """Bars with returns of 2 % a day, and volumes in coins that wander by a half."""
    random = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(random.normal(0, 0.02, count)))
    times = pd.date_range("2020-01-01", periods=count, freq=spacing, tz="UTC", name="time")
    bars = pd.DataFrame({"open": close * 0.995, "high": close * 1.01}, times)
    volume = 1_000 * np.exp(random.normal(0, 0.5, count))
    return bars.assign(low=close * 0.98, close=close, volume=volume)


def market(bars: pd.DataFrame, quality: QualityReport | None = None) -> MarketData:
    return MarketData("BTC", DAY, "csv", bars, quality=quality or QualityReport())


def at(place: int) -> pd.Timestamp:
    return pd.Timestamp("2020-01-01", tz="UTC") + place * DAY


def test_clean_bars_have_nothing_to_tell() -> None:
    found = examine(market(walk()))
    assert found.lines() == [
        "BTC (csv): 400 bars of 1d, 2020-01-01T00:00:00Z to 2021-02-03T00:00:00Z",
        "no gaps",
    ]
    assert found.behind is None


def test_gaps_are_counted_and_the_longest_named_first() -> None:
    found = examine(market(walk().drop([at(5), at(20), at(21), at(22)])))
    assert found.gaps == (Gap(at(5), 1), Gap(at(20), 3))
    words = "4 bar(s) missing in 2 gap(s): 3 from 2020-01-21T00:00:00Z, 1 from 2020-01-06T00:00:00Z"
    assert found.lines()[1] == words
    assert (found.to_json()["missing"], found.to_json()["longest_gap"]) == (4, 3)


def test_what_the_clock_says_is_missing_at_the_end_is_counted() -> None:
    bars = market(walk(10))
    for hours, behind in ((0, 0), (24, 0), (47.9, 0), (48, 1), (24 * 5, 4)):
        found = examine(bars, at(9) + pd.Timedelta(hours=hours))
        assert found.behind == behind
    assert found.lines()[1] == "4 complete bar(s) since then are not there"


def test_zero_volume_flat_and_repeated_bars_are_listed() -> None:
    bars = walk()
    bars.iloc[7, 4] = 0
    bars.iloc[11, :4] = bars.iloc[11, 3]
    bars.iloc[31] = bars.iloc[30]
    bars.iloc[41, :4] = bars.iloc[40, :4]
    found = examine(market(bars))
    assert (found.zero_volume, found.flat) == ((at(7),), (at(11),))
    # the 41st bar has a volume of its own
    assert found.stale == (at(31),)
    assert "1 bar(s) that repeat the one before, volume included, first 2020-02-01T" in str(
        found.lines()
    )


def test_bars_without_volume_can_repeat_too() -> None:
    bars = walk().assign(volume=np.nan)
    bars.iloc[31] = bars.iloc[30]
    assert examine(market(bars)).stale == (at(31),)


@pytest.mark.parametrize(
    ("column", "factor"), [("high", 0.97), ("low", 1.03), ("open", 1.2), ("close", 0.5)]
)
def test_prices_that_contradict_each_other_are_listed(column: str, factor: float) -> None:
    bars = walk()
    bars.loc[at(9), column] *= factor
    assert examine(market(bars)).inconsistent == (at(9),)


def test_rows_out_of_order_repeated_or_empty_are_counted_and_do_not_stop_the_rest() -> None:
    bars = walk().iloc[[*range(10), 12, 11, 10, *range(13, 400), 399]]
    bars.iloc[50, :4] = np.nan
    found = examine(market(bars))
    assert found.unordered == 3
    assert found.null == (at(50),)
    assert found.gaps == ()
    json.dumps(found.to_json(), allow_nan=False)


def test_rows_that_cannot_be_true_are_listed_and_said_once() -> None:
    quarantined = ({"time": "2020-01-01T00:00:00Z", "reason": "line 3: bad"},)
    notes = ("1 row(s) quarantined and left as gaps, first: line 3: bad", "2 repeated row(s)")
    found = examine(market(walk(), QualityReport(0, quarantined, notes)))
    assert found.lines()[-3:] == [
        "1 row(s) that cannot be true",
        "  line 3: bad",
        "at loading: 2 repeated row(s)",
    ]
    assert found.to_json()["quarantined"] == [*quarantined]


@given(place=st.integers(20, 380), up=st.booleans(), seed=st.integers(0, 50))
def test_a_switch_between_coins_and_money_is_found_where_it_is(
    place: int, up: bool, seed: int
) -> None:
    bars = walk(seed=seed)
    switched = slice(place, None) if up else slice(None, place)
    bars.iloc[switched, 4] *= bars["close"].iloc[switched]
    (shift,) = examine(market(bars)).volume_shifts
    price = bars["close"].iloc[place]
    assert (shift.time, shift.price) == (at(place), price)
    assert price / 3 < (shift.ratio if up else 1 / shift.ratio) < price * 3


def test_both_ends_of_a_stretch_in_money_are_found_and_said() -> None:
    bars = walk()
    bars.iloc[100:200, 4] *= bars["close"].iloc[100:200]
    found = examine(market(bars))
    assert [shift.time for shift in found.volume_shifts] == [at(100), at(200)]
    (first, _) = (line for line in found.lines() if line.startswith("volume jumps"))
    assert "at 2020-04-10T00:00:00Z, where the price is" in first


def test_cheap_coins_are_told_apart_as_well() -> None:
    bars = walk(start=0.004)
    bars.iloc[100:, 4] *= bars["close"].iloc[100:]
    (shift,) = examine(market(bars)).volume_shifts
    assert isinstance(shift, VolumeShift)
    assert shift.ratio < 1 / 80


def test_single_spikes_slow_growth_and_prices_near_one_are_no_switch() -> None:
    spike = walk()
    spike.iloc[100:105, 4] *= 30_000
    growth = walk(start=50.0)
    growth["volume"] *= np.exp(np.linspace(0, 12, 400))
    near_one = walk(start=1.5)
    near_one.iloc[100:, 4] *= near_one["close"].iloc[100:]
    step = walk()
    step.iloc[100:, 4] *= 50
    for bars in (spike, growth, near_one, step, walk(30), walk().assign(volume=0.0)):
        assert examine(market(bars)).volume_shifts == ()


@pytest.mark.parametrize("change", [3.55, 0.73, 0.71, -0.5])
def test_a_real_move_is_listed_and_stays(change: float) -> None:
    bars = walk()
    bars.iloc[200:, :4] *= (1 + change) * bars["close"].iloc[199] / bars["close"].iloc[200]
    before = market(bars.copy())
    found = examine(before)
    (move,) = found.outliers
    assert move.time == at(200)
    assert move.change == pytest.approx(change)
    pd.testing.assert_frame_equal(before.bars, bars)
    assert f"all kept: {change:+.1%} at 2020-07-19T00:00:00Z" in found.lines()[-1]


def test_an_outlier_is_measured_by_hand() -> None:
    # returns of +1 % and -1 % in turn: median 0 or so, MAD 1 %, and one of 20 %
    steps = np.tile([0.01, -0.01], 200)
    steps[300] = 0.20
    close = 100 * np.exp(np.append(0, np.cumsum(steps)))
    (move,) = examine(market(walk(401).assign(close=close))).outliers
    assert move.time == at(301)
    # 200 returns of -1 %, 200 above: the median of 400 lies half way, at 0
    assert move.whole == pytest.approx(0.20 / (1.4826 * 0.01), rel=1e-6)
    assert move.trailing == pytest.approx(0.20 / (1.4826 * 0.01), rel=1e-6)


@given(seed=st.integers(0, 200), share=st.sampled_from([0.002, 0.02, 0.2]))
def test_moves_near_each_other_and_far_apart_are_measured_by_the_definition(
    seed: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.01, 700) * np.where(random.random(700) < share, 30, 1)
    close = 100 * np.exp(np.append(0, np.cumsum(steps)))
    moved = np.diff(np.log(close))
    outliers = examine(market(walk(701).assign(close=close))).outliers
    found = {(move.time - at(1)).days: move for move in outliers}
    whole = np.abs(moved - np.median(moved)) / np.median(np.abs(moved - np.median(moved))) / 1.4826
    for i in range(700):
        past = moved[max(i - 90, 0) : i]
        usual = np.median(past) if len(past) >= 30 else np.nan
        spread = np.median(np.abs(past - usual)) if len(past) >= 30 else np.nan
        trailing = (moved[i] - usual) / (1.4826 * spread)
        assert (i in found) == (whole[i] > 8 and not abs(trailing) <= 8)
        if i in found and not np.isnan(trailing):
            assert found[i].trailing == pytest.approx(trailing, rel=1e-12)


def test_a_move_that_is_usual_for_its_time_is_no_outlier() -> None:
    calm = np.random.default_rng(2).normal(0, 0.001, 1000)
    calm[800:] *= 100
    found = examine(market(walk(1000).assign(close=100 * np.exp(np.cumsum(calm))))).outliers
    # it is listed when it sets in, and no more once it is what the last 90 bars do
    assert found
    assert all(at(800) <= move.time < at(890) for move in found)


def test_an_early_move_is_judged_by_the_whole_alone() -> None:
    bars = walk()
    bars.iloc[10:, :4] *= 2
    (move,) = examine(market(bars)).outliers
    assert (move.time, move.trailing) == (at(10), None)
    assert (
        json.loads(json.dumps(examine(market(bars)).to_json()))["outliers"][0]["trailing"] is None
    )


def test_prices_that_never_move_have_no_outliers() -> None:
    bars = walk()
    bars[["open", "high", "low", "close"]] = 5.0
    found = examine(market(bars))
    assert (found.outliers, len(found.flat)) == ((), 400)


def test_the_json_document_holds_everything_as_plain_values() -> None:
    bars = walk().drop(at(5))
    bars.iloc[100:, 4] *= bars["close"].iloc[100:]
    document = json.loads(json.dumps(examine(market(bars), NOW).to_json(), allow_nan=False))
    assert document["interval"] == "1d"
    assert document["gaps"] == [{"first": "2020-01-06T00:00:00Z", "bars": 1}]
    assert document["volume_shifts"][0]["time"] == "2020-04-11T00:00:00Z"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "missing", "zero", "flat", "stale"),
    [
        ("btc_usd_yahoo_1d.csv", 0, 0, 0, 0),
        ("eth_usdt_binance_1d.csv", 0, 0, 0, 0),
        ("btc_usd_bitstamp_1d.csv", 0, 8, 8, 5),
        ("btc_usd_kraken_1d.csv", 12, 19, 21, 3),
        ("btc_usdt_poloniex_5m_2017.csv", 0, 50, 50, 42),
        ("btc_usdt_binance_5m_2022_2023.csv.gz", 16, 14, 14, 13),
    ],
)
def test_real_files_have_what_is_known_of_them_and_no_switch_of_units(
    name: str, missing: int, zero: int, flat: int, stale: int, real_data: Path
) -> None:
    found = examine(read_bars(real_data / name, "X", "refuse", NOW), NOW)
    counts = (len(found.zero_volume), len(found.flat), len(found.stale))
    assert (sum(gap.bars for gap in found.gaps), *counts) == (missing, zero, flat, stale)
    assert (found.volume_shifts, found.inconsistent, found.null, found.unordered) == ((), (), (), 0)


@pytest.mark.real_data
def test_the_crash_of_march_2020_is_listed_and_a_switch_in_real_volume_found(
    real_data: Path,
) -> None:
    real = read_bars(real_data / "btc_usdt_binance_1d.csv", "BTC", "refuse", NOW)
    assert pd.Timestamp("2020-03-12", tz="UTC") in {move.time for move in examine(real).outliers}
    day = pd.Timestamp("2021-05-04", tz="UTC")
    bars = real.bars.copy()
    bars.loc[day:, "volume"] *= bars.loc[day:, "close"]
    (shift,) = examine(replace(real, bars=bars)).volume_shifts
    assert shift.time == day
