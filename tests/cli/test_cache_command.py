"""``cryptobt cache``: shown and cleared."""

from pathlib import Path

import numpy as np
import pytest

from cryptobt.records.content import ContentStore

from .conftest import Call


@pytest.fixture
def folds(tmp_path: Path) -> ContentStore:
    store = ContentStore(tmp_path / "cryptobt" / "folds")
    for prefix in ("aa", "bb"):
        store.put(prefix + "0" * 62, {"x": np.zeros(100_000)}, {})
    return store


@pytest.mark.parametrize("arguments", [["cache"], ["cache", "show"]])
def test_the_cache_is_shown_with_folder_entries_and_size(
    call: Call, folds: ContentStore, arguments: list[str]
) -> None:
    said = call(*arguments)
    assert (said.code, said.err) == (0, "")
    assert [line.split(maxsplit=1) for line in said.out.splitlines()] == [
        ["folder", str(folds.root)],
        ["entries", "2"],
        ["size", "1.6 MB"],
    ]


def test_a_cache_that_is_not_there_is_empty_and_is_not_made(call: Call, tmp_path: Path) -> None:
    assert "entries  0" in call("cache").out
    assert not (tmp_path / "cryptobt").exists()


def test_clearing_removes_the_entries_and_says_how_many(call: Call, folds: ContentStore) -> None:
    assert call("cache", "clear") == (0, "removed 2 entries\n", "")
    assert list(folds.paths()) == []
    assert call("cache", "clear").out == "removed 0 entries\n"


def test_without_its_own_home_the_cache_is_in_the_folder_of_the_system(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRYPTOBT_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert f"folder   {tmp_path}/xdg/cryptobt/folds" in call("cache").out
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert f"folder   {tmp_path}/user/.cache/cryptobt/folds" in call("cache").out
