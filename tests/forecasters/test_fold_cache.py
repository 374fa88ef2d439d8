"""What is kept of a fit is what this fit would be, or it is made again; never anything else."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cryptobt.data.sample import simulate
from cryptobt.forecasters import registry, tasks
from cryptobt.records.content import ContentStore

from .small import forecast_of, in_process, small

MARKET = simulate("X", 300, seed=7).market
SETTINGS = (
    "forecaster.target=next_return",
    "forecaster.window_bars=5",
    "walkforward.min_train_rows=60",
    "training.epochs=1",
    "net.units=4",
)
EACH = pytest.mark.parametrize("name", ["linear", "random_forest", "lstm"])


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    with in_process():
        yield


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "folds")


def made(name: str, store: ContentStore, features: str = "close") -> pd.DataFrame:
    settings = small(*SETTINGS, f"features.set={features}")
    return forecast_of(MARKET, name, settings, store).frame


def fits(store: ContentStore) -> list[Path]:
    """Files of fitted folds, not of what they answered."""
    found = []
    for path in sorted(store.paths()):
        entry = store.get(path.stem)
        if entry is not None and "centre" in entry.arrays:
            found.append(path)
    return found


@pytest.mark.parametrize("kept", [0, 31, 0.5, -1])
@EACH
def test_a_truncated_fit_is_said_removed_and_made_again(
    name: str, store: ContentStore, kept: float, caplog: pytest.LogCaptureFixture
) -> None:
    good = made(name, store)
    path = fits(store)[0]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 if kept == 0.5 else int(kept)])
    with caplog.at_level(logging.WARNING):
        again = made(name, store)
    (said,) = {record.message for record in caplog.records}
    assert said.startswith(f"cache entry {path.name} is damaged")
    assert said.endswith("it is made again")
    pd.testing.assert_frame_equal(again, good, check_exact=True)
    entry = store.get(path.stem)
    assert entry is not None, "it was made again"


@EACH
def test_one_bit_that_has_flipped_is_found(name: str, store: ContentStore) -> None:
    good = made(name, store)
    path = fits(store)[-1]
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    pd.testing.assert_frame_equal(made(name, store), good, check_exact=True)


@EACH
def test_a_fit_of_another_feature_set_is_never_asked_for(
    name: str, store: ContentStore, tmp_path: Path
) -> None:
    one = made(name, store)
    before = set(store.paths())
    other = made(name, store, "levels")
    assert before < set(store.paths()), "it was fitted for itself"
    alone = made(name, ContentStore(tmp_path / "alone"), "levels")
    pd.testing.assert_frame_equal(other, alone, check_exact=True)
    assert not other["score"].equals(one["score"])


@EACH
def test_a_fit_of_other_code_or_another_library_is_never_asked_for(
    name: str, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = made(name, store)
    before = set(store.paths())
    original = registry.version
    monkeypatch.setattr(registry, "version", lambda library: original(library) + ".post1")
    again = made(name, store)
    assert before < set(store.paths())
    assert len(fits(store)) == 2 * len(before & set(fits(store)))
    pd.testing.assert_frame_equal(again, good, check_exact=True)


def test_a_change_of_a_source_file_is_another_key(
    store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("linear", store)
    before = set(store.paths())
    monkeypatch.setattr(tasks, "code_hash", lambda spec: "another")
    made("linear", store)
    assert before < set(store.paths())


@EACH
def test_what_is_kept_holds_plain_arrays_alone(name: str, store: ContentStore) -> None:
    made(name, store)
    for path in store.paths():
        content = path.read_bytes()
        assert b"cpickle" not in content.lower()
        assert b"numpy.core" not in content
        assert b"sklearn" not in content
        entry = store.get(path.stem)
        assert entry is not None
        assert all(array.dtype.kind in "fiu" for array in entry.arrays.values())


@pytest.mark.parametrize("name", ["linear", "lstm"])
def test_a_fit_of_another_feature_set_under_this_name_is_said_and_made_again(
    name: str, store: ContentStore, caplog: pytest.LogCaptureFixture
) -> None:
    good, mine = made(name, store), fits(store)
    made(name, store, "levels")
    other = next(path for path in fits(store) if path not in mine)
    mine[-1].write_bytes(other.read_bytes())
    for path in list(store.paths()):  # so that the fit has to be loaded and asked again
        entry = store.get(path.stem)
        if entry is not None and "answers" in entry.arrays:
            path.unlink()
    with caplog.at_level(logging.WARNING):
        again = made(name, store)
    assert "it was kept under another key" in caplog.text
    pd.testing.assert_frame_equal(again, good, check_exact=True)
