"""What a comparison of forecasters says in plain words, by fixed rules; never a claim of skill."""

from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.evaluation_sheet import ALWAYS_UP, BASE, names, nearest, of
from cryptobt.reports.glance import Finding, Tone
from cryptobt.reports.numbers import format_percent, format_ratio, lookup

OF_NO_PRICE = {
    "trend": "the smoothed trend",
    "direction": "a direction",
}
"""Targets that hold no price: those that learn them get theirs from calibration."""
_LOG_ODDS = "the log odds of a rise"


def of_no_price(document: dict[str, Any]) -> str | None:
    """What networks answer where that holds no price; None where they predict a number."""
    return _LOG_ODDS if document.get("log_odds") else OF_NO_PRICE.get(document["target"])


def evaluation_findings(document: dict[str, Any]) -> list[Finding]:
    """Collect what a reader should know before the tables, most important first."""
    found = [
        _against_persistence(document),
        _against_always_up(document),
        _coin(document),
        _price_level(document),
        _fewer(document),
        _calibrated(document),
    ]
    return [finding for finding in found if finding]


def beats_persistence(document: dict[str, Any], name: str, horizon: str) -> bool:
    """Whether a forecaster's returns are nearer than "no change" by skill and by test alike."""
    low = of(document, name, horizon, "return", "skill").low
    return low is not None and low > 0 and _differs(document, name, horizon)


def loses_to_persistence(document: dict[str, Any], name: str, horizon: str) -> bool:
    """Whether a forecaster's returns are farther off than "no change", by both alike."""
    high = of(document, name, horizon, "return", "skill").high
    return high is not None and high < 0 and _differs(document, name, horizon)


def _differs(document: dict[str, Any], name: str, horizon: str) -> bool:
    p_value = of(document, name, horizon, "diebold_mariano", "p_value").value
    return p_value is not None and p_value < 1 - float(document["level"])


def beats_always_up(document: dict[str, Any], name: str, horizon: str) -> bool:
    """Whether a forecaster is right more often than always-up on the same bars, beyond noise."""
    low = of(document, name, horizon, "lead_over_always_up").low
    return low is not None and low > 0


def _against_persistence(document: dict[str, Any]) -> Finding:
    horizon = nearest(document)
    said = [
        name
        for name in names(document)
        if name != BASE and of(document, name, horizon, "return", "skill").value is not None
    ]
    ahead = [name for name in said if beats_persistence(document, name, horizon)]
    if not said:
        return Finding("warn", "Nothing predicted a number that persistence can be compared with.")
    behind = [name for name in said if loses_to_persistence(document, name, horizon)]
    worse = f" Worse beyond noise: {', '.join(behind)}." if behind else ""
    tail = f"{_level(document)} interval of the skill, and Diebold–Mariano"
    if not ahead:
        text = f"None of {len(said)} predicts better than persistence beyond noise ({tail})."
        return Finding("bad", text + worse)
    shown = "; ".join(_skill(document, name, horizon) for name in ahead)
    text = f"Better than persistence beyond noise ({tail}): {shown}.{_luck(said)}{worse}"
    return Finding("good", text)


def _luck(compared: list[str]) -> str:
    return f" Of {len(compared)} compared, one may be so by luck." if len(compared) > 1 else ""


def _skill(document: dict[str, Any], name: str, horizon: str) -> str:
    skill = of(document, name, horizon, "return", "skill")
    return f"{name} by {format_percent(skill.value)} of its squared error"


def _against_always_up(document: dict[str, Any]) -> Finding:
    horizon = nearest(document)
    always = of(document, ALWAYS_UP, horizon, "direction", "accuracy")
    if always.value is None:
        return Finding("warn", f"Directions cannot be compared: {always.reason}.")
    up = f"always saying up ({format_percent(always.value)} right)"
    callers = [
        name
        for name in names(document)
        if of(document, name, horizon, "lead_over_always_up").value is not None
    ]
    ahead = [name for name in callers if beats_always_up(document, name, horizon)]
    if not ahead:
        return Finding("bad", f"None calls directions better than {up} beyond noise.")
    shown = "; ".join(_lead(document, name, horizon) for name in ahead)
    text = f"Calls directions better than {up} beyond noise: {shown}.{_luck(callers)}"
    return Finding("good", text)


