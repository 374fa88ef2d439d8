"""Templates rendered without the application: its names of addresses, our own filters."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, abort, render_template
from markupsafe import Markup

from cryptobt.web.assets import asset
from cryptobt.web.figures import account_figures, compare_figures
from cryptobt.web.filters import FILTERS

from .views import every

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def address(endpoint: str, **values: Any) -> str:
    """An address in the application's manner."""
    if endpoint == "static":
        return f"/static/{values['filename']}"
    parts = "/".join(quote(str(value), safe="") for value in values.values())
    known = {key: value for key, value in values.items() if value}
    if endpoint in ("compare", "runs"):
        return f"/{endpoint}?{urlencode(known)}"
    return f"/{endpoint}/{parts}".rstrip("/")


def app() -> Flask:
    """Every made-up view at ``/view/<name>``, under the policy that the application sends."""
    made = Flask("cryptobt.web", static_folder=None)
    made.jinja_env.filters.update(FILTERS)
    made.jinja_env.trim_blocks = made.jinja_env.lstrip_blocks = True
    made.jinja_env.globals["url_for"] = address

    @made.get("/view/<name>")
    def view(name: str) -> str:
        return rendered(name)

    @made.get("/static/<name>")
    def static(name: str) -> Response:
        found = asset(name) or abort(404)
        return Response(found.content, mimetype=found.mimetype)

    @made.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return made


def rendered(name: str, **more: Any) -> str:
    """One page with its figures; within a context of the application."""
    template, view = every()[name]
    return render(template, view | more)


def render(template: str, view: dict[str, Any]) -> str:
    """A template, with the figures of what it shows."""
    drawn = account_figures(view["account"]) if "account" in view else {}
    drawn |= compare_figures(view["comparison"]) if "comparison" in view else {}
    figures = {name: Markup(one) for name, one in drawn.items()}
    return render_template(template, **view | {"figures": figures})
