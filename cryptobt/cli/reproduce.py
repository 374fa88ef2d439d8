"""``cryptobt reproduce``: a paper's claim beside its own recipe and the honest twin."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import (
    as_settings,
    out_option,
    series_options,
    settings_options,
    source_option,
    workers_option,
)
from cryptobt.cli.output import say
from cryptobt.cli.progress import job

if TYPE_CHECKING:
    from cryptobt.jobs.reproduce import ReproductionReport

_PAPERS = "dual-attention|ath-cryptonet|intraday-multistep|window-bilstm"


@click.command()
@click.argument("paper", metavar=f"{{{_PAPERS}}}")
@click.option("--symbol", help="Symbol to use. [BTC-USD]")
@source_option
@click.option("--csv", metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@series_options
@click.option("--start", metavar="DATE", help="First row in place of the paper's.")
@click.option("--end", metavar="DATE", help="Last bar.")
@settings_options
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print reproduction.json, not the table.")
@workers_option
def reproduce(
    paper: str, config: Path | None, assignments: tuple[str, ...], as_json: bool, **flags: Any
) -> None:
    """Set a paper's claim beside its own recipe, run with its flaws, and the honest twin.

    Below them stand the baselines that the paper left out, and what the difference is.
    """
    from cryptobt.core.settings import load_settings

    listed = {name: (flags[name],) if flags[name] else None for name in ("symbol", "csv")}
    given = load_settings(config, assignments, as_settings(flags | listed))
    report = _run(paper, given)
    text = json.dumps(report.document, indent=1) if as_json else report.summary()
    say(text, kept=f"the run is whole in {report.folder}")


def _run(paper: str, settings: Any) -> "ReproductionReport":
    from cryptobt.jobs.reproduce import reproduce as run

    with job() as (now, events, command):
        return run(paper, settings, now, events, command)
