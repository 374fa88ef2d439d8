"""The same documents as JSON, under ``/api/``."""

import json
from collections.abc import Callable
from typing import Any

import pydantic
from flask import Flask, Response, request
from werkzeug.exceptions import UnprocessableEntity, UnsupportedMediaType

import cryptobt
from cryptobt.web import models
from cryptobt.web.house import House
from cryptobt.web.keeper import REFRESH_SECONDS, View
from cryptobt.web.openapi import ENDPOINTS, Endpoint, document
from cryptobt.web.rendered import Page, Rendered, page_of

JSON = "application/json"
_ANSWER_SECONDS = 10.0


class Api:
    """What answers each address of the API, by the name that the document gives it."""

    def __init__(self, house: House) -> None:
        self._house = house

    def health(self) -> View:
        """Say that the server answers."""
        return View(models.Health(version=cryptobt.__version__).model_dump(), "")

    def overview(self) -> View:
        """Give what a person sees first."""
        return self._house.overview()

    def accounts(self) -> View:
        """Give every account in a row."""
        return self._house.accounts.rows()

    def account(self, name: str) -> View:
        """Give one account."""
        return self._house.accounts.one(name)

    def runs(self) -> View:
        """List backtests, filtered."""
        given = {key: request.args.get(key, "") for key in ("strategy", "symbol", "text")}
        return self._house.runs.runs(**given)

    def run(self, run_id: str) -> View:
        """Give one backtest."""
        return self._house.runs.run(run_id)

    def compare(self) -> View:
        """Set two backtests side by side."""
        a, b = request.args.get("a"), request.args.get("b")
        if not a or not b:
            raise UnprocessableEntity("Name two runs: ?a=ID&b=ID.")
        return self._house.runs.comparison(a, b)

    def forecasts(self) -> View:
        """Forecast the next bar of every symbol."""
        return self._house.forecasts.all()

    def forecast(self, source: str, symbol: str) -> View:
        """Forecast the next bar of one symbol."""
        return self._house.forecasts.one(source, symbol)

    def what_if(self, source: str, symbol: str) -> View:
        """Ask about an edited bar."""
        key = self._house.forecasts.ask(source, symbol, dict(_edits().edits))
        found = self._house.forecasts.answer(key, _ANSWER_SECONDS)
        if found.document["problems"]:
            wrong = found.document["problems"].items()
            raise UnprocessableEntity("; ".join(f"{name}: {text}" for name, text in wrong))
        return found

    def answer(self, key: str) -> View:
        """Give an answer that took longer."""
        return self._house.forecasts.answer(key)

    def data(self) -> View:
        """Say what is stored."""
        return self._house.data()

    def audits(self) -> View:
        """List audits."""
        return self._house.runs.audits()

    def audit(self, audit_id: str) -> View:
        """Give one audit."""
        return self._house.runs.audit(audit_id)


def add_api(app: Flask, house: House, *, token: bool) -> None:
    """Add every address that the document names, and the document itself."""
    api, kept = Api(house), Rendered()
    for one in ENDPOINTS:
        app.add_url_rule(
            one.path.replace("{symbol}", "<path:symbol>").replace("{", "<").replace("}", ">"),
            f"api_{one.name}",
            _answering(one, getattr(api, one.name), house, kept),
            methods=[one.method],
        )

    @app.get("/api/openapi.json", endpoint="api_document")
    def described() -> Response:
        return page_of(_text(document(token=token)), JSON).response()


def _answering(
    one: Endpoint, answer: Callable[..., View], house: House, kept: Rendered
) -> Callable[..., Response]:
    def respond(**given: str) -> Response:
        found = answer(**given)
        status = 202 if found.computing else 200
        told = found.document or models.Computing().model_dump()

        def render() -> Page:
            return page_of(_text(told), JSON, status)

        key = (one.name, request.full_path, house.now(), found.stamp, found.updating, status)
        page = render() if one.body else kept.get(key, render)
        response = page.response()
        if status == 202:
            response.headers["Retry-After"] = str(REFRESH_SECONDS)
        return response

    return respond


def _text(told: Any) -> str:
    return json.dumps(told, allow_nan=False, separators=(",", ":"))


def _edits() -> models.Edits:
    """Read what was sent, whatever that is."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    try:
        return models.Edits.model_validate(json.loads(request.get_data()))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UnprocessableEntity(
            f'{place[:200]}: {first["msg"]}; send {{"edits": {{"FIELD": NUMBER}}}}.'
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnprocessableEntity(
            'This is not JSON; send {"edits": {"FIELD": NUMBER}}.'
        ) from error  # fmt: skip
