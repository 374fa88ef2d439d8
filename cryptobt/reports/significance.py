"""The section on how sure one can be of the account: tests, and what the search for it costs."""

from collections.abc import Iterator
from html import escape
from typing import Any

from cryptobt.reports import numbers
from cryptobt.reports.grid import absent, grid, number, words
from cryptobt.reports.numbers import (
    Write,
    finite,
    format_amount,
    format_percent,
    format_probability,
    format_ratio,
    lookup,
    measure,
)

_ABSENT = "This run holds no tests of significance: it was made before there were any."
_HEADS = ("Measure", "Value", "Meaning")
_TWINS = {
    "constant": "held at its mean size all the time",
    "volatility_scaled": "held all the time at a size that follows volatility",
}


def _four(value: float | None) -> str:
    return format_ratio(value, 4)


_OF_ACCOUNT: tuple[tuple[str, str, Write, str], ...] = (
    ("per_bar_sharpe", "Sharpe ratio of a bar", _four, "mean return over its deviation"),
    ("skew", "Skew", format_ratio, "negative: the large moves are losses"),
    ("kurtosis", "Kurtosis", format_ratio, "3 for a normal distribution; more: fat tails"),
    (
        "psr", "Probabilistic Sharpe ratio", format_probability,
        "probability that the true ratio is above 0, if this had been the only try",
    ),
    (
        "expected_best_sharpe", "Best Sharpe ratio that luck gives", format_ratio,
        "a year, of as many tries without skill",
    ),
    (
        "dsr", "Deflated Sharpe ratio", format_probability,
        "probability that the true ratio is above that; 0.95 is asked for",
    ),
    (
        "min_track_record_bars", "Bars needed", format_amount,
        "for the run's level of confidence that the true ratio is above 0",
    ),
)  # fmt: skip
_OF_EXCESS: tuple[tuple[str, str, Write, str], ...] = (
    ("mean", "Excess return a year", format_percent, "over the twin, after costs"),
    ("sharpe", "Sharpe ratio of the excess", format_ratio, "a year"),
    ("psr", "Probabilistic Sharpe ratio", format_probability, "of the excess, one try"),
    ("dsr", "Deflated Sharpe ratio", format_probability, "of the excess, all tries"),
    ("min_track_record_bars", "Bars needed", format_amount, "for the run's level of confidence"),
)
_TESTS = (
    ("pesaran_timmermann", "Pesaran–Timmermann", "unrelated calls would be right as often"),
    ("diebold_mariano", "Diebold–Mariano", "errors as different from no change are luck"),
    ("clark_west", "Clark–West", "as much better than no change is luck, noise allowed for"),
)
_SCORES = (
    (("brier",), "Brier score", "of the probabilities; 0.25 for always saying 50%"),
    (("crps",), "CRPS", "of the quantiles, log return; three-point approximation"),
    (("pinball", "q05"), "Pinball loss, 5%", "log return"),
    (("pinball", "q50"), "Pinball loss, median", "log return"),
    (("pinball", "q95"), "Pinball loss, 95%", "log return"),
)


def significance_tables(metrics: dict[str, Any]) -> str:
    """Write the tables; a sentence where a document has none of it."""
    if not isinstance(lookup(metrics, "significance"), dict):
        return absent(_ABSENT)
    return (
        f'<p class="lead">{_tries(metrics)}</p><div class="beside-each">'
        f"{_account(metrics)}<div>{_excess(metrics)}{_overfitting(metrics)}</div></div>"
    )


def _tries(metrics: dict[str, Any]) -> str:
    at = ("significance", "trials")
    n, counted = numbers.count(metrics, *at, "n"), finite(lookup(metrics, *at, "counted"))
    floor = numbers.count(metrics, *at, "floor")
    tries = "1 setting" if n == 1 else f"{n:,} settings"
    said = f"Judged as the best of {tries} tried on this market: the more were tried, the less a "
    said += "good one means."
    if counted is None:
        return f"{said} The trial ledger was off; the floor of {floor:,} was taken."
    larger = "; the floor is larger" if floor > counted else ""
    return f"{said} The trial ledger holds {counted:,.0f}, the recipe's floor is {floor:,}{larger}."


def _measured(
    metrics: dict[str, Any], path: tuple[str, ...], listed: tuple[tuple[str, str, Write, str], ...]
) -> Iterator[tuple[str, ...]]:
    for name, title, written, meaning in listed:
        found = measure(metrics, *path, name)
        said = meaning if found.value is not None else found.reason
        yield title, number(found, written), words(said)


def _account(metrics: dict[str, Any]) -> str:
    bars = numbers.count(metrics, "significance", "bars")
    rows = _measured(metrics, ("significance",), _OF_ACCOUNT)
    return grid(f"The account's Sharpe ratio, {bars:,} bars", _HEADS, rows)


def _excess(metrics: dict[str, Any]) -> str:
    at = ("significance", "excess")
    if not isinstance(lookup(metrics, *at), dict):
        return ""
    twin = _TWINS.get(str(lookup(metrics, *at, "twin")), "of the same exposure")
    caption = f"The account less its twin without a forecast, {twin}"
    return grid(caption, _HEADS, _measured(metrics, at, _OF_EXCESS))


def _overfitting(metrics: dict[str, Any]) -> str:
    at = ("significance", "pbo")
    if not isinstance(lookup(metrics, *at), dict):
        return ""
    trials, blocks = (numbers.count(metrics, *at, name) for name in ("trials", "blocks"))
    whole = measure(metrics, *at, "value")
    if whole.value is None:
        return f'<p class="note">Overfitting was not measured: {escape(whole.reason)}.</p>'
    found = (
        (
            "value",
            "Probability of overfitting",
            "that the best is below the median afterwards",
        ),
        ("slope", "Slope of degradation", "of Sharpe ratios out of sample on those in sample"),
        ("loss_probability", "Probability of loss", "of the best in sample, out of sample"),
    )
    rows = [
        (title, number(measure(metrics, *at, name), format_ratio), words(meaning))
        for name, title, meaning in found
    ]
    caption = f"Overfitting by combinations of {blocks} blocks, {trials:,} trials"
    return grid(caption, _HEADS, rows)


def forecast_tests(metrics: dict[str, Any]) -> str:
    """Write the tests and scores of the forecasts; empty text where there are none."""
    if not isinstance(lookup(metrics, "significance"), dict):
        return ""
    heads = ("Test", "Statistic", "p", "Meaning")
    tests = [_test(metrics, *test) for test in _TESTS]
    return (
        '<div class="beside-each">'
        f"{grid('Tests of the forecasts', heads, tests)}{_scores(metrics)}</div>"
    )


def _test(metrics: dict[str, Any], name: str, title: str, meaning: str) -> tuple[str, ...]:
    statistic, p = (measure(metrics, "significance", name, key) for key in ("statistic", "p_value"))
    said = f"p: probability that {meaning}" if p.value is not None else p.reason
    return title, number(statistic, format_ratio), number(p, format_probability), words(said)


def _scores(metrics: dict[str, Any]) -> str:
    found = [measure(metrics, "significance", *path) for path, _, _ in _SCORES]
    if all(one.value is None for one in found):
        return f'<p class="note">The forecasts have no scores: {escape(found[0].reason)}.</p>'
    rows = [
        (title, number(one, _four), words(meaning if one.value is not None else one.reason))
        for one, (_, title, meaning) in zip(found, _SCORES, strict=True)
    ]
    return grid("Scores of the forecasts", _HEADS, rows)
