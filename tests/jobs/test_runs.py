"""Runs that were made: listed, shown, compared with each other, and made anew."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, DataUnavailableError, UsageError
from cryptobt.data.sample import sample_market
from cryptobt.jobs import reproduce_run as reproduce_run_module
from cryptobt.jobs.backtest import BacktestReport
from cryptobt.jobs.compare_runs import compare_runs
from cryptobt.jobs.events import Events
from cryptobt.jobs.reproduce_run import reproduce_run
from cryptobt.jobs.run_folder import kept_market, snapshots
from cryptobt.jobs.runs import list_runs, show_run
from cryptobt.jobs.trials import trial_ledger
from cryptobt.records.run_index import find_run
from cryptobt.records.trials import Trial

from .run_folders import made_run
from .tiny import NOW, RunFolder, run_in_process

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)


# Lists


def test_runs_are_listed_with_how_they_ended(tmp_path: Path) -> None:
    made_run(tmp_path, "aaaa0001", at="2025-02-01T00:00:00Z")
    made_run(
        tmp_path, "bbbb0002", at="2025-02-02T00:00:00Z", symbols=("ETH-USD", "BTC-USD"),
        strategy="sma_trend", trials={"floor": 1},
    )  # fmt: skip
    said: list[str] = []
    found = list_runs(tmp_path, None, None, said.append)
    assert [row["run_id"] for row in found.rows] == ["bbbb0002", "aaaa0001"]
    assert found.rows[1] == {
        "run_id": "aaaa0001",
        "created_at": "2025-02-01T00:00:00Z",
        "strategy": "momentum",
        "account": None,
        "symbols": ["BTC-USD"],
        "interval": "1d",
        "first": "2020-01-01T00:00:00Z",
        "last": "2020-04-09T00:00:00Z",
        "simulated": False,
        "sharpe": 1.25,
        "verdict": "none",
        "trials": 7,
        "folder": str(next(tmp_path.glob("*aaaa0001"))),
    }
    assert found.rows[0]["trials"] is None
    lines = found.text().splitlines()
    assert lines[0].split() == [
        "id", "made", "strategy", "symbols", "from", "to", "Sharpe", "verdict", "trials"
    ]  # fmt: skip
    assert lines[1].split()[-1] == "—"
    assert said == []


@pytest.mark.parametrize(
    ("strategy", "symbol", "ids"),
    [
        ("momentum", None, ["aaaa0001"]),
        (None, "BTC-USD", ["bbbb0002", "aaaa0001"]),
        (None, "ETH-USD", ["bbbb0002"]),
        ("momentum", "ETH-USD", []),
    ],
)
def test_a_list_is_of_a_strategy_and_of_a_symbol(
    tmp_path: Path, strategy: str | None, symbol: str | None, ids: list[str]
) -> None:
    made_run(tmp_path, "aaaa0001", at="2025-02-01T00:00:00Z")
    symbols = ("ETH-USD", "BTC-USD")
    made_run(tmp_path, "bbbb0002", strategy="sma_trend", symbols=symbols)
    found = list_runs(tmp_path, strategy, symbol, lambda _: None)
    assert [row["run_id"] for row in found.rows] == ids
    if not ids:
        assert "no such run in" in found.text()


def test_names_from_a_file_do_not_reach_the_terminal_as_commands(tmp_path: Path) -> None:
    folder = made_run(tmp_path, "aaaa0001")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["strategy"] = "a\x1b[31m\nred"
    (folder / "metrics.json").write_text(json.dumps(metrics))
    text = list_runs(tmp_path, None, None, lambda _: None).text()
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


# Comparisons


def test_runs_are_compared_over_the_dates_that_both_traded(tmp_path: Path) -> None:
    made_run(tmp_path, "aaaa0001", "2020-01-01", 100, seed=1)
    made_run(tmp_path, "bbbb0002", "2020-02-01", 100, seed=2, strategy="sma_trend")
    found = compare_runs("aaaa", "bbbb", tmp_path)
    # the first one ends with 2020-04-09: 29 + 31 + 9 days from the first of February on
    assert found.document["bars"] == 69
    assert found.document["first"] == "2020-02-01T00:00:00Z"
    assert found.document["last"] == "2020-04-09T00:00:00Z"
    equity = pd.read_csv(next(tmp_path.glob("*aaaa0001")) / "equity.csv")["equity_quote"]
    total = found.document["metrics"]["total_return"]
    assert total["a"]["value"] == pytest.approx(equity.iloc[-1] / equity.iloc[31] - 1)
    difference = total["a"]["value"] - total["b"]["value"]
    assert total["difference"]["value"] == pytest.approx(difference)
    assert total["difference"]["low"] < total["difference"]["high"]
    assert found.document["own"]["trades"] == {"a": 3, "b": 3}
    keys = [one["key"] for one in found.document["differs"]]
    assert keys == ["strategy.name", "bars of BTC-USD"]
    assert found.page == tmp_path / "compare-aaaa0001-bbbb0002.html"
    assert "momentum against sma_trend" in found.page.read_text(encoding="utf-8")
    assert str(found.page) in found.summary()


def test_a_run_is_compared_twice_with_the_same_result(tmp_path: Path) -> None:
    for run_id, seed in (("aaaa0001", 1), ("bbbb0002", 2)):
        made_run(tmp_path, run_id, seed=seed)
    first = compare_runs("aaaa", "bbbb", tmp_path)
    page = first.page.read_bytes()
    assert compare_runs("aaaa", "bbbb", tmp_path).document == first.document
    assert first.page.read_bytes() == page


def test_bars_of_different_length_are_compared_where_both_close(tmp_path: Path) -> None:
    # hours of three days from the first of January: closes at 24:00 are the 24th, 48th, 72nd
    hours = 100.0 + np.arange(72)
    made_run(tmp_path, "aaaa0001", "2020-01-01", 72, "1h", equity=hours)
    made_run(tmp_path, "bbbb0002", "2020-01-01", 9, "1d", equity=np.full(9, 50.0))
    found = compare_runs("aaaa", "bbbb", tmp_path).document
    assert (found["bars"], found["interval"]) == (3, "1d")
    assert (found["first"], found["last"]) == ("2020-01-01T00:00:00Z", "2020-01-03T00:00:00Z")
    assert found["metrics"]["total_return"]["a"]["value"] == pytest.approx(171 / 123 - 1)


def test_runs_without_common_dates_are_refused_with_their_dates(tmp_path: Path) -> None:
    made_run(tmp_path, "aaaa0001", "2020-01-01", 100)
    made_run(tmp_path, "bbbb0002", "2021-01-01", 100)
    with pytest.raises(DataInvalidError, match="share 0 closes of 3 that are needed") as caught:
        compare_runs("aaaa", "bbbb", tmp_path)
    assert "2020-01-02 to 2020-04-10, the other from 2021-01-02 to" in str(caught.value)
    assert not list(tmp_path.glob("*.html"))


def test_an_account_that_was_lost_is_compared_without_numbers_that_do_not_exist(
    tmp_path: Path,
) -> None:
    made_run(tmp_path, "aaaa0001", equity=np.append(np.full(60, 100.0), np.zeros(40)))
    made_run(tmp_path, "bbbb0002", seed=2)
    found = compare_runs("aaaa", "bbbb", tmp_path)
    sharpe = found.document["metrics"]["sharpe"]
    assert sharpe["difference"]["value"] is None
    assert "no difference, the account was lost" in found.summary()
    assert "an account was lost in full" in found.page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,equity_quote\n", "no account with a number at every time"),
        ("time,equity_quote\n2020-01-01T00:00:00Z,\n", "no account with a number"),
        ("time,equity_quote\nyesterday,1.0\n", "is damaged"),
        ("time,equity_quote\n2020-01-01T00:00:00Z,much\n", "is damaged"),
        ("when,how\n1,2\n", "is damaged"),
        (None, "cannot be read"),
    ],
)
def test_a_damaged_account_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    folder = made_run(tmp_path, "aaaa0001")
    made_run(tmp_path, "bbbb0002")
    (folder / "equity.csv").unlink()
    if text is not None:
        (folder / "equity.csv").write_text(text)
    with pytest.raises(DataInvalidError, match=words) as caught:
        compare_runs("aaaa", "bbbb", tmp_path)
    assert str(folder / "equity.csv") in str(caught.value)


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    folder = made_run(tmp_path, "aaaa0001")
    with pytest.raises(UsageError, match="are the same run"):
        compare_runs("aaaa", str(folder), tmp_path)


# Repetitions


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def made(home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A rule on bars with a gap and a row taken out, and a series beside them; one trial later."""
    folder = tmp_path_factory.mktemp("data")
    bars = sample_market("BTC-USD").market.bars.iloc[:90].reset_index()
    bars = bars.drop(index=40).astype({"high": object})
    bars.loc[50, "high"] = -1.0
    bars.to_csv(folder / "bars.csv", index=False)
    news = pd.DataFrame({"time": bars["time"], "available_at": bars["time"], "tone": 1.0})
    news.to_csv(folder / "news.csv", index=False)
    settings = {
        "data": {
            "csv": [f"BTC-USD={folder / 'bars.csv'}"],
            "extras": [f"news={folder / 'news.csv'}"],
            "on_bad_row": "quarantine",
        },
        "strategy": {"name": "momentum"},
        "metrics": {"bootstrap_draws": 100},
        "trials": {"floor": 1},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(home))
        run = run_in_process({**settings, "run": {"out": str(folder / "runs")}})
        days = pd.date_range("2015-01-01", periods=90, tz="UTC")
        daily = pd.Series(np.full(90, 0.01), days)
        later = Trial("another", "momentum", days[0], days[-1], 90, None, daily, NOW)
        trial_ledger().record(later, ["BTC-USD"], "1d")
    (folder / "bars.csv").unlink()
    return run


