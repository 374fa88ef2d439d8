"""``cryptobt explain``: why a forecaster says what it says."""

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
    from cryptobt.jobs.explain import ExplainReport


@click.command()
@click.option("--forecaster", help="Trained forecaster to explain. [dual_attention]")
@click.option("--symbol", multiple=True, help="Symbol to explain. [BTC-USD]")
@click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
@click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file.")
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("--start", metavar="DATE", help="First forecast; earlier bars warm up and train.")
@click.option("--end", metavar="DATE", help="Last bar.")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--out", metavar="DIR", help="Folder for runs. [runs]")
@click.option("--json", "as_json", is_flag=True, help="Print explanation.json instead of the text.")
@click.option("--workers", type=int, help="Processes that fit and examine. [all cores]")
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
    import pandas as pd

    from cryptobt.jobs.events import Events
    from cryptobt.jobs.explain import explain as run

    log_to_stderr()
    now = pd.Timestamp.now("UTC").floor("s")
    # A user's forecaster may print: stdout is for the result alone.
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        command = shlex.join(["cryptobt", *sys.argv[1:]])
        return run(settings, now, Events(warn, step, fits), command)
