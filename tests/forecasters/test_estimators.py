"""Ridge, forest and boosted trees on windows: against their textbook, and bit for bit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from cryptobt.forecasters import estimators
from cryptobt.forecasters.estimators import Linear, RandomForest, WindowEstimator
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import FORECASTERS, make_forecaster

from .made import F, T, design, parts, windows

NAMES = sorted(name for name, spec in FORECASTERS.items() if spec.kind == "estimator")
EACH = pytest.mark.parametrize("name", NAMES)


def fitted(name: str, whole: Windows, *assignments: str, **changes: Any) -> WindowEstimator:
    model = make_forecaster(name, design(name, *assignments, **changes), 1).fit(*parts(whole))
    assert isinstance(model, WindowEstimator)
    return model


def flat(model: Windows, scaled: np.ndarray) -> np.ndarray:
    """Each window as one row, oldest bar first."""
    return np.stack([scaled[end - T + 1 : end + 1].reshape(-1) for end in model.ends])


def standardised(whole: Windows) -> np.ndarray:
    """Rows scaled by hand with the rows inside training windows, which begin at bar 1."""
    training, _ = parts(whole)
    seen = whole.rows[1 : training.ends[-1] + 1]
    return np.clip((whole.rows - seen.mean(axis=0)) / seen.std(axis=0), -4, 4)


# Ridge


@pytest.mark.parametrize("count", [300, 14], ids=["more rows", "more columns"])
def test_ridge_is_its_closed_form_at_one_of_the_seven_strengths(count: int) -> None:
    whole = windows(count, noise=1.0)
    training, validation = parts(whole)
    model = fitted("linear", whole)
    x = flat(training, standardised(whole))
    x_check, y, y_check = (
        flat(validation, standardised(whole)),
        training.labels(),
        validation.labels(),
    )
    centre, offset = x.mean(axis=0), y.mean(axis=0)
    errors, every = [], []
    for strength in 10.0 ** np.arange(7):
        # w = (X'X + λI)⁻¹ X'y with centred X and y
        gram = (x - centre).T @ (x - centre) + strength * np.eye(T * F)
        weights = np.linalg.solve(gram, (x - centre).T @ (y - offset))
        every.append((x_check - centre) @ weights + offset)
        errors.append(np.mean((every[-1] - y_check) ** 2))
    best = int(np.argmin(errors))
    np.testing.assert_allclose(model.predict(validation).answers, every[best], atol=1e-5)


def test_ridge_is_scikit_learn_s_own() -> None:
    whole = windows(noise=0.5)
    training, _ = parts(whole)
    model = fitted("linear", whole)
    assert isinstance(model, Linear)
    x = flat(training, standardised(whole))
    near = [
        np.abs(Ridge(10.0**power).fit(x, training.labels()).coef_ - model.weights).max()
        for power in range(7)
    ]
    assert min(near) < 1e-5
    assert model.parameters == 2 * T * F + 2


def test_the_strength_follows_the_validation_part() -> None:
    # A signal in the training part that the validation part contradicts wants no weights at all;
    # one that it repeats wants them whole.
    whole = windows(noise=0.01)
    training, validation = parts(whole)
    against = replace(validation, targets=-validation.labels())
    kept = Linear(design("linear"), 1).fit(training, validation)
    shrunk = Linear(design("linear"), 1).fit(training, against)
    assert np.abs(shrunk.weights).max() < 0.01 * np.abs(kept.weights).max()
    np.testing.assert_allclose(kept.predict(validation).answers, validation.labels(), atol=0.1)


def test_the_strongest_shrinkage_answers_the_mean() -> None:
    whole = windows()
    training, validation = parts(whole)
    against = replace(validation, targets=-100 * validation.labels())
    model = Linear(design("linear"), 1).fit(training, against)
    mean = training.labels().mean(axis=0)
    assert np.abs(model.predict(validation).answers - mean).max() < 0.01


def test_a_restored_ridge_answers_to_the_bit() -> None:
    whole = windows()
    model = fitted("linear", whole)
    again = Linear(design("linear"), 1).restore(model.arrays() or {})
    np.testing.assert_array_equal(again.predict(whole).answers, model.predict(whole).answers)
    assert again.parameters == model.parameters


@pytest.mark.parametrize("name", ["random_forest", "gradient_boosting"])
def test_trees_are_not_kept_but_fitted_again(name: str) -> None:
    whole = windows()
    one, other = fitted(name, whole), fitted(name, whole)
    assert one.arrays() is None
    assert one.parameters == other.parameters
    assert one.parameters is not None
    assert one.parameters > 10
    np.testing.assert_array_equal(one.predict(whole).answers, other.predict(whole).answers)


# All of them


@EACH
def test_it_learns_what_there_is_to_learn(name: str) -> None:
    whole = windows(600)
    model = fitted(name, whole)
    _, validation = parts(whole)
    missed = np.mean((model.predict(validation).answers - validation.labels()) ** 2, axis=0)
    # guessing the mean costs the targets' variance, about 2 and 1
    assert (missed < 0.75 * validation.labels().var(axis=0)).all()


@EACH
def test_an_answer_is_the_same_to_the_bit_asked_alone_and_together(name: str) -> None:
    whole = windows()
    model = fitted(name, whole)
    together = model.predict(whole).answers
    for place in (0, 7, len(whole) - 1):
        alone = model.predict(whole.take(np.array([place]))).answers
        np.testing.assert_array_equal(alone, together[[place]])
    order = np.random.default_rng(0).permutation(len(whole))
    np.testing.assert_array_equal(model.predict(whole.take(order)).answers, together[order])


@EACH
def test_an_answer_does_not_depend_on_how_many_are_computed_at_a_time(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = windows()
    model = fitted(name, whole)
    together = model.predict(whole).answers
    monkeypatch.setattr(estimators, "_CHUNK_CELLS", 7 * T * F)
    np.testing.assert_array_equal(model.predict(whole).answers, together)


@EACH
def test_an_answer_depends_on_the_rows_of_its_window_alone(name: str) -> None:
    whole = windows()
    model = fitted(name, whole)
    end = int(whole.ends[50])
    changed = whole.rows.copy()
    changed[: end - T + 1], changed[end + 1 :] = 1e6, np.nan
    one = whole.take(np.array([50]))
    np.testing.assert_array_equal(
        model.predict(replace(one, rows=changed)).answers, model.predict(one).answers
    )


@EACH
def test_no_window_is_answered_with_no_row_of_as_many_targets(name: str) -> None:
    whole = windows()
    none, model = whole.take(np.arange(0)), fitted(name, whole)
    assert model.predict(none).answers.shape == (0, 2)
    if kept := model.arrays():
        again = make_forecaster(name, design(name), 1).restore(kept)
        assert again.predict(none).answers.shape == (0, 2)


@EACH
def test_one_target_and_several_have_a_column_each(name: str) -> None:
    for targets in (1, 2):
        whole = windows(targets=targets)
        assert fitted(name, whole).predict(whole).answers.shape == (len(whole), targets)


@EACH
def test_a_column_that_does_not_move_does_no_harm(name: str) -> None:
    whole = windows()
    rows = whole.rows.copy()
    rows[:, 2] = 7.0
    assert np.isfinite(fitted(name, replace(whole, rows=rows)).predict(whole).answers).all()


@EACH
def test_labels_that_do_not_move_are_answered(name: str) -> None:
    whole = windows()
    still = replace(whole, targets=np.full((len(whole), 2), 0.25))
    answers = fitted(name, still).predict(whole).answers
    np.testing.assert_allclose(answers, 0.25, atol=1e-9)


@EACH
def test_a_direction_is_learnt_as_one_and_minus_one(name: str) -> None:
    whole = windows(600, noise=0.0)
    signs = replace(whole, targets=np.where(whole.labels() > 0, 1.0, -1.0))
    model = fitted(name, signs, "forecaster.target=direction", target="direction")
    _, validation = parts(signs)
    answers = model.predict(validation).answers
    assert (np.abs(answers) < 3).all()
    assert (np.sign(answers) == validation.labels()).mean() > 0.7


@pytest.mark.parametrize("scaling", ["standard", "minmax", "window"])
@EACH
def test_a_close_is_answered_in_price(name: str, scaling: str) -> None:
    whole = windows(500)
    prices = replace(whole, rows=np.abs(whole.rows) + 1, targets=whole.last_close[:, None] * 1.01)
    model = fitted(name, prices, target="scaled_close", scaling=scaling)
    training, _ = parts(prices)
    answers = model.predict(training).answers
    ratio = answers / training.labels()
    assert ratio.mean() == pytest.approx(1.0, abs=0.06)
    assert (np.abs(ratio - 1) < 0.5).all()


def test_a_forest_cannot_leave_the_range_that_it_saw() -> None:
    # Training prices from 100 to 200; what is asked lies above all of them.
    closes = np.linspace(100.0, 300.0, 240)
    ends = np.arange(T, 239)
    targets = closes[ends + 1][:, None]
    deviation = np.full(len(ends), 0.02)
    whole = Windows(
        closes[:, None], np.log(closes), ends, T, targets, deviation, targets, np.arange(len(ends))
    )
    training, later = parts(whole, 0.5)
    options = design("random_forest", target="scaled_close", scaling="minmax")
    forest = RandomForest(options, 0).fit(training, training)
    assert forest.predict(later).answers.max() <= training.labels().max()
    assert later.labels().min() > training.labels().max() - 5
    line = Linear(options, 0).fit(training, training)
    assert line.predict(later).answers[-1, 0] == pytest.approx(300.0, abs=5)


# Very many windows


def test_of_too_many_windows_evenly_spaced_ones_are_learnt_from_the_newest_among_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = windows(300)
    seen: list[int] = []

    class Counting(Linear):
        def learn(self, x: np.ndarray, y: np.ndarray, *check: np.ndarray) -> None:
            seen.append(len(x))
            np.testing.assert_array_equal(y, expected)
            super().learn(x, y, *check)

    training, validation = parts(whole)
    # 236 windows of 12 cells; room for 100 windows: every third, counted from the newest
    monkeypatch.setattr(estimators, "MOST_CELLS", 100 * T * F)
    expected = training.labels()[::-1][::3][::-1]
    Counting(design("linear"), 0).fit(training, validation)
    assert seen == [79]
    assert 79 * T * F <= estimators.MOST_CELLS


def test_as_many_as_there_is_room_for_are_all_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = windows(300)
    training, validation = parts(whole)
    want = Linear(design("linear"), 0).fit(training, validation)
    monkeypatch.setattr(estimators, "MOST_CELLS", len(training) * T * F)
    same = Linear(design("linear"), 0).fit(training, validation)
    np.testing.assert_array_equal(same.weights, want.weights)
