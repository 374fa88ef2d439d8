"""Accounts that might have been are the engine's own, wherever the engine can be asked."""

from typing import Any

import numpy as np
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import BacktestResult, MarketData
from cryptobt.jobs.alternatives import LEAST_BARS, Alternatives
from cryptobt.jobs.lanes import Course
from cryptobt.metrics.performance import sharpe
from tests.backtests.accounts import FREE, scripted
from tests.jobs.traded import (
    NEEDED_BARS,
    AllIn,
    Bargain,
    Half,
    Slices,
    alternatives_of,
    coin,
    jumps,
    made,
    named,
    stock,
    three_coins,
)  # fmt: skip

NAN = float("nan")
SHORTS = {"allow_short": True}


def ratio(result: BacktestResult) -> float:
    return sharpe(result.returns.to_numpy()[1:], 365)


def growth(result: BacktestResult) -> float:
    return float(result.equity["equity_quote"].iloc[-1] / 10_000)


def course(found: Alternatives, name: str = "strategy") -> Course:
    known = found.curve(name)
    assert known is not None
    return known


def at(found: Alternatives, bps: float) -> int:
    (place,) = np.flatnonzero(found.levels == bps)
    return int(place)


def random_of(found: Alternatives) -> Course:
    assert found.random is not None
    return found.random


def drawn_weights(seed: int, bars: int = 400, short: bool = False) -> list[float]:
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0 if short else 0.3, 0.0, 0.5, 1.0, NAN], bars).tolist()


# --- The strategy itself, at other costs

