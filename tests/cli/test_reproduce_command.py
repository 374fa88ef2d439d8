"""``cryptobt reproduce`` on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.forecasters.small import in_process

from .conftest import Call

SMALL = (
    "training.epochs=1", "net.units=4", "net.filters=4", "net.attention_heads=2",
    "walkforward.ensemble_seeds=1", "metrics.bootstrap_draws=100", "forecaster.window_bars=8",
)  # fmt: skip
Write = Callable[[pd.DataFrame | int], Path]


def settings() -> list[str]:
    return [part for assignment in SMALL for part in ("--set", assignment)]


def test_the_three_columns_go_to_stdout_and_warnings_to_stderr(call: Call, bars_csv: Write) -> None:
    bars = f"BTC-USD={bars_csv(330)}"
    with in_process():
        said = call("reproduce", "window-bilstm", "--csv", bars, "--workers", "1", *settings())
    assert said.code == 0, said.err
    assert "honest twin" in said.out
    assert "always_up" in said.out
    assert "in place of the recipe's" in said.err
    assert "warning" not in said.out
    (folder,) = Path("runs").iterdir()
    assert "-reproduce-window-bilstm-" in folder.name
    assert str(folder) in said.out


def test_json_is_the_document_of_the_run(call: Call, bars_csv: Write, tmp_path: Path) -> None:
    arguments = ["--csv", f"BTC-USD={bars_csv(330)}", "--workers", "1", *settings()]
    out = tmp_path / "elsewhere"
    with in_process():
        said = call("reproduce", "window-bilstm", *arguments, "--json", "--out", str(out))
    assert said.code == 0, said.err
    (folder,) = out.iterdir()
    written = (folder / "reproduction.json").read_text(encoding="utf-8")
    assert json.loads(said.out) == json.loads(written)
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["training_s"]


def test_an_unknown_paper_is_one_line_and_exit_code_2(call: Call) -> None:
    said = call("reproduce", "dual-atention")
    assert (said.code, said.out) == (2, "")
    assert said.err == "cryptobt: unknown paper 'dual-atention'; did you mean 'dual-attention'?\n"


def test_what_tells_the_columns_apart_cannot_be_set(call: Call) -> None:
    said = call("reproduce", "ath-cryptonet", "--set", "features.scaling=standard")
    assert said.code == 2
    assert "'features.scaling' cannot be set here" in said.err


def test_too_few_rows_are_one_line_and_exit_code_4(call: Call, bars_csv: Write) -> None:
    bars = f"BTC-USD={bars_csv(40)}"
    said = call("reproduce", "dual-attention", "--csv", bars, "--workers", "1")
    assert said.code == 4
    assert "too few rows" in said.err.splitlines()[-1]


def test_a_start_behind_the_last_bar_is_exit_code_4(call: Call, bars_csv: Write) -> None:
    bars = f"BTC-USD={bars_csv(100)}"
    said = call("reproduce", "dual-attention", "--csv", bars, "--start", "2031-01-01")
    assert said.code == 4
    assert "after the last bar" in said.err
