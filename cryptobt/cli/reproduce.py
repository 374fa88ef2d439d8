"""``cryptobt reproduce``: a paper's claim beside its own recipe and the honest twin."""

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
    from cryptobt.jobs.reproduce import ReproductionReport

_PAPERS = "dual-attention|ath-cryptonet|intraday-multistep|window-bilstm"


@click.command()
@click.argument("paper", metavar=f"{{{_PAPERS}}}")
@click.option("--symbol", help="Symbol to use. [BTC-USD]")
@click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
@click.option("--csv", metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("--start", metavar="DATE", help="First row in place of the paper's.")
@click.option("--end", metavar="DATE", help="Last bar.")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--out", metavar="DIR", help="Folder for runs. [runs]")
@click.option("--json", "as_json", is_flag=True, help="Print reproduction.json, not the table.")
@click.option("--workers", type=int, help="Processes that train. [all cores]")
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
    import pandas as pd

    from cryptobt.jobs.events import Events
    from cryptobt.jobs.reproduce import reproduce as run

    log_to_stderr()
    now = pd.Timestamp.now("UTC").floor("s")
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        command = shlex.join(["cryptobt", *sys.argv[1:]])
        return run(paper, settings, now, Events(warn, step, fits), command)
