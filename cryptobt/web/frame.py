"""The frame of every page, and the pages that were rendered in it."""

from collections.abc import Hashable
from typing import Any

from flask import Response, render_template, request, url_for
from markupsafe import Markup

import cryptobt
from cryptobt.web.account_view import iso
from cryptobt.web.house import House
from cryptobt.web.keeper import REFRESH_SECONDS, View
from cryptobt.web.rendered import Page, Rendered, page_of
from cryptobt.web.security import Access, csrf_token, signed_in


class Frame:
    """What every page has around it, and the pages that were rendered.

    Parameters
    ----------
    house : House
        Its alarms are counted in the frame.
    """

    def __init__(self, house: House, access: Access) -> None:
        self._house, self._access = house, access
        self._kept = Rendered()

    def show(
        self, page: str, name: str, view: View, *, status: int = 200, form: bool = False
    ) -> Response:
        """Show a document: a page without a form is rendered once for each minute and state.

        Parameters
        ----------
        page : str
            Name of the page, and of its template.
        name : str
            Of the document in the template.
        form : bool
            Whether the page has a form of its own.
        """
        alarms = self._house.accounts.rows()
        count = _alarms(alarms.document["accounts"])
        secret = csrf_token() if form or signed_in(self._access) else ""
        told = 202 if status == 200 and not view.document else status

        def render() -> Page:
            if told == 202:
                return page_of(self._pending(page, count, secret), status=told)
            figures = {key: Markup(svg) for key, svg in view.figures.items()}
            context = self._context(page, count, secret) | {
                "refresh": view.refresh, "updating": view.updating, "figures": figures,
            }  # fmt: skip
            text = render_template(f"{page}.html", **context, **{name: view.document})
            return page_of(text, status=told)

        if form:
            return render().response()
        key: Hashable = (page, request.full_path, self._house.now(), view.stamp, view.updating,
                         view.computing, count, secret)  # fmt: skip
        return self._kept.get(key, render).response()

    def plain(self, page: str, *, status: int = 200, **own: Any) -> Response:
        """Show a page that no document is behind."""
        count = _alarms(self._house.accounts.rows().document["accounts"])
        secret = csrf_token() if page == "signin" or signed_in(self._access) else ""
        if page == "signin":
            count = 0  # who has no token learns nothing of accounts
        text = render_template(f"{page}.html", **self._context(page, count, secret) | own)
        return page_of(text, status=status).response()

    def pending(self, text: str, back: str) -> Response:
        """Say that a page is being computed, and load it again."""
        told = {"title": "Being computed", "text": text, "back": back}
        return self.plain("pending", status=202, pending=told, refresh=REFRESH_SECONDS)

    def error(self, status: int, title: str, text: str) -> Response:
        """Say why there is no page, in a frame that needs nothing of what may be broken."""
        told = {"status": status, "title": title, "text": text, "command": None}
        context = self._context("error", 0, "")
        return Response(render_template("error.html", **context, error=told), status)

    def _pending(self, page: str, count: int, secret: str) -> str:
        told = {"title": "Being computed", "text": "This is being read; it takes a few seconds.",
                "back": url_for("overview")}  # fmt: skip
        context = self._context("pending", count, secret) | {"refresh": REFRESH_SECONDS}
        return render_template("pending.html", **context, pending=told, of=page)

    def _context(self, page: str, count: int, secret: str) -> dict[str, Any]:
        return {
            "page": page,
            "now": iso(self._house.now()),
            "version": cryptobt.__version__,
            "token": bool(self._access.token),
            "signed_in": signed_in(self._access),
            "csrf": secret,
            "refresh": None,
            "updating": False,
            "alarms_n": count,
            "figures": {},
        }


def _alarms(rows: list[dict[str, Any]]) -> int:
    return sum(alarm["level"] == "alarm" for row in rows for alarm in row["alarms"])
