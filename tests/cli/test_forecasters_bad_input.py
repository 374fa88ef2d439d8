"""What a forecaster cannot learn from ends in one line; what it can is forecast without a word."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import PRICES
from cryptobt.data.sample import sample_market
from tests.forecasters.small import in_process
from tests.jobs.tiny import assignments, tiny

from .conftest import Call
from .test_bad_input import refused

SMALL = assignments({k: v for k, v in tiny().items() if k not in {"data", "metrics"}})
MANY = 900
EACH = pytest.mark.parametrize("forecaster", ["linear", "lstm"])
Series = Callable[[object], str]


@pytest.fixture(autouse=True)
def _fits_here() -> Iterator[None]:
    with in_process():
        yield


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def bars(count: int = MANY, **changed: object) -> pd.DataFrame:
    return sample_market("BTC-USD").market.bars.iloc[:count].assign(**changed)


def onchain(folder: Path, place: int | slice, value: float) -> str:
    """A file of on-chain series whose first column has this value at a place."""
    frame = sample_market("BTC-USD").onchain.frame.drop(columns="available_at").iloc[:MANY].copy()
    frame.iloc[place, 0] = value
    path = folder / "onchain.csv"
    frame.reset_index().to_csv(path, index=False)
    return str(path)


WITH_ONCHAIN = ["--set", "features.set=stationary_onchain"]


@EACH
def test_too_few_rows_exit_with_4(
    call: Call, bars_csv: Callable[..., Path], out: Path, forecaster: str
) -> None:
    file = f"BTC-USD={bars_csv(300)}"
    said = call("backtest", "--forecaster", forecaster, "--csv", file, *SMALL, "--out", str(out))
    words = "BTC-USD: too few rows: 300 bars give 0 usable windows of 30 bars"
    assert refused(said, 4, out).startswith(words)


@EACH
def test_a_feature_without_a_value_is_named_and_exits_with_4(
    call: Call, bars_csv: Callable[..., Path], out: Path, tmp_path: Path, forecaster: str
) -> None:
    file, series = bars_csv(MANY), onchain(tmp_path, slice(None), np.nan)
    said = call("backtest", "--forecaster", forecaster, "--csv", f"BTC-USD={file}",
                "--onchain", series, *WITH_ONCHAIN, *SMALL, "--out", str(out))  # fmt: skip
    assert "feature 'adractcnt_z' has only 0 values" in refused(said, 4, out)


@EACH
def test_an_infinite_value_of_a_feature_is_named_by_its_line_and_exits_with_4(
    call: Call, bars_csv: Callable[..., Path], out: Path, tmp_path: Path, forecaster: str
) -> None:
    file, series = bars_csv(MANY), onchain(tmp_path, 500, np.inf)
    said = call("backtest", "--forecaster", forecaster, "--csv", f"BTC-USD={file}",
                "--onchain", series, *WITH_ONCHAIN, *SMALL, "--out", str(out))  # fmt: skip
    words = "onchain.csv, line 502: column 'adractcnt' is 'inf', which is not a finite number"
    assert words in refused(said, 4, out)


@EACH
def test_an_infinite_volume_is_named_by_its_line_and_exits_with_4(
    call: Call, bars_csv: Callable[..., Path], out: Path, forecaster: str
) -> None:
    volume = bars()["volume"].to_numpy().copy()
    volume[500] = np.inf
    file = bars_csv(bars(volume=volume))
    said = call("backtest", "--forecaster", forecaster, "--csv", f"BTC-USD={file}", *SMALL,
                "--out", str(out))  # fmt: skip
    assert "line 502: column 'volume' is inf, which is not finite" in refused(said, 4, out)


@pytest.mark.parametrize("volume", [5.0, 0.0, np.nan], ids=["constant", "zero", "missing"])
@EACH
def test_a_column_that_does_not_move_is_learnt_without(
    call: Call, bars_csv: Callable[..., Path], forecaster: str, volume: float
) -> None:
    file = f"BTC-USD={bars_csv(bars(volume=volume))}"
    said = call("forecast", "--forecaster", forecaster, "--csv", file, *SMALL, "--json")
    assert said.code == 0, said.err
    (symbol,) = json.loads(said.out)["symbols"]
    assert np.isfinite(symbol["forecasts"][0]["score"])
    others = [x for x in said.err.splitlines() if not x.startswith(("warning: ", "training"))]
    assert others == []
    assert ("left out of the features, not in the data: volume" in said.err) == np.isnan(volume)


@pytest.mark.parametrize("target", ["next_return", "direction", "scaled_close"])
@EACH
def test_a_price_that_does_not_move_is_forecast_not_to_move(
    call: Call, bars_csv: Callable[..., Path], forecaster: str, target: str
) -> None:
    still = bars(**dict.fromkeys(PRICES, 100.0))
    said = call("forecast", "--forecaster", forecaster, "--csv", f"BTC-USD={bars_csv(still)}",
                *SMALL, "--set", "features.set=close", "--set", f"forecaster.target={target}",
                "--json")  # fmt: skip
    assert said.code == 0, said.err
    (symbol,) = json.loads(said.out)["symbols"]
    forecast = symbol["forecasts"][0]
    assert forecast["mean_price"] == pytest.approx(100.0)
    assert [forecast["q05_price"], forecast["q95_price"]] == pytest.approx([100.0, 100.0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["training.losses=bce", "forecaster.target=scaled_close"], "'training.losses' has 'bce'"),
        (["training.losses=mea"], "setting 'training.losses' is 'mea'; expected 'mse'"),
        (["forecaster.horizon_bars=[5,1]"], "from the nearest to the farthest"),
        (["forecaster.horizon_bars=[]"], "from the nearest to the farthest"),
        (["forecaster.target=close"], "setting 'forecaster.target' is 'close'"),
        (["features.scaling=log"], "setting 'features.scaling' is 'log'"),
        (["net.activation=gelu"], "setting 'net.activation' is 'gelu'"),
        (["walkforward.split=double"], "setting 'walkforward.split' is 'double'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_setting_that_cannot_be_learnt_by_exits_with_2(
    call: Call, out: Path, settings: list[str], words: str
) -> None:
    given = [part for one in settings for part in ("--set", one)]
    said = call("backtest", "--source", "sample", "--forecaster", "lstm", *given, "--out", str(out))
    assert words in refused(said, 2, out)


def test_a_single_split_that_tests_nearly_all_says_so_and_exits_with_4(
    call: Call, bars_csv: Callable[..., Path], out: Path
) -> None:
    given = ["--set", "walkforward.split=single", "--set", "walkforward.test_share=0.9"]
    said = call("backtest", "--forecaster", "linear", "--csv", f"BTC-USD={bars_csv(MANY)}",
                *given, "--out", str(out))  # fmt: skip
    assert "lower walkforward.test_share" in refused(said, 4, out)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("walkforward.validation=shuffled", "the validation loss is too good"),
        ("features.scaler_sees=everything", "scalers have seen the bars that are forecast"),
        ("walkforward.split=single", "one fit for the last 15% of the windows"),
    ],
)
def test_a_flaw_on_purpose_is_said(
    call: Call, bars_csv: Callable[..., Path], way: str, words: str
) -> None:
    file = f"BTC-USD={bars_csv(1200)}"
    said = call("forecast", "--forecaster", "linear", "--csv", file, "--set", way)
    assert said.code == 0, said.err
    assert f"warning: {way}: " in said.err
    assert words in said.err
