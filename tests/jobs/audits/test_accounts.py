"""A recorded account agrees with the oracle's; a digit changed in it is found and named."""

import datetime
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, DataUnavailableError, UsageError
from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.jobs.audits.accounts import audit_accounts
from cryptobt.jobs.run_folder import snapshots
from tests.backtests.accounts import acting, make_settings, scripted, trader_of
from tests.jobs.tiny import NOW, RunFolder
from tests.jobs.traded import AllIn, coin, stock, three_coins

from .recorded import (
    QUIET,
    RUN_ID,
    audited,
    edit,
    recorded,
    value_of,
    with_setting,
    without_row,
)

DEAR: dict[str, Any] = {
    "costs": {
        "fee_bps": 37.5, "slippage_bps": 80.0, "funding_bps_per_day": 3.0,
        "borrow_bps_per_day": 5.0,
    },
    "sizing": {"lot_step": 0.001, "min_notional_quote": 50.0, "rebalance_band": 0.02},
}  # fmt: skip
MARGIN: dict[str, Any] = {
    **DEAR,
    "account": {"initial_margin": 0.5, "maintenance_margin": 0.45},
    "sizing": {**DEAR["sizing"], "allow_short": True, "max_gross": 2.0},
}


def weights(bars: int, seed: int, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Target weights that change every few bars; every seventh bar has none."""
    rng = np.random.default_rng(seed)
    drawn = np.repeat(rng.uniform(low, high, bars // 3 + 1), 3)[:bars]
    drawn[rng.random(bars) < 0.2] = 0.0
    drawn[::7] = np.nan
    return drawn.tolist()


def three(low: float = 0.0, high: float = 1.0) -> tuple[list[MarketData], Any]:
    """The second is listed 170 bars after the first, the third misses every 17th bar."""
    markets = [replace(one, bars=one.bars.loc[:"2015-09-30"]) for one in three_coins()]
    script = {
        market.symbol: weights(len(market.bars), seed, low, high)
        for seed, market in enumerate(markets)
    }
    return markets, scripted(script)


def agrees(folder: Path) -> dict[str, Any]:
    document = audited(folder)
    assert document["differences"] == []
    assert document["outcome"] == "agrees"
    assert document["largest_relative_gap"] < 1e-10
    return document


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of some months of weights, written once, in a home of its own."""
    return tmp_path_factory.mktemp("accounts")


@pytest.fixture
def folder(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run, to be changed."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(once / "home"))
    if not (once / "runs").exists():
        market = coin(bars=240)
        trader = scripted(weights(240, 1))
        recorded(once / "runs", [market], trader, make_settings(costs=DEAR["costs"]))
    (made,) = (once / "runs").iterdir()
    return Path(shutil.copytree(made, tmp_path / "runs" / made.name))


# Accounts that agree


def test_several_symbols_listed_late_and_with_missing_bars_agree(tmp_path: Path) -> None:
    markets, trader = three()
    document = agrees(recorded(tmp_path, markets, trader, make_settings(**DEAR)))
    assert document["symbols"] == ["AAA", "BBB", "CCC"]
    assert document["compared"]["weights"] > document["compared"]["equity"] == 273
    assert document["not_judged"] == []


def test_short_positions_with_margin_calls_and_funding_agree(tmp_path: Path) -> None:
    markets, trader = three(-1.5, 1.5)
    folder = recorded(tmp_path, markets, trader, make_settings(**MARGIN))
    orders = pd.read_csv(folder / "orders.csv")
    assert (orders["reason"] == "margin call").any()
    assert agrees(folder)["not_judged"] == []


def test_refused_orders_agree_in_their_reasons(tmp_path: Path) -> None:
    def act(strategy: Any, bar: int) -> None:
        strategy.buy(size=(1e-9, 10_000.0, 1.0)[bar % 3])
        strategy.sell(size=0.5 if bar % 2 else 1e6)

    folder = recorded(tmp_path, [coin(bars=60)], acting(act), make_settings())
    reasons = set(pd.read_csv(folder / "orders.csv", keep_default_na=False)["reason"])
    assert len(reasons) >= 4
    assert agrees(folder)["not_judged"] == ["sizes of 120 orders: the strategy chose them, and "
                                            "recorded no target weight"]  # fmt: skip


def test_a_stock_strategy_from_a_later_first_decision_agrees(tmp_path: Path) -> None:
    settings = make_settings(data={"start": "2015-06-01"})
    document = agrees(recorded(tmp_path, [coin()], stock(AllIn), settings))
    assert document["first"] == "2015-06-01T00:00:00Z"


def test_five_minute_bars_agree(tmp_path: Path) -> None:
    daily = coin(bars=600)
    times = pd.date_range("2024-01-01", periods=600, freq="5min", tz="UTC", name="time")
    bars = daily.bars.set_axis(times).drop(times[[200, 201, 500]])
    market = MarketData("AAA", pd.Timedelta(minutes=5), "test", bars)
    trader = scripted(weights(597, 4, -1.0))
    document = agrees(recorded(tmp_path, [market], trader, make_settings(**MARGIN)))
    assert document["interval"] == "5m"


class Brackets(bt.Strategy):
    """Enters with exits, cancels, and lets orders expire."""

    def next(self) -> None:
        price, bar = self.data.close[0], len(self)
        if bar % 9 == 1 and not self.position:
            size = 0.3 * self.broker.getvalue() / price
            self.buy_bracket(size=size, price=price * 0.99, stopprice=price * 0.95,
                             limitprice=price * 1.04, exectype=bt.Order.Limit)  # fmt: skip
        if bar % 9 == 4:
            for order in list(self.broker.pending)[:1]:
                self.cancel(order)
        if bar % 5 == 0:
            valid = datetime.timedelta(days=2) if bar % 2 else 1.0  # a day long ago is refused
            self.buy(size=20 / price, exectype=bt.Order.Stop, price=price * 1.05, valid=valid)


def test_brackets_cancelled_and_expired_orders_agree_and_what_is_open_is_counted(
    tmp_path: Path,
) -> None:
    folder = recorded(tmp_path, [coin(bars=300)], trader_of(Brackets), make_settings())
    statuses = pd.read_csv(folder / "orders.csv")["status"].value_counts()
    assert min(statuses[["filled", "cancelled", "expired"]]) > 5
    said = agrees(folder)["not_judged"]
    assert any("cancelled: when is not recorded" in line for line in said)


class Odd(bt.Strategy):
    """Gives its orders reasons, sends kinds that are not simulated, and orders in pairs."""

    def next(self) -> None:
        price, bar = self.data.close[0], len(self)
        if bar % 10 == 1:
            self.buy(size=5000 / price, reason="a dip, as I see it")
        if bar % 10 == 2:
            self.buy(size=20_000 / price, reason="more than there is")
            self.sell(size=1.0, exectype=bt.Order.StopTrail, trailpercent=0.02)
        if bar % 10 == 3 and self.position:
            size = self.position.size
            first = self.sell(size=size, exectype=bt.Order.Limit, price=price * 1.03)
            self.sell(size=size, exectype=bt.Order.Stop, price=price * 0.97, oco=first)
        if bar % 10 == 8:
            self.close()


def test_a_strategy_with_words_and_kinds_of_its_own_agrees(tmp_path: Path) -> None:
    folder = recorded(tmp_path, [coin(bars=300)], trader_of(Odd), make_settings())
    orders = pd.read_csv(folder / "orders.csv", keep_default_na=False)
    assert {"unknown", "stop", "limit", "market"} == set(orders["exec_type"])
    assert {"filled", "rejected", "cancelled"} <= set(orders["status"])
    said = agrees(folder)["not_judged"]
    assert said[-1] == "reasons of 60 orders: the strategy's own words"


def test_late_decisions_agree(tmp_path: Path) -> None:
    market, hours = coin(bars=200), np.random.default_rng(0).choice([1, 5, 30, 80], 200)
    decided = {
        time + pd.Timedelta(days=0): time + pd.Timedelta(days=1, hours=int(late))
        for time, late in zip(market.times, hours, strict=True)
    }
    trader = scripted(weights(200, 2))
    folder = recorded(tmp_path, [market], trader, make_settings(**DEAR), decided)
    fills = pd.read_csv(folder / "fills.csv")
    assert 10 < fills["late"].sum() < len(fills)
    assert any("paper account" in line for line in agrees(folder)["not_judged"])


def test_a_lost_account_agrees(tmp_path: Path) -> None:
    jump = simulate("AAA", 60, seed=1).market.bars * 1.0
    jump.iloc[30:] *= 4.0
    jump.iloc[29, jump.columns.get_loc("close")] *= 4.0
    jump.iloc[29, jump.columns.get_loc("high")] *= 4.0
    market = MarketData("AAA", pd.Timedelta(days=1), "test", jump)
    settings = make_settings(**MARGIN)
    folder = recorded(tmp_path, [market], scripted([-1.0] * 60), settings)
    assert pd.read_csv(folder / "equity.csv")["equity_quote"].iloc[-1] < 0
    agrees(folder)


def test_an_account_that_never_traded_agrees(tmp_path: Path) -> None:
    document = agrees(recorded(tmp_path, [coin(bars=60)], scripted([0.0] * 60), make_settings()))
    assert document["compared"]["orders"] == document["compared"]["trades"] == 0


# Accounts that were changed


def first(folder: Path) -> dict[str, Any]:
    document = audited(folder)
    assert document["outcome"] == "differs"
    return dict(document["differences"][0])


def change_a_digit(folder: Path, table: str, row: int, column: str) -> tuple[str, str]:
    """Add one to the first digit that can be, and tell what was there and what is."""
    was = value_of(folder, table, row, column)
    place = next(n for n, digit in enumerate(was) if digit in "12345678")
    changed = f"{was[:place]}{int(was[place]) + 1}{was[place + 1 :]}"
    edit(folder, table, row, column, changed)
    return was, changed


@pytest.mark.parametrize(
    "places",
    [
        [("fills", name) for name in ("price_quote", "fee_quote", "slippage_quote")],
        [("fills", name) for name in ("quantity_base", "position_base", "open_quote")],
        [("equity", name) for name in ("equity_quote", "cash_quote", "funding_quote")],
        [("equity", name) for name in ("return", "fees_quote", "drawdown")],
        [("weights", "weight"), ("weights", "close"), ("trades", "pnl_quote"),
         ("trades", "return")],
    ],
)  # fmt: skip
def test_changed_digits_are_named_with_row_column_time_and_both_values(
    folder: Path, places: list[tuple[str, str]]
) -> None:
    changed = {}
    for number, (table, column) in enumerate(places):
        row = next(
            row for row in range(9 + 5 * number, 90)
            if float(value_of(folder, table, row, column)) != 0.0
        )  # fmt: skip
        changed[table, row, column] = change_a_digit(folder, table, row, column)
    document = audited(folder)
    assert document["differing"] == len(changed)
    for found in document["differences"]:
        table, row, column = found["table"], found["row"], found["column"]
        was, now = changed[table, row, column]
        assert found["recorded"] == float(now)
        assert found["recomputed"] == pytest.approx(float(was), rel=1e-9)
        assert found["time"] == value_of(folder, table, row, "time")
        assert f"{table}.csv row {row}, {column}" in found["text"]


def test_the_size_of_an_order_that_was_changed_comes_before_all_that_follows(
    folder: Path,
) -> None:
    was, now = change_a_digit(folder, "orders", 9, "quantity_base")
    found = first(folder)
    assert (found["table"], found["row"], found["column"]) == ("orders", 9, "quantity_base")
    assert (found["recorded"], found["recomputed"]) == (float(now), pytest.approx(float(was)))
    assert audited(folder)["differing"] > 50


def test_the_sixth_digit_of_a_price_is_found(folder: Path) -> None:
    price = float(value_of(folder, "fills", 5, "price_quote"))
    edit(folder, "fills", 5, "price_quote", repr(price * (1 + 1e-7)))
    assert audited(folder)["differing"] == 1


@pytest.mark.parametrize("table", ["orders", "fills", "weights", "equity", "trades"])
def test_a_row_that_was_taken_out_is_missed(folder: Path, table: str) -> None:
    time = value_of(folder, table, 8, "time")
    without_row(folder, table, 8)
    found = first(folder)
    assert found["table"] == table
    if table != "orders":
        assert found["time"] == time
        assert audited(folder)["differing"] == 1


def test_the_last_order_that_was_taken_out_is_missed(folder: Path) -> None:
    without_row(folder, "orders", len((folder / "orders.csv").read_text().splitlines()) - 1)
    assert "metrics.json counts" in first(folder)["text"]


def test_the_first_row_that_was_taken_out_is_missed(folder: Path) -> None:
    time = value_of(folder, "equity", 1, "time")
    without_row(folder, "equity", 1)
    found = first(folder)
    assert (found["table"], found["row"], found["time"]) == ("equity", None, time)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("costs", "fee_bps", 38.0), ("costs", "slippage_bps", 79.0),
        ("account", "cash_quote", 9_999.0), ("costs", "funding_bps_per_day", 2.0),
        ("sizing", "lot_step", 0.01), ("sizing", "rebalance_band", 0.3),
        ("sizing", "max_weight", 0.5),
    ],
)  # fmt: skip
def test_a_setting_that_was_changed_afterwards_is_found(
    folder: Path, section: str, key: str, value: float
) -> None:
    with_setting(folder, section, key, value)
    assert audited(folder)["outcome"] == "differs"


