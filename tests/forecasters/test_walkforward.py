"""Forecasts from end to end: reproducible, remembered, and independent of what they should be."""

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core import columns
from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.time import DAY, iso
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.sample import sample_market, simulate
from cryptobt.features.sets import compute
from cryptobt.features.targets import known_trend
from cryptobt.forecasters import torch_forecaster
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.forecasters.workers import Progress
from cryptobt.records.content import ContentStore

from .small import first_bars, forecast_of, in_process, small

COIN = simulate("X", 1100, seed=3)
MARKET = COIN.market
TWO_SEEDS = small("walkforward.ensemble_seeds=2")
# A set of features that is ready after 60 bars, and two heads ready after 50, for long histories.
QUICK = ("features.set=paper16", "walkforward.min_train_rows=60", "walkforward.refit_days=100")

Fresh = Callable[[], ContentStore]


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """Make an empty cache at each call."""
    numbers = itertools.count()
    return lambda: ContentStore(tmp_path / str(next(numbers)))


@pytest.fixture
def here() -> Iterator[None]:
    with in_process():
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ContentStore:
    """The cache that the cold run fills."""
    return ContentStore(tmp_path_factory.mktemp("folds"))


@pytest.fixture(scope="module")
def cold(cache: ContentStore) -> Forecasts:
    """All forecasts of the market, made by one worker process."""
    settings = TWO_SEEDS.model_copy(update={"run": TWO_SEEDS.run.model_copy(update={"workers": 1})})
    return forecast_of(MARKET, "dual_attention", settings, cache)


def same(one: Forecasts, other: Forecasts) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame, check_exact=True)


def shared(one: Forecasts, other: Forecasts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the times and forecasters that both have."""
    keys = ["time", "forecaster"]
    frames = [f.frame.drop(columns="model_id").set_index(keys).sort_index() for f in (one, other)]
    common = frames[0].index.intersection(frames[1].index)
    return frames[0].loc[common], frames[1].loc[common]


def folds_of(market: MarketData, settings: Any) -> tuple[Any, list[Any]]:
    samples = make_samples(market, compute(settings.features.set, market), settings)
    return samples, plan_folds(samples, settings.forecaster, settings.walkforward)


class Fits:
    """Counts the fits of networks, whoever asks for them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = torch_forecaster.TorchForecaster.fit

        def counted(model: Any, *windows: Any) -> Any:
            self.count += 1
            return original(model, *windows)

        patch.setattr(torch_forecaster.TorchForecaster, "fit", counted)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch, here: None) -> Fits:
    return Fits(monkeypatch)


# --- the table


def test_the_table_has_the_contract_s_columns_in_order(cold: Forecasts) -> None:
    frame = cold.frame
    assert tuple(frame.columns) == columns.FORECASTS
    assert frame.sort_values(["time", "symbol", "model_id"], ignore_index=True).equals(frame)
    assert set(frame["forecaster"]) == {"dual_attention", "dual_attention_net", "trend_only"}
    assert frame.groupby("forecaster")["model_id"].nunique().eq(1).all()
    assert frame["model_id"].nunique() == 3
    for name in ("time", "made_at", "target_at", "trained_until", "fold"):
        assert isinstance(frame[name].dtype, pd.DatetimeTZDtype), name


def test_every_bar_from_the_first_fold_on_has_one_row_of_each_forecaster(cold: Forecasts) -> None:
    _, folds = folds_of(MARKET, TWO_SEEDS)
    expected = MARKET.times[MARKET.times >= folds[0].date]
    for _, rows in cold.frame.groupby("forecaster"):
        assert rows["time"].tolist() == expected.tolist()


def test_nothing_a_forecast_learnt_from_is_later_than_the_forecast(cold: Forecasts) -> None:
    frame = cold.frame
    assert (frame["trained_until"] <= frame["fold"]).all()
    assert (frame["fold"] <= frame["time"]).all()
    assert (frame["made_at"] == frame["time"] + DAY).all()
    assert (frame["target_at"] == frame["made_at"] + DAY).all()
    assert (frame["trained_until"] <= frame["made_at"]).all()


def test_scores_are_never_missing_and_the_rest_is_until_250_outcomes_are_known(
    cold: Forecasts,
) -> None:
    assert cold.frame["score"].notna().all()
    for _, rows in cold.frame.groupby("forecaster"):
        for name in ("mean", "p_up", "q05", "q50", "q95"):
            # Row i knows the outcomes of the rows before it: 250 of them from row 250 on.
            assert rows[name].isna().tolist() == [i < 250 for i in range(len(rows))]


