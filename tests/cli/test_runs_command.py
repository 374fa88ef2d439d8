"""``cryptobt runs`` as a user calls it: results on stdout, mistakes in one line."""

import json
from pathlib import Path

import pytest

from cryptobt.jobs import reproduce_run as job
from tests.jobs.run_folders import made_run

from .conftest import Call


@pytest.fixture
def out() -> Path:
    """Two runs in the folder where commands look for them, and a third that is half one."""
    out = Path("runs")
    made_run(out, "aaaa0001", seed=1, at="2025-02-01T00:00:00Z")
    made_run(out, "bbbb0002", seed=2, strategy="sma_trend")
    half = made_run(out, "cccc0003")
    (half / "metrics.json").unlink()
    return out


def test_a_list_goes_to_stdout_and_half_a_run_to_stderr(call: Call, out: Path) -> None:
    said = call("runs", "list")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == ["id", "bbbb0002", "aaaa0001"]
    assert "cccc0003 is no whole run: it has no metrics.json" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_list_is_one_json_document(call: Call, out: Path) -> None:
    said = call("runs", "list", "--json", "--strategy", "momentum", "--out", str(out))
    (row,) = json.loads(said.out)
    assert (row["run_id"], row["trials"], row["verdict"]) == ("aaaa0001", 7, "none")


def test_a_list_without_runs_says_what_makes_one(call: Call) -> None:
    Path("runs").mkdir()
    said = call("runs", "list")
    assert (said.code, said.err) == (0, "")
    assert "no such run in runs; `cryptobt backtest` makes one" in said.out
    assert json.loads(call("runs", "list", "--json").out) == []


def test_a_run_is_shown_with_where_it_lies(call: Call, out: Path) -> None:
    said = call("runs", "show", "aaaa")
    assert said.code == 0
    assert any(line.startswith("momentum on BTC-USD") for line in said.out.splitlines())
    assert str(next(out.glob("*aaaa0001"))) in said.out


def test_two_runs_are_compared_in_the_terminal_in_json_and_on_a_page(call: Call, out: Path) -> None:
    said = call("runs", "compare", "aaaa", "bbbb")
    assert said.code == 0
    assert "A less B is" in said.out
    assert "strategy.name: momentum against sma_trend" in said.out
    page = out / "compare-aaaa0001-bbbb0002.html"
    assert said.out.splitlines()[-1] == f"Page  {page}"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    document = json.loads(call("runs", "compare", "aaaa", "bbbb", "--json").out)
    assert document["bars"] == 100


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "zzzz"], 2, "there is no run 'zzzz' in runs"),
        (["show", "aaaa0002"], 2, "did you mean 'aaaa0001'?"),
        (["show", "2025"], 2, "'2025' could be "),
        (["show", "aaaa", "--out", "nowhere"], 2, "there is no folder nowhere"),
        (["show", "2025-cccc"], 2, "`cryptobt runs list` shows what there is"),
        (["show", "20250203T040506Z-momentum-BTC-USD-cccc0003"], 4, "it has no metrics.json"),
        (["compare", "aaaa", "aaaa0001"], 2, "are the same run"),
        (["compare", "aaaa"], 2, "Missing argument 'B'"),
        (["reproduce", "zzzz"], 2, "there is no run 'zzzz'"),
        (["reproduce", "aaaa"], 4, "cannot be repeated: its run.json has no 'counted'"),
        (["lst"], 2, "No such command 'lst'"),
    ],
)
def test_a_mistake_is_one_line_with_its_exit_code(
    call: Call, out: Path, arguments: list[str], code: int, words: str
) -> None:
    said = call("runs", *arguments)
    assert said.code == code
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_dates_that_do_not_meet_exit_with_4(call: Call, out: Path) -> None:
    made_run(out, "dddd0004", first="1999-01-01")
    said = call("runs", "compare", "aaaa", "dddd")
    assert said.code == 4
    assert "share 0 closes" in said.err


@pytest.mark.parametrize("differing", [[], ["metrics.json: bars: 7 then, 88 now"]])
def test_a_repetition_exits_with_8_where_a_file_differs(
    call: Call, out: Path, monkeypatch: pytest.MonkeyPatch, differing: list[str]
) -> None:
    folder = next(out.glob("*aaaa0001"))
    found = job.Repetition(folder, ["numpy is 2.1, and was 2.0"], differing, 8)
    monkeypatch.setattr(job, "reproduce_run", lambda *_: found)
    said = call("runs", "reproduce", "aaaa")
    lines = said.out.splitlines()
    assert lines[0] == "numpy is 2.1, and was 2.0"
    if differing:
        assert said.code == 8
        assert lines[1:] == [differing[0], f"1 of 8 files of {folder} differ"]
        assert "was not repeated: 1 of 8 files differ; code or libraries are not" in said.err
    else:
        assert said.code == 0
        assert lines[1:] == [f"byte-identical: 8 files of {folder}"]
        assert said.err == ""


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["compare"], ["reproduce"]])
def test_every_command_has_help(call: Call, command: list[str]) -> None:
    said = call("runs", *command, "--help")
    assert said.code == 0
    assert "Usage: cryptobt runs" in said.out
