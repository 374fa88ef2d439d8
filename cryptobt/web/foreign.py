"""What a page needs of documents that other commands wrote, perhaps on a stranger's machine."""

from typing import Annotated, Any

import pydantic
from pydantic import Field

from cryptobt.web.models import Finite, Instant, Maybe

Text = Annotated[str, Field(max_length=20_000)]


class Foreign(pydantic.BaseModel):
    """A document that may say more than is needed of it."""

    model_config = pydantic.ConfigDict(extra="allow")


class ComparedRun(Foreign):
    """One of two runs."""

    run_id: Text
    strategy: Text
    symbols: list[Text]
    verdict: Text | None


class Measured(Foreign):
    """A number with its interval, where there is one."""

    value: Maybe
    low: Maybe
    high: Maybe


class Measures(Foreign):
    """A number of both, and their difference."""

    a: Measured
    b: Measured
    difference: Measured


class Differs(Foreign):
    """A setting in which two runs differ."""

    key: Text
    a: Any
    b: Any


class Compared(Foreign):
    """The document of ``cryptobt runs compare``."""

    a: ComparedRun
    b: ComparedRun
    simulated: bool
    interval: Text
    first: Instant
    last: Instant
    bars: int
    metrics: dict[str, Measures]
    own: dict[str, dict[str, Measured | Finite | None]]
    differs: list[Differs]


class Check(Foreign):
    """One thing that an audit looked at."""

    name: Text
    part: Text
    outcome: Text
    expected: Text | None = None
    seen: Text | None = None
    time: Instant | None = None
    column: Text | None = None
    file: Text | None = None
    line: int | None = None
    code: Text | None = None
    mend: Text | None = None


class Rate(Foreign):
    """How often something was found on markets without skill."""

    name: Text
    found: int
    of: int
    rate: Maybe
    low: Maybe
    high: Maybe
    nominal: Maybe = None
    text: Text | None = None


class Edge(Foreign):
    """How much of a planted edge was found."""

    correlation: Maybe
    found: int
    of: int
    low: Maybe
    high: Maybe
    text: Text | None = None


class Difference(Foreign):
    """A value that was recorded, and is another when it is recomputed."""

    table: Text
    column: Text | None = None
    time: Instant | None = None
    symbol: Text | None = None


class AuditDocument(Foreign):
    """The document of ``cryptobt audit``."""

    simulated: bool = False
    first: Instant | None = None
    last: Instant | None = None
    warnings: list[Text] = []
    checks: list[Check] = []
    markets: int | None = None
    rates: list[Rate] = []
    edges: list[Edge] = []
    compared: dict[str, int] = {}
    largest_relative_gap: Maybe = None
    differing: int | None = None
    differences: list[Difference] = []
    not_judged: list[Text] = []
