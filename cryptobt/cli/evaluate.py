"""``cryptobt evaluate``: forecasters side by side, and their page."""

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
    from cryptobt.jobs.evaluate import EvaluationReport


@click.command()
@click.option("--forecasters", metavar="A,B,…", help="Forecasters to compare, or: all.")
@data_options
@date_options
@settings_options
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json, not the table.")
@workers_option
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
    from cryptobt.jobs.evaluate import evaluate as run
    from cryptobt.jobs.evaluate import forecasters_of

    names = forecasters_of(named)
    with job() as (now, events, command):
        return run(settings, names, now, events, command)
