"""The line of a user's code at which a value first knows later bars, and how to mend it."""

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.jobs.audits.advice import GENERIC, SURE, VAGUE
from cryptobt.jobs.audits.checks import Place
from cryptobt.jobs.audits.differences import apart
from cryptobt.jobs.audits.futures import World, cut, exchanged
from cryptobt.jobs.audits.places import best_shape, by_shape, line_of, place_of, said_alone
from cryptobt.jobs.audits.source import Source, assigned, names_in
from cryptobt.jobs.audits.watching import RETURNED, Moment, Watch


def find_place(
    file: str,
    function: str,
    column: str,
    ask: Callable[[World], Any],
    world: World,
    time: pd.Timestamp,
) -> Place | None:
    """Find the line at which a column of a feature set first differs with the future.

    The function is run line by line on the world as it is, and on one with another future; the
    first variable that holds something else of the past than before names the line. Where no line
    does, the source is read: from the expression that makes the column back through the names
    that feed it, for a shape that is known to look ahead.

    Parameters
    ----------
    ask : callable
        Computes the columns of a world.
    time : Timestamp
        A bar at which the column is known to differ.
    """
    source = Source.of(file)
    if source is None or function not in source.functions:
        return None
    entry = source.functions[function]
    makers = source.makers(column, entry)
    moment = _first_moment(source, makers, column, ask, world, time)
    if moment is not None:
        inside = source if moment.file == file else Source.of(moment.file) or source
        return _within(inside, moment, makers)
    return by_shape(source, makers or [entry])


def _first_moment(
    source: Source,
    makers: list[ast.expr],
    column: str,
    ask: Callable[[World], Any],
    world: World,
    time: pd.Timestamp,
) -> Moment | None:
    feeding = source.feeding(makers) if makers else set()
    for change in (exchanged, cut):
        other = change(world, time)
        moments = _differing(source, ask, world, other, time)
        if change is cut:  # fewer bars: what merely counts them is no leak
            moments = [one for one in moments if len(one.held) > 1]
        fed = [one for one in moments if _feeds(one, source, feeding, column)]
        if fed or moments:
            return (fed or moments)[0]
    return None


def _feeds(moment: Moment, source: Source, names: set[str], column: str) -> bool:
    if moment.name == RETURNED:
        return moment.column in ("", column)
    if moment.column == column or moment.file != source.file:
        return True
    if not names:
        return True
    told = bool(moment.column) and moment.column in source.text
    return moment.column in names if told else moment.name in names


def _differing(
    source: Source,
    ask: Callable[[World], Any],
    world: World,
    other: World,
    time: pd.Timestamp,
) -> list[Moment]:
    folder = Path(os.path.realpath(source.file)).parent
    first, second = (
        Watch(folder, given.times, time).run(lambda given=given: ask(given))  # type: ignore[misc]
        for given in (world, other)
    )
    theirs = {moment.key: moment.held for moment in second}
    return [
        moment
        for moment in first
        if moment.key in theirs and _differ(moment.held, theirs[moment.key])
    ]


def _differ(one: np.ndarray, two: np.ndarray) -> bool:
    if one.shape != two.shape:
        return False  # it counts bars, or holds another choice of them
    return bool(apart(pd.Series(one.ravel()), pd.Series(two.ravel())).any())


def _within(source: Source, moment: Moment, makers: list[ast.expr]) -> Place:
    """Narrow a statement of several lines, or a loop, down to the line that looks ahead."""
    inside = source.loops.get(moment.line)
    statement = inside or source.statement(moment.line)
    if statement is None:
        return Place(source.file, moment.line, source.line(moment.line), GENERIC.mend)
    own = [maker for maker in makers if _covers(statement, maker)]
    known = [pair for one in (own, said_alone(statement)) if (pair := best_shape(one)) is not None]
    for found in known:
        if found[1].sure != VAGUE:
            return place_of(source, *found)
    fed = None if inside else _fed_by(source, statement, moment.name)
    if fed is not None:
        return fed
    if known:
        return place_of(source, *known[0])
    if own and inside is None:
        return place_of(source, own[0], GENERIC)
    line = line_of(_change_of(inside, moment.name)) if inside else moment.line
    return Place(source.file, line, source.line(line), GENERIC.mend)


def _fed_by(source: Source, statement: ast.stmt, name: str) -> Place | None:
    """A statement that surely looks ahead, where its result cannot be set beside the bars.

    Places of extremes, or counts, are as many as they are: only what is made of them is seen to
    differ.
    """
    used = names_in(statement) - {name}
    feeding = (one for one in ast.walk(source.tree) if isinstance(one, ast.Assign))
    found = best_shape([one for one in feeding if one is not statement and assigned(one) & used])
    return place_of(source, *found) if found and found[1].sure == SURE else None


def _change_of(loop: ast.stmt, name: str) -> ast.AST:
    """The statement of a loop that changes a variable."""
    changes = [
        node
        for node in ast.walk(loop)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr))
        and any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
    ]
    return changes[0] if changes else loop


def _covers(statement: ast.stmt, node: ast.expr) -> bool:
    return statement.lineno <= node.lineno <= (statement.end_lineno or statement.lineno)
