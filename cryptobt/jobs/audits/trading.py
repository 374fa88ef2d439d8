"""Whether a strategy knows later bars: other futures, bar by bar, and symbols that end."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cryptobt.backtests.run import run_backtest
from cryptobt.core.errors import UsageError
from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.jobs.audits.asking import disk_of_its_own, same_random_numbers
from cryptobt.jobs.audits.checks import Check, Place, Question, every, leaked
from cryptobt.jobs.audits.failures import (
    asks_to_cheat,
    bar_of,
    place_of_strategy,
    reads_ahead,
    told,
)
from cryptobt.jobs.audits.futures import World, cut, exchanged, with_other_opinions
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.audits.tables import (
    ORDERS,
    SIGNALS,
    Parted,
    Tables,
    first_parting,
    says_anything,
)

WANTS = Question(
    "signals, future cut away", "signals", "no target weight changes when later bars are cut away"
)
WANTS_OTHER = Question(
    "signals, another future", "signals", "no target weight changes when other bars follow"
)
SENDS = Question(
    "orders, future cut away",
    "orders",
    "no order, fill or equity changes when later bars are cut away",
)
SENDS_OTHER = Question(
    "orders, another future", "orders", "no order, fill or equity changes when other bars follow"
)
BAR_BY_BAR = Question(
    "orders, bar by bar",
    "orders",
    "where later bars are not there yet, the strategy trades as where they are loaded",
)
RULES = Question(
    "orders, fills to come", "orders", "no order asks for a price that has passed already"
)
ENDS = Question(
    "orders, a symbol that ends",
    "orders",
    "no decision changes when one symbol's later bars are not there, as of a coin that died",
)
AGAIN = Question("orders, traded twice", "orders", "the same bars give the same orders")
QUESTIONS = (RULES, WANTS, SENDS, WANTS_OTHER, SENDS_OTHER, BAR_BY_BAR, ENDS)
_SHARES = (0.35, 0.65, 0.93)
_ORDERS_TRIED = 5
_FIRST_ORDERS = 8
_SYMBOLS_TRIED = 4


@dataclass(frozen=True)
class TradingChecks:
    """All questions to a strategy, with its forecasts held as they are."""

    subject: Subject
    forecasts: Forecasts | None

    @cached_property
    def whole(self) -> BacktestResult:
        """The account in the world as it is."""
        return self._account(self.subject.worlds)

    def checks(self) -> Iterator[Check]:
        """Answer every question; what fails as code fails ends the audit, what cheats does not."""
        try:
            whole = self.whole
        except UsageError as error:
            yield from self._failed(error)
            return
        again = first_parting(whole, self._account(self.subject.worlds), {**SIGNALS, **ORDERS})
        if again is not None:
            seen = f"traded twice on the same bars, {again.told()}: random numbers without a seed"
            yield AGAIN.noted(seen, time=again.time, column=again.column)
            yield from every(QUESTIONS, "the same bars already give other orders")
            return
        yield AGAIN.passed()
        yield RULES.passed()
        found = [
            *self._compared(WANTS, SENDS, cut, self._stops()),
            *self._compared(WANTS_OTHER, SENDS_OTHER, exchanged, self._stops()[::2]),
        ]
        yield from found
        yield self._bar_by_bar(known=leaked(found))
        yield self._symbol_ends()

    def _failed(self, error: UsageError) -> Iterator[Check]:
        """Tell a strategy that cheats from one that is broken."""
        if asks_to_cheat(error):
            question = RULES
        elif reads_ahead(error):
            question = BAR_BY_BAR
        else:
            raise error
        first = self._slow_failure or error
        time = bar_of(first) or self.subject.lead.times[0]
        yield question.leaked(told(first), time=time, place=self._place(first))
        others = [one for one in QUESTIONS if one is not question]
        yield from every(others, "the strategy cannot trade to the end: mend that first")

    @cached_property
    def _slow(self) -> BacktestResult | UsageError:
        """The account bar by bar, or how the strategy fails there."""
        try:
            return self._account(self.subject.worlds, preload=False)
        except UsageError as error:
            return error

    @property
    def _slow_failure(self) -> UsageError | None:
        return self._slow if isinstance(self._slow, UsageError) else None

    def _bar_by_bar(self, *, known: bool) -> Check:
        if isinstance(self._slow, UsageError):
            seen, time = f"bar by bar {told(self._slow)}", bar_of(self._slow)
            place = self._place(self._slow)
            if known or reads_ahead(self._slow):
                return BAR_BY_BAR.leaked(seen, time=time, place=place)
            return BAR_BY_BAR.noted(
                f"{seen}; it needs all bars at once, and no decision changed with later ones",
                time=time,
                place=place,
            )
        parted = first_parting(self.whole, self._slow, {**SIGNALS, **ORDERS})
        return (
            BAR_BY_BAR.passed() if parted is None else self._leak(BAR_BY_BAR, parted, "bar by bar")
        )

    def _compared(
        self, wants: Question, sends: Question, change: object, times: Sequence[pd.Timestamp]
    ) -> Iterator[Check]:
        found: dict[Question, list[Parted]] = {wants: [], sends: []}
        failed: UsageError | None = None
        for time in times:
            try:
                other = self._changed(change, time)
            except UsageError as error:
                failed = failed or (error if reads_ahead(error) else None)
                continue
            for question, tables in ((wants, SIGNALS), (sends, ORDERS)):
                parted = first_parting(self.whole, other, tables, time)
                if parted is not None:
                    found[question].append(parted)
        if failed is not None and not found[sends]:
            yield wants.not_asked("it reads beyond the last bar")
            yield sends.leaked(told(failed), time=bar_of(failed), place=self._place(failed))
            return
        for question, partings in found.items():
            tables = SIGNALS if question is wants else ORDERS
            if not partings:
                silent = self._silent(tables)
                yield question.not_asked(silent) if silent else question.passed()
                continue
            first = self._earliest(partings, tables)
            yield self._leak(
                question,
                first,
                "without the bars after it" if change is cut else "when other bars follow",
            )

    def _silent(self, tables: Tables) -> str:
        """Why nothing could have differed; empty where something could."""
        if tables is ORDERS:
            return "" if len(self.whole.orders) else "it sends no order on these bars"
        return "" if says_anything(self.whole, tables) else "it sets no target weights"

    def _changed(self, change: object, time: pd.Timestamp) -> BacktestResult:
        if change is cut:
            worlds = [cut(world, time) for world in self.subject.worlds if world.times[0] <= time]
            return self._account(worlds)
        worlds = [exchanged(world, time) for world in self.subject.worlds]
        return self._account(worlds, forecasts=with_other_opinions(self.forecasts, time))

    def _earliest(self, partings: Sequence[Parted], tables: Tables) -> Parted:
        """Cut the future away at the first orders, one after the other: short runs, each."""
        first = min(partings, key=lambda one: one.time)
        for time in self._order_times()[:_FIRST_ORDERS]:
            if time >= first.time:
                break
            try:
                parted = first_parting(self.whole, self._changed(cut, time), tables, time)
            except UsageError:
                continue
            if parted is not None:
                return parted
        return first

    def _symbol_ends(self) -> Check:
        worlds = self.subject.worlds
        if len(worlds) < 2:
            return ENDS.not_asked("there is one symbol")
        times = self.whole.times
        for place, world in enumerate(worlds[:_SYMBOLS_TRIED]):
            for share in _SHARES[:2]:
                time = max(times[int(share * (len(times) - 1))], world.times[1])
                changed = [*worlds[:place], cut(world, time), *worlds[place + 1 :]]
                try:
                    other = self._account(changed)
                except UsageError as error:
                    if reads_ahead(error):
                        return ENDS.leaked(told(error), place=self._place(error))
                    continue
                parted = first_parting(self.whole, other, {**SIGNALS, **ORDERS}, time)
                if parted is not None:
                    return self._leak(ENDS, parted, f"where {world.market.symbol} ends {time:%F}")
        return ENDS.passed()

    def _leak(self, question: Question, parted: Parted, where: str) -> Check:
        return question.leaked(
            f"{parted.told()} {where}",
            time=parted.time,
            column=parted.column,
            symbol=parted.symbol if len(self.subject.worlds) > 1 else None,
            place=self._place(None),
        )

    def _place(self, error: UsageError | None) -> Place | None:
        return place_of_strategy(self.subject.trader.spec, error, self._slow_failure)

    def _account(
        self,
        worlds: Sequence[World],
        *,
        preload: bool = True,
        forecasts: Forecasts | None = None,
    ) -> BacktestResult:
        subject = self.subject
        markets = [world.market for world in worlds]
        held = self.forecasts if forecasts is None else forecasts
        apart = disk_of_its_own() if subject.writes else contextlib.nullcontext()
        with apart, same_random_numbers(), contextlib.redirect_stdout(io.StringIO()):
            return run_backtest(markets, held, subject.trader, subject.settings, preload=preload)

    def _order_times(self) -> list[pd.Timestamp]:
        last = self.whole.times[-1]
        times = pd.DatetimeIndex(self.whole.orders["time"]).unique()
        return [time for time in times if time < last]

    def _stops(self) -> list[pd.Timestamp]:
        """Bars at which it decides something, and others all over the run."""
        times, sent = self.whole.times, self._order_times()
        places = np.linspace(0, max(len(sent) - 1, 0), _ORDERS_TRIED).astype(int).tolist()
        spread = [times[int(share * (len(times) - 1))] for share in _SHARES]
        return sorted({*spread, *(sent[place] for place in places if sent)})
