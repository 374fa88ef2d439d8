"""How often rules find skill: counted over markets, with exact intervals and nominal rates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from scipy.stats import beta  # type: ignore[import-untyped]

from cryptobt.jobs.verdict import EVIDENCE, LEVEL, WEAK

INTERVAL = 0.95
"""Level of the intervals of the rates themselves."""
Judged = Mapping[str, Any]


class Rule(NamedTuple):
    """A way in which a run looks as if it had skill.

    Attributes
    ----------
    nominal : callable
        From the level of a run's intervals to the rate of luck.
    on_drift : bool
        Whether that rate holds on a market that drifts, where holding it earns something.
    holds : callable
        From ``metrics.json`` to whether skill is found; None where it cannot be judged.
    """

    name: str
    nominal: Callable[[float], float]
    on_drift: bool
    text: str
    holds: Callable[[Judged], bool | None]


def exact_interval(count: int, of: int, level: float = INTERVAL) -> tuple[float, float]:
    """Interval of a share, by Clopper & Pearson (1934)."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, count, of - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, of - count)) if count < of else 1.0
    return low, high


def found_by(document: Judged) -> dict[str, bool | None]:
    """Whether each rule finds skill in a run; None where it cannot judge it."""
    return {rule.name: rule.holds(document) for rule in RULES}


def rates(found: Sequence[Mapping[str, bool | None]], level: float, *, drifts: bool) -> list[Any]:
    """Count over markets how often each rule finds skill.

    Parameters
    ----------
    found : sequence of mapping
        Of each market, as :func:`found_by` gives it.
    level : float
        Of the intervals of each run.
    drifts : bool
        Whether the markets drift.

    Returns
    -------
    list of dict
        ``rates`` of ``audit.json``; rules that could judge no market are not in it.
    """
    counted = []
    for rule in RULES:
        judged = [one[rule.name] for one in found if one[rule.name] is not None]
        if judged:
            promised = rule.nominal(level) if rule.on_drift or not drifts else None
            counted.append(_rate(rule, sum(map(bool, judged)), len(judged), promised))
    return counted


def not_judged(found: Sequence[Mapping[str, bool | None]]) -> list[str]:
    """Names of the rules that could judge no market."""
    return [rule.name for rule in RULES if all(one[rule.name] is None for one in found)]


def _rate(rule: Rule, count: int, of: int, nominal: float | None) -> dict[str, Any]:
    low, high = exact_interval(count, of)
    text = rule.text if nominal is not None else f"{rule.text}; {_HOLDING}"
    return {
        "name": rule.name,
        "found": count,
        "of": of,
        "rate": count / of,
        "low": low,
        "high": high,
        "nominal": None if nominal is None else round(nominal, 6),
        "text": text,
    }


_HOLDING = "no rate is promised where the market drifts: holding it earns"


def _above(bound: float, *path: str) -> Callable[[Judged], bool | None]:
    """Whether the whole interval of a number is above a bound."""

    def holds(document: Judged) -> bool | None:
        low = _at(document, *path, "low")
        return None if low is None else low > bound

    return holds


def _sure(*path: str) -> Callable[[Judged], bool | None]:
    """Whether a probability of skill is 95 % or more."""

    def holds(document: Judged) -> bool | None:
        value = _at(document, *path, "value")
        return None if value is None else value >= 1 - LEVEL

    return holds


def _unlikely(*path: str) -> Callable[[Judged], bool | None]:
    """Whether a probability of luck is 5 % or less."""

    def holds(document: Judged) -> bool | None:
        value = _at(document, *path, "value")
        return None if value is None else value <= LEVEL

    return holds


def _graded(*grades: str) -> Callable[[Judged], bool | None]:
    return lambda document: document["verdict"]["grade"] in grades


def _at(document: Judged, *path: str) -> float | None:
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _tail(level: float) -> float:
    return (1 - level) / 2


def _five(_level: float) -> float:
    return LEVEL


_OWN = ("rows", "strategy")
RULES = (
    Rule(
        "Sharpe ratio above 0", _tail, False, "the interval of its Sharpe ratio is above 0",
        _above(0.0, *_OWN, "performance", "sharpe"),
    ),
    Rule(
        "above holding's", _tail, False,
        "the interval of its Sharpe ratio less that of buy and hold is above 0",
        _above(0.0, "comparison", "sharpe_minus_buy_and_hold"),
    ),
    Rule(
        "PSR above 95 %", _five, False, "its probabilistic Sharpe ratio is 95 % or more",
        _sure("significance", "psr"),
    ),
    Rule(
        "DSR above 95 %", _five, False,
        "its deflated Sharpe ratio is 95 % or more, one setting tried",
        _sure("significance", "dsr"),
    ),
    Rule(
        "accuracy above a half", _tail, False, "the interval of its accuracy is above one half",
        _above(0.5, *_OWN, "direction", "accuracy"),
    ),
    Rule(
        "balanced accuracy", _tail, True, "the interval of its balanced accuracy is above one half",
        _above(0.5, *_OWN, "direction", "balanced_accuracy"),
    ),
    Rule(
        "calls beyond luck", _five, True,
        "Pesaran and Timmermann's test finds its calls right too often for luck, at 5 %",
        _unlikely("significance", "pesaran_timmermann", "p_value"),
    ),
    Rule(
        "ahead of its twin", _tail, True,
        "the interval of its lead over the same exposure without a forecast is above 0, after "
        "costs; the harder of two twins, so luck finds it less often",
        _above(0.0, "significance", "excess", "mean"),
    ),
    Rule(
        "random strategies", _five, True,
        "at most 5 % of strategies with its exposure and turnover at random times did as well",
        _unlikely("robustness", "random", "p_value"),
    ),
    Rule(
        "PSR of its lead", _five, True,
        "the probabilistic Sharpe ratio of its lead over its twin is 95 % or more",
        _sure("significance", "excess", "psr"),
    ),
    Rule(
        "DSR of its lead", _five, True,
        "the deflated Sharpe ratio of its lead over its twin is 95 % or more, one setting tried",
        _sure("significance", "excess", "dsr"),
    ),
    Rule(
        "verdict: weak or more", _five, True,
        "the verdict is weak evidence of skill, or evidence; at most this often, as it is built",
        _graded(WEAK, EVIDENCE),
    ),
    Rule(
        "verdict: evidence", _five, True,
        "the verdict is evidence of skill; at most this often, as it is built",
        _graded(EVIDENCE),
    ),
)  # fmt: skip
"""From what people look at first to the verdict, which needs several of them at once."""
