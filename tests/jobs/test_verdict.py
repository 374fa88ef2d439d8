"""The verdict: each rule turned by one number, the grades, and two runs whose skill is known."""

import copy
from typing import Any

import numpy as np
import pytest

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.jobs.alternatives import SAME
from cryptobt.jobs.evidence import Evidence
from cryptobt.jobs.measure import Measures
from cryptobt.jobs.paper_ways import paper_ways
from cryptobt.jobs.rows import NO_NETWORK, run_rows
from cryptobt.jobs.trials import TrialCount
from cryptobt.jobs.verdict import TEXTS, verdict
from cryptobt.metrics.break_even import OUTLASTS
from cryptobt.metrics.sharpe import NOT_ABOVE_ZERO
from cryptobt.strategies.base import SignalStrategy
from tests.backtests.accounts import trader_of
from tests.jobs.test_significance import NO_PBO
from tests.jobs.traded import NEEDED_BARS, coin, made, named

WEAK = ["same_exposure", "random", "fills", "trend_only"]
STRONG = ["trials", "direction", "break_even", "record"]


def number(value: float | None, low: float | None = None, high: float | None = None,
           reason: str | None = None, level: float | None = 0.95) -> dict[str, Any]:  # fmt: skip
    level = None if low is None else level
    return {"value": value, "low": low, "high": high, "level": level, "reason": reason}


def row(ratio: float | None, reason: str | None = None) -> dict[str, Any]:
    return {"performance": {"sharpe": number(ratio, reason=reason)}}


