"""``cryptobt forecasters check``, and ``--forecaster my_file.py:MyForecaster`` to the run folder.

What runs here runs with real worker processes, in a folder of its own.
"""

import json
from pathlib import Path

import pytest

from tests.jobs.tiny import TINY, assignments, console, environment, only_run

from .conftest import Call

MINE = """\
import numpy as np
from sklearn.linear_model import LogisticRegression


class LastRow:
    \"\"\"What was learnt on average, tilted by the last row.\"\"\"

    def fit(self, training, validation):
        print("fitting")
        self.mean = training.labels().mean(axis=0)

    def predict(self, windows):
        return self.mean + windows.rows[windows.ends, :1]


class Peeks(LastRow):
    def predict(self, windows):
        following = np.minimum(windows.ends + 1, len(windows.rows) - 1)
        return self.mean + windows.rows[following, :1]


class Breaks(LastRow):
    def predict(self, windows):
        if windows.targets is None:
            raise KeyError(len(windows.nothing))
        return super().predict(windows)


up_or_down = LogisticRegression(C=0.01, max_iter=500)
"""
ARGUMENTS = assignments({name: TINY[name] for name in ("data", "walkforward", "metrics")})


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_an_honest_forecaster_passes_with_code_0(here: Path, tmp_path: Path) -> None:
    arguments = ["forecasters", "check", "mine.py:LastRow"]
    done = console(arguments, environment(tmp_path), cwd=here)
    assert (done.returncode, done.stderr.replace("fitting\n", "")) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first == "mine.LastRow, target trend, on 720 bars of a simulated market"
    assert len(lines) == 13
    assert all(line.startswith(("ok ", "not asked ")) for line in lines)
    assert sorted(path.name for path in here.iterdir() if path.suffix) == ["mine.py"]


def test_a_forecaster_that_peeks_ends_with_code_8(here: Path, tmp_path: Path) -> None:
    arguments = ["forecasters", "check", "mine.py:Peeks", "--json"]
    done = console(arguments, environment(tmp_path), cwd=here)
    assert done.returncode == 8
    document = json.loads(done.stdout)
    failed = [check["name"] for check in document["checks"] if check["outcome"] == "failed"]
    assert {"own rows", "future"} <= set(failed)
    assert document["failed"] == len(failed)
    (line,) = [said for said in done.stderr.splitlines() if said.startswith("cryptobt: ")]
    assert line.startswith(f"cryptobt: {len(failed)} of 13 checks failed for mine.Peeks: ")


def test_one_of_ours_is_checked_by_its_name(call: Call) -> None:
    said = call("forecasters", "check", "last_sign", "--set", "forecaster.target=next_return")
    assert said.code == 0, said.err
    assert said.out.startswith("last_sign, target next_return, on 720 bars")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("last_sgn", "unknown forecaster 'last_sgn'; did you mean 'last_sign'?"),
        ("gone.py:X", "forecaster file gone.py: there is no such file"),
        ("mine.py:LstRow", "forecaster file mine.py has no forecaster 'LstRow'; "
                           "did you mean 'LastRow'?"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_one_line_with_code_2(
    here: Path, call: Call, name: str, words: str
) -> None:
    for arguments in (["forecasters", "check", name], ["backtest", "--forecaster", name]):
        said = call(*arguments)
        assert (said.code, said.out, said.err) == (2, "", f"cryptobt: {words}\n")


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "name"), [("", "up_or_down"), ("{here}/", "LastRow")])
def test_a_file_of_the_users_is_traded_end_to_end(
    here: Path, tmp_path: Path, folder: str, name: str
) -> None:
    reference = f"{folder.format(here=here)}mine.py:{name}"
    arguments = ["backtest", "--forecaster", reference, *ARGUMENTS, "--out", "runs"]
    done = console([*arguments, "--json", "--workers", "2"], environment(tmp_path), cwd=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]["strategy"]["performance"]["trades"] > 0
    run = only_run(here / "runs")
    assert run.manifest["forecaster"]["name"] == f"mine.{name}"
    assert len(run.manifest["forecaster"]["file_hash"]) == 64
    made = run.table("forecasts.csv")
    assert set(made["forecaster"]) == {f"mine.{name}", f"mine.{name}_net", "trend_only"}
    assert [
        file for file, content in run.repeatable().items() if str(here).encode() in content
    ] == []


@pytest.mark.slow
def test_a_failure_in_a_worker_is_told_by_the_users_line(here: Path, tmp_path: Path) -> None:
    arguments = ["backtest", "--forecaster", "mine.py:Breaks", *ARGUMENTS, "--out", "runs"]
    done = console(arguments, environment(tmp_path), cwd=here)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        f"cryptobt: forecaster file {here}/mine.py, line 25, in predict: AttributeError: "
        "'Windows' object has no attribute 'nothing'"
    )
    assert not (here / "runs").exists() or list((here / "runs").iterdir()) == []


def test_a_classifier_is_refused_a_price_before_anything_is_loaded(here: Path, call: Call) -> None:
    said = call("backtest", "--forecaster", "mine.py:up_or_down", "--csv", "no_such.csv",
                "--set", "forecaster.target=scaled_close")  # fmt: skip
    assert said.code == 2
    assert "forecaster 'mine.up_or_down' is a classifier" in said.err
