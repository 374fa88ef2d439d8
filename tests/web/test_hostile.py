"""Files from strangers and requests from worse: nothing runs, nothing leaks, nothing falls over."""

import errno
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cryptobt.paper.account import account_names
from cryptobt.web.files import MOST_BYTES, read_own
from tests.jobs.run_folders import made_run

from .world import SCRIPT, World, change

SECRET = "a private matter"
FORECAST = "/forecast/one/BTC-USD"


def csrf(client: FlaskClient) -> str:
    client.get(FORECAST)
    with client.session_transaction() as session:
        return str(session["csrf"])


@pytest.fixture(scope="module")
def traps(made_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FlaskClient]:
    """Runs with a secret beside them, and links, a folder and a file that lead to it."""
    folder = tmp_path_factory.mktemp("traps")
    shutil.copytree(made_world.out, folder / "runs")
    world = World(folder / "home", folder / "runs", made_world.files)
    secret = folder / "secret.txt"
    secret.write_text(SECRET)
    run = next(world.out.glob("*aaaa0001"))
    (run / "secret.txt").write_text(SECRET)
    (run / "weights.csv").symlink_to(secret)
    (run / "fills.csv").mkdir()
    (world.out / "linked").symlink_to(folder)
    return world.home, world.client()


@pytest.fixture
def trapped(traps: tuple[Path, FlaskClient], monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setenv("CRYPTOBT_HOME", str(traps[0]))
    return traps[1]


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..", "/runs/../accounts", "/runs/%2e%2e", "/runs/..%2f..%2fsecret.txt",
        "/runs/..%5csecret.txt", "/runs/%2fetc%2fpasswd", "/runs//etc/passwd",
        "/runs/aaaa0001/../../secret.txt", "/runs/aaaa0001/..%2f..%2fsecret.txt",
        "/runs/aaaa0001/%2fetc%2fpasswd", "/runs/aaaa0001/run.json%00.html", "/runs/%00",
        "/runs/aaaa0001/secret.txt", "/runs/linked/run.json", "/runs/aaaa0001/weights.csv",
        "/runs/aaaa0001/fills.csv", "/runs/.", "/runs/ ", "/runs/" + "a" * 5000,
        "/accounts/..", "/accounts/../one", "/accounts/..%2f..%2fhome", "/accounts/%00",
        "/accounts/one%00", "/static/..%2fapplication.py", "/static/../application.py",
        "/audits/..%2f..%2fsecret.txt/run.json", "/forecast/..%2f../BTC-USD",
        "/forecast/one/..%2f..%2fsecret.txt", "/api/runs/..%2f..%2fsecret.txt",
        "/api/accounts/..%2fone", "/api/answers/..%2f..%2fsecret.txt",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_shown(trapped: FlaskClient, path: str) -> None:
    answer = trapped.get(path)
    assert answer.status_code in (301, 308, 404), answer.status_code
    assert SECRET not in answer.text


def test_a_folder_that_is_a_link_is_not_one_of_the_runs(runs: World, tmp_path: Path) -> None:
    elsewhere = made_run(tmp_path / "elsewhere", "dddd0004")
    (runs.out / "linked").symlink_to(elsewhere)
    ids = [row["id"] for row in runs.client().get("/api/runs").get_json()["rows"]]
    assert sorted(ids) == ["aaaa0001", "bbbb0002"]


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(runs: World) -> None:
    os.mkfifo(next(runs.out.glob("*aaaa0001")) / "trades.csv")
    assert runs.client().get("/runs/aaaa0001/trades.csv").status_code == 404


def test_a_pipe_in_place_of_a_document_hides_no_other_run(runs: World) -> None:
    metrics = next(runs.out.glob("*aaaa0001")) / "metrics.json"
    metrics.unlink()
    os.mkfifo(metrics)
    told = runs.client().get("/api/runs").get_json()
    assert [row["id"] for row in told["rows"]] == ["bbbb0002"]
    assert any("it is no file" in text for text in told["problems"])


def test_brackets_without_end_hide_no_other_run(runs: World) -> None:
    (next(runs.out.glob("*aaaa0001")) / "metrics.json").write_text("[" * 200_000)
    told = runs.client().get("/api/runs").get_json()
    assert [row["id"] for row in told["rows"]] == ["bbbb0002"]


def test_a_file_beyond_all_measure_is_not_read_into_memory(runs: World) -> None:
    with (next(runs.out.glob("*aaaa0001")) / "tearsheet.html").open("wb") as page:
        page.truncate(MOST_BYTES + 1)
    answer = runs.client().get("/runs/aaaa0001/tearsheet.html")
    assert answer.status_code == 404
    assert "no file tearsheet.html that can be shown" in answer.text


def test_a_folder_that_became_a_link_gives_nothing_out(tmp_path: Path) -> None:
    made_run(tmp_path, "dddd0004").rename(tmp_path / "run")
    (tmp_path / "linked").symlink_to(tmp_path / "run")
    assert read_own(tmp_path / "run", "run.json")
    assert read_own(tmp_path / "linked", "run.json") is None


def test_a_link_that_leads_nowhere_leaves_the_list_up_to_date(runs: World) -> None:
    client = runs.client()
    (runs.out / "nowhere").symlink_to(runs.out / "nothing")
    assert client.get("/api/runs").get_json()["total"] == 2
    made_run(runs.out, "dddd0004")
    assert client.get("/api/runs").get_json()["total"] == 3


def test_a_comparison_with_nonsense_is_one_sentence_without_a_folder(runs: World) -> None:
    folder = next(runs.out.glob("*aaaa0001"))
    change(folder, "metrics.json", rows=[])
    client, path = runs.client(), "/api/compare?a=aaaa0001&b=bbbb0002"
    assert "cannot be compared" in client.get(path).get_json()["problem"]
    (folder / "equity.csv").unlink()
    os.mkfifo(folder / "equity.csv")
    said = client.get(path).get_json()["problem"]
    assert said == f"{folder.name}/equity.csv cannot be read: it is no file"


def hostile_run(own: World) -> Path:
    folder = made_run(own.out, f"e{SCRIPT}", strategy="momentum", symbols=("BTC-USD",),
                      command=SCRIPT, account=SCRIPT)  # fmt: skip
    change(folder, "metrics.json", strategy=SCRIPT, symbols=[SCRIPT, "BTC-USD"],
           verdict={"grade": SCRIPT, "text": SCRIPT, "reasons": [{"text": SCRIPT}],
                    "warnings": [SCRIPT]})  # fmt: skip
    return folder


@pytest.fixture
def slashless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name cannot hold a slash: the script's end is left out of folders' names."""
    monkeypatch.setattr("tests.web.test_hostile.SCRIPT", "<img src=x onerror=alert(1)>")


@pytest.mark.usefixtures("slashless")
def test_scripts_in_the_name_of_an_account_are_text(own: World) -> None:
    own.copy_account(SCRIPT)
    client = own.client()
    for path in ("/", f"/accounts/{SCRIPT}", f"/accounts/{SCRIPT}/tearsheet", "/forecast"):
        answer = client.get(path)
        assert answer.status_code in (200, 503), path
        assert "<img" not in answer.text, path
    told = client.get(f"/api/accounts/{SCRIPT}").get_json()
    assert (told["state"], told["alarms"][0]["kind"]) == ("failed", "unreadable")
    assert "cannot be an account's name" in told["problem"]


@pytest.mark.usefixtures("slashless")
def test_scripts_in_a_run_from_someone_else_are_text(runs: World) -> None:
    folder = hostile_run(runs)
    client = runs.client()
    rows = client.get("/api/runs").get_json()["rows"]
    called = next(row["id"] for row in rows if row["strategy"] == SCRIPT)
    assert called == folder.name
    for path in ("/", "/runs", "/runs/compare", f"/runs/{called}", "/runs?text=<img",
                 f"/runs/compare?a={called}&b=aaaa0001", f"/runs?strategy={SCRIPT}"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<img" not in answer.text, path


def test_a_page_from_someone_else_stands_in_a_sandbox(runs: World) -> None:
    page = next(runs.out.glob("*aaaa0001")) / "tearsheet.html"
    page.write_text(f"<!DOCTYPE html><title>t</title>{SCRIPT}")
    answer = runs.client().get("/runs/aaaa0001/tearsheet.html")
    policy = dict(part.strip().partition(" ")[::2] for part in
                  answer.headers["Content-Security-Policy"].split(";"))  # fmt: skip
    assert policy["default-src"] == "'none'"
    assert policy["sandbox"] == "allow-scripts"
    assert policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"].startswith("'sha256-")
    assert "unsafe" not in policy["script-src"]
    table = runs.client().get("/runs/aaaa0001/equity.csv")
    assert table.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in table.headers["Content-Security-Policy"]


NONSENSE: list[tuple[str, dict[str, Any]]] = [
    ("metrics.json", {"symbols": 5}),
    ("run.json", {"created_at": {"a": 1}}),
    ("run.json", {"settings": 5, "data": 7}),
    ("metrics.json", {"strategy": {"deep": [1]}}),
    ("metrics.json", {"rows": []}),
    ("metrics.json", {"rows": {"strategy": {"performance": {"sharpe": {"value": "x"}}}}}),
    ("metrics.json", {"rows": {"strategy": {"performance": {"sharpe": {"value": 1e400}}}}}),
    ("metrics.json", {"symbols": {"a": 1}}),
    ("metrics.json", {"verdict": "x", "interval": 5, "first": []}),
    ("run.json", {"trials": {"n": "many"}}),
    ("run.json", {"account": ["x"]}),
    ("run.json", {"run_id": 12}),
]


@pytest.mark.parametrize(
    ("name", "changed"),
    [*NONSENSE[:3], *(pytest.param(*one, marks=pytest.mark.slow) for one in NONSENSE[3:])],
)
def test_a_run_that_says_nonsense_spoils_no_page(
    runs: World, name: str, changed: dict[str, Any]
) -> None:
    change(next(runs.out.glob("*aaaa0001")), name, **changed)
    client = runs.client()
    for path in ("/", "/runs", "/api/runs", "/runs/bbbb0002", "/runs/compare"):
        assert client.get(path).status_code == 200, path
    for path in ("/runs/aaaa0001", "/api/runs/aaaa0001", "/runs/compare?a=aaaa0001&b=bbbb0002"):
        answer = client.get(path)
        assert answer.status_code in (200, 404), path
        assert "Traceback" not in answer.text


def test_numbers_that_are_not_finite_are_null(runs: World) -> None:
    path = next(runs.out.glob("*aaaa0001")) / "metrics.json"
    path.write_text(path.read_text().replace("1.25", "NaN"))
    told = json.loads(runs.client().get("/api/runs").text, parse_constant=pytest.fail)
    assert next(row for row in told["rows"] if row["id"] == "aaaa0001")["sharpe"] is None


def test_a_folder_whose_name_is_no_text_hides_no_account(own: World) -> None:
    own.copy_account(os.fsdecode(b"bad\xff"))
    client = own.client()
    assert [row["account"] for row in client.get("/api/accounts").get_json()["accounts"]] == ["one"]
    assert client.get("/").status_code == 200


def test_an_account_that_may_not_be_looked_into_is_not_kept_quiet(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = own.copy_account("closed").parent
    stat, opened = Path.stat, Path.open

    def look(path: Path, **more: Any) -> os.stat_result:
        refuse(path)
        return stat(path, **more)

    def read(path: Path, *more: Any, **named: Any) -> Any:
        refuse(path)
        return opened(path, *more, **named)

    def refuse(path: Path) -> None:
        if path.parent == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", look)
    monkeypatch.setattr(Path, "open", read)
    rows = own.client().get("/api/accounts").get_json()["accounts"]
    assert [(row["account"], row["state"]) for row in rows] == [
        ("closed", "failed"), ("one", "ready"),
    ]  # fmt: skip
    assert "Permission denied" in rows[0]["problem"]
    assert account_names() == ["closed", "one"]


def test_looking_at_everything_writes_nothing(own: World) -> None:
    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in own.home.parent.rglob("*") if path.is_file()}

    before, client = everything(), own.client()
    for path in ("/", "/accounts/one", "/accounts/one/tearsheet", "/runs", "/runs/aaaa0001",
                 "/runs/compare?a=aaaa0001&b=bbbb0002", "/data", "/audits"):  # fmt: skip
        assert client.get(path).status_code == 200, path
    assert everything() == before


def test_a_copied_account_is_called_as_it_lies(own: World) -> None:
    own.copy_account("copy")
    rows = own.client().get("/api/accounts").get_json()["accounts"]
    assert [row["account"] for row in rows] == ["copy", "one"]


_LONG = [pytest.param(how, marks=pytest.mark.slow) for how in ("cut", "empty", "text")]


@pytest.mark.parametrize("how", ["flipped", "rewritten", "folder", "pipe", *_LONG])
def test_a_damaged_ledger_is_said_on_its_account_and_hides_no_other(own: World, how: str) -> None:
    path = own.copy_account("broken")
    content = path.read_bytes()
    if how == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes(b ^ 255 for b in content[middle:]))
    elif how == "rewritten":
        with sqlite3.connect(path) as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
                database.execute(f"DROP TRIGGER {name}")
            database.execute("UPDATE nights SET record = replace(record, '0', '1')")
        database.close()
    elif how in ("folder", "pipe"):
        path.unlink()
        path.mkdir() if how == "folder" else os.mkfifo(path)
    else:
        path.write_bytes({"cut": content[:5000], "empty": b"", "text": b"x" * 9000}[how])
    client = own.client()
    told = client.get("/api/accounts/broken").get_json()
    assert told["state"] == "failed"
    assert told["problem"]
    assert [alarm["level"] for alarm in told["alarms"]] == ["alarm"]
    assert told["alarms"][0]["kind"] == ("unreadable" if how == "folder" else "damaged")
    states = {row["account"]: row["state"] for row in
              client.get("/api/overview").get_json()["accounts"]}  # fmt: skip
    assert states == {"one": "ready", "broken": "failed"}
    for path_ in (
        "/",
        "/accounts/broken",
        "/accounts/one",
        "/forecast",
        "/forecast/broken/BTC-USD",
    ):
        answer = client.get(path_)
        assert answer.status_code in (200, 404), path_
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("value", ["x" * 10_000, "NaN", "1e308", "-inf", SCRIPT, "\x00", "🦊", ""])
def test_whatever_is_typed_into_the_form_is_answered_in_words(
    home: World, client: FlaskClient, value: str
) -> None:
    form = {"csrf": csrf(client), "field:RSI": value}
    answer = client.post(FORECAST, data=form, follow_redirects=True)
    assert answer.status_code in (200, 422)
    assert SCRIPT not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"", "application/json", 422),
        (b"[" * 60_000, "application/json", 422),
        (b'{"edits": {"RSI": NaN}}', "application/json", 422),
        (b'{"edits": {"RSI": 1e999}}', "application/json", 422),
        (b'{"edits": {"RSI": "5"}}', "application/json", 422),
        (b'{"edits": {"RSI": true}}', "application/json", 422),
        (b'{"edits": {}, "more": 1}', "application/json", 422),
        (b'{"edits": []}', "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b'{"edits": {"\\ud800": 1}}', "application/json", 422),
        (b'{"edits": {}}', "text/plain", 415),
        (b"edits=1", "application/x-www-form-urlencoded", 415),
        (b"x" * 70_000, "application/json", 413),
    ],
)
def test_whatever_is_sent_to_the_api_is_answered_as_documented(
    client: FlaskClient, body: bytes, kind: str, status: int
) -> None:
    path = "/api/forecasts/one/BTC-USD/what-if"
    answer = client.post(path, data=body, content_type=kind)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert len(answer.get_json()["detail"]) < 400


@pytest.mark.parametrize("path", ["/", "/accounts/one", "/runs/aaaa0001/run.json", "/api/accounts",
                                  "/static/page.css", "/api/openapi.json"])  # fmt: skip
def test_nothing_but_reading_is_understood(client: FlaskClient, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        answer = client.open(path, method=method)
        assert answer.status_code == 405, method
        assert "GET" in answer.headers["Allow"]


def test_a_form_that_is_too_large_is_refused(client: FlaskClient) -> None:
    form = {"csrf": csrf(client), "field:RSI": "1" * 70_000}
    assert client.post(FORECAST, data=form).status_code == 413
    many = {"csrf": csrf(client)} | {f"field:{number}": "1" for number in range(2000)}
    assert client.post(FORECAST, data=many).status_code == 422


def test_what_is_wrong_with_many_unknown_fields_is_said_once(home: World) -> None:
    problems = {f"a{number}": "no such field; known: rsi" for number in range(50)}
    shown = home.shared.forecasts.typed("one", "BTC-USD", dict.fromkeys(problems, "1"), problems)
    assert shown.document["form"]["error"] == "no such field; known: rsi"


def test_two_tabs_ask_their_own_questions(client: FlaskClient) -> None:
    secret = csrf(client)
    keys = [
        client.post(FORECAST, data={"csrf": secret, "field:RSI": value}).headers["Location"]
        for value in ("1", "2", "1")
    ]
    assert keys[0] == keys[2] != keys[1]
    assert all(client.get(key).status_code == 200 for key in keys)


def test_a_mistake_of_ours_is_one_sentence_and_shows_no_code(
    own: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = own.app()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a private matter")

    monkeypatch.setattr("cryptobt.web.runs.Runs.audits", broken)
    for path in ("/audits", "/api/audits"):
        answer = app.test_client().get(path)
        assert answer.status_code == 500
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_no_page_names_a_folder_of_this_machine(own: World) -> None:
    client = own.client()
    for path in ("/", "/accounts/one", "/runs", "/runs/aaaa0001", "/data", "/api/accounts/one",
                 "/api/runs", "/api/compare?a=aaaa0001&b=bbbb0002"):  # fmt: skip
        text = client.get(path).text
        for folder in (own.home, own.out.parent, own.files.folder):
            assert str(folder) not in text, path
