"""The documents of the first page, and of stored data."""

from typing import Literal

from pydantic import Field

from cryptobt.web.models.accounts import AccountRow, Alarm
from cryptobt.web.models.common import Instant, Maybe, Part, State, Text
from cryptobt.web.models.forecasts import ForecastLink
from cryptobt.web.models.runs import AuditRow, RunRow


class Overview(Part):
    """What a person sees first."""

    accounts: list[AccountRow]
    runs: list[RunRow]
    runs_n: int
    audits: list[AuditRow]
    alarms: list[Alarm]
    problems: list[Text]
    empty: bool
    forecasts: list[ForecastLink]


class Stored(Part):
    """A stored series."""

    kind: Literal["bars", "series"]
    source: Text
    symbol: Text | None
    name: Text | None
    interval: Text | None
    rows: int
    first: Instant
    last: Instant
    fetched_at: Instant
    rewrites: int
    age_hours: Maybe = None


class Verified(Part):
    """What the examination of stored bars says."""

    source: Text
    symbol: Text
    interval: Text
    state: Literal["ready", "failed"]
    problem: Text
    lines: list[Text]
    quarantined: int
    gaps: int


class Data(Part):
    """What is stored of the market, and how fresh it is."""

    state: State
    problem: Text = ""
    stored: list[Stored] = Field(default_factory=list)
    verified: list[Verified] = Field(default_factory=list)
