"""What is forecast next is what a backtest over the same bars ends with, bit for bit."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, DataUnavailableError
from cryptobt.core.settings import Settings
from cryptobt.core.time import iso
from cryptobt.data.sample import sample_market
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.jobs import backtest, run_files
from cryptobt.jobs.events import Events
from cryptobt.jobs.next_forecast import NextForecast, next_forecast

from ..fake_yahoo import FakeYahoo, chart
from ..forecasters.small import in_process
from .tiny import NOW, RunFolder, run_in_process, tiny

DOCUMENT = Path(__file__).parents[2] / "docs" / "contract.md"
DAY_OF_AN_ORDER = "2017-01-21"
PAIR = {"symbols": ["BTC-USD", "ETH-USD"]}
MADE = (
    "horizon_bars", "target_at", "score", "mean", "p_up", "q05", "q50", "q95", "model_id",
    "trained_until",
)  # fmt: skip


def ask(
    sections: dict[str, Any], now: pd.Timestamp = NOW, said: list[str] | None = None
) -> NextForecast:
    warn: Callable[[str], None] = (said if said is not None else []).append
    events = Events(warn, lambda _: None, lambda _: None)
    with in_process():
        return next_forecast(Settings.model_validate(sections), now, events)


class _NoPage:
    """In place of the process that draws quantstats' page, which nobody here looks at."""

    def __enter__(self) -> "_NoPage":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""

    def begin(self, *_: object) -> None:
        """Draw nothing."""

    def section(self) -> str:
        return ""


def backtested(sections: dict[str, Any], out: Path) -> RunFolder:
    """Run a backtest without its page."""
    with in_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest, "QuantstatsProcess", _NoPage)
        patch.setattr(run_files, "render_tearsheet", lambda *_: "")
        return run_in_process({**sections, "run": {"out": str(out)}})


def document(sections: dict[str, Any], now: pd.Timestamp = NOW) -> dict[str, Any]:
    return ask(sections, now).document


def csv_of(bars: pd.DataFrame, folder: Path, symbol: str = "BTC-USD") -> str:
    path = folder / f"{symbol}.csv"
    bars.reset_index().to_csv(path, index=False)
    return f"{symbol}={path}"


def bars_until(day: str, symbol: str = "BTC-USD") -> pd.DataFrame:
    return sample_market(symbol).market.bars[:day]


def same(found: dict[str, Any], run: RunFolder) -> None:
    """Compare every number with what a run folder ends with."""
    forecasts, weights = run.table("forecasts.csv"), run.table("weights.csv")
    for symbol in found["symbols"]:
        here = (forecasts["symbol"] == symbol["symbol"]) & (forecasts["time"] == symbol["last_bar"])
        for forecast in symbol["forecasts"]:
            horizon = str(forecast["horizon_bars"])
            named = (forecasts["forecaster"] == forecast["forecaster"]) & here
            (row,) = forecasts[named & (forecasts["horizon_bars"] == horizon)].to_dict("records")
            told = {name: "" if forecast[name] is None else str(forecast[name]) for name in MADE}
            assert told == {name: row[name] for name in MADE}
        held = weights[weights["symbol"] == symbol["symbol"]].iloc[-1]
        for name in ("weight", "target_weight", "quantity_base", "close"):
            assert str(symbol[name]) == held[name], name
    assert found["pending_orders"] == run.metrics["pending_orders"]
    equity = run.table("equity.csv")
    assert str(found["account"]["equity_quote"]) == equity["equity_quote"].iloc[-1]
    assert str(found["account"]["cash_quote"]) == equity["cash_quote"].iloc[-1]
    assert found["account"]["first"] == equity["time"].iloc[0]


def test_its_numbers_are_the_last_ones_of_a_backtest(tiny_run: RunFolder, warm_home: Path) -> None:
    same(document(tiny()), tiny_run)


def test_so_they_are_for_several_symbols_and_horizons(warm_home: Path, tmp_path: Path) -> None:
    several = {**PAIR, "end": DAY_OF_AN_ORDER}
    sections = tiny(data=several, forecaster={"name": "linear", "horizon_bars": [1, 5]})
    found, run = document(sections), backtested(sections, tmp_path / "runs")
    assert [len(symbol["forecasts"]) for symbol in found["symbols"]] == [4, 4]
    assert found["pending_orders"], "choose a day with an order to compare"
    same(found, run)


def test_an_order_for_the_next_open_is_told(warm_home: Path) -> None:
    found = ask(tiny(data={"end": DAY_OF_AN_ORDER}, forecaster={"name": "trend_only"}))
    (order,) = found.document["pending_orders"]
    assert order["time"] == found.document["symbols"][0]["last_bar"]
    words = f"order for the next open: {order['side']} {order['quantity_base']:.8g} BTC-USD"
    assert words in found.summary()


