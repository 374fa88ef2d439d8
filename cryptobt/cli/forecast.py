"""``cryptobt forecast``: the next bar of each symbol, and what the strategy would do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import as_settings, data_options, settings_options, workers_option
from cryptobt.cli.output import say
from cryptobt.cli.progress import job

if TYPE_CHECKING:
    from cryptobt.jobs.next_forecast import NextForecast


@click.command()
@click.option("--strategy", help="Strategy to ask; see `cryptobt strategies`. [attn_signal]")
@click.option("--forecaster", help="Forecaster in place of the strategy's own.")
@data_options
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@workers_option
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
    from cryptobt.jobs.next_forecast import next_forecast

    with job() as (now, events, _):
        return next_forecast(settings, now, events)
