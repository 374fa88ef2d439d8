"""Generated markets, terms and scripts: small, and full of the corners of the rules."""

from typing import Any

from hypothesis import strategies as st

from .ledger import BUY, LIMIT, MARKET, SELL, STOP, STOP_LIMIT, Bar, Cancel, Request, Terms

Script = dict[int, list[Request | Cancel]]
# Steps of half a unit make opens that equal the high, limits that a bar just touches, flat bars.
PRICES = st.integers(160, 240).map(lambda halves: halves / 2)
# Shares of the first cash: decimals that do not add up in binary, and amounts that no cash covers.
SHARES = st.one_of(
    st.sampled_from([0.1, 0.1, 0.2, 0.3, 0.001, 0.5, 0.9, 1.3]), st.floats(0.0005, 1.0)
)
KINDS = (MARKET, MARKET, LIMIT, LIMIT, STOP, STOP_LIMIT)
VALID = (None, None, None, None, 0.5, 1.0, 2.0, 3.5)


@st.composite
def markets(draw: Any) -> list[Bar]:
    """Six to fourteen bars, some of them missing, some of them flat."""
    bars, slot = [], 0
    close = 100.0
    for _ in range(draw(st.integers(6, 14))):
        kind = draw(st.integers(0, 5))
        opened = close if kind in (0, 1) else draw(PRICES)
        close = opened if kind in (1, 2) else draw(PRICES)
        high, low = max(opened, close), min(opened, close)
        if kind in (3, 5):
            high += draw(st.integers(0, 20)) / 2
        if kind in (4, 5):
            low -= draw(st.integers(0, 20)) / 2
        bars.append(Bar(slot, opened, high, low, close))
        slot += 1 + max(0, draw(st.integers(-6, 3)))
    return bars


@st.composite
def terms(draw: Any) -> Terms:
    return Terms(
        cash_quote=draw(st.sampled_from([10_000.0, 1_234.5])),
        fee_bps=draw(st.sampled_from([0.0, 10.0, 37.5, 250.0])),
        slippage_bps=draw(st.sampled_from([0.0, 5.0, 80.0])),
        funding_bps_per_day=draw(st.sampled_from([0.0, 3.0, 100.0, -20.0])),
        lot_step=draw(st.sampled_from([1e-8, 0.001, 0.25, 1.0])),
        min_notional_quote=draw(st.sampled_from([0.0, 10.0, 500.0])),
        gap_reserve=draw(st.sampled_from([0.0, 0.01, 0.1])),
        rebalance_band=draw(st.sampled_from([0.0, 0.1, 0.3])),
        max_weight=draw(st.sampled_from([1.0, 0.6])),
        interval_days=draw(st.sampled_from([1.0, 1 / 24])),
    )


@st.composite
def requests(draw: Any, cash: float, side: str | None = None, kind: str | None = None) -> Request:
    kind = kind or draw(st.sampled_from(KINDS))
    side = side or draw(st.sampled_from([BUY, SELL]))
    # Half of the sales are of all that is held, or a second one of the same coins.
    left_open = draw(st.integers(0, 3)) > (2 if side == BUY else 1)
    size = None if left_open else draw(SHARES) * cash / 100
    limit = draw(PRICES) if kind in (LIMIT, STOP_LIMIT) else None
    stop = draw(PRICES) if kind in (STOP, STOP_LIMIT) else None
    return Request(side, size, kind, limit, stop, draw(st.sampled_from(VALID)))


@st.composite
def scripts(draw: Any, bars: int, cash: float) -> Script:
    """Mostly a purchase first; then up to three actions on each bar, the last bar too."""
    action = st.one_of(*[requests(cash)] * 6, st.integers(1, 8).map(Cancel))
    script: Script = {}
    if draw(st.integers(0, 4)):
        script[0] = [draw(requests(cash, BUY, MARKET))]
    for bar in range(bars):
        for _ in range((0, 0, 1, 1, 1, 2, 3)[draw(st.integers(0, 6))]):
            script.setdefault(bar, []).append(draw(action))
    return script


@st.composite
def ordered(draw: Any) -> tuple[list[Bar], Terms, Script]:
    """Orders of every kind, as a stock strategy sends them."""
    bars, conditions = draw(markets()), draw(terms())
    return bars, conditions, draw(scripts(len(bars), conditions.cash_quote))


WEIGHTS = st.one_of(
    st.none(), st.sampled_from([0.0, 0.0, 1.0, -0.5, 1.5]), st.floats(0.0, 1.0, width=32)
)


@st.composite
def weighted(draw: Any) -> tuple[list[Bar], Terms, list[float | None]]:
    """Target weights, as a signal strategy wants them."""
    bars = draw(markets())
    count = len(bars)
    return bars, draw(terms()), draw(st.lists(WEIGHTS, min_size=count, max_size=count))
