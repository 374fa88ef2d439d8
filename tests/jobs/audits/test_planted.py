"""Markets with a known edge: what calls realise of it, and how much of it pipelines find."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryptobt.core.settings import Settings
from cryptobt.jobs.audits.planted import CORRELATIONS, DRIFTLESS, HELD, audit_planted, realised
from cryptobt.jobs.audits.report import AuditReport
from cryptobt.jobs.events import Events
from tests.jobs.tiny import NOW, tiny

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


def columns(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_the_share_of_the_edge_is_worked_out_by_hand() -> None:
    edges = columns(0.1, -0.2, 0.3, 0.4, np.nan)
    calls = columns(5.0, -0.1, -1.0, np.nan, 1.0)
    share, best = realised(calls, edges)
    # right on 0.1 and 0.2, wrong on 0.3, silent on 0.4: (0.1 + 0.2 − 0.3)/1.0 = 0
    assert share == pytest.approx(0.0)
    # the best calls are right by 1/2 + the mean of 0.1, 0.2, 0.3 and 0.4
    assert best == pytest.approx(0.75)


def test_all_of_the_edge_is_one_and_all_of_it_on_the_wrong_side_is_minus_one() -> None:
    edges = columns(0.1, -0.2, 0.3)
    assert realised(edges, edges)[0] == pytest.approx(1.0)
    assert realised(-edges, edges)[0] == pytest.approx(-1.0)
    assert realised(np.zeros_like(edges), edges)[0] == 0.0


def test_without_an_edge_nothing_can_be_shared() -> None:
    assert realised(columns(1.0, -1.0), columns(0.0, 0.0)) == (None, None)


def audited(out: Path, markets: int, workers: int = 1, **sections: Any) -> AuditReport:
    chosen = tiny(run={"out": str(out), "workers": workers}, **sections)
    return audit_planted(Settings.model_validate(chosen), markets, NOW, QUIET)


@pytest.mark.slow
def test_a_rule_on_the_trend_that_was_planted_realises_most_of_it(tmp_path: Path) -> None:
    document = audited(
        tmp_path, 2, workers=2, strategy={"name": "momentum"}, data={"end": "2024-12-31"}
    ).document
    assert [edge["correlation"] for edge in document["edges"]] == list(CORRELATIONS)
    assert all(edge["share"]["value"] > 0.8 for edge in document["edges"])
    assert len(document["rows"]) == 2 * len(CORRELATIONS)
    # The signal is clipped, so that strong ones are nearly of one size: close to asin(ρ)/π.
    best = document["edges"][-1]["best_accuracy"]
    assert best - 0.5 == pytest.approx(np.arcsin(0.2) / np.pi, rel=0.15)
    assert DRIFTLESS in document["warnings"]
    assert HELD not in document["warnings"]
    assert document["like"]["drift_per_year"] == 0.0


@pytest.mark.slow
def test_buy_and_hold_realises_nothing_and_is_taken_by_what_it_holds(tmp_path: Path) -> None:
    document = audited(
        tmp_path, 3, workers=2, strategy={"name": "buy_and_hold"}, data={"end": "2020-12-31"}
    ).document
    assert HELD in document["warnings"]
    for edge in document["edges"]:
        assert edge["share"]["low"] < 0.0 < edge["share"]["high"]
        assert edge["found"] == 0
