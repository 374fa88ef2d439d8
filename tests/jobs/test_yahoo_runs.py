"""A whole run on bars that the real Yahoo client fetched from our own Yahoo."""

from pathlib import Path

import pandas as pd

from cryptobt.core.settings import load_settings
from cryptobt.core.time import epoch_ns
from cryptobt.data.sample import sample_market
from cryptobt.jobs.backtest import Events, backtest

from ..fake_yahoo import FakeYahoo, chart

NOW = pd.Timestamp("2016-12-31T08:00:00Z")


def rows_until_today() -> list[tuple[int, list[float | None]]]:
    """Sample prices as Yahoo would give them: with the bar of today still forming."""
    bars = sample_market("ETH-USD").market.bars[:"2016-12-31"]
    seconds = epoch_ns(pd.DatetimeIndex(bars.index)) // 10**9
    return [
        (int(at), [float(value) for value in row])
        for at, row in zip(seconds, bars.to_numpy(), strict=True)
    ]


def test_a_run_on_yahoo_ends_with_yesterday_and_is_not_called_simulated(
    server: FakeYahoo, tmp_path: Path
) -> None:
    server.body = chart("ETH-USD", rows_until_today())
    told: list[str] = []
    settings = load_settings(
        None,
        [],
        {"strategy.name": "momentum", "data.symbols": ("ETH-USD",), "run.out": str(tmp_path / "r")},
    )
    events = Events(told.append, lambda _: None, lambda _: None)
    report = backtest(settings, NOW, events)
    assert report.metrics["last"] == "2016-12-30T00:00:00Z"
    assert report.metrics["simulated"] is False
    assert [line for line in told if "trend_only" not in line] == []
    assert "SIMULATED" not in report.tearsheet.read_text(encoding="utf-8")
