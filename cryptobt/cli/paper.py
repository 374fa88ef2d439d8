"""``cryptobt paper``: accounts that trade a strategy on paper, night by night."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cryptobt.cli.flags import as_settings
from cryptobt.cli.output import say
from cryptobt.cli.progress import log_to_stderr, progress, warn

if TYPE_CHECKING:
    from cryptobt.paper.clock import Clock

_NAME = click.argument("name")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def paper() -> None:
    """Paper accounts: a strategy traded every night on fresh bars, without money."""


@paper.command()
@_NAME
@click.option("--strategy", help="Strategy to trade; see `cryptobt strategies`. [attn_signal]")
@click.option("--forecaster", help="Forecaster in place of the strategy's own.")
@click.option("--symbol", multiple=True, help="Symbol to trade, such as BTC-USD.")
@click.option("--source", help="yahoo, ccxt:EXCHANGE, csv … [yahoo]")
@click.option(
    "--csv", multiple=True, metavar="[SYMBOL=]FILE", help="A file that grows by a row a day."
)
@click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics.")
@click.option("--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …")
@click.option("--cross-check", metavar="SOURCE|FILE", help="Trade only what this source confirms.")
@click.option("--cash", type=float, help="What it begins with, in quote. [10000]")
@click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
def init(name: str, config: Path | None, assignments: tuple[str, ...], **flags: Any) -> None:
    """Open the account NAME and freeze its settings; a backtest over the past is tried first."""
    from cryptobt.core.settings import load_settings
    from cryptobt.paper.clock import wall_clock
    from cryptobt.paper.init import init_account

    settings = load_settings(config, assignments, as_settings(flags))
    log_to_stderr()
    with progress() as (step, fits):
        account = init_account(settings, name, wall_clock().now(), _events(step, fits))
    say(
        f"account '{name}' is open: {account.trader.spec.name} on {', '.join(account.symbols)}, "
        f"{account.settings.account.cash_quote:,.2f} quote\n"
        f"its first night: cryptobt paper run {name}"
    )


@paper.command(name="list")
@_JSON
def list_(as_json: bool) -> None:
    """List the accounts and how they stand."""
    from cryptobt.paper.accounts import list_accounts
    from cryptobt.paper.clock import wall_clock

    found = list_accounts(wall_clock().now())
    if as_json:
        say(json.dumps([one.to_json() for one in found], indent=1))
    elif not found:
        say("there is no account yet; `cryptobt paper init NAME --symbol BTC-USD` opens one")
    else:
        for one in found:
            say(one.line())


@paper.command()
@_NAME
@click.option(
    "--as-of", metavar="TIME", help="Decide as if it were then (UTC); marked as simulated."
)
@click.option("--dry-run", is_flag=True, help="Do everything but write.")
@_JSON
def run(name: str, as_of: str | None, dry_run: bool, as_json: bool) -> None:
    """Decide every night that is due, and print the digest of the newest."""
    from cryptobt.core.time import iso
    from cryptobt.paper.digest import digest
    from cryptobt.paper.night import run_night

    log_to_stderr()
    with progress() as (step, fits):
        report = run_night(name, _clock(as_of), _events(step, fits), dry_run=dry_run)
    if as_json:
        decided = [iso(time) for time in report.decided]
        say(json.dumps(report.standing.to_json() | {"decided": decided}, indent=1))
    else:
        head = [] if report.recorded else ["DRY RUN: nothing was recorded"]
        head = head if report.decided else ["nothing is due; the newest night:"]
        kept = "the night is recorded" if report.recorded else ""
        say("\n".join([*head, *digest(report.standing)]), kept)
    report.raise_missing()


@paper.command()
@_NAME
@_JSON
def status(name: str, as_json: bool) -> None:
    """Say how an account stands, from its ledger alone."""
    from cryptobt.paper.accounts import standing_of
    from cryptobt.paper.clock import wall_clock
    from cryptobt.paper.digest import digest

    standing = standing_of(name, wall_clock().now())
    say(json.dumps(standing.to_json(), indent=1) if as_json else "\n".join(digest(standing)))


@paper.command()
@_NAME
@click.option("--out", default="runs", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder for runs. [runs]")  # fmt: skip
def report(name: str, out: Path) -> None:
    """Write the tearsheet of an account's record beside the backtest that preceded it."""
    from cryptobt.paper.clock import wall_clock
    from cryptobt.paper.report import report_account

    log_to_stderr()
    with progress() as (step, fits):
        folder = report_account(name, out, wall_clock().now(), _events(step, fits))
    say(f"Run folder  {folder}\nTearsheet   {folder / 'tearsheet.html'}")


@paper.command()
@_NAME
@click.option("--deep", is_flag=True, help="Make every forecast again, too.")
def replay(name: str, deep: bool) -> None:
    """Replay an account from its facts; exit code 5 on the first difference, named."""
    from cryptobt.paper.clock import wall_clock
    from cryptobt.paper.deep import replay_account

    log_to_stderr()
    with progress() as (step, fits):
        found = replay_account(name, wall_clock().now(), _events(step, fits), deep=deep)
    say(found.line())


@paper.command()
@_NAME
@click.option(
    "--out", default=".", metavar="DIR", type=click.Path(path_type=Path), help="Folder. [.]"
)
def export(name: str, out: Path) -> None:
    """Write an account's facts, and what they replay to, as CSV."""
    from cryptobt.paper.accounts import export_account

    for path in export_account(name, out):
        say(str(path))


def _events(step: Any, fits: Any) -> Any:
    from cryptobt.jobs.events import Events

    return Events(warn, step, fits)


def _clock(as_of: str | None) -> "Clock":
    from cryptobt.core.errors import UsageError
    from cryptobt.core.time import iso, parse_day
    from cryptobt.paper.clock import stopped_clock, wall_clock

    clock = wall_clock()
    if as_of is None:
        return clock
    instant = parse_day(as_of, "--as-of")
    if instant > clock.now():
        raise UsageError(
            f"--as-of {iso(instant)} is after now, {iso(clock.now())}; give an instant that is past"
        )
    return stopped_clock(instant)
