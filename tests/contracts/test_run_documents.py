"""metrics.json and run.json: every documented key, every number with its unit or its reason."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.settings import Settings
from cryptobt.data.sample import sample_market
from cryptobt.jobs.trials import trial_key
from cryptobt.records.content import ContentStore
from cryptobt.strategies.registry import find_strategy
from tests.jobs.tiny import RunFolder

ROWS = (
    "strategy", "network_only", "trend_only", "buy_and_hold", "buy_and_hold_vol_target",
    "sma_trend", "momentum", "always_up",
)  # fmt: skip
DIRECTION = ["precision", "recall", "f1", "accuracy", "balanced_accuracy", "mcc", "coverage"]
COUNTS = ["tp", "fp", "tn", "fn", "n", "abstained"]
PERFORMANCE = [
    "sharpe",
    "cagr",
    "total_return",
    "volatility",
    "max_drawdown",
    "turnover_per_year",
    "exposure",
    "fees_quote",
    "slippage_quote",
    "funding_quote",
]
FORECAST = ["mae", "rmse", "r2", "skill", "interval_coverage", "seed_correlation"]
METRIC = {"value", "low", "high", "level", "unit", "reason"}


def metrics_in(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        for number, inner in enumerate(node):
            yield from metrics_in(inner, f"{path}[{number}]")
    if isinstance(node, dict):
        if {"value", "unit"} <= set(node):
            yield path, node
        else:
            for key, inner in node.items():
                yield from metrics_in(inner, f"{path}.{key}")


def test_metrics_has_the_documented_keys(run: RunFolder) -> None:
    wanted = [
        "schema",
        "simulated",
        "symbols",
        "interval",
        "first",
        "last",
        "bars",
        "decisions",
        "rows",
        "forecast",
        "orders",
        "pending_orders",
        "data",
        "verdict",
        "significance",
        "calibration",
        "risk",
        "robustness",
        "attribution",
    ]
    assert set(wanted) <= set(run.metrics)
    assert run.metrics["schema"] == 1
    assert run.metrics["symbols"] == ["BTC-USD"]
    assert run.metrics["interval"] == "1d"
    assert run.metrics["bars"] == 365 * 3 + 1
    assert tuple(run.metrics["rows"]) == ROWS
    assert set(run.metrics["forecast"]) == set(FORECAST)
    assert set(run.metrics["orders"]) == {
        "submitted", "filled", "rejected", "by_reason", "margin_calls"}  # fmt: skip
    assert set(run.metrics["data"]) == {"gaps", "quarantined", "missing_columns", "warnings"}


def test_the_part_of_the_only_symbol_is_the_account(run: RunFolder) -> None:
    (part,) = run.metrics["per_symbol"].values()
    row = run.metrics["rows"]["strategy"]
    assert part["direction"] == row["direction"]
    assert part["forecast"] == run.metrics["forecast"]
    assert part["trades"] == row["performance"]["trades"]
    assert part["missed_bars"] == 0
    assert part["joined"] == run.metrics["first"]
    for name in ("exposure", "fees_quote", "slippage_quote"):
        assert part["account"][name]["value"] == pytest.approx(row["performance"][name]["value"])


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_every_documented_metric_and_count(run: RunFolder, row: str) -> None:
    found = run.metrics["rows"][row]
    assert set(found["direction"]) == {*DIRECTION, *COUNTS, "down"}
    assert set(found["direction"]["down"]) == {"precision", "recall", "f1"}
    assert set(found["performance"]) == {*PERFORMANCE, "trades"}
    counts = [found["direction"][name] for name in COUNTS] + [found["performance"]["trades"]]
    assert all(type(count) is int and count >= 0 for count in counts)


def test_every_metric_has_value_interval_level_unit_and_reason(run: RunFolder) -> None:
    found = list(metrics_in(run.metrics))
    assert len(found) >= len(ROWS) * (len(DIRECTION) + len(PERFORMANCE)) + len(FORECAST)
    for path, metric in found:
        assert set(metric) == METRIC, path
        assert isinstance(metric["unit"], str), path
        assert metric["unit"], path


def test_a_metric_without_a_value_says_why_and_one_with_a_value_does_not(run: RunFolder) -> None:
    for path, metric in metrics_in(run.metrics):
        if metric["value"] is None:
            assert metric["reason"], path
            assert (metric["low"], metric["high"], metric["level"]) == (None, None, None), path
        else:
            assert math.isfinite(metric["value"]), path
            assert metric["reason"] is None, path


def test_an_interval_has_both_ends_and_its_level_or_nothing(run: RunFolder) -> None:
    with_interval = 0
    for path, metric in metrics_in(run.metrics):
        ends = [metric["low"], metric["high"], metric["level"]]
        assert ends.count(None) in {0, 3}, path
        if metric["low"] is not None:
            with_interval += 1
            assert metric["low"] <= metric["high"], path
            assert metric["level"] == 0.95, path
    assert with_interval > 20


def test_the_numbers_of_the_evidence_are_those_of_the_table(run: RunFolder) -> None:
    found, table = run.metrics, run.metrics["rows"]
    account = table["strategy"]["performance"]
    (assumed,) = [one for one in found["robustness"]["costs"] if one["bps"] == 15]
    for row in ("strategy", "trend_only", "buy_and_hold"):
        for measure in ("sharpe", "total_return"):
            expected = table[row]["performance"][measure]["value"]
            assert assumed[measure][row] == pytest.approx(expected, abs=1e-9), (row, measure)
    per_bar = found["significance"]["per_bar_sharpe"]["value"]
    assert per_bar * 365**0.5 == pytest.approx(account["sharpe"]["value"])
    assert found["significance"]["bars"] == found["decisions"] - 1
    deepest = found["risk"]["drawdowns"][0]["depth"]
    assert deepest == pytest.approx(account["max_drawdown"]["value"])
    assert found["attribution"]["net"]["value"] == pytest.approx(
        found["significance"]["per_bar_sharpe"]["value"]
        * account["volatility"]["value"] * 365**0.5
    )  # fmt: skip
    assert sum(one["bars"] for one in found["robustness"]["periods"]) == found["decisions"] - 1
    assert sum(one["n"] for one in found["calibration"]) == found["decisions"] - 250 - 1


def test_a_network_of_one_seed_is_judged_by_its_lead_over_the_trend(run: RunFolder) -> None:
    reasons = [reason["rule"] for reason in run.metrics["verdict"]["reasons"]]
    assert reasons == [
        "same_exposure", "random", "fills", "trend_only", "trials", "direction", "break_even",
        "record", "baselines",
    ]  # fmt: skip
    assert run.metrics["robustness"]["seeds"] == []
    assert run.metrics["robustness"]["seed_spread"]["reason"] == "one seed, or nothing random"


def test_rows_that_hold_no_account_or_call_no_direction_say_so(run: RunFolder) -> None:
    rows = run.metrics["rows"]
    assert all(rows["always_up"]["performance"][name]["value"] is None for name in PERFORMANCE)
    for row in ("buy_and_hold", "buy_and_hold_vol_target"):
        assert all(rows[row]["direction"][name]["value"] is None for name in DIRECTION)
    shown = [row for row in ROWS if rows[row]["performance"]["sharpe"]["value"] is not None]
    assert shown == list(ROWS[:-1])


def test_every_row_covers_the_same_dates(run: RunFolder) -> None:
    known = {
        row: run.metrics["rows"][row]["direction"]["n"]
        + run.metrics["rows"][row]["direction"]["abstained"]
        for row in ("strategy", "network_only", "trend_only", "sma_trend", "momentum", "always_up")
    }
    assert set(known.values()) == {run.metrics["decisions"] - 1}


def test_counts_of_orders_are_those_of_the_file(run: RunFolder) -> None:
    orders = run.table("orders.csv")
    counted = run.metrics["orders"]
    assert counted["submitted"] == len(orders)
    assert counted["filled"] == int((orders["status"] == "filled").sum())
    assert counted["rejected"] == int((orders["status"] == "rejected").sum())
    assert sum(counted["by_reason"].values()) == counted["rejected"]


def test_pending_orders_are_those_of_the_file(run: RunFolder) -> None:
    orders = run.table("orders.csv")
    waiting = orders[orders["status"] == "pending"]
    assert [str(order["order_id"]) for order in run.metrics["pending_orders"]] == waiting[
        "order_id"
    ].tolist()
    for order in run.metrics["pending_orders"]:
        assert set(order) == set(orders.columns)
        assert order["time"] == run.metrics["last"]


def test_totals_are_those_of_the_equity_file(run: RunFolder) -> None:
    equity = run.table("equity.csv")
    account = run.metrics["rows"]["strategy"]["performance"]
    for name in ("fees_quote", "slippage_quote", "funding_quote"):
        assert account[name]["value"] == pytest.approx(equity[name].astype(float).sum())
    worth = equity["equity_quote"].astype(float)
    assert account["total_return"]["value"] == pytest.approx(worth.iloc[-1] / worth.iloc[0] - 1)
    assert account["max_drawdown"]["value"] == equity["drawdown"].astype(float).min()
    assert account["trades"] == len(run.table("trades.csv"))


def test_the_manifest_has_the_documented_keys(run: RunFolder) -> None:
    wanted = [
        "schema",
        "run_id",
        "created_at",
        "command",
        "timings_s",
        "workers",
        "paths",
        "settings",
        "data",
        "extras",
        "forecasts_hash",
        "code_version",
        "strategy",
        "features",
        "forecaster",
        "seeds",
        "libraries",
        "trials",
        "simulated",
        "quarantined",
    ]
    assert set(wanted) == set(run.manifest)
    (data,) = run.manifest["data"]
    assert set(data) == set(
        [
            "symbol",
            "source",
            "interval",
            "first",
            "last",
            "rows",
            "hash",
            "snapshot",
            "fetched_at",
            "simulated",
            "gaps",
            "warnings",
            "unanswered",
        ]
    )
    for extra in run.manifest["extras"]:
        assert set(extra) == {"name", "source", "hash", "lag_hours"}
    assert {"n", "floor", "key"} <= set(run.manifest["trials"])


def test_the_manifest_tells_what_was_run(run: RunFolder) -> None:
    manifest = run.manifest
    assert manifest["created_at"] == "2025-02-03T04:05:06Z"
    assert manifest["seeds"] == [0]
    assert manifest["settings"]["net"]["units"] == 8
    assert "run" not in manifest["settings"]
    assert manifest["trials"]["floor"] == 100
    assert manifest["data"][0]["rows"] == run.metrics["bars"]
    assert {"torch", "numpy", "pandas", "backtrader", "quantstats"} <= set(manifest["libraries"])
    assert all(seconds >= 0 for seconds in manifest["timings_s"].values())


def test_the_settings_of_the_manifest_are_settings(run: RunFolder) -> None:
    again = Settings.model_validate(run.manifest["settings"])
    spec, market = find_strategy(again.strategy.name), sample_market("BTC-USD").market
    assert trial_key(again, [market], spec) == run.manifest["trials"]["key"]


@pytest.mark.parametrize("name", ["metrics.json", "run.json"])
def test_documents_are_strict_json_with_a_newline_at_the_end(run: RunFolder, name: str) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads(run.files[name], parse_constant=refuse)
    assert run.files[name].endswith(b"}\n")


def test_nothing_but_the_manifest_names_the_run_the_clock_or_a_folder(run: RunFolder) -> None:
    told = [
        run.manifest["run_id"],
        "2025-02-03",
        str(run.path.parent),
        run.manifest["paths"]["cache"],
    ]
    for name, content in run.files.items():
        if name != "run.json":
            assert [word for word in told if word.encode() in content] == [], name


def test_the_bars_of_a_run_are_kept_by_their_content(
    run: RunFolder,
) -> None:
    home = Path(run.manifest["paths"]["cache"]).parent
    (data,) = run.manifest["data"]
    entry = ContentStore(home / "snapshots").get(data["snapshot"])
    assert entry is not None
    assert entry.meta == {"symbol": "BTC-USD", "interval": "1d"}
    assert len(entry.arrays["close"]) == data["rows"]
