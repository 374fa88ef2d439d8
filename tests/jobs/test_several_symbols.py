"""One run over several symbols, from their files to its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.data.sample import sample_market
from cryptobt.jobs.backtest import backtest
from cryptobt.jobs.events import Events
from tests.jobs.tiny import NOW, RunFolder, tiny

SLOW_TO_LEARN = {"refit_days": 365, "ensemble_seeds": 1}


def write_bars(folder: Path, symbol: str, first: str, last: str) -> str:
    """A symbol's part of the sample market as a file, as ``--csv`` takes it."""
    bars = sample_market(symbol).market.bars.loc[first:last]
    path = folder / f"{symbol}.csv"
    bars.to_csv(path, date_format="%Y-%m-%dT%H:%M:%SZ")
    return f"{symbol}={path}"


Run = Callable[..., tuple[RunFolder, list[str]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the job over some files; what was warned of comes along."""
    folder = tmp_path_factory.mktemp("several")

    def go(csv: list[str], **sections: Any) -> tuple[RunFolder, list[str]]:
        said: list[str] = []
        out = {"out": str(folder / f"runs{len(list(folder.iterdir()))}"), "workers": 2}
        sections = {"run": out, **sections}
        sections["data"] = {"source": "csv", "csv": csv, **sections.get("data", {})}
        settings = Settings.model_validate(tiny(**sections) | {"data": sections["data"]})
        events = Events(said.append, lambda _: None, lambda _: None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
            return RunFolder(backtest(settings, NOW, events).folder), said

    return go


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three symbols: one from the start, one listed a year later, one that ends early."""
    folder = tmp_path_factory.mktemp("bars")
    return [
        write_bars(folder, "BTC-USD", "2015-01-01", "2018-06-30"),
        write_bars(folder, "ETH-USD", "2016-01-01", "2018-06-30"),
        write_bars(folder, "SOL-USD", "2015-01-01", "2018-03-31"),
    ]


@pytest.fixture(scope="module")
def whole(run: Run, files: list[str]) -> tuple[RunFolder, list[str]]:
    return run(files)


def test_every_symbol_is_in_the_files_from_its_listing_on(
    whole: tuple[RunFolder, list[str]],
) -> None:
    weights = whole[0].table("weights.csv")
    assert weights["symbol"].unique().tolist() == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert set(whole[0].table("forecasts.csv")["symbol"]) == set(weights["symbol"])
    assert set(whole[0].table("fills.csv")["symbol"]) <= set(weights["symbol"])
    assert "BTC-USD-and-2-more" in whole[0].path.name
    assert [data["symbol"] for data in whole[0].manifest["data"]] == ["BTC-USD", "ETH-USD",
                                                                      "SOL-USD"]  # fmt: skip


def test_a_symbol_joins_with_its_first_forecast_and_delays_no_other(
    whole: tuple[RunFolder, list[str]],
) -> None:
    metrics = whole[0].metrics
    joined = {symbol: part["joined"] for symbol, part in metrics["per_symbol"].items()}
    assert joined["BTC-USD"] == metrics["first"]
    assert joined["ETH-USD"] > joined["BTC-USD"]
    forecasts = whole[0].table("forecasts.csv")
    assert joined["ETH-USD"] == forecasts["time"][forecasts["symbol"] == "ETH-USD"].min()


def test_a_symbol_that_ends_is_said_everywhere(whole: tuple[RunFolder, list[str]]) -> None:
    run, said = whole
    (line,) = [line for line in said if line.startswith("SOL-USD: no data for 91 bars")]
    assert "it ends at 2018-03-31" in line
    assert line in run.metrics["data"]["warnings"]
    assert run.metrics["per_symbol"]["SOL-USD"]["missed_bars"] == 91
    assert run.metrics["per_symbol"]["BTC-USD"]["missed_bars"] == 0
    assert "SOL-USD: no data for 91 bars" in run.files["tearsheet.html"].decode()


def test_the_symbols_parts_add_up_to_the_account(whole: tuple[RunFolder, list[str]]) -> None:
    metrics = whole[0].metrics
    parts, row = metrics["per_symbol"].values(), metrics["rows"]["strategy"]
    for name in ("fees_quote", "slippage_quote", "exposure"):
        total = sum(part["account"][name]["value"] for part in parts)
        assert total == pytest.approx(row["performance"][name]["value"])
    assert sum(part["trades"] for part in parts) == row["performance"]["trades"]
    for count in ("tp", "fp", "tn", "fn", "n", "abstained"):
        assert sum(part["direction"][count] for part in parts) == row["direction"][count]
    equity = whole[0].table("equity.csv")["equity_quote"].astype(float)
    profit = sum(part["account"]["pnl_quote"]["value"] for part in parts)
    assert profit == pytest.approx(equity.iloc[-1] - 10_000)


def test_the_forecasts_of_a_symbol_are_those_that_it_has_alone(
    run: Run, files: list[str], whole: tuple[RunFolder, list[str]]
) -> None:
    alone = run(files[1:2])[0].table("forecasts.csv")
    together = whole[0].table("forecasts.csv")
    mine = together[together["symbol"] == "ETH-USD"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone)


@pytest.mark.slow
def test_workers_and_cache_change_no_byte(
    run: Run, files: list[str], whole: tuple[RunFolder, list[str]]
) -> None:
    again, _ = run(files)
    assert again.repeatable() == whole[0].repeatable()


def test_a_start_before_a_late_symbols_first_fold_lets_it_join_late(
    run: Run, files: list[str]
) -> None:
    found, _ = run(files[:2], data={"start": "2017-01-10"})
    assert found.metrics["first"] == "2017-01-10T00:00:00Z"
    assert found.metrics["per_symbol"]["ETH-USD"]["joined"] > "2017-12"


def test_a_symbol_too_short_to_be_forecast_is_said_and_left_alone(
    run: Run, files: list[str], tmp_path: Path
) -> None:
    young = write_bars(tmp_path, "ETH-USD", "2018-01-01", "2018-06-30")
    found, said = run([files[0], young])
    assert any(line.startswith("ETH-USD: never forecast, and so not traded") for line in said)
    part = found.metrics["per_symbol"]["ETH-USD"]
    assert part["joined"] is None
    assert part["trades"] == 0
    assert part["direction"]["accuracy"]["value"] is None


def test_the_first_symbol_too_short_to_be_forecast_is_refused(run: Run, tmp_path: Path) -> None:
    both = [write_bars(tmp_path, name, "2018-01-01", "2018-06-30") for name in
            ("BTC-USD", "ETH-USD")]  # fmt: skip
    with pytest.raises(DataInvalidError, match="too few rows"):
        run(both)


def test_files_of_different_intervals_are_refused_before_anything_is_trained(
    run: Run, files: list[str], tmp_path: Path
) -> None:
    hours = pd.DataFrame({"time": pd.date_range("2017-01-01", periods=50, freq="h", tz="UTC")})
    hours = hours.assign(open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)
    hours.to_csv(tmp_path / "hours.csv", index=False)
    with pytest.raises(DataInvalidError, match="BTC-USD has 1d, HOURS 1h"):
        run([files[0], f"HOURS={tmp_path / 'hours.csv'}"])
