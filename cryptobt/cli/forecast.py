"""``cryptobt forecast``: the next bar of each symbol, and what the strategy would do."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import as_settings
from cryptobt.cli.output import say
from cryptobt.cli.progress import log_to_stderr, progress, warn

if TYPE_CHECKING:
    from cryptobt.jobs.next_forecast import NextForecast


@click.command()
@click.option("--strategy", help="Strategy to ask; see `cryptobt strategies`. [attn_signal]")
@click.option("--forecaster", help="Forecaster in place of the strategy's own.")
@click.option("--symbol", multiple=True, help="Symbol to forecast. [BTC-USD]")
@click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--workers", type=int, help="Processes that train. [all cores]")
def forecast(
    config: Path | None, assignments: tuple[str, ...], as_json: bool, **flags: Any
) -> None:
    """Forecast what comes after the last complete bar, and say what the strategy would do.

    Nothing is written but the fold cache: what was fitted once is not fitted again.
    """
    from cryptobt.core.settings import load_settings

    made = _make(load_settings(config, assignments, as_settings(flags)))
    say(json.dumps(made.document, indent=1, allow_nan=False) if as_json else made.summary())


def _make(settings: Any) -> "NextForecast":
    import pandas as pd

    from cryptobt.jobs.events import Events
    from cryptobt.jobs.next_forecast import next_forecast

    log_to_stderr()
    now = pd.Timestamp.now("UTC").floor("s")
    # A user's strategy may print: stdout is for the result alone.
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        return next_forecast(settings, now, Events(warn, step, fits))
