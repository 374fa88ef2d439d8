"""The trainer, and predictions that never depend on what else is asked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.core.settings import Settings
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import FORECASTERS, design_of, find_forecaster, make_forecaster
from cryptobt.forecasters.torch_forecaster import PREDICT_BATCH, TorchForecaster
from cryptobt.records.content import ContentStore

from .small import small

T, F = 6, 4
TRAINED = sorted(name for name, spec in FORECASTERS.items() if spec.kind == "net")
NETS = pytest.mark.parametrize("name", TRAINED)


def design(name: str = "dual_attention", **training: Any) -> dict[str, Any]:
    values: Settings = small(
        "training.epochs=4",
        "training.batch=32",
        "training.dropout=0.0",
        f"forecaster.window_bars={T}",
    )
    return design_of(find_forecaster(name), values, explain_every=3) | training


def market(count: int = 500, noise: float = 0.0, seed: int = 0) -> Windows:
    """Windows whose two targets are linear in the last two rows, plus noise."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, F)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, -3.0]
    ends = np.arange(T, count)
    z = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    truth = np.stack([z[ends, 0] + z[ends - 1, 1], -z[ends, 2]], axis=1)
    targets = truth + noise * random.normal(size=truth.shape)
    still, deviation = np.zeros(count), np.full(len(ends), 0.02)
    return Windows(rows, still, ends, T, truth, deviation, targets, np.arange(len(ends)))


def parts(windows: Windows) -> tuple[Windows, Windows]:
    split = int(len(windows.ends) * 0.8)
    return windows.take(np.arange(split)), windows.take(np.arange(split, len(windows.ends)))


def fitted(name: str = "dual_attention", seed: int = 1, **training: Any) -> TorchForecaster:
    return TorchForecaster(design(name, **training), seed).fit(*parts(market()))


def mse(model: TorchForecaster, windows: Windows) -> float:
    assert windows.targets is not None
    return float(np.mean((model.predict(windows).answers - windows.targets) ** 2))


@NETS
def test_the_loss_falls_on_an_easy_problem(name: str) -> None:
    model = fitted(name, epochs=25, learning_rate=1e-2)
    training, validation = parts(market())
    assert model.losses[-1][0] < 0.3 * model.losses[0][0]
    # The targets have variance 2 and 1: guessing their mean costs 1.5.
    assert mse(model, validation) < 0.5
    assert mse(model, training) < 0.5


@NETS
def test_the_best_weights_are_kept_not_the_last(name: str) -> None:
    # More noise than signal: the network soon learns the noise, and validation gets worse.
    training, validation = parts(market(200, noise=2.0))
    options = design(name, epochs=20, patience=20, learning_rate=0.02)
    model = TorchForecaster(options, 1).fit(training, validation)
    losses = [loss for _, loss in model.losses]
    assert losses[-1] > 1.05 * min(losses), "the last epoch must not be the best"
    assert mse(model, validation) == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_when_the_loss_has_not_improved_for_the_patience(patience: int) -> None:
    model = fitted(epochs=60, patience=patience, learning_rate=0.1)
    losses = [loss for _, loss in model.losses]
    assert len(losses) < 60
    assert len(losses) == int(np.argmin(losses)) + 1 + patience
    # and nowhere before had it waited that long
    best = np.minimum.accumulate(losses)
    improved = np.flatnonzero(np.diff(best, prepend=np.inf) < 0)
    assert np.diff(improved).max(initial=1) <= patience


def test_training_ends_with_the_epochs_if_it_keeps_improving() -> None:
    assert len(fitted(epochs=3, learning_rate=1e-3).losses) == 3


@NETS
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name: str) -> None:
    one, same, other = fitted(name, 1).arrays(), fitted(name, 1).arrays(), fitted(name, 2).arrays()
    assert all(np.array_equal(one[key], same[key]) for key in one)
    assert any(not np.array_equal(one[key], other[key]) for key in one)


def test_the_state_of_the_global_generator_does_not_matter() -> None:
    one = fitted().arrays()
    torch.manual_seed(12345)
    torch.rand(7)
    same = fitted().arrays()
    assert all(np.array_equal(one[key], same[key]) for key in one)


@NETS
def test_a_saved_forecaster_answers_to_the_bit_as_before(name: str, tmp_path: Path) -> None:
    model, store = fitted(name), ContentStore(tmp_path)
    store.put("k" * 8, model.arrays(), {})
    entry = store.get("k" * 8)
    assert entry is not None
    restored = TorchForecaster(design(name), seed=99).restore(entry.arrays)
    before, after = model.predict(market()), restored.predict(market())
    np.testing.assert_array_equal(before.answers, after.answers)
    np.testing.assert_array_equal(before.gates, after.gates)
    np.testing.assert_array_equal(before.attention, after.attention)


