"""``cryptobt paper`` as a user calls it, on a file that grows by a row a day."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.data.sample import sample_market

from .conftest import Call

BARS = sample_market("BTC-USD").market.bars


def listed(call: Call) -> list[dict[str, Any]]:
    accounts: list[dict[str, Any]] = json.loads(call("paper", "list", "--json").out)
    return accounts


class Growing:
    """A file of bars up to one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def until(self, day: str) -> None:
        BARS.loc["2023":day].to_csv(self.path)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Growing:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))
    growing = Growing(tmp_path / "grows.csv")
    growing.until("2024-03-01")
    return growing


def init(call: Call, file: Growing, *more: str) -> None:
    csv = ["--csv", f"BTC-USD={file.path}", "--set", "paper.wait_minutes=0"]
    said = call("paper", "init", "one", "--strategy", "sma_trend", "--cash", "5000", *csv, *more)
    assert said.code == 0, said.err
    assert said.out == (
        "account 'one' is open: sma_trend on BTC-USD, 5,000.00 quote\n"
        "its first night: cryptobt paper run one\n"
    )


def test_an_account_from_its_first_night_to_its_export(
    call: Call, file: Growing, tmp_path: Path
) -> None:
    init(call, file)
    assert call("paper", "status", "one").code == 2
    first = call("paper", "run", "one", "--as-of", "2024-03-02T00:20")
    assert first.code == 0
    assert first.out.splitlines()[:3] == [
        "one: sma_trend on BTC-USD, night of 2024-03-01",
        "decided 2024-03-02T00:20:00Z, on time; night 1",
        "SIMULATED NIGHT: decided in hindsight, by --as-of",
    ]
    file.until("2024-03-02")
    dry = call("paper", "run", "one", "--as-of", "2024-03-03T00:20", "--dry-run")
    assert dry.out.startswith("DRY RUN: nothing was recorded\n")
    second = json.loads(call("paper", "run", "one", "--as-of", "2024-03-03T00:20", "--json").out)
    assert second["decided"] == ["2024-03-02T00:00:00Z"]
    assert (second["nights"], second["late"]) == (2, False)
    again = call("paper", "run", "one", "--as-of", "2024-03-03T00:40")
    assert again.out.startswith("nothing is due; the newest night:\none: sma_trend")
    assert (
        json.loads(call("paper", "status", "one", "--json").out)["equity_quote"]
        == (second["equity_quote"])
    )
    (one,) = listed(call)
    assert (one["account"], one["nights"]) == ("one", 2)
    assert "one  sma_trend on BTC-USD: 2 night(s)" in call("paper", "list").out
    replayed = call("paper", "replay", "one", "--deep")
    assert replayed.out.startswith("account 'one': 2 night(s) replay to what was recorded")
    exported = call("paper", "export", "one", "--out", str(tmp_path / "out"))
    assert exported.code == 0
    assert len(pd.read_csv(tmp_path / "out" / "equity.csv")) == 2
    assert len(pd.read_csv(tmp_path / "out" / "bars.csv")) == len(BARS.loc["2023":"2024-03-02"])


def test_a_missing_bar_is_exit_code_3_after_the_digest_of_what_was_caught_up(
    call: Call, file: Growing
) -> None:
    init(call, file)
    assert call("paper", "run", "one", "--as-of", "2024-03-02T00:20").code == 0
    nothing = call("paper", "run", "one", "--as-of", "2024-03-03T00:20")
    assert (nothing.code, nothing.out) == (3, "")
    assert "no complete bar of BTC-USD after 2024-03-01T00:00:00Z" in nothing.err
    file.until("2024-03-02")
    late = call("paper", "run", "one", "--as-of", "2024-03-04T00:20")
    assert late.code == 3
    assert "decided 2024-03-04T00:20:00Z, late" in late.out
    assert "no complete bar of BTC-USD after 2024-03-02T00:00:00Z" in late.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("paper", "run", "on"), "there is no paper account 'on'; did you mean 'one'?"),
        (("paper", "init", "one", "--symbol", "X"), "there is an account 'one' already"),
        (("paper", "init", "../x", "--symbol", "X"), "'../x' cannot be an account's name"),
        (("paper", "init", "two"), "say which symbols to trade, such as --symbol BTC-USD"),
        (("paper", "run", "one", "--as-of", "soon"), "--as-of: 'soon' is not a date"),
        (("paper", "init", "two", "--set", "data.start=2020-01-01"), "begins with its first night"),
        (("paper", "init", "two", "--set", "data.interval=1h"), "trade daily bars"),
        (("paper", "run", "one", "--as-of", "2199-01-01"), "--as-of 2199-01-01T00:00:00Z is after"),
        (("paper", "init", "two", "--symbol", "X", "--set", "paper.quote_source=yahooo"),
         "unknown source 'yahooo'; did you mean 'yahoo'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[1:3]),
)  # fmt: skip
def test_a_user_s_mistake_is_one_line_and_exit_code_2(
    call: Call, file: Growing, arguments: tuple[str, ...], said: str
) -> None:
    init(call, file)
    found = call(*arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1
    assert [account["account"] for account in listed(call)] == ["one"]


def test_bars_that_no_account_can_trade_are_exit_code_4_and_open_none(
    call: Call, tmp_path: Path, file: Growing
) -> None:
    hourly = tmp_path / "hourly.csv"
    BARS.loc["2023":"2024"].resample("h").ffill().to_csv(hourly)  # type: ignore[misc]
    found = call("paper", "init", "two", "--strategy", "sma_trend", "--csv", f"BTC-USD={hourly}")
    assert found.code == 4
    assert "open the account with --set data.resample=1d" in found.err
    assert listed(call) == []


def test_a_changed_strategy_is_named_and_nothing_is_written(
    call: Call, file: Growing, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text("import backtrader as bt\n\nclass Own(bt.Strategy):\n    pass\n")
    csv = ["--csv", f"BTC-USD={file.path}"]
    assert call("paper", "init", "mine", "--strategy", f"{own}:Own", *csv).code == 0
    assert call("paper", "run", "mine", "--as-of", "2024-03-02T00:20").code == 0
    own.write_text(own.read_text().replace("pass", "x = 1"))
    file.until("2024-03-02")
    changed = call("paper", "run", "mine", "--as-of", "2024-03-03T00:20")
    assert changed.code == 5
    assert "account 'mine': the strategy changed since it was opened" in changed.err


def test_a_strategy_with_a_clock_in_it_is_refused(
    call: Call, file: Growing, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "import random\nimport backtrader as bt\n\n"
        "class Own(bt.Strategy):\n    def next(self):\n"
        "        self.order_target_percent(target=random.random())\n"
    )
    found = call("paper", "init", "dice", "--strategy", f"{own}:Own", "--csv", f"X={file.path}")
    assert found.code == 2
    assert "gave other orders when it was run again over the same bars" in found.err
    assert call("paper", "list").out.startswith("there is no account yet")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_digest_that_cannot_be_printed_says_that_the_night_is_recorded(
    call: Call, file: Growing
) -> None:
    init(call, file)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [Path(sys.executable).parent / "cryptobt", "paper", "run", "one", "--as-of",
             "2024-03-02T00:20"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 7
    assert done.stderr.endswith("No space left on device; the night is recorded\n")
    assert done.stderr.count("\n") == 1
    assert call("paper", "status", "one").code == 0
