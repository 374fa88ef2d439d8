"""The documents of forecasts, and of the form that asks about another bar."""

from typing import Annotated

from pydantic import Field

from cryptobt.web.models.common import Document, Instant, Maybe, Part, State, Text


class ForecastLink(Part):
    """A symbol whose next bar can be forecast."""

    source: Text
    symbol: Text


class Source(Part):
    """Settings by which forecasts are made: an account's, or those of the file given with -c."""

    source: Text
    title: Text
    state: State
    problem: Text = ""
    symbols: list[Text]
    strategy: Text | None
    forecaster: Text | None
    document: Document | None = None


class Forecasts(Part):
    """The next bar of every symbol: ``document`` is that of ``cryptobt forecast --json``."""

    sources: list[Source]
    empty: bool


class Field_(Part):  # noqa: N801
    """A field of the newest complete bar that can be edited."""

    name: Text
    label: Text
    value: Text
    was: Maybe
    low: Maybe
    high: Maybe
    quantile: Maybe
    meaning: Text
    error: Text = ""


class Form(Part):
    """The newest complete bar as a forecaster sees it."""

    state: State
    problem: Text = ""
    time: Instant | None = None
    close: Maybe = None
    fields: list[Field_] = Field(default_factory=list)
    error: Text = ""


class Answer(Part):
    """What a forecaster says of an edited bar; ``document`` as docs/serve.md describes it."""

    key: Text
    state: State
    problem: Text = ""
    problems: dict[str, str] = Field(default_factory=dict)
    document: Document | None = None


class Forecast(Part):
    """The next bar of one symbol, with the form; ``document`` is its part of the forecast."""

    source: Text
    symbol: Text
    title: Text
    state: State
    problem: Text = ""
    strategy: Text | None
    forecaster: Text | None
    asked_at: Instant | None = None
    simulated: bool | None = None
    document: Document | None = None
    pending_orders: list[Document] = Field(default_factory=list)
    warnings: list[Text] = Field(default_factory=list)
    form: Form
    answer: Answer | None = None


class Edits(Part):
    """Fields of the newest complete bar that are to be other than they were."""

    edits: Annotated[
        dict[
            Annotated[str, Field(max_length=200)],
            Annotated[float, Field(strict=True, allow_inf_nan=False)],
        ],
        Field(max_length=300),
    ]
