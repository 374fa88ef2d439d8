"""Whether it could be luck: the excess over a twin, tests of calls and forecasts, calibration."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import MarketData
from cryptobt.jobs.alternatives import SAME, TWINS, Alternatives
from cryptobt.jobs.measure import ahead
from cryptobt.jobs.significance import NO_CALL, NO_NUMBERS, SEVERAL, Significance
from cryptobt.jobs.trials import TrialCount
from cryptobt.metrics.bootstrap import make_resampler
from cryptobt.metrics.metric import absent
from cryptobt.metrics.performance import sharpe
from cryptobt.metrics.sharpe import sharpe_significance
from cryptobt.metrics.significance import clark_west, diebold_mariano, pesaran_timmermann
from tests.backtests.accounts import FREE, scripted
from tests.jobs.traded import alternatives_of, coin, jumps, made, named, three_coins

NO_PBO = {
    "value": absent("probability", "none").to_json(), "trials": 0, "blocks": 16,
    "slope": absent("ratio", "none").to_json(),
    "loss_probability": absent("probability", "none").to_json(),
}  # fmt: skip
ONE_BELIEF = pd.DataFrame(
    {"mean": 0.001, "p_up": 0.6, "q05": -0.05, "q50": 0.001, "q95": 0.05},
    index=pd.MultiIndex.from_product([["AAA"], coin().times], names=["symbol", "time"]),
)


def trials(n: int = 1, variance: float = 1 / 300, *, ledger: bool = True) -> TrialCount:
    return TrialCount(n, n if ledger else None, 1, ledger, variance, "1/T", NO_PBO)


def significance_of(
    found: Alternatives,
    forecasts: pd.DataFrame | None = None,
    calls: np.ndarray | None = None,
    horizon: int = 1,
    tried: TrialCount | None = None,
    settings: Any = None,
) -> Significance:
    came = pd.DataFrame({m.symbol: ahead(m, horizon) for m in found.markets})
    own = found.ours.returns.to_numpy()[1:]
    return Significance(
        found,
        calls,
        came.reindex(found.times).to_numpy()[:-1],
        forecasts,
        pd.concat({symbol: np.log1p(came[symbol]) for symbol in came}),
        horizon,
        tried or trials(),
        make_resampler(own[:, None], 100, 0),
        settings or made(),
        365.0,
    )


def written(document: Any) -> Any:
    return json.loads(json.dumps(document, allow_nan=False))


@pytest.fixture(scope="module")
def found() -> Alternatives:
    return alternatives_of([coin()], named("sma_trend"), made())


def test_the_lead_is_deflated_by_what_luck_spreads_leads_at_least(found: Alternatives) -> None:
    # Trials that share the market hardly differ by Sharpe ratio; their leads do all the same.
    bars = len(found.times) - 1
    alike, spread = (
        significance_of(found, tried=trials(100, variance)).document()
        for variance in (1e-9, 1 / bars)
    )
    assert alike["dsr"]["value"] > spread["dsr"]["value"]
    assert alike["excess"]["dsr"] == spread["excess"]["dsr"]


def test_the_document_has_the_keys_of_the_contract(found: Alternatives) -> None:
    document = written(significance_of(found, ONE_BELIEF).document())
    assert list(document) == [
        "bars", "per_bar_sharpe", "skew", "kurtosis", "psr", "expected_best_sharpe", "dsr",
        "min_track_record_bars", "trials", "excess", "pesaran_timmermann", "diebold_mariano",
        "clark_west", "brier", "crps", "pinball", "pbo",
    ]  # fmt: skip
    assert list(document["trials"]) == [
        "n", "counted", "floor", "ledger", "variance", "variance_from",
    ]  # fmt: skip
    assert list(document["excess"]) == [
        "twin", "mean", "sharpe", "psr", "dsr", "min_track_record_bars",
    ]  # fmt: skip
    assert document["bars"] == len(found.times) - 1


# --- Beyond the same exposure


def test_the_excess_over_a_twin_by_hand() -> None:
    # Half of the account from bar 11 to bar 50 of 81; the price rises by a tenth in bar 20 alone.
    script = [0.5 * (10 <= bar < 50) for bar in range(81)]
    settings = made("2024-01-01", costs=FREE, sizing={"volatility_target": 10.0})
    found = alternatives_of([jumps(81, {20: 0.1})], scripted(script), settings)
    excess = significance_of(found, settings=settings).document()["excess"]
    # From there on half is 0.55 of 1.05. Held at 9 closes and at 31, and mean over 81:
    mean = (9 * 0.5 + 31 * 0.55 / 1.05) / 81

    # The twin holds a weight at 19 closes, and what the rise makes of it at 61.
    def exposed(weight: float) -> float:
        return (19 * weight + 61 * 1.1 * weight / (1 + 0.1 * weight)) / 81

    weight = mean * mean / exposed(mean)
    # 0.05 less a tenth of the twin's weight, in one bar of 80
    lead = 0.1 * 0.5 - 0.1 * weight
    assert excess["twin"] == "constant"
    assert excess["mean"]["value"] == pytest.approx(lead / 80 * 365, rel=1e-4)
    # One return among 80 noughts: mean lead/80, deviation lead/√80
    assert excess["sharpe"]["value"] == pytest.approx(np.sqrt(365 / 80), rel=1e-4)


TIMED: dict[str, tuple[MarketData, str]] = {
    "volatility_scaled": (coin(seed=3), "sma_trend"),
    "constant": (coin(seed=5), "momentum"),
}


@pytest.mark.parametrize("twin", TIMED)
def test_the_harder_twin_is_the_one_that_leaves_less(twin: str) -> None:
    market, name = TIMED[twin]
    found = alternatives_of([market], named(name), made())
    excess = significance_of(found).document()["excess"]
    own = found.ours.returns.to_numpy()[1:]
    left = {one: sharpe(own - found.twin(one), 365) for one in TWINS}
    assert excess["twin"] == min(left, key=lambda one: left[one]) == twin
    assert excess["sharpe"]["value"] == pytest.approx(min(left.values()))
    lead = own - found.twin(twin)
    assert excess["mean"]["value"] == pytest.approx(lead.mean() * 365)
    assert excess["mean"]["low"] < excess["mean"]["value"] < excess["mean"]["high"]


@pytest.mark.parametrize("name", ["buy_and_hold", "buy_and_hold_vol_target"])
def test_what_holds_the_market_has_no_excess(name: str) -> None:
    found = alternatives_of([coin(drift_per_year=1.0)], named(name), made())
    document = significance_of(found).document()
    assert document["excess"]["twin"] == found.own_twin
    for key in ("mean", "sharpe", "psr", "dsr", "min_track_record_bars"):
        assert (document["excess"][key]["value"], document["excess"][key]["reason"]) == (None, SAME)
    # Its own Sharpe ratio is judged all the same.
    assert document["psr"]["value"] > 0.5


def test_the_excess_is_deflated_by_the_trials_as_the_account_is(found: Alternatives) -> None:
    tried = trials(100, 0.02)
    document = significance_of(found, tried=tried).document()
    lead = found.ours.returns.to_numpy()[1:] - found.twin(document["excess"]["twin"])
    sure = sharpe_significance(lead, 100, 0.02, 365.0, 0.0, 0.95)
    for key in ("psr", "dsr", "min_track_record_bars"):
        assert document["excess"][key] == sure[key].to_json()
    assert document["excess"]["dsr"]["value"] < document["excess"]["psr"]["value"]
    assert document["trials"]["n"] == 100


def test_the_risk_free_rate_comes_off_the_account_and_not_off_its_excess() -> None:
    settings = made(metrics={"risk_free": 0.5})
    plain, rich = (
        significance_of(
            alternatives_of([coin()], named("momentum"), one), settings=one
        ).document()
        for one in (made(), settings)
    )  # fmt: skip
    assert rich["per_bar_sharpe"]["value"] < plain["per_bar_sharpe"]["value"]
    assert rich["excess"] == plain["excess"]


# --- Calls and forecasts


def test_calls_are_tested_for_one_symbol(found: Alternatives) -> None:
    came = ahead(coin(), 1).reindex(found.times).to_numpy()[:-1, None]
    calls = np.where(np.arange(len(came)) % 3 == 0, -came[:, 0], came[:, 0])[:, None]
    tests = significance_of(found, calls=calls).document()["pesaran_timmermann"]
    expected = pesaran_timmermann(calls[:, 0], came[:, 0])
    assert tests == {name: metric.to_json() for name, metric in expected.items()}
    assert tests["p_value"]["value"] < 0.05  # two of three calls knew


def test_a_strategy_that_calls_no_direction_is_not_tested(found: Alternatives) -> None:
    document = significance_of(found).document()
    assert document["pesaran_timmermann"]["p_value"]["reason"] == NO_CALL


def test_calls_and_forecasts_of_several_symbols_are_not_tested() -> None:
    found = alternatives_of(three_coins(), named("momentum"), made())
    calls = np.ones((len(found.times) - 1, 3))
    document = significance_of(found, calls=calls).document()
    for test in ("pesaran_timmermann", "diebold_mariano", "clark_west"):
        assert document[test]["p_value"]["reason"] == SEVERAL
    assert document["excess"]["sharpe"]["value"] is not None


def test_over_several_bars_every_such_outcome_counts_once(found: Alternatives) -> None:
    rng = np.random.default_rng(0)
    came = ahead(coin(), 3).reindex(found.times).to_numpy()[:-1, None]
    calls = rng.normal(size=came.shape)
    frame = ONE_BELIEF.assign(mean=rng.normal(0, 0.02, len(ONE_BELIEF)))
    document = significance_of(found, frame, calls, horizon=3).document()
    outcome = np.log1p(ahead(coin(), 3)).to_numpy()[::3]
    mean = frame["mean"].to_numpy()[::3]
    for name, expected in {
        "pesaran_timmermann": pesaran_timmermann(calls[::3, 0], came[::3, 0]),
        "diebold_mariano": diebold_mariano(outcome - mean, outcome, 1),
        "clark_west": clark_west(outcome, mean, 1),
    }.items():
        assert document[name] == {key: metric.to_json() for key, metric in expected.items()}


def test_a_forecast_of_the_outcome_itself_is_better_than_none(found: Alternatives) -> None:
    came = np.log1p(ahead(coin(), 1)).to_numpy()
    frame = ONE_BELIEF.assign(mean=0.3 * np.nan_to_num(came))
    document = significance_of(found, frame).document()
    for test in ("diebold_mariano", "clark_west"):
        assert document[test]["statistic"]["value"] > 2
        assert document[test]["p_value"]["value"] < 0.05


def test_the_scores_of_one_belief_by_hand(found: Alternatives) -> None:
    came = np.log1p(ahead(coin(), 1)).dropna().to_numpy()
    document = significance_of(found, ONE_BELIEF).document()
    ups = (came > 0).mean()
    assert document["brier"]["value"] == pytest.approx(ups * 0.4**2 + (1 - ups) * 0.6**2)
    # Half of the distance from the median, on either side
    assert document["pinball"]["q50"]["value"] == pytest.approx(np.abs(came - 0.001).mean() / 2)
    assert document["crps"]["value"] > 0
    (row,) = significance_of(found, ONE_BELIEF).calibration()
    assert row["n"] == len(came)
    assert row["said"] == pytest.approx(0.6)
    assert row["came"] == pytest.approx(ups)


def test_without_a_forecaster_there_are_reasons(found: Alternatives) -> None:
    document = significance_of(found).document()
    for metric in (document["brier"], document["crps"], *document["pinball"].values()):
        assert (metric["value"], metric["reason"]) == (None, NO_NUMBERS)
    assert document["diebold_mariano"]["p_value"]["reason"] == NO_NUMBERS
    assert significance_of(found).calibration() == []


def test_a_forecaster_that_was_never_calibrated_is_not_tested(found: Alternatives) -> None:
    frame = ONE_BELIEF.assign(mean=np.nan, p_up=np.nan, q05=np.nan, q50=np.nan, q95=np.nan)
    document = written(significance_of(found, frame).document())
    assert document["clark_west"]["p_value"]["reason"] == NO_NUMBERS
    assert document["brier"]["value"] is None
    assert significance_of(found, frame).calibration() == []


@pytest.mark.parametrize("bars", [91, 92, 93, 95])
def test_a_run_of_few_bars_has_reasons(bars: int) -> None:
    found = alternatives_of([coin(bars=bars)], named("sma_trend"), made())
    document = written(significance_of(found).document())
    assert document["bars"] == bars - 91
    assert document["excess"]["dsr"]["reason"]


def test_an_account_that_lost_nearly_all_is_judged_by_it() -> None:
    market = jumps(90, {40: -1 + 1e-9})
    found = alternatives_of([market], scripted([1.0] * 90), made("2024-01-01"))
    document = written(significance_of(found).document())
    assert document["psr"]["value"] < 0.2
    assert document["min_track_record_bars"]["reason"]
