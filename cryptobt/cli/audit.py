"""``cryptobt audit``: what knows the future, how often luck is found, whether accounts agree."""

import json
from collections.abc import Callable
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
    from cryptobt.jobs.audits.report import AuditReport

Command = Callable[..., Any]
_MARKETS = 20
_json = click.option("--json", "as_json", is_flag=True, help="Print audit.json, not the summary.")
_markets = click.option(
    "--markets",
    type=click.IntRange(min=1),
    default=_MARKETS,
    metavar="N",
    help=f"Simulated markets to try. [{_MARKETS}]",
)


def _pipeline(command: Command) -> Command:
    """Give a command the options that choose a pipeline and its data."""
    for option in (
        workers_option,
        _json,
        out_option,
        settings_options,
        date_options,
        data_options,
        click.option("--forecaster", help="Forecaster in place of the strategy's own."),
        click.option("--strategy", help="Strategy, or my_file.py:MyStrategy. [attn_signal]"),
    ):
        command = option(command)
    return command


@click.group()
def audit() -> None:
    """Look for what makes a backtest better than it is.

    Strategies, forecasters and features of your own are audited as the built-in ones are.
    """


@audit.command()
@_pipeline
@click.option("--deep", is_flag=True, help="Retrain on cut data and against leaking twins too.")
def leakage(deep: bool, **flags: Any) -> None:
    """Take the future away, and name whatever moves.

    Features, targets, scalers, forecasts, orders and the files that the code reads are checked.
    What leaked is named with its first time, its column, its line, and how to mend it; the exit
    code is 8 then.
    """

    def run(settings: Any, *rest: Any) -> "AuditReport":
        from cryptobt.jobs.audits.leakage import audit_leakage

        return audit_leakage(settings, *rest, deep=deep)

    _audited(run, **flags)


@audit.command()
@_pipeline
@_markets
def null(markets: int, **flags: Any) -> None:
    """Count how often skill is found on markets without any.

    The whole pipeline runs, with its costs and its verdict, on markets that are simulated with the
    length, drift and volatility of the data.
    """

    def run(settings: Any, *rest: Any) -> "AuditReport":
        from cryptobt.jobs.audits.null import audit_null

        return audit_null(settings, markets, *rest)

    _audited(run, **flags)


@audit.command()
@_pipeline
@_markets
def planted(markets: int, **flags: Any) -> None:
    """Measure how much of a known edge is found.

    The markets are simulated, with the length and volatility of the data, no drift, and an edge in
    the bars, where every pipeline can see it.
    """

    def run(settings: Any, *rest: Any) -> "AuditReport":
        from cryptobt.jobs.audits.planted import audit_planted

        return audit_planted(settings, markets, *rest)

    _audited(run, **flags)


@audit.command()
@click.argument("run")
@out_option
@_json
def accounts(run: str, out: str | None, as_json: bool) -> None:
    """Keep a backtest's books anew by a second program.

    RUN is an id, the beginning of one, a folder's name, or a path. Every fill, fee and equity value
    is compared; the exit code is 8 where one differs.
    """
    from cryptobt.core.settings import RunSettings
    from cryptobt.jobs.audits.accounts import audit_accounts

    with job() as (now, events, command):
        report = audit_accounts(run, Path(out or RunSettings().out), events, now, command)
    _tell(report, as_json)


def _audited(
    run: "Callable[..., AuditReport]",
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    from cryptobt.core.settings import load_settings

    settings = load_settings(config, assignments, as_settings(flags))
    with job() as (now, events, command):
        report = run(settings, now, events, command)
    _tell(report, as_json)


def _tell(report: "AuditReport", as_json: bool) -> None:
    """Print what was found; something wrong is an error of its own.

    Raises
    ------
    CheckFailedError
        On a leak, or on accounts that differ.
    """
    from cryptobt.core.errors import CheckFailedError

    text = json.dumps(report.document, indent=1) if as_json else report.summary()
    say(text, kept=f"the audit is whole in {report.folder}")
    if report.document["outcome"] in ("leak", "differs"):
        raise CheckFailedError(report.problem())
