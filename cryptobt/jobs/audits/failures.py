"""What a failure of a user's strategy tells: its line, its bar, and whether it read ahead."""

import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.jobs.audits.checks import Place
from cryptobt.jobs.audits.places import place_in, place_of_line
from cryptobt.jobs.audits.source import Source
from cryptobt.strategies.base import instants
from cryptobt.strategies.registry import StrategySpec

_LINES = "linebuffer.py"
_CHEATS = ("set_coc", "set_coo")
_WRAPS = (
    "wait until there are that many bars (an indicator of that period, or len(self.data) > n): "
    "before that [-n] is one of the newest bars of all"
)


def reads_ahead(error: BaseException) -> bool:
    """Whether a bar was asked for that is not there: an index error inside a line's values."""
    cause = _cause(error)
    if not isinstance(cause, IndexError):
        return False
    frames = traceback.extract_tb(cause.__traceback__)
    return bool(frames) and frames[-1].filename.endswith(_LINES)


def asks_to_cheat(error: BaseException) -> bool:
    """Whether the broker refused to fill at a price that has passed, or is not known yet."""
    cause = _cause(error)
    return isinstance(cause, UsageError) and any(name in str(cause) for name in _CHEATS)


def _line_of(error: BaseException | None, file: str) -> int | None:
    """Last line of a file that took part in a failure."""
    if error is None:
        return None
    frames = traceback.extract_tb(_cause(error).__traceback__)
    own = [frame.lineno for frame in frames if frame.filename == file]
    return own[-1] if own else None


def bar_of(error: BaseException) -> pd.Timestamp | None:
    """The bar at which a strategy failed; None before the first."""
    for frame in _frames(error):
        owner: Any = frame.f_locals.get("self")
        # Of all that runs between the engine and the error a strategy alone has positions.
        if hasattr(owner, "getposition") and hasattr(owner, "datas") and len(owner):
            number = pd.Series([float(owner.lines.datetime[0])])
            return pd.Timestamp(instants(number).iloc[0])
    return None


def told(error: UsageError) -> str:
    """What a failure says; the file and line stand beside it."""
    if reads_ahead(error):
        return "it asks for a bar that is not there"
    return str(error).partition(", in ")[2].partition(": ")[2] or str(error)


def place_of_strategy(
    spec: StrategySpec, error: UsageError | None, slow: UsageError | None
) -> Place | None:
    """The line of a user's strategy that failed, or that has a shape which looks ahead.

    Parameters
    ----------
    error : UsageError or None
        By which the leak showed, where it did.
    slow : UsageError or None
        How it fails bar by bar, where it does.
    """
    if not spec.file:
        return None
    shaped = place_in(spec.file, spec.strategy.__name__)
    known = error or slow
    source, line = Source.of(spec.file), _line_of(known, spec.file)
    if source is None or line is None or (shaped and shaped.sure and not error):
        return shaped
    place = place_of_line(source, line)
    if place.sure or shaped is None:
        return place
    if known is not None and reads_ahead(known):
        return place._replace(mend=_WRAPS)
    return shaped if shaped.sure else place


def _frames(error: BaseException) -> Iterator[FrameType]:
    step = _cause(error).__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def _cause(error: BaseException) -> BaseException:
    return error.__cause__ or error
