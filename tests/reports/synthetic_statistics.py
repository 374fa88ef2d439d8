"""The statistics of a synthetic run: verdict, significance, calibration, robustness, risk."""

from typing import Any

import numpy as np
import pandas as pd


def metric(value: float | None, half: float | None = None, reason: str | None = None) -> dict:
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    level = None if half is None else 0.95
    return dict(value=value, low=low, high=high, level=level, unit="", reason=reason)


def make_verdict() -> dict[str, Any]:
    return {
        "grade": "none",
        "text": "no evidence of skill",
        "reasons": [
            {
                "rule": "trials", "holds": False,
                "text": "Among 12 settings tried, luck alone gives this Sharpe ratio often: the "
                "deflated ratio is 0.71, below 0.95.",
            },
            {
                "rule": "trend_only", "holds": False,
                "text": "The interval of the lead over trend_only, -0.05 to 0.15, holds zero.",
            },
            {
                "rule": "break_even", "holds": True,
                "text": "It stays ahead up to 41 bps a fill, more than twice the 15 assumed.",
            },
            {
                "rule": "random", "holds": None,
                "text": "Random strategies could not be drawn: the account held short positions.",
            },
        ],
        "warnings": ["The best five bars earned more than the whole period."],
    }  # fmt: skip


def make_significance() -> dict[str, Any]:
    test = {"statistic": metric(1.31), "p_value": metric(0.0952)}
    return {
        "bars": 700,
        "per_bar_sharpe": metric(0.044), "skew": metric(-0.41), "kurtosis": metric(7.2),
        "psr": metric(0.872), "expected_best_sharpe": metric(0.61), "dsr": metric(0.711),
        "min_track_record_bars": metric(1540.0),
        "trials": {
            "n": 12, "counted": 12, "floor": 5, "ledger": True, "variance": 0.0014,
            "variance_from": "1/T",
        },
        "excess": {
            "twin": "volatility_scaled", "mean": metric(0.021, 0.09), "sharpe": metric(0.22, 0.8),
            "psr": metric(0.63), "dsr": metric(0.31),
            "min_track_record_bars": metric(None, reason="the Sharpe ratio is too near zero"),
        },
        "pesaran_timmermann": test, "diebold_mariano": test,
        "clark_west": {
            "statistic": metric(None, reason="no forecast of a return"),
            "p_value": metric(None, reason="no forecast of a return"),
        },
        "brier": metric(0.2498), "crps": metric(0.0123),
        "pinball": {"q05": metric(0.0031), "q50": metric(0.0102), "q95": metric(0.0029)},
        "pbo": {
            "value": metric(0.42), "trials": 12, "blocks": 16, "slope": metric(-0.31),
            "loss_probability": metric(0.27),
        },
    }  # fmt: skip


def make_calibration() -> list[dict[str, float]]:
    said = (0.37, 0.46, 0.53, 0.62, 0.71)
    came = (0.44, 0.49, 0.52, 0.54, 0.60)
    counts = (41, 190, 302, 130, 28)
    return [
        {
            "low": round(s - s % 0.1, 1), "high": round(s - s % 0.1 + 0.1, 1), "n": n, "said": s,
            "came": c, "came_low": c - 0.98 / n**0.5, "came_high": c + 0.98 / n**0.5,
        }
        for s, c, n in zip(said, came, counts, strict=True)
    ]  # fmt: skip


def make_risk() -> dict[str, Any]:
    test = {"statistic": metric(0.8), "p_value": metric(0.371)}
    kept = {
        "n": 650, "hits": 37, "rate": metric(0.0569, 0.018), "kupiec": test,
        "christoffersen": test, "conditional": test, "es": metric(-0.081),
    }  # fmt: skip
    return {
        "realised": {
            "var_95": metric(0.0312), "es_95": metric(0.0481), "var_99": metric(0.0604),
            "es_99": metric(0.0777),
        },
        "quantile": kept,
        "trailing": {**kept, "kupiec": {"statistic": metric(None), "p_value": metric(None)}},
        "drawdowns": [
            {
                "start": f"202{k}-01-05T00:00:00Z", "bottom": f"202{k}-03-05T00:00:00Z",
                "recovered": None if k == 1 else f"202{k}-09-01T00:00:00Z",
                "depth": -0.35 / (k + 1), "bars": 240 - 40 * k, "bars_down": 60 - 5 * k,
            }
            for k in range(3)
        ],
        "worst_day": {"value": metric(-0.112), "at": "2020-05-09"},
        "best_day": {"value": metric(0.098), "at": "2021-02-08"},
        "worst_month": {"value": metric(-0.213), "at": "2020-06"},
        "best_month": {"value": metric(0.287), "at": "2021-01"},
        "tail_ratio": metric(1.08), "time_under_water": metric(0.873),
        "longest_under_water_bars": metric(312.0), "invested": metric(0.91),
    }  # fmt: skip


