"""``cryptobt data``: sync, show and verify market data."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from cryptobt.cli.output import say
from cryptobt.core.errors import CryptobtError

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_SOURCE = click.option("--source", help="yahoo, alphavantage, ccxt:EXCHANGE … [yahoo]")
_ONCHAIN = click.option(
    "--onchain", multiple=True, metavar="coinmetrics|FILE", help="On-chain series."
)
_EXTRA = click.option(
    "--extra", multiple=True, metavar="SERIES|NAME=FILE", help="feargreed, macro:sp500 …"
)
_INTERVAL = click.option("--interval", help="Such as 1d, 1h or 5m. [1d]")


@click.group()
def data() -> None:
    """Market data: keep it up to date, list it, examine it."""


@data.command()
@click.argument("symbols", nargs=-1, metavar="[SYMBOL]...")
@_SOURCE
@_INTERVAL
@_ONCHAIN
@_EXTRA
@click.option("--since", metavar="DATE", help="Fetch everything from here on again.")
@_JSON
def sync(
    symbols: tuple[str, ...],
    source: str | None,
    interval: str | None,
    onchain: tuple[str, ...],
    extra: tuple[str, ...],
    since: str | None,
    as_json: bool,
) -> None:
    """Bring the stored bars of symbols, and the series beside them, up to date.

    Only what is missing is fetched, and a short overlap in which rewrites are found and logged.
    """
    import pandas as pd

    from cryptobt.core.settings import load_settings
    from cryptobt.jobs.data import sync_symbols

    flags = _given(source, interval, onchain, extra)
    settings = load_settings(None, [], flags).data
    now = pd.Timestamp.now("UTC").floor("s")
    count = len(symbols) * (1 + len(onchain)) + len(extra)
    with click.progressbar(
        length=count, label="syncing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        found = sync_symbols(settings, symbols, since, now, lambda _: bar.update(1))
    if as_json:
        say(json.dumps([one.to_json() for one in found], indent=1))
    else:
        for one in found:
            click.echo(one.line(), err=True) if one.report is None else say(one.line())
    _end_with([one.error for one in found if one.error is not None], len(found))


@data.command()
@_JSON
def show(as_json: bool) -> None:
    """List the stored bars, and the series beside them."""
    from cryptobt.jobs.data import show_stored

    found = [one.to_json() for one in show_stored()]
    if as_json:
        say(json.dumps(found, indent=1))
    elif found:
        kinds = [[one for one in found if unit in one] for unit in ("bars", "rows")]
        say("\n\n".join("\n".join(_table(rows)) for rows in kinds if rows))
    else:
        say("nothing is stored yet; `cryptobt data sync BTC-USD` fetches bars")


@data.command()
@click.option("--symbol", multiple=True, help="Symbol to examine. [BTC-USD]")
@_SOURCE
@_INTERVAL
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@_ONCHAIN
@_EXTRA
@click.option("--cross-check", metavar="SOURCE|FILE", help="Compare the closes with these.")
@click.option("--threshold", type=float, default=0.01, show_default=True,
              help="Relative difference of closes from which on a bar is listed.")  # fmt: skip
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@_JSON
def verify(
    symbol: tuple[str, ...],
    source: str | None,
    interval: str | None,
    csv: tuple[str, ...],
    onchain: tuple[str, ...],
    extra: tuple[str, ...],
    cross_check: str | None,
    threshold: float,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Examine bars as a run would use them: gaps, flat and stale bars, outliers, units.

    Of series beside them: gaps, missing values, and rows that are late.
    """
    import pandas as pd

    from cryptobt.core.settings import load_settings
    from cryptobt.jobs.data import refuse_bad_rows
    from cryptobt.jobs.data import verify as examine

    flags = _given(source, interval, onchain, extra)
    flags |= {"data.symbols": symbol or None, "data.csv": csv or None}
    settings = load_settings(None, assignments, flags).data
    found = examine(settings, cross_check, threshold, pd.Timestamp.now("UTC").floor("s"))
    if as_json:
        say(json.dumps([one.to_json() for one in found], indent=1))
    else:
        say("\n\n".join("\n".join(one.lines()) for one in found))
    refuse_bad_rows(settings, found)


def _given(
    source: str | None, interval: str | None, onchain: Sequence[str], extra: Sequence[str]
) -> dict[str, Any]:
    return {
        "data.source": source,
        "data.interval": interval,
        "data.onchain": onchain or None,
        "data.extras": extra or None,
    }


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _end_with(errors: Sequence[CryptobtError], asked: int) -> None:
    """End with the first failure's exit code; its words have been printed."""
    if not errors:
        return
    kind = type(errors[0])
    raise kind(f"{len(errors)} of {asked} could not be synced")
