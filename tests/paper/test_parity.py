"""An account's nights and a backtest over the same bars give the same files, byte for byte."""

from pathlib import Path

import pandas as pd
import pytest

from cryptobt.data.sample import COINS, sample_market
from studies.paper_parity import STRATEGIES, Parity, compare

FIRST = pd.Timestamp("2018-03-20", tz="UTC")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample market as files."""
    folder, found = tmp_path_factory.mktemp("bars"), {}
    for coin in COINS:
        found[coin] = folder / f"{coin}.csv"
        sample_market(coin).market.bars.loc["2016":"2018"].to_csv(found[coin])
    return found


def run(folder: Path, strategy: str, files: dict[str, Path], symbols: int, nights: int) -> Parity:
    return compare(folder, strategy, dict(list(files.items())[:symbols]), FIRST, nights)


@pytest.mark.slow
def test_a_stock_strategy_s_nights_are_its_backtest(tmp_path: Path, files: dict[str, Path]) -> None:
    parity = run(tmp_path, "cross.py:Cross", files, 3, 12)
    assert parity.differences == ()
    assert parity.fills >= 4


@pytest.mark.slow
@pytest.mark.parametrize("symbols", [1, 3])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sixty_nights_are_one_backtest(
    strategy: str, symbols: int, tmp_path: Path, files: dict[str, Path]
) -> None:
    parity = run(tmp_path, strategy, files, symbols, 60)
    assert parity.differences == ()
    least = {"sma_trend": 10, "cross.py:Cross": 4}
    assert parity.fills >= least.get(strategy, 30)
    assert parity.refits >= (2 if strategy.endswith("_signal") else 0)
