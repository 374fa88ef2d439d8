"""``cryptobt explain`` on the terminal: what it prints, where, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.jobs.tiny import assignments, tiny

from .conftest import Call

SECTIONS = tiny(data={"end": "2017-03-31"}, forecaster={"name": "linear"})


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return ["explain", *assignments(SECTIONS), "--workers", "1", "--out", str(tmp_path / "runs")]


def test_it_says_what_matters_which_bar_and_what_of_attention(
    call: Call, arguments: list[str], tmp_path: Path
) -> None:
    said = call(*arguments)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("linear on BTC-USD, 1d, 2016-12-27 to 2017-03-21: 85 windows of 1")
    ranked = lines[3:13]
    assert [int(line[:3]) for line in ranked] == list(range(1, 11))
    assert all("[" in line for line in ranked)
    assert any("can be told from noise. Each interval is at 95% by itself" in li for li in lines)
    assert any(line.startswith("Needed most of the window: lag") for line in lines)
    assert any("no attention over time, so there is none to believe" in line for line in lines)
    assert any("not for making money" in line for line in lines)
    assert "SIMULATED" in said.out
    (folder,) = (tmp_path / "runs").iterdir()
    assert lines[-1] == f"Explanation {folder / 'explanation.html'}"


def test_json_prints_the_document_and_nothing_else(
    call: Call, arguments: list[str], tmp_path: Path
) -> None:
    said = call(*arguments, "--json")
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads(said.out) == json.loads((folder / "explanation.json").read_text())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--forecaster", "last_sign"], "'last_sign' is a rule and learns nothing"),
        (["--forecaster", "dual_atention"], "did you mean 'dual_attention'?"),
        (["--csv", "nowhere.csv", "--source", "csv"], "nowhere.csv"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_line(
    call: Call, arguments: list[str], more: list[str], words: str
) -> None:
    said = call(*arguments, *more)
    assert said.code == 2
    assert said.out == ""
    problems = [line for line in said.err.splitlines() if line.startswith("cryptobt:")]
    assert len(problems) == 1
    assert words in problems[0]


def test_too_few_rows_have_their_own_code(call: Call, arguments: list[str], tmp_path: Path) -> None:
    said = call(*arguments, "--end", "2015-06-01")
    assert said.code == 4
    assert "too few rows" in said.err
    assert not list((tmp_path / "runs").glob("*"))
