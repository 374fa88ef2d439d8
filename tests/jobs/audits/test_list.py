"""Audits that were made are listed and found, and are no backtests."""

import json
from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.jobs.audits.list import find_audit, list_audits
from cryptobt.jobs.runs import list_runs, show_run
from tests.jobs.run_folders import made_run
from tests.reports.audit_documents import clean, differing


def made_audit(out: Path, run_id: str, at: str, document: dict[str, Any]) -> Path:
    folder = out / f"{at[:10]}-audit-{document['audit']}-{run_id}"
    folder.mkdir(parents=True)
    manifest = {"run_id": run_id, "created_at": at}
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_audits_are_listed_newest_first_and_runs_are_not_among_them(tmp_path: Path) -> None:
    made_run(tmp_path, "aaaa0001")
    older = made_audit(tmp_path, "bbbb0002", "2025-02-01T00:00:00Z", clean())
    made_audit(tmp_path, "cccc0003", "2025-02-02T00:00:00Z", differing())
    said: list[str] = []
    found = list_audits(tmp_path, said.append)
    assert [row["id"] for row in found] == ["cccc0003", "bbbb0002"]
    assert found[1] == {
        "id": "bbbb0002",
        "folder": str(older),
        "audit": "leakage",
        "what": "attn_signal",
        "outcome": "clean",
        "headline": "No leak found in 5 checks",
        "created_at": "2025-02-01T00:00:00Z",
        "page": str(older / "audit.html"),
    }
    assert found[0]["what"] == "fb0b39b3"
    assert said == []


def test_runs_list_leaves_audits_out_without_a_word(tmp_path: Path) -> None:
    made_run(tmp_path, "aaaa0001")
    made_audit(tmp_path, "bbbb0002", "2025-02-01T00:00:00Z", clean())
    said: list[str] = []
    assert [row["run_id"] for row in list_runs(tmp_path, None, None, said.append).rows] == [
        "aaaa0001"
    ]
    assert said == []
    with pytest.raises(DataInvalidError, match="is no backtest"):
        show_run("bbbb0002", tmp_path)


def test_an_audit_is_found_by_its_id_the_beginning_of_one_its_folder_s_name_or_its_path(
    tmp_path: Path,
) -> None:
    folder = made_audit(tmp_path, "bbbb0002", "2025-02-01T00:00:00Z", clean())
    for name in ("bbbb0002", "bb", folder.name, str(folder)):
        found = find_audit(name, tmp_path)
        assert found["id"] == "bbbb0002"
        assert found["document"] == clean()


def test_an_audit_that_is_not_there_is_refused_with_the_nearest_there_is(tmp_path: Path) -> None:
    made_audit(tmp_path, "bbbb0002", "2025-02-01T00:00:00Z", clean())
    made_run(tmp_path, "aaaa0001")
    with pytest.raises(UsageError, match=r"no audit 'bbbb0003'.*did you mean 'bbbb0002'"):
        find_audit("bbbb0003", tmp_path)
    with pytest.raises(DataInvalidError, match=r"is no audit: it has no audit\.json"):
        find_audit("aaaa0001", tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        list_audits(tmp_path / "elsewhere", lambda _: None)


@pytest.mark.parametrize("text", ["{", "[]", '{"audit": "leakage"}'])
def test_a_damaged_audit_is_one_line_and_stops_nothing(tmp_path: Path, text: str) -> None:
    made_audit(tmp_path, "bbbb0002", "2025-02-01T00:00:00Z", clean())
    damaged = made_audit(tmp_path, "cccc0003", "2025-02-02T00:00:00Z", clean())
    (damaged / "audit.json").write_text(text, encoding="utf-8")
    said: list[str] = []
    assert [row["id"] for row in list_audits(tmp_path, said.append)] == ["bbbb0002"]
    assert len(said) == 1
    assert "audit.json is damaged" in said[0]
