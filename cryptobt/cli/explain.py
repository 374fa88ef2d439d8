"""``cryptobt explain``: why a forecaster says what it says."""

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
    from cryptobt.jobs.explain import ExplainReport


@click.command()
@click.option("--forecaster", help="Trained forecaster to explain. [dual_attention]")
@data_options
@date_options
@settings_options
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print explanation.json instead of the text.")
@workers_option
def explain(config: Path | None, assignments: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Say what a forecaster looks at, what it needs, and whether its attention can be believed.

    Features, and bars of the window, are taken from elsewhere, out of sample: what the error gains
    by it is what the forecaster had from them.
    """
    from cryptobt.core.settings import load_settings

    report = _run(load_settings(config, assignments, as_settings(flags)))
    text = json.dumps(report.explanation, indent=1) if as_json else report.summary()
    say(text, kept=f"the explanation is whole in {report.folder}")


def _run(settings: Any) -> "ExplainReport":
    from cryptobt.jobs.explain import explain as run

    with job() as (now, events, command):
        return run(settings, now, events, command)
