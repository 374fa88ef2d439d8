"""Made-up views, as the application hands them to templates: usual, empty and hostile ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = "2026-06-05T02:10:00Z"
HOSTILE = '<script>alert("x")</script>"onmouseover=\'x\'&amp;{{7*7}}'
LONG = "n" * 300


def frame(page: str, **more: Any) -> dict[str, Any]:
    """What every template gets."""
    return {
        "page": page, "now": NOW, "version": "0.1", "token": False, "signed_in": False, "csrf": "c",
        "refresh": None, "updating": False, "alarms_n": 0,
    } | more  # fmt: skip


def instant(days: int) -> str:
    """Midnight so many days after the first night."""
    return f"{datetime(2026, 3, 7, tzinfo=UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def alarm(name: str, text: str = "The bar of 2026-06-03 is not decided.") -> dict[str, Any]:
    return {
        "account": name, "kind": "overdue", "level": "alarm", "text": text,
        "command": f"cryptobt paper run {name}",
    }  # fmt: skip


def account_row(name: str = "coins", **more: Any) -> dict[str, Any]:
    return {
        "account": name, "state": "ready", "problem": "", "strategy": "sma_trend",
        "symbols": ["BTC-USD", "ETH-USD"], "nights": 90, "bar": instant(89),
        "decided_at": "2026-06-05T00:20:00Z", "equity_quote": 9220.7, "return": -0.0779,
        "drawdown": -0.104, "minus_buy_and_hold": 0.0722, "simulated": False, "unit": "USD",
        "orders": 1, "overdue": False, "alarms": [], "spark": [9000.0 + 7 * n for n in range(60)],
    } | more  # fmt: skip


def run_row(name: str = "attn_signal", run_id: str = "8051dd0c", **more: Any) -> dict[str, Any]:
    return {
        "id": f"20261129T165140Z-{run_id}", "run_id": run_id, "created_at": "2026-06-04T12:00:00Z",
        "strategy": name, "account": None, "symbols": ["BTC-USD"], "interval": "1d",
        "first": "2020-01-01T00:00:00Z", "last": instant(89), "simulated": False, "sharpe": 1.55,
        "verdict": "none", "trials": 100,
    } | more  # fmt: skip


def audit_row(outcome: str = "leak", **more: Any) -> dict[str, Any]:
    return {
        "id": "a1", "audit": "leakage", "what": "my_file.py:Mine", "outcome": outcome,
        "headline": "It knows the next close.", "created_at": "2026-06-04T12:00:00Z",
    } | more  # fmt: skip


def overview(**more: Any) -> dict[str, Any]:
    forgotten = account_row("forgotten", overdue=True, alarms=[alarm("forgotten")])
    return {
        "accounts": [account_row(), forgotten, account_row("new", state="empty", spark=[]),
                     account_row("bad", state="failed", problem="The ledger is damaged.")],
        "runs": [run_row(), run_row("momentum", "2e35e9e2", verdict="evidence", simulated=True)],
        "runs_n": 12, "audits": [audit_row(), audit_row("clean")], "alarms": [alarm("forgotten")],
        "problems": [], "empty": False, "forecasts": [{"source": "coins", "symbol": "BTC-USD"}],
    } | more  # fmt: skip


def empty_overview() -> dict[str, Any]:
    return overview(accounts=[], runs=[], runs_n=0, audits=[], alarms=[], forecasts=[], empty=True)


def _night(number: int) -> dict[str, Any]:
    return {
        "bar": instant(number), "decided_at": instant(number + 1)[:11] + "00:20:00Z",
        "late": number == 80, "simulated": number == 70, "equity_quote": 9000.0 + number,
        "return": 0.0123, "orders": 1, "fills": 1, "warnings": [],
        "digest": ["coins: sma_trend on BTC-USD, night of 2026-06-04", "no order waits"],
    }  # fmt: skip


def _position(symbol: str, **more: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "bar": instant(89), "stale": False, "close": 63801.57, "unit": "USD",
        "quote": None, "quantity_base": 0.0712345, "value_quote": 4545.2, "weight": 0.493,
        "target_weight": 0.5,
        "forecast": {"score": 0.1, "mean": 0.0012, "p_up": 0.53, "q05": -0.05, "q95": 0.06},
    } | more  # fmt: skip


def account(**more: Any) -> dict[str, Any]:
    nights = 90
    return account_row() | {
        "opened_at": instant(0), "first": instant(0), "late": False, "cash_quote": 4675.5,
        "buy_and_hold_quote": 8498.8, "began_with_quote": 10000.0, "deadline_hours": 4.0,
        "overdue_from": None, "next_close": "2026-06-06T00:00:00Z", "data_age_hours": 2.2,
        "model_age_days": 88.0, "simulated_market": False,
        "positions": [_position("BTC-USD"), _position("ETH-USD", stale=True, forecast=None)],
        "orders": [{"time": instant(89), "symbol": "BTC-USD", "side": "sell", "exec_type": "market",
                    "quantity_base": 0.0353297, "limit_price_quote": None, "stop_price_quote": None,
                    "target_weight": 0.25, "text": "at market"}],
        "fills": [{"time": instant(89), "symbol": "BTC-USD", "side": "buy", "quantity_base": 0.05,
                   "price_quote": 64000.0, "fee_quote": 1.56, "late": False,
                   "shortfall_bps": -3.2}],
        "digest": ["no order waits"],
        "nights_list": [_night(number) for number in range(nights - 1, nights - 31, -1)],
        "series": {
            "time": [instant(number) for number in range(nights)],
            "equity_quote": [10000.0 + (number % 17) * 20 - 8 * number for number in range(nights)],
            "buy_and_hold_quote": [10000.0 - 15 * number for number in range(nights)],
            "drawdown": [0.0] * nights,
            "late": [number == 80 for number in range(nights)],
            "simulated": [60 < number < 66 for number in range(nights)],
        },
        "run": run_row("sma_trend", "462e92e7", account="coins"), "warnings": ["a bar is missing"],
        "settings": [{"key": "strategy.params", "value": "{'window': 30}"}],
    } | more  # fmt: skip


def account_without(state: str, **more: Any) -> dict[str, Any]:
    """An account that cannot be shown yet, or at all."""
    known = account(state=state, **more)
    kept = {"account", "state", "problem", "alarms", *more}
    return {
        key: value if key in kept else [] if isinstance(value, list) else None
        for key, value in known.items()
    }


def runs(**more: Any) -> dict[str, Any]:
    rows = [run_row(), run_row("momentum", "2e35e9e2", sharpe=0.4), run_row("a", "b", sharpe=None)]
    return {
        "rows": rows, "filter": {"strategy": "", "symbol": "", "text": ""}, "total": len(rows),
        "strategies": ["attn_signal", "momentum"], "symbols": ["BTC-USD"], "problems": [],
        "folder": "runs",
    } | more  # fmt: skip


def run(**more: Any) -> dict[str, Any]:
    measured = {"low": 0.9, "high": 2.2, "reason": None}
    return run_row() | {
        "summary": ["attn_signal on BTC-USD", "Sharpe 1.55"],
        "headline": [
            {"name": "sharpe", "label": "Sharpe ratio", "value": 1.55, "unit": "", **measured},
            {"name": "accuracy", "label": "Accuracy", "value": None, "low": None, "high": None,
             "unit": "fraction", "reason": "there is no call"},
        ],
        "verdict_text": "Nothing here is more than luck.",
        "reasons": [{"text": "It earned more.", "holds": True},
                    {"text": "Costs are not judged.", "holds": None}],
        "warnings": ["The prices are simulated."], "command": "cryptobt backtest --symbol BTC-USD",
        "files": [{"file": "tearsheet.html", "bytes": 812345, "kind": "page"},
                  {"file": "equity.csv", "bytes": 900, "kind": "table"}],
        "settings": [{"key": "data.source", "value": "csv"}],
        "data": [{"symbol": "BTC-USD", "source": "csv", "bars": 4279, "first": instant(0),
                  "last": instant(89)}],
    } | more  # fmt: skip


def _pair(value: float | None) -> dict[str, Any]:
    ends = (None, None) if value is None else (value - 1, value + 0.5)
    return {"value": value, "low": ends[0], "high": ends[1], "level": 0.95, "reason": "too short"}


def comparison(**more: Any) -> dict[str, Any]:
    three = {"a": _pair(1.5), "b": _pair(1.2), "difference": _pair(0.3)}
    names = ("sharpe", "cagr", "total_return", "volatility", "max_drawdown")
    document = {
        "a": run_row(), "b": run_row("momentum", "2e35e9e2"), "simulated": False, "interval": "1d",
        "first": instant(0), "last": instant(89), "bars": 90,
        "metrics": {name: three for name in names},
        "own": {"accuracy": {"a": _pair(0.5), "b": _pair(None)}, "trades": {"a": 46, "b": 12}},
        "differs": [{"key": "strategy.name", "a": "attn_signal", "b": "momentum"}],
    }  # fmt: skip
    series = {"time": [instant(n) for n in range(90)], "a": [1 + n / 100 for n in range(90)],
              "b": [1 + n / 200 for n in range(90)]}  # fmt: skip
    return {
        "state": "ready", "problem": "", "a": run_row()["id"], "b": "b", "series": series,
        "runs": [run_row(), run_row("momentum", "2e35e9e2")], "document": document,
    } | more  # fmt: skip


def _forecast(**more: Any) -> dict[str, Any]:
    return {
        "forecaster": "dual_attention", "reason": "", "horizon_bars": 1, "score": 0.11,
        "target_at": "2026-06-06T00:00:00Z", "mean": 0.0012, "p_up": 0.53, "q05": -0.051,
        "q50": 0.001, "q95": 0.062, "mean_price": 63878.2, "q05_price": 60600.0,
        "q95_price": 67900.0, "model_id": "m", "trained_until": instant(30), "model_age_days": 58.1,
    } | more  # fmt: skip


def _outlook(**more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTC-USD", "source": "csv", "last_bar": instant(89), "closed_at": instant(90),
        "close": 63801.57, "unit": "USD", "data_age_hours": 2.2, "stale": False, "weight": 0.49,
        "target_weight": 0.5, "quantity_base": 0.07,
        "forecasts": [_forecast(), _forecast(forecaster="trend_only", mean=-0.0003, p_up=0.49)],
    } | more  # fmt: skip


def forecasts(**more: Any) -> dict[str, Any]:
    uncalibrated = _forecast(
        mean=None,
        p_up=None,
        q05=None,
        q95=None,
        mean_price=None,
        reason="fewer than 250 of its past forecasts have a known outcome",
    )
    nothing = _outlook(symbol="ETH-USD", forecasts=[{"forecaster": "f", "reason": "a gap"}])
    document = {
        "strategy": "attn_signal",
        "forecaster": "dual_attention",
        "simulated": False,
        "symbols": [_outlook(), _outlook(symbol="SOL-USD", forecasts=[uncalibrated]), nothing],
    }
    source = {"source": "coins", "title": "paper account coins", "problem": "", "looked_at": None}
    return {
        "empty": False,
        "sources": [
            source | {"state": "ready", "document": document},
            source | {"source": "slow", "state": "computing", "document": None},
            source | {"source": "bad", "state": "failed", "document": None, "problem": "No file."},
        ],
    } | more  # fmt: skip


FIELDS = ("Close", "RSI", "MACD", "Volatility", "Sentiment")


def field(name: str, **more: Any) -> dict[str, Any]:
    low = -3000.0 if name == "MACD" else 0.0
    return {
        "name": name, "label": name, "value": "48.25", "was": 48.25, "low": low, "high": 99.0,
        "quantile": 0.4,
        "meaning": "relative strength of 14 bars", "error": "",
    } | more  # fmt: skip


def what_if() -> dict[str, Any]:
    said = {
        "score": 0.2, "mean": 0.0051, "p_up": 0.57, "q05": -0.05, "q50": 0.005, "q95": 0.06,
        "price": 64127.8, "price_low": 60690.0, "price_high": 67740.0, "direction": "UP",
        "reason": "",
    }  # fmt: skip
    bars = [{"time": instant(60 + n), "weight": 0.02 + n / 1000} for n in range(30)]
    return {
        "symbol": "BTC-USD", "time": instant(89), "made_at": instant(90), "target_at": instant(91),
        "close": 63801.57, "forecaster": "dual_attention", "features": "ath5",
        "edited": {"RSI": {"was": 48.25, "is": 88.0}}, "answer": said,
        "before": said | {"direction": "DOWN", "price": 63700.0, "mean": -0.0016, "p_up": 0.48},
        "distance": {"value": 2.41, "unedited": 0.33, "quantile": 0.997,
                     "outside": [{"name": "RSI", "value": 88.0, "low": 8.0, "high": 87.0}],
                     "text": "Farther than 99.7 % of the training rows are from each other."},
        "looked_at": {"features": [{"name": name, "weight": 1.0 - number / 10}
                                   for number, name in enumerate(FIELDS)], "bars": bars},
        "strategy": {"name": "attn_signal", "target_weight": 0.6, "before": 0.0}, "unit": "USD",
        "warnings": ["OLD DATA"],
        "simulated": False,
    }  # fmt: skip


def forecast(**more: Any) -> dict[str, Any]:
    form = {
        "state": "ready", "problem": "", "time": instant(90), "close": 63801.57, "error": "",
        "fields": [field(name) for name in FIELDS],
    }  # fmt: skip
    return {
        "source": "coins", "symbol": "BTC-USD", "title": "paper account coins", "state": "ready",
        "problem": "", "document": _outlook(), "asked_at": "2026-06-05T02:00:00Z",
        "strategy": "attn_signal", "simulated": False, "form": form, "answer": None,
        "pending_orders": [{"side": "sell", "symbol": "BTC-USD", "quantity_base": 0.03}],
    } | more  # fmt: skip


def answered() -> dict[str, Any]:
    fields = [field(name, value="88") if name == "RSI" else field(name) for name in FIELDS]
    form = forecast()["form"] | {"fields": fields}
    return forecast(form=form, answer={"state": "ready", "problem": "", "document": what_if()})


def refused() -> dict[str, Any]:
    fields = [field(name) for name in FIELDS]
    fields[1] = field("RSI", value="many", error="'many' is not a number; type one such as 48.25")
    return forecast(form=forecast()["form"] | {"fields": fields})


def data(**more: Any) -> dict[str, Any]:
    stored = {
        "kind": "bars", "source": "yahoo", "symbol": "BTC-USD", "name": None, "interval": "1d",
        "rows": 4279, "first": instant(0), "last": instant(89), "rewrites": 2, "age_hours": 2.2,
        "fetched_at": "2026-06-05T00:20:00Z",
    }  # fmt: skip
    seen = {"source": "csv", "symbol": "BTC-USD", "state": "ready", "problem": "", "gaps": 0,
            "lines": ["4,279 bars"], "quarantined": 0}  # fmt: skip
    return {
        "state": "ready", "problem": "", "folder": None,
        "stored": [stored, stored | {"rows": 7, "symbol": "ETH-USD"}, stored | {"rows": 12}],
        "verified": [seen, seen | {"gaps": 2, "quarantined": 1, "symbol": "ETH-USD"},
                     seen | {"state": "failed", "problem": "The file is gone."}],
    } | more  # fmt: skip


def leak() -> dict[str, Any]:
    check = {
        "name": "cut", "part": "features", "outcome": "leak", "expected": "The same value.",
        "seen": "The value of 2026-06-01 changed.", "time": instant(86), "column": "momentum",
        "symbol": "BTC-USD", "file": "my_file.py", "line": 12, "code": "x = close.shift(-1)",
        "mend": "Shift by a positive number of bars.",
    }  # fmt: skip
    quiet = {"outcome": "passed", "seen": "", "file": None, "code": None, "mend": None}
    worth = {"text": "Worth much.", "rows": [{"name": "honest", "meaning": "as it is",
             "accuracy": 0.51, "sharpe": 0.2, "total_return": 0.1}]}  # fmt: skip
    document = {"simulated": True, "first": instant(0), "last": instant(89), "warnings": ["w"],
                "worth": worth,
                "checks": [check, check | quiet]}  # fmt: skip
    files = [{"file": "audit.html", "bytes": 9000, "kind": "page"}]
    return audit_row() | {"document": document, "files": files}


def measured() -> dict[str, Any]:
    rate = {"name": "n", "found": 3, "of": 100, "rate": 0.03, "low": 0.006, "high": 0.085,
            "nominal": 0.05, "text": "graded as evidence"}  # fmt: skip
    share = {"value": 0.6, "low": 0.5, "high": 0.7}
    edge = {"correlation": 0.1, "share": share, "found": 40, "of": 100, "low": 0.3, "high": 0.5,
            "text": "found"}  # fmt: skip
    accounts = {"compared": {"orders": 3}, "largest_relative_gap": 1e-12, "differing": 1,
                "differences": [{"table": "fills", "column": "price", "time": instant(3),
                                 "symbol": None, "recorded": 1.0, "recomputed": 2.0}],
                "not_judged": ["funding"]}  # fmt: skip
    document = {"simulated": False, "first": None, "last": None, "warnings": [], "markets": 100,
                "rates": [rate], "edges": [edge], **accounts}  # fmt: skip
    return audit_row("measured", audit="null") | {"document": document, "files": []}


def every() -> dict[str, tuple[str, dict[str, Any]]]:
    """Each view by a name of its own: the template, and what it is given."""
    usual = frame("overview", alarms_n=1)
    alarmed = [alarm("coins", "The replay differs from what was recorded.")]
    endpoint = {"method": "GET", "path": "/api/runs", "summary": "Runs.", "example": "curl /api",
                "parameters": [{"name": "text", "in": "query", "required": False,
                                "description": "in the name"}]}  # fmt: skip
    pages: dict[str, tuple[str, dict[str, Any]]] = {
        "overview": ("overview.html", {"overview": overview()}),
        "overview-empty": ("overview.html", {"overview": empty_overview()}),
        "account": ("account.html", {"account": account(), "figures": {}}),
        "account-idle": ("account.html", {
            "account": account(orders=[], alarms=alarmed, simulated_market=True), "figures": {}}),
        "account-first": ("account.html", {"account": account_without("empty"), "figures": {}}),
        "account-bad": ("account.html", {
            "account": account_without("failed", problem="The ledger is damaged.",
                                       alarms=alarmed), "figures": {}}),
        "account-waits": ("account.html", {
            "account": account_without("computing", alarms=[]), "figures": {}, "refresh": 2}),
        "runs": ("runs.html", {"runs": runs()}),
        "runs-none": ("runs.html", {"runs": runs(rows=[], total=0, problems=["x: no run.json"])}),
        "runs-filtered": ("runs.html", {"runs": runs(
            rows=[], filter={"strategy": "a", "symbol": "", "text": HOSTILE})}),
        "run": ("run.html", {"run": run()}),
        "run-old": ("run.html", {"run": run(verdict=None, sharpe=None, headline=[], files=[])}),
        "compare": ("compare.html", {"comparison": comparison(), "figures": {}}),
        "compare-form": ("compare.html", {
            "comparison": comparison(document=None, state="ready", b=""), "figures": {}}),
        "compare-bad": ("compare.html", {
            "comparison": comparison(document=None, state="failed", problem="No dates in common."),
            "figures": {}}),
        "forecasts": ("forecasts.html", {"forecasts": forecasts()}),
        "forecasts-none": ("forecasts.html", {"forecasts": {"sources": [], "empty": True}}),
        "forecast": ("forecast.html", {"forecast": forecast()}),
        "forecast-answered": ("forecast.html", {"forecast": answered()}),
        "forecast-refused": ("forecast.html", {"forecast": refused()}),
        "forecast-waits": ("forecast.html", {"forecast": forecast(
            state="computing", document=None, simulated=None, asked_at=None, strategy=None,
            form={"state": "computing", "problem": "", "time": None, "close": None, "fields": [],
                  "error": ""}), "refresh": 3}),
        "data": ("data.html", {"data": data()}),
        "data-none": ("data.html", {"data": data(stored=[], verified=[])}),
        "audits": ("audits.html", {"audits": {
            "rows": [audit_row(), audit_row("clean")], "problems": [], "total": 2}}),
        "audits-none": ("audits.html", {"audits": {"rows": [], "problems": [], "total": 0}}),
        "audit": ("audit.html", {"audit": leak()}),
        "audit-measured": ("audit.html", {"audit": measured()}),
        "api": ("api.html", {"endpoints": [endpoint]}),
        "signin": ("signin.html", {"signin": {"problem": "That is not the token.", "next": "/",
                                              "wait": 2}, "token": True}),
        "pending": ("pending.html", {"pending": {
            "title": "The tearsheet is being made", "text": "It takes a minute.", "back": "/"},
            "refresh": 2}),
        "error": ("error.html", {"error": {"status": 404, "title": "Not found",
                                           "text": "There is no such page.", "command": None}}),
    }  # fmt: skip
    return {
        name: (template, usual | {"page": template.removesuffix(".html")} | view)
        for name, (template, view) in pages.items()
    }


def poisoned(value: Any) -> Any:
    """A view whose every text that no program chose is hostile."""
    kept = {"page", "now", "state", "outcome", "level", "side", "direction", "kind", "time", "bar",
            "audit", "verdict", "version"}  # fmt: skip
    if isinstance(value, dict):
        return {key: one if _spared(key, one, kept) else poisoned(one)
                for key, one in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return HOSTILE if isinstance(value, str) and value else value


def _spared(key: str, value: Any, kept: set[str]) -> bool:
    return key in kept or (isinstance(value, str) and value[:2] == "20" and "T" in value)
