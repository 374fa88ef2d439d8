"""What is forecast next, in a few lines for the terminal."""

import math
from typing import Any

from cryptobt.reports.numbers import DASH, ROW_TO_BEAT, format_percent
from cryptobt.reports.orders import describe_order

_HEADER = ("", "to", "by", "return", "90 %", "price", "90 %", "p up", "score")
_ROW_TO_BEAT = f"{ROW_TO_BEAT} is the trend already known, nothing learnt: the row to beat"


def summary(document: dict[str, Any]) -> str:
    """Say of each symbol what is forecast, what is held, and what the strategy would do.

    Parameters
    ----------
    document : dict
        As ``cryptobt forecast --json`` prints it; an absent number is told with its reason.
    """
    lines = [_head(document), *_notices(document)]
    for symbol in document["symbols"]:
        table = _forecasts(symbol, document["interval"])
        lines += ["", _symbol(symbol), *table, _position(symbol)]
    lines += ["", *_orders(document), _money(document), _ROW_TO_BEAT]
    return "\n".join(_printable(line) for line in lines)


def _head(document: dict[str, Any]) -> str:
    symbols = ", ".join(symbol["symbol"] for symbol in document["symbols"])
    name = document["forecaster"]
    by = f"forecast by {name}" if name else "a rule that reads no forecast"
    return f"{document['strategy']} on {symbols}, {document['interval']}, {by}"


def _notices(document: dict[str, Any]) -> list[str]:
    return ["SIMULATED MARKET: not real prices"] if document["simulated"] else []


def _symbol(symbol: dict[str, Any]) -> str:
    stale = ", and others have later bars" if symbol["stale"] else ""
    close = f"{symbol['symbol']}  close {symbol['close']:,.6g} {symbol['unit']}"
    return f"{close} at {_instant(symbol['closed_at'])}{stale}; {_ages(symbol)}"


def _ages(symbol: dict[str, Any]) -> str:
    hours = symbol["data_age_hours"]
    data = f"data {hours:,.1f} h old" if hours < 72 else f"data {hours / 24:,.0f} days old"
    models = [forecast.get("model_age_days") for forecast in symbol["forecasts"]]
    known = [age for age in models if age is not None]
    return f"{data}, model {max(known):,.0f} days old" if known else data


def _forecasts(symbol: dict[str, Any], interval: str) -> list[str]:
    """Write a table of the horizons and forecasters, and below it why numbers are absent."""
    made = [forecast for forecast in symbol["forecasts"] if "score" in forecast]
    head = (*_HEADER[:5], f"price, {symbol['unit']}", *_HEADER[6:])
    cells: list[tuple[str, ...]] = [head, *(_cells(forecast, interval) for forecast in made)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADER))]
    table = ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    why = [f"  {one['forecaster']}: {_absent(one)}" for one in symbol["forecasts"] if one["reason"]]
    return [*(table if made else []), *dict.fromkeys(why)]


def _cells(forecast: dict[str, Any], interval: str) -> tuple[str, ...]:
    change, low, high = (_change(forecast[key]) for key in ("mean", "q05", "q95"))
    price, bottom, top = (_amount(forecast[f"{key}_price"]) for key in ("mean", "q05", "q95"))
    known = forecast["mean"] is not None
    return (
        _ahead(forecast["horizon_bars"], interval),
        _instant(forecast["target_at"]),
        forecast["forecaster"],
        change,
        f"{low} to {high}" if known else DASH,
        price,
        f"{bottom} to {top}" if known else DASH,
        f"{forecast['p_up']:.2f}" if known else DASH,
        f"{forecast['score']:+.3f}",
    )


def _absent(forecast: dict[str, Any]) -> str:
    said = "not calibrated yet" if "score" in forecast else "no forecast"
    return f"{said}: {forecast['reason']}"


def _ahead(bars: int, interval: str) -> str:
    if interval == "1d":
        return "next day" if bars == 1 else f"next {bars} days"
    return f"next {interval}" if bars == 1 else f"next {bars} x {interval}"


def _change(log_return: float | None) -> str:
    """Write a log return as the change of the price that it is."""
    if log_return is None:
        return DASH
    text = f"{math.expm1(log_return):+.2%}"
    return text if any(digit in text for digit in "123456789") else "0.00%"


def _amount(price: float | None) -> str:
    return DASH if price is None else f"{price:,.6g}"


def _position(symbol: dict[str, Any]) -> str:
    weight, target = (_share(symbol[key]) for key in ("weight", "target_weight"))
    return f"  weight {weight} ({symbol['quantity_base']:.6g} held), target {target}"


def _share(weight: float | None) -> str:
    return DASH if weight is None else format_percent(weight)


def _orders(document: dict[str, Any]) -> list[str]:
    orders = document["pending_orders"]
    if not orders:
        return ["no order waits for the next open"]
    bars = {symbol["symbol"]: symbol["last_bar"] for symbol in document["symbols"]}
    return [f"{_waits(order, bars[order['symbol']])}: {describe_order(order)}" for order in orders]


def _waits(order: dict[str, Any], last_bar: str) -> str:
    new = order["time"] == last_bar
    return "order for the next open" if new else f"order of {order['time'][:10]}, still waiting"


def _money(document: dict[str, Any]) -> str:
    account = document["account"]
    return (
        f"account backtested since {account['first'][:10]}: equity {account['equity_quote']:,.2f}, "
        f"cash {account['cash_quote']:,.2f} of {account['began_with_quote']:,.2f} quote at first"
    )


def _instant(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)
