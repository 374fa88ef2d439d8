"""Forecasts of the next bar, and the form that asks about another, as the pages show them."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from cryptobt.core.settings import Settings
from cryptobt.web import work
from cryptobt.web.account_view import iso
from cryptobt.web.accounts import Accounts, ledger_state, ledgers
from cryptobt.web.files import state_of
from cryptobt.web.keeper import AbsentError, Keeper, View, view
from cryptobt.web.shelf import Answer

SETTINGS = "_settings"
"""Source of forecasts that is no account: no account's name begins with an underscore."""
_MOST_ANSWERS = 200

Edits = Mapping[str, str | float]


@dataclass(frozen=True)
class _Question:
    source: str
    symbol: str
    edits: dict[str, str | float]
    state: Hashable
    at: str


class Forecasts:
    """Forecasts by the settings of every account, and by those of a file.

    They are made anew once a night was written, a file of bars has changed, or an hour has begun.

    Parameters
    ----------
    settings : Settings or None
        Of the file.
    """

    def __init__(self, keeper: Keeper, accounts: Accounts, settings: Settings | None) -> None:
        self._keeper, self._accounts, self._settings = keeper, accounts, settings
        self._questions: OrderedDict[str, _Question] = OrderedDict()
        self._lock = Lock()

    def links(self) -> list[dict[str, str]]:
        """Name every symbol whose next bar can be forecast."""
        return [
            {"source": one["source"], "symbol": symbol}
            for one in self._sources()
            for symbol in one["symbols"]
        ]

    def all(self) -> View:
        """Forecast the next bar of every symbol."""
        told, answers = [], []
        for source in self._sources():
            answer = self._forecast(source["source"], 0.0)
            answers.append(answer)
            told.append(_shown(source, answer) | {"symbols": source["symbols"]})
        return view({"sources": told, "empty": not told}, *answers)

    def one(self, source: str, symbol: str, key: str = "") -> View:
        """Forecast the next bar of a symbol, with the form, and an answer where one was asked.

        Raises
        ------
        AbsentError
            If there are no such settings, or no such symbol or answer among theirs.
        """
        told = self._source(source, symbol)
        answer, form = self._forecast(source), self._form(source, symbol)
        document = _of_symbol(_shown(told, answer), symbol) | {"form": _form(form), "answer": None}
        if not key:
            return view(document, answer, form)
        asked = self._answer(key)
        document["answer"] = found = _answered(key, asked)
        _fill(document["form"], self._question(key).edits, found["problems"])
        return view(document, answer, form, asked)

    def typed(self, source: str, symbol: str, edits: Edits, problems: Mapping[str, str]) -> View:
        """Give a symbol's page with its form as it was typed, and what is wrong beside it."""
        shown = self.one(source, symbol)
        _fill(shown.document["form"], edits, problems)
        return shown

    def ask(self, source: str, symbol: str, edits: Edits) -> str:
        """Ask a forecaster about an edited bar; give the key under which the answer is found.

        Raises
        ------
        AbsentError
            If there are no such settings, or no such symbol among theirs.
        """
        self._source(source, symbol)
        state = self._state(source)
        text = json.dumps([source, symbol, dict(edits), repr(state)], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        with self._lock:
            self._questions[key] = _Question(source, symbol, dict(edits), state, self._now())
            self._questions.move_to_end(key)
            while len(self._questions) > _MOST_ANSWERS:
                self._questions.popitem(last=False)
        return key

    def answer(self, key: str, seconds: float | None = None) -> View:
        """Give what a forecaster said.

        Raises
        ------
        AbsentError
            If nothing was asked under this key, or it was long ago.
        """
        answer = self._answer(key, seconds)
        return view(_answered(key, answer), answer)

    def _sources(self) -> list[dict[str, Any]]:
        """Name settings to forecast with; an account that has not been read yet has no symbols."""
        rows = self._accounts.rows().document["accounts"]
        found = [
            {"source": row["account"], "title": f"Account {row['account']}",
             "symbols": row["symbols"], "strategy": row["strategy"], "forecaster": None}
            for row in rows
        ]  # fmt: skip
        if self._settings is not None:
            symbols = list(self._settings.data.symbols) or ["BTC-USD"]
            found.append({"source": SETTINGS, "title": "The settings file", "symbols": symbols,
                          "strategy": self._settings.strategy.name,
                          "forecaster": self._settings.forecaster.name})  # fmt: skip
        return found

    def _source(self, source: str, symbol: str) -> dict[str, Any]:
        if source in ledgers():
            self._accounts.one(source)  # an account that is being read has no symbols yet
        found = next((one for one in self._sources() if one["source"] == source), None)
        if found is None:
            raise AbsentError(f"There are no settings of an account '{source[:80]}'.")
        if symbol not in found["symbols"]:
            raise AbsentError(f"{found['title']} does not trade '{symbol[:80]}'.")
        return found

    def _by(self, source: str) -> Settings | str:
        return source if self._settings is None or source != SETTINGS else self._settings

    def _state(self, source: str) -> Hashable:
        now = self._keeper.now()
        if source == SETTINGS and self._settings is not None:
            files = [Path(one.rpartition("=")[2]) for one in self._settings.data.csv]
            short = self._settings.data.interval.endswith("m")
            bucket = now - timedelta(minutes=now.minute % (5 if short else 60))
            return (state_of(files), bucket)
        return (ledger_state(ledgers().get(source, Path())), now.replace(minute=0))

    def _forecast(self, source: str, seconds: float | None = None) -> Answer:
        return self._keeper.ask(
            ("forecast", source), self._state(source), work.forecast, self._by(source), self._now(),
            desk=self._keeper.forecasting, seconds=seconds,
        )  # fmt: skip

    def _form(self, source: str, symbol: str) -> Answer:
        state = self._state(source)
        return self._keeper.ask(
            ("form", source, symbol), state, work.last_row, self._by(source), symbol, self._now(),
            (source, state), desk=self._keeper.forecasting, seconds=0.5,
        )  # fmt: skip

    def _answer(self, key: str, seconds: float | None = None) -> Answer:
        question = self._question(key)
        source, symbol = question.source, question.symbol
        # it stays an answer about the bar that was edited, when a newer one is there too
        return self._keeper.ask(
            ("answer", key), None, work.what_if, self._by(source), symbol, question.at,
            (source, question.state), question.edits, desk=self._keeper.forecasting,
            seconds=seconds,
        )  # fmt: skip

    def _now(self) -> str:
        return iso(self._keeper.now())

    def _question(self, key: str) -> _Question:
        with self._lock:
            question = self._questions.get(key)
        if question is None:
            raise AbsentError("Nothing was asked under this key, or it was long ago; ask again.")
        return question


def _shown(source: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    document = answer.document
    own = {key: value for key, value in source.items() if key != "symbols"}
    if document is not None:
        own |= {key: document[key] for key in ("strategy", "forecaster")}
    return own | {"state": answer.state, "problem": answer.problem, "document": document}


def _of_symbol(told: dict[str, Any], symbol: str) -> dict[str, Any]:
    """Keep what a forecast says of one symbol."""
    whole = told["document"] or {}
    orders = [one for one in whole.get("pending_orders", ()) if one["symbol"] == symbol]
    return told | {
        "symbol": symbol,
        "document": next((o for o in whole.get("symbols", ()) if o["symbol"] == symbol), None),
        "asked_at": whole.get("asked_at"),
        "simulated": whole.get("simulated"),
        "pending_orders": orders,
        "warnings": whole.get("warnings", []),
    }


def _form(answer: Answer) -> dict[str, Any]:
    row = answer.document or {}
    fields = [
        {"name": one["name"], "label": one["label"], "value": one["text"], "was": one["value"],
         "low": one["low"], "high": one["high"], "quantile": one["quantile"],
         "meaning": one["meaning"], "error": ""}
        for one in row.get("fields", ())
    ]  # fmt: skip
    return {"state": answer.state, "problem": answer.problem, "time": row.get("time"),
            "close": row.get("close"), "fields": fields, "error": ""}  # fmt: skip


def _fill(form: dict[str, Any], edits: Edits, problems: Mapping[str, str]) -> None:
    """Show a form as it was typed, with what is wrong beside each field."""
    for one in form["fields"]:
        if one["name"] in edits:
            one["value"] = str(edits[one["name"]])
        one["error"] = problems.get(one["name"], "")
    known = {one["name"] for one in form["fields"]}
    # several unknown fields have the same sentence
    others = dict.fromkeys(text for name, text in problems.items() if name not in known)
    form["error"] = " ".join(others)


def _answered(key: str, answer: Answer) -> dict[str, Any]:
    problems = {} if answer.outcome is None else answer.outcome.problems
    return {"key": key, "state": answer.state, "problem": answer.problem,
            "problems": problems, "document": answer.document}  # fmt: skip
