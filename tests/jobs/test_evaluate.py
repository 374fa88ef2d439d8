"""An evaluation's run folder: its files, that they repeat, and what is refused."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.columns import FORECASTS
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings, load_settings
from cryptobt.data.sample import sample_market
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.jobs.evaluate import (
    ALWAYS,
    DEFAULT,
    EvaluationReport,
    evaluate,
    forecasters_of,
    with_target,
)
from cryptobt.jobs.evaluation import PREDICTIONS
from cryptobt.jobs.events import Events
from cryptobt.jobs.paper_ways import paper_ways
from tests.forecasters.small import in_process
from tests.jobs.tiny import NOW, RunFolder, tiny

NAMES = ("dual_attention", *ALWAYS, "momentum", "trend_only")
FILES = {"run.json", "evaluation.json", "predictions.csv", "forecasts.csv", "evaluation.html"}


def run(out: Path, names: tuple[str, ...] = NAMES, **sections: Any) -> EvaluationReport:
    settings = Settings.model_validate(tiny(run={"out": str(out)}, **sections))
    quiet = Events(lambda _: None, lambda _: None, lambda _: None)
    with in_process():
        return evaluate(settings, names, NOW, quiet)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[EvaluationReport, EvaluationReport]:
    """The same evaluation with an empty cache, and with a full one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(tmp_path_factory.mktemp("home")))
        first = run(tmp_path_factory.mktemp("runs"))
        return first, run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def folder(reports: tuple[EvaluationReport, EvaluationReport]) -> RunFolder:
    return RunFolder(reports[0].folder)


def test_all_files_but_the_manifest_repeat_byte_for_byte(
    reports: tuple[EvaluationReport, EvaluationReport],
) -> None:
    first, again = (RunFolder(report.folder) for report in reports)
    assert set(first.files) == FILES
    assert first.repeatable() == again.repeatable()


def test_predictions_have_the_columns_of_the_contract_sorted(folder: RunFolder) -> None:
    table = folder.table("predictions.csv")
    assert tuple(table.columns) == PREDICTIONS
    keys = ["time", "symbol", "model_id", "horizon_bars"]
    assert table[keys].equals(table.sort_values(keys, kind="stable")[keys])
    assert set(table["forecaster"]) == set(NAMES)
    assert set(table["unit"]) == {"USD"}


def test_the_error_of_a_prediction_is_predicted_less_actual(folder: RunFolder) -> None:
    table = pd.read_csv(io.BytesIO(folder.files["predictions.csv"])).dropna(subset=["error"])
    difference = table["predicted"] - table["actual"]
    assert (table["error"] - difference).abs().max() < 1e-9 * table["actual"].max()
    assert (table["pct_error"] - difference / table["actual"]).abs().max() < 1e-9


def test_the_price_that_came_is_the_close_one_bar_later(folder: RunFolder) -> None:
    table = folder.table("predictions.csv")
    own = table[table["forecaster"] == "persistence"]
    assert own["actual"].astype(str).iloc[-1] == ""  # not known yet
    later = own["last_close"].astype(float).to_numpy()[1:]
    assert own["actual"].iloc[:-1].astype(float).to_numpy() == pytest.approx(later)


def test_forecasts_have_a_row_for_every_prediction(folder: RunFolder) -> None:
    forecasts, predictions = folder.table("forecasts.csv"), folder.table("predictions.csv")
    assert tuple(forecasts.columns) == FORECASTS
    keys = ["time", "symbol", "model_id", "horizon_bars"]
    assert forecasts[keys].equals(predictions[keys])


def test_seconds_are_in_the_manifest_alone(folder: RunFolder) -> None:
    assert folder.manifest["training_s"]["linear"] > 0
    assert folder.manifest["training_s"]["persistence"] == 0
    assert folder.manifest["forecasters"] == [{"name": n, "file_hash": None} for n in NAMES]
    assert folder.manifest["strategy"] is None
    assert "seconds" not in folder.files["evaluation.json"].decode()


def test_the_document_says_what_was_compared(folder: RunFolder) -> None:
    document = json.loads(folder.files["evaluation.json"])
    assert document["target"] == "next_return"
    assert document["simulated"] is True
    assert list(document["forecasters"]) == list(NAMES)
    assert document["forecasters"]["dual_attention"]["epochs"]["most"] <= 2
    assert any("R² of prices says nothing" in line for line in document["findings"])


