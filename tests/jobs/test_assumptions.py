"""The command on the tearsheet: what repeats a run, and nothing of the machine it ran on."""

import shlex

import pandas as pd

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import DataSettings, Settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.jobs.assumptions import repeat_command
from cryptobt.jobs.manifest import settings_key
from cryptobt.strategies.registry import find_strategy

SPEC = find_strategy("sma_trend")
BARS = simulate("BTC-USD", 60, seed=1).market.bars
MARKET = MarketData("BTC-USD", pd.Timedelta(days=1), "csv", BARS)


def arguments(**data: object) -> list[str]:
    settings = Settings(data=DataSettings.model_validate(data))
    key = settings_key(settings, SPEC)
    command = repeat_command(settings, [MARKET], Trader(SPEC, {}, None), key)
    return shlex.split(command, comments=True)


def test_series_are_named_and_the_folders_of_their_files_are_not() -> None:
    found = arguments(
        csv=("/home/me/btc.csv",),
        onchain=("BTC-USD=/home/me/chain.csv",),
        extras=("news=/home/me/news.csv", "macro:sp500"),
        cross_check="/home/me/other.csv",
        resample="1d",
    )
    assert found == [
        "cryptobt", "backtest", "--strategy", "sma_trend", "--csv", "BTC-USD=FILE",
        "--onchain", "BTC-USD=FILE", "--extra", "news=FILE", "--extra", "macro:sp500",
        "--set", "data.resample=1d",
    ]  # fmt: skip


def test_a_vendor_of_on_chain_series_is_named() -> None:
    found = arguments(csv=("btc.csv",), onchain=("coinmetrics",))
    assert found[-2:] == ["--onchain", "coinmetrics"]


def test_the_key_of_settings_knows_which_series_there_are_and_not_where_they_lie() -> None:
    def key(**data: object) -> str:
        return settings_key(Settings(data=DataSettings.model_validate(data)), SPEC)

    assert key(extras=("news=a.csv",)) == key(extras=("news=/home/me/b.csv",))
    assert key(extras=("news=a.csv",)) != key(extras=("mood=a.csv",)) != key()
    assert key(onchain=("a.csv",)) == key(onchain=("b.csv",)) != key()
