"""``cryptobt backtest``: one strategy through history, and its tearsheet."""

import json
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import as_settings
from cryptobt.cli.output import say
from cryptobt.cli.progress import log_to_stderr, progress, warn

if TYPE_CHECKING:
    from cryptobt.jobs.backtest import BacktestReport


@click.command()
@click.option("--strategy", help="Strategy to trade; see `cryptobt strategies`. [attn_signal]")
@click.option("--forecaster", help="Forecaster in place of the strategy's own.")
@click.option("--symbol", multiple=True, help="Symbol to trade. [BTC-USD]")
@click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("--start", metavar="DATE", help="First decision; earlier bars warm up and train.")
@click.option("--end", metavar="DATE", help="Last bar.")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--out", metavar="DIR", help="Folder for runs. [runs]")
@click.option("--json", "as_json", is_flag=True, help="Print metrics.json instead of the table.")
@click.option("--workers", type=int, help="Processes that train. [all cores]")
def backtest(
    config: Path | None, assignments: tuple[str, ...], as_json: bool, **flags: Any
) -> None:
    """Trade a strategy through history and write its run folder with the tearsheet.

    Without a file, prices come from Yahoo; without a network, from the simulated sample market.
    """
    from cryptobt.core.settings import load_settings

    report = _run(load_settings(config, assignments, as_settings(flags)))
    text = json.dumps(report.metrics, indent=1) if as_json else report.summary()
    say(text, kept=f"the run is whole in {report.folder}")


def _run(settings: Any) -> "BacktestReport":
    import pandas as pd

    from cryptobt.jobs.backtest import Events
    from cryptobt.jobs.backtest import backtest as run

    log_to_stderr()
    now = pd.Timestamp.now("UTC").floor("s")
    # A user's strategy may print: stdout is for the result alone.
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        command = shlex.join(["cryptobt", *sys.argv[1:]])
        return run(settings, now, Events(warn, step, fits), command)
