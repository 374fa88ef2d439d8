"""The page and the table of a comparison, from frames made by hand."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import Explanation
from cryptobt.reports.evaluation_findings import evaluation_findings
from cryptobt.reports.evaluation_page import render_evaluation
from cryptobt.reports.evaluation_sheet import EvaluationSheet, adaptive
from cryptobt.reports.evaluation_terminal import evaluation_summary
from tests.reports.reading import Reader
from tests.reports.synthetic import make_bars


def metric(value: float | None, unit: str = "ratio", half: float | None = None) -> dict[str, Any]:
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    level = None if low is None else 0.95
    reason = None if value is not None else "made so"
    return {
        "value": value, "unit": unit, "low": low, "high": high, "level": level, "reason": reason,
    }  # fmt: skip


def measured(r2: float | None, skill: float | None, accuracy: float | None, p: float | None) -> Any:
    known = None if r2 is None else 1.0
    counts = {"tp": 60, "fp": 50, "tn": 48, "fn": 42, "n": 200, "abstained": 0}
    calls = dict.fromkeys(counts, 0) if accuracy is None else counts
    return {
        "n": 200,
        "price": {k: metric(known, "USD") for k in ("mae", "rmse")}
        | {"mape": metric(known), "r2": metric(r2), "skill": metric(skill), "n": 200},
        "return": {k: metric(known, "log return") for k in ("mae", "rmse")}
        | {"r2": metric(skill), "skill": metric(skill, half=0.01), "n": 200},
        "direction": {
            k: metric(accuracy, half=0.03) for k in ("accuracy", "precision", "recall", "f1", "mcc")
        }
        | {"coverage": metric(accuracy)}
        | calls,
        "lead_over_always_up": metric(lead_of(accuracy), half=0.03),
        "coin_band": {
            "low": None if accuracy is None else 0.43,
            "high": None if accuracy is None else 0.57,
            "level": 0.95,
            "calls": 200,
            "reason": None,
        },
        **{
            test: {"statistic": metric(p, "standard errors"), "p_value": metric(p, "probability")}
            for test in ("pesaran_timmermann", "diebold_mariano", "clark_west")
        },
        "brier": metric(0.25),
        "interval_coverage": metric(0.9),
        "pinball": {q: metric(0.01, "log return") for q in ("q05", "q50", "q95")},
        "per_symbol": {},
    }


def lead_of(accuracy: float | None) -> float | None:
    """Lead over the always_up of MEASURES, which has none over itself."""
    return None if accuracy in (None, UP) else accuracy - UP


UP = 0.52
MEASURES = {
    "net": (0.991, -0.02, 0.51, 0.4),
    "persistence": (0.993, 0.0, None, None),
    "always_up": (None, None, UP, None),
}


def make_document(**changed: tuple[float | None, ...]) -> dict[str, Any]:
    forecasters = {
        name: {
            "summary": f"what {name} is", "kind": "net" if name == "net" else "rule",
            "parameters": 10, "epochs": None, "horizons": {"1": measured(*values)},
        }
        for name, values in (MEASURES | changed).items()
    }  # fmt: skip
    return {
        "schema": 1, "simulated": False, "symbols": ["BTC-USD"], "interval": "1d",
        "first": "2020-01-01T00:00:00Z", "last": "2020-07-18T00:00:00Z", "bars": 300,
        "decisions": 200, "target": "next_return", "horizons": [1], "unit": "USD", "level": 0.95,
        "forecasters": forecasters, "findings": [],
        "data": {"gaps": 0, "quarantined": [], "missing_columns": [], "warnings": []},
    }  # fmt: skip


def make_frame() -> pd.DataFrame:
    close = make_bars(201)["close"]
    rng = np.random.default_rng(5)
    moves = np.diff(np.log(close))
    parts = []
    for name, said in (("net", rng.normal(0, 0.01, 200)), ("persistence", np.zeros(200))):
        last = close.to_numpy()[:-1]
        part = pd.DataFrame({"time": close.index[:-1], "symbol": "BTC-USD", "horizon_bars": 1})
        parts.append(
            part.assign(
                last_close=last, actual=last * np.exp(moves), predicted=last * np.exp(said),
                unit="USD", forecaster=name, actual_return=moves, predicted_return=said, call=said,
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def make_sheet(**changed: tuple[float | None, ...]) -> EvaluationSheet:
    losses = pd.DataFrame(
        {"seed": 0, "epoch": [1, 2], "train": [1.0, 0.9], "validation": [1.0, 1.1]}
    )
    learnt = Explanation(
        pd.DatetimeIndex([], tz="UTC"), ("a",), np.zeros((0, 1)), np.zeros((0, 0, 30)),
        {"2020-01-01T00:00:00Z": losses},
    )  # fmt: skip
    return EvaluationSheet(
        "BTC-USD, 1d", make_document(**changed), make_frame(), {("net", "BTC-USD"): learnt},
        (("Data", "made by hand"),), "features.clip = 4.0", "cryptobt evaluate",
    )  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return render_evaluation(make_sheet())


def test_the_page_fetches_nothing_and_no_two_elements_share_an_id(page: str) -> None:
    reader = Reader(page)
    assert [link for link in reader.links if not link.startswith(("#", "data:,"))] == []
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))


def test_equal_sheets_give_equal_pages_in_any_process(page: str) -> None:
    code = (
        f"from {__name__} import make_sheet\n"
        "from cryptobt.reports.evaluation_page import render_evaluation\n"
        "import hashlib, sys\n"
        "sys.stdout.buffer.write(render_evaluation(make_sheet()).encode())\n"
    )
    root = Path(__file__).parents[2]
    environment = {
        **os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "PYTHONPATH": str(root),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode() == page


def test_every_part_is_on_the_page(page: str) -> None:
    for part in (
        "Side by side", "net: forecast against price", "net: predicted against realised change",
        "Best and worst bars", "Called against came", "net: loss", "Data and settings",
        "nearer by", "farther by",
    ):  # fmt: skip
        assert part in page, part


def test_text_from_files_is_escaped() -> None:
    sheet = make_sheet()
    evil = "<script>alert(1)</script>"
    document = sheet.document | {"data": sheet.document["data"] | {"warnings": [evil]}}
    page = render_evaluation(
        replace(sheet, title=evil, document=document, settings=evil, command=evil)
    )
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_an_absent_number_is_a_dash_with_its_reason(page: str) -> None:
    assert '<td title="made so">—</td>' in page


def test_a_simulated_market_is_said_loudly() -> None:
    sheet = make_sheet()
    page = render_evaluation(replace(sheet, document=sheet.document | {"simulated": True}))
    assert "SIMULATED MARKET" in page
    assert "<title>SIMULATED" in page


def said(document: dict[str, Any]) -> str:
    return " ".join(finding.text for finding in evaluation_findings(document))


def test_without_a_winner_it_is_said_that_there_is_none() -> None:
    text = said(make_document())
    assert "None of 1 predicts better than persistence beyond noise" in text
    assert "None calls directions better than always saying up (52.0% right)" in text
    assert "every accuracy here is inside" in text


def test_r2_of_prices_is_put_beside_that_of_persistence_in_this_very_run() -> None:
    assert (
        "persistence, which forecasts no change, has 0.9930; the best other, net, has 0.9910"
        in (said(make_document()))
    )


def test_a_winner_needs_both_the_interval_and_the_test() -> None:
    assert "Better than persistence" in said(make_document(net=(0.99, 0.05, 0.6, 0.01)))
    assert "None of 1" in said(make_document(net=(0.99, 0.05, 0.6, 0.2)))
    assert "Worse beyond noise: net" in said(make_document(net=(0.99, -0.05, 0.5, 0.01)))


def test_an_accuracy_outside_what_coins_reach_is_named() -> None:
    text = said(make_document(net=(0.99, 0.0, 0.6, 0.5)))
    assert "net is above; of 2 coins one may be outside, too" in text
    assert "Calls directions better than always saying up" in text


def test_errors_over_fewer_bars_than_were_forecast_are_said() -> None:
    document = make_document()
    assert "Errors are over" not in said(document)
    document["forecasters"]["persistence"]["horizons"]["1"]["return"]["n"] = 120
    assert "Errors are over 120 of 200 forecasts" in said(document)


def test_the_terminal_s_table_is_narrow_and_short() -> None:
    names = {f"a_forecaster_of_{n:02d}": MEASURES["net"] for n in range(14)}
    text = evaluation_summary(make_document(**names), {"net": 1234.5}, run_folder="r", page="p")
    lines = text.splitlines()
    assert len(lines) < 30
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "Page        p"


def test_prices_are_written_with_about_four_digits() -> None:
    assert [adaptive(value) for value in (1234.56, 123.45, 12.345, 1.2345, 0.0123456, None)] == [
        "1,235", "123.5", "12.35", "1.234", "0.01235", "—",
    ]  # fmt: skip


def test_a_skill_far_below_zero_is_cut_so_that_no_column_is_lost() -> None:
    document = make_document()
    name = next(n for n in document["forecasters"] if n not in ("persistence", "always_up"))
    for horizon in document["forecasters"][name]["horizons"].values():
        skill = {"value": -1522.5, "low": -2293.6, "high": -975.0}
        horizon["return"]["skill"] |= skill
    table = evaluation_summary(document, {}, run_folder="r", page="p").splitlines()
    assert any(line.startswith(name) and "<-999" in line for line in table)
    assert not any(line.endswith("…") for line in table)


def test_networks_that_answer_log_odds_are_said_to_predict_no_price() -> None:
    document = make_document()
    assert "predicts no price of its own" not in said(document)
    document["log_odds"] = True
    assert "Who learns the log odds of a rise predicts no price of its own" in said(document)
