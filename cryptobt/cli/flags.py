"""Flags that stand for settings, the same for every command that has them."""

from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Stack options, so that the help shows them in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


source_option = click.option("--source", help="auto, yahoo, ccxt:EXCHANGE, csv, sample … [auto]")
series_options = _options(
    click.option("--onchain", multiple=True, metavar="[SYMBOL=]FILE", help="Or: coinmetrics."),
    click.option(
        "--extra", multiple=True, metavar="NAME=FILE", help="Or: feargreed, macro:sp500 …"
    ),
)
data_options = _options(
    click.option("--symbol", multiple=True, help="Symbol to load. [BTC-USD]"),
    source_option,
    click.option("--csv", multiple=True, metavar="[SYMBOL=]FILE", help="OHLCV bars from a file."),
    series_options,
)
"""What is loaded: bars of one symbol or several, and series beside them."""
date_options = _options(
    click.option("--start", metavar="DATE", help="First decision; earlier bars warm up and train."),
    click.option("--end", metavar="DATE", help="Last bar."),
)
settings_options = _options(
    click.option("-c", "config", type=click.Path(path_type=Path), help="Settings file (TOML)."),
    click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting."),
)
out_option = click.option("--out", metavar="DIR", help="Folder for runs. [runs]")
workers_option = click.option("--workers", type=int, help="Processes that train. [all cores]")

_SETTINGS = {
    "strategy": "strategy.name",
    "forecaster": "forecaster.name",
    "symbol": "data.symbols",
    "source": "data.source",
    "csv": "data.csv",
    "onchain": "data.onchain",
    "extra": "data.extras",
    "cross_check": "data.cross_check",
    "start": "data.start",
    "end": "data.end",
    "cash": "account.cash_quote",
    "out": "run.out",
    "workers": "run.workers",
}


def as_settings(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Name the settings of the flags that were given."""
    return {_SETTINGS[name]: value for name, value in flags.items() if value not in (None, ())}
