"""Sections on significance, direction, robustness, attribution, risk and trades."""

import re
from copy import deepcopy
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core import columns
from cryptobt.reports.account_figures import equity_panel, random_band
from cryptobt.reports.attribution_section import attribution_section, waterfall_panel
from cryptobt.reports.direction_figures import calibration_panel, direction_panels
from cryptobt.reports.direction_section import direction_section
from cryptobt.reports.forecast_figures import forecast_panels, matched_forecasts
from cryptobt.reports.risk_figures import returns_panel
from cryptobt.reports.risk_section import risk_section
from cryptobt.reports.robustness_figures import robustness_panels
from cryptobt.reports.robustness_section import robustness_section
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.significance import forecast_tests, significance_tables
from cryptobt.reports.trades_section import trades_section

from .synthetic import SYMBOL, make_metrics, make_trades, metric


@pytest.fixture
def metrics() -> dict[str, Any]:
    return deepcopy(make_metrics())


def text_of(html: str) -> str:
    """What a person reads, tags away."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def row(html: str, name: str) -> list[str]:
    """Cells of the row of a table, without tags; an interval in brackets."""
    found = re.search(rf'<tr><th scope="row">{re.escape(escape(name))}</th>(.*?)</tr>', html)
    assert found is not None, name
    html = re.sub(r'<span class="(?:interval|unseen)">(.*?)</span>', r" [\1]", found[1])
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", html)]


def test_every_measure_of_significance_has_a_value_or_its_reason(metrics: dict[str, Any]) -> None:
    html = significance_tables(metrics)
    assert row(html, "Deflated Sharpe ratio")[0] == "0.711"
    assert row(html, "Excess return a year")[0] == "2.1% [-6.9% to 11.1%]"
    assert "size that follows volatility" in html
    reason = "the Sharpe ratio is too near zero"
    last = html[html.index("The account less its twin") :]
    assert row(last, "Bars needed") == [f"— [ {reason}]", reason]
    assert "The trial ledger holds 12, the recipe's floor is 5." in html


def test_a_ledger_that_is_off_and_a_larger_floor_are_said(metrics: dict[str, Any]) -> None:
    metrics["significance"]["trials"] |= {"counted": None, "n": 1, "floor": 1}
    assert "best of 1 setting tried" in significance_tables(metrics)
    assert "ledger was off; the floor of 1 was taken" in significance_tables(metrics)
    metrics["significance"]["trials"] |= {"counted": 3, "n": 100, "floor": 100}
    assert "floor is 100; the floor is larger." in significance_tables(metrics)


def test_overfitting_that_was_not_measured_is_one_sentence(metrics: dict[str, Any]) -> None:
    metrics["significance"]["pbo"]["value"] = metric(None, reason="one trial")
    assert "Overfitting was not measured: one trial." in significance_tables(metrics)


def test_forecast_tests_give_p_values_or_reasons(metrics: dict[str, Any]) -> None:
    html = forecast_tests(metrics)
    assert row(html, "Pesaran–Timmermann")[:2] == ["1.31", "0.095"]
    assert row(html, "Clark–West")[-1] == "no forecast of a return"
    assert row(html, "Brier score")[0] == "0.2498"
    for name in ("brier", "crps"):
        metrics["significance"][name] = metric(None, reason="no probabilities")
    metrics["significance"]["pinball"] = {}
    assert "The forecasts have no scores: no probabilities." in forecast_tests(metrics)


def test_the_confusion_matrix_counts_calls_against_outcomes(metrics: dict[str, Any]) -> None:
    metrics["rows"]["strategy"]["direction"] |= {"tp": 20, "fp": 10, "fn": 5, "tn": 15, "n": 50}
    metrics["rows"]["strategy"]["direction"]["abstained"] = 7
    html = direction_section(metrics, [])
    assert row(html, "called up") == ["20 [40.0%, right]", "10 [20.0%, wrong]"]
    assert row(html, "called down") == ["5 [10.0%, wrong]", "15 [30.0%, right]"]
    assert "50 calls; 7 bars without a call" in html


def test_both_classes_have_precision_recall_and_f1(metrics: dict[str, Any]) -> None:
    metrics["rows"]["strategy"]["direction"]["down"]["recall"] = metric(0.481, 0.05)
    html = direction_section(metrics, [])
    assert row(html, "up") == ["52.1%", "52.1%", "52.1%"]
    assert row(html, "down")[1] == "48.1% [43.1% to 53.1%]"


def test_without_a_call_the_matrix_is_a_sentence(metrics: dict[str, Any]) -> None:
    metrics["rows"]["strategy"]["direction"]["n"] = 0
    assert "called no direction whose outcome is known" in direction_section(metrics, [])


def test_calibration_counts_the_ranges_that_hold_what_was_said(sheet: Sheet) -> None:
    panel = calibration_panel(sheet)
    # Half widths .98/sqrt(n): said .37, came .44 ± .153 holds; .71, came .60 ± .185 holds; .62,
    # came .54 ± .086 holds; .46, came .49 ± .071 and .53, came .52 ± .056 hold, too.
    assert "5 of 5 ranges hold the probability that was said" in panel.svg


@pytest.mark.parametrize("bins", [None, [], [{"said": None, "came": float("nan")}]])
def test_calibration_without_numbers_is_a_sentence(sheet: Sheet, bins: Any) -> None:
    panel = calibration_panel(replace(sheet, metrics={"calibration": bins}))
    assert panel.absent == "Not drawn: no probability was calibrated and judged."


def test_a_rolling_hit_rate_needs_more_calls_than_it_looks_back_over(sheet: Sheet) -> None:
    matched = matched_forecasts(sheet)
    *_, rolling = direction_panels(sheet, matched.iloc[:250])
    assert "250 calls are too few; more than 250 are needed" in rolling.absent
    *_, rolling = direction_panels(sheet, matched)
    assert "binomial 95% range" in rolling.caption


def test_the_caption_of_the_ranges_says_how_many_returns_lie_outside(sheet: Sheet) -> None:
    matched = matched_forecasts(sheet)
    known = matched.dropna(subset=["q05", "q95"])
    below = (known["realised"] < known["q05"]).mean()
    _, ranges = forecast_panels(sheet, matched)
    assert f"{100 * below:.1f}% of the returns lie below their range" in ranges.caption
    _, ranges = forecast_panels(sheet, matched.assign(q05=np.nan))
    assert ranges.absent == "Not drawn: no range of returns was calibrated."


def test_robustness_shows_every_test(metrics: dict[str, Any]) -> None:
    html = robustness_section(metrics)
    assert row(html, "Sharpe ratio is that of buy and hold") == ["18.2 bps"]
    assert row(html, "Filled 1 bar later") == ["0.51", "22.0%"]
    assert row(html, "Without its best 5 days") == ["0.20", "8.0%"]
    assert row(html, "Seed 2 alone") == ["0.80", "20.0%"]
    assert "Sharpe ratios spread by 0.10" in html
    assert row(html, "2021") == ["365", "0.90", "0.40", "1.30", "36.0%", "16.0%", "65.0%"]
    assert "Bull: close above its mean of 200 bars; bear: below it" in html
    assert "p = 0.214" in html


def test_a_run_that_was_not_put_to_the_test_says_why(metrics: dict[str, Any]) -> None:
    metrics["robustness"] = {"reason": "30 bars are too few"}
    assert "Not put to the test: 30 bars are too few." in robustness_section(metrics)


def test_a_document_with_reasons_in_place_of_numbers_still_renders(metrics: dict[str, Any]) -> None:
    found = metrics["robustness"]
    for name in ("break_even_bps", "break_even_excess_bps", "break_even_holding_bps"):
        found[name] = metric(None, reason="more than 500 bps")
    found["random"]["p_value"] = metric(None, reason="no trade")
    found["seeds"], found["periods"], found["regimes"], found["without_best"] = [], [], [], []
    found["delay"] = None
    for point in found["costs"]:
        point["sharpe"] = dict.fromkeys(point["sharpe"])
    html = robustness_section(metrics)
    assert "more than 500 bps" in html
    assert "By period" not in html


def test_without_draws_or_costs_the_figures_say_so(metrics: dict[str, Any]) -> None:
    metrics["robustness"] |= {"costs": [], "random": {}}
    assert [panel.absent for panel in robustness_panels(metrics)] == [
        "Not drawn: costs were not varied in this run.",
        "Not drawn: no random strategies were drawn in this run.",
    ]


def test_the_band_of_random_strategies_lies_under_the_accounts(sheet: Sheet) -> None:
    assert len(random_band(sheet)) == 140
    assert "nine of ten strategies stood" in equity_panel(sheet).caption
    bare = replace(sheet, metrics={})
    assert random_band(bare).empty
    assert "nine of ten" not in equity_panel(bare).caption


def test_the_waterfall_names_gross_costs_and_net(metrics: dict[str, Any]) -> None:
    html = attribution_section(metrics)
    assert row(html, "timing")[0] == "4.2% [-5.8% to 14.2%]"
    said = "gross 21.4%, fees -2.9%, slippage -1.5%, funding 0.0%, net 17.0%."
    assert said in waterfall_panel(metrics).svg


def test_a_part_that_does_not_exist_leaves_the_table_and_no_waterfall(
    metrics: dict[str, Any],
) -> None:
    metrics["attribution"]["timing"] = metric(None, reason="the account was lost")
    assert waterfall_panel(metrics).absent == "Not drawn: the account was lost."
    assert row(attribution_section(metrics), "timing")[0] == "— [ the account was lost]"


def test_risk_shows_tails_tests_and_drawdowns(sheet: Sheet, metrics: dict[str, Any]) -> None:
    html = risk_section(metrics, returns_panel(sheet))
    assert row(html, "95%") == ["3.12%", "4.81%"]
    assert row(html, "Worst month") == ["-21.3%", "2020-06"]
    assert row(html, "Forecaster's")[:4] == ["650", "37", "5.7% [3.9% to 7.5%]", "-8.10%"]
    assert row(html, "2")[3] == "— [ not recovered by the end]"
    assert "all symbols together" not in html
    metrics["risk"]["quantile"] = {"n": 0}
    html = risk_section(metrics, returns_panel(sheet))
    assert "Forecaster's" not in html


def test_too_few_returns_are_not_drawn(sheet: Sheet) -> None:
    panel = returns_panel(replace(sheet, results={}))
    assert panel.absent == "Not drawn: 0 bars with a return are too few; 30 are needed."


def with_trades(sheet: Sheet, count: int) -> str:
    result = sheet.results["strategy"]
    trades = make_trades(sheet.bars[SYMBOL], count)
    return trades_section(replace(result, trades=trades))


def test_few_trades_are_all_listed_newest_first(sheet: Sheet) -> None:
    html = with_trades(sheet, 3)
    assert re.findall(r'<th scope="row">(\d+)</th>', html) == ["3", "2", "1"]
    assert "3 round trips" in text_of(html)
    assert "1 still open" in text_of(html)
    assert row(html, "3")[1] == "— [ still open]"
    assert "Largest wins" not in html


def test_of_many_trades_the_newest_and_the_extremes_are_listed(sheet: Sheet) -> None:
    html = with_trades(sheet, 130)
    assert "130 round trips" in text_of(html)
    assert "Newest first (50)" in html
    wins = html[html.index("<summary>Largest wins (25)") : html.index("<summary>Largest losses")]
    profits = [float(row(wins, number)[-1].replace(",", "")) for number in re.findall(
        r'<th scope="row">(\d+)</th>', wins)]  # fmt: skip
    assert profits == sorted(profits, reverse=True)
    assert len(profits) == 25
    assert min(profits) > 0


def test_no_trade_is_a_sentence(sheet: Sheet) -> None:
    none = pd.DataFrame(columns=list(columns.TRADES))
    html = trades_section(replace(sheet.results["strategy"], trades=none))
    assert html == trades_section(None) == '<p class="absent">No trade was made.</p>'
