"""The page of the verdict study: how often it claims skill where there is none, and finds some."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import partial

from cryptobt.core.processes import worker_context
from cryptobt.jobs.audits.rates import exact_interval
from cryptobt.jobs.cache import fold_cache
from studies.verdict_markets import (
    BARS,
    CHEAP,
    COMMON,
    DRIFT,
    NETWORK,
    PLANTED,
    Judged,
    judge_nothing,
    judge_planted,
    years,
)

MARKETS, NETWORKS, PLANTED_MARKETS = 500, 20, 60
RHOS = (0.05, 0.1, 0.2)
ALLOWED = 25
AT_ONCE = 2


def study() -> str:
    """Judge all markets; the page."""
    began = time.perf_counter()
    names = list(CHEAP)
    nothing = _everywhere(
        [partial(_nothing, names[seed % len(names)], seed) for seed in range(MARKETS)]
    )
    networks = _everywhere([partial(_network, MARKETS + seed) for seed in range(NETWORKS)])
    planted = {
        rho: _everywhere([partial(_planted, seed, rho) for seed in range(PLANTED_MARKETS)])
        for rho in RHOS
    }
    minutes = (time.perf_counter() - began) / 60
    parts = [_head(minutes), _claims(nothing, networks), _power(planted)]
    return "\n".join(line for part in parts for line in part) + "\n"


def drifts(seed: int) -> bool:
    """Whether the market of this number has a drift: half of them, whatever is traded on them."""
    return (seed // len(CHEAP)) % 2 == 1


def _nothing(name: str, seed: int) -> Judged:
    return judge_nothing(seed, CHEAP[name], fold_cache(), drift=drifts(seed))


def _network(seed: int) -> Judged:
    return judge_nothing(seed, NETWORK, fold_cache(), drift=seed % 2 == 1)


def _planted(seed: int, rho: float) -> Judged:
    return judge_planted(seed, rho, fold_cache())


def _everywhere(judges: Sequence[Callable[[], Judged]]) -> list[Judged]:
    """Judge every market, two at a time; the order is that of the markets."""
    context = worker_context("cryptobt.jobs.evidence")
    with ProcessPoolExecutor(AT_ONCE, context) as pool:
        waiting = {pool.submit(judge): number for number, judge in enumerate(judges)}
        found: list[Judged | None] = [None] * len(judges)
        for future in as_completed(waiting):
            found[waiting[future]] = future.result()
            sys.stderr.write(f"{waiting[future]} {future.result()}\n")
    return [one for one in found if one is not None]


def _head(minutes: float) -> Iterator[str]:
    yield "# How often the verdict is wrong"
    yield ""
    yield (
        "[The verdict](../verdict.md) says that a run shows evidence of skill, weak evidence, or "
        "none. Here it judges simulated markets of which the truth is known, by the same code as "
        f"every run: {BARS:,} daily bars each, {years():.0f} years, of which the first are only "
        "learnt from; costs as by default, long or flat; one setting counts as tried, the kindest "
        "case."
    )
    yield ""
    yield (
        f"Run on {datetime.now(UTC):%Y-%m-%d} in {minutes:.0f} minutes with two processes; fits "
        "that the fold cache already held were not made again. Written by `make study`. Settings: "
        f"{_settings(COMMON)}; defaults otherwise."
    )
    yield ""


def _claims(nothing: Sequence[Judged], networks: Sequence[Judged]) -> Iterator[str]:
    yield "## Where there is no skill"
    yield ""
    yield (
        f"{MARKETS} markets of the sample model with nothing planted: volatility clusters in all "
        f"of them, and half have a drift of {DRIFT:.0%} a year besides, so that holding earns "
        f"something. One strategy trades each, in turn. Another {NETWORKS} are traded by the "
        "attention network, three seeds a fold. A claim is weak evidence or evidence; at most "
        f"{ALLOWED} of {MARKETS}, 5 %, were allowed before the study was run."
    )
    yield ""
    yield _row("strategy", "market", "judged", "weak", "evidence", "claims, 95 % interval")
    yield "|---|---|---|---|---|---|"
    names = list(CHEAP)
    for place, name in enumerate(names):
        for drift in (False, True):
            own = [
                one
                for seed, one in enumerate(nothing)
                if seed % len(names) == place and drifts(seed) == drift
            ]
            yield _counted(name, "drift" if drift else "no drift", own)
    yield _counted("all of these", "both", nothing)
    yield _counted("attn_signal", "both", networks)
    yield ""
    yield from _rules([*nothing, *networks])


def _rules(found: Sequence[Judged]) -> Iterator[str]:
    kept = Counter(rule for one in found for rule in one.kept)
    shares = ", ".join(f"`{rule}` {kept[rule] / len(found):.1%}" for rule in sorted(kept))
    yield f"How often each rule held on these markets: {shares}."
    yield ""


def _power(planted: dict[float, list[Judged]]) -> Iterator[str]:
    yield "## Where there is some"
    yield ""
    yield (
        f"{PLANTED_MARKETS} markets a line; the next return has the correlation ρ with one of "
        "three columns that are known, and nothing else in it: volatility is even, there is no "
        "drift. A ridge regression learns from them and trades long or flat. It trades nearly "
        "every day, and its costs are what hides a weak signal: the lead is the mean Sharpe ratio "
        "of the account less the same exposure without a forecast, after costs."
    )
    yield ""
    yield _row("ρ", "judged", "weak", "evidence", "found, 95 % interval", "lead")
    yield "|---|---|---|---|---|---|"
    for rho, found in planted.items():
        leads = [one.excess for one in found if one.excess is not None]
        lead = f"{sum(leads) / len(leads):.2f}" if leads else "none"
        cells = _counted("", "", found).strip("| ").split(" | ")
        yield _row(f"{rho:g}", *cells, lead)
    yield ""
    yield f"Settings: {_settings(PLANTED)}."


def _counted(name: str, market: str, found: Sequence[Judged]) -> str:
    grades = Counter(one.grade for one in found)
    claims = grades["weak"] + grades["evidence"]
    low, high = exact_interval(claims, len(found))
    label = [f"`{name}`" if name in (*CHEAP, "attn_signal") else name, market] if name else []
    counts = (str(len(found)), str(grades["weak"]), str(grades["evidence"]))
    return _row(*label, *counts, f"{claims / len(found):.1%} [{low:.1%}, {high:.1%}]")


def _settings(assignments: Sequence[str]) -> str:
    return ", ".join(f"`{setting}`" for setting in assignments)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
