"""Figures of an explanation: gates over time, importances, lags, deletions."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cryptobt.core.types import Explanation
from cryptobt.reports.canvas import BLUE, FAINT, INK, ORANGE, Panel, new_figure, to_svg
from cryptobt.reports.network_figures import draw_over_time, stretches_of_time
from cryptobt.reports.numbers import finite, short_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 25
_LABELS = {
    "most": "weighted most",
    "random": "random",
    "least": "weighted least",
    "newest": "newest bars",
}


def importance_panel(explained: dict[str, Any], unit: str, mark: str) -> Panel:
    """Draw ΔMSE of every feature and group with its interval."""
    rows = explained["importance"]
    shown = sorted(rows, key=lambda row: -row["delta_mse"]["value"])[:MOST_BARS]
    cut = f" The {MOST_BARS} largest of {len(rows)} are drawn." if len(rows) > MOST_BARS else ""
    caption = (
        "How much the squared error out of sample grows when a feature comes from elsewhere, with "
        "its interval. Orange are groups of features that go together, moved at once. Pale bars "
        f"cannot be told from noise.{cut}"
    )
    figure = new_figure(0.9 + 0.21 * len(shown))
    axes = figure.subplots()
    for place, row in enumerate(reversed(shown)):
        colour = ORANGE if row["kind"] == "group" else BLUE
        alpha = 0.75 if row["distinguishable"] else 0.25
        axes.barh(place, row["delta_mse"]["value"], color=colour, alpha=alpha, height=0.68)
        _interval(axes, row["delta_mse"], place, across=True)
    axes.set_yticks(range(len(shown)), [short_name(row["name"]) for row in reversed(shown)])
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"ΔMSE, ({unit})²")
    label = "Increase of the squared error by feature; the largest is " + shown[0]["name"] + "."
    return Panel("What it needs", caption, to_svg(figure, f"importance{mark}", label))


def lags_panel(explained: dict[str, Any], unit: str, mark: str) -> Panel:
    """Draw ΔMSE by the age of the bar that is replaced, above the mean attention on it."""
    rows, attention = explained["lags"], explained["attention"]["lags"]
    caption = (
        "How much the squared error grows when the bar of one age comes from another window, with "
        "its interval; 0 is the newest bar, on the right."
    )
    if attention:
        caption += " Below, the mean attention on it: where the two differ, attention misleads."
    figure = new_figure(4.6 if attention else 3.2)
    panels = figure.subplots(2 if attention else 1, 1, sharex=True, squeeze=False)[:, 0]
    ages = [(row["lag_first"] + row["lag_last"]) / 2 for row in rows]
    values = [row["delta_mse"]["value"] for row in rows]
    panels[0].plot(ages, values, color=BLUE, marker="o", markersize=3)
    if all(finite(row["delta_mse"]["low"]) is not None for row in rows):
        low, high = ([row["delta_mse"][end] for row in rows] for end in ("low", "high"))
        panels[0].fill_between(ages, low, high, color=BLUE, alpha=0.2, linewidth=0)
    panels[0].axhline(0, color=FAINT, linewidth=1)
    panels[0].set_ylabel(f"ΔMSE, ({unit})²")
    if attention:
        shares = [100 * row["mean"] for row in attention]
        panels[1].bar([row["lag"] for row in attention], shares, color=ORANGE, alpha=0.7)
        panels[1].axhline(100 / len(shares), color=INK, linestyle="--", linewidth=1)
        panels[1].set_ylabel("attention, %")
    panels[-1].set_xlabel("age of the bar")
    panels[-1].invert_xaxis()
    label = (
        f"Increase of the squared error by age of the bar; largest at {ages[np.argmax(values)]:g}."
    )
    return Panel("Which bar it needs", caption, to_svg(figure, f"lags{mark}", label))


def gates_panel(explanation: Explanation | None, mark: str) -> Panel:
    """Draw the gate of every feature over time, or say why there is none."""
    title = "Which features it lets in, over time"
    if explanation is None or not np.isfinite(explanation.gates).any():
        return Panel(title, "", absent="Not drawn: this forecaster has no feature gates.")
    if len(explanation.times) < 2:
        return Panel(title, "", absent="Not drawn: there are fewer than two forecasts.")
    caption = (
        "Gate of each feature, mean over the window and the seeds: time across, the feature that "
        "is let in most on top. At 1.0, white, it passes unchanged. Vertical edges are refits."
    )
    order = np.argsort(explanation.gates.mean(axis=0), kind="stable")
    shown = stretches_of_time(explanation.times, explanation.gates[:, order])
    spread = max(0.01, float(np.nanquantile(np.abs(shown - 1), 0.995)))
    figure = new_figure(1.0 + 0.19 * len(order))
    axes = draw_over_time(
        figure,
        explanation.times,
        shown,
        (1 - spread, 1 + spread),
        "PuOr_r",
        lambda g, _: f"{g:.2f}",
    )
    names = [short_name(explanation.feature_names[column]) for column in order]
    axes.set_yticks(range(len(names)), names)
    label = f"Feature gates over time; on average the largest is {names[-1]}."
    return Panel(title, caption, to_svg(figure, f"gatestime{mark}", label))


def deletion_panel(deletion: dict[str, Any], what: str, unit: str, mark: str) -> Panel:
    """Draw how much the answers change without the inputs weighted most, least, and others."""
    title = f"What happens without what {what} points at"
    if not deletion["tests"]:
        return Panel(title, "", absent="Not drawn: this forecaster has none.")
    caption = (
        "Mean absolute change of the answer when as many inputs come from elsewhere. Weights that "
        "mean something change it more where they are large than at random."
    )
    figure = new_figure(2.9)
    axes = figure.subplots()
    choices = list(deletion["tests"][0]["change"])
    width = 0.8 / len(deletion["tests"])
    for number, test in enumerate(deletion["tests"]):
        for place, choice in enumerate(choices):
            at = place + (number - (len(deletion["tests"]) - 1) / 2) * width
            name = f"{test['count']} of {test['of']}" if not place else None
            colour = BLUE if number else "#8db5d3"
            axes.bar(at, test["change"][choice]["value"], width * 0.92, color=colour, label=name)
            _interval(axes, test["change"][choice], at, across=False)
    axes.set_xticks(range(len(choices)), [_LABELS[choice] for choice in choices])
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(f"change, {unit}")
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    axes.legend(ncols=len(deletion["tests"]), loc="upper left")
    values = {choice: deletion["tests"][-1]["change"][choice]["value"] for choice in choices}
    said = ", ".join(f"{_LABELS[choice]} {value:.3g}" for choice, value in values.items())
    return Panel(title, caption, to_svg(figure, f"deletion{mark}", f"Change of answers: {said}."))


def _interval(axes: "Axes", metric: dict[str, Any], place: float, *, across: bool) -> None:
    low, high = finite(metric["low"]), finite(metric["high"])
    if low is None or high is None:
        return
    draw = axes.hlines if across else axes.vlines
    draw(place, low, high, color=INK, linewidth=1.4)
