"""What each rule answers, worked by hand."""

import math
from typing import Any

import numpy as np
import pytest

from cryptobt.core.types import MarketData
from cryptobt.data.sample import simulate
from cryptobt.features.sets import compute
from cryptobt.features.volatility import ewma_volatility
from cryptobt.forecasters.answers import ask_rule
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import FORECASTERS, find_forecaster, make_forecaster
from cryptobt.forecasters.walkforward import make_samples

from .made import closes
from .small import small

RULES = sorted(name for name, spec in FORECASTERS.items() if spec.kind == "rule")
# up, down, no move, up
MOVES = closes(100.0, 110.0, 99.0, 99.0, 105.0, length=2)


def answers(name: str, windows: Windows, *horizons: int) -> np.ndarray:
    model = make_forecaster(name, {"horizons": horizons or (1,)}, 0)
    return model.fit(windows, windows).predict(windows).answers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("persistence", [0, 0, 0]),
        ("always_up", [1, 1, 1]),
        # bars 2, 3 and 4 against the bar before: 99 < 110, 99 = 99, 105 > 99
        ("last_sign", [-1, 0, 1]),
        # against two bars before, the window's length: 99 < 100, 99 < 110, 105 > 99
        ("momentum", [-1, -1, 1]),
    ],
)
def test_a_rule_s_answers_by_hand(name: str, expected: list[int]) -> None:
    assert answers(name, MOVES).tolist() == [[value] for value in expected]
    assert answers(name, MOVES, 1, 5).tolist() == [[value] * 2 for value in expected]


def test_the_known_trend_is_answered_as_it_is() -> None:
    np.testing.assert_array_equal(answers("trend_only", MOVES), MOVES.known)


def test_the_drift_is_the_mean_return_of_the_bars_learnt_from_times_the_horizon() -> None:
    # Windows end at bars 2, 3 and 4; their returns telescope: ln(105/110) over three bars.
    daily = math.log(105 / 110) / 3
    assert answers("drift", MOVES, 1, 5) == pytest.approx(np.array([[daily, 5 * daily]] * 3))


def test_the_drift_counts_a_bar_of_both_parts_once() -> None:
    both = closes(100.0, 110.0, 99.0, 99.0, 105.0, ends=(2, 3))
    model = make_forecaster("drift", {"horizons": (1,)}, 0).fit(both, MOVES)
    daily = math.log(105 / 110) / 3
    assert model.predict(MOVES).answers == pytest.approx(np.full((3, 1), daily))


def test_the_drift_does_not_read_the_bars_that_it_is_asked_about() -> None:
    model = make_forecaster("drift", {"horizons": (1,)}, 0).fit(MOVES, MOVES)
    other = closes(1.0, 2.0, 4.0, 8.0)
    assert (model.predict(other).answers == model.predict(MOVES).answers[0]).all()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_nothing_to_keep_and_no_loss(name: str) -> None:
    model = make_forecaster(name, {"horizons": (1,)}, 0)
    assert model.losses == []
    assert model.arrays() == {}
    assert model.parameters == (1 if name == "drift" else 0)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_can_be_asked_about_no_window(name: str) -> None:
    none = MOVES.take(np.arange(0))
    model = make_forecaster(name, {"horizons": (1, 5)}, 0).fit(MOVES, MOVES)
    assert model.predict(none).answers.shape == (0, 2)


# Asked fold by fold


def asked(name: str, *horizons: int) -> tuple[Any, Any, MarketData]:
    market = simulate("X", 300, seed=5).market
    settings = small(
        "features.set=close",
        "forecaster.target=next_return",
        f"forecaster.horizon_bars={list(horizons)}",
        "forecaster.window_bars=5",
        "walkforward.min_train_rows=100",
    )
    samples = make_samples(market, compute("close", market), settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    return ask_rule(find_forecaster(name), samples, folds, horizons), folds, market


def test_a_return_becomes_an_opinion_in_units_of_its_deviation() -> None:
    found, folds, market = asked("drift", 1, 4)
    close = np.log(market.bars["close"].to_numpy())
    deviation = ewma_volatility(market.bars).to_numpy()
    fold = folds[0]
    learnt = np.union1d(fold.training, fold.validation)
    daily = np.mean(close[learnt] - close[learnt - 1])
    row = fold.predicted[0]
    assert found.returns[0] == pytest.approx([daily, 4 * daily])
    # 4·daily over σ·√4 is twice daily/σ
    assert found.z[0, :, 0] == pytest.approx(daily / deviation[row] * np.array([1, 2]))


def test_a_call_is_an_opinion_and_no_return() -> None:
    found, _, market = asked("last_sign", 1, 4)
    close = market.bars["close"].to_numpy()
    expected = np.sign(close[found.rows] - close[found.rows - 1])
    np.testing.assert_array_equal(found.z[:, 0, 0], expected)
    np.testing.assert_array_equal(found.z[:, 1, 0], expected)
    assert np.isnan(found.returns).all()