CASES: dict[str, tuple[list[MarketData], Trader, dict[str, bool]]] = {
    "a rule": ([coin()], named("sma_trend"), {}),
    "drawn weights": ([coin()], scripted(drawn_weights(1)), {}),
    "shorts": ([coin()], scripted(drawn_weights(2, short=True)), SHORTS),
    "several symbols": (three_coins(), named("momentum"), {}),
    "holding several": (three_coins(), named("buy_and_hold"), {}),
    "shorts of several": (
        three_coins(),
        scripted({s: drawn_weights(n, short=True) for n, s in enumerate(("AAA", "BBB", "CCC"))}),
        SHORTS,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_at_the_assumed_cost_the_strategy_is_the_run(case: str) -> None:
    markets, trader, sizing = CASES[case]
    found = alternatives_of(markets, trader, made(sizing=sizing))
    own, place = course(found), at(found, 15.0)
    assert (found.basis, found.assumed_bps) == ("targets", 15.0)
    assert own.sharpe[place] == pytest.approx(ratio(found.ours), abs=1e-9)
    assert own.growth[-1, place] == pytest.approx(growth(found.ours), rel=1e-9)
    assert own.mean[place] == pytest.approx(found.ours.returns.iloc[1:].mean(), abs=1e-12)


@pytest.mark.parametrize("case", ["a rule", "several symbols", "shorts"])
def test_at_another_cost_the_strategy_is_the_run_at_that_cost(case: str) -> None:
    markets, trader, sizing = CASES[case]
    found = alternatives_of(markets, trader, made(sizing=sizing))
    # 40 bps of which two thirds are the fee, as of the 10 + 5 that are assumed
    dearer = made(sizing=sizing, costs={"fee_bps": 80 / 3, "slippage_bps": 40 / 3})
    result = run_backtest(markets, None, trader, dearer)
    place = at(found, 40.0)
    # Where a symbol misses a bar, the weights under the gross cap depend on what is held of it, and
    # so a little on what was paid before.
    close = 1e-3 if len(markets) > 1 else 1e-9
    assert course(found).sharpe[place] == pytest.approx(ratio(result), abs=close)
    assert course(found).growth[-1, place] == pytest.approx(growth(result), rel=close)


def test_buy_and_hold_is_its_run_too_and_a_row_without_an_account_has_no_curve() -> None:
    found = alternatives_of(three_coins(), named("momentum"), made())
    held = run_backtest(three_coins(), None, named("buy_and_hold"), made())
    assert course(found, "buy_and_hold").sharpe[at(found, 15.0)] == pytest.approx(ratio(held))
    assert found.curve("trend_only") is None


def test_every_account_over_symbols_that_come_late_or_miss_bars_has_numbers() -> None:
    found = alternatives_of(three_coins(), named("sma_trend"), made(), draws=100)
    for name in ("strategy", "buy_and_hold", "constant", "volatility_scaled"):
        assert np.isfinite(course(found, name).sharpe).all(), name
    assert np.isfinite(found.delayed).all()
    assert np.isfinite(random_of(found).growth).all()


# --- Stock strategies, which name no weights


def test_all_in_by_market_orders_is_traded_again_to_the_last_bits() -> None:
    found = alternatives_of([coin()], stock(AllIn), made())
    place = at(found, 15.0)
    assert found.basis == "held"
    assert course(found).sharpe[place] == pytest.approx(ratio(found.ours), abs=1e-9)
    assert course(found).growth[-1, place] == pytest.approx(growth(found.ours), rel=1e-9)


@pytest.mark.parametrize("strategy", [Half, Slices])
def test_a_part_of_the_account_is_traded_again_to_a_lot(strategy: Any) -> None:
    # Sizes are rounded down to 1e-8 of a coin, and those of the strategy were not. No change is
    # too small to be made again: the band is for strategies that name weights.
    found = alternatives_of([coin()], stock(strategy), made())
    place = at(found, 15.0)
    assert course(found).sharpe[place] == pytest.approx(ratio(found.ours), abs=1e-6)
    assert course(found).growth[-1, place] == pytest.approx(growth(found.ours), rel=1e-6)


def test_orders_that_wait_inside_bars_are_known_as_such() -> None:
    assert alternatives_of([coin()], stock(Bargain), made()).waits_inside_bars
    assert not alternatives_of([coin()], stock(AllIn), made()).waits_inside_bars
    assert not alternatives_of([coin()], named("momentum"), made()).waits_inside_bars


# --- Symbols that come and go


def test_holding_equal_parts_of_symbols_that_are_listed_late_is_no_lead() -> None:
    # Before the second is listed all there is stands in the others: a mean over both times would
    # hold less before and more after, and in these markets that makes a difference.
    markets = three_coins()
    wanted = {market.symbol: [1.0] * len(market.bars) for market in markets}
    found = alternatives_of(markets, scripted(wanted), made(sizing={"rebalance_band": 0.01}))
    # the third misses the first bar
    assert found._stretches.tolist() == [0, 1, 80]
    own = found.ours.returns.to_numpy()[1:]
    lead = own - found.twin("constant")
    assert abs(lead.mean()) * 365 < 0.05
    assert lead.std() < 0.15 * own.std()


def test_random_strategies_keep_to_the_stretch_in_which_their_symbols_are_there() -> None:
    markets = three_coins()
    wanted = {m.symbol: drawn_weights(number, len(m.bars)) for number, m in enumerate(markets)}
    found = alternatives_of(markets, scripted(wanted), made(), draws=100)
    gross = found.ours.equity["gross_weight"].mean()
    assert random_of(found).exposure.mean() == pytest.approx(gross, rel=0.1)


def test_of_few_bars_each_shift_is_made_once() -> None:
    found = alternatives_of([coin(bars=160)], named("momentum"), made(), draws=1000)
    shifts = found._shifts()[:, 0]
    assert len(shifts) == len(set(shifts.tolist())) < 1000


# --- The same exposure without a forecast

TWINNED: dict[str, tuple[list[MarketData], Trader]] = {
    "a rule": ([coin()], named("sma_trend")),
    "a stock strategy": ([coin()], stock(Half)),
    "half the time a sixth": ([coin()], scripted([0.16 * (bar % 40 < 20) for bar in range(400)])),
    "no opinion at first": (
        [coin()],
        scripted([NAN] * 240 + [float(bar % 20 >= 10) for bar in range(160)]),
    ),
    "several symbols": (three_coins(), named("momentum")),
}


@pytest.mark.parametrize("twin", ["constant", "volatility_scaled"])
@pytest.mark.parametrize("case", TWINNED)
def test_a_twin_has_the_strategys_mean_exposure(case: str, twin: str) -> None:
    markets, trader = TWINNED[case]
    found = alternatives_of(markets, trader, made())
    own = found.ours.equity["gross_weight"].mean()
    assert 0.05 < own < 0.95
    assert course(found, twin).exposure[at(found, 15.0)] == pytest.approx(own, rel=0.05)


def test_a_twin_in_a_market_that_stands_still_by_hand() -> None:
    # Half of the account at 40 of 81 closes: 0.5 · 40 / 81 at all of them but the first.
    script = [0.5] * 40 + [0.0] * 41
    found = alternatives_of([jumps(81, {})], scripted(script), made("2024-01-01", costs=FREE))
    assert found.ours.equity["gross_weight"].mean() == pytest.approx(0.5 * 40 / 81, abs=1e-6)
    twin = course(found, "constant")
    assert twin.exposure[0] == pytest.approx(0.5 * 40 / 81, abs=1e-6)
    assert twin.turnover[0] == pytest.approx(0.5 * 40 / 80 / 80, abs=1e-6)  # bought once


@pytest.mark.parametrize(
    ("name", "twin"),
    [("buy_and_hold", "constant"), ("buy_and_hold_vol_target", "volatility_scaled")],
)
def test_what_holds_the_market_is_its_own_twin(name: str, twin: str) -> None:
    found = alternatives_of([coin()], named(name), made())
    assert found.own_twin == twin
    own = found.ours.returns.to_numpy()[1:]
    assert np.abs(own - found.twin(twin)).max() < 0.002


def test_a_strategy_that_times_the_market_is_not_its_own_twin() -> None:
    assert alternatives_of([coin()], named("momentum"), made()).own_twin is None


def test_a_short_strategys_twin_is_short() -> None:
    found = alternatives_of([coin()], scripted([-0.4] * 400), made(sizing=SHORTS))
    market = coin().bars["close"].pct_change().iloc[NEEDED_BARS + 2 :].to_numpy()
    twin = found.twin("constant")[1:]
    assert np.corrcoef(twin, market)[0, 1] < -0.9


def test_a_strategy_that_never_trades_is_its_own_twin() -> None:
    found = alternatives_of([coin()], scripted([0.0] * 400), made())
    assert found.own_twin == "constant"
    assert found.random is None


# --- The strategy at other times


@pytest.mark.parametrize("case", [*TWINNED, "scaled to volatility"])
def test_random_strategies_trade_as_much_and_hold_as_much(case: str) -> None:
    scaled = case not in TWINNED
    markets, trader = TWINNED.get(case, ([coin()], named("buy_and_hold_vol_target")))
    found = alternatives_of(markets, trader, made(), draws=200, scaled=scaled)
    drawn, own, place = random_of(found), course(found), at(found, 15.0)
    # A tenth: weights drift otherwise at other times. Of symbols that come late a fifth: what
    # would have been held before the listing is not.
    share = 0.2 if len(markets) > 1 else 0.1
    assert drawn.exposure.mean() == pytest.approx(own.exposure[place], rel=share)
    assert drawn.turnover.mean() == pytest.approx(own.turnover[place], rel=share)


def test_random_strategies_never_trade_at_the_strategys_own_times() -> None:
    # It holds at the one bar that moves, for five bars; the least shift is a 20th of 120: six.
    market, held = jumps(120, {60: 1.0}), range(57, 62)
    script = [float(bar in held) for bar in range(120)]
    found = alternatives_of([market], scripted(script), made("2024-01-01", costs=FREE), draws=500)
    assert growth(found.ours) > 1.9
    assert random_of(found).growth[-1].max() == pytest.approx(1.0)


def test_random_strategies_keep_the_order_and_the_distance_of_what_was_held() -> None:
    # Half of the account over a jump of 10 %, thirty bars on three quarters over one of 20 %.
    market = jumps(120, {40: 0.1, 70: 0.2})
    script = [0.5 * (36 <= bar < 41) + 0.75 * (66 <= bar < 71) for bar in range(120)]
    found = alternatives_of([market], scripted(script), made("2024-01-01", costs=FREE), draws=500)
    ends = random_of(found).growth[-1]
    # The first stay over the second jump, the second stay over the first, or none over either:
    # both over both is the strategy alone, and there is no third distance between them.
    expected = {1 + 0.5 * 0.2, 1 + 0.75 * 0.1, 1.0}
    assert growth(found.ours) == pytest.approx(1.05 * 1.15, rel=1e-3)
    assert {min(expected, key=lambda one: abs(one - end)) for end in ends} == expected
    assert max(min(abs(one - end) for one in expected) for end in ends) < 1e-3


def test_random_strategies_are_the_same_each_time_and_change_with_the_seed() -> None:
    one, again, other = (
        random_of(
            alternatives_of(
                [coin()], named("momentum"), made(metrics={"bootstrap_seed": seed}), draws=50
            )
        ).sharpe
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("bars", "draws"), [(LEAST_BARS - 1, 0), (LEAST_BARS, 20)])
def test_under_sixty_decisions_there_are_no_random_strategies(bars: int, draws: int) -> None:
    script = [float(bar % 9 < 4) for bar in range(bars)]
    found = alternatives_of([coin(bars=bars)], scripted(script), made("2015-01-01"), draws=20)
    assert found.draws == draws
    assert (found.random is None) == (draws == 0)


# --- A bar later


def test_a_bar_later_is_the_run_of_a_strategy_that_decides_a_bar_later() -> None:
    script = drawn_weights(7)
    found = alternatives_of([coin()], scripted(script), made())
    # Before the first decision it has none: it cannot know that of the bar before.
    late = [NAN] * (NEEDED_BARS + 1) + script[NEEDED_BARS:-1]
    result = run_backtest([coin()], None, scripted(late), made())
    np.testing.assert_allclose(found.delayed, result.returns.to_numpy()[1:], atol=1e-12)


@pytest.mark.parametrize("markets", [[coin()], three_coins()], ids=["one symbol", "several"])
def test_a_bar_later_nothing_of_the_last_bars_comes_back_to_the_first(
    markets: list[MarketData],
) -> None:
    found = alternatives_of(markets, named("buy_and_hold"), made(costs=FREE))
    # Decided at the first close, sent at the second, filled at the third open
    assert found.delayed[0] == 0.0
    assert found.delayed[1] != 0.0
    assert found.ours.returns.iloc[1] != 0.0


def test_the_growth_that_is_kept_begins_and_ends_with_the_run() -> None:
    found = alternatives_of([coin()], named("momentum"), made())
    assert len(found.glimpsed) == len(course(found).growth) == 150
    assert (found.glimpsed[0], found.glimpsed[-1]) == (found.times[0], found.times[-1])
    assert (course(found).growth[0] == 1.0).all()
