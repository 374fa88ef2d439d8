"""The figure on risk: how the account's returns are spread, and where its tail begins."""

import numpy as np

from cryptobt.reports import ticks
from cryptobt.reports.canvas import Panel
from cryptobt.reports.linked import key
from cryptobt.reports.numbers import format_percent, measure
from cryptobt.reports.plot import Plot, Scale, value_axis
from cryptobt.reports.sheet import Sheet

LEAST = 30
_BINS = 60


def returns_panel(sheet: Sheet) -> Panel:
    """Draw the distribution of the strategy's returns of a bar."""
    title = "Returns of a bar, as they came"
    result = sheet.results.get("strategy")
    returns = np.array([]) if result is None else result.returns.to_numpy(dtype=float)
    returns = returns[np.isfinite(returns) & (returns != 0)]
    if len(returns) < LEAST:
        few = f"Not drawn: {len(returns)} bars with a return are too few; {LEAST} are needed."
        return Panel(title, "", absent=few)
    caption = (
        "Bars without a return, as of an account that holds nothing, are left out here. The value "
        "at risk is the loss that 95% of all bars stay above, the expected shortfall the mean of "
        "those that do not."
    )
    return Panel(title, caption, _draw(sheet, returns))


def _draw(sheet: Sheet, returns: np.ndarray) -> str:
    low, high = np.quantile(returns, [0.001, 0.999])
    edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(returns.clip(low, high), bins=edges)
    plot = Plot(
        Scale(*ticks.padded(edges, 0.02)), Scale(0.0, 1.06 * float(counts.max())),
        height=210, title="bars", x_title="return of a bar",
    )  # fmt: skip
    value_axis(plot)
    plot.x_ticks = ticks.linear_ticks(plot.x.low, plot.x.high, ticks.percent, 6)
    below = edges[1:] <= 0
    for kept, shade in ((below, "red"), (~below, "blue")):
        plot.bars(edges[:-1][kept], edges[1:][kept], 0.0, counts[kept], shade, opacity=0.6)
    names = [("losses", "red"), ("gains", "blue")]
    said = f"Distribution of {len(returns):,} returns of a bar."
    for name, title, shade in (
        ("var_95", "value at risk, 95%", "stroke"),
        ("es_95", "expected shortfall", "orange"),
    ):
        loss = measure(sheet.metrics, "risk", "realised", name).value
        if loss is not None and -loss > plot.x.low:
            plot.upright([-loss], shade, dashes="5 4")
            names.append((title, shade))
            said += f" The {title}, is a loss of {format_percent(loss, 2)}."
    return key(names) + plot.html(said)
