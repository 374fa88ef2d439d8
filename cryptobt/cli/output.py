"""Results on stdout, or one line where it takes none."""

import sys

import click


def say(text: str, kept: str = "") -> None:
    """Print a result.

    Parameters
    ----------
    kept : str
        What is not lost where stdout cannot be written.

    Raises
    ------
    CannotWriteError
        If the disk behind it is full; a reader that has gone is no error.
    """
    if sys.stdout is None:  # closed by who called us: there is nobody to tell
        return
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from cryptobt.core.errors import CannotWriteError

        rest = f"; {kept}" if kept else ""
        raise CannotWriteError(
            f"cannot write the result: {error.strerror or error}{rest}"
        ) from error
