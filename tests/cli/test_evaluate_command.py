"""``cryptobt evaluate`` as a user meets it: the table, the document, and one line for a mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.data.sample import sample_market
from tests.cli.conftest import Call
from tests.forecasters.small import SMALL, in_process

QUICK = [
    part
    for assignment in (*SMALL, "walkforward.refit_days=365", "metrics.bootstrap_draws=100")
    for part in ("--set", assignment)
]
SAMPLE = ("--source", "sample", "--end", "2017-12-31", *QUICK)


def test_the_table_fits_a_terminal_and_says_who_beats_what(call: Call) -> None:
    with in_process():
        said = call("evaluate", "--forecasters", "momentum", *SAMPLE)
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) < 30
    assert max(len(line) for line in lines[:-2]) <= 100
    for name in ("momentum", "linear", "persistence", "always_up", "last_sign"):
        assert any(line.startswith(name) for line in lines), name
    assert "Target next_return" in said.out
    assert "SIMULATED MARKET: not real prices" in said.out
    assert "persistence beyond noise" in said.out
    assert "always saying up" in said.out
    assert "R² of prices says nothing" in said.out
    assert Path(lines[-1].removeprefix("Page").strip()).is_file()


def test_json_is_one_document_and_the_one_that_was_written(call: Call) -> None:
    with in_process():
        said = call("evaluate", "--forecasters", "drift", "--json", *SAMPLE)
    document = json.loads(said.out)
    (folder,) = Path("runs").iterdir()
    assert document == json.loads((folder / "evaluation.json").read_text())
    assert folder.name.split("-", 1)[1].startswith("evaluate-BTC-USD-")


def test_a_misspelt_forecaster_is_refused_before_anything_is_loaded(call: Call) -> None:
    said = call("evaluate", "--forecasters", "linear,persistance", "--csv", "absent.csv")
    assert said.code == 2
    assert said.err == "cryptobt: unknown forecaster 'persistance'; did you mean 'persistence'?\n"


def test_a_missing_file_is_one_line(call: Call) -> None:
    said = call("evaluate", "--csv", "absent.csv")
    assert said.code == 2
    assert said.err == "cryptobt: absent.csv: there is no such file\n"


def test_too_few_rows_are_one_line(
    call: Call, bars_csv: Callable[[pd.DataFrame | int], Path]
) -> None:
    said = call("evaluate", "--csv", str(bars_csv(200)))
    assert said.code == 4
    assert said.err.startswith("cryptobt: too few rows: 200 bars give 0 usable windows")
    assert said.err.count("\n") == 1


def test_an_infinite_price_is_one_line(
    call: Call, bars_csv: Callable[[pd.DataFrame | int], Path]
) -> None:
    bars = sample_market("BTC-USD").market.bars.iloc[:900].copy()
    bars.iloc[500, :4] = float("inf")
    said = call("evaluate", "--csv", str(bars_csv(bars)))
    assert said.code == 4
    assert "column 'open' is inf, which is not finite" in said.err
    assert said.err.count("\n") == 1


def test_ways_of_papers_are_warned_of_on_stderr(call: Call) -> None:
    with in_process():
        said = call(
            "evaluate", "--forecasters", "drift", *SAMPLE,
            "--set", "walkforward.validation=shuffled",
        )  # fmt: skip
    assert said.code == 0
    assert said.err.count("warning: walkforward.validation=shuffled: ") == 1


def test_a_backtest_warns_of_them_before_anything_else(call: Call) -> None:
    said = call("backtest", "--csv", "absent.csv", "--set", "features.scaler_sees=everything")
    assert said.code == 2
    assert said.err.startswith("warning: features.scaler_sees=everything: ")


@pytest.mark.slow
def test_a_backtest_writes_them_down_too(call: Call) -> None:
    with in_process():
        said = call(
            "backtest", "--strategy", "momentum", "--json", *SAMPLE,
            "--set", "features.scaler_sees=everything",
        )  # fmt: skip
    warnings = json.loads(said.out)["data"]["warnings"]
    assert any(line.startswith("features.scaler_sees=everything") for line in warnings)


@pytest.mark.parametrize("flag", ["--forecasters", "--csv", "--json", "--out", "--workers"])
def test_the_help_names_the_flag(call: Call, flag: str) -> None:
    assert flag in call("evaluate", "--help").out
