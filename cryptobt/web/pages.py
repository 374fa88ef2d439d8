"""Pages for people: each shows the document that the API gives, in one frame."""

from flask import Flask, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cryptobt.web.files import MIMETYPES
from cryptobt.web.forms import edits_of, local
from cryptobt.web.frame import Frame
from cryptobt.web.house import House
from cryptobt.web.openapi import endpoints
from cryptobt.web.security import (
    Access,
    Patience,
    check_form,
    sign_in,
    sign_out,
)

_ANSWER_SECONDS = 3.0


def add_pages(
    app: Flask, house: House, frame: Frame, access: Access, patience: Patience
) -> None:  # fmt: skip
    """Add every page of the application."""
    _add_accounts(app, house, frame)
    _add_runs(app, house, frame)
    _add_forecasts(app, house, frame)
    _add_others(app, house, frame, access)
    _add_doors(app, frame, access, patience)


def _add_accounts(app: Flask, house: House, frame: Frame) -> None:
    @app.get("/", endpoint="overview")
    def overview() -> Response:
        return frame.show("overview", "overview", house.overview())

    @app.get("/accounts", endpoint="accounts")
    def accounts() -> AnyResponse:
        return redirect(url_for("overview", _anchor="accounts"), 302)

    @app.get("/accounts/<name>", endpoint="account")
    def account(name: str) -> Response:
        return frame.show("account", "account", house.accounts.one(name))

    @app.get("/accounts/<name>/tearsheet", endpoint="account_tearsheet")
    def tearsheet(name: str) -> Response:
        answer = house.accounts.tearsheet(name)
        back = url_for("account", name=name)
        if answer.document is not None:
            return _page_of_its_own(answer.document.encode(), house.runs.policy())
        if answer.problem:
            return frame.error(503, "No tearsheet", answer.problem)
        return frame.pending("The tearsheet is being drawn; that takes up to a minute.", back)


def _add_runs(app: Flask, house: House, frame: Frame) -> None:
    @app.get("/runs", endpoint="runs")
    def runs() -> Response:
        given = {key: request.args.get(key, "")[:200] for key in ("strategy", "symbol", "text")}
        return frame.show("runs", "runs", house.runs.runs(**given))

    @app.get("/runs/compare", endpoint="compare")
    def compare() -> Response:
        a, b = (request.args.get(key, "")[:300] for key in ("a", "b"))
        return frame.show("compare", "comparison", house.runs.comparison(a, b))

    @app.get("/runs/<run_id>", endpoint="run")
    def run(run_id: str) -> Response:
        return frame.show("run", "run", house.runs.run(run_id))

    @app.get("/runs/<run_id>/tearsheet", endpoint="run_tearsheet")
    def tearsheet(run_id: str) -> AnyResponse:
        return redirect(url_for("run_file", run_id=run_id, file="tearsheet.html"), 302)

    @app.get("/runs/<run_id>/<file>", endpoint="run_file")
    def run_file(run_id: str, file: str) -> Response:
        return _file(house, *house.runs.file(run_id, file), file)

    @app.get("/audits", endpoint="audits")
    def audits() -> Response:
        return frame.show("audits", "audits", house.runs.audits())

    @app.get("/audits/<audit_id>", endpoint="audit")
    def audit(audit_id: str) -> Response:
        return frame.show("audit", "audit", house.runs.audit(audit_id))

    @app.get("/audits/<audit_id>/<file>", endpoint="audit_file")
    def audit_file(audit_id: str, file: str) -> Response:
        return _file(house, *house.runs.file(audit_id, file, audit=True), file)


def _add_forecasts(app: Flask, house: House, frame: Frame) -> None:
    @app.get("/forecast", endpoint="forecasts")
    def forecasts() -> Response:
        return frame.show("forecasts", "forecasts", house.forecasts.all())

    @app.get("/forecast/<source>/<path:symbol>", endpoint="forecast")
    def forecast(source: str, symbol: str) -> Response:
        key = request.args.get("answer", "")[:64]
        shown = house.forecasts.one(source, symbol, key)
        return frame.show("forecast", "forecast", shown, form=True)

    @app.post("/forecast/<source>/<path:symbol>", endpoint="ask_forecast")
    def ask(source: str, symbol: str) -> AnyResponse:
        check_form()
        edits = edits_of(request.form)
        key = house.forecasts.ask(source, symbol, edits)
        answer = house.forecasts.answer(key, _ANSWER_SECONDS).document
        if answer["problems"]:
            shown = house.forecasts.typed(source, symbol, edits, answer["problems"])
            return frame.show("forecast", "forecast", shown, status=422, form=True)
        there = url_for("forecast", source=source, symbol=symbol, answer=key, _anchor="answer")
        return redirect(there, 303)


def _add_others(app: Flask, house: House, frame: Frame, access: Access) -> None:
    @app.get("/data", endpoint="data")
    def data() -> Response:
        return frame.show("data", "data", house.data())

    @app.get("/api", endpoint="api")
    def api() -> Response:
        return frame.plain("api", endpoints=endpoints(request.host_url, token=bool(access.token)))

    @app.get("/health", endpoint="health")
    def health() -> Response:
        return Response("ok\n", mimetype="text/plain")


def _add_doors(app: Flask, frame: Frame, access: Access, patience: Patience) -> None:
    @app.route("/signin", methods=["GET", "POST"], endpoint="sign_in")
    def door() -> AnyResponse:
        if not access.token:
            return redirect(url_for("overview"), 303)
        if request.method == "GET":
            there = local(request.args.get("next", ""))
            return frame.plain("signin", signin={"problem": "", "next": there, "wait": None})
        check_form()
        there = local(request.form.get("next", ""))
        wait = sign_in(access, patience, request.form.get("token", "")[:1000])
        if wait < 0:
            return redirect(there or url_for("overview"), 303)
        problem = "Too many tokens were wrong." if wait else (
            "This is not the token that the server was started with."
        )  # fmt: skip
        told = {"problem": problem, "next": there, "wait": wait or None}
        response = frame.plain("signin", status=429 if wait else 403, signin=told)
        if wait:
            response.headers["Retry-After"] = str(wait)
        return response

    @app.post("/signout", endpoint="sign_out")
    def out() -> AnyResponse:
        check_form()
        sign_out(access)
        return redirect(url_for("sign_in"), 303)


def _file(house: House, content: bytes, kind: str, name: str) -> Response:
    if kind == "page":
        return _page_of_its_own(content, house.runs.policy())
    response = Response(content, mimetype=MIMETYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _page_of_its_own(content: bytes, policy: str) -> Response:
    response = Response(content, mimetype="text/html")
    response.headers["Content-Security-Policy"] = policy
    return response
