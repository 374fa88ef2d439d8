"""The documents of accounts."""

from typing import Annotated, Literal

from pydantic import Field

from cryptobt.web.models.common import Finite, Instant, Maybe, Part, Setting, Text
from cryptobt.web.models.runs import RunRow


class Alarm(Part):
    """What a person should look at, and the command that mends it where there is one."""

    account: Text
    kind: Literal["overdue", "stale", "mismatch", "damaged", "unreadable", "late", "warning"]
    level: Literal["alarm", "notice"]
    text: Text
    command: Text | None = None


class AccountRow(Part):
    """An account in a list."""

    account: Text
    state: Literal["ready", "computing", "failed", "empty"]
    problem: Text = ""
    strategy: Text | None = None
    symbols: list[Text] = Field(default_factory=list)
    nights: int | None = None
    bar: Instant | None = None
    decided_at: Instant | None = None
    equity_quote: Maybe = None
    total_return: Annotated[Maybe, Field(alias="return")] = None
    drawdown: Maybe = None
    minus_buy_and_hold: Maybe = None
    simulated: bool = False
    unit: Text | None = None
    pending: Annotated[int | None, Field(alias="orders")] = None
    overdue: bool = False
    alarms: list[Alarm] = Field(default_factory=list)
    spark: list[Finite] = Field(default_factory=list)


class AccountForecast(Part):
    """The forecast by which a night was decided; null where it is not calibrated."""

    score: Maybe
    mean: Maybe
    p_up: Maybe
    q05: Maybe
    q95: Maybe


class Position(Part):
    """What an account holds of a symbol."""

    symbol: Text
    bar: Instant
    stale: bool
    close: Finite
    unit: Text
    quote: Maybe
    quantity_base: Maybe
    value_quote: Maybe
    weight: Maybe
    target_weight: Maybe
    forecast: AccountForecast | None


class Order(Part):
    """An order that waits for the next open."""

    time: Instant
    symbol: Text
    side: Literal["buy", "sell"]
    exec_type: Text
    quantity_base: Maybe = None
    limit_price_quote: Maybe = None
    stop_price_quote: Maybe = None
    valid_until: Instant | None = None
    target_weight: Maybe = None
    text: Text


class Fill(Part):
    """A fill of the newest night."""

    time: Instant
    symbol: Text
    side: Literal["buy", "sell"]
    quantity_base: Finite
    price_quote: Finite
    fee_quote: Finite
    late: bool
    shortfall_bps: Maybe


class NightRow(Part):
    """A night, and the lines that it was told in; those of old nights are left out."""

    bar: Instant
    decided_at: Instant
    late: bool
    simulated: bool
    equity_quote: Finite
    bar_return: Annotated[Maybe, Field(alias="return")]
    orders: int
    fills: int
    warnings: list[Text]
    digest: list[Text] = Field(default_factory=list)


class Series(Part):
    """An account night by night; all lists have the same length."""

    time: list[Instant] = Field(default_factory=list)
    equity_quote: list[Finite] = Field(default_factory=list)
    buy_and_hold_quote: list[Maybe] = Field(default_factory=list)
    drawdown: list[Maybe] = Field(default_factory=list)
    late: list[bool] = Field(default_factory=list)
    simulated: list[bool] = Field(default_factory=list)


class Account(Part):
    """An account: how it stands, what it holds, what it waits for, what there is to look at."""

    account: Text
    state: Literal["ready", "computing", "failed", "empty"]
    problem: Text = ""
    fault: Literal["damaged", "mismatch"] | None = None
    strategy: Text | None = None
    forecaster: Text | None = None
    source: Text | None = None
    symbols: list[Text] = Field(default_factory=list)
    unit: Text | None = None
    opened_at: Instant | None = None
    nights: int | None = None
    first: Instant | None = None
    bar: Instant | None = None
    closed_at: Instant | None = None
    decided_at: Instant | None = None
    late: bool = False
    simulated: bool = False
    simulated_market: bool = False
    overdue: bool = False
    overdue_from: Instant | None = None
    next_close: Instant | None = None
    deadline_hours: Maybe = None
    trained_until: Instant | None = None
    data_age_hours: Maybe = None
    model_age_days: Maybe = None
    began_with_quote: Maybe = None
    equity_quote: Maybe = None
    cash_quote: Maybe = None
    buy_and_hold_quote: Maybe = None
    minus_buy_and_hold: Maybe = None
    total_return: Annotated[Maybe, Field(alias="return")] = None
    drawdown: Maybe = None
    alarms: list[Alarm] = Field(default_factory=list)
    positions: list[Position] = Field(default_factory=list)
    orders: list[Order] = Field(default_factory=list)
    fills: list[Fill] = Field(default_factory=list)
    digest: list[Text] = Field(default_factory=list)
    nights_list: list[NightRow] = Field(default_factory=list)
    series: Series = Series()
    spark: list[Finite] = Field(default_factory=list)
    run: RunRow | None = None
    warnings: list[Text] = Field(default_factory=list)
    settings: list[Setting] = Field(default_factory=list)


class Accounts(Part):
    """Every account."""

    accounts: list[AccountRow]
