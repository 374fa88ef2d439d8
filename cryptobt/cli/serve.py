"""``cryptobt serve``: accounts, runs, forecasts and audits as pages in a browser."""

import os
from pathlib import Path
from typing import Any

import click

from cryptobt.cli.flags import out_option
from cryptobt.cli.output import say
from cryptobt.cli.progress import log_to_stderr


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen at; others than loopback ask for a token.")  # fmt: skip
@click.option("--port", default=8017, show_default=True, type=click.IntRange(0, 65535),
              help="Port to listen at; 0 for any that is free.")  # fmt: skip
@out_option
@click.option("-c", "config", type=click.Path(path_type=Path),
              help="Settings file (TOML) to forecast with, beside the accounts'.")  # fmt: skip
@click.option("--name", "names", multiple=True, metavar="HOST",
              help="Host name that it answers to, beside localhost.")  # fmt: skip
@click.option("--behind-proxy", "proxy", default="", metavar="ADDRESS",
              help="Believe X-Forwarded-Proto and -For of the proxy at this address.")  # fmt: skip
@click.option("--threads", default=8, show_default=True, type=click.IntRange(2, 64),
              help="Requests that are answered at once.")  # fmt: skip
def serve(host: str, port: int, out: str | None, config: Path | None, **behind: Any) -> None:
    """Show accounts, runs, forecasts, data and audits in a browser, and as JSON under /api.

    Read-only: nothing on a page changes a ledger or a run. It ends with Ctrl-C. Where
    CRYPTOBT_SERVE_TOKEN is set in the environment, every page asks for it.
    """
    from cryptobt.core.errors import UsageError
    from cryptobt.core.settings import RunSettings, load_settings, secret

    settings = None if config is None else load_settings(config, [], {})
    try:
        from cryptobt.web.serve import TOKEN, Address
        from cryptobt.web.serve import serve as run_server
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("flask", "waitress", "werkzeug", "jinja2"):
            raise
        raise UsageError(
            'the page needs flask and waitress; install them with: pip install "cryptobt[web]"'
        ) from error
    token = secret(TOKEN)
    # the processes that run strategies of the user's have no business with it
    os.environ.pop(TOKEN, None)
    log_to_stderr()
    address = Address(host, port, behind["names"], behind["proxy"], behind["threads"])
    run_server(
        Path(out or RunSettings().out),
        settings,
        address,
        token,
        lambda url: say(f"cryptobt serve: {url} (Ctrl-C ends it)"),
    )
