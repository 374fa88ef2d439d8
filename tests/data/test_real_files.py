"""Files as exchanges and vendors really write them."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.types import MarketData
from cryptobt.data.cross_check import compare
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.csv_series import read_series
from cryptobt.data.quality import examine

FOLDER = os.environ.get("CRYPTOBT_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="CRYPTOBT_REAL_DATA names no folder of real data"),
]
NOW = pd.Timestamp("2026-06-05T12:00:00Z")
# some files of other markets are newer than those of coins
LATER = pd.Timestamp("2026-11-20T12:00:00Z")
PRICES = ["open", "high", "low", "close"]


def load(name: str, now: pd.Timestamp = NOW) -> MarketData:
    return read_bars(Path(FOLDER) / name, "X", "refuse", now)


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize(
    ("name", "bars", "gaps", "zero_volume"),
    [
        ("btc_usd_yahoo_1d.csv", 4279, 0, 0),
        ("eth_usd_yahoo_1d.csv", 3130, 0, 0),
        ("ada_usd_yahoo_1d_to_2022.csv", 1826, 0, 0),
        ("xrp_usd_yahoo_1d_to_2022.csv", 1826, 0, 0),
        ("ltc_usd_yahoo_1d_to_2022.csv", 1826, 0, 0),
        ("btc_usdt_binance_1d.csv", 3121, 0, 0),
        ("eth_usdt_binance_1d.csv", 3121, 0, 0),
        ("btc_usd_bitstamp_1d.csv", 4017, 0, 8),
        ("btc_usd_kraken_1d.csv", 2190, 12, 19),
        ("btc_usdt_poloniex_5m_2017.csv", 7673, 0, 50),
        ("btc_usdt_binance_5m_2022_2023.csv.gz", 123_119, 16, 14),
        ("fixtures/cryptodatadownload_bitstamp_btcusd_d_raw.csv", 3873, 0, 8),
        ("fixtures/yahoo_csv_btc_usd_2020_nulls.csv", 363, 3, 0),
        ("fixtures/yahoo_csv_btc_usd_2023_nulls.csv", 37, 3, 0),
    ],
)
def test_a_real_file_loads_under_refuse(name: str, bars: int, gaps: int, zero_volume: int) -> None:
    market = load(name)
    assert (len(market.bars), market.quality.gaps) == (bars, gaps)
    assert int((market.bars["volume"] == 0).sum()) == zero_volume


def test_the_currency_file_contradicts_itself_and_can_be_quarantined() -> None:
    file = Path(FOLDER) / "eurusd_yahoo_1d.csv"
    with pytest.raises(DataInvalidError, match=r"line 104: .*more bad row"):
        read_bars(file, "EUR", "refuse", NOW)
    assert len(read_bars(file, "EUR", "quarantine", NOW).quality.quarantined) >= 127


def test_onchain_and_sentiment_files_load() -> None:
    onchain = read_series(Path(FOLDER) / "eth_coinmetrics_1d.csv", "onchain", 24.0).frame
    assert list(onchain) == ["adractcnt", "txcnt", "feetotntv", "priceusd", "available_at"]
    mood = read_series(Path(FOLDER) / "fear_greed_1d.csv", "sentiment", 0.0).frame
    assert len(mood) == 3039


def test_half_a_year_of_five_minute_bars_loads_whole() -> None:
    market = read_bars(
        Path(FOLDER) / "btc_usdt_binance_5m_2022_2023.csv.gz", "BTC-USDT", "refuse", NOW
    )
    assert len(market.bars) == 123_119
    assert market.quality.gaps == 16


def test_a_coin_below_its_address_and_newest_first_is_read_by_its_names() -> None:
    file = Path(FOLDER) / "fixtures/cryptodatadownload_bitstamp_btcusd_d_raw.csv"
    lines = file.read_text().splitlines()
    assert lines[0].startswith("https://")
    market = load(f"fixtures/{file.name}")
    assert "volume is column 'Volume BTC'" in market.quality.warnings
    # the row below the header is the newest: unix,date,symbol,open,high,low,close,Volume BTC,…
    assert market.times[-1] == day("2025-07-05")
    assert market.bars.iloc[-1].tolist() == [float(cell) for cell in lines[2].split(",")[3:8]]
    # the same exchange as another file tells it: only the day of the download differs
    found = compare(market, load("btc_usd_bitstamp_1d.csv"), 1e-9)
    assert (found.common, [bar.time for bar in found.apart]) == (3873, [day("2025-07-05")])


def test_columns_in_an_order_of_their_own_are_not_taken_for_each_other() -> None:
    # unix_time,high,low,open,close,volume
    row = load("btc_usdt_poloniex_5m_2017.csv").bars.loc[
        pd.Timestamp(1_500_000_000, unit="s", tz="UTC")
    ]
    assert row.tolist() == [
        2279.9999978,
        2280.00000003,
        2275.52871623,
        2276.8080001,
        52318.87898628,
    ]


@pytest.mark.parametrize(
    ("name", "bars", "gaps", "zero_volume"),
    [
        ("sp500_yahoo_1d.csv", 4163, 1882, 1),
        ("gld_yahoo_1d.csv", 5452, 2466, 0),
        ("vix_yahoo_1d.csv", 9174, 4129, 9174),
    ],
)
def test_markets_that_sleep_have_their_weekends_as_gaps(
    name: str, bars: int, gaps: int, zero_volume: int
) -> None:
    market = load(name, LATER)
    assert market.interval == pd.Timedelta(days=1)
    assert (len(market.bars), market.quality.gaps) == (bars, gaps)
    assert int((market.bars["volume"] == 0).sum()) == zero_volume
    assert set(market.times.day_of_week) == set(range(5))


def test_what_is_newer_than_the_clock_is_refused_at_its_first_row() -> None:
    words = r"line 4133: time 2026-06-08T00:00:00Z is after now, 2026-06-05T12:00:00Z \(31 more"
    with pytest.raises(DataInvalidError, match=words):
        load("sp500_yahoo_1d.csv")


def test_sentiment_lacks_four_days_and_fills_none_of_them() -> None:
    mood = read_series(Path(FOLDER) / "fear_greed_1d.csv", "sentiment", 0.0).frame
    days = pd.date_range(mood.index[0], mood.index[-1])
    assert len(days.difference(mood.index)) == 4
    assert mood["value"].notna().all()


def test_the_newest_onchain_day_has_a_price_and_not_yet_all_else() -> None:
    frame = read_series(Path(FOLDER) / "btc_coinmetrics_1d.csv", "onchain", 24.0).frame
    newest = frame.loc[day("2026-06-01")]
    assert newest["priceusd"] > 0
    assert newest[["blkcnt", "splycur", "adrbalcnt", "flowinexntv"]].isna().all()
    assert newest["available_at"] == day("2026-06-03")


def test_an_older_download_of_onchain_values_tells_what_the_newer_one_tells() -> None:
    newer = read_series(Path(FOLDER) / "btc_coinmetrics_1d.csv", "onchain", 24.0).frame
    older = read_series(Path(FOLDER) / "btc_coinmetrics_vintage_202003.csv", "onchain", 24.0).frame
    assert (len(older), older.index[-1]) == (2626, day("2020-03-10"))
    pd.testing.assert_frame_equal(newer.loc[older.index, older.columns], older, rtol=1e-9)


# coin and day of moves that were real, put on the bars that there are
MOVES = [("2021-01-28", 3.55, "DOGE"), ("2023-07-13", 0.73, "XRP"), ("2025-03-02", 0.71, "ADA")]


@pytest.mark.parametrize("mode", ["refuse", "quarantine"])
@pytest.mark.parametrize("name", ["btc_usd_yahoo_1d.csv", "eth_usd_yahoo_1d.csv"])
@pytest.mark.parametrize(("date", "change", "coin"), MOVES)
def test_real_moves_stay_and_are_listed(
    date: str, change: float, coin: str, name: str, mode: str, tmp_path: Path
) -> None:
    bars = load(name).bars.copy()
    before = bars.loc[day(date) - pd.Timedelta(days=1), "close"]
    bars.loc[day(date) :, PRICES] *= (1 + change) * before / bars.loc[day(date), "close"]
    bars.to_csv(tmp_path / f"{coin}.csv")
    market = read_bars(tmp_path / f"{coin}.csv", coin, mode, NOW)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(market.bars, bars, check_freq=False)
    assert market.quality.quarantined == ()
    assert {move.time: round(move.change, 2) for move in examine(market).outliers}[
        day(date)
    ] == change


@pytest.mark.parametrize(("name", "listed"), [("ada", 1), ("xrp", 8), ("ltc", 1)])
def test_the_wildest_days_of_real_coins_are_all_kept(name: str, listed: int) -> None:
    market = load(f"{name}_usd_yahoo_1d_to_2022.csv")
    assert (len(market.bars), len(examine(market).outliers)) == (1826, listed)
    # XRP rose 56 % on 2021-01-30, and that was usual in its week
    assert day("2021-01-30") in market.times


def test_a_close_that_the_vendor_told_otherwise_before_is_found_by_comparing() -> None:
    now = load("btc_usd_yahoo_1d.csv")
    then = now.bars.copy()
    then.loc[day("2021-01-28"), "close"] = 31_649.6
    found = compare(now, replace(now, bars=then, source="older"), 0.01)
    assert found.lines()[2:] == [
        "1 bar(s) apart by more than 1.00%",
        # 33,466.1 / 31,649.6 = 1.0574
        "  2021-01-28T00:00:00Z: 33466.09766 against 31649.6, 5.74%",
    ]


def test_sources_with_ragged_ends_are_compared_where_both_are() -> None:
    found = compare(load("btc_usd_bitstamp_1d.csv"), load("btc_usd_kraken_1d.csv"), 0.01)
    assert (found.first, found.last) == (day("2014-11-28"), day("2019-10-16"))
    # Kraken's year before that and Bitstamp's six after it do not count; Kraken lost twelve days
    assert (found.common, len(found.only_ours), len(found.only_other)) == (1772, 12, 0)


@pytest.mark.parametrize("symbol", ["BTC-USD", "ETH-USD"])
def test_a_bar_that_was_forming_when_it_was_downloaded_is_left_out_and_said(
    symbol: str, tmp_path: Path
) -> None:
    table = pd.read_csv(Path(FOLDER) / "btc_eth_yahoo_vintages.csv")
    forming = 0
    for vintage, shown in table[table["symbol"] == symbol].groupby("vintage_utc"):
        shown.to_csv(tmp_path / "shown.csv", columns=["date", *PRICES, "volume"], index=False)
        now = pd.Timestamp(str(vintage))
        market = read_bars(tmp_path / "shown.csv", symbol, "refuse", now)
        assert market.times[-1] + market.interval <= now
        # some downloads were kept twice
        left_out = shown["date"].nunique() - len(market.bars)
        said = [note for note in market.quality.warnings if "still forming left out" in note]
        assert (left_out, len(said)) in {(0, 0), (1, 1)}
        forming += left_out
    assert forming > 50
