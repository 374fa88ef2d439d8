"""What the numbers say in plain words, by fixed rules; never a claim of skill."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from cryptobt.reports.numbers import (
    ROW_TO_BEAT,
    Measure,
    count,
    day_of,
    direction,
    format_amount,
    format_interval,
    format_percent,
    format_ratio,
    lookup,
    measure,
    of_symbol,
    performance,
    symbols,
)

FEW_DECISIONS = 250
SUSPECT_ACCURACY = 0.57
FEW_FOR_ACCURACY = 100
"""Decisions below which chance alone often calls more than that right."""
LEVEL_SHARPE = 0.005

Tone = Literal["good", "bad", "warn", "plain"]


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether it speaks for or against the strategy."""

    tone: Tone
    text: str


@dataclass(frozen=True)
class Lead:
    """How far the strategy's Sharpe ratio is from another row's.

    Attributes
    ----------
    row : str
        The other row.
    strategy, other : Measure
        The two Sharpe ratios.
    difference : Measure
        Strategy less the other, with the interval of the paired bootstrap: both accounts lived
        through the same days, so the difference is far better known than either ratio.
    """

    row: str
    strategy: Measure
    other: Measure
    difference: Measure

    @property
    def size(self) -> float | None:
        """The difference; None where one of the two is absent."""
        return self.difference.value

    @property
    def ahead(self) -> bool:
        """Whether the strategy is ahead by more than rounding."""
        return self.size is not None and self.size > LEVEL_SHARPE

    @property
    def level(self) -> bool:
        """Whether the two agree within rounding."""
        return self.size is not None and abs(self.size) <= LEVEL_SHARPE

    @property
    def clear(self) -> bool:
        """Whether the whole interval of the difference lies on one side of zero."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and (low > 0 or high < 0)


def lead_over(metrics: dict[str, Any], row: str) -> Lead:
    """Compare the Sharpe ratios of the strategy and another row."""
    strategy = performance(metrics, "strategy", "sharpe")
    other = performance(metrics, row, "sharpe")
    return Lead(row, strategy, other, measure(metrics, "comparison", f"sharpe_minus_{row}"))


def describe_lead(lead: Lead) -> str:
    """Say by how much the strategy is ahead of, level with or behind a row."""
    if lead.size is None:
        reason = lead.strategy.reason or lead.other.reason or lead.difference.reason
        return f"cannot be compared with {lead.row} by Sharpe ratio ({reason})"
    ends = format_interval(lead.difference, format_ratio)
    known = f"; difference {format_ratio(lead.size)} {ends}" if ends else ""
    ratios = (
        f"({format_ratio(lead.strategy.value)} against {format_ratio(lead.other.value)}{known})"
    )
    if lead.level:
        return f"level with {lead.row} by Sharpe {ratios}"
    side = "ahead of" if lead.ahead else "behind"
    return f"{side} {lead.row} by {format_ratio(abs(lead.size))} Sharpe {ratios}"


def headline(metrics: dict[str, Any]) -> Finding:
    """Answer in one sentence whether the strategy shows anything beyond the row to beat."""
    lead = lead_over(metrics, ROW_TO_BEAT)
    if performance(metrics, "strategy", "trades").value == 0:
        return Finding("bad", "No trade was made: there is nothing to judge.")
    if _lost(metrics):
        return Finding("bad", "The account was lost in full.")
    if lead.size is None:
        return Finding("warn", "It cannot be said whether this is worth anything: " + _no_row(lead))
    if not lead.ahead:
        return Finding("bad", "Nothing to see: not ahead of the row to beat.")
    if not lead.clear:
        return Finding("warn", "Ahead of the row to beat, but no further than chance can carry it.")
    return Finding("good", "Ahead of the row to beat by more than chance: worth a harder look.")


def _lost(metrics: dict[str, Any]) -> bool:
    deepest = performance(metrics, "strategy", "max_drawdown").value
    return deepest is not None and deepest <= -1


def _no_row(lead: Lead) -> str:
    reason = lead.strategy.reason or lead.other.reason
    return f"there is no Sharpe ratio to compare with {lead.row} ({reason})."


def findings(metrics: dict[str, Any], said: Collection[str] = ()) -> list[Finding]:
    """Collect what a reader should know before the tables, most important first.

    Parameters
    ----------
    said : collection of str
        Topics, keys of the findings, that the page says in another place already.
    """
    found = [finding(metrics) for topic, finding in _FINDINGS.items() if topic not in said]
    return [finding for finding in found if finding]


def _against_trend(metrics: dict[str, Any]) -> Finding:
    lead = lead_over(metrics, ROW_TO_BEAT)
    if lead.size is None:
        return Finding("warn", f"The strategy {describe_lead(lead)}.")
    said = f"The strategy is {describe_lead(lead)}"
    if not lead.ahead:
        return Finding("bad", f"{said}: {_learner(metrics)} adds nothing visible over the trend.")
    if not lead.difference.has_interval:
        return Finding("warn", f"{said}, with no interval to judge the lead by.")
    return _judged(lead, said)


def _judged(lead: Lead, said: str) -> Finding:
    if lead.clear:
        return Finding("good", f"{said}: the whole interval is on its side.")
    return Finding("warn", f"{said}: the interval holds zero, so it may be chance.")


def _learner(metrics: dict[str, Any]) -> str:
    learnt = performance(metrics, "network_only", "sharpe").value is not None
    return "what the network learnt" if learnt else "the strategy"


def _against_holding(metrics: dict[str, Any]) -> Finding:
    lead = lead_over(metrics, "buy_and_hold")
    if lead.size is None:
        return Finding("warn", f"The strategy {describe_lead(lead)}.")
    said = f"The strategy is {describe_lead(lead)}"
    if not lead.ahead:
        return Finding("bad", f"{said}, which needs no forecast.")
    return _judged(lead, said)


def _accuracy(metrics: dict[str, Any]) -> Finding:
    accuracy = direction(metrics, "strategy", "accuracy")
    if accuracy.value is None:
        return Finding("warn", f"There is no accuracy of direction: {accuracy.reason}.")
    said = f"The strategy called {format_percent(accuracy.value)} of the directions right"
    if len(symbols(metrics)) > 1:
        said += ", all symbols together"
    if accuracy.low is None:
        return Finding("warn", f"{said}; there is no interval to judge that by.")
    always = direction(metrics, "always_up", "accuracy").value
    coin = _side(accuracy.low, 0.5, "a coin's 50%")
    if always is None:
        return Finding("good" if accuracy.low > 0.5 else "bad", f"{said}: {coin}.")
    up = _side(accuracy.low, always, f"always saying up ({format_percent(always)})")
    above = (accuracy.low > 0.5, accuracy.low > always)
    joined = "and" if above[0] == above[1] else "but"
    return Finding("good" if all(above) else "bad", f"{said}: {coin}, {joined} {up}.")


def _side(low: float, bar: float, name: str) -> str:
    return f"the whole interval is above {name}" if low > bar else f"not clearly better than {name}"


def _one_earned_all(metrics: dict[str, Any]) -> Finding | None:
    """Warn of a profit that one symbol's trades made alone."""
    found = {name: of_symbol(metrics, name, "account", "pnl_quote") for name in symbols(metrics)}
    earned = {name: one.value for name, one in found.items() if one.value is not None}
    best = max(earned, key=lambda name: earned[name], default="")
    others = sum(earned.values()) - earned.get(best, 0.0)
    if len(earned) < 2 or others > 0 or others + earned[best] <= 0:
        return None
    return Finding(
        "warn",
        f"All of the profit came from {best}: the trades of the other symbols came to "
        f"{format_amount(others)} together.",
    )


