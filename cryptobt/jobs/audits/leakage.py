"""``cryptobt audit leakage``: whether anything that a run is made of knows the future."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.core.time import interval_label, iso
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.core.user_code import is_reference
from cryptobt.features.sets import find_feature_set
from cryptobt.jobs.audits import forecasts, trading
from cryptobt.jobs.audits.apart import STRATEGY
from cryptobt.jobs.audits.checks import LEAK, NOTED, Check, every, leaked
from cryptobt.jobs.audits.features import FeatureChecks
from cryptobt.jobs.audits.forecasts import ForecastChecks
from cryptobt.jobs.audits.headline import headline
from cryptobt.jobs.audits.learning import LABELS, SCALER, TRAINED, Learning, trained_before
from cryptobt.jobs.audits.process import ProcessChecks, own_parts
from cryptobt.jobs.audits.report import SCHEMA, AuditReport, write_audit
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.audits.trading import TradingChecks
from cryptobt.jobs.audits.ways import series_checks, setting_checks
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.loading import load_bars, load_beside
from cryptobt.jobs.run_folder import Steps, check_folders
from cryptobt.jobs.symbols import common_times, name_of
from cryptobt.jobs.trader import trader_of

CLEAN = "clean"


@dataclass(frozen=True)
class LeakageReport(AuditReport):
    """What an audit of leakage left behind."""

    @property
    def leaks(self) -> list[str]:
        """Names of the checks that leaked."""
        return [check["name"] for check in self.document["checks"] if check["outcome"] == LEAK]


def audit_leakage(
    settings: Settings,
    now: pd.Timestamp,
    events: Events,
    command: str = "",
    *,
    deep: bool = False,
) -> LeakageReport:
    """Load, put everything that a run is made of to the question, and write the audit's folder.

    Parameters
    ----------
    now : Timestamp
        Aware; bars that are not complete by then are left out.
    events : Events
        Told of warnings and of the step that begins.
    command : str
        As the user typed it; kept in ``run.json`` alone.
    deep : bool
        Whether everything is trained again on cut data, on shuffled targets and beside a twin
        that leaks; that takes as long as a cold backtest, several times.

    Raises
    ------
    CryptobtError
        With one line that says what was wrong and what to do; a leak raises nothing.
    """
    check_folders(Path(settings.run.out))
    steps, said = Steps(events.step), list[str]()
    told = replace(events.noting(said), step=steps.begin)
    trader_of(settings)
    find_feature_set(settings.features.set)
    told.step("loading data")
    markets = load_bars(settings.data, now, told)
    extras = load_beside(settings.data, markets, now, told)
    document = leakage_document(settings, markets, extras, told, deep=deep)
    document["warnings"] = said
    label = f"audit-leakage-{name_of(markets)}"
    made = write_audit(document, label, settings, markets, extras, now, command, steps)
    return LeakageReport(made.folder, made.document)


def leakage_document(
    settings: Settings,
    markets: Sequence[MarketData],
    extras: Mapping[str, Sequence[ExtraSeries]],
    events: Events,
    *,
    deep: bool = False,
) -> dict[str, Any]:
    """Put everything that a run is made of to the question.

    Returns
    -------
    dict
        The ``audit.json`` document; it repeats byte for byte.
    """
    subject, kept = _apart(Subject.of(settings, markets, extras, events))
    checks = list(_quick(subject, kept))
    rows = [_as_typed(check.document(), settings) for check in checks]
    worth = None
    if deep:
        from cryptobt.jobs.audits.deep import deep_checks

        more, worth = deep_checks(settings, markets, extras, events)
        rows += more
    return _common(subject) | {
        "outcome": LEAK if any(row["outcome"] == LEAK for row in rows) else CLEAN,
        "headline": headline(rows),
        "warnings": [],
        "deep": deep,
        "cuts": [iso(time) for time in _cuts(subject)],
        "checks": rows,
        "worth": worth,
    }


def _as_typed(row: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Name a file as the settings do: no folder of this machine is part of a result."""
    names = (settings.features.set, settings.forecaster.name, settings.strategy.name)
    for name in names:
        if row["file"] is None or name is None or not is_reference(name):
            continue
        typed = Path(name.rpartition(":")[0])
        found, folder = Path(row["file"]), typed.expanduser().resolve().parent
        if found.resolve().is_relative_to(folder):
            place = typed.parent / found.resolve().relative_to(folder)
            return row | {"file": str(place)}
    return row


