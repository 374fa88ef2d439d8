"""Generated sequences: small, full of the corners of the rules, and each made by its seed alone.

Plain ``random`` and not hypothesis: a sequence then costs a fraction of the two accounts that are
kept of it. ``smaller.py`` does the shrinking.
"""

from dataclasses import replace
from random import Random

from cryptobt.oracle.records import (
    BUY,
    LIMIT,
    MARKET,
    SELL,
    STOP,
    STOP_LIMIT,
    Bar,
    Cancel,
    Request,
    Terms,
)

from .both import Case

Orders = dict[int, list[Request | Cancel]]
KINDS = (MARKET, MARKET, MARKET, LIMIT, LIMIT, STOP, STOP_LIMIT)
VALID = (None, None, None, None, 0.5, 1.0, 2.0, 3.5)
# Shares of the first cash: decimals that do not add up in binary, and amounts that no cash covers.
SHARES = (0.1, 0.1, 0.2, 0.3, 0.001, 0.5, 0.9, 1.3)
MARGINS = ((1.0, 0.0), (1.0, 0.25), (1.0, 0.9), (0.5, 0.05), (0.5, 0.45), (0.1, 0.0), (0.1, 0.05))


class Prices:
    """Prices of one market: calm, or with moves that use up a margin.

    Steps of half a unit make opens that equal the high, limits that a bar just touches, flat bars.
    """

    def __init__(self, random: Random, wild: bool) -> None:
        self.random, self.wild, self.close = random, wild, 100.0

    def price(self) -> float:
        return self.random.randint(*((80, 320) if self.wild else (160, 240))) / 2

    def bar(self, slot: int) -> Bar:
        random, kind = self.random, self.random.randrange(6)
        opened = self.close if kind in (0, 1) else self.price()
        self.close = opened if kind in (1, 2) else self.price()
        high, low = max(opened, self.close), min(opened, self.close)
        if kind in (3, 5):
            high += random.randint(0, 20) / 2
        if kind in (4, 5):
            low -= random.randint(0, 20) / 2
        return Bar(slot, opened, high, low, self.close)


