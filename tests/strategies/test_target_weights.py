"""What each built-in strategy wants at a close, worked out by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core import columns
from cryptobt.core.settings import AccountSettings, CostSettings, Settings, SizingSettings
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.strategies.registry import SCORE_SIGNAL, STRATEGIES, StrategySpec
from cryptobt.strategies.sizing import TradingRules


def make_market(closes: Sequence[float]) -> MarketData:
    times = pd.date_range("2024-01-01", periods=len(closes), freq="D", tz="UTC", name="time")
    prices = {name: list(closes) for name in columns.PRICES}
    bars = pd.DataFrame({**prices, "volume": 1.0}, index=times, dtype=float)
    return MarketData("COIN", pd.Timedelta(days=1), "test", bars)


def forecasts_of(market: MarketData, scores: Sequence[float]) -> Forecasts:
    frame = pd.DataFrame(
        {
            "time": market.times,
            "symbol": "COIN",
            "horizon_bars": 1,
            "forecaster": "f",
            "score": list(scores),
        }
    )
    frame = frame.reindex(columns=list(columns.FORECASTS)).dropna(subset="score")
    return Forecasts(frame.reset_index(drop=True))


def targets(
    spec: StrategySpec,
    closes: Sequence[float],
    scores: Sequence[float] | None = None,
    params: dict[str, float] | None = None,
    volatility_target: float = 0.40,
) -> list[float]:
    market = make_market(closes)
    forecasts = None if scores is None else forecasts_of(market, scores)
    settings = Settings.model_validate({"sizing": {"volatility_target": volatility_target}})
    result = run_backtest([market], forecasts, Trader(spec, params or {}, "f"), settings)
    return [float(weight) for weight in result.weights["target_weight"]]


NONE = pytest.approx(math.nan, nan_ok=True)


def test_buy_and_hold_wants_everything_at_every_bar() -> None:
    assert targets(STRATEGIES["buy_and_hold"], [100, 50, 200]) == pytest.approx([1.0, 1.0, 1.0])


def test_buy_and_hold_buys_once() -> None:
    market = make_market([100, 101, 102, 103])
    trader = Trader(STRATEGIES["buy_and_hold"], {})
    assert len(run_backtest([market], None, trader, Settings()).fills) == 1


def test_sma_trend_is_long_above_its_average_and_out_at_or_below_it() -> None:
    closes = [10, 12, 14, 10, 12, 12, 12]
    averages = [(10 + 12 + 14) / 3, (12 + 14 + 10) / 3, (14 + 10 + 12) / 3, (10 + 12 + 12) / 3, 12]
    wanted = [float(c > a) for c, a in zip(closes[2:], averages, strict=True)]
    assert wanted == [1.0, 0.0, 0.0, 1.0, 0.0]
    ours = targets(STRATEGIES["sma_trend"], closes, params={"window": 3})
    assert ours == [NONE, NONE, *wanted]


def test_momentum_is_long_above_the_close_of_its_lookback_and_out_at_or_below_it() -> None:
    closes = [10, 12, 11, 12, 10, 13]
    wanted = [float(11 > 10), float(12 > 12), float(10 > 11), float(13 > 12)]
    ours = targets(STRATEGIES["momentum"], closes, params={"lookback": 2})
    assert ours == [NONE, NONE, *wanted]


@pytest.mark.parametrize(
    ("score", "weight"),
    [
        (0.0, 0.5),
        (0.4, 0.5 + 0.5 * 0.4),
        (-0.4, 0.5 - 0.5 * 0.4),
        (1.0, 1.0),
        (3.0, 1.0),
        (-1.0, 0.0),
        (-3.0, 0.0),
    ],
)
@pytest.mark.parametrize("name", ["attn_signal", "bilstm_signal"])
def test_a_signal_is_half_invested_and_more_with_its_score(
    name: str, score: float, weight: float
) -> None:
    assert targets(STRATEGIES[name], [100, 100], [score, score]) == [pytest.approx(weight)] * 2


def test_base_and_gain_shift_and_stretch_the_score() -> None:
    ours = targets(SCORE_SIGNAL, [100], [0.5], params={"base": 0.2, "gain": 0.8})
    assert ours == [pytest.approx(0.2 + 0.8 * 0.5)]


def test_a_bar_without_a_forecast_has_no_target() -> None:
    assert targets(STRATEGIES["attn_signal"], [100] * 3, [0.0, math.nan, 0.0]) == [0.5, NONE, 0.5]


def alternating(bars: int, step: float) -> list[float]:
    """Closes whose log returns are +step, -step, +step, ..."""
    return [100 * math.exp(step * (bar % 2)) for bar in range(bars)]


def ewm_deviation(returns: Sequence[float], span: int = 30) -> float:
    """Weighted deviation of returns, newest weight 1, each older one (1 - 2/(span+1)) of the next.

    Unbiased: divided by 1 - sum of squared weights.
    """
    keep = 1 - 2 / (span + 1)
    weights = [keep**age for age in reversed(range(len(returns)))]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    mean = sum(s * r for s, r in zip(shares, returns, strict=True))
    variance = sum(s * (r - mean) ** 2 for s, r in zip(shares, returns, strict=True))
    return math.sqrt(variance / (1 - sum(s * s for s in shares)))


@pytest.mark.parametrize(("name", "score", "full"), [
    ("buy_and_hold_vol_target", 0.0, 1.0), ("attn_signal", 0.5, 0.75),
])  # fmt: skip
def test_a_wild_market_is_held_in_proportion_to_the_volatility_target(
    name: str, score: float, full: float
) -> None:
    step, bars = 0.05, 41
    closes = alternating(bars, step)
    ours = targets(STRATEGIES[name], closes, [score] * bars)
    returns = [step if bar % 2 else -step for bar in range(1, bars)]
    annual = ewm_deviation(returns) * math.sqrt(365)
    assert annual > 0.9
    assert ours[-1] == pytest.approx(full * 0.40 / annual, rel=1e-9)


def test_a_calm_market_is_not_held_beyond_the_whole_account() -> None:
    closes = alternating(41, 0.001)
    assert targets(STRATEGIES["buy_and_hold_vol_target"], closes) == [1.0] * 41


def test_the_volatility_scale_begins_with_the_twentieth_return() -> None:
    ours = targets(STRATEGIES["buy_and_hold_vol_target"], alternating(22, 0.05))
    assert ours[:20] == [1.0] * 20
    assert ours[20] < 1.0


def test_a_higher_volatility_target_holds_in_proportion_more() -> None:
    closes = alternating(41, 0.05)
    low, high = (
        targets(STRATEGIES["buy_and_hold_vol_target"], closes, volatility_target=target)[-1]
        for target in (0.2, 0.3)
    )
    assert high / low == pytest.approx(0.3 / 0.2)


def test_room_is_the_worst_price_of_a_unit_over_its_close() -> None:
    sizing = SizingSettings(gap_reserve=0.02)
    rules = TradingRules(sizing, CostSettings(fee_bps=10, slippage_bps=5), AccountSettings(), 0.0)
    assert rules.room() == pytest.approx(1.001 * 1.0005 * 1.02)


@pytest.mark.parametrize(
    ("quantity", "lot", "rounded"),
    [(1.2345, 0.01, 1.23), (0.009, 0.01, 0.0), (0.3, 0.1, 0.3), (2.0, 0.5, 2.0), (7.9, 1.0, 7.0)],
)
def test_quantities_are_rounded_down_to_lots(quantity: float, lot: float, rounded: float) -> None:
    rules = TradingRules(SizingSettings(lot_step=lot), CostSettings(), AccountSettings(), 0.0)
    assert rules.round_down(quantity) == pytest.approx(rounded, abs=1e-12)


def test_calls_of_direction_are_made_by_those_that_have_an_opinion() -> None:
    callers = {name for name, spec in STRATEGIES.items() if spec.strategy.calls_direction}
    assert callers == {"attn_signal", "bilstm_signal", "sma_trend", "momentum"}


def test_scores_are_kept_with_the_decisions() -> None:
    market = make_market([10, 12, 11])
    trader = Trader(STRATEGIES["momentum"], {"lookback": 1})
    scores = run_backtest([market], None, trader, Settings()).scores
    np.testing.assert_allclose(scores["score"].to_numpy(), [math.nan, 12 / 10 - 1, 11 / 12 - 1])
