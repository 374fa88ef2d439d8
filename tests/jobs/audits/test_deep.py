"""Retrained cold, on returns and labels in another order, and beside twins that leak."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.columns import AVAILABLE_AT
from cryptobt.core.settings import Settings
from cryptobt.core.types import MarketData
from cryptobt.data.sample import sample_market, simulate
from cryptobt.features.sets import compute
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.jobs.audits.deep import DeepChecks, deep_checks
from cryptobt.jobs.audits.pipeline import Pipeline
from cryptobt.jobs.audits.shown import Shown, beside_twins
from cryptobt.jobs.audits.skill import relabelled, shuffled, skill_of
from cryptobt.jobs.audits.worth import TOMORROW, Twins, with_tomorrow
from cryptobt.jobs.events import Events
from cryptobt.jobs.trader import trader_of
from tests.jobs.tiny import tiny

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
BEYOND_LUCK = 2.576

LEAKING = """
import numpy as np
def columns(bars):
    move = np.log(bars["close"]).diff()
    past = {f"past_{k}": move.rolling(k).mean() for k in (3, 10, 30)}
    table = move.to_frame("move").assign(**past)
    return table.assign(smooth=move.rolling(3, center=True).mean())
"""
HONEST = LEAKING.replace(", center=True", "")
REMEMBERS = """
import numpy as np
class Remembers:
    # Knows the answers of the whole market by heart, whatever it is given to learn from.
    def fit(self, training, validation):
        return self
    def predict(self, windows):
        moves, answers = np.load({answers!r})
        asked = windows.rows[windows.ends, 0]
        return answers[np.searchsorted(moves, asked - 1e-12)]
