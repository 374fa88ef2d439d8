"""The section on round trips: the newest, and of many the largest wins and losses."""

from typing import Any

import pandas as pd

from cryptobt.core import columns
from cryptobt.core.types import BacktestResult
from cryptobt.reports.grid import absent, bare, dash, grid, words
from cryptobt.reports.numbers import format_amount, format_percent, format_ratio

NEWEST = 50
EXTREMES = 25
_HEADS = (
    "Entry", "Exit", "Symbol", "Side", "Bars", "Entry price", "Exit price", "Return", "Profit",
)  # fmt: skip


def trades_section(result: BacktestResult | None) -> str:
    """Write the round trips of the strategy."""
    if result is None or result.trades.empty:
        return absent("No trade was made.")
    trades = result.trades.sort_values([columns.TIME, "trade_id"], ascending=False, kind="stable")
    parts = [_sentence(trades), _table("Newest first", trades.head(NEWEST), open_=True)]
    if len(trades) > NEWEST:
        ranked = trades.sort_values("pnl_quote", ascending=False, kind="stable")
        won, lost = ranked[ranked["pnl_quote"] > 0], ranked[ranked["pnl_quote"] < 0]
        parts += [
            _table("Largest wins", won.head(EXTREMES)),
            _table("Largest losses", lost.tail(EXTREMES).iloc[::-1]),
        ]
    return "".join(parts)


def _sentence(trades: pd.DataFrame) -> str:
    profit = trades["pnl_quote"].astype(float)
    won, lost = profit[profit > 0], profit[profit < 0]
    still = int(trades["open"].astype(bool).sum())
    parts = [
        _counted(len(trades), "round trip", "round trips"),
        f"{len(won):,} won ({format_percent(len(won) / len(trades), 0)}), {len(lost):,} lost",
    ]
    if len(won) and len(lost):
        ratio = float(won.mean() / -lost.mean())
        parts.append(f"a mean win is {format_ratio(ratio)} of a mean loss")
    parts.append(f"median {trades['bars_held'].median():,.0f} bars held")
    if still:
        parts.append(f"{still:,} still open, at the last close")
    if len(trades) > NEWEST:
        parts.append(f"all of them in trades.csv, the newest {NEWEST} here")
    return f'<p class="lead">{"; ".join(parts)}.</p>'


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _table(title: str, trades: pd.DataFrame, *, open_: bool = False) -> str:
    if trades.empty:
        return ""
    rows = [_row({str(k): v for k, v in row.items()}) for row in trades.to_dict("records")]
    caption = f"{title} ({len(rows):,})"
    table = grid(caption, ("No.", *_HEADS), rows, kind="trades", said=True)
    return f"<details{' open' if open_ else ''}><summary>{caption}</summary>{table}</details>"


def _row(trade: dict[str, Any]) -> tuple[str, ...]:
    gone = trade["exit_time"]
    left = (
        dash("still open", "words") if bool(trade["open"]) or pd.isna(gone) else words(_day(gone))
    )
    return (
        str(trade["trade_id"]),
        words(_day(trade[columns.TIME])),
        left,
        words(str(trade["symbol"])),
        words(str(trade["direction"])),
        bare(trade["bars_held"], format_amount),
        *(bare(trade[name], _price) for name in ("entry_price_quote", "exit_price_quote")),
        bare(trade["return"], format_percent),
        bare(trade["pnl_quote"], format_amount),
    )


def _day(value: Any) -> str:
    """Write a time as a date, and with its minutes where it has some."""
    time = pd.Timestamp(value)
    return f"{time:%Y-%m-%d}" if time == time.normalize() else f"{time:%Y-%m-%d %H:%M}"


def _price(value: float | None) -> str:
    return f"{value:,.6g}"
