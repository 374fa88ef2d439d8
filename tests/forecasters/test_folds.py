"""Walk-forward folds: anchored, purged, and never a bar forecast twice."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptobt.core.errors import DataInvalidError
from cryptobt.core.settings import ForecasterSettings, WalkforwardSettings
from cryptobt.core.time import DAY
from cryptobt.features.windows import window_ends
from cryptobt.forecasters.folds import Samples, plan_folds

START = pd.Timestamp("2015-01-01", tz="UTC")


def samples_at(
    times: pd.DatetimeIndex, length: int = 5, ahead: int = 3, interval: pd.Timedelta = DAY
) -> Samples:
    zeros = np.zeros((len(times), 1))
    ends = window_ends(zeros, times, interval, length)
    return Samples(
        times, interval, zeros, zeros[:, 0], zeros[:, 0], zeros, zeros, ends, length, ahead
    )


def days(count: int, gaps: set[int] = frozenset(), skip: int = 0) -> pd.DatetimeIndex:  # type: ignore[assignment]
    numbers = [n for n in range(skip, count) if n not in gaps]
    return pd.DatetimeIndex([START + DAY * n for n in numbers])


def walk(**changes: Any) -> WalkforwardSettings:
    return WalkforwardSettings(**({"refit_days": 40, "min_train_rows": 50} | changes))


def plan(samples: Samples, purge: int = 4, **changes: Any) -> list[Any]:
    return plan_folds(samples, ForecasterSettings(purge_bars=purge), walk(**changes))


gaps = st.sets(st.integers(1, 399), max_size=15)
shapes = st.tuples(st.integers(2, 20), st.integers(1, 12), st.integers(0, 20))


@settings(max_examples=60)
@given(gaps, shapes, st.integers(7, 120), st.sampled_from(["expanding", 90, 200]))
def test_no_target_that_is_learnt_from_reaches_the_fold_or_its_validation(
    holes: set[int], shape: tuple[int, int, int], refit_days: int, history: Any
) -> None:
    length, ahead, purge = shape
    samples = samples_at(days(400, holes), length, ahead)
    try:
        folds = plan(samples, purge, refit_days=refit_days, history=history)
    except DataInvalidError:
        return
    times = samples.times
    for fold in folds:
        learnt = np.concatenate([fold.training, fold.validation])
        assert (times[learnt + ahead] + DAY <= fold.date).all(), "a label is not known yet"
        assert (learnt + max(purge, ahead) < fold.stop).all(), "the purge is too short"
        assert (times[learnt + ahead] - times[learnt] == ahead * DAY).all(), "a label spans a gap"
        assert (learnt - length >= fold.first).all(), "a window begins before the fold's rows"
        if history != "expanding":
            assert times[fold.first] >= fold.date - history * DAY
        if len(fold.validation) and len(fold.training):
            reach = fold.training.max() + max(purge, ahead)
            assert reach < fold.validation.min(), "a training label reaches the validation part"


@settings(max_examples=60)
@given(gaps, shapes, st.integers(7, 120))
def test_predicted_bars_partition_the_time_from_the_first_fold_on(
    holes: set[int], shape: tuple[int, int, int], refit_days: int
) -> None:
    length, ahead, purge = shape
    samples = samples_at(days(400, holes), length, ahead)
    try:
        folds = plan(samples, purge, refit_days=refit_days)
    except DataInvalidError:
        return
    predicted = np.concatenate([fold.predicted for fold in folds])
    begin = samples.times.searchsorted(folds[0].date)
    assert predicted.tolist() == samples.ends[samples.ends >= begin].tolist()
    for fold in folds:
        asked = samples.times[fold.predicted]
        assert ((asked >= fold.date) & (asked < fold.date + refit_days * DAY)).all()
        assert (asked[:1] >= samples.times[fold.stop - 1] + DAY).all(), "it saw what it forecasts"


@settings(max_examples=30)
@given(st.integers(0, 150), st.integers(7, 120), st.sampled_from(["2000-01-01", "2015-06-05"]))
def test_fold_dates_do_not_depend_on_what_was_loaded(
    skip: int, refit_days: int, anchor: str
) -> None:
    whole = plan(samples_at(days(500)), refit_days=refit_days, anchor=anchor)
    part = plan(samples_at(days(500, skip=skip)), refit_days=refit_days, anchor=anchor)
    dates = [fold.date for fold in whole]
    assert [fold.date for fold in part] == dates[len(dates) - len(part) :]
    first = pd.Timestamp(anchor, tz="UTC")
    assert all((date - first) % (refit_days * DAY) == pd.Timedelta(0) for date in dates)


@settings(max_examples=30)
@given(gaps, st.integers(250, 400))
def test_later_bars_change_no_earlier_fold(holes: set[int], cut: int) -> None:
    times = days(400, holes)
    whole, part = samples_at(times), samples_at(times[times < START + DAY * cut])
    early = {fold.name: fold for fold in plan(part)}
    for fold in plan(whole):
        if fold.name in early:
            ours = early[fold.name]
            assert (ours.first, ours.stop) == (fold.first, fold.stop)
            np.testing.assert_array_equal(ours.training, fold.training)
            np.testing.assert_array_equal(ours.validation, fold.validation)
            np.testing.assert_array_equal(
                ours.predicted, fold.predicted[fold.predicted < len(part.times)]
            )


def test_a_fold_by_hand() -> None:
    # 130 bars from 1 January 2015, refit every 40 days from that day: 10 February, 22 March
    # (bar 80), 1 May (bar 120). Windows of 5 end from bar 5 on; labels look 3 bars ahead, purge 4.
    folds = plan(samples_at(days(130)), anchor="2015-01-01")
    assert [fold.name for fold in folds] == ["2015-03-22T00:00:00Z", "2015-05-01T00:00:00Z"]
    fold = folds[0]
    assert (fold.first, fold.stop) == (0, 80)
    # Bars 5 … 75 (80 − 4 excluded) make 71; 15 % of them, 11, validate: 65 … 75; training stops
    # 4 before: 5 … 60.
    assert fold.validation.tolist() == list(range(65, 76))
    assert fold.training.tolist() == list(range(5, 61))
    assert fold.predicted.tolist() == list(range(80, 120))
    assert folds[1].predicted.tolist() == list(range(120, 130))


def test_a_bar_still_open_at_the_date_is_not_seen() -> None:
    # Four-hour bars: the one that opens at 20:00 closes at the fold's date and is seen.
    interval = pd.Timedelta(hours=4)
    times = pd.date_range(START, periods=600, freq=interval)
    fold = plan(samples_at(times, interval=interval), anchor="2015-01-01", refit_days=50)[0]
    assert samples_at(times).times[fold.stop - 1] + interval == fold.date
    shifted = times + pd.Timedelta(hours=1)
    later = plan(samples_at(shifted, interval=interval), anchor="2015-01-01", refit_days=50)[0]
    assert shifted[later.stop - 1] == later.date - pd.Timedelta(hours=7)


def test_folds_with_too_few_rows_are_left_out() -> None:
    counted = {
        rows: plan(samples_at(days(400)), min_train_rows=rows, anchor="2015-01-01")[0]
        for rows in (60, 100, 250)
    }
    for rows, fold in counted.items():
        assert len(fold.training) + len(fold.validation) >= rows
    dates = [fold.date for fold in counted.values()]
    assert dates == sorted(set(dates))


def test_too_few_rows_say_how_many_would_do_and_that_many_do() -> None:
    with pytest.raises(DataInvalidError, match=r"too few rows: 60 bars give 55 usable") as caught:
        plan(samples_at(days(60)), min_train_rows=100)
    found = re.search(r"bring about (\d+) bars", str(caught.value))
    assert found is not None
    assert plan(samples_at(days(int(found[1]))), min_train_rows=100)


def test_no_usable_window_at_all_is_too_few_rows() -> None:
    with pytest.raises(DataInvalidError, match="3 bars give 0 usable windows"):
        plan(samples_at(days(3)))


@settings(max_examples=60)
@given(
    st.sampled_from([0.001, 0.01, 0.15, 0.5, 0.9, 0.99]),
    st.integers(20, 120),
    st.integers(0, 60),
)
def test_a_fold_has_rows_to_learn_from_and_rows_to_validate_with(
    share: float, rows: int, purge: int
) -> None:
    # Every one of these settings is within its documented range.
    try:
        folds = plan(samples_at(days(400)), purge, validation_share=share, min_train_rows=rows)
    except DataInvalidError:
        return
    for fold in folds:
        assert len(fold.training), "nothing to learn from"
        assert len(fold.validation), "nothing to validate with"


def test_windows_are_given_the_rows_of_their_fold_and_no_others() -> None:
    samples = samples_at(days(400))
    numbered = replace(samples, rows=np.arange(400.0)[:, None])
    fold = plan(numbered, history=100, anchor="2015-01-01")[2]
    training, validation = fold.learning(numbered)
    for windows, ends in ((training, fold.training), (validation, fold.validation)):
        assert windows.rows[:, 0].tolist() == list(range(fold.first, fold.stop))
        assert windows.rows[windows.ends, 0].tolist() == ends.tolist()
        assert windows.targets is not None
    asked = fold.forecasting(numbered)
    assert asked.targets is None
    # the bar before the first window gives its first return
    assert asked.rows[0, 0] == fold.predicted[0] - 5
    assert asked.rows[-1, 0] == fold.predicted[-1]
    # A window's slot is its bar's distance from the fold's date, whoever else is asked.
    assert asked.slots.tolist() == list(range(40))


# Labels that cannot be learnt from


def test_a_window_whose_target_or_deviation_is_not_known_is_not_learnt_from() -> None:
    # σ needs twenty bars; features that need none end their first window at bar 5.
    samples = samples_at(days(400))
    deviation = np.full(400, 0.02)
    deviation[:20] = np.nan
    (first, *_) = plan(replace(samples, deviation=deviation))
    assert first.training[0] == 20
    targets = np.zeros((400, 2))
    targets[:30, 1] = np.nan
    (first, *_) = plan(replace(samples, deviation=deviation, targets=targets))
    assert first.training[0] == 30
    assert first.predicted[0] == samples.times.searchsorted(first.date)


# The ways of papers: one split, shuffled validation


def single(samples: Samples, purge: int = 0, **changes: Any) -> Any:
    (fold,) = plan(samples, purge, **({"split": "single"} | changes))
    return fold


def test_one_split_of_70_15_and_15_parts_by_count() -> None:
    # 405 bars: windows of 5 end at bars 5 … 404; the last has no label one bar ahead. Of 399
    # labelled ones 60 (15 %) test: bars 344 … 403, and 404, whose outcome is not known yet. Bars
    # closed by the date are 0 … 343; the one whose label is bar 344 is purged: 5 … 342 are 338.
    # Validation takes 15/85 of these, 60, and training stops one bar, the purge, before it.
    fold = single(samples_at(days(405), ahead=1), test_share=0.15, validation_share=15 / 85)
    assert fold.predicted.tolist() == list(range(344, 405))
    assert fold.validation.tolist() == list(range(283, 343))
    assert fold.training.tolist() == list(range(5, 282))
    assert len(fold.training) / 399 == pytest.approx(0.70, abs=0.01)
    assert fold.date == START + 344 * DAY


@settings(max_examples=40)
@given(gaps, shapes, st.floats(0.05, 0.6), st.sampled_from(["latest", "shuffled"]))
def test_a_single_split_predicts_nothing_that_it_learnt_from(
    holes: set[int], shape: tuple[int, int, int], share: float, validation: str
) -> None:
    length, ahead, purge = shape
    samples = samples_at(days(400, holes), length, ahead)
    try:
        folds = plan(samples, purge, split="single", test_share=share, validation=validation)
    except DataInvalidError:
        return
    (fold,) = folds
    learnt = np.concatenate([fold.training, fold.validation])
    assert (samples.times[learnt + ahead] + DAY <= fold.date).all(), "a label is not known yet"
    assert learnt.max() + max(purge, ahead) < fold.stop <= fold.predicted.min()
    assert len(np.unique(learnt)) == len(learnt)
    assert fold.predicted[-1] == samples.ends[-1]
    labelled = samples.ends[samples.ends + ahead < len(samples.times)]
    tested = np.isin(labelled, fold.predicted).sum()
    # windows that span a gap behind them have no label, and are asked all the same
    assert tested >= round(share * len(labelled)) - ahead * (len(holes) + 1)


def test_a_single_split_without_enough_to_learn_from_says_what_to_change() -> None:
    with pytest.raises(DataInvalidError, match=r"walkforward\.test_share") as caught:
        single(samples_at(days(400)), test_share=0.95)
    assert "refit" not in str(caught.value)


def test_a_single_split_that_tests_nothing_says_so() -> None:
    with pytest.raises(DataInvalidError, match=r"test_share 0\.0001 leaves none to test; raise it"):
        single(samples_at(days(400)), test_share=0.0001)


def test_shuffled_validation_windows_lie_among_those_learnt_from_and_overlap_them() -> None:
    samples = samples_at(days(400))
    honest, flawed = single(samples), single(samples, validation="shuffled")
    # The flaw, on purpose: most of the five bars of a validation window are in training windows.
    near = np.abs(flawed.validation[:, None] - flawed.training[None]).min(axis=1)
    assert (near < 5).mean() > 0.9
    assert flawed.validation.min() < np.median(flawed.training) < flawed.validation.max()
    apart = np.abs(honest.validation[:, None] - honest.training[None]).min(axis=1)
    assert (apart > samples.ahead).all()
    # nothing is purged between the parts, and the test part is the same
    both = np.sort(np.concatenate([flawed.training, flawed.validation]))
    assert both.tolist() == list(range(5, flawed.stop - samples.ahead))
    np.testing.assert_array_equal(flawed.predicted, honest.predicted)


def test_shuffling_is_drawn_from_the_seed() -> None:
    samples = samples_at(days(400))
    drawn = [single(samples, validation="shuffled", seed=seed).validation for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert drawn[0].tolist() != drawn[2].tolist()
    assert all((np.diff(one) > 0).all() for one in drawn)


# Every n-th window


@pytest.mark.parametrize("stride", [2, 3, 7])
def test_every_nth_window_is_learnt_from_the_newest_among_them(stride: int) -> None:
    samples = samples_at(days(400))
    whole = plan(samples, min_train_rows=20)[-1]
    fold = plan(samples, min_train_rows=20, stride_bars=stride)[-1]
    learnt = np.concatenate([fold.training, fold.validation])
    assert learnt[-1] == whole.validation[-1]
    assert set(np.diff(fold.training)) == set(np.diff(fold.validation)) == {stride}
    assert (fold.training[-1] + 4) < fold.validation[0]
    np.testing.assert_array_equal(fold.predicted, whole.predicted)


def test_a_stride_counts_for_the_least_number_of_rows() -> None:
    samples = samples_at(days(400))
    assert len(plan(samples, min_train_rows=50, stride_bars=5)) < len(plan(samples))
    with pytest.raises(DataInvalidError, match="too few rows"):
        plan(samples, min_train_rows=200, stride_bars=5)


# What a scaler sees


def test_everything_is_given_to_a_scaler_only_where_it_is_asked_for() -> None:
    samples = replace(samples_at(days(400)), rows=np.arange(400.0)[:, None])
    fold = plan(samples)[0]
    assert all(part.seen is None for part in fold.learning(samples))
    open_eyed = replace(samples, scaler_sees_all=True)
    for part in fold.learning(open_eyed):
        assert part.seen is not None
        assert part.seen.rows[:, 0].tolist() == list(range(400))
    assert fold.forecasting(open_eyed).seen is None


def test_rows_with_missing_values_are_not_seen_by_a_scaler_that_sees_everything() -> None:
    rows = np.arange(400.0)[:, None]
    rows[[0, 399]] = np.nan
    samples = replace(samples_at(days(400)), rows=rows, scaler_sees_all=True)
    (training, _) = plan(samples)[0].learning(samples)
    assert training.seen is not None
    assert training.seen.rows[:, 0].tolist() == list(range(1, 399))
    assert len(training.seen.log_close) == 398
