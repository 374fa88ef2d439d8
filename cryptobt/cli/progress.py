"""What a command says on stderr while it goes on."""

import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from cryptobt.jobs.events import Events, Progress


def warn(line: str) -> None:
    """Say what a person should know."""
    click.echo(f"warning: {line}", err=True)


def log_to_stderr() -> None:
    """Let the package's own warnings reach the terminal."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    log = logging.getLogger("cryptobt")
    log.handlers = [handler]
    log.setLevel(logging.WARNING)


@contextmanager
def progress() -> "Iterator[tuple[Callable[[str], None], Callable[[Progress], None]]]":
    """Tell of steps, and of fits by a progress bar that is made when the first one ends."""
    bars: list[Any] = []

    def step(name: str) -> None:
        # a log is told of long waits, and of nothing that passes
        if sys.stderr.isatty() or name.startswith("waiting"):
            click.echo(f"{name} …", err=True)

    def fits(progress: "Progress") -> None:
        if not bars:
            bar = click.progressbar(
                length=progress.total,
                label="training",
                file=sys.stderr,
                show_pos=True,
                item_show_func=lambda item: item,
            )
            bars.append(bar.__enter__())
        bars[0].update(1, f"fold {progress.fold[:10]} loss {progress.loss:.3f}")
        if progress.done == progress.total:
            bars.pop().__exit__(None, None, None)

    try:
        yield step, fits
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)


@contextmanager
def job() -> "Iterator[tuple[pd.Timestamp, Events, str]]":
    """Give a job the clock, whom it tells of its progress, and the command as it was typed.

    What a user's own code prints meanwhile goes to stderr: stdout is for the result alone.
    """
    import pandas as pd

    from cryptobt.jobs.events import Events

    log_to_stderr()
    now = pd.Timestamp.now("UTC").floor("s")
    command = shlex.join(["cryptobt", *sys.argv[1:]])
    with progress() as (step, fits), redirect_stdout(sys.stderr):
        yield now, Events(warn, step, fits), command