def make_robustness(first: str = "2020-04-10", bars: int = 700) -> dict[str, Any]:
    rows = ("strategy", "trend_only", "buy_and_hold")

    def of_rows(*values: float) -> dict[str, float]:
        return dict(zip(rows, values, strict=True))

    def both(strategy: float, trend: float, held: float) -> dict[str, Any]:
        returns = of_rows(0.4 * strategy, 0.4 * trend, 0.5 * held)
        return {"sharpe": of_rows(strategy, trend, held), "total_return": returns}

    times = pd.date_range(first, periods=140, freq=f"{bars // 140}D", tz="UTC")
    spread = 0.05 * np.sqrt(np.arange(140.0))
    edges = np.linspace(-1.5, 2.0, 36)
    counts = np.round(90 * np.exp(-((edges[:-1] - 0.3) ** 2) / 0.4)).astype(int)
    return {
        "reason": None,
        "basis": "targets",
        "assumed_bps": 15.0,
        "costs": [
            {"bps": bps, **both(1.0 - 0.021 * bps, 0.9 - 0.012 * bps, 0.62 - 0.0002 * bps)}
            for bps in (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0)
        ],
        "break_even_bps": metric(47.6),
        "break_even_excess_bps": metric(11.2),
        "break_even_holding_bps": metric(18.2),
        "delay": {
            "bars": 1, "sharpe": metric(0.51), "total_return": metric(0.22),
            "difference": metric(-0.17),
        },
        "seeds": [
            {"seed": k, "sharpe": metric(0.6 + 0.1 * k), "total_return": metric(0.2)}
            for k in range(3)
        ],
        "seed_spread": metric(0.1),
        "periods": [
            {
                "name": str(year), "first": f"{year}-01-01T00:00:00Z",
                "last": f"{year}-12-31T00:00:00Z", "bars": 365, **both(0.9, 0.4, 1.3),
            }
            for year in (2020, 2021, 2022)
        ],
        "regimes": [
            {"name": name, "meaning": meaning, "bars": 170, **both(1.2, 0.8, 0.1)}
            for name, meaning in (
                ("bull", "close above its mean of 200 bars"), ("bear", "below it"),
                ("quiet", "volatility of 30 bars below its median so far"), ("wild", "above it"),
            )
        ],
        "random": {
            "draws": 1000, "exposure": 0.62, "turnover_per_year": 14.2,
            "sharpe": {"q05": -0.42, "q50": 0.31, "q95": 1.04},
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
            "p_value": metric(0.214),
            "band": [
                {
                    "time": time.isoformat(), "low": float(np.exp(-1.2 * s)),
                    "middle": float(np.exp(0.1 * s)), "high": float(np.exp(1.4 * s)),
                }
                for time, s in zip(times, spread, strict=True)
            ],
        },
        "without_best": [{"bars": n, **both(0.4 - 0.04 * n, 0.3, 0.2)} for n in (5, 10)],
    }  # fmt: skip


def make_attribution() -> dict[str, Any]:
    parts = {
        "holding": 0.187, "timing": 0.042, "sizing": -0.011, "execution": -0.004, "gross": 0.214,
        "fees": 0.029, "slippage": 0.015, "funding": 0.0, "net": 0.170,
    }  # fmt: skip
    return {name: metric(value, 0.1) for name, value in parts.items()}


def make_statistics() -> dict[str, Any]:
    """Every key that a run of this version adds to ``metrics.json``."""
    return {
        "verdict": make_verdict(),
        "significance": make_significance(),
        "calibration": make_calibration(),
        "risk": make_risk(),
        "robustness": make_robustness(),
        "attribution": make_attribution(),
    }
