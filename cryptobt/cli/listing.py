"""``cryptobt strategies`` and ``cryptobt forecasters``: what there is, one line each."""

from collections.abc import Iterable

import click


@click.command()
def strategies() -> None:
    """List the strategies, one line each."""
    from cryptobt.strategies.registry import STRATEGIES

    def line(name: str) -> str:
        spec = STRATEGIES[name]
        source = f" [forecaster {spec.forecaster}]" if spec.forecaster else ""
        return spec.summary + source

    _list((name, line(name)) for name in STRATEGIES)


@click.command()
def forecasters() -> None:
    """List the forecasters, one line each."""
    from cryptobt.forecasters.registry import FORECASTERS

    _list((name, spec.summary) for name, spec in FORECASTERS.items())


def _list(rows: Iterable[tuple[str, str]]) -> None:
    known = list(rows)
    width = max(len(name) for name, _ in known)
    for name, text in known:
        click.echo(f"{name.ljust(width)}  {text}")
