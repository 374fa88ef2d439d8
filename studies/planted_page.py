"""The page of the planted-signal study: its cases run one after another, and their tables."""

import platform
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import numpy as np

from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.jobs.cache import fold_cache
from cryptobt.metrics.significance import binomial_band
from cryptobt.records.content import ContentStore
from studies.planted_markets import BARS_A_MARKET, RHO, SIGNALS
from studies.planted_signal import (
    COMMON,
    NOTHING,
    SEEN,
    SEEN_COLUMNS,
    SOUGHT,
    SOUGHT_COLUMNS,
    SOUGHT_LAG,
    Mean,
    Nothing,
    Seen,
    everywhere,
    mean_of,
    nothing,
    outside,
    seen,
    sought,
)

MARKETS, SEEN_MARKETS = 20, 60
"""Of the cases; direction is measured on more, since luck moves the share of right calls most."""
SEEING = ("linear", "dual_attention", "bilstm")
LEARNERS = tuple(name for name, spec in FORECASTERS.items() if spec.trained)
RULES = ("always_up", "last_sign", "momentum", "drift", "persistence", "trend_only")
TRIED = """\
## What was tried

The settings were looked for on four to eight markets each, some of which are among those above, by
the share expected of the best edge (for the first three lines, measured):

| bars × columns | net and training | seeds | signal | share of the best edge |
|---|---|---|---|---|
| 10 × 6 | defaults | 1 | linear | linear 0.82, dual_attention 0.60, bilstm 0.47 |
| 10 × 6 | defaults | 1 | step at 0.67 | linear −0.01, dual_attention 0.07, bilstm 0.00 |
| 10 × 6 | defaults | 1 | interaction | linear −0.03, dual_attention 0.23, bilstm 0.00 |
| 5 × 6 | 16 units, rate 0.003, patience 20 | 1 | step at 0.67 | dual_attention 0.09, bilstm 0.08 |
| 5 × 6 | the same | 1 | interaction | dual_attention 0.14, bilstm 0.06 |
| 5 × 6 | the same, L1 0.0003 | 1 | both | dual_attention 0.09, 0.14, bilstm 0.06, 0.01 |
| 2 × 4 | the same without L1 | 1 | step at 1 | dual_attention 0.50, bilstm 0.79 |
| 2 × 4 | the same without L1 | 1 | interaction | dual_attention 0.59, bilstm 0.84 |
| 2 × 4 | the same, weight decay 0.003 | 1 | both | dual_attention 0.48, 0.59, bilstm 0 |
| 2 × 4 | rate 0.01, batch 256, no dropout | 5 | both | dual_attention 0.67, 0.81 |
| 2 × 4 | rate 0.01, batch 256 | 3, 5 | both | bilstm 0.75, 0.79, attention_bilstm 0.70, 0.78 |
| 2 × 3 | rate 0.01, batch 256 | 5 | both | dual_attention 0.64, 0.85 |
| 2 × 3 | the same, L1 0.001, 0.003 | 4 | step at 1 | dual_attention 0.64, 0.68 |

A step is a signal of two levels: high where the column is beyond that many deviations on either
side, low elsewhere. dual_attention did not reach 0.8 of the edge of a step in anything tried; the
threshold above is a slope on either side of it instead, which is nearer to something smooth.

The reason is the number of inputs. Ten bars of six columns are 60 numbers and 1,800 products of
two; some 1,400 rows, of which the signal explains 9 %, do not tell which of them matters, and the
best epoch is one of the first. Two bars of three columns are six numbers and 21 products. With as
many rows as years of days can give, a net finds what is not linear among few inputs or not at all,
and this signal is far stronger than any that markets are known to have.
"""


def study() -> str:
    """Run all cases; the page. Fits that the fold cache holds are not made again."""
    began = time.perf_counter()
    cache = fold_cache()
    parts = [part for table in (_seen, _sought, _nothing) for part in table(cache)]
    minutes = (time.perf_counter() - began) / 60
    return "\n".join([*_head(minutes), *parts, TRIED])


def _head(minutes: float) -> Iterator[str]:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn"))
    yield "# Planted signals, and none"
    yield ""
    yield (
        "Can the forecasters learn what is there, and do they find nothing where there is nothing? "
        f"{MARKETS} simulated markets a case ({SEEN_MARKETS} in the first), {BARS_A_MARKET:,} "
        "daily bars each, through the same samples, folds, fits and predictions as every run; one "
        "fit on the first bars, forecasts for the last 15 % (30 % where nothing is planted). Means "
        "over markets with 95 % intervals by Student's t."
    )
    yield ""
    yield (
        f"Run on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}, "
        f"{libraries}, in {minutes:.0f} minutes with two workers; fits that the fold cache already "
        "held were not made again. Written by `make study`."
    )
    yield ""