@NETS
def test_restored_weights_are_a_copy(name: str) -> None:
    model = fitted(name)
    kept = {key: value.copy() for key, value in model.arrays().items()}
    child = TorchForecaster(design(name), 5).restore(model.arrays()).fit(*parts(market()))
    assert all(np.array_equal(kept[key], value) for key, value in model.arrays().items())
    assert any(not np.array_equal(kept[key], value) for key, value in child.arrays().items())


MODELS = {name: fitted(name, epochs=1) for name in TRAINED}
ASKED = market(600, seed=4)
WHOLE = {name: model.predict(ASKED) for name, model in MODELS.items()}


@settings(max_examples=15)
@given(st.sampled_from(TRAINED), st.sets(st.integers(0, 593), min_size=1, max_size=40))
def test_an_answer_does_not_depend_on_which_other_windows_are_asked(
    name: str, chosen: set[int]
) -> None:
    positions = np.array(sorted(chosen))
    part = MODELS[name].predict(ASKED.take(positions))
    np.testing.assert_array_equal(part.answers, WHOLE[name].answers[positions])
    # explained are the bars at slots 0, 3, 6, …, whoever else is asked
    assert positions[part.explained].tolist() == [p for p in positions if p % 3 == 0]
    np.testing.assert_array_equal(part.gates, WHOLE[name].gates[positions[part.explained] // 3])
    np.testing.assert_array_equal(
        part.attention, WHOLE[name].attention[positions[part.explained] // 3]
    )


@NETS
def test_answers_come_back_in_the_order_asked(name: str) -> None:
    mixed = np.random.default_rng(0).permutation(len(ASKED.ends))
    answers = MODELS[name].predict(ASKED.take(mixed)).answers
    np.testing.assert_array_equal(answers, WHOLE[name].answers[mixed])


@NETS
@pytest.mark.parametrize("position", [0, PREDICT_BATCH - 1, PREDICT_BATCH, 400])
def test_an_answer_depends_on_the_rows_of_its_window_alone(name: str, position: int) -> None:
    asked = ASKED.take(np.array([position]))
    end = int(asked.ends[0])
    rows = np.random.default_rng(8).normal(1e3, 1e3, ASKED.rows.shape)
    rows[end - T + 1 : end + 1] = ASKED.rows[end - T + 1 : end + 1]
    elsewhere = replace(asked, rows=rows)
    answer = MODELS[name].predict(elsewhere).answers
    np.testing.assert_array_equal(answer, WHOLE[name].answers[[position]])
    for inside in (end, end - T + 1):
        changed = ASKED.rows.copy()
        changed[inside, 0] += 1.0
        other = replace(asked, rows=changed)
        assert (MODELS[name].predict(other).answers != answer).any()


@NETS
def test_missing_rows_outside_the_windows_do_no_harm(name: str) -> None:
    asked = ASKED.take(np.arange(100, 110))
    rows = np.full(ASKED.rows.shape, np.nan)
    seen = slice(int(asked.ends[0]) - T + 1, int(asked.ends[-1]) + 1)
    rows[seen] = ASKED.rows[seen]
    answers = MODELS[name].predict(replace(asked, rows=rows))
    np.testing.assert_array_equal(answers.answers, WHOLE[name].answers[100:110])


def test_the_scaler_sees_the_rows_of_training_windows_alone() -> None:
    windows = market()
    training, validation = parts(windows)
    rows = windows.rows.copy()
    last = int(training.ends[-1])
    rows[last + 1 :] = 1e6
    rows[0] = 1e6  # the first window begins with row 1
    changed = replace(training, rows=rows)
    arrays = TorchForecaster(design(epochs=1), 1).fit(changed, validation).arrays()
    np.testing.assert_allclose(arrays["scaler.centre"], windows.rows[1 : last + 1].mean(axis=0))
    np.testing.assert_allclose(arrays["scaler.spread"], windows.rows[1 : last + 1].std(axis=0))


def test_explained_bars_carry_gates_and_attention() -> None:
    whole = WHOLE["dual_attention"]
    assert whole.explained.tolist() == list(range(0, 594, 3))
    assert whole.gates.shape == (198, F)
    assert ((whole.gates > 0) & (whole.gates < 2)).all()
    np.testing.assert_allclose(whole.attention.sum(axis=-1), 1, rtol=1e-5)
    assert np.isnan(WHOLE["attention_bilstm"].gates).all()


def test_a_forecaster_that_learns_nothing_answers_the_known_trend() -> None:
    model = make_forecaster("trend_only", {"horizons": [1]}, 0)
    assert model.fit(*parts(ASKED)).arrays() == {}
    prediction = model.restore({}).predict(ASKED)
    np.testing.assert_array_equal(prediction.answers, ASKED.known)
    assert prediction.explained.tolist() == []
    assert prediction.attention.shape == (0, 0, T)
