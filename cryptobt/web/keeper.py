"""Documents as they are asked for: from the shelf, or computed in a process of their own."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, TypeVar

from cryptobt.core.errors import UsageError
from cryptobt.web import work
from cryptobt.web.desk import Desk
from cryptobt.web.shelf import Answer, Shelf

REFRESH_SECONDS = 2
T = TypeVar("T")


class AbsentError(UsageError):
    """What was asked for is not there."""


@dataclass(frozen=True)
class View:
    """A document to be shown.

    Attributes
    ----------
    stamp : hashable
        Equal stamps, in the same minute, are equal documents.
    computing : bool
        Whether something of it is not there yet.
    updating : bool
        Whether something of it is of an older state of the files.
    figures : mapping
        Name to HTML of our own making.
    """

    document: dict[str, Any]
    stamp: Hashable
    computing: bool = False
    updating: bool = False
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def refresh(self) -> int | None:
        """Seconds after which it is worth to load it again."""
        return REFRESH_SECONDS if self.computing or self.updating else None


def view(document: dict[str, Any], *answers: Answer, figures: Mapping[str, str] = {}) -> View:
    """Show a document that was made from answers."""
    return View(
        document,
        tuple((one.stamp, one.state) for one in answers),
        any(one.state == "computing" for one in answers),
        any(one.updating for one in answers),
        figures,
    )


def together(document: dict[str, Any], views: Iterable[View]) -> View:
    """Show a document that was made from others."""
    parts = list(views)
    return View(
        document,
        tuple(one.stamp for one in parts),
        any(one.computing for one in parts),
        any(one.updating for one in parts),
    )


class Latest(Generic[T]):
    """Of each name the latest thing that was made, as long as what it was made from is the same."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Hashable, T]] = {}
        self._making = Lock()

    def get(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """Give what is there of a name, or make it, once however many ask at the same moment."""
        found = self._made.get(name)
        if found is not None and found[0] == key:
            return found[1]
        with self._making:
            found = self._made.get(name)
            if found is None or found[0] != key:
                found = self._made[name] = (key, make())
        return found[1]


class Keeper:
    """The shelf, the desks that fill it, and the clock.

    Parameters
    ----------
    clock : callable
        Gives the time, aware; ages are counted to its whole minute.
    desk : callable
        Makes a desk for a module.

    Attributes
    ----------
    reading, forecasting : Desk
        What is read takes seconds at most; what is fitted or drawn can take minutes.
    first_seconds : float
        How long a first document is waited for before its page says that it is being computed.
    """

    first_seconds = 2.0

    def __init__(self, clock: Callable[[], datetime], desk: Callable[[str], Desk] = Desk) -> None:
        self._clock = clock
        self._shelf = Shelf()
        self.reading, self.forecasting = desk(work.__name__), desk(work.__name__)

    def now(self) -> datetime:
        """Give the whole minute."""
        return self._clock().astimezone(UTC).replace(second=0, microsecond=0)

    def ask(
        self,
        key: Hashable,
        state: Hashable,
        do: Callable[..., Any],
        *given: Any,
        desk: Desk | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Give what a piece of work comes to for a state of the files behind it.

        Parameters
        ----------
        seconds : float, optional
            How long a first document is waited for.
        """
        chosen, wait = desk or self.reading, self.first_seconds if seconds is None else seconds
        return self._shelf.ask(key, state, lambda: chosen.ask(do, *given), wait)

    def close(self) -> None:
        """Let nothing more be computed."""
        self.reading.close()
        self.forecasting.close()
