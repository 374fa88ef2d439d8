"""The command line: parse, call one function of a job, print, exit with the documented code."""

import signal
import sys

import click

import cryptobt
from cryptobt.cli.audit import audit
from cryptobt.cli.backtest import backtest
from cryptobt.cli.cache import cache
from cryptobt.cli.data import data
from cryptobt.cli.evaluate import evaluate
from cryptobt.cli.explain import explain
from cryptobt.cli.forecast import forecast
from cryptobt.cli.listing import forecasters, strategies
from cryptobt.cli.paper import paper
from cryptobt.cli.reproduce import reproduce
from cryptobt.cli.runs import runs
from cryptobt.cli.serve import serve
from cryptobt.core.errors import CryptobtError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(cryptobt.__version__, prog_name="cryptobt")
def cli() -> None:
    """Tell whether a forecaster makes money after costs, or whether we fooled ourselves.

    Backtests deep-learning forecasts of crypto prices beside the baselines they must beat.
    Not financial advice.

    Exit codes: 0 done, 2 usage, 3 data unavailable, 4 data invalid or too short,
    5 ledger mismatch, 6 lock held, 7 cannot write, 8 a check failed, 130 interrupted,
    1 anything unexpected.
    """


for command in (
    backtest,
    forecast,
    evaluate,
    explain,
    reproduce,
    audit,
    runs,
    paper,
    serve,
    data,
    strategies,
    forecasters,
    cache,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a user's mistake ends in one line, never in a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = cli.main(prog_name="cryptobt", standalone_mode=False) or 0
    except CryptobtError as error:
        _say(str(error))
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; finished folds are kept, the same command goes on from them")
        code = INTERRUPTED
    except SystemExit:
        # Only click raises it, when the reader of our output has gone (`cryptobt … | head`).
        code = 0
    sys.exit(code)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _say(problem: str) -> None:
    click.echo(f"cryptobt: {' '.join(problem.split())}", err=True)
