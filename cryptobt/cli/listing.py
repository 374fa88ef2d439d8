"""``cryptobt strategies`` and ``cryptobt forecasters``: what there is, and whether it is sound."""

import json
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout

import click

from cryptobt.cli.output import say


@click.command()
def strategies() -> None:
    """List the strategies, one line each."""
    from cryptobt.jobs.listing import list_strategies

    _list(list_strategies())


@click.group(invoke_without_command=True)
@click.pass_context
def forecasters(context: click.Context) -> None:
    """List the forecasters, one line each (or check one with `cryptobt forecasters check`)."""
    if context.invoked_subcommand is None:
        from cryptobt.jobs.listing import list_forecasters

        _list(list_forecasters())


@forecasters.command()
@click.argument("name", metavar="NAME|FILE.py:NAME")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Check that a forecaster keeps the contract and sees no future, on a simulated market.

    Prints one line for each check; the exit code is 8 if one failed.
    """
    from cryptobt.core.errors import CheckFailedError
    from cryptobt.jobs.check_forecaster import check_forecaster

    # A user's forecaster may print: stdout is for the result alone.
    with redirect_stdout(sys.stderr):
        report = check_forecaster(name, assignments)
    say(json.dumps(report.to_json(), indent=1) if as_json else "\n".join(report.lines()))
    if report.failed:
        raise CheckFailedError(report.problem())


def _list(texts: Mapping[str, str]) -> None:
    width = max(len(name) for name in texts)
    for name, text in texts.items():
        click.echo(f"{name.ljust(width)}  {text}")
