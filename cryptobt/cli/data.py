"""``cryptobt data``: sync, show and verify market data."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from cryptobt.core.errors import CryptobtError

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_SOURCE = click.option("--source", help="yahoo, alphavantage, ccxt:EXCHANGE … [yahoo]")
_INTERVAL = click.option("--interval", help="Such as 1d, 1h or 5m. [1d]")


@click.group()
def data() -> None:
    """Market data: keep it up to date, list it, examine it."""


@data.command()
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@_SOURCE
@_INTERVAL
@click.option("--since", metavar="DATE", help="Fetch everything from here on again.")
@_JSON
def sync(
    symbols: tuple[str, ...],
    source: str | None,
    interval: str | None,
    since: str | None,
    as_json: bool,
) -> None:
    """Bring the stored bars of symbols up to date.

    Only what is missing is fetched, and a short overlap in which rewrites are found and logged.
    """
    import pandas as pd

    from cryptobt.core.settings import load_settings
    from cryptobt.jobs.data import sync_symbols

    settings = load_settings(None, [], {"data.source": source, "data.interval": interval}).data
    now = pd.Timestamp.now("UTC").floor("s")
    with click.progressbar(
        length=len(symbols), label="syncing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        found = sync_symbols(settings, symbols, since, now, lambda _: bar.update(1))
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=1))
    else:
        for one in found:
            click.echo(one.line(), err=one.report is None)
    _end_with([one.error for one in found if one.error is not None], len(found))


@data.command()
@_JSON
def show(as_json: bool) -> None:
    """List the stored bars."""
    from cryptobt.jobs.data import show_stored

    found = [one.to_json() for one in show_stored()]
    if as_json:
        click.echo(json.dumps(found, indent=1))
    elif found:
        _table(found)
    else:
        click.echo("nothing is stored yet; `cryptobt data sync BTC-USD` fetches bars")


@data.command()
@click.option("--symbol", multiple=True, help="Symbol to examine. [BTC-USD]")
@_SOURCE
@_INTERVAL
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
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
    cross_check: str | None,
    threshold: float,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Examine bars as a run would use them: gaps, flat and stale bars, outliers, units."""
    import pandas as pd

    from cryptobt.core.settings import load_settings
    from cryptobt.jobs.data import verify as examine

    flags: dict[str, Any] = {
        "data.symbols": symbol or None,
        "data.source": source,
        "data.interval": interval,
        "data.csv": csv or None,
    }
    settings = load_settings(None, assignments, flags).data
    found = examine(settings, cross_check, threshold, pd.Timestamp.now("UTC").floor("s"))
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=1))
    else:
        click.echo("\n\n".join("\n".join(one.lines()) for one in found))


def _table(rows: Sequence[dict[str, Any]]) -> None:
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _end_with(errors: Sequence[CryptobtError], asked: int) -> None:
    """End with the first failure's exit code; its words have been printed."""
    if not errors:
        return
    kind = type(errors[0])
    raise kind(f"{len(errors)} of {asked} symbols could not be synced")
