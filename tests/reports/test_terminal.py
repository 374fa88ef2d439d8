from copy import deepcopy
from typing import Any

import pytest

from cryptobt.reports.terminal import WIDTH, summary

from .synthetic import make_metrics, metric
from .synthetic_many import DIES, LATE, NAMES, make_many_metrics, make_markets

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
    metrics["symbols"] = [f"COIN{k}-USD" for k in range(80)]
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
    lines = {line.split(" ")[0]: line for line in ended(metrics)[5:14]}
    assert "52.1 [50.1, 54.1]" in lines["strategy"]
    assert "0.84 [-0.06, 1.74]" in lines["strategy"]
    assert "1,212" in lines["strategy"] or "1,213" in lines["strategy"]
    assert lines["buy_and_hold"].count("—") == 4
    assert len(lines) == 9


def test_the_head_names_run_and_simulation(metrics: dict[str, Any]) -> None:
    lines = ended(metrics)
    assert lines[3].endswith("on BTC-USD, 1d, 2020-04-10 to 2022-03-10, 700 decisions")
    assert lines[4] == "SIMULATED MARKET: not real prices"
    metrics["simulated"] = False
    assert "SIMULATED" not in "".join(ended(metrics))


def test_it_begins_with_the_grade_and_its_two_most_telling_reasons(metrics: dict[str, Any]) -> None:
    grade, first, second, head = ended(metrics)[:4]
    assert grade.startswith("No evidence of skill")
    assert first.startswith("  ✗ Among 12 settings tried, luck alone")
    assert second == "  ✗ The interval of the lead over trend_only, -0.05 to 0.15, holds zero."
    assert " on BTC-USD" in head


def test_of_evidence_the_reasons_that_hold_come_first(metrics: dict[str, Any]) -> None:
    metrics["verdict"]["grade"] = "evidence"
    grade, *reasons = ended(metrics)[:3]
    assert grade.startswith("Evidence of skill")
    assert reasons[0].startswith("  ✓ It stays ahead up to 41 bps")


def test_the_row_to_beat_orders_warnings_and_paths_are_named(metrics: dict[str, Any]) -> None:
    text = "\n".join(ended(metrics))
    assert "The row to beat: the strategy is ahead of trend_only by 0.05 Sharpe" in text
    assert "…" not in text
    assert "3 rejected: below minimum notional (2); not enough cash (1)" in text
    assert "Warning: The best five bars earned more than the whole period. (and 1 more in" in text
    assert f"Run folder  {FOLDER}" in text
    assert "Next bar: buy 0.0321 BTC-USD at market, target weight 40.0%" in text


def test_no_pending_order_is_said(metrics: dict[str, Any]) -> None:
    metrics["pending_orders"] = []
    assert "Next bar: no order pending for the next bar" in ended(metrics)


def test_empty_metrics_are_all_dashes() -> None:
    lines = ended({})
    assert lines[0].startswith("It cannot be said whether this is worth anything")
    assert sum(line.count("—") for line in lines[3:12]) == 8 * 9


def test_no_escape_sequence_reaches_the_terminal(metrics: dict[str, Any]) -> None:
    metrics["symbols"] = ["\x1b[31mBTC\n"]
    assert "\x1b" not in "\n".join(ended(metrics))


@pytest.fixture
def many() -> dict[str, Any]:
    return make_many_metrics(make_markets(NAMES, 800))


def by_symbol(metrics: dict[str, Any]) -> list[str]:
    lines = ended(metrics)
    end = next(k for k, line in enumerate(lines) if line.startswith("The row to beat"))
    begin = next(k for k, line in enumerate(lines) if line.startswith("always_up")) + 1
    return [line for line in lines[begin:end] if line]


def test_one_symbol_has_no_lines_by_symbol(metrics: dict[str, Any]) -> None:
    assert by_symbol(metrics) == []


def test_two_of_many_symbols_have_a_line_and_the_others_are_counted(
    many: dict[str, Any],
) -> None:
    lines = by_symbol(many)
    assert lines[0] == (
        "BTC-USD  accuracy 50.5 [47.5, 53.5]  exposure 6.0%  profit 1,234  trades 61"
    )
    assert [line.split()[0] for line in lines] == ["BTC-USD", "ETH-USD", "and"]
    assert lines[-1] == "and 8 more in the tearsheet"


def test_a_late_or_dead_symbol_says_when_it_joined_and_what_it_missed() -> None:
    dead, late = by_symbol(make_many_metrics(make_markets((NAMES[0], DIES, LATE), 800)))[1:]
    assert dead.endswith("trades 60         missed 400")
    assert late.endswith("trades 59  joined 2021-02-04")


def test_a_symbol_that_was_never_traded_is_a_line_of_dashes(many: dict[str, Any]) -> None:
    del many["per_symbol"]["ETH-USD"]
    line = by_symbol(many)[1]
    assert line.startswith("ETH-USD")
    assert line.count("—") == 4
    assert line.endswith("joined never")


def test_the_head_lists_as_many_symbols_as_fit(many: dict[str, Any]) -> None:
    head = ended(many)[3]
    assert "on BTC-USD, ETH-USD, SOL-USD, XRP-USD, ADA-USD and 5 more, 1d, 2020-04-10" in head
    many["strategy"] = "s" * 35
    assert "s on BTC-USD, ETH-USD and 8 more, 1d" in ended(many)[3]


def test_many_symbols_with_everything_amiss_stay_within_24_lines(many: dict[str, Any]) -> None:
    many["data"]["warnings"] *= 30
    many["pending_orders"] *= 10
    for name in NAMES[:3]:
        one = many["per_symbol"][name]
        one |= {"missed_bars": 12_345, "joined": "2021-02-03T00:00:00Z", "trades": 12_345}
        one["account"]["pnl_quote"] = metric(-123_456_789.0)
    lines = ended(many)
    assert len(lines) == 24
    assert max(len(line) for line in lines) <= WIDTH


def test_long_symbols_are_cut_where_they_would_crowd_the_numbers_out(many: dict[str, Any]) -> None:
    long = "1000000" * 10
    many["symbols"][0] = long
    many["per_symbol"][long] = many["per_symbol"][NAMES[0]]
    lines = ended(many)
    assert max(len(line) for line in lines) <= WIDTH
    assert by_symbol(many)[0].endswith("trades 61")


def test_what_the_verdict_warns_of_comes_before_what_the_data_do() -> None:
    metrics = make_metrics()
    metrics["simulated"] = False
    leak = "61.0% of its calls came true"
    metrics["verdict"] = {
        "grade": "weak", "reasons": [], "warnings": ["The prices are simulated: no market", leak],
    }  # fmt: skip
    text = summary(metrics, run_folder="r", tearsheet="t")
    assert f"Warning: {leak} (and 1 more in the tearsheet)" in text
