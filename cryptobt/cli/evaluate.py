"""``cryptobt evaluate``: forecasters side by side, and their page."""

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
    from cryptobt.jobs.evaluate import EvaluationReport


@click.command()
@click.option("--forecasters", metavar="A,B,…", help="Forecasters to compare, or: all.")
@click.option("--symbol", multiple=True, help="Symbol to forecast. [BTC-USD]")
@click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("--start", metavar="DATE", help="First forecast; earlier bars warm up and train.")
@click.option("--end", metavar="DATE", help="Last bar.")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--out", metavar="DIR", help="Folder for runs. [runs]")
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json, not the table.")
@click.option("--workers", type=int, help="Processes that train. [all cores]")
def evaluate(
    forecasters: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    """Compare forecasters on the same bars, beside persistence and always-up.

    They forecast the next return unless a target is set; linear, persistence, always_up and
    last_sign are always among them.
    """
    from cryptobt.core.settings import load_settings

    report = _run(load_settings(config, assignments, as_settings(flags)), forecasters)
    text = json.dumps(report.document, indent=1) if as_json else report.summary()
    say(text, kept=f"the run is whole in {report.folder}")


def _run(settings: Any, named: str | None) -> "EvaluationReport":
    import pandas as pd

    from cryptobt.jobs.evaluate import evaluate as run
    from cryptobt.jobs.evaluate import forecasters_of
    from cryptobt.jobs.events import Events

    log_to_stderr()
    names = forecasters_of(named)
    now = pd.Timestamp.now("UTC").floor("s")
    # A user's forecaster may print: stdout is for the result alone.
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        command = shlex.join(["cryptobt", *sys.argv[1:]])
        return run(settings, names, now, Events(warn, step, fits), command)