def market(random: Random, slots: int, wild: bool) -> list[Bar]:
    """Bars of one symbol, which may be listed late, have holes, and end early."""
    first = random.choice((0, 0, 0, 1, 3, slots // 2))
    last = random.choice((slots, slots, slots, slots - 1, max(first + 1, slots - 4)))
    holes = random.choice((0.0, 0.15, 0.4))
    prices = Prices(random, wild)
    every = [slot for slot in range(first, last) if random.random() >= holes]
    return [prices.bar(slot) for slot in every or [first]]


def terms(random: Random, margin: bool) -> Terms:
    initial, maintenance = random.choice(MARGINS) if margin else (1.0, 0.25)
    grosses = (1.0, 1.0, 0.7, 1 / initial) if margin else (1.0, 1.0, 1.0, 0.7)
    return Terms(
        cash_quote=random.choice((10_000.0, 1_234.5)),
        fee_bps=random.choice((0.0, 10.0, 37.5, 250.0)),
        slippage_bps=random.choice((0.0, 5.0, 80.0)),
        funding_bps_per_day=random.choice((0.0, 3.0, 100.0, -20.0)),
        borrow_bps_per_day=random.choice((0.0, 5.0, 100.0)),
        lot_step=random.choice((1e-8, 0.001, 0.25, 1.0)),
        min_notional_quote=random.choice((0.0, 10.0, 500.0)),
        gap_reserve=random.choice((0.0, 0.01, 0.1)),
        rebalance_band=random.choice((0.0, 0.1, 0.3)),
        max_weight=random.choice((1.0, 1.0, 0.6)),
        max_gross=random.choice(grosses),
        allow_short=margin,
        initial_margin=initial,
        maintenance_margin=maintenance,
        interval_days=random.choice((1.0, 1 / 24)),
    )


class Setting:
    """What a request is drawn for."""

    def __init__(self, random: Random, symbols: int, terms: Terms, wild: bool) -> None:
        self.symbols, self.cash = symbols, terms.cash_quote
        self.leverage = random.choice((1.0, 1 / terms.initial_margin))
        self.prices = Prices(random, wild)


def request(random: Random, setting: Setting) -> Request:
    kind, side = random.choice(KINDS), random.choice((BUY, SELL))
    # Half of the sales are of all that is held, or a second one of the same coins.
    left_open = random.randrange(4) > (2 if side == BUY else 1)
    share = random.choice(SHARES) if random.randrange(2) else random.uniform(0.0005, 1.0)
    size = None if left_open else share * setting.cash * setting.leverage / 100
    limit = setting.prices.price() if kind in (LIMIT, STOP_LIMIT) else None
    stop = setting.prices.price() if kind in (STOP, STOP_LIMIT) else None
    symbol = random.randrange(setting.symbols)
    return Request(side, size, kind, limit, stop, random.choice(VALID), symbol)


def orders(random: Random, setting: Setting, times: int) -> Orders:
    """Mostly a market order first; then up to three actions at each time, the last one too."""
    script: Orders = {}
    if random.randrange(5):
        first = request(random, setting)
        script[0] = [replace(first, side=BUY, kind=MARKET, limit=None, stop=None)]
    for time in range(times):
        for _ in range(random.choice((0, 0, 1, 1, 1, 2, 3))):
            action = (
                request(random, setting) if random.randrange(7) else Cancel(random.randint(1, 8))
            )
            script.setdefault(time, []).append(action)
    return script


def weight(random: Random, margin: bool) -> float | None:
    kind = random.randrange(8)
    if kind < 2:
        return None
    if kind < 5:
        return random.choice((0.0, 0.0, 1.0, 1.5, 0.33) + ((-1.0, -0.5, -2.0) if margin else ()))
    return random.uniform(-1.0 if margin else 0.0, 1.0)


def sequence(seed: int, *, margin: bool, weighted: bool) -> Case:
    """The sequence of a seed: one to three symbols, and orders or target weights."""
    random = Random(f"{seed} {margin} {weighted}")
    symbols = random.choice((1, 2, 3) if margin else (1, 1, 1, 2, 3))
    wild = random.randrange(2) == 1 if margin else random.randrange(4) == 0
    slots = random.randint(6, 14)
    markets = [market(random, slots, wild) for _ in range(symbols)]
    conditions = terms(random, margin)
    if weighted:
        return Case(markets, conditions, [[weight(random, margin) for _ in one] for one in markets])
    times = len({bar.slot for bars in markets for bar in bars})
    setting = Setting(random, symbols, conditions, wild)
    return Case(markets, conditions, orders(random, setting, times))


def delays(random: Random, slots: int, interval_days: float) -> dict[int, float]:
    """Hours from closes to decisions: all the same, some bars' own, or several made together."""
    kind, quarters = random.randrange(4), round(3 * 24 * 4 * max(interval_days, 1 / 8))
    if kind == 0:
        return dict.fromkeys(range(slots), random.randint(0, quarters) / 4)
    if kind == 1:
        chance = random.choice((0.2, 0.5, 0.9))
        return {
            slot: delay(random, quarters, interval_days) for slot in range(slots)
            if random.random() < chance
        }  # fmt: skip
    # Caught up: from time to time all that is not decided yet, at one instant.
    made, length, open_at = dict[int, float](), 24 * interval_days, 0
    while open_at < slots:
        nights = random.choice((1, 1, 2, 3))
        later = random.choice((0.25, 1.0, 5.0, 12.0))
        for slot in range(open_at, open_at + nights):
            made[slot] = (open_at + nights - 1 - slot) * length + later
        open_at += nights
    return made


def delay(random: Random, quarters: int, interval_days: float) -> float:
    """Any quarter of an hour, or the instant of an open."""
    opens = random.randint(1, 3) * 24 * interval_days
    return opens if random.randrange(4) == 0 else random.randint(0, quarters) / 4


def bracketed(random: Random, setting: Setting, action: Request | Cancel) -> Request | Cancel:
    """Some of the orders, with exits."""
    if isinstance(action, Cancel) or action.size is None or random.randrange(4):
        return action
    low, high = sorted((setting.prices.price(), setting.prices.price()))
    return replace(action, exits=(low, high) if action.side == BUY else (high, low))


def late_sequence(seed: int, *, margin: bool) -> Case:
    """A sequence of orders, brackets too, of which some were decided late."""
    random = Random(f"late {seed} {margin}")
    symbols, wild = random.choice((1, 1, 2, 3)), random.randrange(3) == 0
    slots = random.randint(6, 14)
    markets = [market(random, slots, wild) for _ in range(symbols)]
    hours = random.choice((4.0, 4.0, 4.0, 0.5, 24.0))
    conditions = replace(terms(random, margin), decision_deadline_hours=hours)
    times = len({bar.slot for bars in markets for bar in bars})
    setting = Setting(random, symbols, conditions, wild)
    script: Orders = {
        time: [bracketed(random, setting, action) for action in actions]
        for time, actions in orders(random, setting, times).items()
    }
    return Case(markets, conditions, script, delays(random, slots, conditions.interval_days))
