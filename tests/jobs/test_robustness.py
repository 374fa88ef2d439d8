"""What is left of a result at other costs, by other seeds, without its best bars."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core.types import Forecasts
from cryptobt.data.sample import simulate
from cryptobt.jobs.alternatives import SAME, Alternatives
from cryptobt.jobs.robustness import (
    INSIDE,
    MARGIN,
    Robustness,
    random_p_value,
    seed_accounts,
)
from cryptobt.metrics.performance import sharpe
from cryptobt.records.content import ContentStore
from cryptobt.strategies.registry import SCORE_SIGNAL, STRATEGIES
from tests.backtests.accounts import FREE, flat_market, make_market, scripted
from tests.forecasters.small import forecast_of, in_process, small
from tests.jobs.traded import (
    AllIn,
    Bargain,
    alternatives_of,
    coin,
    jumps,
    made,
    named,
    robustness_of,
    rows_of,
    stock,
    three_coins,
)

ROWS = {"strategy", "trend_only", "buy_and_hold"}


def ratio(returns: np.ndarray) -> float:
    return sharpe(returns, 365)


@pytest.fixture(scope="module")
def found() -> Alternatives:
    return alternatives_of([coin(bars=800)], named("sma_trend"), made(), draws=200)


@pytest.fixture(scope="module")
def document(found: Alternatives) -> dict[str, Any]:
    return robustness_of(found, made())


def test_the_document_has_the_keys_of_the_contract(document: dict[str, Any]) -> None:
    assert list(document) == [
        "reason", "basis", "assumed_bps", "costs", "break_even_bps", "break_even_excess_bps",
        "break_even_holding_bps", "delay", "seeds", "seed_spread", "periods", "regimes", "random",
        "without_best",
    ]  # fmt: skip
    assert (document["reason"], document["basis"], document["assumed_bps"]) == (None, "targets", 15)
    for part in ("costs", "periods", "regimes", "without_best"):
        for one in document[part]:
            assert set(one["sharpe"]) == set(one["total_return"]) == ROWS
            assert one["sharpe"]["trend_only"] is None
    assert set(document["random"]) == {
        "draws", "exposure", "turnover_per_year", "sharpe", "histogram", "p_value", "band",
    }  # fmt: skip


# --- Costs


def test_the_more_a_fill_costs_the_less_is_left(document: dict[str, Any]) -> None:
    costs = document["costs"]
    assert [one["bps"] for one in costs] == [0, 5, 10, 15, 20, 30, 40, 50]
    for row in ("strategy", "buy_and_hold"):
        for measure in ("sharpe", "total_return"):
            left = [one[measure][row] for one in costs]
            assert left == sorted(left, reverse=True), (row, measure)


def test_at_the_assumed_cost_stand_the_numbers_of_the_run(
    found: Alternatives, document: dict[str, Any]
) -> None:
    own = found.ours.returns.to_numpy()[1:]
    (assumed,) = [one for one in document["costs"] if one["bps"] == 15]
    assert assumed["sharpe"]["strategy"] == pytest.approx(ratio(own), abs=1e-9)
    assert assumed["total_return"]["strategy"] == pytest.approx(np.prod(1 + own) - 1, rel=1e-9)


def test_a_cost_that_is_assumed_and_not_in_the_table_is_added() -> None:
    settings = made(costs={"fee_bps": 12.0, "slippage_bps": 0.0})
    tried = robustness_of(alternatives_of([coin()], named("momentum"), settings), settings)
    assert 12.0 in [one["bps"] for one in tried["costs"]]


@pytest.mark.parametrize("name", ["sma_trend", "momentum"])
def test_at_the_break_even_cost_the_run_has_no_sharpe_ratio_left(name: str) -> None:
    markets = [coin(bars=800, seed=12)]
    tried = robustness_of(alternatives_of(markets, named(name), made()), made())
    cost = tried["break_even_bps"]["value"]
    assert 15 < cost < 1000
    again = made(costs={"fee_bps": cost * 2 / 3, "slippage_bps": cost / 3})
    result = run_backtest(markets, None, named(name), again)
    assert ratio(result.returns.to_numpy()[1:]) == pytest.approx(0.0, abs=0.02)


def test_at_the_break_even_with_holding_both_runs_have_one_sharpe_ratio() -> None:
    markets = [coin(bars=800, seed=12)]
    tried = robustness_of(alternatives_of(markets, named("sma_trend"), made()), made())
    cost = tried["break_even_holding_bps"]["value"]
    assert cost > 0
    again = made(costs={"fee_bps": cost * 2 / 3, "slippage_bps": cost / 3})
    ours, held = (
        run_backtest(markets, None, named(name), again).returns.to_numpy()[1:]
        for name in ("sma_trend", "buy_and_hold")
    )
    assert ratio(ours) == pytest.approx(ratio(held), abs=0.02)


def test_at_the_break_even_of_the_excess_the_harder_twin_earns_as_much() -> None:
    found = alternatives_of([coin(bars=800, seed=12)], named("sma_trend"), made())
    cost = robustness_of(found, made())["break_even_excess_bps"]["value"]
    own, *twins = (found.curve(name) for name in ("strategy", "constant", "volatility_scaled"))
    assert own is not None
    leads = [np.interp(cost, found.levels, own.mean - twin.mean) for twin in twins if twin]
    assert len(leads) == 2
    assert min(leads) == pytest.approx(0.0, abs=1e-9)


def test_what_holds_the_market_has_no_lead_that_costs_could_use_up() -> None:
    tried = robustness_of(alternatives_of([coin()], named("buy_and_hold"), made()), made())
    assert tried["break_even_excess_bps"]["reason"] == SAME
    assert tried["break_even_holding_bps"]["reason"] == "nothing is left even without costs"


# --- A bar later, and at other times


def test_a_bar_later_is_compared_with_the_run(
    found: Alternatives, document: dict[str, Any]
) -> None:
    late, own = found.delayed, found.ours.returns.to_numpy()[1:]
    delay = document["delay"]
    assert delay["bars"] == 1
    assert delay["sharpe"]["value"] == pytest.approx(ratio(late))
    assert delay["total_return"]["value"] == pytest.approx(np.prod(1 + late) - 1)
    assert delay["difference"]["value"] == pytest.approx(ratio(late) - ratio(own))
    assert delay["difference"]["low"] < delay["difference"]["high"]


def test_the_random_strategies_are_counted_and_their_growth_is_a_band(
    document: dict[str, Any],
) -> None:
    drawn = document["random"]
    assert drawn["draws"] == sum(drawn["histogram"]["counts"]) == 200
    assert len(drawn["histogram"]["edges"]) == len(drawn["histogram"]["counts"]) + 1
    assert drawn["sharpe"]["q05"] < drawn["sharpe"]["q50"] < drawn["sharpe"]["q95"]
    assert len(drawn["band"]) == 150
    assert {drawn["band"][0][name] for name in ("low", "middle", "high")} == {1.0}
    assert all(one["low"] <= one["middle"] <= one["high"] for one in drawn["band"])


@pytest.mark.parametrize(
    ("own", "drawn", "expected"),
    [
        (1.0, [0.5, 1.0, 2.0], (1 + 2) / (1 + 3)),  # one as good, one better
        (3.0, [0.5, 1.0, 2.0], 1 / 4),  # never 0: it is one of them itself
        (1.0 + 1e-9, [1.0, 1.0, 1.0], 1.0),  # the same but for the last bits
    ],
)
def test_the_probability_of_a_random_strategy_by_hand(
    own: float, drawn: list[float], expected: float
) -> None:
    assert random_p_value(own, np.array(drawn)).value == pytest.approx(expected)


def test_without_a_sharpe_ratio_there_is_nothing_to_compare() -> None:
    for metric in (random_p_value(None, np.ones(3)), random_p_value(1.0, np.zeros(0))):
        assert (metric.value, metric.reason) == (None, "there is no Sharpe ratio to compare")


@pytest.mark.parametrize("name", ["buy_and_hold", "buy_and_hold_vol_target"])
def test_what_holds_at_all_times_does_as_well_at_all_others(name: str) -> None:
    scaled = name == "buy_and_hold_vol_target"
    found = alternatives_of([coin()], named(name), made(), draws=100, scaled=scaled)
    drawn = robustness_of(found, made())["random"]
    assert drawn["p_value"]["value"] == 1.0
    assert sum(drawn["histogram"]["counts"]) == 100


def test_sharpe_ratios_that_differ_in_their_last_bits_are_drawn_all_the_same(
    found: Alternatives, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = found.random
    assert drawn is not None
    nearly = replace(drawn, sharpe=1.0 + np.arange(200) % 3 * 2e-16)
    monkeypatch.setattr(Alternatives, "random", nearly)
    histogram = robustness_of(found, made())["random"]["histogram"]
    assert sum(histogram["counts"]) == 200
    assert histogram["edges"][0] < 1 < histogram["edges"][-1]


# --- Parts of the run


def test_years_add_up_to_all_bars_and_their_growth_to_the_account_s(
    found: Alternatives, document: dict[str, Any]
) -> None:
    own = found.ours.returns.to_numpy()[1:]
    assert [one["name"] for one in document["periods"]] == ["2015", "2016", "2017"]
    assert sum(one["bars"] for one in document["periods"]) == len(own)
    growth = np.prod([1 + one["total_return"]["strategy"] for one in document["periods"]])
    assert growth == pytest.approx(np.prod(1 + own))


def test_the_sharpe_ratio_of_a_year_is_that_of_its_bars(
    found: Alternatives, document: dict[str, Any]
) -> None:
    own = found.ours.returns.iloc[1:].loc["2016"].to_numpy()
    (year,) = [one for one in document["periods"] if one["name"] == "2016"]
    assert year["bars"] == len(own) == 366
    assert year["sharpe"]["strategy"] == pytest.approx(ratio(own))


def test_each_row_is_shown_without_its_own_best_bars(
    found: Alternatives, document: dict[str, Any]
) -> None:
    accounts = {"strategy": found.ours, **found.others}
    for one in document["without_best"]:
        for name, account in accounts.items():
            kept = np.sort(account.returns.to_numpy()[1:])[: -one["bars"]]
            assert one["total_return"][name] == pytest.approx(np.prod(1 + kept) - 1)
            assert one["sharpe"][name] == pytest.approx(ratio(kept))


def test_without_the_five_best_bars_by_hand() -> None:
    # Five rises of 20 % among ninety of 1 %: without them 1.01 to the 90th is left.
    moves = {bar: 0.2 if bar in (10, 30, 50, 70, 90) else 0.01 for bar in range(2, 97)}
    settings = made("2024-01-01", costs=FREE, sizing={"gap_reserve": 0.0})
    found = alternatives_of([jumps(97, moves)], scripted([1.0] * 97), settings)
    five, ten = robustness_of(found, settings)["without_best"]
    assert five["total_return"]["strategy"] == pytest.approx(1.01**90 - 1, rel=1e-4)
    assert ten["total_return"]["strategy"] == pytest.approx(1.01**85 - 1, rel=1e-4)


def test_no_row_of_few_bars_is_left_without_its_best() -> None:
    found = alternatives_of([coin(bars=99)], named("momentum"), made())
    five, ten = robustness_of(found, made())["without_best"]
    assert len(found.times) == 9
    assert five["total_return"]["strategy"] is not None
    assert (ten["sharpe"]["strategy"], ten["total_return"]["strategy"]) == (None, None)


# --- Seeds


def members(count: int) -> Forecasts:
    """Seeds that are the surer the higher their number."""
    times = coin().times
    frames = [
        pd.DataFrame(
            {
                "time": times, "symbol": "AAA", "horizon_bars": 1, "forecaster": f"net_seed{seed}",
                "score": np.sin(np.arange(len(times)) / 5) * (1 + seed) / count,
            }
        )
        for seed in range(count)
    ]  # fmt: skip
    frame = pd.concat(frames, ignore_index=True)
    for name in ("mean", "p_up", "q05", "q50", "q95"):
        frame[name] = np.nan
    return Forecasts(frame, members=frame)


def test_each_seed_is_the_account_of_its_own_forecasts_in_the_order_of_their_numbers() -> None:
    given, trader = members(11), Trader(SCORE_SIGNAL, {}, "net")
    accounts = seed_accounts([coin()], given, trader, made())
    assert len(accounts) == 11
    for seed in (2, 10):
        alone = Trader(SCORE_SIGNAL, {}, f"net_seed{seed}")
        expected = run_backtest([coin()], given, alone, made())
        pd.testing.assert_frame_equal(accounts[seed].equity, expected.equity)
    assert not accounts[2].equity.equals(accounts[10].equity)


def test_the_spread_of_seeds_is_the_deviation_of_their_sharpe_ratios() -> None:
    accounts = seed_accounts([coin()], members(3), Trader(SCORE_SIGNAL, {}, "net"), made())
    found = alternatives_of([coin()], named("momentum"), made())
    moves = coin().bars[["close"]].pct_change(fill_method=None)
    tried = Robustness(found, accounts, moves, None, made(), coin().interval).document()
    ratios = [ratio(account.returns.to_numpy()[1:]) for account in accounts]
    assert [one["seed"] for one in tried["seeds"]] == [0, 1, 2]
    assert [one["sharpe"]["value"] for one in tried["seeds"]] == pytest.approx(ratios)
    mean = sum(ratios) / 3
    assert tried["seed_spread"]["value"] == pytest.approx(
        (sum((one - mean) ** 2 for one in ratios) / 2) ** 0.5
    )


@pytest.mark.parametrize(
    ("forecasts", "trader"),
    [
        (None, Trader(SCORE_SIGNAL, {}, "net")),
        (Forecasts(members(2).frame), Trader(SCORE_SIGNAL, {}, "net")),
        (members(2), Trader(SCORE_SIGNAL, {}, None)),
        (members(2), Trader(STRATEGIES["momentum"], {}, "net")),
    ],
    ids=["no forecast", "one seed", "no forecaster", "forecasts that it does not read"],
)
def test_where_seeds_change_nothing_there_are_none(
    forecasts: Forecasts | None, trader: Trader
) -> None:
    assert seed_accounts([coin()], forecasts, trader, made()) == []


def test_without_seeds_their_spread_has_a_reason(document: dict[str, Any]) -> None:
    assert document["seeds"] == []
    assert document["seed_spread"]["reason"] == "one seed, or nothing random"


MARKET = simulate("X", 620, seed=3).market
QUICK = (
    "forecaster.target=next_return", "features.set=paper16", "walkforward.min_train_rows=200",
    "walkforward.refit_days=365", "training.epochs=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    cache = ContentStore(tmp_path_factory.mktemp("folds"))

    def fit(*more: str) -> Forecasts:
        return forecast_of(MARKET, "gru", small(*QUICK, *more), cache)

    with in_process():
        yield fit


def scores(frame: pd.DataFrame, forecaster: str) -> np.ndarray:
    return frame.loc[frame["forecaster"] == forecaster, "score"].to_numpy()


def test_the_members_of_an_ensemble_are_one_forecaster_a_seed_whose_mean_it_is(
    fitted: Any,
) -> None:
    given = fitted("walkforward.ensemble_seeds=2")
    frame = given.members
    assert list(frame.columns) == list(given.frame.columns)
    assert set(frame["forecaster"]) == {"gru_seed0", "gru_seed1"}
    assert frame["model_id"].nunique() == 2
    assert frame["seed_spread"].isna().all()
    first, second = (scores(frame, f"gru_seed{seed}") for seed in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_allclose((first + second) / 2, scores(given.frame, "gru"), atol=1e-12)


def test_the_first_member_is_the_run_of_one_seed_and_the_second_no_run_at_all(fitted: Any) -> None:
    # A fit's own seed is made of the base seed, the member's number and the fold's date.
    frame = fitted("walkforward.ensemble_seeds=2").members
    alone, other = fitted(), fitted("walkforward.seed=1")
    assert alone.members is None
    np.testing.assert_array_equal(scores(frame, "gru_seed0"), scores(alone.frame, "gru"))
    assert not np.array_equal(scores(frame, "gru_seed1"), scores(other.frame, "gru"))


def test_a_rule_has_no_members(tmp_path: Path) -> None:
    settings = small(*QUICK, "walkforward.ensemble_seeds=2")
    assert forecast_of(MARKET, "trend_only", settings, ContentStore(tmp_path)).members is None


# --- Runs of which little can be said


def test_after_a_margin_call_there_is_the_reason_alone() -> None:
    market = make_market([(100, 100), (100, 100), (100, 300), (300, 300)] + [(300, 300)] * 60)
    settings = made("2024-01-01", sizing={"allow_short": True})
    found = alternatives_of([market], scripted([-1.0] * 64), settings, draws=10)
    assert found.closed_out
    assert robustness_of(found, settings) == {"reason": MARGIN}


DEGENERATE: dict[str, Any] = {
    "one decision": ([coin(bars=91)], named("momentum"), made()),
    "two decisions": ([coin(bars=92)], named("momentum"), made()),
    "three decisions": ([coin(bars=93)], named("buy_and_hold"), made()),
    "thirty decisions": ([coin(bars=120)], named("buy_and_hold"), made()),
    "never trades": ([coin()], scripted([0.0] * 400), made()),
    "no opinion at all": ([coin()], scripted([float("nan")] * 400), made()),
    "a still market": ([flat_market(100.0, 90)], scripted([1.0, 0.0] * 45), made("2024-01-01")),
    "a still market without costs": (
        [flat_market(100.0, 90)], scripted([1.0, 0.0] * 45), made("2024-01-01", costs=FREE)
    ),
    "only rises": ([jumps(90, dict.fromkeys(range(90), 0.01))], named("momentum"),
                   made("2024-01-01")),
    "all is lost": ([jumps(90, {40: -1 + 1e-9})], scripted([1.0] * 90), made("2024-01-01")),
    "a stock strategy": ([coin()], stock(AllIn), made()),
    "several symbols": (three_coins(), named("sma_trend"), made()),
}  # fmt: skip


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_run_has_numbers_or_reasons_and_no_nan(case: str) -> None:
    markets, trader, settings = DEGENERATE[case]
    found = Alternatives(
        markets, rows_of(markets, trader, settings), settings, scaled=False, draws=50
    )
    written = json.loads(json.dumps(robustness_of(found, settings), allow_nan=False))
    assert "nan" not in json.dumps(written)

    def check(part: Any) -> None:
        if isinstance(part, dict) and "reason" in part and "value" in part:
            assert (part["value"] is None) == bool(part["reason"])
        elif isinstance(part, dict | list):
            for child in part.values() if isinstance(part, dict) else part:
                check(child)

    check(written)


# --- Orders that wait inside bars


def test_where_orders_fill_inside_bars_other_costs_and_a_bar_late_are_not_tried() -> None:
    found = alternatives_of([coin()], stock(Bargain), made(), draws=100)
    document = json.loads(json.dumps(robustness_of(found, made()), allow_nan=False))
    assert document["costs"] == []
    assert document["delay"]["sharpe"]["reason"] == INSIDE
    assert document["break_even_excess_bps"]["reason"] == INSIDE
    assert document["random"]["draws"] > 0
    assert [one["bars"] for one in document["without_best"]] == [5, 10]
