"""The files of a run folder: names, columns, order, and nothing from the future."""

import re

import pandas as pd
import pytest

from tests.jobs.tiny import RunFolder

COLUMNS = {
    "forecasts.csv": "time symbol horizon_bars model_id forecaster made_at target_at score mean "
    "p_up q05 q50 q95 seed_spread trained_until fold",
    "equity.csv": "time equity_quote cash_quote return drawdown gross_weight net_weight "
    "fees_quote slippage_quote funding_quote",
    "weights.csv": "time symbol target_weight weight quantity_base close",
    "orders.csv": "order_id time symbol side exec_type quantity_base limit_price_quote "
    "stop_price_quote valid_until decided_at target_weight status reason",
    "fills.csv": "fill_id order_id time symbol side quantity_base price_quote open_quote "
    "fee_quote slippage_quote position_base late",
    "trades.csv": "trade_id time exit_time symbol direction quantity_base entry_price_quote "
    "exit_price_quote pnl_quote return fees_quote bars_held open",
}
ORDER = {
    "forecasts.csv": ["time", "symbol", "model_id"],
    "equity.csv": ["time"],
    "weights.csv": ["time", "symbol"],
    "orders.csv": ["time", "symbol", "order_id"],
    "fills.csv": ["time", "symbol", "fill_id"],
    "trades.csv": ["time", "symbol", "trade_id"],
}
TIMES = {
    "time", "made_at", "target_at", "trained_until", "fold", "exit_time", "valid_until",
    "decided_at",
}  # fmt: skip
WORDS = {
    "symbol", "model_id", "forecaster", "side", "exec_type", "status", "reason", "direction",
    "late", "open",
}  # fmt: skip
WHOLE = {"horizon_bars", "order_id", "fill_id", "trade_id", "bars_held"}
names = pytest.mark.parametrize("name", sorted(COLUMNS))


def numbers(run: RunFolder, name: str) -> pd.DataFrame:
    return pd.read_csv(run.path / name, parse_dates=["time"])


def test_a_run_folder_holds_the_files_of_the_contract(run: RunFolder) -> None:
    assert set(run.files) == {*COLUMNS, "run.json", "metrics.json", "tearsheet.html"}


def test_a_run_folder_is_named_by_time_strategy_and_symbol(run: RunFolder) -> None:
    pattern = r"20250203T040506Z-attn_signal-BTC-USD-[0-9a-f]{8}"
    assert re.fullmatch(pattern, run.path.name)
    assert run.path.name.endswith(run.manifest["run_id"])


@names
def test_a_csv_has_the_documented_columns_in_order_and_rows(run: RunFolder, name: str) -> None:
    lines = run.files[name].decode().split("\n")
    assert lines[0] == COLUMNS[name].replace(" ", ",")
    assert lines[-1] == ""
    assert b"\r" not in run.files[name]
    assert len(lines) > 3


@names
def test_a_csv_is_sorted_by_time_symbol_and_id(run: RunFolder, name: str) -> None:
    table = run.table(name)
    for column in set(ORDER[name]) & WHOLE:
        table[column] = table[column].astype(int)
    pd.testing.assert_frame_equal(table, table.sort_values(ORDER[name], ignore_index=True))
    assert not table.duplicated(ORDER[name]).any()


@names
def test_every_field_of_a_csv_is_written_as_documented(run: RunFolder, name: str) -> None:
    table = run.table(name)
    for column in table.columns:
        for text in table[column].unique():
            if text == "" or column in WORDS:
                continue
            if column in TIMES:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text), (column, text)
            elif column in WHOLE:
                assert str(int(text)) == text, (column, text)
            else:
                assert repr(float(text)) == text, (column, text)


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("orders.csv", "side", {"buy", "sell"}),
        ("orders.csv", "exec_type", {"market"}),
        ("orders.csv", "status", {"filled", "rejected", "pending"}),
        ("fills.csv", "side", {"buy", "sell"}),
        ("fills.csv", "late", {"false"}),
        ("trades.csv", "direction", {"long"}),
        ("trades.csv", "open", {"true", "false"}),
    ],
)
def test_words_are_those_of_the_contract(
    run: RunFolder, name: str, column: str, words: set[str]
) -> None:
    assert set(run.table(name)[column]) <= words


def test_forecasts_hold_the_strategys_forecaster_its_network_and_the_trend(run: RunFolder) -> None:
    table = run.table("forecasts.csv")
    assert set(table["forecaster"]) == {"dual_attention", "dual_attention_net", "trend_only"}
    counts = table["forecaster"].value_counts()
    assert len(set(counts)) == 1
    assert (table["score"] != "").all()
    assert (table["horizon_bars"] == "1").all()
    assert table.groupby("forecaster")["model_id"].nunique().max() == 1