def test_a_status_and_a_reason_that_were_changed_are_named(folder: Path) -> None:
    edit(folder, "orders", 4, "status", "rejected")
    edit(folder, "orders", 4, "reason", "insufficient cash")
    found = first(folder)
    assert (found["table"], found["row"], found["column"]) == ("orders", 4, "status")
    assert (found["recorded"], found["recomputed"]) == ("rejected", "filled")


def test_other_forecasts_than_those_of_the_run_are_found(folder: Path) -> None:
    text = (folder / "forecasts.csv").read_text()
    (folder / "forecasts.csv").write_text(text + "\n")
    assert first(folder)["table"] == "forecasts"


def test_a_target_weight_without_its_order_is_found(folder: Path) -> None:
    target = value_of(folder, "weights", 60, "target_weight")
    other = 0.9 if float(target or 0) < 0.5 else 0.1
    edit(folder, "weights", 60, "target_weight", str(other))
    found = first(folder)
    assert found["table"] == "orders"
    assert found["time"] == value_of(folder, "weights", 60, "time")


def test_an_order_without_its_target_weight_is_found(folder: Path) -> None:
    time = value_of(folder, "orders", 9, "time")
    row = (
        (folder / "weights.csv")
        .read_text()
        .split("\n")
        .index(
            next(line for line in (folder / "weights.csv").read_text().split("\n") if time in line)
        )
    )
    edit(folder, "weights", row, "target_weight", "")
    found = first(folder)
    assert (found["table"], found["row"]) == ("orders", 9)
    assert "no such order" in found["text"]


