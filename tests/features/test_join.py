"""Series beside the bars: a row is used from the instant it was published, and for seven days."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cryptobt.core.time import DAY
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import join

SIM = simulate("X", 60, seed=1)
TIMES = SIM.market.times
CLOSES = TIMES + DAY


def series(values: list[float], published: list[pd.Timestamp], name: str = "x") -> ExtraSeries:
    starts = pd.date_range("2015-01-01", periods=len(values), tz="UTC", name="time")
    at = pd.DatetimeIndex(published)
    return ExtraSeries(
        "own", "test", pd.DataFrame({name: values, "available_at": at}, index=starts), 0.0
    )


def joined(*extras: ExtraSeries) -> pd.DataFrame:
    return join(SIM.market, extras, [name for extra in extras for name in extra.frame])


def test_a_row_published_at_the_very_close_is_used() -> None:
    column = joined(series([7.0], [CLOSES[10]]))["x"]
    assert column.iloc[:10].isna().all()
    assert column.iloc[10] == 7.0


def test_a_row_published_a_nanosecond_after_the_close_is_not() -> None:
    column = joined(series([7.0], [CLOSES[10] + pd.Timedelta(1, "ns")]))["x"]
    assert np.isnan(column.iloc[10])
    assert column.iloc[11] == 7.0


def test_a_value_is_used_for_seven_days_and_then_stale() -> None:
    column = joined(series([7.0], [CLOSES[10]]))["x"]
    assert (column.iloc[10:18] == 7.0).all()
    assert column.iloc[18:].isna().all()


def test_the_newest_published_row_wins() -> None:
    column = joined(series([1.0, 2.0, 3.0], [CLOSES[10], CLOSES[11], CLOSES[13]]))["x"]
    assert column.iloc[10:15].tolist() == [1.0, 2.0, 2.0, 3.0, 3.0]


def test_a_missing_value_leaves_the_one_before_it_standing() -> None:
    column = joined(series([1.0, np.nan, 3.0], [CLOSES[10], CLOSES[11], CLOSES[12]]))["x"]
    assert column.iloc[10:13].tolist() == [1.0, 1.0, 3.0]


def test_a_row_of_an_earlier_period_published_later_is_never_used() -> None:
    column = joined(series([1.0, 2.0, 3.0], [CLOSES[12], CLOSES[10], CLOSES[14]]))["x"]
    assert column.iloc[10:16].tolist() == [2.0, 2.0, 2.0, 2.0, 3.0, 3.0]


def test_of_rows_published_at_one_instant_the_newest_period_s_is_used() -> None:
    column = joined(series([1.0, 2.0, 3.0], [CLOSES[10]] * 3))["x"]
    assert column.iloc[10] == 3.0


def test_with_a_day_of_lag_the_newest_usable_row_is_yesterday_s() -> None:
    column = joined(SIM.onchain)["txcnt"].to_numpy()
    np.testing.assert_array_equal(column[1:], SIM.onchain.frame["txcnt"].to_numpy()[:-1])


def test_without_lag_it_is_today_s() -> None:
    column = joined(SIM.sentiment)["value"].to_numpy()
    np.testing.assert_array_equal(column, SIM.sentiment.frame["value"].to_numpy())


def test_the_first_of_two_series_with_one_name_wins() -> None:
    one, two = series([1.0], [CLOSES[10]]), series([2.0], [CLOSES[10]])
    assert joined(one, two)["x"].iloc[10] == 1.0


def test_the_index_is_the_bars_s_also_without_series_and_across_gaps() -> None:
    assert joined().index.equals(SIM.market.bars.index)
    gapped = MarketData("X", DAY, "test", SIM.market.bars.drop(TIMES[20:25]))
    column = join(gapped, [series([7.0], [CLOSES[17]])], ["x"])["x"]
    assert len(column) == 55
    # Staleness counts days, not bars: published with bar 17, it is last used at the close of 24.
    assert column.loc[TIMES[19]] == 7.0
    assert np.isnan(column.loc[TIMES[25]])


lags = st.lists(st.integers(-50, 900), min_size=30, max_size=30)


@given(lags, st.integers(0, 59), st.integers(0, 2**32 - 1))
def test_what_is_not_published_by_a_close_changes_nothing_up_to_it(
    hours: list[int], bar: int, seed: int
) -> None:
    values = list(np.random.default_rng(3).normal(size=30))
    published = [TIMES[0] + pd.Timedelta(hours=h) for h in hours]
    before = joined(series(values, published))["x"].iloc[: bar + 1]
    noise = np.random.default_rng(seed).normal(1e6, 1e6, 30)
    other = [
        float(n) if at > CLOSES[bar] else v
        for v, n, at in zip(values, noise, published, strict=True)
    ]
    after = joined(series(other, published))["x"].iloc[: bar + 1]
    np.testing.assert_array_equal(before, after)


@given(lags, st.integers(0, 59))
def test_every_joined_value_is_the_newest_period_published_by_then_unless_stale(
    hours: list[int], bar: int
) -> None:
    values = [float(n) for n in range(30)]
    published = [TIMES[0] + pd.Timedelta(hours=h) for h in hours]
    value = joined(series(values, published))["x"].iloc[bar]
    known = [n for n, at in enumerate(published) if at <= CLOSES[bar]]
    if known and published[max(known)] >= CLOSES[bar] - 7 * DAY:
        assert value == max(known)
    else:
        assert np.isnan(value)