def test_the_contract_has_every_column_and_key(folder: RunFolder) -> None:
    text = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
    section = text.partition("## Evaluation folder")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| `([\w.]+)` \|", section)
    document = json.loads(folder.files["evaluation.json"])
    measured = document["forecasters"]["linear"]["horizons"]["1"]
    assert rows == [
        *["evaluation.json", "predictions.csv", "forecasts.csv", "evaluation.html", "run.json"],
        *[*PREDICTIONS, *document, *measured],
    ]
    for key in [*document["forecasters"]["linear"], *document["data"], *measured["coin_band"]]:
        assert f"`{key}`" in section or key in ("level", "reason"), key


def metrics_in(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return []
    if {"value", "unit", "reason"} <= set(node):
        return [(path, node)]
    return [found for key, value in node.items() for found in metrics_in(value, f"{path}.{key}")]


def test_every_number_has_a_unit_and_one_that_is_absent_a_reason(folder: RunFolder) -> None:
    found = metrics_in(json.loads(folder.files["evaluation.json"]))
    assert len(found) > 100
    for path, metric in found:
        assert metric["unit"], path
        assert (metric["value"] is None) == (metric["reason"] is not None), path


def test_a_target_that_was_set_is_kept_and_else_the_next_return_is_forecast() -> None:
    assert with_target(Settings()).forecaster.target == "next_return"
    chosen = load_settings(None, ["forecaster.target=trend"], {})
    assert with_target(chosen).forecaster.target == "trend"


def test_the_rows_to_compare_with_stand_beside_whatever_is_named() -> None:
    assert forecasters_of("gru, lstm") == ("gru", "lstm", *ALWAYS)
    assert forecasters_of(None) == DEFAULT
    assert set(DEFAULT) <= set(FORECASTERS)
    assert set(ALWAYS) <= set(DEFAULT)
    assert forecasters_of("all") == tuple(FORECASTERS)
    with pytest.raises(UsageError, match="did you mean 'lstm'"):
        forecasters_of("lsmt")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("features.scaler_sees=everything", "scalers have seen the bars that are forecast"),
        ("walkforward.split=single", "one fit for the last 15% of the windows"),
        ("walkforward.validation=shuffled", "the validation loss is too good"),
    ],
)
def test_a_way_of_papers_is_warned_of_in_one_line(assignment: str, said: str) -> None:
    (line,) = paper_ways(load_settings(None, [assignment], {}))
    assert line.startswith(f"{assignment}: ")
    assert said in line
    assert "\n" not in line


def test_an_honest_run_is_not_warned_of() -> None:
    assert paper_ways(Settings()) == []


def test_ways_of_papers_stand_in_the_document_and_on_the_page(tmp_path: Path) -> None:
    report = run(tmp_path, ALWAYS, walkforward={"split": "single", "ensemble_seeds": 1})
    (line,) = [w for w in report.document["data"]["warnings"] if "split=single" in w]
    assert line in report.page.read_text()


def test_prices_that_never_move_are_refused_in_one_line(tmp_path: Path) -> None:
    bars = (
        sample_market("BTC-USD")
        .market.bars.iloc[:900]
        .assign(open=5.0, high=5.0, low=5.0, close=5.0)
    )
    bars.reset_index().to_csv(tmp_path / "FLAT-USD.csv", index=False)
    data = {"csv": [str(tmp_path / "FLAT-USD.csv")], "source": "auto"}
    with pytest.raises(DataInvalidError, match="FLAT-USD: the close never moves from"):
        run(tmp_path / "runs", ALWAYS, data=data)
    assert not (tmp_path / "runs").exists()


def test_a_feature_that_never_varies_is_named(tmp_path: Path) -> None:
    bars = sample_market("BTC-USD").market.bars.iloc[:900].assign(volume=5.0)
    bars.reset_index().to_csv(tmp_path / "X-USD.csv", index=False)
    data = {"csv": [str(tmp_path / "X-USD.csv")], "source": "auto"}
    report = run(tmp_path / "runs", ALWAYS, data=data)
    said = report.document["data"]["warnings"]
    assert any(line.startswith("nothing to learn from features that never vary") for line in said)


@pytest.mark.parametrize("named", ["", " , ,"])
def test_a_list_that_names_no_forecaster_is_refused(named: str) -> None:
    with pytest.raises(UsageError, match="names none; expected names separated by commas"):
        forecasters_of(named)
