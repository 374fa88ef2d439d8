"""Run folders appear complete or not at all, and their CSV is always written the same way."""

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import CannotWriteError
from cryptobt.records.runs import check_writable, csv_text, write_run

FILES = {"run.json": '{"a": 1}\n', "equity.csv": "time\n", "tearsheet.html": "<p>µ – ü</p>\r\n"}


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_folder_holds_each_file_byte_for_byte(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a" / "runs", "20240101T000000Z-x", FILES)
    assert folder == tmp_path / "a" / "runs" / "20240101T000000Z-x"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: text.encode() for name, text in FILES.items()
    }
    assert list(folder.parent.iterdir()) == [folder]


def test_a_run_folder_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    folder = write_run(tmp_path, "run", FILES)
    assert folder.stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_full_disk_leaves_nothing_whichever_file_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    written: list[int] = []

    def fsync(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == failing:
            full_disk()

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(CannotWriteError) as caught:
        write_run(tmp_path / "runs", "run", FILES)
    assert list((tmp_path / "runs").iterdir()) == []
    assert "No space left on device" in str(caught.value)
    assert "--out" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_interrupt_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path / "runs", "run", FILES)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_never_mixes_with_one_that_is_there(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "run", FILES)
    with pytest.raises(CannotWriteError):
        write_run(tmp_path, "run", {"run.json": "other"})
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert (folder / "run.json").read_text() == FILES["run.json"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("20240101T000000Z-attn_signal-BTC-USD-1a2b", "20240101T000000Z-attn_signal-BTC-USD-1a2b"),
        ("BTC/USD", "BTC-USD"),
        ("../../etc/passwd", "etc-passwd"),
        ("a b\n\x1b[31mc:*?", "a-b-31mc"),
        ("BTC\\USD", "BTC-USD"),
        ("Ξ", "run"),
        ("..", "run"),
        ("", "run"),
        (".hidden", "hidden"),
    ],
)
def test_a_name_is_made_safe_and_stays_inside_the_folder(
    tmp_path: Path, name: str, safe: str
) -> None:
    folder = write_run(tmp_path, name, FILES)
    assert folder == tmp_path / safe
    assert folder.parent.resolve() == tmp_path.resolve()


def test_a_folder_that_could_be_made_is_not_made_yet(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(CannotWriteError) as caught:
        check_writable(tmp_path / "runs")
    assert str(tmp_path / "runs") in str(caught.value)
    assert "--out" in str(caught.value)
    assert (tmp_path / "runs").read_text() == "a file"
    with pytest.raises(CannotWriteError):
        write_run(tmp_path / "runs", "run", FILES)
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]


def test_a_folder_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", full_disk)
    with pytest.raises(CannotWriteError, match="No space left on device"):
        check_writable(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CannotWriteError, match="Permission denied"):
            check_writable(tmp_path / "runs")
    finally:
        tmp_path.chmod(0o700)


def test_floats_are_written_so_that_they_read_back_exactly() -> None:
    values = [0.1 + 0.2, 1 / 3, 1e-8, 5e-324, 1.7976931348623157e308, -0.0, 100.0, 2.0**60]
    lines = csv_text(pd.DataFrame({"x": values})).splitlines()
    assert lines == ["x", *(repr(value) for value in values)]
    assert [float(line) for line in lines[1:]] == values


def test_a_missing_number_or_time_is_an_empty_field() -> None:
    times = pd.DatetimeIndex(["2024-01-31T12:30:05Z", None])
    frame = pd.DataFrame({"time": times, "x": [np.nan, 1.5], "text": ["", None], "end": [1, 2]})
    assert csv_text(frame) == "time,x,text,end\n2024-01-31T12:30:05Z,,,1\n,1.5,,2\n"


def test_times_are_iso_8601_in_utc_whatever_their_zone_and_resolution() -> None:
    tokyo = pd.DatetimeIndex(["2024-01-01T00:00"]).tz_localize("Asia/Tokyo")
    frame = pd.DataFrame({"time": tokyo, "seconds": tokyo.as_unit("s")})
    assert csv_text(frame) == "time,seconds\n2023-12-31T15:00:00Z,2023-12-31T15:00:00Z\n"


def test_whole_numbers_truth_values_and_text_are_plain() -> None:
    frame = pd.DataFrame({"id": [1, 2], "late": [True, False], "reason": ["a, b", 'say "x"']})
    assert csv_text(frame) == 'id,late,reason\n1,true,"a, b"\n2,false,"say ""x"""\n'


def test_a_frame_without_rows_is_its_header() -> None:
    assert csv_text(pd.DataFrame(columns=["time", "x"])) == "time,x\n"


def test_a_frame_is_not_changed_by_writing_it() -> None:
    frame = pd.DataFrame({"time": pd.DatetimeIndex(["2024-01-01T00:00:00Z"]), "late": [True]})
    before = frame.copy()
    csv_text(frame)
    pd.testing.assert_frame_equal(frame, before)
