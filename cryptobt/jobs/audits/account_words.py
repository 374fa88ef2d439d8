"""What a record of orders leaves open, in words and numbers."""

from collections.abc import Collection, Mapping

from cryptobt.oracle.records import (
    CALLED,
    NO_CASH,
    NO_MARGIN,
    NOT_HELD,
    NOT_LISTED,
    OUTLIVED,
    REPLACED,
)
from cryptobt.oracle.replay import (
    AFTER_ENTRY,
    BEYOND_CASH,
    BEYOND_COINS,
    REPLACED_LATER,
    SIZED_FREELY,
    SIZED_LATE,
    SIZED_MIXED,
    TAKEN_BACK,
)

_WORDS: Mapping[str, str] = {
    TAKEN_BACK: (
        "{n} cancelled: when is not recorded, so it is open whether they should have filled before"
    ),
    AFTER_ENTRY: (
        "{n} reached before another order of the same close had filled: taken as exits of a "
        "bracket, which wait for it"
    ),
    BEYOND_COINS: (
        "{n} for more than was held when they were sent: taken as exits of a bracket or orders "
        "that cancel each other, which are judged when they fill"
    ),
    BEYOND_CASH: (
        "{n} that the cash covered or not, depending on when others were cancelled: taken as "
        "recorded"
    ),
    REPLACED_LATER: (
        "{n} replaced by a later decision that sent no order: when it was made is not recorded"
    ),
    SIZED_LATE: "sizes of {n} decided while earlier orders of a paper account were waiting",
    SIZED_MIXED: "sizes of {n} at closes at which the strategy also sent orders without a target",
    SIZED_FREELY: "sizes of {n}: the strategy chose them, and recorded no target weight",
}
_OURS = frozenset({"", CALLED, NO_CASH, NO_MARGIN, NOT_HELD, NOT_LISTED, OUTLIVED, REPLACED})
_BEGINNINGS = ("below the minimum notional of ", "only market, ")


def not_judged(counts: Mapping[str, int], own_words: Collection[int]) -> list[str]:
    """Name what was not judged of a run, with the number of orders."""
    said = [
        words.format(n=_orders(counts[key])) for key, words in _WORDS.items() if counts.get(key)
    ]
    if own_words:
        said.append(f"reasons of {_orders(len(own_words))}: the strategy's own words")
    return said


def is_own_word(reason: str) -> bool:
    """Whether a reason is none that the exchange gives."""
    return reason not in _OURS and not reason.startswith(_BEGINNINGS)


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"
