"""An account as it stood after a night that is not its newest."""

from dataclasses import replace

from cryptobt.core.columns import TIME
from cryptobt.core.types import Forecasts
from cryptobt.paper.facts import Night
from cryptobt.paper.replay import Replay
from cryptobt.paper.standing import Standing


def standing_after(standing: Standing, night: Night) -> Standing:
    """Give the standing that a person was told of when a night had been decided.

    Causality: bars, forecasts, and nights up to the night alone, at the instant of its decision;
    of nights that were decided together, the later ones are not known to it.

    Parameters
    ----------
    night : Night
        One of the standing's.
    """
    at, replay = night.bar_at, standing.replay
    nights = [one for one in standing.nights if one.bar_at <= at]
    markets = [
        replace(market, bars=bars)
        for market in replay.markets
        if len(bars := market.bars[market.bars.index <= at])
    ]
    frame = replay.forecasts.frame
    known = Forecasts(frame[frame[TIME] <= at].reset_index(drop=True))
    decided_at = {one.bar_at: one.decided_at for one in nights}
    quotes = [(bar, quote) for bar, quote in standing.quotes if bar <= at]
    earlier = Replay(replay.account, markets, known, decided_at)
    return Standing(standing.account, earlier, nights, quotes, night.decided_at)