def test_a_change_of_price_is_the_forecast_s(warm_home: Path) -> None:
    (symbol,) = document(tiny(forecaster={"name": "trend_only"}))["symbols"]
    forecast = symbol["forecasts"][0]
    for name in ("mean", "q05", "q95"):
        assert forecast[f"{name}_price"] == symbol["close"] * math.exp(forecast[name])
    assert forecast["q05_price"] < forecast["mean_price"] < forecast["q95_price"]


def test_ages_are_counted_from_closes_to_the_clock(warm_home: Path) -> None:
    # The bar of 31 December closed at midnight; at noon of 2 January it is 36 hours old.
    now = pd.Timestamp("2018-01-02T12:00:00Z")
    (symbol,) = document(tiny(forecaster={"name": "trend_only"}), now)["symbols"]
    assert symbol["closed_at"] == "2018-01-01T00:00:00Z"
    assert symbol["data_age_hours"] == 36.0
    learnt = pd.Timestamp(symbol["forecasts"][0]["trained_until"])
    assert symbol["forecasts"][0]["model_age_days"] == round((now - learnt) / pd.Timedelta("1D"), 2)
    assert symbol["forecasts"][0]["target_at"] == "2018-01-02T00:00:00Z"


def test_a_bar_that_still_forms_is_left_out(tmp_path: Path) -> None:
    file = csv_of(bars_until("2017-12-31"), tmp_path)
    sections = {**tiny(forecaster={"name": "trend_only"}), "data": {"csv": [file]}}
    evening = pd.Timestamp("2017-12-31T20:00:00Z")
    (symbol,) = document(sections, evening)["symbols"]
    assert symbol["last_bar"] == "2017-12-30T00:00:00Z"
    assert symbol["data_age_hours"] == 20.0
    whole = csv_of(bars_until("2017-12-30"), tmp_path, "BTC-USD")
    shorter = document({**sections, "data": {"csv": [whole]}}, evening)
    assert shorter["symbols"][0]["forecasts"] == symbol["forecasts"]


def test_several_symbols_share_one_account_and_one_may_be_behind(tmp_path: Path) -> None:
    files = [
        csv_of(bars_until("2017-12-31"), tmp_path),
        csv_of(bars_until("2017-12-20", "ETH-USD"), tmp_path, "ETH-USD"),
    ]
    sections = {**tiny(forecaster={"name": "trend_only"}), "data": {"csv": files}}
    said: list[str] = []
    found = ask(sections, pd.Timestamp("2018-01-01T06:00:00Z"), said)
    first, second = found.document["symbols"]
    assert (first["symbol"], first["stale"], first["data_age_hours"]) == ("BTC-USD", False, 6.0)
    assert (second["symbol"], second["stale"], second["data_age_hours"]) == ("ETH-USD", True, 270.0)
    assert second["forecasts"][0]["target_at"] == "2017-12-22T00:00:00Z"
    old = [line for line in said if "OLD DATA" in line]
    assert len(old) == 1
    assert old[0].startswith("ETH-USD: OLD DATA: the last bar closed at 2017-12-21T00:00:00Z, 11.2")
    assert "and others have later bars" in found.summary()


def test_a_last_bar_whose_window_spans_a_gap_has_no_forecast(tmp_path: Path) -> None:
    bars = bars_until("2017-12-31")
    file = csv_of(bars.drop(bars.index[-10]), tmp_path)
    sections = {**tiny(forecaster={"name": "trend_only"}), "data": {"csv": [file]}}
    found = ask(sections)
    (symbol,) = found.document["symbols"]
    (forecast,) = symbol["forecasts"]
    assert forecast == {
        "forecaster": "trend_only",
        "reason": "its window holds a gap, a missing value or warm-up",
    }
    assert symbol["target_weight"] is None
    assert "trend_only: no forecast: its window holds a gap" in found.summary()


def test_without_250_outcomes_the_calibrated_part_is_absent_and_says_why(warm_home: Path) -> None:
    found = ask(tiny(data={"end": "2017-02-01"}, forecaster={"name": "trend_only"}))
    (forecast,) = found.document["symbols"][0]["forecasts"]
    assert all(forecast[name] is None for name in ("mean", "p_up", "q05", "q50", "q95"))
    assert forecast["mean_price"] is None
    assert isinstance(forecast["score"], float)
    why = "fewer than 250 of its past forecasts have a known outcome"
    assert forecast["reason"] == why
    assert f"trend_only: not calibrated yet: {why}" in found.summary()


def test_too_few_bars_are_refused_for_a_forecast_and_not_for_a_rule(warm_home: Path) -> None:
    with pytest.raises(DataInvalidError, match="BTC-USD: too few rows: 397 bars give 0 usable"):
        ask(tiny(data={"end": "2016-02-01"}))
    said: list[str] = []
    found = ask(tiny(data={"end": "2016-02-01"}, strategy={"name": "sma_trend"}), NOW, said)
    (symbol,) = found.document["symbols"]
    assert symbol["forecasts"] == [
        {"forecaster": "trend_only", "reason": "none could be made, as the warnings say"}
    ]
    assert symbol["target_weight"] in (0.0, 1.0)
    assert any("without trend_only, the row to beat: too few rows" in line for line in said)
    assert "sma_trend on BTC-USD, 1d, a rule that reads no forecast" in found.summary()


