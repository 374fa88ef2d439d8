"""What is planted is found, what is not used is worth exactly nothing, and nothing is changed."""

from dataclasses import replace

import numpy as np
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.forecasters.deletion import SHARES, choose, delete_features, delete_lags
from cryptobt.forecasters.examine import (
    Findings,
    Question,
    answers_calls,
    answers_log_odds,
    examine_fit,
    repeats_for,
)
from cryptobt.forecasters.importance import (
    correlated_groups,
    far_donors,
    has_far_donors,
    lag_groups,
    permute_features,
    permute_lags,
)
from cryptobt.forecasters.protocol import Windows

from .planted import FEATURES, LENGTH, ReadsOneCell, fitted, parts, planted

COLUMN, LAG = 2, 3
ALONE = tuple((column,) for column in range(FEATURES))
LAGS = tuple((lag,) for lag in range(LENGTH))
QUESTION = Question((*ALONE, (0, 1)), LAGS, repeats=2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def windows() -> Windows:
    return planted(COLUMN, LAG)


@pytest.fixture(scope="module", params=["linear", "gru", "dual_attention"])
def found(request: pytest.FixtureRequest, windows: Windows) -> Findings:
    model = fitted(request.param, windows)
    return examine_fit(model, parts(windows)[2], QUESTION, rng())


# A planted signal


def test_the_planted_feature_ranks_first(found: Findings) -> None:
    means = found.features[:, :FEATURES].mean(axis=0)
    assert means.argmax() == COLUMN
    others = np.delete(means, COLUMN)
    assert means[COLUMN] > 5 * np.abs(others).max()


def test_the_planted_lag_peaks(found: Findings) -> None:
    means = found.lags.mean(axis=0)
    assert means.argmax() == LAG
    assert means[LAG] > 3 * np.delete(means, LAG).max()


def test_the_gain_of_a_perfect_reader_is_twice_the_variance_of_the_feature(
    windows: Windows,
) -> None:
    # target = x + noise, answer = x', x and x' independent with variance 1:
    # E(x' - x - noise)^2 - E(noise)^2 = 1 + 1 = 2
    found = examine_fit(ReadsOneCell(COLUMN, LAG), windows, QUESTION, rng())
    assert found.features[:, COLUMN].mean() == pytest.approx(2.0, abs=0.25)
    assert found.lags[:, LAG].mean() == pytest.approx(2.0, abs=0.25)
    assert found.errors.mean() == pytest.approx(0.25, abs=0.05)


def test_log_odds_are_known_by_the_losses_of_a_network() -> None:
    assert answers_log_odds({"losses": [], "target": "direction"})
    assert answers_log_odds({"losses": ["bce", "pinball"], "target": "next_return"})
    assert not answers_log_odds({"losses": ["bce", "mse"], "target": "direction"})
    assert not answers_log_odds({"losses": [], "target": "trend"})
    assert not answers_log_odds({"target": "direction"})
    assert answers_calls({"target": "direction"})
    assert not answers_calls({"losses": ["mse"], "target": "next_return"})


def test_an_answer_that_is_no_number_is_refused(windows: Windows) -> None:
    rows = windows.rows.copy()
    rows[50, COLUMN] = np.inf
    with pytest.raises(UsageError, match="not finite"):
        examine_fit(ReadsOneCell(COLUMN, LAG), replace(windows, rows=rows), QUESTION, rng())


# What is not used


def test_what_a_forecaster_does_not_read_is_worth_exactly_nothing(windows: Windows) -> None:
    found = examine_fit(ReadsOneCell(COLUMN, LAG), windows, QUESTION, rng())
    assert not np.delete(found.features, COLUMN, axis=1).any()
    assert not np.delete(found.lags, LAG, axis=1).any()


def test_a_feature_that_a_network_gives_no_weight_is_worth_exactly_nothing(
    windows: Windows,
) -> None:
    model = fitted("gru", windows)
    arrays = {name: array.copy() for name, array in (model.arrays() or {}).items()}
    (inputs,) = (name for name in arrays if name.endswith("weight_ih_l0"))
    arrays[inputs][:, 4] = 0.0
    found = examine_fit(model.restore(arrays), parts(windows)[2], QUESTION, rng())
    assert not found.features[:, 4].any()
    assert found.features[:, COLUMN].any()


# How things are moved


def test_moving_changes_nothing_that_was_given(windows: Windows) -> None:
    rows, ends = windows.rows.copy(), windows.ends.copy()
    donors = far_donors(windows, rng())
    permute_features(windows, (0, 3), donors)
    permute_lags(windows, (1,), donors)
    assert (windows.rows == rows).all()
    assert (windows.ends == ends).all()


def cells(windows: Windows) -> np.ndarray:
    return windows.rows[windows.ends[:, None] + np.arange(1 - windows.length, 1)]


def test_a_window_keeps_a_whole_stretch_of_what_is_moved_and_all_else(windows: Windows) -> None:
    donors = far_donors(windows, rng())
    before, after = cells(windows), cells(permute_features(windows, (0, 3), donors))
    assert (after[:, :, [0, 3]] == before[donors][:, :, [0, 3]]).all()
    assert (after[:, :, [1, 2, 4]] == before[:, :, [1, 2, 4]]).all()


def test_only_the_bars_of_the_lag_are_replaced_by_those_of_the_same_lag(windows: Windows) -> None:
    donors = far_donors(windows, rng())
    before, after = cells(windows), cells(permute_lags(windows, (0, 2), donors))
    replaced = [LENGTH - 1, LENGTH - 3]
    assert (after[:, replaced] == before[donors][:, replaced]).all()
    kept = [place for place in range(LENGTH) if place not in replaced]
    assert (after[:, kept] == before[:, kept]).all()


def test_the_labels_prices_and_places_of_windows_stay(windows: Windows) -> None:
    moved = permute_features(windows, (0,), far_donors(windows, rng()))
    assert (moved.labels() == windows.labels()).all()
    assert (moved.slots == windows.slots).all()
    assert (moved.last_close == windows.last_close).all()


@pytest.mark.parametrize("count", [2 * LENGTH, 40, 301])
@pytest.mark.parametrize("seed", range(5))
def test_a_window_and_its_donor_share_no_bar(windows: Windows, count: int, seed: int) -> None:
    few = windows.take(np.arange(count))
    donors = far_donors(few, rng(seed))
    assert sorted(donors) == list(range(count))
    assert np.abs(few.ends - few.ends[donors]).min() >= LENGTH
    assert has_far_donors(few)
    # two blocks that change places: one step back at most
    assert (np.diff(donors) != 1).sum() <= 1


def test_of_spaced_windows_fewer_lie_between_a_window_and_its_donor(windows: Windows) -> None:
    spaced = windows.take(np.arange(0, 12, 3))
    donors = far_donors(spaced, rng())
    assert np.abs(spaced.ends - spaced.ends[donors]).min() >= 6
    assert not has_far_donors(spaced)


def test_two_windows_change_places(windows: Windows) -> None:
    assert far_donors(windows.take(np.arange(2)), rng()).tolist() == [1, 0]


def test_equal_seeds_find_the_same_and_others_something_else(windows: Windows) -> None:
    asked, model = windows.take(np.arange(200)), ReadsOneCell(COLUMN, LAG)
    first, again, other = (examine_fit(model, asked, QUESTION, rng(s)) for s in (1, 1, 2))
    assert (first.features == again.features).all()
    assert (first.lags == again.lags).all()
    assert first.features[:, COLUMN].mean() != other.features[:, COLUMN].mean()


def test_more_seeds_need_fewer_moves_each() -> None:
    assert [repeats_for(seeds) for seeds in (1, 2, 3, 4, 10)] == [4, 2, 2, 1, 1]


# Groups


def test_features_that_tell_the_same_are_one_group() -> None:
    x, y, z = rng().normal(size=(3, 500))
    rows = np.column_stack([x, y, -np.exp(x), z, y + 0.1 * z])
    assert correlated_groups(rows) == [(0, 2), (1, 4), (3,)]


def test_every_two_features_of_a_group_are_alike() -> None:
    # b is like a and like c, a and c are not alike: no chain makes them one group
    a, c = rng().normal(size=(2, 2000))
    groups = correlated_groups(np.column_stack([a, a + c, c]), least=0.6)
    assert len(groups) == 2
    assert (0, 2) not in groups


def test_a_column_that_does_not_move_is_alone() -> None:
    x = rng().normal(size=300)
    assert correlated_groups(np.column_stack([x, np.ones(300), 2 * x])) == [(0, 2), (1,)]
    assert correlated_groups(x[:, None]) == [(0,)]


def test_long_windows_are_asked_by_stretches_of_lags() -> None:
    assert lag_groups(4) == [(0,), (1,), (2,), (3,)]
    assert lag_groups(256)[1] == tuple(range(8, 16))
    assert len(lag_groups(256)) == 32
    assert lag_groups(70)[-1] == (69,)


# Deletion


def test_choices_mark_the_places_they_name() -> None:
    weights = np.array([[0.1, 0.5, 0.2, 0.2], [0.4, 0.3, 0.2, 0.1]])
    marked = {c: choose(weights, 2, c, rng()) for c in ("most", "least", "newest", "random")}  # type: ignore[arg-type]
    assert marked["most"].tolist() == [[False, True, True, False], [True, True, False, False]]
    assert marked["least"].tolist() == [[True, False, True, False], [False, False, True, True]]
    assert marked["newest"].tolist() == [[False, False, True, True]] * 2
    assert marked["random"].sum(axis=1).tolist() == [2, 2]


def test_attention_at_the_bar_that_is_read_changes_the_answers_and_elsewhere_does_not(
    windows: Windows,
) -> None:
    at = ReadsOneCell(COLUMN, LAG, attends=LAG)
    there = delete_lags(at, windows, at.predict(windows), 2, rng())
    off = ReadsOneCell(COLUMN, LAG, attends=LAG + 2)
    elsewhere = delete_lags(off, windows, off.predict(windows), 2, rng())
    assert there is not None
    assert elsewhere is not None
    most, random, least, newest = there.changes[:, 0].mean(axis=0)
    assert most > 4 * random > 0
    assert least == newest == 0
    assert there.losses[:, 0, 0].mean() > 1
    assert elsewhere.changes[:, 0, 0].max() == 0


def test_gates_are_tested_as_attention_is(windows: Windows) -> None:
    model = ReadsOneCell(COLUMN, LAG, lets_in=COLUMN)
    found = delete_features(model, windows, model.predict(windows), 2, rng())
    assert found is not None
    assert found.changes.shape == (len(windows), len(SHARES), 3)
    most, random, least = found.changes[:, 0].mean(axis=0)
    assert most > 3 * random > 0
    assert least == 0


def test_a_forecaster_without_attention_and_gates_has_nothing_to_delete_by(
    windows: Windows,
) -> None:
    for name in ("linear", "gru"):
        model = fitted(name, windows)
        found = examine_fit(model, parts(windows)[2], Question((), (), 1), rng())
        assert found.attention is None
        assert found.gates is None
