"""``cryptobt backtest``: one strategy through history, and its tearsheet."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import (
    as_settings,
    data_options,
    date_options,
    out_option,
    settings_options,
    workers_option,
)
from cryptobt.cli.output import say
from cryptobt.cli.progress import job

if TYPE_CHECKING:
    from cryptobt.jobs.backtest import BacktestReport


@click.command()
@click.option("--strategy", help="Strategy to trade; see `cryptobt strategies`. [attn_signal]")
@click.option("--forecaster", help="Forecaster in place of the strategy's own.")
@data_options
@date_options
@settings_options
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print metrics.json instead of the table.")
@workers_option
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
    from cryptobt.jobs.backtest import backtest as run

    with job() as (now, events, command):
        return run(settings, now, events, command)