# Folders that are damaged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "fills.csv").unlink(), r"it has no fills\.csv"),
        (lambda f: edit(f, "fills", 3, "price_quote", "12a"), "row 3, price_quote is '12a'"),
        (lambda f: edit(f, "fills", 3, "fee_quote", ""), "row 3, fee_quote is ''"),
        (lambda f: edit(f, "equity", 2, "cash_quote", "nan"), "row 2, cash_quote is 'nan'"),
        (lambda f: edit(f, "equity", 5, "time", "2015-01-32T00:00:00Z"), "row 5, time is '2015"),
        (lambda f: edit(f, "equity", 5, "time", "2031-01-01T00:00:00Z"), "row 6 goes back in time"),
        (lambda f: edit(f, "orders", 2, "order_id", "1"), "row 2 repeats the order_id"),
        (lambda f: edit(f, "orders", 2, "side", "bye"), "row 2, side is 'bye'; expected one of"),
        (lambda f: edit(f, "trades", 2, "symbol", "XXX"), "row 2, symbol is 'XXX'; expected one"),
        (lambda f: (f / "orders.csv").write_text("order_id\n1\n"), "it has no column 'time'"),
        (lambda f: (f / "weights.csv").write_text(""), "damaged"),
        (lambda f: with_setting(f, "costs", "fee_bps", "ten"), "setting 'costs.fee_bps' is 'ten'"),
        (lambda f: (f / "run.json").write_text('{"run_id": "x", "created_at": ""}'), "run.json"),
    ],
)
def test_a_damaged_folder_is_refused_in_a_line_that_names_the_place(
    folder: Path, change: Callable[[Path], object], message: str
) -> None:
    change(folder)
    with pytest.raises(DataInvalidError, match=message) as error:
        audited(folder)
    assert "\n" not in str(error.value)


