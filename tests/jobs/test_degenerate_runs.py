"""Runs in which nothing can be measured, or losses alone, still end with reasons and a page."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.jobs.tiny import RunFolder, run_in_process

NEVER = "import backtrader as bt\n\n\nclass Never(bt.Strategy):\n    pass\n"


def file_of(path: Path, daily: float) -> str:
    """Bars whose close changes by the same share every day."""
    days = pd.date_range("2015-01-01", periods=900, tz="UTC", name="time")
    close = pd.Series(1000.0 * (1 + daily) ** pd.RangeIndex(900).to_numpy(float), index=days)
    opened = close.shift(fill_value=1000.0)
    bars = pd.DataFrame({"open": opened, "high": opened.combine(close, max),
                         "low": opened.combine(close, min), "close": close,
                         "volume": 10.0})  # fmt: skip
    bars.to_csv(path, date_format="%Y-%m-%d")
    return str(path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))

    def go(strategy: str, forecaster: str | None = None, **data: Any) -> RunFolder:
        return run_in_process(
            {
                "data": data,
                "strategy": {"name": strategy},
                "forecaster": {"name": forecaster},
                "metrics": {"bootstrap_draws": 100},
                "run": {"out": str(tmp_path / "runs")},
            }
        )

    return go


def reason(run: RunFolder, group: str, name: str) -> str:
    metric = run.metrics["rows"]["strategy"][group][name]
    assert metric["value"] is None
    return str(metric["reason"])


def page(run: RunFolder) -> str:
    return run.files["tearsheet.html"].decode()


def test_a_run_of_one_bar_has_reasons_instead_of_numbers(run: Any) -> None:
    one = run("momentum", source="sample", start="2024-12-31")
    assert one.metrics["decisions"] == 1
    assert reason(one, "performance", "cagr") == "fewer than two bars"
    assert reason(one, "direction", "accuracy") == "no call was made"
    assert "No trade was made" in page(one)


def test_a_strategy_that_never_trades_has_no_sharpe_ratio(run: Any, tmp_path: Path) -> None:
    (tmp_path / "never.py").write_text(NEVER)
    never = run(f"{tmp_path / 'never.py'}:Never", source="sample", start="2023-01-01")
    assert reason(never, "performance", "sharpe") == "returns do not vary"
    assert reason(never, "direction", "accuracy") == "it calls no direction"
    assert never.metrics["rows"]["strategy"]["performance"]["trades"] == 0
    assert "No trade was made" in page(never)


@pytest.mark.slow
def test_a_market_that_only_falls_has_no_precision_and_is_drawn(run: Any, tmp_path: Path) -> None:
    falling = run("buy_and_hold", csv=(file_of(tmp_path / "fall.csv", -0.005),))
    strategy = falling.metrics["rows"]["strategy"]
    assert strategy["performance"]["total_return"]["value"] < -0.4
    assert falling.metrics["rows"]["always_up"]["direction"]["precision"]["value"] == 0.0
    always = falling.metrics["rows"]["always_up"]["direction"]
    assert always["recall"]["reason"] == "no bar went up"
    assert "All accounts" in page(falling)


def test_a_market_that_never_moves_gives_one_forecast_and_a_page(run: Any, tmp_path: Path) -> None:
    still = run("attn_signal", "trend_only", csv=(file_of(tmp_path / "still.csv", 0.0),))
    assert reason(still, "direction", "mcc") in {"no call was made", "every bar went the same way"}
    assert still.metrics["forecast"]["skill"]["value"] is None
    assert page(still).endswith("</html>\n")
