"""The content store: whole entries or none, whoever writes, whatever the disk does."""

import errno
import logging
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from cryptobt.core.errors import CannotWriteError
from cryptobt.records.content import ContentStore, write_atomically

ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "losses": np.array([[0.5, np.nan], [0.25, np.inf]]),
    "steps": np.array([1, 2, 3], dtype=np.int64),
    "nothing": np.empty((0, 4)),
}
META = {"fold": "2019-01-01T00:00:00Z", "heads": [[5, 20]], "loss": 0.25}
KEY = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "folds")


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_entry_comes_back_as_it_was_put(store: ContentStore) -> None:
    store.put(KEY, ARRAYS, META)
    entry = store.get(KEY)
    assert entry is not None
    assert entry.meta == META
    assert entry.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert entry.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(entry.arrays[name], array)


def test_an_array_that_is_not_contiguous_comes_back_as_it_was_put(store: ContentStore) -> None:
    array = np.arange(12.0).reshape(3, 4).T[::2]
    store.put(KEY, {"x": array}, {})
    entry = store.get(KEY)
    assert entry is not None
    np.testing.assert_array_equal(entry.arrays["x"], array)


def test_a_key_that_was_not_put_is_absent(store: ContentStore) -> None:
    assert store.get(KEY) is None
    assert KEY not in store
    assert list(store.paths()) == []


def test_reading_makes_no_folder(store: ContentStore) -> None:
    store.get(KEY)
    assert not store.root.exists()


def test_equal_content_makes_equal_files(store: ContentStore, tmp_path: Path) -> None:
    other = ContentStore(tmp_path / "other")
    store.put(KEY, ARRAYS, META)
    other.put(KEY, dict(reversed(ARRAYS.items())), dict(reversed(META.items())))
    (ours,), (theirs,) = store.paths(), other.paths()
    assert ours.read_bytes() == theirs.read_bytes()


def test_clearing_removes_every_entry_and_counts_them(store: ContentStore) -> None:
    for prefix in ("aa", "ab", "ac"):
        store.put(prefix + KEY[2:], ARRAYS, META)
    assert len(list(store.paths())) == 3
    assert store.clear() == 3
    assert files_under(store.root) == []
    assert store.clear() == 0


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[:20], "cut inside its checksum"),
        (lambda _: b"", "empty"),
        (lambda content: content[:-5] + b"\x00\xff\x00\xff\x01", "overwritten"),
        (lambda content: content + b"more", "followed by something"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_entry_is_absent_said_and_removed(
    store: ContentStore, caplog: pytest.LogCaptureFixture, damage: object, what: str
) -> None:
    store.put(KEY, ARRAYS, META)
    (path,) = store.paths()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with caplog.at_level(logging.WARNING, logger="cryptobt"):
        assert store.get(KEY) is None
    assert [path.name in record.getMessage() for record in caplog.records] == [True]
    assert "damaged" in caplog.records[0].getMessage()
    assert not path.exists()
    store.put(KEY, ARRAYS, META)
    assert store.get(KEY) is not None


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_and_is_one_line(
    store: ContentStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = "os.fsync" if step == "fsync" else "pathlib.Path.replace"
    monkeypatch.setattr(target, full_disk)
    with pytest.raises(CannotWriteError) as caught:
        store.put(KEY, ARRAYS, META)
    assert files_under(store.root) == []
    assert str(caught.value).endswith(f"{KEY}.entry: No space left on device")
    assert caught.value.exit_code == 7


def test_a_write_that_fails_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"old")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(CannotWriteError, match="cannot write"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert files_under(tmp_path) == [file]


def test_an_interrupt_while_writing_leaves_nothing(
    store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.put(KEY, ARRAYS, META)
    assert files_under(store.root) == []


def test_a_store_under_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ContentStore(tmp_path / "file" / "folds")
    with pytest.raises(CannotWriteError, match="Not a directory"):
        store.put(KEY, ARRAYS, META)


def test_a_part_that_a_killed_writer_left_is_no_entry(store: ContentStore) -> None:
    store.put(KEY, ARRAYS, META)
    (store.root / KEY[:2] / ".part-killed").write_bytes(b"half")
    assert len(list(store.paths())) == 1


def test_many_writers_of_one_key_leave_one_whole_entry(store: ContentStore) -> None:
    arrays = {"x": np.arange(20_000.0)}
    start, failures = threading.Barrier(8), []

    def write() -> None:
        start.wait()
        for _ in range(5):
            store.put(KEY, arrays, META)
            entry = store.get(KEY)
            if entry is None or not np.array_equal(entry.arrays["x"], arrays["x"]):
                failures.append(entry)

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert files_under(store.root) == list(store.paths())
    assert len(list(store.paths())) == 1
