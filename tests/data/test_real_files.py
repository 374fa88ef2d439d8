"""Files as exchanges and vendors really write them."""

import os
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.csv_series import read_series

FOLDER = os.environ.get("CRYPTOBT_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="CRYPTOBT_REAL_DATA names no folder of real data"),
]
NOW = pd.Timestamp("2026-06-05T12:00:00Z")


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
    market = read_bars(Path(FOLDER) / name, "X", "refuse", NOW)
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
