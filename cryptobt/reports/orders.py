"""Orders in words: what was rejected, and what waits for the next bar."""

from typing import Any

from cryptobt.reports.numbers import count, finite, format_percent, lookup

NONE_PENDING = "no order pending for the next bar"


def describe_order(order: dict[str, Any]) -> str:
    """Write one order as ``buy 0.5 BTC-USD at market, target weight 40.0%``."""
    quantity = finite(order.get("quantity_base"))
    size = f"{quantity:.8g} " if quantity is not None else ""
    text = f"{order.get('side', '')} {size}{order.get('symbol', '')} {_terms(order)}".strip()
    weight = finite(order.get("target_weight"))
    return text if weight is None else f"{text}, target weight {format_percent(weight)}"


def _terms(order: dict[str, Any]) -> str:
    kind = str(order.get("exec_type") or "market")
    # The price that follows says what it is: "stop 95" and not "at stop stop 95".
    terms = ["at market"] if kind == "market" else ["at"]
    for key, word in (("limit_price_quote", "limit"), ("stop_price_quote", "stop")):
        price = finite(order.get(key))
        if price is not None:
            terms.append(f"{word} {price:,.8g}")
    return " ".join(terms)


def pending_orders(metrics: dict[str, Any]) -> list[str]:
    """Describe every order that waits for the next bar; empty where none does."""
    return [describe_order(order) for order in lookup(metrics, "pending_orders") or []]


def rejections(metrics: dict[str, Any]) -> list[tuple[str, int]]:
    """List reasons of rejected orders with their counts, most frequent first."""
    reasons = lookup(metrics, "orders", "by_reason") or {}
    return sorted(((str(why), int(n)) for why, n in reasons.items()), key=lambda r: (-r[1], r[0]))


def margin_calls(metrics: dict[str, Any]) -> str:
    """Write how often a margin call closed the account's positions; empty text for never."""
    calls = count(metrics, "orders", "margin_calls")
    return "" if not calls else "1 margin call" if calls == 1 else f"{calls} margin calls"


def describe_rejections(metrics: dict[str, Any]) -> str:
    """Write how many orders were rejected and why; empty text where none was."""
    total = count(metrics, "orders", "rejected")
    if not total:
        return ""
    why = "; ".join(f"{reason} ({times})" for reason, times in rejections(metrics))
    return f"{total} rejected" + (f": {why}" if why else "")
