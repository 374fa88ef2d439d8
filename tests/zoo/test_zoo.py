"""The zoo is what its catalogue says: each leak depends on later bars, each look-alike does not.

No detector is asked here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from .animal import HERE, Animal
from .catalogue import CLEAN, LEAKS
from .truth import Asked, Features, columns_of, decides_alike, modules_left_as_they_were, orders_of
from .worlds import World, world

REMEMBER = {"cached_by_name", "cached_on_disk", "fitted_once", "answers_remembered"}
"""Leaks that show only when something else was asked before."""
QUICK = {
    "global_min_max",
    "centred_mean",
    "shifted_back",
    "ta_kst",
    "weekly_by_start",
    "nearest_week",
    "onchain_same_date",
    "centred_but_late",
    "outcome_of_yesterday",
    "weekly_complete",
    "onchain_file_lagged",
    "cached_on_disk_by_content",
    "predicts_with_next_close",
    "standardises_together",
    "honest_label",
    "matrix_product",
}
"""A few of every shape, for the fast tests."""
FOLLOWING = 25
"""Rows after the first that may know later bars, among which one does."""


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    with modules_left_as_they_were():
        yield


def _of(animals: tuple[Animal, ...], kind: str) -> list[object]:
    return [
        pytest.param(a, id=a.name, marks=() if a.name in QUICK else pytest.mark.slow)
        for a in animals
        if a.kind == kind and a.name not in REMEMBER
    ]


def test_every_file_is_in_the_catalogue_and_no_name_is_there_twice() -> None:
    names = [animal.name for animal in (*LEAKS, *CLEAN)]
    assert len(set(names)) == len(names)
    bound = {a.source for a in (*LEAKS, *CLEAN) if a.kind != "settings"}
    assert bound == {*HERE.glob("leaks/*.py"), *HERE.glob("clean/*.py")}


def test_there_are_enough_of_each_kind() -> None:
    for animals in (LEAKS, CLEAN):
        assert len(animals) >= 60
        assert {a.kind for a in animals} == {"feature", "strategy", "forecaster", "settings"}


def test_every_file_is_short_says_what_it_is_for_and_has_the_lines_to_be_named() -> None:
    for animal in (a for a in (*LEAKS, *CLEAN) if a.kind != "settings"):
        lines = animal.source.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith('"""'), animal.name
        assert len(lines) <= 40, animal.name
        assert any(animal.binding in line for line in lines), animal.name
        for text in animal.line:
            assert any(text in line for line in lines), (animal.name, text)


@pytest.mark.parametrize("animal", _of(LEAKS, "feature"))
def test_a_leaking_feature_knows_later_bars_from_its_first_row_on(
    animal: Animal, tmp_path: Path
) -> None:
    features = Features(animal, columns_of(animal, tmp_path))
    assert animal.first is not None
    earlier = range(max(0, animal.first - 3), animal.first)
    assert not any(features.knows_ahead(row) for row in earlier)
    first = features.first_ahead()
    assert first <= animal.first + FOLLOWING
    given = animal.given
    found = features.columns_ahead(given.cut(first), first)
    for bar in (first, 301):
        found |= features.columns_ahead(given.poisoned(bar, seed=3), bar)
    assert found == set(animal.columns)


@pytest.mark.slow
@pytest.mark.parametrize("animal", _of(LEAKS, "feature"))
def test_no_row_before_the_first_knows_later_bars(animal: Animal, tmp_path: Path) -> None:
    features = Features(animal, columns_of(animal, tmp_path))
    for bar in range(animal.first or 0):
        assert not features.knows_ahead(bar)
        for seed in (3, 4):
            differs = features.differs(animal.given.poisoned(bar, seed), bar)
            assert not differs.to_numpy().any(), bar


def _no_column_moves(animal: Animal, folder: Path, bars: list[int]) -> None:
    features = Features(animal, columns_of(animal, folder))
    assert features.whole.dropna().shape[0] > 200
    for bar in bars:
        for other in (animal.given.cut(bar), animal.given.poisoned(bar, seed=3)):
            assert features.columns_ahead(other, bar) == set(), bar


@pytest.mark.parametrize("animal", _of(CLEAN, "feature"))
def test_a_clean_feature_stays_when_later_bars_change(animal: Animal, tmp_path: Path) -> None:
    _no_column_moves(animal, tmp_path, [151, 302])


@pytest.mark.slow
@pytest.mark.parametrize("animal", _of(CLEAN, "feature"))
def test_a_clean_feature_stays_at_many_bars(animal: Animal, tmp_path: Path) -> None:
    bars = len(animal.given.times)
    _no_column_moves(animal, tmp_path, [*range(1, 60, 4), *range(60, bars - 1, 13), bars - 2])


def _alike(animal: Animal, folder: Path, cuts: list[int], poisoned: list[int]) -> list[bool]:
    file, given = animal.settle(folder), animal.given
    whole = orders_of(animal, file, given)

    def same(other: World, bar: int) -> bool:
        return decides_alike(whole, orders_of(animal, file, other), given, bar)

    return [
        *(same(given.cut(bar), bar) for bar in cuts),
        *(same(given.poisoned(bar, seed=3), bar) for bar in poisoned),
    ]


