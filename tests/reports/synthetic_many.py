"""Synthetic runs of several symbols: one listed late, one that dies, weights long and short."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.reports.numbers import ROWS
from cryptobt.reports.sheet import Sheet

from .synthetic import (
    DAY,
    WARM_UP,
    as_result,
    make_bars,
    make_forecasts,
    make_metrics,
    make_sheet,
    metric,
)

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT", "LUNA", "NEW")
NAMES = tuple(f"{coin}-USD" for coin in COINS)
DIES, LATE = NAMES[-2], NAMES[-1]


def make_markets(names: tuple[str, ...], n: int) -> dict[str, pd.DataFrame]:
    """Bars of each symbol; the one before the last dies half way, the last comes half way."""
    markets = {name: make_bars(n, seed=20 + number) for number, name in enumerate(names)}
    *_, dead, late = names
    markets[late] = markets[late].iloc[n // 2 :]
    if len(names) > 2:
        markets[dead] = markets[dead].iloc[: n // 2]
    return markets


def make_account(markets: dict[str, pd.DataFrame], low: float, seed: int) -> BacktestResult:
    """Want weights between ``low`` and 1 over the number of symbols, held from the next bar on."""
    rng = np.random.default_rng(seed)
    close = pd.DataFrame({name: bars["close"] for name, bars in markets.items()})
    alive = close.notna()
    close = close.ffill().iloc[WARM_UP:]
    blocks = rng.uniform(low, 1, (len(close) // 12 + 1, len(markets))).round(1) / len(markets)
    wanted = pd.DataFrame(np.repeat(blocks, 12, axis=0)[: len(close)], close.index, close.columns)
    wanted = wanted.where(alive.iloc[WARM_UP:])
    held = wanted.ffill().shift(1).fillna(0.0)
    moves = close.pct_change(fill_method=None).fillna(0.0)
    returns = (held * moves).sum(axis=1) - 0.001 * held.diff().abs().sum(axis=1)
    return make_frames(close, wanted, held, returns)


def make_frames(
    close: pd.DataFrame, wanted: pd.DataFrame, held: pd.DataFrame, returns: pd.Series
) -> BacktestResult:
    """Write the frames of an account: a row for each symbol from its first bar on."""
    equity = 10_000 * (1 + returns).cumprod()
    frame = pd.DataFrame(0.0, index=range(len(close)), columns=list(columns.EQUITY))
    frame["time"] = close.index
    frame["equity_quote"], frame["return"] = equity.to_numpy(), returns.to_numpy()
    wide = {"close": close, "target_weight": wanted, "weight": held}
    rows = {name: one.reset_index().melt("time", var_name="symbol") for name, one in wide.items()}
    weights = rows["close"][["time", "symbol"]].assign(
        quantity_base=0.0, **{name: one["value"] for name, one in rows.items()}
    )
    listed = weights[weights["close"].notna()].sort_values(["time", "symbol"], ignore_index=True)
    return as_result(frame, listed[list(columns.WEIGHTS)])


def make_symbol(bars: pd.DataFrame, number: int, end: pd.Timestamp) -> dict[str, Any]:
    """One symbol's part of ``metrics.json``."""
    missed = int((end - bars.index[-1]) / DAY)
    rates = ("precision", "recall", "f1", "balanced_accuracy", "mcc", "coverage")
    errors = ("mae", "rmse", "r2", "skill", "interval_coverage", "seed_correlation")
    return {
        "first": bars.index[0].isoformat(),
        "last": bars.index[-1].isoformat(),
        "bars": len(bars),
        "gaps": 0,
        "missed_bars": missed,
        "joined": max(bars.index[0], pd.Timestamp("2020-04-10", tz="UTC")).isoformat(),
        "trades": 61 - number,
        "direction": {
            "accuracy": metric(0.505 + 0.004 * number, 0.03),
            **{name: metric(0.5) for name in rates},
            "tp": 90, "fp": 80, "tn": 80, "fn": 90, "n": 340, "abstained": 0,
        },
        "account": {
            "exposure": metric(0.06 + 0.01 * number),
            "pnl_quote": metric(1234.5 - 400 * number),
            "fees_quote": metric(81.2 + number),
            "slippage_quote": metric(40.1),
        },
        "forecast": {name: metric(0.02) for name in errors},
    }  # fmt: skip


def make_many_metrics(markets: dict[str, pd.DataFrame]) -> dict[str, Any]:
    end = max(bars.index[-1] for bars in markets.values())
    # Keys sorted as a JSON file may have them: the order of the symbols is in ``symbols`` alone.
    per_symbol = {
        name: make_symbol(bars, number, end) for number, (name, bars) in enumerate(markets.items())
    }
    metrics = make_metrics()
    metrics |= {"symbols": list(markets), "per_symbol": dict(sorted(per_symbol.items()))}
    metrics["data"]["warnings"] = [f"{name}: 2 bars are missing" for name in list(markets)[-2:]]
    return metrics


def make_many_sheet(count: int = 10, *, shorts: bool = False, n: int = 800) -> Sheet:
    """A run of 2 to 10 symbols; with shorts its weights go down to -1 over their number."""
    names = (*NAMES[: count - 2], DIES, LATE) if count > 2 else (NAMES[0], LATE)
    markets = make_markets(names, n)
    forecasts = [
        make_forecasts(bars, DAY, seed=40 + number, symbol=name)
        for number, (name, bars) in enumerate(markets.items())
    ]
    frame = pd.concat([one.frame for one in forecasts]).sort_values(["time", "symbol"])
    explanations = {name: one.explanations[name] for one in forecasts for name in one.explanations}
    low = -1.0 if shorts else 0.0
    return replace(
        make_sheet(130),
        title=f"attn_signal on {', '.join(names)}, 1d",
        metrics=make_many_metrics(markets),
        bars=markets,
        forecasts=Forecasts(frame.reset_index(drop=True), explanations),
        results={row: make_account(markets, low, 60 + k) for k, row in enumerate(ROWS)},
    )
