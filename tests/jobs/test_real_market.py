"""The defaults on real prices: the run that a user makes first, and the study behind the recipe."""

import os
from pathlib import Path

import pytest

from .tiny import RunFolder, console, environment, only_run

FOLDER = os.environ.get("CRYPTOBT_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="CRYPTOBT_REAL_DATA names no folder of real data"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both runs share it, so that the second one fits only what the first has not."""
    return tmp_path_factory.mktemp("real")


def run_on_bitcoin(home: Path, out: Path, *more: str) -> tuple[str, RunFolder]:
    bars = Path(FOLDER) / "btc_usd_yahoo_1d.csv"
    onchain = Path(FOLDER) / "btc_coinmetrics_1d.csv"
    arguments = ["backtest", "--strategy", "attn_signal", "--csv", str(bars),
                 "--onchain", str(onchain), "--out", str(out), *more]  # fmt: skip
    done = console(arguments, environment(home), timeout=1800)
    assert done.returncode == 0, done.stderr
    return done.stdout, only_run(out)


@pytest.fixture(scope="module")
def study(home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("study")
    return run_on_bitcoin(home, out, "--start", "2019-01-01", "--end", "2022-12-30")[1]


@pytest.mark.parametrize(
    ("row", "sharpe"),
    [("strategy", 1.43), ("network_only", 1.37), ("trend_only", 1.51), ("buy_and_hold", 0.88)],
)
def test_the_sharpe_ratio_after_costs_is_that_of_the_study(
    study: RunFolder, row: str, sharpe: float
) -> None:
    assert study.manifest["seeds"] == [0, 1, 2]
    found = study.metrics["rows"][row]["performance"]["sharpe"]["value"]
    assert found == pytest.approx(sharpe, abs=0.15)


def test_the_study_covers_its_dates_on_real_prices(study: RunFolder) -> None:
    assert study.metrics["first"] == "2019-01-01T00:00:00Z"
    assert study.metrics["last"] == "2022-12-30T00:00:00Z"
    assert study.metrics["simulated"] is False


def test_the_default_run_ends_in_fewer_than_25_lines_and_a_run_folder(
    home: Path, tmp_path: Path
) -> None:
    said, run = run_on_bitcoin(home, tmp_path / "runs")
    lines = said.splitlines()
    assert len(lines) < 25
    assert "SIMULATED" not in said
    assert str(run.path) in said
    assert run.metrics["last"] == run.manifest["data"][0]["last"]
    assert {"tearsheet.html", "metrics.json", "run.json"} <= set(run.files)
