"""The page of two runs: one file, everything escaped, the same bytes every time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.reports.comparison_page import render_comparison
from cryptobt.reports.comparison_terminal import comparison_summary

METRIC = {"unit": "ratio", "low": None, "high": None, "level": None, "reason": None}


def metric(value: float | None, low: float | None = None, high: float | None = None) -> Any:
    level = None if low is None else 0.95
    reason = "returns do not vary" if value is None else None
    return {**METRIC, "value": value, "low": low, "high": high, "level": level, "reason": reason}


def document(**changed: Any) -> dict[str, Any]:
    """Two runs of which the first has a better Sharpe ratio, surely, and grew more, perhaps."""
    run = {"created_at": "x", "symbols": ["BTC-USD"], "first": "2020-01-01T00:00:00Z",
           "last": "2020-12-31T00:00:00Z", "verdict": "none", "folder": "f"}  # fmt: skip
    pair = {"a": metric(0.2), "b": metric(0.1), "difference": metric(0.1)}
    names = ("sharpe", "cagr", "total_return", "volatility", "max_drawdown")
    metrics = {
        **dict.fromkeys(names, pair),
        "sharpe": {**pair, "difference": metric(1.5, 0.5, 2.5)},
        "cagr": {**pair, "difference": metric(0.1, -0.2, 0.4)},
    }
    own = ("accuracy", "turnover_per_year", "exposure", "fees_quote", "slippage_quote", "trades")
    return {
        "schema": 1,
        "a": {**run, "run_id": "aaaa0001", "strategy": "momentum"},
        "b": {**run, "run_id": "bbbb0002", "strategy": "sma_trend", "verdict": None},
        "simulated": False,
        "interval": "1d",
        "first": "2020-01-01T00:00:00Z",
        "last": "2020-12-31T00:00:00Z",
        "bars": 366,
        "metrics": metrics,
        "own": {name: {"a": metric(1.0), "b": None} for name in own},
        "differs": [{"key": "costs.fee_bps", "a": 10.0, "b": None}],
        **changed,
    }


def equity(days: int = 366) -> pd.DataFrame:
    drawn = np.random.default_rng(0).normal(0.001, 0.02, (days, 2))
    index = pd.date_range("2020-01-02", periods=days, freq="D", tz="UTC")
    return pd.DataFrame(10_000 * (1 + drawn).cumprod(axis=0), index, columns=["a", "b"])


def test_equal_documents_give_equal_pages_that_ask_for_nothing() -> None:
    page = render_comparison(document(), equity())
    assert page == render_comparison(document(), equity())
    for outside in ('src="http', 'href="http', "@import", "url(http"):
        assert outside not in page


def test_a_difference_is_said_with_its_interval() -> None:
    said = (
        "Sharpe ratio: A less B is 1.50, 95 % interval [0.50, 2.50]: "
        "A is better by more than noise."
    )
    luck = (
        "Growth a year: A less B is 10.0%, 95 % interval [-20.0%, 40.0%]: "
        "nothing that luck could not do."
    )
    page, text = render_comparison(document(), equity()), comparison_summary(document(), page="p")
    for sentence in (said, luck):
        assert sentence in page
        assert sentence in text.splitlines()
    assert f'<li class="good">{said}' in page
    assert f'<li class="warn">{luck}' in page


def test_what_was_done_differently_is_listed_as_it_is_set() -> None:
    page, text = render_comparison(document(), equity()), comparison_summary(document(), page="p")
    assert "<td>10.0</td><td>none</td>" in page
    assert "costs.fee_bps: 10.0 against none" in text
    same = document(differs=[])
    assert "are the same." in render_comparison(same, equity())
    assert "are the same." in comparison_summary(same, page="p")


def test_names_from_files_are_escaped() -> None:
    bad = "<script>alert('x')</script>$title"
    run = {**document()["a"], "strategy": bad, "symbols": [bad], "verdict": bad}
    page = render_comparison(
        document(a=run, differs=[{"key": bad, "a": bad, "b": [bad]}]), equity()
    )
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_numbers_that_do_not_exist_are_dashes_with_their_reason() -> None:
    nothing = {"a": metric(None), "b": metric(None), "difference": metric(None)}
    names = document()["metrics"]
    page = render_comparison(document(metrics=dict.fromkeys(names, nothing)), equity())
    assert '<td title="returns do not vary">—</td>' in page
    assert "no difference, returns do not vary" in page


@pytest.mark.parametrize("days", [3, 5000])
def test_short_and_long_accounts_are_drawn(days: int) -> None:
    page = render_comparison(document(), equity(days))
    assert "Growth of one: A " in page
    assert len(page) < 400_000


def test_an_account_that_was_lost_is_not_drawn() -> None:
    curves = equity()
    curves.iloc[-5:, 0] = 0.0
    assert "an account was lost in full" in render_comparison(document(), curves)


def test_a_simulated_market_is_said_across_the_page() -> None:
    assert "SIMULATED MARKET" in render_comparison(document(simulated=True), equity())
    assert "SIMULATED MARKET" in comparison_summary(document(simulated=True), page="p")
