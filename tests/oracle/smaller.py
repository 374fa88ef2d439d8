"""A sequence that shows a difference made as small as it still shows one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace

from cryptobt.oracle.records import Bar, Cancel, Terms

from .both import Case


def smallest(case: Case, differs: Callable[[Case], bool]) -> Case:
    """Leave away what can be left away, until nothing can."""
    for less in reductions(case):
        if differs(less):
            return smallest(less, differs)
    return case


def reductions(case: Case) -> Iterator[Case]:
    """Every sequence that is one step smaller, or plainer."""
    for symbol, bars in enumerate(case.markets):
        if len(case.markets) > 1:
            yield without_symbol(case, symbol)
        if len(bars) > 1:
            yield from (without_bar(case, symbol, number) for number in range(len(bars)))
    yield from lesser_scripts(case)
    for slot in case.delays or {}:
        yield case._replace(
            delays={one: hours for one, hours in (case.delays or {}).items() if one != slot}
        )
    for name in (field.name for field in fields(Terms)):
        if getattr(case.terms, name) != getattr(Terms(), name):
            yield case._replace(terms=replace(case.terms, **{name: getattr(Terms(), name)}))
    for symbol, bars in enumerate(case.markets):
        for number, bar in enumerate(bars):
            calm = Bar(bar.slot, 100.0, 100.0, 100.0, 100.0)
            if bar != calm:
                yield with_bars(case, symbol, [*bars[:number], calm, *bars[number + 1 :]])


def with_bars(case: Case, symbol: int, bars: list[Bar]) -> Case:
    return case._replace(markets=[*case.markets[:symbol], bars, *case.markets[symbol + 1 :]])


def without_symbol(case: Case, symbol: int) -> Case:
    markets = [*case.markets[:symbol], *case.markets[symbol + 1 :]]
    if not isinstance(case.script, Mapping):
        weights = [*case.script[:symbol], *case.script[symbol + 1 :]]
        return case._replace(markets=markets, script=weights)
    script = {
        time: [
            action if isinstance(action, Cancel) or action.symbol < symbol
            else replace(action, symbol=action.symbol - 1)
            for action in actions
            if isinstance(action, Cancel) or action.symbol != symbol
        ]
        for time, actions in case.script.items()
    }  # fmt: skip
    return case._replace(markets=markets, script=script)


def without_bar(case: Case, symbol: int, number: int) -> Case:
    bars = case.markets[symbol]
    less = with_bars(case, symbol, [*bars[:number], *bars[number + 1 :]])
    if isinstance(case.script, Mapping):
        return less
    weights = [list(one) for one in case.script]
    del weights[symbol][number]
    return less._replace(script=weights)


def lesser_scripts(case: Case) -> Iterator[Case]:
    """One order less, or one opinion."""
    if isinstance(case.script, Mapping):
        for time, actions in case.script.items():
            for number in range(len(actions)):
                left = [*actions[:number], *actions[number + 1 :]]
                yield case._replace(script={**case.script, time: left})
        return
    for symbol, weights in enumerate(case.script):
        for number, weight in enumerate(weights):
            if weight is not None:
                quiet = [*weights[:number], None, *weights[number + 1 :]]
                script = [*case.script[:symbol], quiet, *case.script[symbol + 1 :]]
                yield case._replace(script=script)
