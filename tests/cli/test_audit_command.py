"""``cryptobt audit`` as a user meets it: the summary, the document, one line for what is wrong."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Call

QUICK = ("--source", "sample", "--end", "2015-09-30", "--set", "metrics.bootstrap_draws=100")
PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
KINDS = ("leakage", "null", "planted", "accounts")


def test_the_summary_of_null_says_how_often_skill_was_found(call: Call) -> None:
    said = call("audit", "null", "--strategy", "momentum", "--markets", "1", "--workers", "1",
                *QUICK)  # fmt: skip
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) < 30
    assert "of 1 simulated markets that have none" in lines[0]
    assert "SIMULATED MARKET: not real prices" in said.out
    assert "verdict: evidence" in said.out
    assert Path(lines[-1].removeprefix("Page").strip()).is_file()


def test_json_is_one_document_and_the_one_that_was_written(call: Call) -> None:
    said = call("audit", "null", "--strategy", "momentum", "--markets", "1", "--workers", "1",
                "--json", *QUICK)  # fmt: skip
    assert said.code == 0
    (folder,) = Path("runs").iterdir()
    assert json.loads(said.out) == json.loads((folder / "audit.json").read_text())
    assert folder.name.split("-", 1)[1].startswith("audit-null-BTC-USD-")


@pytest.mark.parametrize("kind", ["leakage", "null", "planted"])
def test_a_misspelt_strategy_is_refused_before_anything_is_loaded(call: Call, kind: str) -> None:
    said = call("audit", kind, "--strategy", "momentun", "--csv", "absent.csv")
    assert said.code == 2
    assert said.err == "cryptobt: unknown strategy 'momentun'; did you mean 'momentum'?\n"
    assert not Path("runs").exists()


@pytest.mark.parametrize("kind", ["leakage", "null", "planted"])
def test_a_missing_file_is_one_line(call: Call, kind: str) -> None:
    said = call("audit", kind, "--strategy", "momentum", "--csv", "absent.csv")
    assert said.code == 2
    assert said.err == "cryptobt: absent.csv: there is no such file\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"))


def without_folders(text: str) -> list[str]:
    """Words of a summary; a long path breaks its lines elsewhere."""
    return text.partition("Run folder")[0].split()


def test_the_page_s_leak_is_found_as_it_says_and_mended_as_it_says(call: Call) -> None:
    (code,), example = blocks("python"), blocks("console")[0]
    Path("hurried.py").write_text(code, encoding="utf-8")
    said = call(*example.split()[1:], "--workers", "1")
    assert said.code == 8
    shown = said.out.replace(f"{Path.cwd()}/", "")
    assert without_folders(shown) == without_folders(blocks("text")[0])
    assert said.err.splitlines()[-1].startswith(
        "cryptobt: Leak: feature 'trend' of 2015-01-11 knows later bars; see runs/"
    )


@pytest.mark.slow
def test_mended_the_page_s_example_is_clean(call: Call) -> None:
    (code,), example = blocks("python"), blocks("console")[0]
    Path("hurried.py").write_text(code.replace(", center=True", ""), encoding="utf-8")
    said = call(*example.split()[1:], "--workers", "1", "--json")
    assert said.code == 0
    document = json.loads(said.out)
    assert document["outcome"] == "clean"
    assert not [check for check in document["checks"] if check["outcome"] in ("leak", "noted")]


@pytest.mark.slow
def test_a_tampered_run_is_found_out_and_an_honest_one_is_not(call: Call) -> None:
    made = call("backtest", "--strategy", "sma_trend", "--workers", "1", *QUICK)
    assert made.code == 0
    (run,) = Path("runs").iterdir()
    honest = call("audit", "accounts", str(run))
    assert honest.code == 0
    assert "Compared: orders " in honest.out
    equity = run / "equity.csv"
    head, first, *rest = equity.read_text(encoding="utf-8").splitlines()
    equity.write_text("\n".join([head, first.replace("10000", "10001"), *rest, ""]))
    tampered = call("audit", "accounts", str(run))
    assert tampered.code == 8
    assert "✗ equity.csv row 1" in tampered.out
    assert tampered.err.startswith("cryptobt: The account differs in ")
    assert tampered.err.count("\n") == 1


def test_no_markets_are_refused(call: Call) -> None:
    said = call("audit", "null", "--markets", "0", *QUICK)
    assert said.code == 2
    assert "0 is not in the range x>=1" in said.err


def test_a_run_that_is_not_there_is_one_line(call: Call) -> None:
    said = call("audit", "accounts", "fb0b39b3")
    assert said.code == 2
    assert said.err.startswith("cryptobt: there is no folder runs")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_help_names_the_flags(call: Call, kind: str) -> None:
    text = call("audit", kind, "--help").out
    own = {"leakage": "--deep", "null": "--markets", "planted": "--markets", "accounts": "RUN"}
    assert own[kind] in text
    assert "--json" in text
    assert "--out" in text


def test_the_group_s_help_names_every_audit(call: Call) -> None:
    text = call("audit", "--help").out
    assert all(kind in text for kind in KINDS)
