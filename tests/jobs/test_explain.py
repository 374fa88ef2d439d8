"""A run folder of ``explain``: what is in it, that it repeats, and what is refused."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.jobs.events import Events
from cryptobt.jobs.explain import ExplainReport, explain
from tests.contracts.test_documents import first_column, section

from .tiny import NOW, tiny

FILES = {"importance.csv", "lags.csv", "gates.csv", "attention.csv", "explanation.json",
         "explanation.html", "run.json"}  # fmt: skip


def explained(
    out: Path, warnings: list[str] | None = None, **sections: Mapping[str, Any]
) -> ExplainReport:
    said: list[str] = [] if warnings is None else warnings
    quiet = Events(said.append, lambda _: None, lambda _: None)
    sections["data"] = {"end": "2017-06-30"} | dict(sections.pop("data", {}))
    run = {"out": str(out), "workers": 1} | sections.pop("run", {})
    return explain(Settings.model_validate(tiny(run=run, **sections)), NOW, quiet)


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / name)


@pytest.fixture(scope="module")
def report(warm_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ExplainReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(warm_home))
        return explained(tmp_path_factory.mktemp("explained"))


@pytest.fixture(scope="module")
def linear(warm_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ExplainReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(warm_home))
        return explained(tmp_path_factory.mktemp("linear"), forecaster={"name": "linear"})


def test_the_folder_is_named_by_time_and_symbol_and_holds_the_documented_files(
    report: ExplainReport,
) -> None:
    assert re.fullmatch(r"20250203T040506Z-explain-BTC-USD-[0-9a-f]{8}", report.folder.name)
    assert {path.name for path in report.folder.iterdir()} == FILES
    assert set(first_column("docs/contract.md", "## Explanation folder")) == FILES


@pytest.mark.parametrize("name", ["importance.csv", "lags.csv", "gates.csv", "attention.csv"])
def test_the_tables_have_the_documented_columns(report: ExplainReport, name: str) -> None:
    documented = first_column("docs/contract.md", f"### {name}")
    found = list(table(report.folder, name).columns)
    if name == "gates.csv":
        assert documented == [*found[:2], "feature names"]
        assert len(found) == 2 + 17
    else:
        assert documented == found


def test_the_document_has_the_documented_keys(report: ExplainReport) -> None:
    assert first_column("docs/contract.md", "### explanation.json") == list(report.explanation)
    (one,) = report.explanation["explained"].values()
    prose = section("docs/contract.md", "### explanation.json")
    test = one["deletion"]["attention"]["tests"][0]
    for key in [*one, *one["importance"][0], *one["lags"][0], *one["deletion"]["attention"], *test]:
        assert f"`{key}`" in prose, key
    assert json.loads((report.folder / "explanation.json").read_text()) == report.explanation


def test_a_second_run_with_two_workers_writes_the_same_bytes(
    report: ExplainReport, warm_home: Path, tmp_path: Path
) -> None:
    again = explained(tmp_path, run={"workers": 2}, walkforward={"ensemble_seeds": 1})
    for name in FILES - {"run.json"}:
        assert (again.folder / name).read_bytes() == (report.folder / name).read_bytes(), name


def test_only_run_json_holds_clock_paths_and_timings(report: ExplainReport) -> None:
    manifest = json.loads((report.folder / "run.json").read_text())
    assert {"run_id", "created_at", "timings_s", "paths", "settings", "data"} <= set(manifest)
    assert manifest["forecaster"]["name"] == "dual_attention"
    for name in FILES - {"run.json"}:
        text = (report.folder / name).read_text()
        assert manifest["run_id"] not in text
        assert "2025-02-03" not in text


def test_every_feature_has_a_row_with_its_rank_and_interval(report: ExplainReport) -> None:
    rows = table(report.folder, "importance.csv")
    features = rows[rows["kind"] == "feature"]
    assert features["rank"].tolist() == list(range(1, 18))
    assert (features["delta_mse"].diff().dropna() <= 0).all()
    assert (rows["low"] <= rows["delta_mse"]).all()
    assert (rows["delta_mse"] <= rows["high"]).all()
    assert (rows["level"] == 0.95).all()
    off = (rows["low"] > 0) | (rows["high"] < 0)
    assert (off == rows["distinguishable"]).all()


def test_groups_name_their_features_and_no_feature_is_in_two(report: ExplainReport) -> None:
    rows = table(report.folder, "importance.csv")
    groups = rows[rows["kind"] == "group"]["members"].str.split(";")
    members = [name for group in groups for name in group]
    assert len(members) == len(set(members)) > 1
    assert (groups.str.len() > 1).all()


def test_the_share_is_of_the_error_with_nothing_moved(report: ExplainReport) -> None:
    (one,) = report.explanation["explained"].values()
    row = one["importance"][0]
    assert row["share"] == pytest.approx(row["delta_mse"]["value"] / one["mse"]["value"])
    assert row["delta_mse"]["unit"] == one["mse"]["unit"] == "(trend/σ)²"


def test_attention_sums_to_one_over_the_window_and_gates_are_there(report: ExplainReport) -> None:
    attention = table(report.folder, "attention.csv")
    sums = attention.groupby("time")["attention"].sum()
    assert np.allclose(sums, 1, atol=1e-4)
    assert sorted(attention["lag"].unique()) == list(range(30))
    assert len(table(report.folder, "gates.csv")) == len(sums)


def test_windows_without_a_known_outcome_are_not_examined(report: ExplainReport) -> None:
    (one,) = report.explanation["explained"].values()
    # the longest head looks ten bars ahead
    assert one["last"] == "2017-06-20T00:00:00Z"


def test_the_verdict_on_attention_follows_from_its_interval(report: ExplainReport) -> None:
    (one,) = report.explanation["explained"].values()
    found = one["deletion"]["attention"]
    (judged,) = (test for test in found["tests"] if test["share"] == found["judged_share"])
    assert judged["count"] == 6
    assert found["believed"] == (judged["change_most_minus"]["random"]["low"] > 0)
    assert set(judged["change"]) == {"most", "random", "least", "newest"}


def test_a_forecaster_without_attention_says_so_and_has_importances(linear: ExplainReport) -> None:
    (one,) = linear.explanation["explained"].values()
    assert one["gates"]["reason"] == "this forecaster has no feature gates"
    assert one["attention"]["reason"] == "this forecaster has no attention over time"
    assert one["deletion"]["attention"]["believed"] is None
    assert len(one["importance"]) > 17
    assert (linear.folder / "gates.csv").read_text() == "time,symbol\n"
    assert (linear.folder / "attention.csv").read_text() == "time,symbol,lag,attention\n"
    page = (linear.folder / "explanation.html").read_text()
    assert "this forecaster has no attention over time" in page
    assert "Not drawn: this forecaster has no feature gates." in page


def test_one_that_cannot_be_restored_is_fitted_again(warm_home: Path, tmp_path: Path) -> None:
    short = {"end": "2017-03-01"}
    few = {"window_bars": 2, "name": "gradient_boosting"}
    found = explained(tmp_path, data=short, forecaster=few)
    (one,) = found.explanation["explained"].values()
    assert one["importance"][0]["delta_mse"]["value"] > 0


def test_log_odds_are_examined_as_calls(warm_home: Path, tmp_path: Path) -> None:
    found = explained(
        tmp_path, data={"end": "2017-02-10"}, forecaster={"name": "gru", "target": "direction"}
    )
    (one,) = found.explanation["explained"].values()
    assert one["mse"]["unit"] == "(call, -1 to 1)²"
    # a network that hardly knows calls near 0, where the squared error is 1
    assert one["mse"]["value"] == pytest.approx(1, abs=0.3)


@pytest.mark.slow
def test_log_odds_of_an_own_classifier_are_examined_as_calls(
    warm_home: Path, tmp_path: Path
) -> None:
    # It says 0.75 up of every window: log 3, as a call 2p - 1 = 0.5.
    file = tmp_path / "sure.py"
    file.write_text(
        "from sklearn.dummy import DummyClassifier\n"
        "class Sure(DummyClassifier):\n"
        "    def predict_proba(self, X):\n"
        "        return super().predict_proba(X) * 0 + [0.25, 0.75]\n"
        "model = Sure()\n"
    )
    for target in ("direction", "trend"):
        learns = {"name": f"{file}:model", "target": target, "target_heads": [[5, 20]]}
        found = explained(tmp_path, data={"end": "2017-02-10"}, forecaster=learns)
        (one,) = found.explanation["explained"].values()
        assert one["mse"]["unit"] == "(call, -1 to 1)²"
        # Targets are 1 and -1: errors of 0.5 and 1.5.
        assert 0.25 <= one["mse"]["value"] <= 2.25
        # The variance is 4u(1 - u), the error 0.25u + 2.25(1 - u).
        u = (2.25 - one["mse"]["value"]) / 2
        assert one["target_variance"]["value"] == pytest.approx(4 * u * (1 - u), rel=1e-3)


def test_a_way_of_papers_is_said_on_the_terminal_in_the_document_and_on_the_page(
    warm_home: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    found = explained(
        tmp_path,
        said,
        data={"end": "2017-02-10"},
        forecaster={"name": "linear"},
        features={"scaler_sees": "everything"},
    )
    (way,) = found.explanation["warnings"]
    assert way in said
    assert f"Warning: {way}" in found.summary()
    assert f"Warning: {way}" in (found.folder / "explanation.html").read_text()


def test_a_target_that_never_varies_is_refused(warm_home: Path, tmp_path: Path) -> None:
    days = pd.date_range("2019-01-01", periods=800).strftime("%Y-%m-%d")
    flat = pd.DataFrame({"date": days} | dict.fromkeys(("open", "high", "low", "close"), 100.0))
    file = tmp_path / "flat.csv"
    flat.assign(volume=5.0).to_csv(file, index=False)
    with pytest.raises(DataInvalidError, match="the target is the same at every bar"):
        explained(
            tmp_path,
            data={"source": "auto", "csv": [f"BTC-USD={file}"], "end": None},
            forecaster={"name": "linear"},
        )
    assert not list(tmp_path.glob("*explain*"))


def test_the_first_forecast_shown_is_the_start(warm_home: Path, tmp_path: Path) -> None:
    found = explained(tmp_path, data={"start": "2017-04-01"}, forecaster={"name": "linear"})
    (one,) = found.explanation["explained"].values()
    assert one["first"] == "2017-04-01T00:00:00Z"


def test_few_forecasts_have_no_interval_and_say_why(warm_home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = explained(tmp_path, said, data={"start": "2017-06-04"})
    (one,) = found.explanation["explained"].values()
    assert one["windows"] == 17
    assert one["importance"][0]["distinguishable"] is None
    assert one["deletion"]["attention"]["believed"] is None
    assert "fewer than 20" in one["deletion"]["attention"]["reason"]
    assert any("shares bars" in line for line in said)
    assert table(found.folder, "importance.csv")["low"].isna().all()
    assert "Too few forecasts" in found.summary()


@pytest.mark.parametrize("name", ["last_sign", "trend_only"])
def test_a_rule_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"'{name}' is a rule and learns nothing"):
        explained(tmp_path, forecaster={"name": name})


def test_too_few_rows_are_refused_as_in_a_backtest(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match="too few rows"):
        explained(tmp_path, data={"end": "2015-06-01"})
    assert not list(tmp_path.glob("*explain*"))


def test_a_start_after_which_no_outcome_is_known_is_refused(
    warm_home: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataInvalidError, match="no forecast from 2017-06-28 on has a known"):
        explained(tmp_path, data={"start": "2017-06-28"})


def test_csv_files_are_read_back_as_written(report: ExplainReport) -> None:
    for name in ("importance.csv", "lags.csv"):
        text = (report.folder / name).read_text()
        frame = pd.read_csv(io.StringIO(text))
        assert len(frame) > 16
        assert text.endswith("\n")
        assert "\r" not in text
