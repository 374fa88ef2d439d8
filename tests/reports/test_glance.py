from copy import deepcopy
from typing import Any

import pytest

from cryptobt.reports.glance import findings, headline, lead_over

from .synthetic import make_metrics, metric
from .synthetic_many import NAMES, make_many_metrics, make_markets


@pytest.fixture
def metrics() -> dict[str, Any]:
    return deepcopy(make_metrics())


def set_lead(metrics: dict[str, Any], value: float | None, half: float = 0.1) -> None:
    """Put the strategy this much ahead of trend_only, whose Sharpe ratio is 0.79."""
    ours = None if value is None else 0.79 + value
    metrics["rows"]["strategy"]["performance"]["sharpe"] = metric(ours, 0.9, "no variance")
    metrics["comparison"]["sharpe_minus_trend_only"] = metric(value, half, "no variance")


def set_accuracy(metrics: dict[str, Any], value: float, half: float = 0.01) -> None:
    metrics["rows"]["strategy"]["direction"]["accuracy"] = metric(value, half)


def said(metrics: dict[str, Any]) -> str:
    return " ".join(finding.text for finding in findings(metrics))


def test_a_lead_whose_interval_holds_zero_is_called_chance(metrics: dict[str, Any]) -> None:
    set_lead(metrics, 0.05, half=0.1)
    assert "no further than chance" in headline(metrics).text
    assert "by 0.05 Sharpe (0.84 against 0.79; difference 0.05 [-0.05, 0.15])" in said(metrics)
    assert "the interval holds zero" in said(metrics)


def test_a_lead_clear_of_zero_is_worth_a_look_and_no_more(metrics: dict[str, Any]) -> None:
    set_lead(metrics, 0.3, half=0.1)
    answer = headline(metrics)
    assert answer.tone == "good"
    assert "worth a harder look" in answer.text
    assert "the whole interval is on its side" in said(metrics)


def test_behind_the_row_to_beat_the_network_adds_nothing(metrics: dict[str, Any]) -> None:
    set_lead(metrics, -0.16)
    assert headline(metrics).tone == "bad"
    assert "behind trend_only by 0.16 Sharpe" in said(metrics)
    assert "what the network learnt adds nothing visible over the trend" in said(metrics)


def test_without_a_network_none_is_blamed(metrics: dict[str, Any]) -> None:
    set_lead(metrics, -0.16)
    metrics["rows"]["network_only"]["performance"]["sharpe"] = metric(None)
    assert "the strategy adds nothing visible" in said(metrics)
    assert "network" not in said(metrics)


def test_what_rounds_to_no_difference_is_level(metrics: dict[str, Any]) -> None:
    set_lead(metrics, 0.002)
    assert "level with trend_only by Sharpe (0.79 against 0.79" in said(metrics)
    assert headline(metrics).tone == "bad"


def test_an_absent_sharpe_is_no_verdict(metrics: dict[str, Any]) -> None:
    set_lead(metrics, None)
    metrics["comparison"]["sharpe_minus_buy_and_hold"] = metric(None)
    assert lead_over(metrics, "trend_only").size is None
    assert headline(metrics).tone == "warn"
    assert "no variance" in headline(metrics).text
    assert "The strategy cannot be compared with buy_and_hold" in said(metrics)


def test_no_trades_leave_nothing_to_judge(metrics: dict[str, Any]) -> None:
    metrics["rows"]["strategy"]["performance"]["trades"] = 0
    assert "nothing to judge" in headline(metrics).text


def test_accuracy_must_beat_the_coin_and_always_up(metrics: dict[str, Any]) -> None:
    set_accuracy(metrics, 0.521)
    assert "above a coin's 50%, but not clearly better than always saying up (51.6%)" in said(
        metrics
    )
    set_accuracy(metrics, 0.535)
    assert "above a coin's 50%, and the whole interval is above always saying up" in said(metrics)
    set_accuracy(metrics, 0.49)
    assert "not clearly better than a coin's 50%, and not clearly better" in said(metrics)


def test_accuracy_above_57_per_cent_is_suspect(metrics: dict[str, Any]) -> None:
    set_accuracy(metrics, 0.57)
    assert "suspect" not in said(metrics)
    set_accuracy(metrics, 0.571)
    assert "suspect that something saw the future" in said(metrics)


def test_few_decisions_are_said(metrics: dict[str, Any]) -> None:
    assert "decisions" not in said(metrics)
    metrics["decisions"] = 249
    assert "Only 249 decisions" in said(metrics)


def test_rejected_orders_are_said(metrics: dict[str, Any]) -> None:
    assert "3 orders were rejected" in said(metrics)
    metrics["orders"]["rejected"] = 0
    assert "rejected" not in said(metrics)


def test_empty_metrics_still_speak() -> None:
    assert headline({}).tone == "warn"
    assert findings({})


@pytest.fixture
def many() -> dict[str, Any]:
    return make_many_metrics(make_markets(NAMES[:3], 800))


def set_profits(metrics: dict[str, Any], *profits: float | None) -> None:
    for one, profit in zip(metrics["per_symbol"].values(), profits, strict=True):
        one["account"]["pnl_quote"] = metric(profit)


def test_accuracy_of_several_symbols_is_said_to_be_of_all(
    metrics: dict[str, Any], many: dict[str, Any]
) -> None:
    assert "52.1% of the directions right, all symbols together: the whole" in said(many)
    assert "together" not in said(metrics)


def test_a_profit_that_one_symbol_made_alone_is_said(many: dict[str, Any]) -> None:
    set_profits(many, 900.0, -300.0, -50.0)
    assert (
        "All of the profit came from BTC-USD: the trades of the other symbols came to -350 together"
    ) in said(many)


@pytest.mark.parametrize(
    "profits", [(900.0, 10.0, -5.0), (100.0, -80.0, -90.0), (900.0, None, None)]
)
def test_a_shared_profit_a_loss_or_an_unknown_one_is_not(
    many: dict[str, Any], profits: tuple[float | None, ...]
) -> None:
    set_profits(many, *profits)
    assert "All of the profit" not in said(many)


def test_symbols_that_could_never_be_traded_are_named(many: dict[str, Any]) -> None:
    assert "At no decision" not in said(many)
    many["per_symbol"]["SOL-USD"]["joined"] = None
    assert "At no decision could these be traded: SOL-USD." in said(many)


def test_an_account_that_owes_is_lost_whatever_its_lead(metrics: dict[str, Any]) -> None:
    set_lead(metrics, 0.3, half=0.1)
    metrics["rows"]["strategy"]["performance"]["max_drawdown"] = metric(-1.02)
    assert headline(metrics).text == "The account was lost in full."
    assert headline(metrics).tone == "bad"
