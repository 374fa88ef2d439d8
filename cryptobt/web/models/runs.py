"""The documents of backtests, comparisons and audits."""

from typing import Literal

from cryptobt.web.models.common import Document, Finite, Instant, Maybe, Part, Setting, State, Text


class RunRow(Part):
    """A backtest in a list."""

    id: Text
    run_id: Text
    created_at: Instant
    strategy: Text
    account: Text | None
    symbols: list[Text]
    interval: Text | None
    first: Instant | None
    last: Instant | None
    simulated: bool
    sharpe: Maybe
    verdict: Text | None
    trials: int | None


class Filter(Part):
    """Which runs are listed; empty for all."""

    strategy: Text = ""
    symbol: Text = ""
    text: Text = ""


class Runs(Part):
    """Backtests, newest first."""

    state: State
    rows: list[RunRow]
    filter: Filter
    strategies: list[Text]
    symbols: list[Text]
    total: int
    problems: list[Text]
    folder: Text


class Reason(Part):
    """A rule of the verdict, and whether the run keeps it; null where that cannot be said."""

    text: Text
    holds: bool | None = None


class Number(Part):
    """A number of a run with its interval, where there is one."""

    name: Text
    label: Text
    value: Maybe
    low: Maybe
    high: Maybe
    unit: Text
    reason: Text | None


class RunFile(Part):
    """A file of a run's folder."""

    file: Text
    bytes: int
    kind: Literal["page", "table", "document"]


class RunData(Part):
    """The bars that a run was made from."""

    symbol: Text
    source: Text
    bars: int | None
    first: Instant | None
    last: Instant | None


class Run(RunRow):
    """A backtest: what it came to, and what it was made from."""

    summary: list[Text]
    headline: list[Number]
    verdict_text: Text | None
    reasons: list[Reason]
    warnings: list[Text]
    command: Text | None
    files: list[RunFile]
    settings: list[Setting]
    data: list[RunData]


class Growth(Part):
    """Growth of 1 of two accounts."""

    time: list[Instant]
    a: list[Finite]
    b: list[Finite]


class Comparison(Part):
    """Two runs side by side: ``document`` is that of ``cryptobt runs compare --json``."""

    state: State
    problem: Text = ""
    a: Text
    b: Text
    runs: list[RunRow]
    document: Document | None = None
    series: Growth | None = None


class AuditRow(Part):
    """An audit in a list."""

    id: Text
    audit: Literal["leakage", "null", "planted", "accounts"]
    what: Text | None
    outcome: Literal["clean", "leak", "agrees", "differs", "measured"]
    headline: Text
    created_at: Instant


class Audits(Part):
    """Audits, newest first."""

    state: State
    rows: list[AuditRow]
    problems: list[Text]
    total: int


class Audit(AuditRow):
    """An audit: ``document`` is that of ``cryptobt audit … --json``."""

    document: Document
    files: list[RunFile]
