"""``cryptobt runs``: list, show, compare and reproduce what was backtested."""

import json
from pathlib import Path

import click

from cryptobt.cli.flags import out_option
from cryptobt.cli.output import say
from cryptobt.cli.progress import job, warn

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def runs() -> None:
    """Backtests that were made: list them, show, compare or repeat them.

    A run is named by its id, the beginning of one, its folder's name, or its path.
    """


@runs.command("list")
@out_option
@click.option("--strategy", metavar="NAME", help="Runs of this strategy alone.")
@click.option("--symbol", help="Runs that traded this symbol alone or among others.")
@_JSON
def list_(out: str | None, strategy: str | None, symbol: str | None, as_json: bool) -> None:
    """List the backtests in a folder, newest first."""
    from cryptobt.jobs.runs import list_runs

    found = list_runs(_folder(out), strategy, symbol, warn)
    say(json.dumps(found.rows, indent=1) if as_json else found.text())


@runs.command()
@click.argument("run")
@out_option
def show(run: str, out: str | None) -> None:
    """Show the summary of a backtest again, and where it lies."""
    from cryptobt.jobs.runs import show_run

    say(show_run(run, _folder(out)))


@runs.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@out_option
@_JSON
def compare(first: str, second: str, out: str | None, as_json: bool) -> None:
    """Set two backtests side by side over the dates that both traded, and write a page.

    Differences have intervals by a paired bootstrap: what both share cancels out.
    """
    from cryptobt.jobs.compare_runs import compare_runs

    found = compare_runs(first, second, _folder(out))
    text = json.dumps(found.document, indent=1) if as_json else found.summary()
    say(text, kept=f"the page is whole in {found.page}")


@runs.command()
@click.argument("run")
@out_option
def reproduce(run: str, out: str | None) -> None:
    """Make a backtest anew from its run.json, and compare every file byte for byte.

    The bars are those that were kept with it; trials are not counted again. The exit code is 8
    where a file differs.
    """
    from cryptobt.core.errors import CheckFailedError
    from cryptobt.jobs.reproduce_run import reproduce_run

    with job() as (_, events, _):
        found = reproduce_run(run, _folder(out), events)
    say(found.text())
    if found.differing:
        raise CheckFailedError(found.problem())


def _folder(out: str | None) -> Path:
    from cryptobt.core.settings import RunSettings

    return Path(out or RunSettings().out)
