"""``cryptobt strategies`` and ``cryptobt forecasters``: what there is, one line each."""

from collections.abc import Mapping

import click


@click.command()
def strategies() -> None:
    """List the strategies, one line each."""
    from cryptobt.jobs.listing import list_strategies

    _list(list_strategies())


@click.command()
def forecasters() -> None:
    """List the forecasters, one line each."""
    from cryptobt.jobs.listing import list_forecasters

    _list(list_forecasters())


def _list(texts: Mapping[str, str]) -> None:
    width = max(len(name) for name in texts)
    for name, text in texts.items():
        click.echo(f"{name.ljust(width)}  {text}")