"""


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))


def market(bars: int = 1100, seed: int = 21) -> MarketData:
    return simulate("X", bars, seed=seed, strength=0.0).market


def test_numbers_that_know_the_next_return_are_far_beyond_luck() -> None:
    given = market()
    next_move = np.log(given.bars["close"]).diff().shift(-1).dropna()
    found = skill_of(next_move, given)
    assert found.errors > 15
    assert found.accuracy is not None
    assert found.accuracy > 0.9
    assert found.calls == len(next_move) - 50


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_numbers_of_the_past_are_not_beyond_luck_however_they_wander(sign: float) -> None:
    # A level wanders as the price does: set against its own later mean it would look clever.
    found = [
        skill_of(sign * np.log(one.bars["close"]), one).errors
        for one in (market(800, seed) for seed in range(40))
    ]
    assert abs(np.mean(found)) < 4 / np.sqrt(len(found))
    assert np.mean(np.array(found) > BEYOND_LUCK) <= 0.05


def test_skill_of_two_markets_is_that_of_all_their_products() -> None:
    given = market()
    move = np.log(given.bars["close"]).diff().dropna()
    one = skill_of(move, given)
    both = one.plus(one)
    assert both.calls == 2 * one.calls
    assert both.errors == pytest.approx(one.errors * np.sqrt(2))
    assert both.accuracy == one.accuracy


def test_another_order_keeps_every_bar_whole_and_destroys_what_precedes_it() -> None:
    coin = sample_market("BTC-USD")
    given = coin.market
    other, (onchain,) = shuffled(given, [coin.onchain], 0)
    assert other.times.equals(given.times)
    assert other.bars["close"].iloc[-1] == pytest.approx(given.bars["close"].iloc[-1])

    def shapes(bars: pd.DataFrame) -> np.ndarray:
        logs = np.log(bars[["open", "high", "low", "close"]].to_numpy())
        rows = np.column_stack([logs[1:] - logs[:-1, 3:], bars["volume"].to_numpy()[1:]])
        return np.asarray(rows[np.lexsort(rows.T)])

    np.testing.assert_allclose(shapes(other.bars), shapes(given.bars), atol=1e-9)
    # On the day of each return stands the on-chain row that stood on the day of it before.
    was = dict(zip(given.bars["volume"], coin.onchain.frame["txcnt"], strict=True))
    moved = [was[volume] for volume in other.bars["volume"]]
    assert onchain.frame["txcnt"].tolist() == moved
    assert onchain.frame[AVAILABLE_AT].equals(coin.onchain.frame[AVAILABLE_AT])
    again, _ = shuffled(given, [], 0)
    assert again.bars.equals(other.bars)


def test_exchanged_labels_are_the_same_labels_at_other_bars() -> None:
    given, settings = market(), Settings.model_validate(tiny())
    samples = make_samples(given, compute("close", given), settings)
    other = relabelled(samples, 0)
    known = np.isfinite(samples.targets).all(axis=1)
    assert np.array_equal(np.isfinite(other.targets).all(axis=1), known)
    order = np.sort(samples.targets[known], axis=0), np.sort(other.targets[known], axis=0)
    assert np.array_equal(*order)
    assert (other.targets[known] != samples.targets[known]).any(axis=1).mean() > 0.9


def test_a_leak_moves_nothing_but_the_last_row_when_bars_are_cut_away() -> None:
    bars = market().bars
    whole = with_tomorrow(pd.DataFrame(index=bars.index), bars, 0.3)
    part = with_tomorrow(pd.DataFrame(index=bars.index[:500]), bars.iloc[:500], 0.3)
    assert whole.columns.tolist() == [TOMORROW]
    assert whole.iloc[:499].equals(part.iloc[:499])
    assert whole[TOMORROW].iloc[499] != part[TOMORROW].iloc[499]


@pytest.mark.parametrize("correlation", [0.1, 0.3, 1.0])
def test_a_leak_has_the_correlation_that_it_is_named_by(correlation: float) -> None:
    bars = market(8000).bars
    column = with_tomorrow(pd.DataFrame(index=bars.index), bars, correlation)[TOMORROW]
    moves = np.log(bars["close"]).diff().shift(-1) / np.log(bars["close"]).diff().ewm(30).std()
    assert column.corr(moves) == pytest.approx(correlation, abs=0.06)


def shown(accuracy: float | None, sharpe: float = 1.0) -> Shown:
    return Shown(accuracy, sharpe, 1.0, 2000)


@pytest.mark.parametrize(
    ("own", "easy", "all_of_it", "said"),
    [
        (shown(0.51), shown(0.58), shown(0.9), "it does not look like a leaking twin; a leak of"),
        (shown(0.51), shown(0.52), shown(0.6), "a leak of 0.05 or 0.1 or 0.3 would not show"),
        (shown(0.59), shown(0.60), shown(0.9), "it looks like a leaking twin; do not believe"),
        (shown(0.97), shown(0.97), shown(0.97), "it looks like a leaking twin; do not believe"),
        (shown(0.51), shown(0.51), shown(0.53), "the comparison says nothing about a leak"),
        (shown(None, 0.8), shown(None, 3.0), shown(None, 9.0), "it does not look like a leaking"),
        (shown(None, 3.1), shown(None, 3.0), shown(None, 9.0), "it looks like a leaking twin"),
    ],
)
def test_the_sentence_says_whether_the_run_looks_like_a_twin(
    own: Shown, easy: Shown, all_of_it: Shown, said: str
) -> None:
    twins = {0.05: own, 0.1: own, 0.3: easy, 1.0: all_of_it}
    assert said in beside_twins(own, twins, "the smoothed trend")


def pipeline(given: MarketData | None = None, **sections: Any) -> Pipeline:
    chosen = {
        "strategy": {"name": "attn_signal"},
        "forecaster": {"name": "linear", "target": "next_return", "window_bars": 2},
        "run": {"workers": 1},
        **sections,
    }
    settings = Settings.model_validate(tiny(**chosen))
    return Pipeline(settings, trader_of(settings), [given or market()], {}, QUIET)


def with_features(
    folder: Path, text: str, given: MarketData | None = None, **sections: Any
) -> Pipeline:
    file = folder / "mine.py"
    file.write_text(text)
    return pipeline(given, features={"set": f"{file}:columns"}, **sections)


@pytest.mark.slow
def test_an_honest_pipeline_passes_every_deep_check_and_its_twins_are_caught(
    tmp_path: Path,
) -> None:
    asked = with_features(tmp_path, HONEST)
    twins = Twins(asked)
    deep = DeepChecks(asked)
    checks = [deep.retrained(), deep.on_shuffled(), deep.on_labels(), *twins.checks()]
    assert [one.outcome for one in checks] == ["passed"] * 5
    rows = {row["name"]: row for row in twins.document()["rows"]}
    assert rows["knows tomorrow"]["accuracy"] > 0.9
    assert rows["knows tomorrow"]["sharpe"] > 5
    assert rows["as it is"]["accuracy"] < rows["knows 0.3 of tomorrow"]["accuracy"]
    assert "its scaler sees everything" in rows
    assert "does not look like a leaking twin" in twins.document()["text"]


@pytest.mark.slow
def test_a_centred_mean_is_found_by_cold_fits_and_by_another_order(tmp_path: Path) -> None:
    asked = with_features(tmp_path, LEAKING)
    cold = DeepChecks(asked).retrained()
    assert (cold.outcome, cold.column) == ("leak", "score")
    assert cold.time is not None
    # The last bar of the first fold is the first whose mean reached beyond the cut.
    assert asked.forecasts is not None
    frame = asked.forecasts.frame
    assert cold.time == frame[frame["fold"] == frame["fold"].min()]["time"].max()
    other = DeepChecks(asked).on_shuffled()
    assert other.outcome == "leak"
    assert "over 6 orders of the same returns" in other.seen


@pytest.mark.slow
def test_a_scaler_that_sees_everything_is_found_by_cold_fits(tmp_path: Path) -> None:
    asked = with_features(tmp_path, HONEST)
    settings = asked.settings
    seeing = settings.features.model_copy(update={"scaler_sees": "everything"})
    other = Pipeline(
        settings.model_copy(update={"features": seeing}), asked.trader, asked.markets, {}, QUIET
    )
    assert DeepChecks(other).retrained().outcome == "leak"


@pytest.mark.slow
def test_answers_learnt_by_heart_are_found_by_exchanged_labels(tmp_path: Path) -> None:
    given = market()
    moves = np.log(given.bars["close"]).diff().to_numpy()
    order = np.argsort(moves[1:])
    answers = np.append(moves[2:], 0.0)
    np.save(tmp_path / "answers.npy", np.stack([moves[1:][order], answers[order]]))
    own = tmp_path / "own.py"
    own.write_text(REMEMBERS.format(answers=str(tmp_path / "answers.npy")))
    name = f"{own}:Remembers"
    asked = with_features(
        tmp_path,
        HONEST,
        given,
        forecaster={"name": name, "target": "next_return", "window_bars": 2},
    )
    found = DeepChecks(asked).on_labels()
    assert found.outcome == "leak"
    assert "it learnt that elsewhere" in found.seen
    # Of the same bars in another order it remembers nothing.
    assert DeepChecks(asked).on_shuffled().outcome == "passed"


@pytest.mark.slow
def test_a_rule_is_asked_what_a_rule_can_be_asked() -> None:
    asked = pipeline(strategy={"name": "momentum"}, forecaster={})
    assert DeepChecks(asked).retrained().outcome == "not asked"
    assert DeepChecks(asked).on_labels().outcome == "not asked"
    assert DeepChecks(asked).on_shuffled().outcome == "passed"
    rows = {row["name"]: row for row in Twins(asked).document()["rows"]}
    assert rows["knows tomorrow"]["accuracy"] > 0.95
    assert "its scaler sees everything" not in rows


def test_a_pipeline_that_does_not_run_is_asked_nothing(tmp_path: Path) -> None:
    file = tmp_path / "peek.py"
    file.write_text(
        "import backtrader as bt\n"
        "class Peek(bt.Strategy):\n"
        "    def next(self):\n"
        "        raise ValueError('never mind')\n"
    )
    asked = pipeline(strategy={"name": f"{file}:Peek"}, forecaster={})
    checks, worth = deep_checks(asked.settings, asked.markets, asked.extras, QUIET)
    assert worth is None
    assert {check["outcome"] for check in checks} == {"not asked"}
    assert all("never mind" in check["seen"] for check in checks)
