"""Two sources beside each other: the numbers by hand, and on real files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import Apart, compare
from cryptobt.data.csv_bars import read_bars

DAY = pd.Timedelta(days=1)


def market(source: str, start: str, closes: list[float]) -> MarketData:
    times = pd.date_range(start, periods=len(closes), tz="UTC", name="time")
    close = np.array(closes)
    bars = pd.DataFrame({name: close for name in ("open", "high", "low", "close")}, times)
    return MarketData("BTC", DAY, source, bars.assign(volume=1.0).dropna())


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


OURS = market("yahoo", "2024-01-01", [100, 101, 102, 103, 104])
# the second to the sixth of January, without the fourth
OTHER = market("kraken", "2024-01-02", [100, 100, np.nan, 130, 99])


def test_the_differences_are_worked_by_hand() -> None:
    found = compare(OURS, OTHER, 0.015)
    # 101/100, 102/100 and 104/130: 1 %, 2 % and 20 % apart
    assert found.common == 3
    assert found.median == pytest.approx(0.02)
    assert found.largest == pytest.approx(0.2)
    assert found.largest_at == day("2024-01-05")
    assert found.apart == (
        Apart(day("2024-01-03"), 102, 100, pytest.approx(0.02)),
        Apart(day("2024-01-05"), 104, 130, pytest.approx(0.2)),
    )


def test_bars_that_one_lacks_are_listed_within_the_common_span() -> None:
    found = compare(OURS, OTHER, 0.015)
    assert found.only_ours == (day("2024-01-04"),)
    assert found.only_other == ()
    assert compare(OTHER, OURS, 0.015).only_other == (day("2024-01-04"),)


def test_a_person_is_told_the_widest_first() -> None:
    assert compare(OURS, OTHER, 0.015).lines() == [
        "BTC (yahoo) against BTC (kraken): 3 1d bars in common, 2024-01-02T00:00:00Z to "
        "2024-01-05T00:00:00Z",
        "closes apart by 2.00% in the median, at most 20.00% (2024-01-05T00:00:00Z)",
        "2 bar(s) apart by more than 1.50%",
        "  2024-01-05T00:00:00Z: 104 against 130, 20.00%",
        "  2024-01-03T00:00:00Z: 102 against 100, 2.00%",
        "1 bar(s) that BTC (kraken) lacks, first 2024-01-04T00:00:00Z",
    ]


def test_the_json_document_holds_everything() -> None:
    document = json.loads(json.dumps(compare(OURS, OTHER, 0.015).to_json(), allow_nan=False))
    assert document["apart"][1]["time"] == "2024-01-05T00:00:00Z"
    assert (document["ours"], document["interval"]) == ("BTC (yahoo)", "1d")
    assert document["only_ours"] == ["2024-01-04T00:00:00Z"]


def test_a_market_agrees_with_itself() -> None:
    found = compare(OURS, OURS, 0.001)
    assert (found.median, found.largest, found.apart, found.only_ours) == (0, 0, (), ())


def test_a_difference_of_just_the_threshold_is_not_listed() -> None:
    ours, other = market("a", "2024-01-01", [3, 2]), market("b", "2024-01-01", [2, 2])
    assert compare(ours, other, 0.5).apart == ()


@pytest.mark.parametrize("threshold", [0, -0.1, float("nan"), float("inf")])
def test_a_threshold_that_is_not_above_zero_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match=r"expected a share above zero, like 0\.02"):
        compare(OURS, OTHER, threshold)


def test_bars_of_different_length_are_refused_with_what_to_do() -> None:
    hours = replace(OTHER, interval=pd.Timedelta(hours=1))
    with pytest.raises(UsageError, match=r"bars of 1d, BTC \(kraken\) of 1h; resample the shorter"):
        compare(OURS, hours, 0.02)


def test_markets_without_a_common_time_are_refused_with_their_spans() -> None:
    later = market("kraken", "2025-01-01", [1, 2])
    with pytest.raises(DataInvalidError, match=r"no time in common: 2024-01-01T.*, 2025-01-01T"):
        compare(OURS, later, 0.02)


def test_of_many_bars_apart_the_widest_are_shown_and_said_to_be_so() -> None:
    ours = market("a", "2024-01-01", [10 + place for place in range(8)])
    lines = compare(ours, market("b", "2024-01-01", [10] * 8), 0.05).lines()
    assert lines[2] == "7 bar(s) apart by more than 5.00%, the widest 5:"
    assert [line[:12] for line in lines[3:]] == [f"  2024-01-0{day}" for day in (8, 7, 6, 5, 4)]


@pytest.mark.real_data
def test_two_real_sources_of_one_market_agree_as_documented(real_data: Path) -> None:
    now = pd.Timestamp("2026-06-05T12:00:00Z")
    yahoo = read_bars(real_data / "btc_usd_yahoo_1d.csv", "BTC-USD", "refuse", now)
    binance = read_bars(real_data / "btc_usdt_binance_1d.csv", "BTC-USDT", "refuse", now)
    found = compare(yahoo, binance, 0.02)
    assert found.common == 3121
    assert round(found.median, 4) == 0.0009
    assert round(found.largest, 3) == 0.105
    assert found.largest_at == day("2017-12-23")
    assert (len(found.apart), found.only_ours, found.only_other) == (69, (), ())
