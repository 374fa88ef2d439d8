"""The audit as a whole: its document, its folder, settings and forecasters that leak."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.errors import UsageError
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.audits.leakage import LeakageReport, audit_leakage
from cryptobt.jobs.events import Events
from tests.forecasters.small import in_process
from tests.jobs.tiny import NOW

from .made import QUIET, document_of, outcomes, settings_of, small_world, write

CHECK = {
    "name", "part", "outcome", "expected", "seen", "time", "column", "symbol", "file", "line",
    "code", "mend",
}  # fmt: skip
PARTS = {
    "settings", "data", "features", "targets", "scaler", "forecasts", "signals", "orders",
    "process", "deep",
}  # fmt: skip
LEARNS = ("forecaster.name=linear", "strategy.name=attn_signal", "features.set=levels")


@pytest.fixture(scope="module")
def clean() -> dict[str, Any]:
    """An audit of a rule of ours: nothing is learnt."""
    return document_of(settings_of(), small_world(130))


def test_a_document_holds_what_the_contract_says(clean: dict[str, Any]) -> None:
    assert (clean["schema"], clean["audit"], clean["outcome"]) == (1, "leakage", "clean")
    assert (clean["strategy"], clean["forecaster"], clean["features"]) == (
        "sma_trend", None, "close"
    )  # fmt: skip
    assert (clean["symbols"], clean["interval"], clean["bars"]) == (["X"], "1d", 130)
    assert (clean["first"], clean["simulated"]) == ("2015-01-01T00:00:00Z", True)
    assert len(clean["cuts"]) >= 12
    assert clean["cuts"] == sorted(clean["cuts"])
    assert clean["worth"] is None
    for check in clean["checks"]:
        assert set(check) == CHECK
        assert check["part"] in PARTS
        assert (check["outcome"] == "passed") == (check["seen"] == "")
    json.dumps(clean, allow_nan=False)


def test_a_clean_headline_counts_what_was_asked(clean: dict[str, Any]) -> None:
    asked = len(clean["checks"]) - len(outcomes(clean, "not asked"))
    assert clean["headline"] == f"No leak found in {asked} checks"


def test_names_of_checks_are_their_own(clean: dict[str, Any]) -> None:
    names = [check["name"] for check in clean["checks"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("assignment", "name"),
    [
        ("features.scaler_sees=everything", "settings, what the scaler sees"),
        ("walkforward.validation=shuffled", "settings, validation windows"),
    ],
)
def test_a_way_of_papers_is_no_leak_where_nothing_is_learnt(assignment: str, name: str) -> None:
    document = document_of(settings_of(assignment), small_world(120))
    (noted,) = outcomes(document, "noted")
    assert noted["name"] == name
    assert "nothing is learnt here" in noted["seen"]


def test_same_day_values_are_a_leak_where_a_feature_uses_them() -> None:
    world = small_world(150)
    onchain = world.extras[0]
    day = world.market.interval
    early = onchain.frame.assign(**{AVAILABLE_AT: onchain.frame.index + day})
    now = World(world.market, (replace(onchain, frame=early, lag_hours=0.0),))
    used = document_of(settings_of("data.onchain_lag_hours=0", "features.set=levels"), now)
    (leak,) = outcomes(used, "leak")
    assert (leak["part"], leak["time"]) == ("settings", "2015-01-01T00:00:00Z")
    assert leak["mend"].startswith("set data.onchain_lag_hours=24")
    assert used["headline"].endswith("is used before it is published")
    unused = document_of(settings_of("data.onchain_lag_hours=0"), now)
    assert "changes nothing" in outcomes(unused, "noted")[0]["seen"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("assignment", "part"),
    [
        ("features.scaler_sees=everything", "scaler"),
        ("walkforward.validation=shuffled", "settings"),
    ],
)
def test_a_way_of_papers_is_a_leak_where_something_is_learnt(assignment: str, part: str) -> None:
    with in_process():
        document = document_of(settings_of(*LEARNS, assignment), small_world(420))
    leaks = outcomes(document, "leak")
    assert leaks[0]["part"] == "settings"
    assert part in {leak["part"] for leak in leaks}


@pytest.mark.slow
def test_a_forecaster_of_ours_passes_everything() -> None:
    with in_process():
        document = document_of(settings_of(*LEARNS), small_world(420))
    assert document["outcome"] == "clean"
    asked = {check["name"] for check in outcomes(document, "passed")}
    assert {
        "labels, known at the fold's date",
        "forecasts, trained before they are made",
        "forecasts, the last two folds refitted",
        "forecasts, future cut away",
        "forecasts, another future",
        "signals, future cut away",
        "orders, bar by bar",
    } <= asked


@pytest.mark.slow
def test_one_that_cannot_answer_alone_leans_on_other_windows(tmp_path: Path) -> None:
    reference = f"{write(tmp_path) / 'm.py'}:Crowd"
    with in_process():
        document = document_of(settings_of(*LEARNS, f"forecaster.name={reference}"))
    (leak,) = outcomes(document, "leak")
    assert leak["name"] == "forecaster, asked alone"
    assert "without the other windows it fails" in leak["seen"]
    assert "answered nan" in leak["seen"]


@pytest.mark.slow
def test_features_that_fail_on_a_shorter_past_end_no_audit(tmp_path: Path) -> None:
    text = (write(tmp_path) / "f.py").read_text() + (
        "\n\ndef patient(bars):\n    if len(bars) < 310:\n"
        "        raise ValueError('too short')\n    return smooth(bars)\n"
        "\n\ndef smooth(bars):\n    return bars[['close']].pct_change()\n"
    )
    (tmp_path / "f.py").write_text(text)
    settings = settings_of(*LEARNS, f"features.set={tmp_path / 'f.py'}:patient")
    with in_process():
        document = document_of(settings, small_world(320))
    assert document["outcome"] == "clean"
    untold = {check["name"]: check["seen"] for check in outcomes(document, "not asked")}
    assert "ValueError: too short" in untold["labels, known at the fold's date"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "outcome"), [("Honest", "clean"), ("Together", "leak"), ("Unseeded", "clean")]
)
def test_a_user_s_forecaster_is_asked_for_its_own_windows(
    tmp_path: Path, name: str, outcome: str
) -> None:
    reference = f"{write(tmp_path) / 'm.py'}:{name}"
    settings = settings_of(*LEARNS, f"forecaster.name={reference}")
    with in_process():
        document = document_of(settings, small_world(420))
    assert document["outcome"] == outcome
    if name == "Together":
        leak = outcomes(document, "leak")[0]
        assert (leak["part"], leak["column"]) == ("forecasts", "score")
        assert leak["code"] == "return answers - answers.mean(axis=0)"
    if name == "Unseeded":
        assert "random numbers without a seed" in outcomes(document, "noted")[-1]["seen"]


def _audit(folder: Path, *assignments: str) -> LeakageReport:
    settings = settings_of(
        "data.source=sample", 'data.end="2015-05-31"', f"run.out={folder}", *assignments
    )
    return audit_leakage(settings, NOW, QUIET, "cryptobt audit leakage")


def test_an_audit_leaves_a_folder_that_repeats(tmp_path: Path) -> None:
    reports = [_audit(tmp_path / name) for name in ("one", "two")]
    for report in reports:
        found = {path.name for path in report.folder.iterdir()}
        assert found == {"run.json", "audit.json", "audit.html"}
        assert report.leaks == []
    one, two = ((r.folder / "audit.json").read_bytes() for r in reports)
    assert one == two
    assert json.loads(one) == reports[0].document
    assert "No leak found" in reports[0].summary()


def test_what_is_unknown_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    steps: list[str] = []
    settings = settings_of("strategy.name=momentun", f"run.out={tmp_path / 'runs'}")
    told = Events(lambda _: None, steps.append, lambda _: None)
    with pytest.raises(UsageError, match="did you mean 'momentum'"):
        audit_leakage(settings, NOW, told)
    assert steps == []


def test_a_file_is_named_as_the_settings_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    document = document_of(settings_of("strategy.name=s.py:Cheat"), small_world(120))
    (leak,) = outcomes(document, "leak")
    assert leak["file"] == "s.py"
    assert document["headline"].startswith(
        "Leak in orders, fills to come, at 2015-01-01: set_coc fills"
    )
