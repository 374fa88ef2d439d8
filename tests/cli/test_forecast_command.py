"""``cryptobt forecast`` from its arguments to what stands on the terminal."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.data.sample import sample_market
from tests.forecasters.small import in_process
from tests.jobs.tiny import assignments, tiny

from .conftest import Call

ARGUMENTS = ["forecast", *assignments(tiny())]
Write = Callable[[pd.DataFrame | int], Path]


@pytest.fixture(autouse=True)
def _fits_here() -> Iterator[None]:
    with in_process():
        yield


def test_a_forecast_is_a_few_lines(call: Call) -> None:
    said = call(*ARGUMENTS, "--forecaster", "linear")
    lines = said.out.splitlines()
    assert said.code == 0
    assert lines[0] == "attn_signal on BTC-USD, 1d, forecast by linear"
    assert lines[1] == "SIMULATED MARKET: not real prices"
    assert lines[3].startswith("BTC-USD  close ")
    assert "model" in lines[3]
    assert "days old" in lines[3]
    assert lines[5].split()[:6] == ["next", "day", "2018-01-02", "00:00", "UTC", "linear"]
    assert "trend_only" in lines[6]
    assert lines[7].startswith("  weight ")
    assert len(lines) < 15
    assert max(map(len, lines)) <= 125
    warned = [line for line in said.err.splitlines() if line.startswith("warning: OLD DATA")]
    assert len(warned) == 1
    assert list(Path.cwd().iterdir()) == []


def test_json_prints_one_document_and_nothing_else(call: Call) -> None:
    said = call(*ARGUMENTS, "--forecaster", "trend_only", "--json")
    document = json.loads(said.out)
    assert said.code == 0
    assert document["simulated"] is True
    assert [symbol["symbol"] for symbol in document["symbols"]] == ["BTC-USD"]


def test_a_file_of_the_user_s_is_forecast_with_its_age_as_a_warning(
    call: Call, bars_csv: Write
) -> None:
    bars = sample_market("BTC-USD").market.bars[:"2017-12-31"]
    said = call("forecast", "--csv", f"BTC-USD={bars_csv(bars)}", "--forecaster", "trend_only")
    assert said.code == 0
    assert "SIMULATED" not in said.out
    assert "warning: OLD DATA: the last bar closed at 2018-01-01T00:00:00Z" in said.err


def test_a_user_s_strategy_may_print_and_is_asked(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import backtrader as bt\n\n\nclass Mine(bt.Strategy):\n    def next(self):\n"
        "        print('chatter')\n        if not self.position:\n            self.buy(size=0.1)\n"
    )
    said = call("forecast", "--strategy", f"{file}:Mine", *assignments(tiny()), "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert document["symbols"][0]["quantity_base"] == pytest.approx(0.1)
    assert document["symbols"][0]["target_weight"] is None
    assert document["symbols"][0]["forecasts"][0]["forecaster"] == "trend_only"
    assert "chatter" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--csv", "nowhere.csv"], 2, "nowhere.csv: there is no such file"),
        (["--forecaster", "liner"], 2, "unknown forecaster 'liner'; did you mean 'linear'?"),
        (["--strategy", "momentun"], 2, "unknown strategy 'momentun'; did you mean 'momentum'?"),
        (["--symbol", "XRP-EUR", "--source", "sample"], 2, "the sample market has no 'XRP-EUR'"),
        (["--set", "data.end=2016-02-01"], 4, "BTC-USD: too few rows: 397 bars give 0 usable"),
        (["--start", "2017-01-01"], 2, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_its_code(
    call: Call, arguments: list[str], code: int, words: str
) -> None:
    if "--source" not in arguments and "--csv" not in arguments:
        arguments = ["--source", "sample", *arguments]
    said = call("forecast", *arguments)
    told = [line for line in said.err.splitlines() if not line.startswith("warning: ")]
    assert (said.code, said.out, len(told)) == (code, "", 1)
    assert words in told[0]


def test_an_unreachable_vendor_exits_with_3(call: Call) -> None:
    said = call("forecast", "--source", "yahoo", "--symbol", "NOPE-USD")
    told = [line for line in said.err.splitlines() if line.startswith("cryptobt: ")]
    assert (said.code, said.out, len(told)) == (3, "", 1)


def test_a_folder_that_cannot_be_written_exits_with_7(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "file"))
    said = call(*ARGUMENTS, "--forecaster", "trend_only")
    assert said.code == 7
    assert said.err.splitlines()[-1].startswith("cryptobt: cannot use the folder")
