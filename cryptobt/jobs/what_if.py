"""What a forecaster would say, had the last bar been another: the form of a forecast's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.columns import CLOSE, TIME
from cryptobt.core.settings import Settings
from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.forecasters.last_window import Reply
from cryptobt.jobs.at_last_bar import AtLastBar, at_last_bar
from cryptobt.jobs.edits import EditsError, Field, read_edits, shown
from cryptobt.jobs.events import Events
from cryptobt.jobs.next_forecast import traded
from cryptobt.jobs.what_if_words import answer_of, distance_text, looked_at_of

__all__ = [
    "AtLastBar", "EditsError", "LastRow", "WhatIf", "ask_again", "at_last_bar", "last_row",
    "show", "what_if",
]  # fmt: skip

_ANSWERED = ["score", "mean", "p_up", "q05", "q50", "q95"]


@dataclass(frozen=True)
class LastRow:
    """The features of the newest complete bar, as a form shows them.

    Attributes
    ----------
    about : dict
        What is asked: symbol, times, close, forecaster.
    fields : tuple of Field
        In the order of the feature set.
    """

    about: dict[str, Any]
    fields: tuple[Field, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as a document; its keys are in docs/serve.md."""
        return self.about | {"fields": [field.to_json() for field in self.fields]}


@dataclass(frozen=True)
class WhatIf:
    """The answer to an edited last bar.

    Attributes
    ----------
    document : dict
        Its keys are in docs/serve.md.
    """

    document: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Give it as a document."""
        return self.document


def last_row(settings: Settings, symbol: str, now: pd.Timestamp, events: Events) -> LastRow:
    """Show the features of a symbol's newest complete bar.

    Parameters and errors are those of :func:`~cryptobt.jobs.at_last_bar.at_last_bar`.
    """
    return show(at_last_bar(settings, symbol, now, events))


def what_if(
    settings: Settings,
    symbol: str,
    edits: Mapping[str, float | str],
    now: pd.Timestamp,
    events: Events,
) -> WhatIf:
    """Ask a forecaster about an edited last bar; see :func:`ask_again`.

    Other parameters and errors are those of :func:`~cryptobt.jobs.at_last_bar.at_last_bar`.
    """
    return ask_again(at_last_bar(settings, symbol, now, events), edits)


def show(bar: AtLastBar) -> LastRow:
    """Show the features of a last bar beside what the newest fold has learnt from."""
    more = {
        "window_bars": bar.settings.forecaster.window_bars,
        "training_rows": len(bar.learnt.rows),
        "warnings": list(bar.warnings),
    }
    return LastRow(bar.about() | more, bar.fields)


def ask_again(bar: AtLastBar, edits: Mapping[str, float | str]) -> WhatIf:
    """Answer with some features of the last bar edited, each alone: no other is recomputed.

    Without an edit the answer is the one of ``cryptobt forecast``, to the last bit. An edited
    ``close`` that is the bar's own is also the price that the answer starts from; σ and the known
    trend stay those of the bar.

    Parameters
    ----------
    edits : mapping
        Field to a number, or to its text as a person types it.

    Raises
    ------
    EditsError
        If a field is unknown, or its value no number that can be used.
    UsageError
        If the forecaster's answer is not finite.
    """
    changed = read_edits(bar.fields, edits, priced=bar.priced)
    row = np.array([changed.get(field.name, field.value) for field in bar.fields])
    close = changed.get(CLOSE) if bar.priced else None
    reply = bar.window.reply(row, close)
    account = _account_with(bar, reply) if changed else bar.account
    before = bar.weight(bar.account)
    strategy = {"name": bar.trader.spec.name, "target_weight": bar.weight(account)}
    edited = {
        field.name: {"was": field.value, "is": changed[field.name]}
        for field in bar.fields
        if field.name in changed
    }
    return WhatIf(
        bar.about()
        | {
            "strategy": strategy | {"before": before},
            "edited": edited,
            "answer": answer_of(reply.row, bar.close if close is None else close),
            "before": answer_of(bar.forecast, bar.close),
            "distance": _distance(bar, row),
            "looked_at": looked_at_of(reply, bar.window.samples),
            "warnings": [*bar.warnings, *_clipped(bar, row, changed)],
        }
    )


def _account_with(bar: AtLastBar, reply: Reply) -> BacktestResult:
    """Trade again, with the reply in place of the last bar's forecast."""
    edited = bar.forecasts.frame.copy()
    last = edited[TIME] == reply.row[TIME]
    for name in ("symbol", "forecaster", "horizon_bars"):
        last &= edited[name] == reply.row[name]
    edited.loc[last, _ANSWERED] = [reply.row[name] for name in _ANSWERED]
    return traded(bar.markets, Forecasts(edited), bar.trader, bar.settings)


def _distance(bar: AtLastBar, row: np.ndarray) -> dict[str, Any]:
    value = bar.learnt.distance(row)
    beyond = bar.learnt.beyond(row)
    outside = [
        {"name": field.name, "value": float(row[k]), "low": field.low, "high": field.high}
        for k, field in sorted(enumerate(bar.fields), key=lambda pair: -beyond[pair[0]])
        if beyond[k] > 0
    ]
    found = {
        "value": value,
        "unedited": bar.learnt.distance(bar.window.row),
        "quantile": bar.learnt.share_nearer(value),
        "outside": outside,
    }
    return found | {"text": distance_text(found)}


def _clipped(bar: AtLastBar, row: np.ndarray, changed: Mapping[str, float]) -> list[str]:
    """Name edited values that a scaler cuts off, so that going on makes no difference."""
    features = bar.settings.features
    if features.scaling != "standard":
        return []
    places = np.abs(bar.learnt.standardised(row))
    return [
        f"{field.name} {shown(changed[field.name])} lies more than {features.clip:g} deviations "
        "from the mean in training, where values are cut off: farther out the answer is the same"
        for field, place in zip(bar.fields, places, strict=True)
        if field.name in changed and place > features.clip
    ]
