"""Settings and series that let the future in by what they say of themselves."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.types import ExtraSeries
from cryptobt.features.sets import join
from cryptobt.jobs.audits.checks import Check, Question
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.audits.subject import Subject

SCALER = Question(
    "settings, what the scaler sees",
    "settings",
    "features.scaler_sees is training: a scaler sees the rows of training windows alone",
)
VALIDATION = Question(
    "settings, validation windows",
    "settings",
    "walkforward.validation is latest: windows to validate with come after those learnt from",
)
LAG = Question(
    "settings, publication of on-chain values",
    "settings",
    "data.onchain_lag_hours is above 0: the value of a day is not final when the day ends",
)
OWN_LAG = Question(
    "series, published when their period ends",
    "data",
    "a series tells when it was published, after its period has ended",
)
SHIFTED = Question(
    "series, published a bar later",
    "data",
    "what is published a bar later is seen a bar later",
)


def setting_checks(subject: Subject) -> Iterator[Check]:
    """Look at the settings that are known to let a test know more than it should."""
    settings = subject.settings
    chosen, validation = settings.features.scaler_sees, settings.walkforward.validation
    yield _way(
        SCALER,
        subject,
        chosen != "training",
        f"features.scaler_sees is {chosen}: scalers have seen the bars that are forecast",
        "set features.scaler_sees=training",
    )
    yield _way(
        VALIDATION,
        subject,
        validation != "latest",
        f"walkforward.validation is {validation}: windows to validate with share most of their "
        "bars with those learnt from, and their labels lie among the learnt ones",
        "set walkforward.validation=latest",
    )
    yield _onchain(subject)


def _way(question: Question, subject: Subject, used: bool, seen: str, mend: str) -> Check:
    if not used:
        return question.passed()
    if subject.learns:
        return question.leaked(seen, mend=mend)
    return question.noted(f"{seen}; nothing is learnt here, so that it changes nothing")


def _onchain(subject: Subject) -> Check:
    hours, world = subject.settings.data.onchain_lag_hours, subject.lead
    series = next((one for one in world.extras if one.name == "onchain"), None)
    if series is None:
        return LAG.not_asked("there are no on-chain values")
    if hours > 0:
        return LAG.passed()
    seen = "data.onchain_lag_hours is 0: the value of a day is used at that day's close"
    if "onchain" not in subject.uses(world):
        return LAG.noted(f"{seen}; no feature uses it, so that it changes nothing")
    return LAG.leaked(
        seen,
        mend="set data.onchain_lag_hours=24, or what your vendor needs to publish a day",
        time=_first_used(world, series),
        column=str(series.frame.columns[0]),
        symbol=subject.named(world),
    )


def _first_used(world: World, series: ExtraSeries) -> pd.Timestamp | None:
    """First bar at whose close a value of its own period is there."""
    names = [str(name) for name in series.frame.columns.drop(AVAILABLE_AT)]
    seen = join(world.market, [series], names).notna().any(axis=1)
    return pd.Timestamp(seen.index[int(seen.to_numpy().argmax())]) if seen.any() else None


def series_checks(subject: Subject) -> Iterator[Check]:
    """Look at the series beside the bars: when they say that they were published."""
    world = subject.lead
    if not world.extras:
        yield OWN_LAG.not_asked("there are no series beside the bars")
        yield SHIFTED.not_asked("there are no series beside the bars")
        return
    yield _own_lag(subject, world)
    yield _shifted(world)


def _own_lag(subject: Subject, world: World) -> Check:
    early = [
        one.name
        for one in world.extras
        if one.name != "onchain" and one.source != "sample" and _at_once(one, world)
    ]
    used = [name for name in early if name in subject.uses(world)] if early else []
    if not used:
        return OWN_LAG.passed()
    return OWN_LAG.noted(
        f"{', '.join(used)}: most rows say that they were published before, or at the very moment, "
        "that their period ended; right for prices of another market, wrong for what is counted, "
        "estimated or mended later"
    )


def _at_once(series: ExtraSeries, world: World) -> bool:
    starts = pd.DatetimeIndex(series.frame.index)
    if len(starts) < 2:
        return False
    period = max(pd.Series(starts).diff().median(), world.market.interval)
    early = pd.DatetimeIndex(series.frame[AVAILABLE_AT]) <= starts + period
    return bool(np.mean(early) > 0.5)


def _shifted(world: World) -> Check:
    """Publish every row a bar later, and look a bar later."""
    names = [str(name) for one in world.extras for name in one.frame.columns.drop(AVAILABLE_AT)]
    step = world.market.interval
    later = [
        one.frame.assign(**{AVAILABLE_AT: one.frame[AVAILABLE_AT] + step}) for one in world.extras
    ]
    now = join(world.market, world.extras, names)
    then = join(world.market, world.with_extras(later).extras, names)
    times = pd.DatetimeIndex(now.index[:-1])
    followed = times[(now.index[1:] - times) == step]
    one, two = now.loc[followed], then.loc[pd.DatetimeIndex(followed) + step]
    same = (one.to_numpy() == two.to_numpy()) | (one.isna().to_numpy() & two.isna().to_numpy())
    if same.all():
        return SHIFTED.passed()
    row, column = (int(axis[0]) for axis in np.nonzero(~same))
    return SHIFTED.leaked(
        "a row that was published a bar later is seen at another bar than the one after",
        time=pd.Timestamp(followed[row]),
        column=names[column],
    )
