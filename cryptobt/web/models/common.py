"""What all documents are made of: finite numbers, instants in UTC, states."""

from datetime import datetime
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field


def _instant(text: str) -> str:
    """Refuse what is no instant in a known time zone."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    return text


Finite = Annotated[float, Field(allow_inf_nan=False)]
Maybe = Finite | None
Text = Annotated[str, Field(max_length=20_000)]
Instant = Annotated[
    str, pydantic.AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})
]
State = Literal["ready", "computing", "failed"]
Document = dict[str, Any]
"""A document of another command, as docs/contract.md describes it."""


class Part(pydantic.BaseModel):
    """A part of a document: what is not named here is a mistake."""

    model_config = pydantic.ConfigDict(extra="forbid", coerce_numbers_to_str=False)


class Health(Part):
    """That the server answers."""

    status: Literal["ok"] = "ok"
    version: Text


class Computing(Part):
    """That it is being computed: ask again."""

    state: Literal["computing"] = "computing"


class Problem(Part):
    """Why there is no answer (RFC 9457)."""

    type: Text = "about:blank"
    title: Text
    status: int
    detail: Text


class Setting(Part):
    """A setting by its key; the value is JSON, cut where it is long."""

    key: Text
    value: Text