GOOD: dict[str, Any] = {
    "simulated": False,
    "interval": "1d",
    "rows": {
        "strategy": row(2.0) | {"direction": {"accuracy": number(0.55), "n": 1000}},
        "network_only": row(1.5), "trend_only": row(1.0), "buy_and_hold": row(0.9),
        "buy_and_hold_vol_target": row(0.8), "sma_trend": row(0.7), "momentum": row(0.6),
    },
    "comparison": {"sharpe_minus_trend_only": number(1.0, 0.2, 1.8)},
    "orders": {"filled": 300},
    "data": {"quarantined": []},
    "significance": {
        "bars": 2000,
        "trials": {"n": 100, "ledger": True},
        "excess": {"mean": number(0.2, 0.1, 0.3), "dsr": number(0.97),
                   "min_track_record_bars": number(800.0)},
        "pesaran_timmermann": {"p_value": number(0.01)},
    },
    "robustness": {
        "reason": None, "assumed_bps": 15.0, "break_even_excess_bps": number(50.0),
        "random": {"draws": 999, "p_value": number(0.004)},
    },
}  # fmt: skip


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The good document with the values at some paths, such as ``orders.filled``, replaced."""
    document = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *way, last = path.split(".")
        part = document
        for key in way:
            part = part[key]
        part[last] = value
    return document


def rules(found: dict[str, Any]) -> dict[str, bool | None]:
    return {reason["rule"]: reason["holds"] for reason in found["reasons"]}


def text(found: dict[str, Any], rule: str) -> str:
    (said,) = [reason["text"] for reason in found["reasons"] if reason["rule"] == rule]
    return str(said)


def test_where_every_rule_holds_there_is_evidence() -> None:
    found = verdict(GOOD)
    assert list(found) == ["grade", "text", "reasons", "warnings"]
    assert (found["grade"], found["text"]) == ("evidence", "evidence of skill")
    assert rules(found) == dict.fromkeys([*WEAK, *STRONG, "baselines"], True)
    assert found["warnings"] == []


EXCESS, RANDOM = "significance.excess", "robustness.random"
BREAK_EVEN = "robustness.break_even_excess_bps"
# Rule, what is changed, whether it holds then
EDGES: list[tuple[str, dict[str, Any], bool | None]] = [
    ("same_exposure", {f"{EXCESS}.mean": number(0.2, 1e-9, 0.4)}, True),
    ("same_exposure", {f"{EXCESS}.mean": number(0.2, 0.0, 0.4)}, False),
    ("same_exposure", {f"{EXCESS}.mean": number(-0.1, -0.3, -0.05)}, False),
    ("same_exposure", {f"{EXCESS}.mean": number(None, reason=SAME)}, False),
    ("same_exposure", {f"{EXCESS}.mean": number(0.2)}, None),
    ("same_exposure", {f"{EXCESS}.mean": number(0.2, 0.1, 0.3, level=0.6)}, None),
    ("random", {f"{RANDOM}.p_value": number(0.05)}, True),
    ("random", {f"{RANDOM}.p_value": number(0.051)}, False),
    ("random", {f"{RANDOM}.p_value": number(None, reason="too few decisions")}, None),
    ("random", {"robustness": {"reason": "robustness.enabled is false"}}, None),
    ("fills", {"orders.filled": 30}, True),
    ("fills", {"orders.filled": 29}, False),
    ("fills", {"orders.filled": None}, False),
    ("trend_only", {"comparison.sharpe_minus_trend_only": number(0.5, 0.01, 1.0)}, True),
    ("trend_only", {"comparison.sharpe_minus_trend_only": number(0.5, -0.01, 1.0)}, False),
    ("trend_only", {"comparison.sharpe_minus_trend_only": number(0.5)}, None),
    ("trend_only", {"comparison.sharpe_minus_trend_only": number(None, reason="lost")}, None),
    ("trials", {f"{EXCESS}.dsr": number(0.95)}, True),
    ("trials", {f"{EXCESS}.dsr": number(0.949)}, False),
    ("trials", {f"{EXCESS}.dsr": number(None, reason="returns do not vary")}, None),
    ("trials", {"significance.trials.ledger": False}, None),
    ("direction", {"significance.pesaran_timmermann.p_value": number(0.05)}, True),
    ("direction", {"significance.pesaran_timmermann.p_value": number(0.06)}, False),
    ("direction", {"significance.pesaran_timmermann.p_value": number(None, reason="none")}, None),
    ("break_even", {BREAK_EVEN: number(30.0)}, True),
    ("break_even", {BREAK_EVEN: number(29.9)}, False),
    ("break_even", {"robustness.assumed_bps": 0.0, BREAK_EVEN: number(29.9)}, False),
    ("break_even", {"robustness.assumed_bps": 0.0, BREAK_EVEN: number(30.0)}, True),
    ("break_even", {"robustness.assumed_bps": 40.0, BREAK_EVEN: number(79.0)}, False),
    ("break_even", {BREAK_EVEN: number(None, reason=f"1,000 bps a fill {OUTLASTS}")}, True),
    ("break_even", {BREAK_EVEN: number(None, reason="nothing is left even without costs")}, False),
    ("break_even", {BREAK_EVEN: number(None, reason=SAME)}, None),
    ("break_even", {"robustness": {"reason": "robustness.enabled is false"}}, None),
    ("record", {f"{EXCESS}.min_track_record_bars": number(2000.0)}, True),
    ("record", {f"{EXCESS}.min_track_record_bars": number(2000.1)}, False),
    ("record", {f"{EXCESS}.min_track_record_bars": number(None, reason=NOT_ABOVE_ZERO)}, False),
    ("record", {f"{EXCESS}.min_track_record_bars": number(None, reason=SAME)}, None),
    ("baselines", {"rows.momentum": row(1.99)}, True),
    ("baselines", {"rows.momentum": row(2.0)}, False),
    ("baselines", {"rows.momentum": row(2.0), "strategy": "momentum"}, True),
    ("baselines", {"rows.strategy": row(None)}, None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "changes", "holds"), EDGES)
def test_each_rule_is_turned_by_its_own_number(
    rule: str, changes: dict[str, Any], holds: bool | None
) -> None:
    found = verdict(with_changes(changes))
    assert rules(found)[rule] is holds
    # What is missing, or does not hold, costs the grade; being ahead of every rule is no part.
    if holds or rule == "baselines":
        expected = "evidence"
    else:
        expected = "none" if rule in WEAK or "robustness" in changes else "weak"
    assert found["grade"] == expected


@pytest.mark.parametrize(("rule", "changes", "holds"), EDGES)
def test_a_reason_is_a_line_that_a_terminal_can_print(
    rule: str, changes: dict[str, Any], holds: bool | None
) -> None:
    for reason in verdict(with_changes(changes))["reasons"]:
        assert 20 < len(reason["text"]) <= 140, reason["text"]
        assert reason["text"][0].isupper() or reason["text"][0].isdigit()
        assert not reason["text"].endswith(".")


@pytest.mark.parametrize("rule", STRONG)
def test_weak_evidence_is_what_is_left_when_a_strong_rule_does_not_hold(rule: str) -> None:
    changes = next(c for name, c, holds in EDGES if name == rule and holds is False)
    found = verdict(with_changes(changes))
    assert (found["grade"], found["text"]) == ("weak", "weak evidence of skill")


# --- What needs which rule


def test_a_network_has_to_lead_the_known_trend_and_a_rule_does_not() -> None:
    behind = {"comparison.sharpe_minus_trend_only": number(-0.5, -1.0, 0.1)}
    assert verdict(with_changes(behind))["grade"] == "none"
    for network in (row(None, NO_NETWORK), {}):
        found = verdict(with_changes(behind | {"rows.network_only": network}))
        assert "trend_only" not in rules(found)
        assert found["grade"] == "evidence"


def test_a_network_that_cannot_be_measured_alone_still_has_to_lead_the_trend() -> None:
    lost = row(None, "the account was lost")
    found = verdict(with_changes({"rows.network_only": lost}))
    assert rules(found)["trend_only"] is True


def test_a_way_of_papers_costs_every_grade_and_is_named() -> None:
    settings = Settings.model_validate(
        {"features": {"scaler_sees": "everything"}, "walkforward": {"split": "single"}}
    )
    found = verdict(GOOD, paper_ways(settings))
    assert found["grade"] == "none"
    assert text(found, "honest") == (
        "It was tested in a way that can flatter it: features.scaler_sees=everything, "
        "walkforward.split=single"
    )
    assert "honest" not in rules(verdict(GOOD))


# --- The words


def test_the_words_of_a_good_run() -> None:
    found = verdict(GOOD)
    assert [text(found, rule) for rule in [*WEAK, *STRONG, "baselines"]] == [
        "After costs it earned 20.0% a year more than the same exposure without a forecast "
        "[10.0%, 30.0%]",
        "Of 999 strategies with its exposure and turnover at random times 3 did as well (p 0.4%)",
        "300 of its orders were filled; at least 30 are asked for",
        "Its Sharpe ratio less that of the known trend alone is 1.00 [0.20, 1.80]",
        "With probability 97.0% its lead is more than the best of 100 trials without skill would "
        "show (asked: 95%)",
        "Calls that know nothing would be right as often with probability 1.0% "
        "(Pesaran–Timmermann)",
        "Costs of 50 bps a fill use up its lead; asked for are 30, 2 times what is assumed",
        "The record has 2,000 bars; a lead this steady needs 800 to be told from luck, trials "
        "aside",
        "By Sharpe ratio it is ahead of trend_only, buy_and_hold, buy_and_hold_vol_target, "
        "sma_trend, momentum",
    ]


@pytest.mark.parametrize(
    ("rule", "changes", "expected"),
    [
        ("random", {f"{RANDOM}.p_value": number(0.001)}, "0 did as well (p 0.1%)"),
        ("random", {f"{RANDOM}.p_value": number(1.0)}, "999 did as well (p above 99.9%)"),
        ("same_exposure", {f"{EXCESS}.mean": number(-0.05, -0.1, 0.0)}, "earned 5.0% a year less"),
        ("same_exposure", {f"{EXCESS}.mean": number(None, reason=SAME)}, f"to see: {SAME}"),
        ("trials", {"significance.trials.n": 1}, "more than one trial without skill"),
        ("trials", {f"{EXCESS}.dsr": number(1e-9)}, "With probability below 0.1%"),
    ("break_even", {BREAK_EVEN: number(None, reason=f"1,000 bps a fill {OUTLASTS}")},
         "Even 1,000 bps a fill do not use it up; asked for are 30"),
        ("record", {f"{EXCESS}.min_track_record_bars": number(None, reason=NOT_ABOVE_ZERO)},
         "There is no lead that a longer record could confirm"),
        ("record", {f"{EXCESS}.min_track_record_bars": number(2000.01)}, "needs 2,001"),
        ("baselines", {"rows.trend_only": row(3.0)}, "momentum, not of trend_only"),
        ("baselines", {"rows.strategy": row(0.1)}, "ahead of none of the simpler rules"),
    ],
)  # fmt: skip
def test_the_words_say_what_was_found(rule: str, changes: dict[str, Any], expected: str) -> None:
    assert expected in text(verdict(with_changes(changes)), rule)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rows.strategy.direction": {"accuracy": number(0.571), "n": 100}}, "57.1% of its calls"),
        ({"simulated": True}, "The prices are simulated"),
        ({"data.quarantined": [{}, {}]}, "taken out of the data: 2"),
    ],
)
def test_what_else_is_to_be_known_is_a_warning(changes: dict[str, Any], expected: str) -> None:
    found = verdict(with_changes(changes))
    (warning,) = found["warnings"]
    assert expected in warning
    assert found["grade"] == "evidence"


def test_where_trials_are_not_counted_there_is_weak_evidence_at_most() -> None:
    found = verdict(with_changes({"significance.trials": {"n": 1, "ledger": False}}))
    (warning,) = found["warnings"]
    assert "Trials are not counted" in warning
    assert found["grade"] == "weak"


@pytest.mark.parametrize(("accuracy", "n"), [(0.57, 1000), (0.9, 99), (None, 1000)])
def test_few_calls_or_a_credible_accuracy_are_no_warning(accuracy: float | None, n: int) -> None:
    called = {"accuracy": number(accuracy), "n": n}
    assert verdict(with_changes({"rows.strategy.direction": called}))["warnings"] == []


# --- Documents in which little stands


def without(part: Any, key: str) -> Any:
    if isinstance(part, dict):
        return {name: without(child, key) for name, child in part.items() if name != key}
    return part


def nulls(part: Any) -> Any:
    return {name: nulls(child) for name, child in part.items()} if isinstance(part, dict) else None


@pytest.mark.parametrize(
    "document",
    [{}, nulls(GOOD), {name: None for name in GOOD}, *[without(GOOD, name) for name in (
        "rows", "significance", "excess", "mean", "random", "p_value", "draws", "value", "low",
        "reason", "robustness", "orders", "data", "trials", "performance", "level", "n")]],
)  # fmt: skip
def test_no_rule_fails_on_a_document_that_lacks_something(document: dict[str, Any]) -> None:
    found = verdict(document)
    assert found["grade"] in TEXTS
    assert len(found["reasons"]) >= 8
    assert all(reason["text"] for reason in found["reasons"])


def test_of_an_empty_document_nothing_is_said_to_hold() -> None:
    found = verdict({})
    assert found["grade"] == "none"
    assert not any(rules(found).values())


# --- Runs whose skill is known


def judge(market: MarketData, trader: Trader, settings: Settings) -> dict[str, Any]:
    """A run of the job without its files."""
    rows = run_rows([market], None, trader, settings)
    measures = Measures([market], None, rows, settings)
    counted = TrialCount(1, 1, 1, True, 1 / len(measures.times), "1/T", NO_PBO)
    table = measures.document(trader.spec.name, ())
    return Evidence(measures, trader.spec, counted).document(table)


QUICK: dict[str, Any] = {
    "metrics": {"bootstrap_draws": 200},
    "robustness": {"random_strategies": 200},
}


@pytest.mark.parametrize("name", ["buy_and_hold", "buy_and_hold_vol_target"])
@pytest.mark.parametrize("drift", [1.5, -1.0])
def test_holding_the_market_is_no_skill_whatever_it_earned(name: str, drift: float) -> None:
    market = coin(bars=800, strength=0.0, drift_per_year=drift)
    document = judge(market, named(name), made(**QUICK))
    earned = document["rows"]["strategy"]["performance"]["total_return"]["value"]
    assert earned > 1 if drift > 0 else earned < 0
    found = document["verdict"]
    assert found["grade"] == "none"
    assert rules(found)["same_exposure"] is False
    assert rules(found)["random"] is False
    assert rules(found)["break_even"] is None


def calling(calls: np.ndarray) -> Trader:
    """A strategy that calls these directions, one a bar, and holds while it calls up."""

    class Calling(SignalStrategy):
        def score(self, data: Any) -> float:
            return float(calls[len(data) - 1])

    return trader_of(Calling)


def coming(market: MarketData) -> np.ndarray:
    """What comes after each bar: 1 for a rise, -1 for none."""
    close = market.bars["close"].to_numpy()
    return np.append(np.where(close[1:] > close[:-1], 1.0, -1.0), 1.0)


def test_who_knows_tomorrow_has_evidence_and_is_suspected() -> None:
    market = coin(bars=800, strength=0.0)
    found = judge(market, calling(coming(market)), made(**QUICK))["verdict"]
    assert found["grade"] == "evidence"
    assert any("look for a leak" in warning for warning in found["warnings"])


def test_who_draws_lots_has_no_evidence() -> None:
    market = coin(bars=800, strength=0.0, drift_per_year=1.0)
    lots = np.random.default_rng(5).permutation(coming(market))
    found = judge(market, calling(lots), made(**QUICK))["verdict"]
    assert found["grade"] == "none"
    assert rules(found)["direction"] is False


def test_a_run_of_few_bars_has_no_evidence_and_every_reason() -> None:
    market = coin(bars=NEEDED_BARS + 4)
    found = judge(market, named("momentum"), made(**QUICK))["verdict"]
    assert found["grade"] == "none"
    assert [reason["rule"] for reason in found["reasons"]] == [
        "same_exposure", "random", "fills", *STRONG, "baselines",
    ]  # fmt: skip
    assert all(len(reason["text"]) <= 140 for reason in found["reasons"])