def test_calibrated_rows_are_possible(cold: Forecasts) -> None:
    rows = cold.frame.dropna(subset=["mean"])
    assert len(rows) > 60
    assert ((rows["p_up"] > 0) & (rows["p_up"] < 1)).all()
    assert ((rows["q05"] < rows["q50"]) & (rows["q50"] < rows["q95"])).all()


def test_only_networks_have_a_spread_of_seeds(cold: Forecasts) -> None:
    spread = cold.frame.groupby("forecaster")["seed_spread"]
    assert spread.apply(lambda s: s.notna().all()).to_dict() == {
        "dual_attention": True,
        "dual_attention_net": True,
        "trend_only": False,
    }


def test_the_mixed_score_is_half_the_network_s_and_half_the_trend_s(cold: Forecasts) -> None:
    mixed, net, trend = (
        cold.of(name, "X")["score"]
        for name in ("dual_attention", "dual_attention_net", "trend_only")
    )
    np.testing.assert_allclose(mixed, 0.5 * net + 0.5 * trend, rtol=1e-12, atol=1e-12)


def test_the_trend_s_score_by_hand(cold: Forecasts) -> None:
    samples, folds = folds_of(MARKET, TWO_SEEDS)
    fold = folds[1]
    trend = known_trend(MARKET.bars, TWO_SEEDS.forecaster.target_heads).mean(axis=1)
    learnt = trend[np.concatenate([fold.training, fold.validation])]
    # (answer − half the training mean) / training deviation
    expected = (trend[fold.predicted] - 0.5 * learnt.mean()) / learnt.std()
    rows = cold.of("trend_only", "X").loc[samples.times[fold.predicted]]
    np.testing.assert_allclose(rows["score"], expected, rtol=1e-12)
    assert set(rows["fold"]) == {fold.date}