def _lead(document: dict[str, Any], name: str, horizon: str) -> str:
    lead = of(document, name, horizon, "lead_over_always_up")
    accuracy = of(document, name, horizon, "direction", "accuracy")
    return (
        f"{name} {format_percent(accuracy.value)}, ahead by {format_percent(lead.value)} "
        f"{numbers.format_interval(lead, format_percent)} on the bars that it called"
    )


def _coin(document: dict[str, Any]) -> Finding | None:
    """Set the accuracies beside those of a coin, at the level of the intervals."""
    horizon = nearest(document)
    bands = {name: coin_band(document, name, horizon) for name in names(document)}
    judged = {name: band for name, band in bands.items() if band}
    if not judged:
        return None
    low, high = max(judged.values(), key=lambda band: band[0])
    width = f"{format_percent(low)} to {format_percent(high)}"
    said = f"A coin calls {width} right ({_level(document)} of coins, as many calls)"
    outside = {name: side for name, band in judged.items() if (side := _side(document, name, band))}
    if not outside:
        return Finding("plain", f"{said}: every accuracy here is inside.")
    named = ", ".join(f"{name} is {side}" for name, side in outside.items())
    luck = f"; of {len(judged)} coins one may be outside, too" if len(judged) > 1 else ""
    return Finding("plain", f"{said}: {named}{luck}.")


def _side(document: dict[str, Any], name: str, band: tuple[float, float]) -> str:
    """Where an accuracy lies: ``below`` or ``above`` the band, or empty inside it."""
    accuracy = of(document, name, nearest(document), "direction", "accuracy").value
    if accuracy is None or band[0] <= accuracy <= band[1]:
        return ""
    return "below" if accuracy < band[0] else "above"


def coin_band(document: dict[str, Any], name: str, horizon: str) -> tuple[float, float] | None:
    """Accuracies of a coin with as many calls, lowest and highest; None without such a band."""
    path = ("forecasters", name, "horizons", horizon, "coin_band")
    low, high = (numbers.finite(lookup(document, *path, end)) for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


def _price_level(document: dict[str, Any]) -> Finding | None:
    """Say what R² of price levels is worth, with the numbers of this very run."""
    horizon = nearest(document)
    path: tuple[str, ...] = ("price", "r2")
    where = ""
    symbols = numbers.symbols(document)
    if len(symbols) > 1:
        path, where = ("per_symbol", symbols[0], *path), f" of {symbols[0]}"
    still = of(document, BASE, horizon, *path).value
    if still is None:
        return None
    found = {n: of(document, n, horizon, *path).value for n in names(document) if n != BASE}
    others = {name: value for name, value in found.items() if value is not None}
    best = max(others, key=lambda name: others[name], default=None)
    rest = "" if best is None else f"; the best other, {best}, has {format_ratio(others[best], 4)}"
    said = f"R² of prices{where} says nothing: persistence, which forecasts no change, has "
    return Finding("warn", f"{said}{format_ratio(still, 4)}{rest}. Look at the skill.")


def _fewer(document: dict[str, Any]) -> Finding | None:
    """Say over how many bars errors are compared, where those are not all."""
    horizon = nearest(document)
    all_of_them, compared = (
        of(document, BASE, horizon, *path).value or 0 for path in (("n",), ("return", "n"))
    )
    if compared >= all_of_them:
        return None
    text = (
        f"Errors are over {compared:,.0f} of {all_of_them:,.0f} forecasts: those for which all who "
        "predict numbers have one. A calibrated mean needs 250 past forecasts."
    )
    return Finding("plain", text)


def _calibrated(document: dict[str, Any]) -> Finding | None:
    target = of_no_price(document)
    if target is None:
        return None
    text = (
        f"Who learns {target} predicts no price of its own: prices and returns come from the "
        "calibrated mean."
    )
    return Finding("plain", text)


def _level(document: dict[str, Any]) -> str:
    return format_percent(numbers.finite(document.get("level")), 0)


def tone_of(document: dict[str, Any]) -> Tone:
    """Tone of the headline: good where something beats both, else bad."""
    horizon = nearest(document)
    both = [
        name
        for name in names(document)
        if beats_persistence(document, name, horizon) and beats_always_up(document, name, horizon)
    ]
    return "good" if both else "bad"
