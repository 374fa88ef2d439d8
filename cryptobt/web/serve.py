"""The server: the application behind waitress, from its first page to its clean end."""

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import create_server

from cryptobt.core.errors import UsageError
from cryptobt.core.processes import end_workers
from cryptobt.core.settings import Settings
from cryptobt.web.application import BODY_BYTES, create_app
from cryptobt.web.house import House
from cryptobt.web.security import Access, host_name

SHORTEST_TOKEN = 16
TOKEN = "CRYPTOBT_SERVE_TOKEN"
_HEADER_BYTES = 16 * 1024
_IDLE_SECONDS = 30
_CONNECTIONS = 300
_BACKLOG = 256


@dataclass(frozen=True)
class Address:
    """Where the server listens, and behind what.

    Attributes
    ----------
    port : int
        0 for any that is free.
    names : tuple of str
        Host names that it answers to beside its address and localhost.
    proxy : str
        Address of the reverse proxy whose X-Forwarded-… are believed; empty for none.
    """

    host: str = "127.0.0.1"
    port: int = 8017
    names: tuple[str, ...] = ()
    proxy: str = ""
    threads: int = 8


class Connection(HTTPChannel):  # type: ignore[misc]
    """A connection on which a request has to come whole in time: a byte a second keeps none."""

    last_activity: float

    def handle_read(self) -> None:
        """Read what there is; more of a request that has begun is no new activity."""
        begun, since = self.request is not None, self.last_activity
        super().handle_read()
        if begun and self.request is not None:
            self.last_activity = since


def serve(
    out: Path,
    settings: Settings | None,
    address: Address,
    token: str,
    ready: Callable[[str], None],
) -> None:
    """Serve until the process is interrupted.

    Parameters
    ----------
    out : Path
        Folder of runs.
    settings : Settings or None
        By which forecasts are made beside those of the accounts.
    ready : callable
        Told of the address once it is listened to.

    Raises
    ------
    UsageError
        If the address is not loopback and there is no token, or cannot be listened to, or a name or
        the proxy's address is none.
    """
    check_access(address.host, token)
    names = checked_names(address)
    bound = _bound(address)
    house = House(out, settings)
    app = create_app(house, Access(address.host, names, token))
    # how many requests wait is no warning: each has its time limit
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = _listening(app, address, bound)
    try:
        house.begin()
        ready(_url(address.host, bound))
        server.run()
    finally:
        server.close()
        house.close()
        end_workers()


def check_access(host: str, token: str) -> None:
    """Refuse to show an account to a network without a token.

    Raises
    ------
    UsageError
        With what to do.
    """
    if token and len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"{TOKEN} has {len(token)} letters; expected {SHORTEST_TOKEN} or more, such as those "
            "of `python -c 'import secrets; print(secrets.token_urlsafe())'`"
        )
    if not (token.isascii() and token.isprintable()):
        raise UsageError(
            f"{TOKEN} has letters that a header cannot carry; use those of the English alphabet, "
            "digits and signs"
        )
    if not token and not _is_loopback(host):
        raise UsageError(
            f"--host {host} is open to others: set {TOKEN} in the environment to a token of "
            f"{SHORTEST_TOKEN} letters or more, or leave --host out"
        )


def checked_names(address: Address) -> tuple[str, ...]:
    """Give the names without ports.

    Raises
    ------
    UsageError
        If one is no name of a host, or the proxy is no address: neither would ever be met.
    """
    if address.proxy:
        try:
            ipaddress.ip_address(address.proxy)
        except ValueError as error:
            raise UsageError(
                f"--behind-proxy {address.proxy} is no address; expected the one from which the "
                "proxy connects, such as 127.0.0.1"
            ) from error
    for name in address.names:
        if not host_name(name):
            raise UsageError(
                f"--name {name} is no host name; expected one such as trader.example, without "
                "http:// and path"
            )
    return tuple(host_name(name) for name in address.names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(app: Any, address: Address, bound: socket.socket) -> Any:
    proxy: dict[str, Any] = {}
    if address.proxy:
        proxy = {
            "trusted_proxy": address.proxy,
            "trusted_proxy_headers": {"x-forwarded-proto", "x-forwarded-for"},
        }
    server = create_server(
        app,
        sockets=[bound],
        threads=address.threads,
        ident=None,
        clear_untrusted_proxy_headers=True,
        max_request_header_size=_HEADER_BYTES,
        max_request_body_size=BODY_BYTES,
        channel_timeout=_IDLE_SECONDS,
        cleanup_interval=10,
        connection_limit=_CONNECTIONS,
        **proxy,
    )
    server.channel_class = Connection
    return server


def _bound(address: Address) -> socket.socket:
    """Take the address, before anything is read."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, _, _, _, place = found[0]
        return socket.create_server(place[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        # Python adds where it tried, which is said already
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise UsageError(
            f"cannot listen at {address.host}, port {address.port}: {reason}; choose another with "
            "--port or --host"
        ) from error


def _url(host: str, bound: socket.socket) -> str:
    """Name the address, with the port that was chosen."""
    port = bound.getsockname()[1]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