@pytest.fixture
def copied(
    made: RunFolder, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Copy the run into a folder of runs, its ``run.json`` changed."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(home))

    def copy(**changed: Any) -> Path:
        folder = tmp_path / "runs" / made.path.name
        shutil.copytree(made.path, folder)
        (folder / "run.json").write_text(json.dumps(made.manifest | changed))
        return folder

    return copy


def again(folder: Path) -> Any:
    return reproduce_run(folder.name, folder.parent, QUIET)


def test_the_bars_of_a_run_are_kept_with_all_that_was_said_of_them(
    copied: Callable[..., Path],
) -> None:
    run = find_run("2", copied().parent)
    market = kept_market(run.manifest, 0)
    assert (len(market.bars), market.quality.gaps) == (88, 2)
    assert market.hash == run.manifest["data"][0]["hash"]
    assert market.bars.index.name == "time"
    assert [row["time"] for row in market.quality.quarantined] == ["2015-02-20T00:00:00Z"]
    assert any("quarantined" in line for line in market.quality.warnings)


def test_a_run_is_made_anew_byte_for_byte_without_its_file_and_without_being_counted(
    copied: Callable[..., Path],
) -> None:
    folder = copied()
    assert trial_ledger().tried(["BTC-USD"], "1d").n == 2
    found = again(folder)
    assert (found.changed, found.differing, found.files) == ([], [], 8)
    assert found.text() == f"byte-identical: 8 files of {folder}"
    assert trial_ledger().tried(["BTC-USD"], "1d").n == 2
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_differs_is_named_by_file_and_place_after_what_is_not_as_it_was(
    copied: Callable[..., Path], made: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(
        libraries=made.manifest["libraries"] | {"numpy": "0.1"},
        strategy={"name": "momentum", "file_hash": "another"},
    )
    metrics = dict(made.metrics)
    metrics["bars"] = 7
    (folder / "metrics.json").write_text(json.dumps(metrics))
    fills = (folder / "fills.csv").read_text().splitlines()
    (folder / "fills.csv").write_text("\n".join(["fill_no" + fills[0][7:], *fills[1:]]) + "\n")
    (folder / "trades.csv").unlink()
    monkeypatch.setattr(
        reproduce_run_module, "backtest", lambda *_, **__: BacktestReport(made.path, made.metrics)
    )
    found = again(folder)
    assert found.changed == [
        "the file of strategy momentum is another than then",
        f"numpy is {np.__version__}, and was 0.1",
    ]
    assert found.differing == [
        "fills.csv: line 1: 'fill_no,order_id,time,symbol,side,quantity_base,price_quote,' then, "
        "'fill_id,order_id,time,symbol,side,quantity_base,price_quote,' now",
        "metrics.json: bars: 7 then, 88 now",
        "trades.csv: only now",
    ]
    assert found.text().splitlines()[-1] == f"3 of 8 files of {folder} differ"


def test_bars_that_are_not_kept_any_more_are_missing(
    copied: Callable[..., Path], made: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = copied()
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(DataUnavailableError, match=r"the bars of BTC-USD .* are not in") as caught:
        again(folder)
    assert str(snapshots().root) in str(caught.value)


def test_another_series_beside_the_bars_is_refused(
    copied: Callable[..., Path], made: RunFolder
) -> None:
    other = [{**one, "hash": "another"} for one in made.manifest["extras"]]
    with pytest.raises(DataUnavailableError, match="the series 'news' beside the bars is not what"):
        again(copied(extras=other))


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"trials": {"n": None, "floor": 1}}, DataInvalidError, "its run.json has no 'counted'"),
        ({"account": "mine"}, UsageError, "`cryptobt paper replay mine` makes it anew"),
        ({"settings": {"data": {"sauce": 1}}}, UsageError, "unknown setting 'data.sauce'"),
    ],
)
def test_a_run_that_cannot_be_repeated_says_why(
    copied: Callable[..., Path], changed: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        again(copied(**changed))


def test_a_run_is_shown_as_it_ended(copied: Callable[..., Path], made: RunFolder) -> None:
    folder = copied()
    text = show_run(made.manifest["run_id"], folder.parent)
    assert any(line.startswith("momentum on BTC-USD") for line in text.splitlines())
    assert f"Run folder  {folder}" in text
