from copy import deepcopy
from typing import Any

import pytest

from cryptobt.reports.terminal import WIDTH, summary

from .synthetic import make_metrics

FOLDER = "runs/20220310T000000Z-attn_signal-BTC-USD-1a2b"


def ended(metrics: dict[str, Any]) -> list[str]:
    text = summary(metrics, run_folder=FOLDER, tearsheet=f"{FOLDER}/tearsheet.html")
    return text.splitlines()


@pytest.fixture
def metrics() -> dict[str, Any]:
    return deepcopy(make_metrics())


def test_a_run_ends_in_under_25_lines_of_118_columns(metrics: dict[str, Any]) -> None:
    metrics["data"]["warnings"] = ["w" * 300] * 50
    metrics["pending_orders"] *= 40
    metrics["orders"]["by_reason"] = {f"reason {k}": k for k in range(60)}
    metrics["symbols"] = ["BTC-USD"] * 80
    lines = ended(metrics)
    assert len(lines) < 25
    assert max(len(line) for line in lines) <= WIDTH


def test_extreme_numbers_still_fit(metrics: dict[str, Any]) -> None:
    performance = metrics["rows"]["strategy"]["performance"]
    performance["cagr"]["value"] = 1234.5
    performance["fees_quote"]["value"] = 12_345_678.0
    performance["sharpe"].update(value=-10.0, low=-12.0, high=-10.5)
    assert max(len(line) for line in ended(metrics)) <= WIDTH


def test_all_eight_rows_show_with_intervals_and_dashes(metrics: dict[str, Any]) -> None:
    lines = {line.split(" ")[0]: line for line in ended(metrics)[3:12]}
    assert "52.1 [50.1, 54.1]" in lines["strategy"]
    assert "0.84 [-0.06, 1.74]" in lines["strategy"]
    assert "1,212" in lines["strategy"] or "1,213" in lines["strategy"]
    assert lines["buy_and_hold"].count("—") == 4
    assert len(lines) == 9


def test_the_head_names_run_and_simulation(metrics: dict[str, Any]) -> None:
    lines = ended(metrics)
    assert lines[0].endswith("on BTC-USD, 1d, 2020-04-10 to 2022-03-10, 700 decisions")
    assert "SIMULATED MARKET" in lines[1]
    metrics["simulated"] = False
    assert "SIMULATED" not in "".join(ended(metrics))


def test_the_row_to_beat_orders_warnings_and_paths_are_named(metrics: dict[str, Any]) -> None:
    text = "\n".join(ended(metrics))
    assert "The row to beat: the strategy is ahead of trend_only by 0.05 Sharpe" in text
    assert "…" not in text
    assert "3 rejected: below minimum notional (2); not enough cash (1)" in text
    assert "Warning: 2 bars are missing" in text
    assert f"Run folder  {FOLDER}" in text
    assert "Next bar: buy 0.0321 BTC-USD at market, target weight 40.0%" in text


def test_no_pending_order_is_said(metrics: dict[str, Any]) -> None:
    metrics["pending_orders"] = []
    assert "Next bar: no order pending for the next bar" in ended(metrics)


def test_empty_metrics_are_all_dashes() -> None:
    lines = ended({})
    assert sum(line.count("—") for line in lines[2:11]) == 8 * 9


def test_no_escape_sequence_reaches_the_terminal(metrics: dict[str, Any]) -> None:
    metrics["symbols"] = ["\x1b[31mBTC\n"]
    assert "\x1b" not in "\n".join(ended(metrics))
