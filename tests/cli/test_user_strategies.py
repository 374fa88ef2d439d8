"""``cryptobt backtest --strategy my_file.py:MyStrategy`` from its file to the run folder."""

import json
from pathlib import Path

import pytest

from tests.jobs.tiny import console, environment, only_run

from .conftest import Call

STRATEGY = """\
import backtrader as bt


class SmaCross(bt.Strategy):
    params = (("fast", 5), ("slow", 15))

    def __init__(self):
        fast = bt.indicators.SMA(self.data.close, period=self.p.fast)
        slow = bt.indicators.SMA(self.data.close, period=self.p.slow)
        self.cross = bt.indicators.CrossOver(fast, slow)

    def next(self):
        if not self.position and self.cross[0] > 0:
            self.buy()
        elif self.position and self.cross[0] < 0:
            self.close()
"""
BREAKS = STRATEGY.replace(
    "    def next(self):\n", "    def next(self):\n        1 / (len(self) - 90)\n"
)
# Half a year: too short for any forecast, so that nothing is trained.
SHORT = ["--source", "sample", "--end", "2015-06-30", "--set", "metrics.bootstrap_draws=100"]


def write(path: Path, text: str = STRATEGY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own_lines(err: str) -> list[str]:
    return [line for line in err.splitlines() if not line.startswith("warning: ")]


def test_a_file_of_the_users_is_traded_end_to_end(tmp_path: Path) -> None:
    file, out = write(tmp_path / "mine.py"), tmp_path / "runs"
    here = tmp_path / "here"
    arguments = ["backtest", "--strategy", "mine.py:SmaCross", *SHORT, "--out", str(out)]
    done = console(arguments, environment(tmp_path), timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert own_lines(done.stderr) == []
    assert "\nSmaCross on BTC-USD, 1d, 2015-01-01 to 2015-06-30" in done.stdout
    assert list(here.iterdir()) == []
    run = only_run(out)
    assert "-SmaCross-BTC-USD-" in run.path.name
    assert run.metrics["orders"]["filled"] > 3
    assert run.metrics["orders"]["rejected"] == 0
    assert run.manifest["strategy"]["name"] == "SmaCross"
    assert len(run.manifest["strategy"]["file_hash"]) > 10
    assert run.manifest["settings"]["strategy"]["name"] == "mine.py:SmaCross"
    assert set(run.table("orders.csv")["exec_type"]) == {"market"}
    assert file.read_text(encoding="utf-8") == STRATEGY


@pytest.mark.slow
def test_the_rows_beside_it_cover_the_same_dates_at_the_same_costs(
    call: Call, tmp_path: Path
) -> None:
    rows = []
    for name in (f"{write(tmp_path / 'mine.py')}:SmaCross", "momentum"):
        said = call("backtest", "--strategy", name, *SHORT, "--json",
                    "--out", str(tmp_path / "runs"))  # fmt: skip
        assert said.code == 0, said.err
        document = json.loads(said.out)
        # Not the intervals: the lengths of their blocks come from the strategy's own returns.
        values = {
            (row, name): measure["value"] if isinstance(measure, dict) else measure
            for row in ("buy_and_hold", "buy_and_hold_vol_target", "sma_trend", "momentum")
            for name, measure in document["rows"][row]["performance"].items()
        }
        rows.append((document["first"], document["last"], document["decisions"], values))
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_the_same_file_at_another_path_gives_the_same_bytes(call: Call, tmp_path: Path) -> None:
    runs = []
    for folder, name in (("a", "mine.py"), ("b/deeper", "mine.py")):
        file, out = write(tmp_path / folder / name), tmp_path / folder / "runs"
        said = call("backtest", "--strategy", f"{file}:SmaCross", *SHORT, "--out", str(out))
        assert said.code == 0, said.err
        runs.append(only_run(out))
    first, second = (run.repeatable() for run in runs)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    keys = [(run.manifest["strategy"], run.manifest["trials"]["key"]) for run in runs]
    assert keys[0] == keys[1]


@pytest.mark.slow
def test_another_content_of_the_file_is_another_trial(call: Call, tmp_path: Path) -> None:
    keys = set()
    for folder, text in (("a", STRATEGY), ("b", STRATEGY.replace("15", "25"))):
        file, out = write(tmp_path / folder / "mine.py", text), tmp_path / folder / "runs"
        assert (
            call("backtest", "--strategy", f"{file}:SmaCross", *SHORT, "--out", str(out)).code == 0
        )
        keys.add(only_run(out).manifest["trials"]["key"])
    assert len(keys) == 2


def test_parameters_are_set_on_the_command_line(call: Call, tmp_path: Path) -> None:
    file, out = write(tmp_path / "mine.py"), tmp_path / "runs"
    said = call("backtest", "--strategy", f"{file}:SmaCross", *SHORT,
                "--set", "strategy.params.slow=179", "--out", str(out))  # fmt: skip
    assert said.code == 0, said.err
    assert only_run(out).metrics["orders"]["submitted"] <= 1


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (STRATEGY, "SmaCros", "strategy file {file} has no strategy 'SmaCros'; "
                              "did you mean 'SmaCross'?"),
        (STRATEGY.replace("):\n    params", ")\n    params"), "SmaCross",
         "strategy file {file}, line 4: SyntaxError: expected ':'"),
        ("import backtrader\n\n1 / 0\n", "SmaCross",
         "strategy file {file}, line 3, in <module>: ZeroDivisionError: division by zero"),
        (BREAKS, "SmaCross",
         "strategy file {file}, line 13, in next: ZeroDivisionError: division by zero"),
        ("X = 1\n", "SmaCross", "strategy file {file} defines no backtrader Strategy"),
    ],
    ids=["no such class", "syntax", "import", "in the middle", "no strategy"],
)  # fmt: skip
def test_a_mistake_is_one_line_with_code_2_and_leaves_no_run(
    call: Call, tmp_path: Path, text: str, name: str, words: str
) -> None:
    file, out = write(tmp_path / "mine.py", text), tmp_path / "runs"
    said = call("backtest", "--strategy", f"{file}:{name}", *SHORT, "--out", str(out))
    assert said.code == 2
    assert said.out == ""
    assert own_lines(said.err) == ["cryptobt: " + words.format(file=file)]
    assert not out.exists() or list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("strategy.params.fst=3", "strategy 'SmaCross' has no parameter 'fst'; did you mean"),
        (
            "strategy.params.fast=3.5",
            "setting 'strategy.params.fast' of 'SmaCross' is 3.5; expected",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(
    call: Call, tmp_path: Path, assignment: str, words: str
) -> None:
    file, out = write(tmp_path / "mine.py"), tmp_path / "runs"
    said = call("backtest", "--strategy", f"{file}:SmaCross", *SHORT, "--set", assignment,
                "--out", str(out))  # fmt: skip
    assert said.code == 2
    assert own_lines(said.err)[0].startswith(f"cryptobt: {words}")
    assert not out.exists() or list(out.iterdir()) == []


def test_a_missing_file_is_named(call: Call, tmp_path: Path) -> None:
    said = call("backtest", "--strategy", "nowhere.py:X", *SHORT, "--out", str(tmp_path / "runs"))
    assert (said.code, said.err) == (
        2,
        "cryptobt: strategy file nowhere.py: there is no such file\n",
    )


def test_what_a_strategy_prints_does_not_break_the_json(call: Call, tmp_path: Path) -> None:
    talks = STRATEGY.replace("    def next(self):\n", "    def next(self):\n        print('bar')\n")
    file = write(tmp_path / "mine.py", talks)
    said = call("backtest", "--strategy", f"{file}:SmaCross", *SHORT, "--json",
                "--out", str(tmp_path / "runs"))  # fmt: skip
    assert said.code == 0
    assert json.loads(said.out)["strategy"] == "SmaCross"
