"""Every mistake of a user ends in one line, its documented code, and nothing left over."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.data.sample import sample_market
from tests.jobs.tiny import console, environment

from .conftest import Call, Said

Write = Callable[[pd.DataFrame | int], Path]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def refused(said: Said, code: int, out: Path) -> str:
    """Check the manners of a refusal and give its words."""
    lines = said.err.splitlines()
    told = [line for line in lines if line.startswith("cryptobt: ")]
    others = [line for line in lines if not line.startswith(("cryptobt: ", "warning: "))]
    assert (len(told), others) == (1, [])
    assert lines[-1] == told[0]
    assert said.out == ""
    assert said.code == code
    assert not out.exists() or out.is_file() or list(out.iterdir()) == []
    assert list(Path.cwd().iterdir()) == []
    return told[0].removeprefix("cryptobt: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--csv", "nowhere.csv"], "nowhere.csv: there is no such file"),
        (["--source", "csv"], "source csv needs a file; give --csv [SYMBOL=]FILE"),
        (["--source", "sample", "--onchain", "no.csv"], "no.csv: there is no such file"),
        (
            ["--strategy", "atn_signal"],
            "unknown strategy 'atn_signal'; did you mean 'attn_signal'?",
        ),
        (
            ["--forecaster", "dual_atention"],
            "unknown forecaster 'dual_atention'; did you mean 'dual_attention'?",
        ),
        (
            ["--source", "yaho"],
            "unknown source 'yaho'; did you mean 'yahoo'?",
        ),
        (
            ["--set", "training.epoch=3"],
            "unknown setting 'training.epoch'; did you mean 'training.epochs'?",
        ),
        (["--set", "trainig.epochs=3"], "unknown setting 'trainig'; did you mean 'training'?"),
        (["--set", "training.epochs"], "--set training.epochs: write it as section.key=value"),
        (
            ["--set", "costs.fee_bps=-1"],
            "setting 'costs.fee_bps' is -1; expected greater than or equal to 0",
        ),
        (
            ["--set", "net.units=10"],
            "expected net.units to be a multiple of net.attention_heads",
        ),
        (
            ["--strategy", "sma_trend", "--set", "strategy.params.windw=3"],
            "strategy 'sma_trend' has no parameter 'windw'; did you mean 'window'?",
        ),
        (["-c", "no.toml"], "settings file no.toml cannot be read: No such file or directory"),
        (["--workers", "many"], "'many' is not a valid integer"),
        (["--workers", "-1"], "setting 'run.workers' is -1"),
        (["--nonsense"], "No such option '--nonsense'"),
        (
            ["--source", "sample", "--symbol", "BTC-EUR"],
            "the sample market has no 'BTC-EUR'; did you mean 'BTC-USD'?",
        ),
        (
            ["--source", "sample", "--end", "tomorrowish"],
            "data.end: 'tomorrowish' is not a date; write it like 2021-03-01",
        ),
        (
            ["--source", "sample", "--end", "2017-12-31", "--start", "2017-13-01"],
            "data.start: '2017-13-01' is not a date; write it like 2021-03-01",
        ),
        (
            ["--source", "sample", "--end", "2017-12-31", "--set", "walkforward.anchor='x'"],
            "walkforward.anchor: 'x' is not a date",
        ),
        (
            ["--source", "sample", "--set", "data.interval='1 day'"],
            "interval '1 day' is not understood; write it like 1d, 4h or 5m",
        ),
        (
            ["--source", "sample", "--symbol", "BTC-USD", "--symbol", "BTC-USD"],
            "symbol 'BTC-USD' is named twice",
        ),
        (["--set", "sizing.max_gross=2"], "'sizing.max_gross' is 2; expected at most 1"),
        (
            ["--set", "account.maintenance_margin=0.5", "--set", "account.initial_margin=0.4"],
            "account.maintenance_margin below account.initial_margin",
        ),
        (["--set", "features.set=stationry"], "did you mean 'stationary'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_mistake_exits_with_2(
    call: Call, out: Path, arguments: list[str], words: str
) -> None:
    if "--source" not in arguments and "--csv" not in arguments:
        arguments = ["--source", "sample", *arguments]
    assert words in refused(call("backtest", *arguments, "--out", str(out)), 2, out)


def test_an_unknown_command_exits_with_2(call: Call, out: Path) -> None:
    assert "No such command 'backtset'" in refused(call("backtset"), 2, out)


def test_a_settings_file_that_is_not_toml_exits_with_2(
    call: Call, tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[training\nepochs = 3\n")
    words = refused(call("backtest", "-c", str(file), "--out", str(out)), 2, out)
    assert words.startswith(f"settings file {file} is not valid TOML")


def test_a_settings_file_with_an_unknown_key_exits_with_2(
    call: Call, tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[training]\nepoches = 3\n")
    words = refused(call("backtest", "-c", str(file), "--out", str(out)), 2, out)
    assert words == "unknown setting 'training.epoches'; did you mean 'training.epochs'?"


@pytest.mark.parametrize("key", ["data.start", "data.end"])
def test_a_date_can_be_set_without_quotes(call: Call, out: Path, key: str) -> None:
    # No bar of the sample comes that late, or that early: the date was understood.
    date = {"data.start": "2100-01-01", "data.end": "1999-01-01"}[key]
    said = call("backtest", "--source", "sample", "--set", f"{key}={date}", "--out", str(out))
    assert date in refused(said, 4, out)


@pytest.mark.parametrize(
    "dates",
    [["--start", "9999-01-01"], ["--start", "1500-01-01"], ["--end", "1500-01-01"]],
    ids=" ".join,
)
def test_a_date_beyond_any_market_is_refused_without_a_traceback(
    call: Call, out: Path, dates: list[str]
) -> None:
    arguments = ["--source", "sample", "--end", "2017-12-31", *dates, "--out", str(out)]
    said = call("backtest", *arguments)
    assert said.code in {2, 4}
    assert dates[1] in refused(said, said.code, out)


def test_a_missing_column_exits_with_4_and_is_named(call: Call, bars_csv: Write, out: Path) -> None:
    file = bars_csv(sample_market("BTC-USD").market.bars.iloc[:50].drop(columns="high"))
    words = refused(call("backtest", "--csv", str(file), "--out", str(out)), 4, out)
    assert "there is no high column" in words
    assert str(file) in words


def test_text_in_a_number_exits_with_4_and_names_the_line(
    call: Call, bars_csv: Write, out: Path
) -> None:
    bars = sample_market("BTC-USD").market.bars.iloc[:50].astype(object)
    bars.iloc[3, 3] = "n/a?"
    words = refused(call("backtest", "--csv", str(bars_csv(bars)), "--out", str(out)), 4, out)
    assert "line 5: column 'close' is 'n/a?', which is not a number" in words


def test_too_few_rows_exit_with_4_and_say_how_many_there_are_and_are_needed(
    call: Call, bars_csv: Write, out: Path
) -> None:
    said = call("backtest", "--csv", str(bars_csv(120)), "--out", str(out))
    words = refused(said, 4, out)
    assert words.startswith("bars: too few rows: 120 bars give 0 usable windows")
    needed = re.search(r"the first training needs 260\b.*; bring about (\d{3}) bars", words)
    assert needed is not None
    assert said.err.count("\n") == 1
    enough = ["--csv", str(bars_csv(int(needed[1]))), "--forecaster", "trend_only"]
    assert call("backtest", *enough, "--out", str(out)).code == 0


def test_an_empty_file_exits_with_4(call: Call, tmp_path: Path, out: Path) -> None:
    (tmp_path / "bars.csv").write_text("")
    said = call("backtest", "--csv", str(tmp_path / "bars.csv"), "--out", str(out))
    assert "the file is empty" in refused(said, 4, out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--end", "2015-01-01"], "at least 2 are needed"),
        (["--start", "2018-01-01"], "after the last bar"),
        (["--start", "2015-06-01"], "too few rows before data.start 2015-06-01"),
    ],
)
def test_dates_that_leave_nothing_exit_with_4(
    call: Call, bars_csv: Write, out: Path, arguments: list[str], words: str
) -> None:
    file = bars_csv(1000)
    said = call("backtest", "--csv", str(file), *arguments, "--out", str(out))
    assert words in refused(said, 4, out)


def test_an_unreachable_vendor_exits_with_3(tmp_path: Path, out: Path) -> None:
    arguments = ["backtest", "--source", "yahoo", "--out", str(out)]
    done = console(arguments, environment(tmp_path), timeout=120)
    words = refused(Said(done.returncode, done.stdout, done.stderr), 3, out)
    assert words.startswith("Yahoo cannot be reached")
    assert "--csv FILE or --source sample" in words


def test_a_file_in_the_way_of_the_runs_exits_with_7_before_anything_is_loaded(
    call: Call, bars_csv: Write, out: Path
) -> None:
    out.write_text("mine")
    said = call("backtest", "--csv", str(bars_csv(120)), "--out", str(out))
    words = refused(said, 7, out)
    assert words == f"cannot write runs to {out}: Not a directory; choose another with --out"
    assert out.read_text() == "mine"
    said = call("backtest", "--csv", str(bars_csv(120)), "--out", str(out / "deeper"))
    assert "Not a directory" in refused(said, 7, out)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_parameter_that_is_no_number_to_trade_with_exits_with_2(
    call: Call, bars_csv: Write, out: Path, value: str
) -> None:
    # Too few rows, so that a value that is let through ends in another refusal.
    said = call("backtest", "--csv", str(bars_csv(120)), "--out", str(out),
                "--set", f"strategy.params.gain={value}")  # fmt: skip
    assert "strategy.params.gain" in refused(said, 2, out)


def test_an_error_nobody_foresaw_keeps_its_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("cryptobt.jobs.backtest.backtest", broken)
    monkeypatch.setattr("sys.argv", ["cryptobt", "backtest", "--out", str(out)])
    from cryptobt.cli.main import main

    with pytest.raises(RuntimeError, match="a bug"):
        main()