def test_bars_that_are_not_kept_any_more_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(tmp_path / "runs", [coin(bars=60)], scripted([0.5] * 60), make_settings())
    shutil.rmtree(snapshots().root)
    with pytest.raises(DataUnavailableError, match="the bars of AAA that the run was made from"):
        audited(folder)


# The job


def test_the_audit_of_a_run_writes_a_folder_that_repeats_byte_for_byte(
    tiny_run: RunFolder, tmp_path: Path
) -> None:
    reports = [audit_accounts(str(tiny_run.path), tmp_path / f"{n}", QUIET, NOW) for n in range(2)]
    for report in reports:
        assert report.document["outcome"] == "agrees"
        assert report.document["not_judged"] == []
        assert report.document["compared"]["fills"] > 0
        assert {path.name for path in report.folder.iterdir()} == {
            "audit.json", "audit.html", "run.json",
        }  # fmt: skip
        assert json.loads((report.folder / "audit.json").read_text()) == report.document
    texts = [(report.folder / "audit.json").read_bytes() for report in reports]
    assert texts[0] == texts[1]


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run 'nothing'"):
        audit_accounts("nothing", tmp_path, QUIET, NOW)


def test_a_run_is_found_by_its_id(folder: Path) -> None:
    edit(folder, "fills", 5, "fee_quote", "1.0")
    report = audit_accounts(RUN_ID, folder.parent, QUIET, NOW)
    assert report.document["run"] == RUN_ID
    assert "fills.csv row 5, fee_quote" in report.document["headline"]
    assert report.folder.parent == folder.parent
