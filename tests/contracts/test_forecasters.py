"""The contract that every forecaster of the registry keeps, for every target and horizon."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core import columns
from cryptobt.core.settings import Settings
from cryptobt.core.time import DAY
from cryptobt.core.types import Forecasts
from cryptobt.data.sample import simulate
from cryptobt.features.sets import compute
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.registry import FORECASTERS, TREND_ONLY, find_forecaster
from cryptobt.forecasters.walkforward import ask, make_samples
from cryptobt.records.content import ContentStore
from tests.forecasters.small import forecast_of, in_process, small

PACKAGE = Path(__file__).parents[2] / "cryptobt"
MARKET = simulate("X", 520, seed=11).market
HORIZONS = (1, 3)
TARGETS = ("trend", "next_return", "direction", "scaled_close")
SETTINGS = (
    "features.set=close",
    f"forecaster.horizon_bars={list(HORIZONS)}",
    "forecaster.target_heads=[[3, 10]]",
    "forecaster.window_bars=5",
    "walkforward.min_train_rows=60",
    "walkforward.refit_days=200",
    "training.epochs=1",
    "net.units=4",
    "net.filters=4",
)
EACH = pytest.mark.parametrize("name", sorted(FORECASTERS))
OF_TARGETS = pytest.mark.parametrize("target", TARGETS)


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    with in_process():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Forecasts]:
    """Forecasts that were made already, by forecaster and target."""
    return {}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ContentStore:
    return ContentStore(tmp_path_factory.mktemp("folds"))


def settings_for(target: str, *more: str) -> Settings:
    return small(*SETTINGS, f"forecaster.target={target}", *more)


def forecasts(
    name: str, target: str, store: ContentStore, made: dict[tuple[str, str], Forecasts]
) -> pd.DataFrame:
    if (name, target) not in made:
        made[name, target] = forecast_of(MARKET, name, settings_for(target), store)
    return made[name, target].frame


Made = dict[tuple[str, str], Forecasts]


@OF_TARGETS
@EACH
def test_the_frame_has_the_contract_s_columns_and_types(
    name: str, target: str, store: ContentStore, made: Made
) -> None:
    frame = forecasts(name, target, store, made)
    assert tuple(frame.columns) == columns.FORECASTS
    for column in ("time", "made_at", "target_at", "trained_until", "fold"):
        assert isinstance(frame[column].dtype, pd.DatetimeTZDtype), column
        assert str(frame[column].dt.tz) == "UTC", column
    for column in ("score", "mean", "p_up", "q05", "q50", "q95", "seed_spread"):
        assert frame[column].dtype == np.float64, column
    assert frame["horizon_bars"].dtype == np.int64
    assert all(isinstance(value, str) for value in frame["model_id"].unique())
    assert not frame.duplicated(["time", "symbol", "model_id", "horizon_bars"]).any()


@OF_TARGETS
@EACH
def test_a_score_is_never_missing_and_nothing_is_known_too_early(
    name: str, target: str, store: ContentStore, made: Made
) -> None:
    frame = forecasts(name, target, store, made)
    assert np.isfinite(frame["score"]).all()
    assert (frame["made_at"] == frame["time"] + DAY).all()
    assert (frame["target_at"] == frame["made_at"] + frame["horizon_bars"] * DAY).all()
    assert (frame["trained_until"] <= frame["made_at"]).all()
    assert (frame["fold"] <= frame["time"]).all()
    calibrated = frame.dropna(subset="mean")
    assert len(calibrated), "long enough to be calibrated"
    assert calibrated["p_up"].between(0, 1).all()
    assert (calibrated["q05"] <= calibrated["q50"]).all()
    assert (calibrated["q50"] <= calibrated["q95"]).all()
    assert frame[frame["mean"].isna()][["p_up", "q05", "q50", "q95"]].isna().all(axis=None)


@OF_TARGETS
@EACH
def test_every_forecaster_has_a_row_of_every_horizon_at_every_bar(
    name: str, target: str, store: ContentStore, made: Made
) -> None:
    frame = forecasts(name, target, store, made)
    shown = {name, TREND_ONLY}
    if find_forecaster(name).trained:
        shown |= {f"{name}_net"}
    assert set(frame["forecaster"]) == shown
    counts = frame.groupby(["forecaster", "time"])["horizon_bars"].agg(tuple)
    assert set(counts) == {HORIZONS}
    times = frame[frame["forecaster"] == name]["time"].drop_duplicates()
    first = MARKET.times.searchsorted(times.iloc[0])
    assert times.tolist() == MARKET.times[first:].tolist()


@pytest.mark.parametrize("target", ["next_return", "scaled_close"])
@EACH
def test_who_answers_returns_answers_one_for_each_horizon(
    name: str, target: str, store: ContentStore
) -> None:
    settings, spec = settings_for(target), find_forecaster(name)
    samples = make_samples(MARKET, compute("close", MARKET), settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    answers = ask(spec, samples, folds, settings, store, lambda _: None)
    asked = np.concatenate([fold.predicted for fold in folds])
    assert answers.rows.tolist() == asked.tolist()
    assert answers.returns.shape == (len(asked), len(HORIZONS))
    says_returns = spec.trained or spec.answers == "return"
    assert np.isfinite(answers.returns).all() == says_returns
    assert np.isfinite(answers.z).all()
    assert answers.parameters is None or answers.parameters >= 0


@pytest.mark.parametrize("losses", [["huber"], ["pinball"], ["bce"], ["mse", "bce", "pinball"]])
@pytest.mark.parametrize("target", ["trend", "next_return", "direction"])
def test_every_loss_can_be_learnt_by(target: str, losses: list[str], store: ContentStore) -> None:
    settings = settings_for(target, f"training.losses={losses}")
    frame = forecast_of(MARKET, "cnn3", settings, store).frame
    assert np.isfinite(frame["score"]).all()
    assert set(frame["forecaster"]) == {"cnn3", "cnn3_net", TREND_ONLY}


@pytest.mark.parametrize("name", ["linear", "lstm", "drift"])
def test_seeing_everything_sees_the_future_and_the_default_does_not(
    name: str, store: ContentStore
) -> None:
    # Every one of the last fifty closes is ten times higher: what an early bar is answered with
    # changes where the scaler has seen them, and in no bit where it has not.
    bars = MARKET.bars.copy()
    bars.iloc[-50:] *= 10
    bars["volume"] = MARKET.bars["volume"]
    other = MARKET.__class__(MARKET.symbol, MARKET.interval, MARKET.source, bars)
    early = MARKET.times[-51]

    def rows(market: object, sees: str) -> pd.DataFrame:
        settings = settings_for("scaled_close", f"features.scaler_sees={sees}")
        frame = forecast_of(market, name, settings, store).frame  # type: ignore[arg-type]
        own = frame[(frame["forecaster"] == name) & (frame["time"] < early)]
        return own[["time", "horizon_bars", "score", "mean"]].reset_index(drop=True)

    pd.testing.assert_frame_equal(
        rows(MARKET, "training"), rows(other, "training"), check_exact=True
    )
    leaked = rows(MARKET, "everything")["score"] != rows(other, "everything")["score"]
    assert leaked.any() == find_forecaster(name).trained


def test_nothing_is_ever_unpickled() -> None:
    # Of HDF5 files alone, whose library unpickles unasked: there it is what holds it off.
    door = PACKAGE / "data" / "unpickling.py"
    words = r"\bimport (pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\b|\bfrom (pickle|dill|cloudpickle|joblib|shelve) import|\bjoblib\.|torch\.(load|save)\b|allow_pickle|read_pickle|to_pickle"  # noqa: E501
    found = {
        f"{path.relative_to(PACKAGE)}: {hit[0]}"
        for path in PACKAGE.rglob("*.py")
        if path != door
        for hit in re.finditer(words, path.read_text(encoding="utf-8"))
    }
    # Between two processes of one audit, as multiprocessing does it; and words that are looked for
    # in a user's code.
    words_looked_for = {f"jobs/audits/shapes.py: {word}" for word in ("read_pickle", "to_pickle")}
    assert found - words_looked_for == {"jobs/audits/apart.py: import pickle"}