def test_a_forecast_is_made_at_the_close_of_its_bar_by_what_was_trained_before(
    run: RunFolder,
) -> None:
    table = run.table("forecasts.csv")
    at = {name: pd.to_datetime(table[name]) for name in TIMES & set(table.columns)}
    day = pd.Timedelta(days=1)
    assert (at["made_at"] == at["time"] + day).all()
    assert (at["target_at"] == at["made_at"] + day).all()
    assert (at["trained_until"] <= at["made_at"]).all()
    assert (at["trained_until"] <= at["fold"]).all()
    assert (at["fold"] <= at["time"]).all()


def test_calibrated_numbers_are_ordered_and_come_after_250_known_outcomes(run: RunFolder) -> None:
    table = numbers(run, "forecasts.csv")
    for _, rows in table.groupby("forecaster"):
        calibrated = rows["mean"].notna().to_numpy()
        # A forecast's outcome is known one bar later: the 251st row is the first with 250 of them.
        assert calibrated.tolist() == [False] * 250 + [True] * (len(rows) - 250)
        shown = rows[calibrated]
        assert shown["p_up"].between(0, 1).all()
        assert (shown["q05"] < shown["q50"]).all()
        assert (shown["q50"] < shown["q95"]).all()


def test_equity_and_weights_have_a_row_for_every_decision(run: RunFolder) -> None:
    decided = run.table("forecasts.csv")["time"].unique().tolist()
    assert run.table("equity.csv")["time"].tolist() == decided
    assert run.table("weights.csv")["time"].tolist() == decided
    assert run.metrics["decisions"] == len(decided)
    assert (run.metrics["first"], run.metrics["last"]) == (decided[0], decided[-1])


def test_the_account_adds_up_in_the_files(run: RunFolder) -> None:
    equity, weights = numbers(run, "equity.csv"), numbers(run, "weights.csv")
    fills, trades = numbers(run, "fills.csv"), numbers(run, "trades.csv")
    held = weights["quantity_base"] * weights["close"]
    assert (equity["cash_quote"] + held).tolist() == pytest.approx(equity["equity_quote"].tolist())
    assert equity["return"].iloc[0] == 0
    assert equity["fees_quote"].sum() == pytest.approx(fills["fee_quote"].sum())
    assert equity["slippage_quote"].sum() == pytest.approx(fills["slippage_quote"].sum())
    end = 10_000 + trades["pnl_quote"].sum()
    assert equity["equity_quote"].iloc[-1] == pytest.approx(end, rel=1e-9)
    worse = (fills["price_quote"] - fills["open_quote"]).abs() * fills["quantity_base"]
    assert fills["slippage_quote"].tolist() == pytest.approx(worse.tolist())


def test_every_fill_belongs_to_an_order_of_the_bar_before(run: RunFolder) -> None:
    orders = numbers(run, "orders.csv").set_index("order_id")
    fills = numbers(run, "fills.csv")
    decided = orders.loc[fills["order_id"], "time"].to_numpy()
    assert (fills["time"].to_numpy() - decided == pd.Timedelta(days=1)).all()
    filled = orders.index[orders["status"] == "filled"].tolist()
    assert sorted(fills["order_id"]) == filled


@pytest.mark.parametrize("name", sorted(set(COLUMNS) - {"trades.csv"}))
def test_no_row_changes_when_later_bars_come(runs: tuple[RunFolder, RunFolder], name: str) -> None:
    whole, cut = (run.table(name) for run in runs)
    last = runs[1].metrics["last"]
    assert last == "2017-10-22T00:00:00Z"
    common = whole[whole["time"] <= last].reset_index(drop=True)
    if name == "orders.csv":
        common, cut = common.drop(columns=["status", "reason"]), cut.drop(
            columns=["status", "reason"])  # fmt: skip
    assert len(cut) > 3
    pd.testing.assert_frame_equal(common, cut)


def test_only_the_status_of_the_last_bars_orders_changes_when_later_bars_come(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    whole, cut = (run.table("orders.csv") for run in runs)
    last = runs[1].metrics["last"]
    common = whole[whole["time"] <= last].reset_index(drop=True)
    changed = common["status"] != cut["status"]
    assert (cut["time"][changed] == last).all()
    assert (cut["status"][changed] == "pending").all()
