"""The page of a paper account says what its ledger says, however short or odd the record is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import BARS
from cryptobt.core.errors import DataUnavailableError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.jobs.events import Events
from cryptobt.paper import night, quotes
from cryptobt.paper import report as report_module
from cryptobt.paper.accounts import standing_of
from cryptobt.paper.clock import Clock, stopped_clock
from cryptobt.paper.init import init_account
from cryptobt.paper.report import report_account
from tests.jobs.tiny import RunFolder, tiny

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
FIRST = pd.Timestamp("2021-11-01T00:30Z")
NIGHTS = 40
NOW = pd.Timestamp("2022-06-01T00:00Z")


def market(days: int = 400, seed: int = 5) -> pd.DataFrame:
    """A market that rises and falls enough for a moving average to trade."""
    rng = np.random.default_rng(seed)
    swing = 0.02 * np.sin(np.arange(days) / 9)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.02, days) + swing))
    opened = np.append(1000, close[:-1])
    times = pd.date_range(end=FIRST.floor("D") + pd.Timedelta(days=80), periods=days, name="time")
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    return pd.DataFrame(dict(zip(BARS, (opened, high, low, close, close), strict=True)), times)


@dataclass(frozen=True)
class Paper:
    """A folder with a market that grows by a row a day, and the accounts that live on it."""

    folder: Path
    bars: pd.DataFrame

    def open(
        self, name: str, strategy: str, params: dict[str, int] | None = None, **sections: object
    ) -> None:
        self.grow(FIRST)
        own = {
            "data": {"csv": [f"COIN={self.folder / 'coin.csv'}"]},
            "strategy": {"name": strategy, "params": params or {}},
            "metrics": {"bootstrap_draws": 100},
            "paper": {"wait_minutes": 0},
        }
        init_account(Settings.model_validate({**sections, **own}), name, FIRST, QUIET)

    def grow(self, now: pd.Timestamp) -> None:
        """Write the bars that are over."""
        over = self.bars[self.bars.index < now.floor("D")]
        over.to_csv(self.folder / "coin.csv", date_format="%Y-%m-%d")

    def night(self, name: str, now: pd.Timestamp, *, simulated: bool = False) -> None:
        self.grow(now)
        clock = stopped_clock(now) if simulated else Clock(lambda: now)
        night.run_night(name, clock, QUIET)

    def report(self, name: str, now: pd.Timestamp = NOW) -> RunFolder:
        return RunFolder(report_account(name, self.folder / "runs", now, QUIET))


def nights(first: int, last: int) -> Sequence[pd.Timestamp]:
    return [FIRST + pd.Timedelta(days=number) for number in range(first, last)]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    folder = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        yield Paper(folder, market())


@pytest.fixture(scope="module")
def lived(paper: Paper) -> Paper:
    """Forty nights: two late, three missed, four simulated, quotes in the first ten."""

    def quote(_: str, now: pd.Timestamp) -> tuple[float, pd.Timestamp]:
        if now > FIRST + pd.Timedelta(days=10):
            raise DataUnavailableError("no quote any more")
        return float(paper.bars["open"].loc[now.floor("D")]) / 1.001, now

    paper.open("lived", "sma_trend", {"window": 5})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotes, "find_quotes", lambda _: quote)
        for number, now in enumerate(nights(0, NIGHTS)):
            if number in (20, 21):
                paper.night("lived", now + pd.Timedelta(hours=9))
            elif number not in (25, 26, 27):
                if number == 30:
                    paper.bars.iloc[-150, 3] *= 1.0001
                paper.night("lived", now, simulated=number >= 36)
    return paper


@pytest.fixture(scope="module")
def report(lived: Paper) -> RunFolder:
    return lived.report("lived")


@pytest.fixture(scope="module")
def page(report: RunFolder) -> str:
    return report.files["tearsheet.html"].decode()


def test_the_folder_has_the_files_of_a_backtest(report: RunFolder) -> None:
    assert set(report.files) == {
        "run.json", "metrics.json", "forecasts.csv", "equity.csv", "weights.csv", "orders.csv",
        "fills.csv", "trades.csv", "tearsheet.html",
    }  # fmt: skip
    assert report.manifest["account"] == "lived"
    assert "-paper-lived-" in report.path.name


def test_the_account_is_that_of_the_ledger_with_its_late_fills(
    lived: Paper, report: RunFolder
) -> None:
    equity = report.table("equity.csv")["equity_quote"].astype(float).to_numpy()
    result = standing_of("lived", NOW).replay.result
    assert np.array_equal(equity, result.equity["equity_quote"].to_numpy())
    assert len(equity) == NIGHTS
    assert len(report.table("fills.csv")) > 2
    assert report.metrics["rows"]["buy_and_hold"]["performance"]["trades"] == 1
    assert report.metrics["decisions"] == NIGHTS


def test_equal_ledgers_give_equal_bytes_whenever_they_are_reported(
    lived: Paper, report: RunFolder
) -> None:
    later = lived.report("lived", NOW + pd.Timedelta(days=400))
    assert later.repeatable() == report.repeatable()


def test_nights_are_counted_by_what_became_of_them(report: RunFolder) -> None:
    live = report.metrics["live"]
    kept = {key: live[key] for key in ("nights", "on_time", "late", "missed", "simulated")}
    # the night that caught three others up was on time itself
    assert kept == {"nights": 40, "on_time": 35, "late": 5, "missed": 3, "simulated": 4}
    assert (live["first"][:10], live["last"][:10]) == ("2021-10-31", "2021-12-09")
    assert live["rewritten"] == 1


def test_late_missed_and_simulated_nights_stand_in_the_table(page: str) -> None:
    row = "<tr><td>2021-11-20 to 2021-11-21</td><td>2</td>"
    assert f"{row}<td>2021-11-21 09:30 to 2021-11-22 09:30</td><td>9.5 h</td><td>late</td>" in page
    assert "<td>24.5 h to 72.5 h</td><td>missed, caught up late</td>" in page
    assert (
        "<td>2021-12-06 to 2021-12-09</td><td>4</td>"
        "<td>2021-12-07 00:30 to 2021-12-10 00:30</td><td>0.5 h</td>"
        "<td>simulated: decided in hindsight by --as-of</td>"
    ) in page


def test_simulated_nights_cannot_be_missed(page: str) -> None:
    banner = page.index('<div class="simulated" role="alert">SIMULATED NIGHTS — 4 of 40 nights')
    assert banner < page.index("<h1>")
    assert "decided in hindsight by --as-of. That is no live record." in page


def test_late_decisions_are_marked_on_both_figures(page: str) -> None:
    # in the key of the live figure, and in the caption of the one with all accounts
    assert page.count("late decision</li>") == 1
    assert page.count("simulated nights</li>") == 1
    assert (
        "Triangles: late decisions"
        in page[page.index("All accounts: growth") :].split("</figure>")[0]
    )
    assert "5 decisions were late" in page


def test_shortfall_is_told_for_the_fills_that_have_a_quote(report: RunFolder, page: str) -> None:
    told = report.metrics["live"]["shortfall_bps"]
    fills = report.table("fills.csv")
    assert told["of"] == len(fills)
    assert 0 < told["quoted"] < told["of"]
    first = fills.iloc[0]
    assert first["side"] == "buy"
    price, opened = float(first["price_quote"]), float(first["open_quote"])
    assert f"<td>{1e4 * (price / (opened / 1.001) - 1):+.1f}</td>" in page


def test_the_backtest_before_ends_where_the_record_begins(report: RunFolder, page: str) -> None:
    before = report.metrics["live"]["before"]
    assert before["last"] == report.metrics["live"]["first"]
    assert "live from here" in page
    assert before["performance"]["sharpe"]["low"] < before["performance"]["sharpe"]["high"]
    assert before["stretches"]["volatility"]["low"] is not None
    assert "contradict the backtest" in page or "Unlike the backtest" in page


def test_the_page_says_how_to_make_it_again_and_shows_no_path(lived: Paper, page: str) -> None:
    assert "<code>cryptobt paper report lived</code>" in page
    assert str(lived.folder) not in page


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_short_record_has_a_page_that_says_so(paper: Paper, length: int) -> None:
    name = f"short{length}"
    paper.open(name, "momentum")
    for now in nights(0, length):
        paper.night(name, now)
    short = paper.report(name)
    page = short.files["tearsheet.html"].decode()
    said = "1 night" if length == 1 else f"{length} nights"
    assert f"The record is {said} long: it cannot be held against a backtest yet" in page
    assert short.metrics["live"]["nights"] == length
    assert "Late and simulated nights: none, every decision was made on time." in page
    assert "SIMULATED NIGHTS" not in page


def test_an_account_without_a_night_is_told_to_have_one(paper: Paper) -> None:
    paper.open("none", "momentum")
    with pytest.raises(UsageError, match="has not had a night yet"):
        paper.report("none")


@pytest.fixture(scope="module")
def net(paper: Paper) -> Paper:
    """Two nights of a tiny network."""
    (paper.folder / "net").mkdir()
    own = Paper(paper.folder / "net", market(1200))
    own.open("net", "attn_signal", **{k: v for k, v in tiny().items() if k != "data"})
    for now in nights(0, 2):
        own.night("net", now)
    return own


def test_a_network_s_record_shows_its_recorded_forecasts(net: Paper) -> None:
    run = net.report("net")
    page = run.files["tearsheet.html"].decode()
    forecasts = run.table("forecasts.csv")
    assert set(forecasts["forecaster"]) == {"dual_attention", "dual_attention_net", "trend_only"}
    assert sorted(set(forecasts["time"])) == ["2021-10-31T00:00:00Z", "2021-11-01T00:00:00Z"]
    recorded = standing_of("net", NOW).replay.forecasts.frame["score"]
    assert np.array_equal(forecasts["score"].astype(float), recorded)
    assert run.metrics["rows"]["network_only"]["performance"]["max_drawdown"]["value"] is not None
    assert "a ledger keeps forecasts, and nothing of what made them" in page
    assert run.metrics["live"]["before"]["reason"] == ""


def test_without_the_series_of_its_forecasts_there_is_a_page_without_the_backtest(
    net: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DataUnavailableError("/home/me/series.csv is not there")

    monkeypatch.setattr(report_module, "load_extras", fail)
    warned: list[str] = []
    events = Events(warned.append, lambda _: None, lambda _: None)
    run = RunFolder(report_account("net", net.folder / "runs", NOW, events))
    page = run.files["tearsheet.html"].decode()
    assert "There is none: the series beside the bars cannot be loaded." in page
    assert "/home/me" not in page
    assert any("/home/me/series.csv is not there" in line for line in warned)
