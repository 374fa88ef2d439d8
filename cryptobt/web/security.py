"""Who may ask: host names, the token, signed cookies, forms of our own, and headers on answers."""

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import TooManyRequests

PUBLIC = {"static", "sign_in", "health", "api_health"}
"""Endpoints that are open without the token: nothing of an account is in them."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What our own pages may load: what this server gives, and nothing inline."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # without any a browser sends its own forms as from nowhere
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_HOST = re.compile(r"[\w.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?", re.ASCII)
_SAFE = {"GET", "HEAD", "OPTIONS"}
_FREE_TRIES = 4
_LONGEST_WAIT = 300.0
_MOST_ADDRESSES = 10_000


@dataclass(frozen=True)
class Access:
    """Under which names the server answers, and to whom.

    Attributes
    ----------
    host : str
        The address that it is bound to.
    names : collection of str
        Further host names.
    token : str
        What is asked for; empty for nothing.
    sessions : set of str
        Those that began with the token and were not signed out of.
    """

    host: str = "127.0.0.1"
    names: Collection[str] = ()
    token: str = field(default="", repr=False)
    sessions: set[str] = field(default_factory=set, repr=False)

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server; another name was bound to its address."""
        name = host_name(host)
        if name in {"localhost", self.host.lower(), *(one.lower() for one in self.names)}:
            return True
        asked, bound = _address(name), _address(self.host)
        if asked is None:
            return False
        # an address is no name that someone else could let point here
        return asked.is_loopback or (bound is not None and bound.is_unspecified)

    def opens(self, token: str) -> bool:
        """Compare a token in a time that does not tell how much of it is right."""
        ours, theirs = (hashlib.sha256(one.encode()).digest() for one in (self.token, token))
        return hmac.compare_digest(ours, theirs)


@dataclass
class Patience:
    """Waits after tokens that were wrong, for each address from which they came.

    Attributes
    ----------
    clock : callable
        Seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _wrong: "OrderedDict[str, tuple[int, float]]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seconds_left(self, address: str) -> int:
        """How long an address has to wait before its next try is looked at."""
        with self._lock:
            count, until = self._wrong.get(address, (0, 0.0))
        left = until - self.clock()
        return int(left) + 1 if count and left > 0 else 0

    def failed(self, address: str) -> None:
        """Note a wrong token: from the fifth on the wait doubles, up to five minutes."""
        with self._lock:
            count = self._wrong.pop(address, (0, 0.0))[0] + 1
            wait = 0.0 if count <= _FREE_TRIES else min(2.0 ** (count - _FREE_TRIES), _LONGEST_WAIT)
            self._wrong[address] = (count, self.clock() + wait)
            while len(self._wrong) > _MOST_ADDRESSES:
                self._wrong.popitem(last=False)

    def passed(self, address: str) -> None:
        """Forget what was wrong before."""
        with self._lock:
            self._wrong.pop(address, None)


class Cookies(SecureCookieSessionInterface):
    """The signed cookie, marked Secure wherever the request came over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - the session asks so
        """Whether the cookie is to be sent over TLS alone."""
        return request.is_secure


def guard(app: Flask, access: Access, patience: Patience) -> None:
    """Let every request pass these doors first, and every answer carry these headers."""
    app.session_interface = Cookies()
    # of this process alone: with it every session ends
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        SESSION_COOKIE_NAME="cryptobt",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=14 * 24 * 3600,
    )

    @app.before_request
    def check() -> None:
        if not access.knows(request.headers.get("Host", "")):
            abort(421)
        if not _same_site(request):
            abort(403, "This request came from another site.")
        if access.token and request.endpoint not in PUBLIC and not _known(access, patience):
            abort(401)

    @app.after_request
    def mark(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-cache, private")
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response


def sign_in(access: Access, patience: Patience, token: str) -> int:
    """Begin a session for who has the token; give the seconds to wait where it was wrong.

    Returns
    -------
    int
        -1 where the session has begun.
    """
    address = request.remote_addr or ""
    wait = patience.seconds_left(address)
    if wait:
        return wait
    if not access.opens(token):
        patience.failed(address)
        return patience.seconds_left(address)
    patience.passed(address)
    session.clear()
    session["signed_in"] = begun = secrets.token_urlsafe(16)
    access.sessions.add(begun)
    session.permanent = True
    return -1


def sign_out(access: Access) -> None:
    """End the session, for who has a copy of its cookie too."""
    access.sessions.discard(session.get("signed_in", ""))
    session.clear()


def signed_in(access: Access) -> bool:
    """Whether this request's cookie is of a session that began with the token."""
    return bool(access.token) and session.get("signed_in") in access.sessions


def csrf_token() -> str:
    """Give what every form of this browser has to carry; it stands in its signed cookie too."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def check_form() -> None:
    """Refuse a form that does not come from a page of ours."""
    ours, theirs = str(session.get("csrf", "")), request.form.get("csrf", "")
    if not ours or not hmac.compare_digest(ours.encode(), theirs.encode()):
        abort(403, "The form is too old, or not ours: load the page again, and send it once more.")


def _known(access: Access, patience: Patience) -> bool:
    """Whether a request carries a session, or the token itself."""
    if signed_in(access):
        return True
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        return False
    address = request.remote_addr or ""
    wait = patience.seconds_left(address)
    if wait:
        raise TooManyRequests(retry_after=wait)
    if access.opens(token.strip()):
        return True
    patience.failed(address)
    return False


def _same_site(asked: Request) -> bool:
    """Whether a request may come from where it comes from: another site may only link to us."""
    site = asked.headers.get("Sec-Fetch-Site", "none")
    if asked.method in _SAFE:
        navigates = asked.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        return site in ("none", "same-origin") or navigates
    origin = asked.headers.get("Origin")
    if site not in ("none", "same-origin"):
        return False
    return origin is None or _authority(origin) == asked.host


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _authority(origin: str) -> str:
    """Name and port of an Origin header; empty where it is of nowhere."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def host_name(host: str) -> str:
    """Name of a Host header, without the port; empty where something else stands in it."""
    if not _HOST.fullmatch(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""
