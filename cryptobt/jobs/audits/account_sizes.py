"""Whether the orders of a run follow from the target weights that it recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from cryptobt.jobs.audits.account_differences import TOLERANCE, Difference
from cryptobt.jobs.audits.recorded_account import RecordedAccount
from cryptobt.oracle.records import MARKET, Recorded, Request
from cryptobt.oracle.replay import Replay

_FINE_LOT = 1e-6
"""Of a size: a lot as fine as this may be rounded to either side by the last bits."""
Asked = tuple[Request, float]


@dataclass(frozen=True)
class SizeCheck:
    """The orders that target weights ask for, beside those that were sent."""

    account: RecordedAccount
    replay: Replay

    def differences(self) -> Iterator[Difference]:
        """Differences of sides, sizes, targets and turns, at every close that can be judged."""
        for number, asked in self.replay.expected.items():
            every = self.replay.recorded.get(number, ())
            sent = [one for one in every if not one.of_the_exchange]
            yield from self._at(number, asked, sent)

    def _at(
        self, number: int, asked: Sequence[Asked], sent: Sequence[Recorded]
    ) -> Iterator[Difference]:
        ours = {one.request.symbol: one for one in sent}
        theirs = {request.symbol: (request, target) for request, target in asked}
        same = len(ours) == len(sent) and ours.keys() == theirs.keys()
        if same and list(ours) != list(theirs):
            turn = sent[0]
            yield self._difference(number, turn, None, why="sent in another turn than the rules")
        for symbol in theirs.keys() - ours.keys():
            request, target = theirs[symbol]
            why = f"a target weight of {target:.6g} asks to {request.side} {request.size:.12g}"
            yield Difference(
                "orders", None, None, self._time(number), self._symbol(symbol),
                why=f"{why}, and no order was sent",
            )  # fmt: skip
        for one in sent:
            if one.request.symbol not in theirs or ours[one.request.symbol] is not one:
                yield self._difference(
                    number, one, None, why="the target weights ask for no such order"
                )
            else:
                yield from self._compared(number, one, *theirs[one.request.symbol])

    def _compared(
        self, number: int, one: Recorded, request: Request, target: float
    ) -> Iterator[Difference]:
        pairs = {
            "side": (one.request.side, request.side),
            "exec_type": (one.request.kind, MARKET),
        }
        for column, (recorded, recomputed) in pairs.items():
            if recorded != recomputed:
                yield self._difference(number, one, column, recorded, recomputed)
        if not self._alike(one.request.size, request.size):
            yield self._difference(number, one, "quantity_base", one.request.size, request.size)
        if abs((one.target or 0.0) - target) > TOLERANCE:
            yield self._difference(number, one, "target_weight", one.target, target)

    def _alike(self, recorded: float | None, recomputed: float | None) -> bool:
        if recorded is None or recomputed is None:
            return recorded == recomputed
        gap, size = abs(recorded - recomputed), max(recorded, recomputed)
        lot = self.replay.terms.lot_step
        return gap <= TOLERANCE * size or (lot <= _FINE_LOT * size and gap <= 1.5 * lot)

    def _difference(
        self,
        number: int,
        one: Recorded,
        column: str | None,
        recorded: object = None,
        recomputed: object = None,
        why: str = "",
    ) -> Difference:
        return Difference(
            "orders", self.account.row_of(one.number), column, self._time(number),
            self._symbol(one.request.symbol), recorded, recomputed, why,
        )  # fmt: skip

    def _time(self, number: int) -> pd.Timestamp:
        return self.account.times[number]

    def _symbol(self, number: int) -> str:
        return self.account.markets[number].symbol
