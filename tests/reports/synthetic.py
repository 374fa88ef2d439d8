"""A synthetic run: seeded prices, forecasts with an explanation, an account for every row."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult, Explanation, Forecasts
from cryptobt.reports.numbers import ROWS
from cryptobt.reports.sheet import Sheet

from .synthetic_statistics import make_statistics, metric

SYMBOL = "BTC-USD"
DAY = pd.Timedelta(days=1)
WARM_UP = 100


def make_bars(n: int, interval: pd.Timedelta = DAY, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    volatility = 0.03 * np.sqrt(interval / DAY)
    close = 30_000 * np.exp(np.cumsum(rng.standard_t(4, n) * volatility * 0.7))
    times = pd.date_range("2020-01-01", periods=n, freq=interval, tz="UTC", name="time")
    opens = np.append(30_000, close[:-1])
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, close) * 1.01,
            "low": np.minimum(opens, close) * 0.99,
            "close": close,
            "volume": 1e6,
        },
        index=times,
    )


def make_forecasts(
    bars: pd.DataFrame, interval: pd.Timedelta, seed: int = 2, symbol: str = SYMBOL
) -> Forecasts:
    rng = np.random.default_rng(seed)
    times = bars.index[WARM_UP:]
    score = rng.normal(0, 1, len(times))
    mean = 0.002 * score
    mean[:50] = np.nan
    frame = pd.DataFrame(
        {
            "time": times,
            "symbol": symbol,
            "horizon_bars": 1,
            "model_id": "net",
            "forecaster": "net",
            "made_at": times + interval,
            "target_at": times + 2 * interval,
            "score": score,
            "mean": mean,
            "p_up": 0.5 + 0.05 * np.tanh(score),
            "q05": mean - 0.05,
            "q50": mean,
            "q95": mean + 0.05,
            "seed_spread": 0.1,
            "trained_until": times,
            "fold": "2020",
        }
    )
    return Forecasts(frame[list(columns.FORECASTS)], {symbol: make_explanation(times)})


def make_explanation(times: pd.DatetimeIndex, seed: int = 3) -> Explanation:
    rng = np.random.default_rng(seed)
    names = tuple(f"feature_{k}" for k in range(17))
    gates = 1 + 0.3 * rng.normal(0, 1, (len(times), 17)).clip(-3, 3) + np.linspace(-0.4, 0.4, 17)
    attention = rng.dirichlet(np.linspace(1, 4, 30), (len(times), 4))
    losses = {f"fold {k}": make_losses(rng) for k in range(8)}
    return Explanation(times, names, gates.clip(0, 2), attention, losses)


def make_losses(rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for seed in range(3):
        epochs = np.arange(1, 12 + int(rng.integers(8)))
        train = 0.7 * np.exp(-epochs / 30) + rng.normal(0, 0.004, len(epochs))
        validation = 0.69 + 0.0015 * epochs + rng.normal(0, 0.006, len(epochs))
        frames.append(
            pd.DataFrame({"seed": seed, "epoch": epochs, "train": train, "validation": validation})
        )
    return pd.concat(frames, ignore_index=True)


def make_result(bars: pd.DataFrame, weight: np.ndarray) -> BacktestResult:
    """Hold yesterday's target weight over today's return, at 10 bps of turnover."""
    held = np.append(0.0, weight[:-1])
    moves = bars["close"].pct_change().fillna(0.0).to_numpy()
    cost = 0.001 * np.abs(np.diff(np.append(0.0, held)))
    returns = held * moves - cost
    equity = 10_000 * np.cumprod(1 + returns)
    frame = pd.DataFrame(0.0, index=range(len(bars)), columns=list(columns.EQUITY))
    frame["time"] = bars.index
    frame["equity_quote"], frame["return"] = equity, returns
    weights = pd.DataFrame(
        {
            "time": bars.index,
            "symbol": SYMBOL,
            "target_weight": weight,
            "weight": held,
            "quantity_base": held * equity / bars["close"].to_numpy(),
            "close": bars["close"].to_numpy(),
        }
    )
    return as_result(frame, weights)


def as_result(equity: pd.DataFrame, weights: pd.DataFrame) -> BacktestResult:
    """An account without orders, fills, trades and scores."""
    names = (columns.ORDERS, columns.FILLS, columns.TRADES, ("time", "symbol", "score"))
    orders, fills, trades, scores = (pd.DataFrame(columns=list(one)) for one in names)
    return BacktestResult(equity, weights, orders, fills, trades, scores, pending=[])


def make_trades(bars: pd.DataFrame, count: int, symbol: str = SYMBOL) -> pd.DataFrame:
    """Round trips of four bars each, one after another; the last is open."""
    begins = 5 * np.arange(count) % (len(bars) - 6)
    times, close = bars.index, bars["close"].to_numpy()
    entry, left = close[begins], close[begins + 4]
    frame = pd.DataFrame(
        {
            "trade_id": np.arange(1, count + 1),
            "time": times[begins],
            "exit_time": times[begins + 4],
            "symbol": symbol,
            "direction": np.where(np.arange(count) % 4, "long", "short"),
            "quantity_base": 0.1,
            "entry_price_quote": entry,
            "exit_price_quote": left,
            "pnl_quote": 0.1 * (left - entry),
            "return": left / entry - 1,
            "fees_quote": 1.0,
            "bars_held": 4,
            "open": np.arange(count) == count - 1,
        }
    )
    frame["exit_time"] = frame["exit_time"].where(~frame["open"])
    return frame[list(columns.TRADES)]


def make_results(bars: pd.DataFrame, seed: int = 4) -> dict[str, BacktestResult]:
    rng = np.random.default_rng(seed)
    tested = bars.iloc[WARM_UP:]
    results = {}
    for row in ROWS:
        blocks = rng.uniform(0, 1, len(tested) // 12 + 1).round(1)
        weight = np.repeat(blocks, 12)[: len(tested)]
        if row in ("buy_and_hold", "always_up"):
            weight = np.ones(len(tested))
        results[row] = make_result(tested, weight)
    trades = make_trades(tested, min(61, len(tested) // 10))
    results["strategy"] = replace(results["strategy"], trades=trades)
    return results


def make_row(accuracy: float | None, sharpe: float) -> dict[str, Any]:
    absent = "this row makes no calls"
    rates = ("precision", "recall", "f1", "balanced_accuracy", "mcc", "coverage")
    return {
        "direction": {
            "accuracy": metric(accuracy, 0.02, absent if accuracy is None else None),
            **{
                name: metric(accuracy, reason=absent if accuracy is None else None)
                for name in rates
            },
            "down": {
                name: metric(accuracy, reason=absent if accuracy is None else None)
                for name in rates[:3]
            },
            "tp": 180, "fp": 170, "tn": 170, "fn": 180, "n": 700, "abstained": 0,
        },
        "performance": {
            "sharpe": metric(sharpe, 0.9),
            "cagr": metric(0.123),
            "total_return": metric(0.3),
            "volatility": metric(0.41),
            "max_drawdown": metric(-0.352),
            "turnover_per_year": metric(14.2),
            "exposure": metric(0.62),
            "fees_quote": metric(812.4),
            "slippage_quote": metric(400.2),
            "funding_quote": metric(0.0),
            "trades": 61,
        },
    }  # fmt: skip


def make_metrics() -> dict[str, Any]:
    accuracies = (0.521, 0.509, 0.518, None, None, 0.511, 0.505, 0.516)
    sharpes = (0.84, 0.31, 0.79, 0.62, 0.71, 0.66, 0.4, 0.62)
    rows = {
        row: make_row(accuracy, sharpe)
        for row, accuracy, sharpe in zip(ROWS, accuracies, sharpes, strict=True)
    }
    rows["momentum"]["performance"]["cagr"] = metric(None, reason="flat")
    pending = {
        "order_id": "o1", "symbol": SYMBOL, "side": "buy", "exec_type": "market",
        "quantity_base": 0.0321, "limit_price_quote": None, "target_weight": 0.4,
    }  # fmt: skip
    return {
        "schema": 1,
        "simulated": True,
        "symbols": [SYMBOL],
        "interval": "1d",
        "first": "2020-04-10T00:00:00Z",
        "last": "2022-03-10T00:00:00Z",
        "bars": 700,
        "decisions": 700,
        "rows": rows,
        "comparison": {
            "sharpe_minus_trend_only": metric(0.05, 0.1),
            "sharpe_minus_buy_and_hold": metric(0.22, 0.3),
        },
        "forecast": {
            "mae": metric(0.0214), "rmse": metric(0.0311), "r2": metric(-0.0021),
            "skill": metric(0.0004), "interval_coverage": metric(0.893),
            "seed_correlation": metric(0.71),
        },
        "orders": {
            "submitted": 124, "filled": 121, "rejected": 3,
            "by_reason": {"below minimum notional": 2, "not enough cash": 1},
        },
        "pending_orders": [pending],
        "data": {
            "gaps": 2, "quarantined": [], "missing_columns": ["txcnt"],
            "warnings": ["2 bars are missing between 2020-05-01 and 2020-05-04"],
        },
        **make_statistics(),
    }  # fmt: skip


def make_sheet(n: int = 800, interval: pd.Timedelta = DAY) -> Sheet:
    bars = make_bars(n, interval)
    return Sheet(
        title="attn_signal on BTC-USD, 1d",
        simulated=True,
        assumptions=(
            ("Data", "sample market, seed 7, 2020-01-01 to 2022-03-10"),
            ("Costs", "fee 10 bps, slippage 5 bps a fill, no funding"),
            ("Fills", "decided at the close, filled at the next open"),
            ("Refits", "every 90 days on all earlier rows, 10 bars purged"),
            ("Seeds", "0, 1, 2"),
            ("Versions", "cryptobt 0.1, torch 2.8, backtrader 1.9.78.123"),
        ),
        metrics=make_metrics(),
        bars={SYMBOL: bars},
        interval=interval,
        forecaster="net",
        forecasts=make_forecasts(bars, interval),
        results=make_results(bars),
        command="cryptobt backtest --strategy attn_signal --source sample --symbol BTC-USD",
    )


def without_quantstats(sheet: Sheet) -> Sheet:
    """Take away what quantstats would draw, so that a test of the rest takes no 3 seconds."""
    strategy = sheet.results.get("strategy")
    if strategy is None:
        return sheet
    still = strategy.equity.assign(**{"return": 0.0})
    return replace(sheet, results={**sheet.results, "strategy": replace(strategy, equity=still)})
