"""Every paper end to end on a small simulated market, and the facts of the real one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings, load_settings
from cryptobt.data.sample import simulate
from cryptobt.jobs.events import Events
from cryptobt.jobs.papers.found import Found
from cryptobt.jobs.papers.measures import Scale
from cryptobt.jobs.papers.paper import Paper
from cryptobt.jobs.papers.recipes import Recipes
from cryptobt.jobs.papers.reproduction import PREDICTIONS
from cryptobt.jobs.papers.shelf import PAPERS, find_paper
from cryptobt.jobs.papers.words import amount, of_seeds, sentences, share, worth
from cryptobt.jobs.reproduce import ReproductionReport, _market, reproduce
from studies.papers import page
from tests.forecasters.small import in_process

NOW = pd.Timestamp("2026-10-01T00:00:00Z")
TINY = (
    "training.epochs=2", "net.units=4", "net.filters=4", "net.attention_heads=2",
    "walkforward.ensemble_seeds=2", "metrics.bootstrap_draws=100",
)  # fmt: skip
MORE = {
    "intraday-multistep": (
        "forecaster.window_bars=16",
        "walkforward.ensemble_seeds=1",
        "walkforward.stride_bars=4",
    ),
    "window-bilstm": ("forecaster.window_bars=8",),
}
Run = Callable[..., ReproductionReport]


def claims_of(name: str) -> list[dict[str, Any]]:
    return [
        {"variant": one.variant, "measure": one.measure, "value": one.value, "unit": one.unit}
        for one in PAPERS[name].claims
    ]


def value(name: str, variant: str, measure: str) -> Any:
    found = [
        one for one in claims_of(name) if (one["variant"], one["measure"]) == (variant, measure)
    ]
    assert len(found) == 1
    return found[0]["value"]


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    simulate("X", 420, seed=5).market.bars.reset_index().to_csv(path, index=False)
    return path


def run_with(out: Path, name: str, bars: Path, *more: str) -> tuple[ReproductionReport, list[str]]:
    said: list[str] = []
    flags = {"data.csv": (f"BTC-USD={bars}",), "run.out": str(out), "run.workers": 1}
    settings = load_settings(None, [*TINY, *MORE.get(name, ()), *more], flags)
    events = Events(said.append, lambda _: None, lambda _: None)
    with in_process():
        return reproduce(name, settings, NOW, events, "cryptobt reproduce"), said


@pytest.fixture(scope="module")
def made(
    bars: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[ReproductionReport, list[str]]]:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        return {name: run_with(folder / name, name, bars) for name in PAPERS}


ALL = pytest.mark.parametrize("name", sorted(PAPERS))
Made = dict[str, tuple[ReproductionReport, list[str]]]


# What the texts say


def test_the_claims_of_the_attention_paper_are_the_text_s() -> None:
    expected = {
        ("baseline", "rmse"): 4018.65, ("baseline", "mae"): 3538.53, ("baseline", "epochs"): 20,
        ("baseline", "train_loss"): 0.001551, ("baseline", "validation_loss"): 0.001226,
        ("baseline", "first_train_loss"): 0.196097, ("baseline", "first_validation_loss"): 0.368318,
        ("attention", "rmse_scaled"): 0.13, ("attention", "mae_scaled"): 0.13,
        ("attention", "r2"): -10.2248, ("attention", "mape_scaled"): 0.1390,
        ("attention", "accuracy_of_differences"): 0.3953,
        ("attention", "actual_on:2025-05-16"): 0.857675,
        ("attention", "predicted_for:2025-05-20"): 0.796337,
        ("attention", "scaled_error_on:2025-06-28"): -0.2240,
        ("attention", "importance:bb_lower"): 0.0012866,
        ("attention", "importance:sma_20"): 0.0001023,
        ("attention", "importance:rsi_14"): -0.0008782,
    }  # fmt: skip
    for (variant, measure), number in expected.items():
        assert value("dual-attention", variant, measure) == number
    gains = [one for one in claims_of("dual-attention") if "importance" in one["measure"]]
    assert len(gains) == 11


def test_the_table_of_ath_cryptonet_is_the_text_s() -> None:
    table = {
        "linear": (1638.44, 2265.77, 0.9772),
        "random_forest": (2158.62, 2768.59, 0.9660),
        "ath-cryptonet": (3571.23, 4318.70, 0.9173),
    }
    for variant, numbers in table.items():
        found = tuple(value("ath-cryptonet", variant, name) for name in ("mae", "rmse", "r2"))
        assert found == numbers
        # Its rows agree on the deviation of the test closes: RMSE / √(1 − R²).
        assert numbers[1] / (1 - numbers[2]) ** 0.5 == pytest.approx(15_011, abs=10)


def test_the_numbers_of_the_window_bilstm_are_the_text_s() -> None:
    found = [value("window-bilstm", "bilstm", name) for name in ("precision", "recall", "f1")]
    assert found == [0.62, 0.55, 0.58]
    assert pytest.approx(0.58, abs=0.005) == 2 * 0.62 * 0.55 / (0.62 + 0.55)
    assert value("window-bilstm", "bilstm", "mse_windows") == 0.043
    measures = {one["measure"] for one in claims_of("window-bilstm")}
    assert {"tp", "fp", "tn", "fn"} <= measures


def test_the_ranking_of_the_intraday_text_has_every_model_of_its_table() -> None:
    ranked = {
        one["variant"]: one["value"]
        for one in claims_of("intraday-multistep")
        if one["unit"] == "rank"
    }
    assert ranked["lstm_leaky"] == "lowest"
    assert (ranked["gru_leaky"], ranked["cnn3_leaky"]) == ("low", "competitive")
    assert ranked["cnn4_leaky"] == "high"
    assert value("intraday-multistep", "linear", "mse_scaled") == "baseline"
    for how in ("l1", "l2", "dropout"):
        assert f"lstm_{how}" in ranked


# What a run leaves


@ALL
def test_every_claim_has_a_number_or_a_reason_in_both_columns(name: str, made: Made) -> None:
    document = made[name][0].document
    assert len(document["claims"]) == len(PAPERS[name].claims)
    for row in document["claims"]:
        for column in ("own", "twin"):
            cell = row[column]
            assert (cell["value"] is None) == bool(cell["reason"]), row["label"]
            assert cell["unit"]
            assert cell["value"] is None or np.isfinite(cell["value"])


@ALL
def test_the_baselines_that_the_paper_left_out_stand_below(name: str, made: Made) -> None:
    rows = made[name][0].document["rows"]
    assert {"persistence", "drift", "always_up", "last_sign", "momentum"} <= set(rows)
    assert any("linear" in row for row in rows)
    lead = PAPERS[name].lead
    assert {f"{lead} (own recipe)", f"{lead} (twin)"} <= set(rows)
    assert len({row[horizon]["n"] for row in rows.values() for horizon in row}) == 1


@ALL
def test_both_columns_are_measured_on_the_same_bars(name: str, made: Made) -> None:
    frame = pd.read_csv(made[name][0].folder / "predictions.csv")
    assert tuple(frame) == PREDICTIONS
    groups = frame.groupby(["column", "model", "seed"])["time"]
    assert len({tuple(sorted(set(times))) for _, times in groups}) == 1
    nearest = frame[frame["horizon_bars"] == 1]
    assert nearest.groupby("time")["actual"].nunique().eq(1).all()


@ALL
def test_the_twin_learns_from_nothing_after_its_first_test_bar(name: str, made: Made) -> None:
    settings = made[name][0].document["settings"]
    assert settings["twin"]["features"]["scaler_sees"] == "training"
    assert settings["twin"]["walkforward"]["split"] == "folds"
    assert settings["twin"]["walkforward"]["validation"] == "latest"
    assert settings["twin"]["forecaster"]["target"] == "next_return"
    assert settings["twin"]["walkforward"]["anchor"] == made[name][0].document["test_first"]
    for key in ("units", "filters", "as_published"):
        assert settings["twin"]["net"][key] == settings["own"]["net"][key]


@ALL
def test_the_paragraph_is_written_from_the_document_s_numbers(name: str, made: Made) -> None:
    paper, document = PAPERS[name], made[name][0].document
    said = paper.verdict(Found(document))
    assert document["paragraph"][-len(said) :] == said
    assert len(document["paragraph"]) >= 4
    other = json.loads(json.dumps(document))
    other["facts"] = {key: 1234.5 for key in other["facts"]}
    for row in other["claims"]:
        if isinstance(row["claim"]["value"], int | float):
            row["claim"]["value"] *= 1.5
        for column in ("own", "twin"):
            row[column] |= {"value": 4321.5, "low": 4321.5, "high": 4321.5}
    changed = paper.verdict(Found(other))
    assert changed != document["paragraph"]
    for sentence in document["paragraph"]:
        numbers = any(letter.isdigit() for letter in sentence)
        assert not numbers or sentence not in changed, sentence


@ALL
def test_equal_runs_give_equal_files_but_run_json(name: str, made: Made, bars: Path) -> None:
    first = made[name][0]
    home = first.folder.parents[1] / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(home))
        second, _ = run_with(first.folder.parents[1] / f"{name}-again", name, bars)
    for file in ("reproduction.json", "predictions.csv", "reproduction.html"):
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes(), file
    assert {path.name for path in first.folder.iterdir()} == {
        "reproduction.json", "predictions.csv", "reproduction.html", "run.json"
    }  # fmt: skip


@ALL
def test_the_terminal_shows_three_columns_in_lines_that_fit(name: str, made: Made) -> None:
    report = made[name][0]
    text = report.summary()
    for words in ("the paper's claim", "its own recipe, run here", "honest twin", "persistence"):
        assert words in text
    lines = text.splitlines()[:-2]  # paths may be longer
    assert max(map(len, lines)) <= 118, max(lines, key=len)


@ALL
def test_the_page_needs_nothing_outside_itself(name: str, made: Made) -> None:
    html = (made[name][0].folder / "reproduction.html").read_text(encoding="utf-8")
    for word in ("http://", "https://", "<script", "<img"):
        assert word not in html.replace("http://www.w3.org", "")
    assert html.count('role="img"') >= 3
    assert "What the difference is" in html


def test_the_study_s_page_holds_every_paper(made: Made) -> None:
    text = page([report.document for report, _ in made.values()])
    for name in PAPERS:
        assert f"## {name}" in text
    assert "—" in text  # an absent number is a dash, never 0


def test_days_that_are_not_in_the_data_are_said_loudly(made: Made) -> None:
    report, said = made["dual-attention"]
    assert any("not in the data" in line and "316" in line for line in said)
    assert not report.document["comparable"]
    assert "NOT THE PAPER'S DATA" in report.summary()


def test_what_the_user_changes_is_said(made: Made) -> None:
    said = made["dual-attention"][1]
    assert "training.epochs is 2 in place of the recipe's 100" in said


def test_bars_of_another_interval_are_said(made: Made) -> None:
    assert any("bars of 5m" in line for line in made["intraday-multistep"][1])


def test_several_horizons_have_a_skill_each(made: Made) -> None:
    found = made["intraday-multistep"][0].document["skill_by_horizon"]
    assert list(found["persistence"]) == [str(h) for h in range(1, 17)]
    assert set(found["persistence"].values()) == {0.0}


def test_the_sample_market_is_said_to_be_simulated(tmp_path: Path) -> None:
    said: list[str] = []
    flags = {"data.source": "sample", "data.end": "2016-06-30", "run.out": str(tmp_path),
             "run.workers": 1}  # fmt: skip
    settings = load_settings(None, [*TINY, "walkforward.ensemble_seeds=1"], flags)
    with in_process():
        events = Events(said.append, lambda _: None, lambda _: None)
        report = reproduce("dual-attention", settings, NOW, events)
    assert report.document["simulated"]
    assert report.document["paragraph"][0].startswith("The prices are simulated")
    assert "SIMULATED" in report.summary()
    assert any("SIMULATED" in line for line in said)


def test_without_a_network_the_sample_market_s_days_stand_in_for_five_minutes() -> None:
    said: list[str] = []
    events = Events(said.append, lambda _: None, lambda _: None)
    market, _ = _market(find_paper("intraday-multistep"), Settings().data, NOW, events)
    assert market.simulated
    assert market.interval == pd.Timedelta(days=1)
    assert any("network cannot be reached" in line for line in said)


# Settings


def test_nobody_but_the_paper_sets_what_tells_the_columns_apart() -> None:
    given = load_settings(None, ["features.scaler_sees=training"], {})
    with pytest.raises(UsageError, match=r"features\.scaler_sees.*cannot be set here"):
        Recipes(find_paper("dual-attention"), given)


def test_an_unknown_paper_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'dual-attention'\?"):
        find_paper("dual-atention")


@ALL
def test_the_recipe_differs_from_its_twin_by_method_and_not_by_network(name: str) -> None:
    paper: Paper = PAPERS[name]
    recipes = Recipes(paper, Settings())
    lead = paper.variant(paper.lead)
    own, twin = recipes.own(lead), recipes.twin(lead)
    assert own.net == twin.net
    assert own.features.set == twin.features.set
    assert own.forecaster.horizons == twin.forecaster.horizons
    assert own.forecaster.target == "scaled_close"
    assert own.walkforward.ensemble_seeds == 1
    unleaked = recipes.own(lead, leaking=False)
    assert unleaked != own
    assert replace_leak(own, paper) == unleaked


def replace_leak(settings: Settings, paper: Paper) -> Settings:
    document = settings.model_dump()
    for key, changed in paper.unleaked.items():
        section, name = key.split(".")
        document[section][name] = changed
    return Settings.model_validate(document)


# Words


def test_words_write_what_there_is_and_leave_out_what_is_not() -> None:
    assert amount(1797.4, "USD") == "$1,797"
    assert amount(12.345, "USDT") == "12.35 USDT"
    assert share(1797.0, 7504.0) == "24 %"
    assert of_seeds(5.0, (4.0, 6.0), "USD") == "$5 (median; $4 to $6 over the seeds)"
    assert "3 of seeming accuracy was the leak" in worth(2.0, 5.0, lambda x: f"{x:g}")
    assert "nothing was gained" in worth(5.0, 2.0, lambda x: f"{x:g}")
    assert sentences(("{} and {}.", 1.5, None), ("{}.", 2)) == ["2."]


# The real market


@pytest.fixture(scope="module")
def real_run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ReproductionReport:
    folder = tmp_path_factory.mktemp("real")
    flags = {
        "data.csv": (f"BTC-USD={real_data / 'btc_usd_yahoo_1d.csv'}",),
        "data.onchain": (str(real_data / "btc_coinmetrics_1d.csv"),),
        "run.out": str(folder / "runs"),
        "run.workers": 1,
    }
    few = ("training.epochs=1", "net.units=4", "net.filters=4", "walkforward.ensemble_seeds=1")
    settings = load_settings(None, few, flags)
    with pytest.MonkeyPatch.context() as patch, in_process():
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        events = Events(lambda _: None, lambda _: None, lambda _: None)
        return reproduce("dual-attention", settings, NOW, events)


@pytest.mark.real_data
def test_the_paper_s_days_and_the_error_of_no_change_on_them(
    real_run: ReproductionReport,
) -> None:
    document = real_run.document
    assert document["at_its_dates"]
    assert document["rows_taken"] == 316
    # Forecasts made on a day are for the next: 2025-05-16 to 2025-06-28.
    assert (document["test_first"], document["test_last"]) == (
        "2025-05-15T00:00:00Z", "2025-06-27T00:00:00Z"
    )  # fmt: skip
    assert document["test_bars"] == 44
    windows = document["windows"]
    assert windows["test"] == 44
    # 286 windows; one label of each learning part is known too late to be learnt from.
    assert sum(windows.values()) == 286 - 2
    facts = document["facts"]
    assert facts["persistence_rmse"] == pytest.approx(1797, abs=0.5)
    assert facts["persistence_mae"] == pytest.approx(1309, abs=0.5)
    assert facts["persistence_rmse_scaled"] == pytest.approx(0.031, abs=0.0005)
    assert facts["persistence_r2"] == pytest.approx(0.38, abs=0.005)
    assert facts["differences"] == 43


@pytest.mark.real_data
def test_the_paper_s_sample_days_are_yahoo_s_closes_scaled(real_run: ReproductionReport) -> None:
    rows = [row for row in real_run.document["claims"] if row["measure"].startswith("actual_on")]
    assert len(rows) == 5
    for row in rows:
        assert row["own"]["value"] == pytest.approx(row["claim"]["value"], abs=0.002)


def test_seventeen_of_forty_three_is_the_claimed_direction() -> None:
    assert round(17 / 43, 4) == value("dual-attention", "attention", "accuracy_of_differences")
    assert pytest.approx(0.3953, abs=0.0005) != 17 / 44


def test_the_scale_of_a_paper_is_the_range_of_its_closes() -> None:
    scale = Scale(low=50.0, span=200.0)
    np.testing.assert_allclose(scale(np.array([50.0, 150.0, 250.0])), [0.0, 0.5, 1.0])
