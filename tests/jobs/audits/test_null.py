"""Markets without skill: what they share with the real ones, and how often rules find some."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import AVAILABLE_AT, BARS
from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.sample import sample_market, simulate
from cryptobt.jobs.audits.like import likeness, strength_of, wildness, world_like
from cryptobt.jobs.audits.null import audit_null
from cryptobt.jobs.audits.rates import RULES, exact_interval, found_by, not_judged, rates
from cryptobt.jobs.audits.report import AuditReport
from cryptobt.jobs.events import Events
from tests.jobs.tiny import NOW, tiny

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
DAY = pd.Timedelta(days=1)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


def with_gap() -> MarketData:
    """Hourly bars with a day missing, at prices and volumes of their own."""
    bars = simulate("ABC", 1500, seed=3, start_price=7.0).market.bars.iloc[:1500]
    hours = pd.date_range("2021-01-01", periods=1500, freq="h", tz="UTC", name="time")
    bars = bars.set_axis(hours).drop(hours[700:724]).assign(volume=lambda one: one["volume"] * 1e6)
    return MarketData("ABC", pd.Timedelta(hours=1), "file", bars)


def test_a_simulated_market_has_the_real_bars_times_name_interval_and_size_of_volume() -> None:
    real = with_gap()
    made = world_like([real], {}, 5).markets[0]
    assert made.times.equals(real.times)
    assert (made.symbol, made.interval, made.simulated) == ("ABC", real.interval, True)
    assert list(made.bars.columns) == list(BARS)
    ratio = made.bars["volume"].median() / real.bars["volume"].median()
    assert ratio == pytest.approx(1, rel=1e-6)
    assert made.bars["open"].iloc[0] == pytest.approx(real.bars["open"].iloc[0])


def test_drift_and_volatility_are_those_of_the_real_market_on_average() -> None:
    real = sample_market("BTC-USD").market
    like = likeness(real)
    made = [likeness(world_like([real], {}, number).markets[0]) for number in range(12)]
    error = like.deviation / np.sqrt(like.bars * len(made))
    assert np.mean([one.drift for one in made]) == pytest.approx(like.drift, abs=4 * error)
    deviation = np.mean([one.deviation for one in made])
    assert deviation == pytest.approx(like.deviation, rel=0.05)
    assert wildness() == pytest.approx(1.12, abs=0.05)


def test_drift_and_volatility_a_year_are_those_of_a_market_worked_out_by_hand() -> None:
    close = 100 * np.exp(np.array([0.0, 0.03, 0.02, 0.05]))
    index = pd.date_range("2024-01-01", periods=4, freq=DAY, tz="UTC", name="time")
    bars = pd.DataFrame({name: close for name in BARS}, index)
    like = likeness(MarketData("X", DAY, "file", bars)).per_year(DAY)
    # moves 0.03, -0.01, 0.03: mean 0.05/3, squared distances (2·0.0133² + 0.0267²)/2 = 0.000533
    assert like["drift_per_year"] == pytest.approx(365 * 0.05 / 3)
    assert like["volatility_per_year"] == pytest.approx(np.sqrt(365 * 0.0016 / 3))


def test_a_market_whose_close_never_moves_cannot_be_simulated() -> None:
    index = pd.date_range("2024-01-01", periods=4, freq=DAY, tz="UTC", name="time")
    bars = pd.DataFrame({name: np.ones(4) for name in BARS}, index)
    with pytest.raises(DataInvalidError, match="X: 4 bars whose close never moves"):
        likeness(MarketData("X", DAY, "file", bars))


def test_onchain_columns_react_to_the_simulated_price_and_other_series_stay() -> None:
    coin = sample_market("BTC-USD")
    given: list[ExtraSeries] = [coin.onchain, coin.sentiment]
    onchain, sentiment = world_like([coin.market], {"BTC-USD": given}, 1).extras["BTC-USD"]
    assert onchain.frame.index.equals(coin.onchain.frame.index)
    assert onchain.frame[AVAILABLE_AT].equals(coin.onchain.frame[AVAILABLE_AT])
    assert not onchain.frame["txcnt"].equals(coin.onchain.frame["txcnt"])
    assert onchain.frame["txcnt"].notna().all()
    assert sentiment is coin.sentiment


def test_worlds_repeat_and_differ_by_their_number_and_symbol() -> None:
    real = with_gap()
    twice = [world_like([real, real], {}, 2) for _ in range(2)]
    other = world_like([real], {}, 3)
    assert twice[0].markets[0].bars.equals(twice[1].markets[0].bars)
    assert not twice[0].markets[0].bars.equals(twice[0].markets[1].bars)
    assert not twice[0].markets[0].bars.equals(other.markets[0].bars)


@pytest.mark.parametrize("correlation", [pytest.param(0.05, marks=pytest.mark.slow), 0.2])
def test_a_planted_signal_has_the_correlation_that_was_asked_for(correlation: float) -> None:
    coin = simulate("X", 30_000, seed=99, strength=strength_of(correlation))
    moves = np.diff(np.log(coin.market.bars["close"]))
    expected = float(np.sqrt(np.mean(coin.signal[50:] ** 2)))
    assert expected / np.sqrt(1 + expected**2) == pytest.approx(correlation, rel=0.08)
    found = float(np.corrcoef(coin.signal[1:], moves)[0, 1])
    assert found == pytest.approx(correlation, abs=4 / np.sqrt(len(moves)))


def judged(**changed: Any) -> dict[str, Any]:
    """The parts of metrics.json that rules read, of a run in which none finds skill."""
    low: dict[str, Any] = {"value": 0.1, "low": -0.1, "high": 0.3}
    probable: dict[str, Any] = {"value": 0.5}
    document = {
        "rows": {
            "strategy": {
                "performance": {"sharpe": low},
                "direction": {
                    "accuracy": {"value": 0.51, "low": 0.49},
                    "balanced_accuracy": {"value": 0.51, "low": 0.49},
                },
            }
        },
        "comparison": {"sharpe_minus_buy_and_hold": low},
        "significance": {
            "psr": probable,
            "dsr": probable,
            "pesaran_timmermann": {"p_value": {"value": 0.4}},
            "excess": {"mean": low, "psr": probable, "dsr": probable},
        },
        "robustness": {"random": {"p_value": {"value": 0.3}}},
        "verdict": {"grade": "none"},
    }
    return {**document, **changed}


def test_no_rule_finds_skill_where_no_number_shows_any() -> None:
    assert set(found_by(judged()).values()) == {False}


def test_each_rule_is_counted_with_its_exact_interval_and_nominal_rate() -> None:
    found = [found_by(judged(verdict={"grade": grade})) for grade in ("weak", "evidence", "none")]
    by_name = {rate["name"]: rate for rate in rates(found, 0.95, drifts=False)}
    assert len(by_name) == len(RULES)
    weak, evidence = by_name["verdict: weak or more"], by_name["verdict: evidence"]
    assert (weak["found"], evidence["found"], weak["of"]) == (2, 1, 3)
    assert (evidence["low"], evidence["high"]) == exact_interval(1, 3)
    assert by_name["Sharpe ratio above 0"]["nominal"] == pytest.approx(0.025)
    assert by_name["calls beyond luck"]["nominal"] == pytest.approx(0.05)


def test_no_rate_is_promised_for_what_holding_a_drifting_market_earns() -> None:
    by_name = {rate["name"]: rate for rate in rates([found_by(judged())], 0.95, drifts=True)}
    assert by_name["Sharpe ratio above 0"]["nominal"] is None
    assert by_name["ahead of its twin"]["nominal"] == pytest.approx(0.025)


def test_a_rule_that_can_judge_no_market_has_no_rate() -> None:
    found = [found_by(judged(robustness={"reason": "robustness.enabled is false"}))]
    assert not_judged(found) == ["random strategies"]
    assert "random strategies" not in {rate["name"] for rate in rates(found, 0.95, drifts=True)}


def audited(out: Path, workers: int, events: Events = QUIET, **sections: Any) -> AuditReport:
    ours: dict[str, Any] = {
        "strategy": {"name": "momentum"},
        "run": {"out": str(out), "workers": workers},
    }
    ours["data"] = {"end": "2016-12-31"}
    chosen = tiny(**{**ours, **sections})
    return audit_null(Settings.model_validate(chosen), 2, NOW, events)


def test_a_momentum_rule_finds_no_skill_on_two_martingales_and_says_so(tmp_path: Path) -> None:
    steps: list[str] = []
    events = Events(lambda _: None, steps.append, lambda _: None)
    report = audited(tmp_path, 1, events)
    document = json.loads((report.folder / "audit.json").read_text())
    assert document == report.document
    assert document["headline"].startswith("The verdict claimed skill on 0 of 2")
    assert document["outcome"] == "measured"
    assert [row["market"] for row in document["rows"]] == [1, 2]
    assert {row["grade"] for row in document["rows"]} == {"none"}
    assert document["like"]["bars"] == document["bars"]
    assert "simulated markets: 0 of 2 judged" in steps
    assert {path.name for path in report.folder.iterdir()} == {
        "audit.html", "audit.json", "run.json",
    }  # fmt: skip
    assert "0 of 2" in report.summary()


@pytest.mark.slow
def test_the_document_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    alone, together = audited(tmp_path / "a", 1), audited(tmp_path / "b", 2)
    names = ("audit.json", "audit.html")
    assert [(alone.folder / name).read_bytes() for name in names] == [
        (together.folder / name).read_bytes() for name in names
    ]


@pytest.mark.slow
def test_a_users_own_features_and_forecaster_are_run_on_every_market(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "import numpy as np\n"
        "def columns(bars):\n"
        "    move = np.log(bars['close']).diff()\n"
        "    return move.rolling(10).mean().to_frame('mean').assign(move=move)\n"
    )
    report = audited(
        tmp_path / "runs",
        2,
        strategy={"name": "attn_signal"},
        forecaster={"name": "linear", "target": "next_return"},
        features={"set": f"{own}:columns"},
    )
    assert report.document["forecaster"] == "linear"
    assert all(row["accuracy"] is not None for row in report.document["rows"])