def test_the_network_s_score_is_its_answers_over_their_training_deviation(
    cold: Forecasts, cache: ContentStore
) -> None:
    from cryptobt.forecasters.registry import find_forecaster
    from cryptobt.forecasters.tasks import plan_tasks
    from cryptobt.forecasters.torch_forecaster import TorchForecaster

    samples, folds = folds_of(MARKET, TWO_SEEDS)
    tasks = plan_tasks(find_forecaster("dual_attention"), samples, folds, TWO_SEEDS)
    scores = []
    for task in tasks[:2]:
        entry = cache.get(task.fit_key)
        assert entry is not None
        model = TorchForecaster(task.design, task.seed).restore(entry.arrays)
        learnt = np.concatenate(
            [model.predict(w).answers.mean(axis=1) for w in folds[0].learning(samples)]
        ).astype(float)
        asked = model.predict(folds[0].forecasting(samples)).answers.mean(axis=1)
        scores.append((asked - 0.5 * learnt.mean()) / learnt.std())
    rows = cold.of("dual_attention_net", "X").loc[samples.times[folds[0].predicted]]
    np.testing.assert_allclose(rows["score"], np.mean(scores, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rows["seed_spread"], np.std(scores, axis=0, ddof=1), rtol=1e-4)


def test_the_explanation_covers_the_forecasts(cold: Forecasts) -> None:
    explanation = cold.explanations["X"]
    assert explanation.times.tolist() == cold.of("dual_attention", "X").index.tolist()
    assert explanation.gates.shape == (len(explanation.times), 17)
    assert explanation.attention.shape == (len(explanation.times), 2, 30)
    np.testing.assert_allclose(explanation.attention.sum(axis=-1), 1, rtol=1e-5)
    assert len(explanation.feature_names) == 17
    folds = folds_of(MARKET, TWO_SEEDS)[1]
    assert list(explanation.losses) == [iso(fold.date) for fold in folds]
    for losses in explanation.losses.values():
        assert losses["seed"].tolist() == [0, 0, 1, 1]
        assert losses["epoch"].tolist() == [1, 2, 1, 2]
        assert np.isfinite(losses[["train", "validation"]]).all().all()


# --- the same answer, however it is made


def test_two_workers_answer_to_the_bit_as_one(cold: Forecasts, fresh: Fresh) -> None:
    settings = TWO_SEEDS.model_copy(update={"run": TWO_SEEDS.run.model_copy(update={"workers": 2})})
    same(forecast_of(MARKET, "dual_attention", settings, fresh()), cold)


def test_this_process_answers_to_the_bit_as_a_worker(
    cold: Forecasts, fresh: Fresh, here: None
) -> None:
    same(forecast_of(MARKET, "dual_attention", TWO_SEEDS, fresh()), cold)


def test_a_warm_cache_answers_to_the_bit_and_fits_nothing(
    cold: Forecasts, cache: ContentStore
) -> None:
    told: list[Progress] = []
    same(forecast_of(MARKET, "dual_attention", TWO_SEEDS, cache, told.append), cold)
    assert told == []


def test_progress_is_told_for_each_fit(fresh: Fresh, fits: Fits) -> None:
    told: list[Progress] = []
    forecast_of(MARKET, "attention_bilstm", TWO_SEEDS, fresh(), told.append)
    folds = len(folds_of(MARKET, TWO_SEEDS)[1])
    assert fits.count == len(told) == 2 * folds
    assert [p.done for p in told] == list(range(1, 2 * folds + 1))
    assert all(np.isfinite(p.loss) and p.total == 2 * folds for p in told)


def test_a_new_bar_fits_nothing_and_changes_no_earlier_row(fresh: Fresh, fits: Fits) -> None:
    settings, store = small(*QUICK), fresh()
    before = forecast_of(first_bars(COIN, 549), "dual_attention", settings, store)
    first = fits.count
    assert first == len(folds_of(first_bars(COIN, 549), settings)[1])
    told: list[Progress] = []
    after = forecast_of(first_bars(COIN, 550), "dual_attention", settings, store, told.append)
    assert fits.count == first
    assert len(told) == 1, "only the last fold is asked again"
    pd.testing.assert_frame_equal(*shared(before, after), check_exact=True)
    assert after.frame["time"].max() == before.frame["time"].max() + DAY


def test_a_bar_that_begins_a_fold_fits_that_fold_alone(fresh: Fresh, fits: Fits) -> None:
    settings, store = small(*QUICK), fresh()
    samples, folds = folds_of(MARKET, settings)
    bars = int(samples.times.searchsorted(folds[-1].date))
    before = forecast_of(first_bars(COIN, bars), "dual_attention", settings, store)
    first = fits.count
    after = forecast_of(first_bars(COIN, bars + 1), "dual_attention", settings, store)
    assert fits.count == first + 1
    pd.testing.assert_frame_equal(*shared(before, after), check_exact=True)


def test_a_change_of_settings_that_a_fit_sees_fits_again(fresh: Fresh, fits: Fits) -> None:
    store = fresh()
    market = first_bars(COIN, 450)
    counts = []
    changes = [
        "run.out=x",
        "training.dropout=0.1",
        "features.clip=3",
        "net.units=4",
        "forecaster.window_bars=20",
        "walkforward.seed=5",
        "costs.fee_bps=1",
    ]
    for change in changes:
        before = fits.count
        forecast_of(market, "dual_attention", small(*QUICK, change), store)
        counts.append(fits.count > before)
    # costs are no part of a fit: the last one finds what the first one made
    assert counts == [True, True, True, True, True, True, False]


@pytest.mark.parametrize("part", ["fit", "prediction"])
def test_a_damaged_entry_is_made_again_and_said(
    fresh: Fresh, here: None, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    settings, store = small(*QUICK), fresh()
    market = first_bars(COIN, 450)
    good = forecast_of(market, "dual_attention", settings, store)
    for path in list(store.paths()):
        entry = store.get(path.stem)
        assert entry is not None
        if ("centre" in entry.arrays) == (part == "fit"):
            path.write_bytes(path.read_bytes()[:-7])
            break
    with caplog.at_level(logging.WARNING):
        again = forecast_of(market, "dual_attention", settings, store)
    assert "is damaged" in caplog.text
    same(again, good)


def test_seeds_differ_and_leave_the_trend_alone(fresh: Fresh, here: None) -> None:
    market = first_bars(COIN, 450)
    runs = [
        forecast_of(market, "dual_attention", small(*QUICK, f"walkforward.seed={s}"), fresh())
        for s in (0, 1)
    ]
    one, other = (run.of("dual_attention_net", "X")["score"] for run in runs)
    assert (one != other).all()
    one, other = (run.of("trend_only", "X")["score"] for run in runs)
    assert (one == other).all()


def test_the_trend_alone_is_the_trend_beside_a_network(cold: Forecasts, fresh: Fresh) -> None:
    alone = forecast_of(MARKET, "trend_only", TWO_SEEDS, fresh())
    beside = cold.frame[cold.frame["forecaster"] == "trend_only"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.frame, beside, check_exact=True)


# --- the first decision changes no row


def with_start(settings: Any, start: pd.Timestamp) -> Any:
    data = settings.data.model_copy(update={"start": start.isoformat()})
    return settings.model_copy(update={"data": data})


def same_after(full: Forecasts, part: Forecasts, start: pd.Timestamp) -> None:
    expected = full.frame[full.frame["time"] >= start].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.frame, expected, check_exact=True)


def test_a_later_start_gives_the_same_rows(cold: Forecasts, cache: ContentStore) -> None:
    start = MARKET.times[950]
    part = forecast_of(MARKET, "dual_attention", with_start(TWO_SEEDS, start), cache)
    same_after(cold, part, start)
    assert part.explanations["X"].times[0] == start


def test_a_start_that_needs_no_early_fold_skips_it_and_changes_no_row(
    fresh: Fresh, fits: Fits
) -> None:
    settings, start = small(*QUICK), MARKET.times[1050]
    full = forecast_of(MARKET, "attention_bilstm", settings, fresh())
    whole = fits.count
    part = forecast_of(MARKET, "attention_bilstm", with_start(settings, start), fresh())
    assert fits.count - whole < whole, "some folds are not needed"
    same_after(full, part, start)


def test_a_later_start_changes_no_row_of_warm_started_folds_either(
    fresh: Fresh, here: None
) -> None:
    settings = small(*QUICK, "walkforward.warm_start=true")
    start = MARKET.times[1050]
    full = forecast_of(MARKET, "attention_bilstm", settings, fresh())
    part = forecast_of(MARKET, "attention_bilstm", with_start(settings, start), fresh())
    same_after(full, part, start)


@pytest.mark.parametrize("missing", [1, 40])
def test_a_later_start_changes_no_row_across_gaps(fresh: Fresh, missing: int) -> None:
    # Outcomes across a gap are unknown: the 500 latest known ones reach further back.
    settings = small(*QUICK)
    bars = MARKET.bars.drop(MARKET.times[700 : 700 + missing])
    gapped = MarketData("X", DAY, "test", bars)
    full = forecast_of(gapped, "trend_only", settings, fresh())
    for start in gapped.times[1040 - missing :: 3]:
        part = forecast_of(gapped, "trend_only", with_start(settings, start), fresh())
        same_after(full, part, start)


def test_a_start_before_the_first_fold_says_when_it_could_be(fresh: Fresh) -> None:
    folds = folds_of(MARKET, TWO_SEEDS)[1]
    early = with_start(TWO_SEEDS, MARKET.times[300])
    with pytest.raises(DataInvalidError, match=rf"too few rows before .*{folds[0].date:%Y-%m-%d}"):
        forecast_of(MARKET, "trend_only", early, fresh())


def test_a_start_after_the_last_bar_is_refused(fresh: Fresh) -> None:
    late = with_start(TWO_SEEDS, MARKET.times[-1] + DAY)
    with pytest.raises(DataInvalidError, match=r"after the last bar, 2018-01-04"):
        forecast_of(MARKET, "trend_only", late, fresh())


# --- warm starts, targets, short and broken histories


def test_warm_started_folds_begin_from_the_fold_before(fresh: Fresh, here: None) -> None:
    settings = small(*QUICK, "walkforward.warm_start=true")
    market = first_bars(COIN, 550)
    warm = forecast_of(market, "dual_attention", settings, fresh())
    cold = forecast_of(market, "dual_attention", small(*QUICK), fresh())
    one, other = shared(warm, cold)
    network = one.index.get_level_values("forecaster") == "dual_attention_net"
    one, other = one[network], other[network]
    first = one["fold"] == one["fold"].min()
    assert (one["score"][first] == other["score"][first]).all(), "the first fold has no parent"
    assert (one["score"][~first] != other["score"][~first]).all()


def test_a_gap_longer_than_a_fold_leaves_warm_started_forecasts_beside_it(
    fresh: Fresh, here: None
) -> None:
    whole = sample_market("BTC-USD").market
    kept = np.r_[0:1000, 1300:1600]  # a year without bars holds a whole fold of 180 days
    market = replace(whole, bars=whole.bars.iloc[kept])
    settings = small(*QUICK, "walkforward.warm_start=true")
    for name in ("dual_attention", "lstm"):
        made = forecast_of(market, name, settings, fresh())
        times = made.of(name, market.symbol).index
        assert times.max() == market.times[-1]
        assert len(made.explanations[market.symbol].times)


def test_a_damaged_parent_never_leaves_a_cold_fit_under_a_warm_key(
    fresh: Fresh, here: None
) -> None:
    settings = small(*QUICK, "walkforward.warm_start=true")
    market, store = first_bars(COIN, 550), fresh()
    good = forecast_of(market, "dual_attention", settings, store)
    first = iso(good.frame["fold"].min())
    for path in list(store.paths()):
        entry = store.get(path.stem)
        assert entry is not None
        if entry.meta.get("fold") == first:
            path.write_bytes(path.read_bytes()[:-7])
        else:
            path.unlink()
    try:
        again = forecast_of(market, "dual_attention", settings, store)
    except DataInvalidError:  # "run the command again"
        again = forecast_of(market, "dual_attention", settings, store)
    same(again, good)


def test_the_next_return_as_target_leaves_the_trend_out_of_the_score(
    fresh: Fresh, here: None
) -> None:
    settings = small(*QUICK, "forecaster.target=next_return", "forecaster.horizon_bars=3")
    result = forecast_of(first_bars(COIN, 450), "dual_attention", settings, fresh())
    mixed, net = (result.of(n, "X") for n in ("dual_attention", "dual_attention_net"))
    assert (mixed["score"] == net["score"]).all()
    assert (mixed["horizon_bars"] == 3).all()
    assert (mixed["target_at"] == mixed["made_at"] + 3 * DAY).all()


def test_a_bar_whose_window_spans_a_gap_has_no_row(fresh: Fresh) -> None:
    gapped = MarketData("X", DAY, "test", MARKET.bars.drop(MARKET.times[900]))
    times = forecast_of(gapped, "trend_only", small(*QUICK), fresh()).frame["time"]
    missing = set(MARKET.times[850:]) - set(times)
    # the gap itself, and the 30 bars after it whose window, or its first return, would span it
    assert missing == set(MARKET.times[900:931])


def test_too_few_rows_are_refused_with_the_number_needed(fresh: Fresh) -> None:
    with pytest.raises(DataInvalidError, match=r"too few rows: 500 bars give \d+ usable windows"):
        forecast_of(first_bars(COIN, 500), "dual_attention", TWO_SEEDS, fresh())


def test_a_history_whose_only_folds_have_nothing_to_forecast_is_refused(fresh: Fresh) -> None:
    # The first refit falls into a gap, and the few bars after it make no whole window.
    settings = small(*QUICK)
    _, folds = folds_of(MARKET, settings)
    at = int(MARKET.times.searchsorted(folds[0].date))
    bars = MARKET.bars.iloc[: at + 10].drop(MARKET.times[at - 1])
    with pytest.raises(DataInvalidError):
        forecast_of(MarketData("X", DAY, "test", bars), "trend_only", settings, fresh())


def test_a_start_after_the_last_whole_window_is_refused(fresh: Fresh) -> None:
    # Nothing can be forecast from there on: an empty table would fail somewhere less clear.
    gapped = MarketData("X", DAY, "test", MARKET.bars.drop(MARKET.times[1085]))
    settings = with_start(small(*QUICK), MARKET.times[1090])
    with pytest.raises(DataInvalidError):
        forecast_of(gapped, "trend_only", settings, fresh())


@pytest.mark.parametrize("share", [0.001, 0.99])
def test_every_share_of_validation_in_its_range_is_refused_or_works(
    fresh: Fresh, here: None, share: float
) -> None:
    settings = small(*QUICK, f"walkforward.validation_share={share}")
    try:
        result = forecast_of(first_bars(COIN, 450), "dual_attention", settings, fresh())
    except (UsageError, DataInvalidError):
        return
    assert result.frame["score"].notna().all()


def test_an_unknown_forecaster_is_answered_with_the_nearest_one(fresh: Fresh) -> None:
    with pytest.raises(UsageError, match="did you mean 'dual_attention'"):
        forecast_of(MARKET, "dual_atention", TWO_SEEDS, fresh())


def test_a_rolling_history_forgets_what_is_older(fresh: Fresh, here: None) -> None:
    settings = small(*QUICK, "walkforward.history=250")
    changed = MARKET.bars.copy()
    changed.iloc[:100] *= 1.5
    other = MarketData("X", DAY, "test", changed)
    one, two = (
        forecast_of(m, "dual_attention", settings, fresh()).of("dual_attention_net", "X")["score"]
        for m in (MARKET, other)
    )
    late = one.index >= MARKET.times[700]
    np.testing.assert_allclose(one[late], two[late], rtol=1e-3, atol=1e-3)
    assert (one.iloc[:50] != two.iloc[:50]).any()
