"""Documents of audits made by hand, for the tests of pages, terminal and command line."""

from typing import Any

Document = dict[str, Any]


def common(audit: str, outcome: str, headline: str, **more: Any) -> Document:
    return {
        "schema": 1, "audit": audit, "strategy": "attn_signal", "forecaster": "dual_attention",
        "features": "/home/me/columns.py:columns", "symbols": ["BTC-USD"], "interval": "1d",
        "first": "2014-09-17T00:00:00Z", "last": "2024-12-31T00:00:00Z", "bars": 3759,
        "simulated": False, "outcome": outcome, "headline": headline, "warnings": [],
    } | more  # fmt: skip


def check(name: str, part: str, outcome: str = "passed", seen: str = "", **more: Any) -> Document:
    absent = dict.fromkeys(("time", "column", "symbol", "file", "line", "code", "mend"))
    return {
        "name": name, "part": part, "outcome": outcome, "seen": seen,
        "expected": f"what {name} expects to hold",
    } | absent | more  # fmt: skip


CODE = {
    "file": "columns.py", "line": 12,
    "code": 'table["ma"] = bars["close"].rolling(5, center=True).mean()',
    "mend": "drop center=True: a centred window holds as many later bars as earlier ones",
}  # fmt: skip
CHECKS = [
    check("ways of papers", "settings"),
    check("published late", "data", "not asked", "there are no series beside the bars"),
    check("future cut away", "features"),
    check("another future", "features"),
    check("history begins later", "features", "noted", "column 'obv' moves by 3e-4 of its scale"),
    check("last folds again", "forecasts"),
    check("orders up to the cut", "orders"),
]


def clean(**more: Any) -> Document:
    return common(
        "leakage", "clean", "No leak found in 5 checks", deep=False,
        cuts=["2017-01-01T00:00:00Z", "2021-06-01T00:00:00Z"], checks=CHECKS, worth=None,
    ) | more  # fmt: skip


def leaking(**more: Any) -> Document:
    at = {"time": "2019-03-02T00:00:00Z", "column": "ma"}
    cut = "cut at 2019-03-02 it is 3812.4, whole it is 3841.9"
    leaks = [
        check("future cut away", "features", "leak", cut, **at, **CODE),
        check("another future", "features", "leak", cut, **at, **CODE),
        check("orders up to the cut", "orders", "leak", "an order of 2019-03-02 is gone",
              time="2019-03-02T00:00:00Z", column="quantity_base", symbol="BTC-USD"),
    ]  # fmt: skip
    kept = [one for one in CHECKS if one["name"] not in {leak["name"] for leak in leaks}]
    headline = "Leak: column 'ma' of 2019-03-02 knows later bars"
    return clean(outcome="leak", headline=headline, checks=[*leaks, *kept]) | more


WORTH = {
    "text": "The honest result does not look like that of a twin that leaks.",
    "rows": [
        {"name": "honest", "accuracy": 0.513, "sharpe": 0.62, "total_return": 4.2,
         "meaning": "as it is"},
        {"name": "correlation 0.1", "accuracy": 0.548, "sharpe": 2.1, "total_return": 61.0,
         "meaning": "with a column that knows a little of tomorrow's return"},
        {"name": "scaler sees everything", "accuracy": None, "sharpe": 0.64, "total_return": None,
         "meaning": "scaled by all rows"},
    ],
}  # fmt: skip
LIKE = {"bars": 3759, "drift_per_year": 0.45, "volatility_per_year": 0.71}


def null(**more: Any) -> Document:
    rules = [
        ("Sharpe interval above 0", 4, 0.086, 0.437, 0.025),
        ("accuracy beyond luck", 1, 0.001, 0.249, 0.025),
        ("lead over buy and hold", 0, 0.0, 0.168, 0.025),
        ("verdict: weak evidence", 1, 0.001, 0.249, None),
    ]
    rates = [
        {"name": name, "found": found, "of": 20, "rate": found / 20, "low": low, "high": high,
         "nominal": nominal, "text": f"{name}: {found} of 20."}
        for name, found, low, high, nominal in rules
    ]  # fmt: skip
    rows = [
        {"market": number, "sharpe": 0.1 * number, "excess_sharpe": None, "accuracy": 0.5,
         "grade": "none"}
        for number in range(20)
    ]  # fmt: skip
    return common(
        "null", "measured", "On 20 markets without skill the verdict found evidence in none",
        markets=20, rates=rates, rows=rows, like=LIKE,
    ) | more  # fmt: skip


def planted(**more: Any) -> Document:
    edges = [
        {"correlation": strength,
         "share": {"value": share, "low": share - 0.2, "high": share + 0.2},
         "found": found, "of": 20, "low": 0.1, "high": 0.6, "text": f"At {strength} it is seen."}
        for strength, share, found in ((0.05, 0.1, 0), (0.1, 0.4, 6), (0.2, 0.8, 18))
    ]  # fmt: skip
    row = {"market": 0, "correlation": 0.1, "sharpe": 1.2, "excess_sharpe": 0.5, "accuracy": 0.53,
           "grade": "weak"}  # fmt: skip
    return common(
        "planted", "measured", "Of an edge of 0.1 the pipeline realises 40.0%",
        markets=20, edges=edges, rows=[row], like=LIKE,
    ) | more  # fmt: skip


def agreeing(**more: Any) -> Document:
    return common(
        "accounts", "agrees", "Every fill, fee and equity value agrees", run="fb0b39b3",
        compared={"orders": 103, "fills": 102, "equity": 2922, "weights": 2922, "trades": 51},
        largest_relative_gap=3.1e-14, differences=[], differing=0, not_judged=[],
    ) | more  # fmt: skip


def differing(**more: Any) -> Document:
    rows = [
        {"table": "fills", "row": 12, "column": "fee_quote", "time": "2019-03-02T00:00:00Z",
         "symbol": "BTC-USD", "recorded": 9.5, "recomputed": 9.512,
         "text": "fills.csv row 12, fee_quote (BTC-USD at 2019-03-02): recorded 9.5, not 9.512"},
        {"table": "equity", "row": 700, "column": "equity_quote",
         "time": "2019-03-02T00:00:00Z", "symbol": None, "recorded": 9.0, "recomputed": None,
         "text": "equity.csv row 700, equity_quote: recorded 9.0, recomputed none"},
    ]  # fmt: skip
    headline = "First difference: fee_quote of fill 12, 2019-03-02"
    return agreeing(
        outcome="differs", headline=headline, differences=rows, differing=1731,
        not_judged=["3 cancelled orders: when they were cancelled is not recorded"],
    ) | more  # fmt: skip


EVERY = {
    "clean": clean(deep=True, worth=WORTH), "leaking": leaking(), "null": null(),
    "planted": planted(), "agreeing": agreeing(), "differing": differing(),
}  # fmt: skip