def _apart(subject: Subject) -> tuple[Subject, list[Check]]:
    """Run the user's features and forecaster in processes of their own, before they run here."""
    parts = own_parts(subject)
    if not parts:
        return subject, []
    subject.events.step("running your code in processes of its own")
    asked = ProcessChecks(subject, parts)
    checks = list(asked.checks())
    return subject.aside(writes=asked.writes), checks


def _quick(subject: Subject, kept: list[Check]) -> Iterator[Check]:
    tell = subject.events.step
    tell("looking at settings and series")
    yield from setting_checks(subject)
    yield from series_checks(subject)
    tell("cutting the future of features away")
    features = [*feature_checks(subject), *kept]
    yield from features
    known = leaked(features)
    if known and subject.forecaster is not None:
        questions = (LABELS, SCALER, TRAINED, *forecasts.QUESTIONS, *trading.QUESTIONS)
        yield from every(questions, "the features know later bars: mend that first")
        return
    yield from _forecast_and_traded(subject)


def _forecast_and_traded(subject: Subject) -> Iterator[Check]:
    tell = subject.events.step
    learning = Learning(subject, subject.lead)
    made = None
    if subject.forecaster is None:
        questions = (LABELS, SCALER, TRAINED, *forecasts.QUESTIONS)
        yield from every(questions, "the strategy trades without a forecaster")
    else:
        tell("forecasting")
        made = _forecasts(subject)
        tell("looking at what folds learn from")
        learnt = [*learning.checks(), trained_before(subject, made)]
        yield from learnt
        tell("cutting the future of forecasts away")
        if leaked(learnt):
            yield from every(forecasts.QUESTIONS, "folds learn from later bars: mend that first")
        elif made is not None:
            yield from ForecastChecks(subject, learning, made).checks()
    kept: list[Check] = []
    if subject.trader.spec.file:
        tell("running your strategy in processes of its own")
        asked = ProcessChecks(subject, (STRATEGY,), made)
        kept = list(asked.checks())
        subject = subject.aside(writes=asked.writes)
    tell("cutting the future of the account away")
    yield from TradingChecks(subject, made).checks()
    yield from kept


def _forecasts(subject: Subject) -> Forecasts | None:
    extras = {world.market.symbol: world.extras for world in subject.worlds}
    made = Forecasting(subject.markets, extras, subject.trader, subject.settings, subject.events)
    return made.forecasts(made.features())


def feature_checks(subject: Subject) -> list[Check]:
    """Ask the feature set of every symbol; of what passes, the first symbol's answers stand."""
    found: list[Check] = []
    for world in (subject.lead, *(one for one in subject.worlds if one is not subject.lead)):
        few = world is not subject.lead
        asked = FeatureChecks(subject.columns, world, subject.named(world), few=few).checks()
        found += [check for check in asked if not few or check.outcome in (LEAK, NOTED)]
    return found


def _cuts(subject: Subject) -> list[pd.Timestamp]:
    return FeatureChecks(subject.columns, subject.lead).cuts


def _common(subject: Subject) -> dict[str, Any]:
    settings, markets = subject.settings, subject.markets
    times = common_times(markets)
    return {
        "schema": SCHEMA,
        "audit": "leakage",
        "strategy": settings.strategy.name,
        "forecaster": settings.forecaster.name or subject.trader.spec.forecaster,
        "features": settings.features.set,
        "symbols": [market.symbol for market in markets],
        "interval": interval_label(markets[0].interval),
        "first": iso(times[0]),
        "last": iso(times[-1]),
        "bars": len(times),
        "simulated": any(market.simulated for market in markets),
    }
