"""What a person reads once a day: a standing in some ten lines."""

from typing import Any

import pandas as pd

from cryptobt.core.time import DAY, iso
from cryptobt.paper.standing import Standing

_DASH = "—"


def digest(standing: Standing) -> list[str]:
    """Say how an account stands after its newest night."""
    told = standing.to_json()
    forecasts = standing.account.trader.forecaster is not None
    lines = [
        _head(standing, told),
        *_notices(standing, told),
        "",
        *(_symbol(symbol, forecasts=forecasts) for symbol in told["symbols"]),
        "",
        *_orders(told["orders"], told["bar"]),
        *(_fill(fill, told["bar"]) for fill in told["fills"]),
        _money(told),
        _ages(told),
        *(f"warning: {warning}" for warning in told["warnings"]),
    ]
    return [_printable(line) for line in lines]


def _head(standing: Standing, told: dict[str, Any]) -> str:
    symbols = ", ".join(standing.account.symbols)
    return f"{told['account']}: {told['strategy']} on {symbols}, night of {told['bar'][:10]}"


def _notices(standing: Standing, told: dict[str, Any]) -> list[str]:
    late = "late: it fills at the first open after that" if told["late"] else "on time"
    lines = [f"decided {told['decided_at']}, {late}; {_nights(standing)}"]
    if told["simulated"]:
        lines.append("SIMULATED NIGHT: decided in hindsight, by --as-of")
    if any(market.simulated for market in standing.replay.markets):
        lines.append("SIMULATED MARKET: not real prices")
    if told["overdue"]:
        lines.append(
            f"OVERDUE: the bar of {iso(_next(standing))} is not decided; "
            f"run `cryptobt paper run {told['account']}`"
        )
    return lines


def _next(standing: Standing) -> pd.Timestamp:
    return standing.night.bar_at + DAY


def _nights(standing: Standing) -> str:
    count = len(standing.nights)
    late = sum(standing.late(night) for night in standing.nights)
    said = f"night {count}" if count == 1 else f"night {count} since {standing.first:%Y-%m-%d}"
    return f"{said}, {late} late" if late else said


def _symbol(symbol: dict[str, Any], *, forecasts: bool) -> str:
    forecast = f"{_forecast(symbol['forecast'])}; " if forecasts else ""
    quote = "" if symbol["quote"] is None else f", {symbol['quote']:,.6g} at the decision"
    stale = f" ({symbol['bar'][:10]})" if symbol["stale"] else ""
    weight, target = (_share(symbol[key]) for key in ("weight", "target_weight"))
    return (
        f"{symbol['symbol']}  close {symbol['close']:,.6g}{stale}{quote}; "
        f"{forecast}weight {weight}, target {target}"
    )


def _forecast(forecast: dict[str, Any] | None) -> str:
    if forecast is None:
        return "no forecast tonight"
    if forecast["mean"] is None:
        return f"score {forecast['score']:+.3f}, not calibrated yet"
    low, high = (forecast[key] for key in ("q05", "q95"))
    return (
        f"next day {forecast['mean']:+.2%} (90 %: {low:+.2%} to {high:+.2%}), "
        f"p up {forecast['p_up']:.2f}"
    )


def _orders(orders: list[dict[str, Any]], bar: str) -> list[str]:
    if not orders:
        return ["no order waits"]
    return [order_line(order, bar) for order in orders]


def order_line(order: dict[str, Any], bar: str) -> str:
    """Say what waits, and since when; ``bar`` is that of the night, ISO 8601."""
    return f"{_waits(order['time'], bar)}: {_order(order)}"


def _waits(sent: str, bar: str) -> str:
    return "order for the next open" if sent == bar else f"order of {sent[:10]}, still waiting"


def _order(order: dict[str, Any]) -> str:
    prices = [f"{name} {order[f'{name}_price_quote']:,.6g}" for name in ("stop", "limit")
              if order.get(f"{name}_price_quote") is not None]  # fmt: skip
    words = [order["side"], f"{order['quantity_base']:.6g}", order["symbol"], *prices]
    return " ".join(words) + ("" if prices else " at market")


def _fill(fill: dict[str, Any], bar: str) -> str:
    short = fill["shortfall_bps"]
    worse = "worse" if short is None or short >= 0 else "better"
    against = "" if short is None else f", {abs(short):.1f} bps {worse} than the quote then"
    late = ", late" if fill["late"] else ""
    earlier = "" if fill["time"] == bar else f" {fill['time'][:10]}"
    return (
        f"filled{earlier}: {fill['side']} {fill['quantity_base']:.6g} {fill['symbol']} at "
        f"{fill['price_quote']:,.6g}, fee {fill['fee_quote']:,.2f}{against}{late}"
    )


def _money(told: dict[str, Any]) -> str:
    return (
        f"equity {told['equity_quote']:,.2f} ({told['return']:+.2%}), drawdown "
        f"{told['drawdown']:.2%}; buy-and-hold {told['buy_and_hold_quote']:,.2f}: "
        f"{100 * told['minus_buy_and_hold']:+.2f} points against it"
    )


def _ages(told: dict[str, Any]) -> str:
    data = f"data {told['data_age_hours']:,.1f} h old"
    model = told["model_age_days"]
    return data if model is None else f"{data}, model {model:,.0f} days old"


def _share(weight: float | None) -> str:
    return _DASH if weight is None else f"{weight:.1%}"


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)
