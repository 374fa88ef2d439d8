"""The documents of the API: true to the ledger and the run folders, as fresh as these are."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient

from cryptobt.jobs.compare_runs import compare_runs
from cryptobt.paper.account import accounts_folder
from cryptobt.paper.accounts import standing_of
from cryptobt.paper.connection import connect
from cryptobt.paper.digest import digest
from cryptobt.web import models
from cryptobt.web.accounts import ledgers
from cryptobt.web.keeper import Keeper
from tests.paper import vendor

from .world import LAST, NOW, Later, World

PATHS = {
    "/api/overview": models.Overview,
    "/api/accounts": models.Accounts,
    "/api/accounts/one": models.Account,
    "/api/runs": models.Runs,
    "/api/runs/aaaa0001": models.Run,
    "/api/compare?a=aaaa0001&b=bbbb0002": models.Comparison,
    "/api/data": models.Data,
    "/api/audits": models.Audits,
    "/api/health": models.Health,
}


def everything(folder: Path) -> dict[Path, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.parametrize("path", PATHS)
def test_a_document_is_whole_finite_and_of_its_model(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    document = json.loads(answer.text, parse_constant=pytest.fail)
    assert PATHS[path].model_validate(document).model_dump(mode="json", by_alias=True) == document


ABSENT = [
    "/api/nothing", "/api/accounts/none", "/api/runs/none", "/api/audits/none",
    "/api/answers/none", "/api/forecasts/none/BTC-USD", "/api/forecasts/one/NO-USD",
]  # fmt: skip


@pytest.mark.parametrize("path", ABSENT)
def test_what_is_not_there_is_a_problem_of_one_sentence(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    problem = models.Problem.model_validate(answer.get_json())
    assert (problem.status, problem.title) == (404, "Not Found")
    assert problem.detail.endswith(".")


def test_looking_at_everything_changes_no_file(own: World) -> None:
    before = everything(own.home.parent)
    client = own.client()
    pages = ["/", "/accounts/one", "/runs", "/runs/aaaa0001", "/data", "/audits", "/forecast",
             "/runs/compare?a=aaaa0001&b=bbbb0002", "/runs/aaaa0001/run.json"]  # fmt: skip
    for path in [*PATHS, *pages]:
        assert client.get(path).status_code == 200, path
    after = everything(own.home.parent)
    # a forecast may fit, and keep what it fitted
    assert {p: v for p, v in after.items() if "folds" not in p.parts} == before


def test_an_account_is_what_its_ledger_replays_to(client: FlaskClient, home: World) -> None:
    told = client.get("/api/accounts/one").get_json()
    standing = standing_of("one", pd.Timestamp(NOW))
    ours = standing.to_json()
    same = (
        "equity_quote", "cash_quote", "drawdown", "buy_and_hold_quote", "return", "nights", "bar",
        "decided_at", "late", "fills", "warnings", "overdue", "data_age_hours",
    )  # fmt: skip
    assert {key: told[key] for key in same} == {key: ours[key] for key in same}
    assert told["digest"] == digest(standing)
    assert told["series"]["equity_quote"] == standing.replay.result.equity["equity_quote"].tolist()
    assert told["positions"][0]["weight"] == ours["symbols"][0]["weight"]
    assert [order["text"] for order in told["orders"]] == [
        line for line in told["digest"] if line.startswith("order")
    ]


def test_earlier_nights_are_told_as_they_were_told_then(own: World) -> None:
    then = digest(standing_of("one", pd.Timestamp(own.now)))
    own.files.night(LAST + 1)
    nights = own.client().get("/api/accounts/one").get_json()["nights_list"]
    assert [night["bar"][:10] for night in nights] == [
        f"{vendor.day(number):%Y-%m-%d}" for number in range(LAST + 1, 20, -1)
    ]
    assert nights[1]["digest"] == then


def test_the_folder_of_accounts_is_the_one_of_the_paper_room(home: World) -> None:
    assert [path.parent.parent for path in ledgers().values()] == [accounts_folder()]


def test_a_night_is_overdue_from_the_minute_at_which_the_paper_room_says_so(home: World) -> None:
    standing = standing_of("one", pd.Timestamp(NOW))
    house = World(home.home, home.out, home.files)
    client = house.client()
    for hours, overdue in ((24, False), (27.4, False), (27.5, True), (27.6, True), (500, True)):
        house.now = NOW + timedelta(hours=hours)
        told = client.get("/api/accounts/one").get_json()
        assert replace(standing, now=pd.Timestamp(house.now)).overdue is overdue
        assert told["overdue"] is overdue, hours
        alarms = [alarm for alarm in told["alarms"] if alarm["kind"] == "overdue"]
        assert [alarm["command"] for alarm in alarms] == ["cryptobt paper run one"] * overdue


def test_an_account_without_a_night_says_how_it_gets_one(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "NAME", "young")
    own.files.open(vendor.night_of(20))
    told = own.client().get("/api/accounts/young").get_json()
    assert (told["state"], told["nights"]) == ("empty", None)
    assert told["alarms"][0]["command"] == "cryptobt paper run young"


def test_an_account_that_was_written_to_is_read_anew(own: World) -> None:
    client = own.client()
    first = client.get("/accounts/one")
    assert client.get("/api/accounts/one").get_json()["nights"] == 4
    own.files.night(LAST + 1)
    assert client.get("/api/accounts/one").get_json()["nights"] == 5
    assert client.get("/accounts/one").headers["ETag"] != first.headers["ETag"]


def test_a_night_that_is_being_written_is_not_seen_and_hides_nothing(own: World) -> None:
    client = own.client()
    database = connect(own.ledger())
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO absences SELECT 1, 'BTC-USD', 'x' WHERE 0")
        told = client.get("/api/accounts/one").get_json()
    finally:
        database.close()
    assert (told["state"], told["nights"]) == ("ready", 4)


def test_runs_are_filtered_by_strategy_symbol_and_text(client: FlaskClient) -> None:
    def ids(query: str) -> list[str]:
        return [row["id"] for row in client.get(f"/api/runs?{query}").get_json()["rows"]]

    assert sorted(ids("")) == ["aaaa0001", "bbbb0002"]
    assert ids("strategy=sma_trend") == ["bbbb0002"]
    assert ids("symbol=ETH-USD") == []
    assert ids("text=AAAA") == ["aaaa0001"]
    assert ids("text=mom&strategy=sma_trend") == []


def test_a_run_that_is_not_whole_is_said_and_stops_nothing(client: FlaskClient) -> None:
    told = client.get("/api/runs").get_json()
    assert len(told["problems"]) == 1
    assert "cccc0003 is no whole run: it has no metrics.json" in told["problems"][0]


def test_a_comparison_is_the_one_of_the_command_line_and_writes_no_page(own: World) -> None:
    told = own.client().get("/api/compare?a=aaaa0001&b=bbbb0002").get_json()
    assert not list(own.out.glob("*.html"))
    ours = json.loads(json.dumps(compare_runs("aaaa0001", "bbbb0002", own.out).document))
    for which in ("a", "b"):
        ours[which].pop("folder")
    assert told["document"] == ours
    assert told["series"]["a"][0] == told["series"]["b"][0] == 1


def test_what_is_being_computed_is_said_with_202_and_then_there(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "first_seconds", 0.01)
    made: list[Later] = []

    def desk(module: str) -> Later:
        made.append(Later(module))
        return made[-1]

    client = home.app(desk=desk).test_client()
    first = client.get("/api/accounts/one")
    assert (first.status_code, first.headers["Retry-After"]) == (202, "2")
    assert first.get_json()["state"] == "computing"
    page = client.get("/accounts/one")
    assert 'http-equiv="refresh"' in page.text
    assert client.get("/runs/aaaa0001").status_code in (202, 404)
    for one in made:
        one.work()
    assert client.get("/api/accounts/one").get_json()["state"] == "ready"


def test_a_page_that_is_known_is_not_sent_again(client: FlaskClient) -> None:
    for path in ("/accounts/one", "/api/accounts/one", "/static/page.css"):
        known = client.get(path).headers["ETag"]
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")


def test_head_is_answered_as_get_without_a_body(client: FlaskClient) -> None:
    for path in ("/", "/accounts/one", "/api/runs", "/runs/aaaa0001/run.json"):
        asked, head = client.get(path), client.head(path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == asked.headers["Content-Length"]


def test_an_empty_house_says_what_to_do_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: World
) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "nowhere"))
    empty = World(tmp_path / "nowhere", tmp_path / "runs", home.files)
    client = empty.client()
    for path in ("/", "/runs", "/audits", "/data", "/forecast", "/runs/compare", "/api/overview"):
        assert client.get(path).status_code == 200, path
    told = client.get("/api/overview").get_json()
    assert told["empty"]
    assert told["problems"] == []
    assert "cryptobt " in client.get("/").text
    assert not (tmp_path / "nowhere").exists()