@pytest.mark.parametrize("animal", _of(LEAKS, "strategy"))
def test_a_leaking_strategy_decides_otherwise_without_later_bars(
    animal: Animal, tmp_path: Path
) -> None:
    cuts = [20, 60, 150, 190, 240]
    assert not all(_alike(animal, tmp_path, cuts, [121, 190]))


@pytest.mark.parametrize("animal", _of(CLEAN, "strategy"))
def test_a_clean_strategy_decides_alike_without_later_bars(animal: Animal, tmp_path: Path) -> None:
    cuts = [0, 1, *range(7, 60, 12), *range(60, 290, 23)]
    assert all(_alike(animal, tmp_path, cuts, cuts[2:]))
    whole = orders_of(animal, animal.settle(tmp_path), animal.given)
    assert whole is not None
    assert len(whole) > 1


def test_a_strategy_that_peeks_and_one_that_looks_back_differ(tmp_path: Path) -> None:
    animals = {animal.name: animal for animal in (*LEAKS, *CLEAN)}
    assert not all(_alike(animals["close_ahead"], tmp_path / "a", [60], [121]))
    assert all(_alike(animals["close_before"], tmp_path / "b", [60], [121]))


def _moved(animal: Animal, folder: Path) -> float:
    """How far answers move when later rows and windows are taken away; 0 is not at all."""
    asked = Asked.of(animal, folder)
    fold = asked.folds[1]
    fitted = asked.fit(fold)
    with_later = asked.answers(fitted, fold, 40, cut=False)
    without = asked.answers(fitted, fold, 40, cut=True)
    return float(np.abs(with_later - without).max() / np.abs(with_later).max())


@pytest.mark.parametrize("animal", _of(LEAKS, "forecaster"))
def test_a_leaking_forecaster_answers_otherwise_without_later_rows(
    animal: Animal, tmp_path: Path
) -> None:
    assert _moved(animal, tmp_path) > 0.01


@pytest.mark.parametrize("animal", _of(CLEAN, "forecaster"))
def test_a_clean_forecaster_answers_alike_without_later_rows(
    animal: Animal, tmp_path: Path
) -> None:
    assert _moved(animal, tmp_path) < 1e-12


# What remembers


@pytest.mark.parametrize("name", ["cached_by_name", "cached_on_disk"])
def test_cached_features_are_those_of_the_world_asked_before(name: str, tmp_path: Path) -> None:
    animal = next(a for a in LEAKS if a.name == name)
    computed = columns_of(animal, tmp_path / "one")
    computed(world("plain").poisoned(100, seed=3))
    second, alone = computed(animal.given), columns_of(animal, tmp_path / "two")(animal.given)
    assert second is not None
    assert alone is not None
    assert second.iloc[:101].equals(alone.iloc[:101])
    assert not np.allclose(second.iloc[110:], alone.iloc[110:])


def test_a_fit_kept_in_a_file_is_that_of_a_later_fold(tmp_path: Path) -> None:
    animal = next(a for a in LEAKS if a.name == "fitted_once")
    asked, alone = Asked.of(animal, tmp_path / "one"), Asked.of(animal, tmp_path / "two")
    asked.fit(asked.folds[-1])
    first = asked.folds[0]
    after_later = asked.answers(asked.fit(first), first, 40, cut=False)
    assert not np.allclose(after_later, alone.answers(alone.fit(first), first, 40, cut=False))


def test_answers_kept_by_their_number_are_those_of_other_windows(tmp_path: Path) -> None:
    animal = next(a for a in LEAKS if a.name == "answers_remembered")
    asked = Asked.of(animal, tmp_path)
    fitted = asked.fit(asked.folds[0])
    windows = asked.folds[0].forecasting(asked.samples)
    first, second = windows.take(np.arange(40)), windows.take(np.arange(40, 80))
    assert fitted.predict(first).answers.tolist() == fitted.predict(second).answers.tolist()


# Settings


def test_settings_that_leak_are_those_that_let_the_future_in(tmp_path: Path) -> None:
    leaking = {a.name: a.settings(tmp_path) for a in LEAKS if a.kind == "settings"}
    assert leaking["shuffled_validation"].walkforward.validation == "shuffled"
    assert leaking["scaler_sees_everything"].features.scaler_sees == "everything"
    assert leaking["onchain_without_lag"].data.onchain_lag_hours == 0
    lags = [series.lag_hours for series in world("same day").extras["COIN"]]
    assert lags == [0, 0]
    for animal in CLEAN:
        settings = animal.settings(tmp_path)
        assert settings.walkforward.validation == "latest"
        assert settings.features.scaler_sees == "training"
        assert settings.data.onchain_lag_hours == 24


def test_the_page_on_trust_counts_the_animals() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    named = sum(bool(animal.line) for animal in LEAKS)
    assert f"| {len(LEAKS)} files with a leak as users write them, {len(CLEAN)} honest" in page
    assert f"{len(LEAKS)} of {len(LEAKS)} caught, no alarm of {len(CLEAN)}" in page
    assert f"{len(LEAKS)} that leak" in page
    assert f"({named} of them)" in page
