"""Round trips, added up from the fills of an account: docs/contract.md, trades.csv."""

from collections.abc import Sequence
from dataclasses import replace

from cryptobt.oracle.records import BUY, Fill, Part, Trade
from cryptobt.oracle.rules import DUST
from cryptobt.oracle.sizing import Sizing


class Trips(Sizing):
    """An account that can say what its trades came to."""

    def trades(self) -> list[Trade]:
        """Trades from flat to flat; the last of a symbol may be open."""
        done: list[tuple[int, Trade]] = []
        for symbol in self.symbols:
            parts, begun, position = list[Part](), 0, 0.0
            for number, fill in enumerate(self.fills):
                if fill.symbol != symbol:
                    continue
                for part in self.divided(fill, position):
                    begun = begun if parts else number
                    parts.append(part)
                    position += part.size if part.side == BUY else -part.size
                    if abs(position) <= DUST:
                        done.append((begun, self._trade(symbol, parts, 0.0)))
                        parts = []
                position = fill.position
            if parts:
                done.append((begun, self._trade(symbol, parts, position)))
        # open: sorted by the first fill, in the order of the fills.
        return [trade for _, trade in sorted(done, key=lambda pair: pair[0])]

    def divided(self, fill: Fill, before: float) -> list[Part]:
        """A fill, in two where it turns the position around."""
        whole = Part(fill.time, fill.bar, fill.side, fill.size, fill.price, fill.fee)
        if before * fill.position >= 0 or min(abs(before), abs(fill.position)) <= DUST:
            return [whole]
        sizes = (abs(before), abs(fill.position))
        return [replace(whole, size=size, fee=fill.fee * size / fill.size) for size in sizes]

    def _trade(self, symbol: int, parts: Sequence[Part], position: float) -> Trade:
        """One trade; what is still held of it is valued at the symbol's last close."""
        side = parts[0].side
        entries = [part for part in parts if part.side == side]
        exits = [part for part in parts if part.side != side]
        quantity, left = sum(part.size for part in entries), sum(part.size for part in exits)
        spent = sum(part.size * part.price for part in entries)
        returned = sum(part.size * part.price for part in exits)
        fees = sum(part.fee for part in parts)
        worth = abs(position) * self._close_of(symbol)
        pnl = (1 if side == BUY else -1) * (returned + worth - spent) - fees
        last = parts[-1].bar if not position else len(self.markets[symbol]) - 1
        return Trade(
            symbol, parts[0].time, None if position else parts[-1].time,
            "long" if side == BUY else "short", quantity, spent / quantity,
            returned / left if left else None, pnl, pnl / spent, fees, last - parts[0].bar,
        )  # fmt: skip