def _seen(cache: ContentStore) -> Iterator[str]:
    yield "## Direction of a planted signal"
    yield ""
    yield (
        "The next log return is 2 % · (ρ·signal + √(1−ρ²)·noise), ρ = 0.3; the signal is made of "
        f"the bar before the last, and {SEEN_COLUMNS} normal columns are known. The edge is the "
        "share of right calls over one half. No forecaster can expect more than the best edge: "
        "asin(ρ)/π for the Gaussian signal; the other two are not Gaussian, and their edge is the "
        "mean of Φ(ρ|s|/√(1−ρ²)) − 1/2 over the signal s, by quadrature. *Expected* weighs each "
        "call by the chance that the signal gave it, in place of the return that came: the same "
        "without the luck of the draw."
    )
    yield ""
    for kind, signal in SIGNALS.items():
        yield f"- **{kind}**: {signal.words}; best edge {signal.edge(RHO):.4f}."
    yield ""
    yield _row("signal", "forecaster", "measured edge", "of the best", "expected, of the best")
    yield "|---|---|---|---|---|"
    for kind in SIGNALS:
        found = everywhere(partial(_seen_once, cache, kind), SEEN_MARKETS)
        yield from (_seen_row(kind, name, [one[name] for one in found]) for name in SEEING)
    yield ""
    yield _settings(SEEN)
    yield ""


def _seen_once(cache: ContentStore, kind: str, seed: int) -> dict[str, Seen]:
    found = seen(kind, seed, SEEING, cache)
    _say(f"{kind} {seed}")
    return found


def _seen_row(kind: str, name: str, found: Sequence[Seen]) -> str:
    best = SIGNALS[kind].edge(RHO)
    measured, expected = (mean_of([one[place] for one in found]) for place in (0, 1))
    shares = (
        _interval(Mean(*(value / best for value in mean)), 2) for mean in (measured, expected)
    )
    return _row(kind, f"`{name}`", _interval(measured, 3), *shares)


def _sought(cache: ContentStore) -> Iterator[str]:
    yield "## Where the signal is found"
    yield ""
    yield (
        f"A linear signal at lag {SOUGHT_LAG} of a window of ten bars, in one of {SOUGHT_COLUMNS} "
        "columns. Each column, and each lag, of the windows that were not learnt from is taken "
        "from a window far away; the loss is how much larger the squared error becomes. Attention "
        "is what the net reports, by lag; it proves nothing."
    )
    yield ""
    yield _row("forecaster", "planted column first", "lag first", "loss by lag, 0 the newest, %",
               "attention by lag, %")  # fmt: skip
    yield "|---|---|---|---|---|"
    for name in SEEING:
        found = everywhere(partial(sought, cache, name), MARKETS)
        _say(f"sought {name}")
        first = sum(int(one.features.argmax() == 0) for one in found)
        there = sum(int(one.lags.argmax() == SOUGHT_LAG) for one in found)
        lags, attention = (np.mean([one[place] for one in found], axis=0) for place in (1, 2))
        yield _row(
            f"`{name}`", f"{first} of {MARKETS}", f"{there} of {MARKETS}",
            _numbers(100 * lags, 1), _numbers(100 * attention, 0),
        )  # fmt: skip
    yield ""
    yield _settings(SOUGHT)
    yield ""


def _nothing(cache: ContentStore) -> Iterator[str]:
    names = (*LEARNERS, *RULES)
    found = everywhere(partial(nothing, cache, names), MARKETS)
    yield "## Nothing to see"
    yield ""
    yield (
        f"{MARKETS} martingales of the sample model, with the default features. *Outside* counts "
        "the markets on which accuracy left the band that a coin keeps on 95 % of them; by luck it "
        "is as many as the next column says, give or take the band beside it. Forecasters of one "
        "market share its returns, so the lines are not independent. R² of prices is near 1 all "
        "the same: it says that tomorrow's price is near today's, and nothing about skill."
    )
    yield ""
    yield _row("forecaster", "calls", "accuracy", "outside", "by luck", "band", "price R²")
    yield "|---|---|---|---|---|---|---|"
    yield from (_nothing_row(name, [one[name] for one in found]) for name in names)
    yield _nothing_row("all", [one[name] for one in found for name in names])
    yield ""
    yield _settings(NOTHING)
    yield ""


def _nothing_row(name: str, found: Sequence[Nothing]) -> str:
    called = [one for one in found if one.calls]
    label = f"`{name}`" if name in FORECASTERS else name
    if not called:
        return _row(label, "0", *["none called"] * 4, _r2(found))
    left, by_luck = outside(called)
    low, high = (
        len(called) * end for end in binomial_band(len(called), 0.95, by_luck / len(called))
    )
    calls = sum(one.calls for one in called)
    accuracy = sum(one.right for one in called) / calls
    return _row(
        label, f"{calls:,}", f"{accuracy:.3f}", f"{left} of {len(called)}", f"{by_luck:.1f}",
        f"{low:.0f} to {high:.0f}", _r2(found),
    )  # fmt: skip


def _r2(found: Sequence[Nothing]) -> str:
    known = [one.price_r2 for one in found if np.isfinite(one.price_r2)]
    return f"{np.mean(known):.3f}, least {min(known):.3f}" if known else "predicts no price"


def _settings(assignments: Sequence[str]) -> str:
    own = [setting for setting in assignments if setting not in COMMON[2:]]
    return f"Settings: {', '.join(f'`{setting}`' for setting in own)}; defaults otherwise."


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _interval(mean: Mean, digits: int) -> str:
    return f"{mean.value:.{digits}f} [{mean.low:.{digits}f}, {mean.high:.{digits}f}]"


def _numbers(values: np.ndarray, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values) or "none"


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