def _never_traded(metrics: dict[str, Any]) -> Finding | None:
    listed = lookup(metrics, "per_symbol") or {}
    never = [name for name in listed if not day_of(metrics, name, "joined")]
    if len(listed) < 2 or not never:
        return None
    return Finding("warn", f"At no decision could these be traded: {', '.join(never)}.")


def _too_good(metrics: dict[str, Any]) -> Finding | None:
    accuracy = direction(metrics, "strategy", "accuracy").value
    few = count(metrics, "decisions") < FEW_FOR_ACCURACY
    if accuracy is None or accuracy <= SUSPECT_ACCURACY or few:
        return None
    return Finding(
        "bad",
        f"Accuracy above {format_percent(SUSPECT_ACCURACY, 0)} is too good for liquid prices: "
        "suspect that something saw the future before you believe it.",
    )


def _few_decisions(metrics: dict[str, Any]) -> Finding | None:
    decisions = count(metrics, "decisions")
    if decisions >= FEW_DECISIONS:
        return None
    return Finding(
        "warn",
        f"Only {decisions} decisions: below {FEW_DECISIONS} almost any result can be luck.",
    )


def _margin_calls(metrics: dict[str, Any]) -> Finding | None:
    calls = count(metrics, "orders", "margin_calls")
    if not calls:
        return None
    times = "once" if calls == 1 else f"{calls} times"
    return Finding("bad", f"The account was closed out by a margin call {times}.")


def _rejections(metrics: dict[str, Any]) -> Finding | None:
    rejected = count(metrics, "orders", "rejected")
    if not rejected:
        return None
    verb = "order was" if rejected == 1 else "orders were"
    return Finding("warn", f"{rejected} {verb} rejected: the account did not do all it was told.")


_FINDINGS: dict[str, Callable[[dict[str, Any]], Finding | None]] = {
    "trend": _against_trend,
    "holding": _against_holding,
    "accuracy": _accuracy,
    "one symbol": _one_earned_all,
    "never traded": _never_traded,
    "too good": _too_good,
    "few decisions": _few_decisions,
    "margin calls": _margin_calls,
    "rejections": _rejections,
}
