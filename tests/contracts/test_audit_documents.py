"""The contract names every key of the documents that audits write, and of nothing else."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.settings import Settings, load_settings
from cryptobt.jobs.audits.accounts import audit_accounts
from cryptobt.jobs.audits.leakage import audit_leakage
from cryptobt.jobs.audits.null import audit_null
from cryptobt.jobs.audits.planted import audit_planted
from cryptobt.jobs.backtest import backtest
from cryptobt.jobs.events import Events

from .test_documents import first_column, section

CONTRACT = "docs/contract.md"
NOW = pd.Timestamp("2025-06-01", tz="UTC")
QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
ASSIGNMENTS = (
    "data.source=sample", "strategy.name=momentum", "metrics.bootstrap_draws=100", "run.workers=1",
)  # fmt: skip
pytestmark = pytest.mark.slow
KINDS = ("leakage", "null", "planted", "accounts")


def settings(out: Path) -> Settings:
    """The smallest pipeline there is: a rule on half a year of the sample market."""
    return load_settings(None, ASSIGNMENTS, {"data.end": "2015-06-30", "run.out": str(out)})


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    out = tmp_path_factory.mktemp("runs")
    run = backtest(settings(out), NOW, QUIET).folder
    made = {
        "leakage": audit_leakage(settings(out), NOW, QUIET),
        "null": audit_null(settings(out), 1, NOW, QUIET),
        "planted": audit_planted(settings(out), 1, NOW, QUIET),
        "accounts": audit_accounts(str(run), out, QUIET, NOW),
    }
    return {kind: json.loads((one.folder / "audit.json").read_text()) for kind, one in made.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_an_audit_has_the_documented_keys(documents: dict[str, Any], kind: str) -> None:
    common, own = (first_column(CONTRACT, f"### audit{end}") for end in (".json", f" {kind}"))
    assert set(documents[kind]) == {*common, *own}


def test_a_check_has_the_documented_keys(documents: dict[str, Any]) -> None:
    for check in documents["leakage"]["checks"]:
        assert list(check) == first_column(CONTRACT, "### A check")


def test_the_contract_names_the_keys_inside(documents: dict[str, Any]) -> None:
    for kind, name in (
        ("null", "rates"), ("null", "rows"), ("planted", "edges"), ("planted", "rows"),
    ):  # fmt: skip
        prose = section(CONTRACT, f"### audit {kind}")
        prose += section(CONTRACT, "### audit null") if kind == "planted" else ""
        for key in documents[kind][name][0]:
            assert f"`{key}`" in prose, f"{kind}: {name}.{key}"


def test_what_can_come_of_a_check_is_named(documents: dict[str, Any]) -> None:
    prose = section(CONTRACT, "### A check")
    for check in documents["leakage"]["checks"]:
        assert f"`{check['part']}`" in prose
        assert f"`{check['outcome']}`" in prose