def test_every_horizon_has_its_line(warm_home: Path) -> None:
    found = ask(tiny(forecaster={"name": "linear", "horizon_bars": [1, 5]}))
    (symbol,) = found.document["symbols"]
    made = [(one["forecaster"], one["horizon_bars"]) for one in symbol["forecasts"]]
    assert made == [("linear", 1), ("linear", 5), ("trend_only", 1), ("trend_only", 5)]
    lines = found.summary().splitlines()
    for day, words in (("2018-01-02", "next day"), ("2018-01-06", "next 5 days")):
        (line,) = [x for x in lines if x.strip().startswith(words) and "linear" in x]
        assert f"{day} 00:00 UTC" in line


def test_the_sample_market_is_called_simulated_and_its_age_is_said(warm_home: Path) -> None:
    said: list[str] = []
    found = ask(tiny(forecaster={"name": "trend_only"}), NOW, said)
    assert found.document["simulated"] is True
    assert "SIMULATED MARKET: not real prices" in found.summary().splitlines()
    # closed on 2018-01-01 at midnight, asked on 2025-02-03 at 04:05
    (old,) = [line for line in said if "OLD DATA" in line]
    assert old.startswith("OLD DATA: the last bar closed at 2018-01-01T00:00:00Z, 2,590.2 days ago")
    assert found.document["warnings"] == said


def rows_until(day: str) -> list[tuple[int, list[float | None]]]:
    return [
        (int(at.timestamp()), [float(value) for value in row])
        for at, row in bars_until(day, "ETH-USD").iterrows()
        for at, row in [(pd.Timestamp(str(at)), row)]
    ]


def test_a_vendor_that_is_behind_ends_it_and_one_that_is_not_is_asked_no_more(
    server: FakeYahoo,
) -> None:
    server.body = chart("ETH-USD", rows_until("2016-12-29"))
    data: dict[str, Any] = {"symbols": ["ETH-USD"], "source": "yahoo"}
    sections: dict[str, Any] = {"data": data, "strategy": {"name": "momentum"}}
    # On the 31st at eight the bar of the 30th has been over for eight hours.
    late = pd.Timestamp("2016-12-31T08:00:00Z")
    words = "no complete bar of ETH-USD after 2016-12-29T00:00:00Z from yahoo, and by the clock"
    with pytest.raises(DataUnavailableError, match=words) as caught:
        ask(sections, late)
    assert caught.value.exit_code == 3
    assert "--set data.end=2016-12-29" in str(caught.value)
    chosen = document({**sections, "data": data | {"end": "2016-12-29"}}, late)
    assert chosen["symbols"][0]["data_age_hours"] == 32.0
    assert any("OLD DATA" in line for line in chosen["warnings"])
    server.body = chart("ETH-USD", rows_until("2016-12-30"))
    found = document(sections, late)
    assert found["symbols"][0]["last_bar"] == "2016-12-30T00:00:00Z"
    assert found["simulated"] is False
    assert not any("OLD DATA" in line for line in found["warnings"])


def test_nothing_is_written_but_the_fold_cache(tmp_path: Path) -> None:
    ask(tiny(forecaster={"name": "linear"}))
    assert {path.name for path in (tmp_path / "cryptobt").iterdir()} == {"folds"}


def test_the_document_has_the_documented_keys(warm_home: Path) -> None:
    found = document(tiny(forecaster={"name": "linear"}))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text.partition("\n## cryptobt forecast\n")[2].partition("\n## ")[0]
    whole, _, each = part.partition("### Forecast of a symbol")
    assert re.findall(r"(?m)^\| `(\w+)`", whole) == list(found)
    (symbol,) = found["symbols"]
    assert re.findall(r"(?m)^\| `(\w+)`", each) == list(symbol)
    for key in [*found["account"], *symbol["forecasts"][0]]:
        assert f"`{key}`" in part, key


def test_a_user_s_clock_reads_the_same_instant(warm_home: Path) -> None:
    tokyo = NOW.tz_convert("Asia/Tokyo")
    sections = tiny(forecaster={"name": "trend_only"})
    assert document(sections, tokyo) == document(sections)
    assert document(sections)["asked_at"] == iso(NOW)


@pytest.mark.parametrize("name", ["persistence", "always_up", "last_sign", "drift", "momentum"])
def test_every_rule_can_be_asked(name: str, warm_home: Path) -> None:
    found = ask(tiny(forecaster={"name": name}))
    assert name in FORECASTERS
    assert [one["forecaster"] for one in found.document["symbols"][0]["forecasts"]] == [
        name, "trend_only",
    ]  # fmt: skip
    assert "nan" not in found.summary()
