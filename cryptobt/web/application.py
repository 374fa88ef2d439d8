"""The application behind ``cryptobt serve``: pages, the same as JSON, and nothing written."""

import logging

from flask import Flask, Response, jsonify, redirect, request, url_for
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from cryptobt.core.errors import CryptobtError
from cryptobt.web.api import add_api
from cryptobt.web.assets import asset
from cryptobt.web.filters import FILTERS
from cryptobt.web.frame import Frame
from cryptobt.web.house import House
from cryptobt.web.keeper import AbsentError
from cryptobt.web.pages import add_pages
from cryptobt.web.security import Access, Patience, guard
from cryptobt.web.words import sentence, title_of

BODY_BYTES = 64 * 1024
_log = logging.getLogger(__name__)


def create_app(
    house: House, access: Access | None = None, patience: Patience | None = None
) -> Flask:
    """Make the application.

    Parameters
    ----------
    house : House
        What there is to see, and the clock.
    access : Access, optional
        Under which names it answers, and to whom; without it on loopback, to everyone there.
    patience : Patience, optional
        Waits after wrong tokens.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        MAX_FORM_PARTS=300,
        TRUSTED_HOSTS=None,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.filters |= FILTERS
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    access, waits = access or Access(), patience or Patience()
    frame = Frame(house, access)
    guard(app, access, waits)
    add_static(app)
    add_pages(app, house, frame, access, waits)
    add_api(app, house, token=bool(access.token))
    _explain_errors(app, frame)
    return app


def add_static(app: Flask) -> None:
    """Serve the style sheet, the script and the icon, for ever under an address that names them."""

    @app.get("/static/<filename>", endpoint="static")
    def static(filename: str) -> AnyResponse:
        found = asset(filename)
        if found is None:
            raise NotFound
        response = Response(found.content, mimetype=found.mimetype)
        response.set_etag(found.etag)
        if request.args.get("v") == found.etag:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response.make_conditional(request)

    @app.get("/favicon.ico", endpoint="favicon")
    def favicon() -> AnyResponse:
        return redirect(url_for("static", filename="icon.svg"), 301)

    @app.url_defaults
    def version(endpoint: str, values: dict[str, str]) -> None:
        found = asset(values["filename"]) if endpoint == "static" else None
        if found is not None:
            values["v"] = found.etag


def _explain_errors(app: Flask, frame: Frame) -> None:
    """Answer every error with one sentence: a page, or a problem as JSON under /api/."""

    @app.errorhandler(CryptobtError)
    def ours(error: CryptobtError) -> AnyResponse:
        status = 404 if isinstance(error, AbsentError) else 503
        return _told(frame, status, " ".join(str(error).split()))

    @app.errorhandler(HTTPException)
    def theirs(error: HTTPException) -> AnyResponse:
        if error.code is None or error.code < 400:
            return error.get_response()
        if error.code == 401 and not _is_api() and request.method in ("GET", "HEAD"):
            asked = request.full_path.rstrip("?")
            return redirect(url_for("sign_in", next=asked if asked != "/" else None), 303)
        return _told(frame, error.code, sentence(error), error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> AnyResponse:
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
        return _told(frame, 500, sentence(InternalServerError()))


def _told(frame: Frame, status: int, text: str, error: HTTPException | None = None) -> AnyResponse:
    response: AnyResponse
    if _is_api():
        body = {"type": "about:blank", "title": title_of(status), "status": status, "detail": text}
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    else:
        response = frame.error(status, title_of(status), text)
    response.status_code = status
    if status == 405 and error is not None:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _is_api() -> bool:
    return request.path.startswith("/api/")
