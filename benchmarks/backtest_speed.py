"""One backtest with forecasts already made, beside the same trades by backtrader alone."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.bare_backtrader import SETTINGS, run_bare
from benchmarks.table import Figure, Section, spread
from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.targets import known_trend
from cryptobt.forecasters.registry import TREND_ONLY
from cryptobt.strategies.registry import STRATEGIES

TRADER = Trader(STRATEGIES["attn_signal"], {}, TREND_ONLY)


class Case(NamedTuple):
    """How many symbols of how many bars, measured how many times."""

    symbols: int
    bars: int
    rounds: int


CASES = (Case(1, 4000, 15), Case(10, 3000, 5))


def section() -> Section:
    """Measure every case, ours and both peers in turn."""
    figures = [figure for case in CASES for figure in _case(case)]
    return Section("One backtest against bare backtrader", figures, [_NOTE])


_NOTE = (
    "Simulated daily bars; the score is the known trend, traded as attn_signal does. The peer is "
    "backtrader's own engine and broker with the same fee and slippage and the least strategy that "
    "sends the same orders; it records nothing, where ours returns equity, weights, orders, fills "
    "and trades. Its feeds are backtrader's own for frames, or, in the stricter comparison, ours, "
    "which fill themselves at once. Making the feeds counts on both sides."
)


def _case(case: Case) -> list[Figure]:
    markets = [_market(number, case.bars) for number in range(case.symbols)]
    forecasts = _forecasts(markets)
    fills = _same_trades(markets, forecasts)
    runs = {
        "ours": lambda: run_backtest(markets, forecasts, TRADER, SETTINGS),
        "its own feeds": lambda: run_bare(markets, forecasts, TREND_ONLY, our_feed=False),
        "our feeds": lambda: run_bare(markets, forecasts, TREND_ONLY, our_feed=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(case.rounds):
        for name, run in runs.items():
            seconds[name].append(_seconds(run))
    what = f"{case.symbols} × {case.bars:,} bars, {fills:,} fills"
    return [_ratio(what, seconds, peer) for peer in list(runs)[1:]]


def _same_trades(markets: list[MarketData], forecasts: Forecasts) -> int:
    """Run both once and make sure that they compare: the number of our fills.

    Rounding at the smallest order and the last lot may tell a few orders in a thousand apart.
    """
    ours = run_backtest(markets, forecasts, TRADER, SETTINGS)
    bare = run_bare(markets, forecasts, TREND_ONLY, our_feed=True)
    fills, equity = len(ours.fills), float(ours.equity["equity_quote"].iloc[-1])
    if abs(fills - bare.fills) > fills / 100 or abs(equity / bare.equity_quote - 1) > 1e-3:
        raise RuntimeError(f"ours made {fills} fills and {equity:.2f}, the peer {bare}")
    return fills


def _ratio(what: str, seconds: dict[str, list[float]], peer: str) -> Figure:
    ratios = [a / b for a, b in zip(seconds["ours"], seconds[peer], strict=True)]
    ours, theirs = statistics.median(seconds["ours"]), statistics.median(seconds[peer])
    return Figure(
        f"{what}, against backtrader on {peer}",
        "at most 1.3 ×",
        f"{statistics.median(ratios):.2f} ×",
        f"{ours:.2f} s of CPU against {theirs:.2f} s; median of {len(ratios)} rounds in turn, "
        f"{spread(ratios, 2)}",
    )


def _seconds(run: Callable[[], object]) -> float:
    began = time.process_time()  # one thread, no waiting: what others run here does not count
    run()
    return time.process_time() - began


def _market(number: int, bars: int) -> MarketData:
    return simulate(f"COIN{number}", bars, seed=number).market


def _forecasts(markets: list[MarketData]) -> Forecasts:
    frames = [
        pd.DataFrame(
            {
                "time": market.times,
                "symbol": market.symbol,
                "forecaster": TREND_ONLY,
                "score": known_trend(market.bars, SETTINGS.forecaster.target_heads).mean(axis=1),
            }
        )
        for market in markets
    ]
    frame = pd.concat(frames).dropna().sort_values(["time", "symbol"], ignore_index=True)
    return Forecasts(frame.assign(mean=np.nan, p_up=np.nan, q05=np.nan, q95=np.nan))
