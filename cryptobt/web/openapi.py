"""The API as a document: every address, what it takes, and the shape of what it gives."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydantic
from pydantic.json_schema import models_json_schema

import cryptobt
from cryptobt.web import models

VERSION = "3.1.0"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@dataclass(frozen=True)
class Parameter:
    """What an address takes.

    Attributes
    ----------
    place : str
        ``path`` or ``query``.
    example : str
        As it stands in the command that asks.
    """

    name: str
    place: str
    description: str
    example: str
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        """Give it as OpenAPI has it."""
        schema = {"type": "string"} | ({"minLength": 1} if self.required else {})
        return {"name": self.name, "in": self.place, "required": self.required,
                "description": self.description, "schema": schema}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """An address of the API.

    Attributes
    ----------
    name : str
        Of the function that answers.
    path : str
        With ``{parameters}``.
    model : type
        Of what is given.
    waits : bool
        Whether it may say that it is being computed (202).
    """

    name: str
    path: str
    summary: str
    model: type[pydantic.BaseModel]
    parameters: Sequence[Parameter] = ()
    body: type[pydantic.BaseModel] | None = None
    waits: bool = True

    @property
    def method(self) -> str:
        """GET, or POST where something is sent."""
        return "GET" if self.body is None else "POST"

    def to_json(self) -> dict[str, Any]:
        """Give it as OpenAPI has it."""
        given = {"application/json": {"schema": _reference(self.model)}}
        waiting = {"anyOf": [_reference(self.model), _reference(models.Computing)]}
        responses: dict[str, Any] = {"200": {"description": "It is there.", "content": given}}
        if self.waits:
            responses["202"] = {
                "description": "It is being computed; ask again after Retry-After seconds.",
                "headers": {"Retry-After": {"schema": {"type": "integer"}}},
                "content": {"application/json": {"schema": waiting}},
            }
        responses["4XX"] = {"description": "The request cannot be answered.", "content": _PROBLEM}
        responses["503"] = {"description": "What is behind it cannot be read.", "content": _PROBLEM}
        told: dict[str, Any] = {"operationId": self.name, "summary": self.summary,
                                "responses": responses}  # fmt: skip
        if self.parameters:
            told["parameters"] = [one.to_json() for one in self.parameters]
        if self.body is not None:
            content = {"application/json": {"schema": _reference(self.body)}}
            told["requestBody"] = {"required": True, "content": content}
        return told


_NAME = Parameter("name", "path", "Name of the account.", "demo")
_RUN = Parameter("run_id", "path", "Id of the run, or the name of its folder.", "c27cdc7d")
_AUDIT = Parameter("audit_id", "path", "Id of the audit, or the name of its folder.", "0a1b2c3d")
_SOURCE = Parameter("source", "path", "Name of an account, or _settings for the file given with "
                    "-c.", "demo")  # fmt: skip
_SYMBOL = Parameter("symbol", "path", "Symbol that it trades.", "BTC-USD")
_FILTERS = (
    Parameter("strategy", "query", "Runs of this strategy alone.", "momentum", required=False),
    Parameter("symbol", "query", "Runs that traded this symbol.", "BTC-USD", required=False),
    Parameter("text", "query", "Part of an id, strategy, account or symbol.", "btc",
              required=False),
)  # fmt: skip
ENDPOINTS = (
    Endpoint("health", "/api/health", "Whether the server answers; asks for no token.",
             models.Health, waits=False),
    Endpoint("overview", "/api/overview", "Accounts, alarms, the newest runs and audits.",
             models.Overview),
    Endpoint("accounts", "/api/accounts", "Every account in a row.", models.Accounts),
    Endpoint("account", "/api/accounts/{name}", "How an account stands, and its nights.",
             models.Account, (_NAME,)),
    Endpoint("runs", "/api/runs", "Backtests, newest first.", models.Runs, _FILTERS),
    Endpoint("run", "/api/runs/{run_id}", "One backtest.", models.Run, (_RUN,)),
    Endpoint("compare", "/api/compare", "Two backtests over the dates that both traded.",
             models.Comparison,
             (Parameter("a", "query", "Id of the first run.", "c27cdc7d"),
              Parameter("b", "query", "Id of the second.", "462ce7ed"))),
    Endpoint("forecasts", "/api/forecasts", "The next bar of every symbol.", models.Forecasts),
    Endpoint("forecast", "/api/forecasts/{source}/{symbol}",
             "The next bar of a symbol, and the fields of its last bar.", models.Forecast,
             (_SOURCE, _SYMBOL)),
    Endpoint("what_if", "/api/forecasts/{source}/{symbol}/what-if",
             "What the forecaster says of an edited last bar.", models.Answer,
             (_SOURCE, _SYMBOL), models.Edits),
    Endpoint("answer", "/api/answers/{key}", "An answer that took longer.", models.Answer,
             (Parameter("key", "path", "As the question gave it.", "KEY"),)),
    Endpoint("data", "/api/data", "What is stored of the market, and what verify says.",
             models.Data),
    Endpoint("audits", "/api/audits", "Audits, newest first.", models.Audits),
    Endpoint("audit", "/api/audits/{audit_id}", "One audit.", models.Audit, (_AUDIT,)),
)  # fmt: skip


def document(*, token: bool) -> dict[str, Any]:
    """Give the OpenAPI document.

    Parameters
    ----------
    token : bool
        Whether the server asks for one.
    """
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        told = one.to_json() | ({"security": []} if one.name == "health" else {})
        paths.setdefault(one.path, {})[one.method.lower()] = told
    components: dict[str, Any] = {"schemas": _schemas()}
    found: dict[str, Any] = {
        "openapi": VERSION,
        "info": {
            "title": "cryptobt serve",
            "version": cryptobt.__version__,
            "description": "Accounts, runs, forecasts and audits, read-only. Not financial advice.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
    }
    if token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def endpoints(address: str, *, token: bool) -> list[dict[str, Any]]:
    """List the addresses for a person, each with a command that asks it."""
    return [
        {
            "method": one.method,
            "path": one.path,
            "summary": one.summary,
            "parameters": [p.to_json() | {"schema": None} for p in one.parameters],
            "example": _command(one, address.rstrip("/"), token=token),
        }
        for one in ENDPOINTS
    ]


def _command(one: Endpoint, address: str, *, token: bool) -> str:
    path = one.path
    query = "&".join(f"{p.name}={p.example}" for p in one.parameters if p.place == "query")
    for parameter in one.parameters:
        path = path.replace(f"{{{parameter.name}}}", parameter.example)
    words = ["curl"]
    if token and one.name != "health":
        words.append('-H "Authorization: Bearer $CRYPTOBT_SERVE_TOKEN"')
    if one.body is not None:
        words.append("-H 'Content-Type: application/json' -d '{\"edits\": {}}'")
    return " ".join([*words, shlex.quote(f"{address}{path}{'?' if query else ''}{query}")])


def _reference(model: type[pydantic.BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> dict[str, Any]:
    """Describe every model; of what is given every key is always there."""
    given: set[type[pydantic.BaseModel]] = {one.model for one in ENDPOINTS}
    given |= {models.Problem, models.Computing}
    modes: list[tuple[type[pydantic.BaseModel], Literal["serialization", "validation"]]] = []
    for model in sorted(given, key=lambda one: one.__name__):
        modes.append((model, "serialization"))
    modes += [(one.body, "validation") for one in ENDPOINTS if one.body]
    _, found = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    return found["$defs"]
