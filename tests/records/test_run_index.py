"""Runs are found by what a person calls them; a damaged folder is named, and stops no other."""

import errno
import json
import os
from pathlib import Path

import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.records.run_index import find_run, read_audits, read_run, read_runs
from tests.jobs.run_folders import made_run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three runs, the second of which is the newest."""
    made_run(tmp_path, "abcd0001", at="2025-02-01T00:00:00Z")
    made_run(tmp_path, "abcd0002", at="2025-02-03T00:00:00Z")
    made_run(tmp_path, "ffff0003", at="2025-02-02T00:00:00Z", strategy="sma_trend")
    return tmp_path


def test_runs_are_read_newest_first(out: Path) -> None:
    runs, problems = read_runs(out)
    assert [run.run_id for run in runs] == ["abcd0002", "ffff0003", "abcd0001"]
    assert problems == []


def test_files_hidden_folders_and_other_kinds_of_folders_are_no_runs(out: Path) -> None:
    (out / "compare-a-b.html").write_text("a page")
    (out / ".git").mkdir()
    for name in ("evaluation", "explanation", "reproduction"):
        (out / name).mkdir()
        (out / name / "run.json").write_text("{}")
        (out / name / f"{name}.json").write_text("{}")
    runs, problems = read_runs(out)
    assert (len(runs), problems) == (3, [])


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("metrics.json", None, "is no whole run: it has no metrics.json"),
        ("run.json", None, "is no whole run: it has no run.json"),
        ("metrics.json", '{"strategy": ', "metrics.json is damaged: "),
        ("metrics.json", "[1]", "metrics.json is damaged: it is no JSON object"),
        ("metrics.json", "{}", "metrics.json is damaged: it has no 'strategy'"),
        ("run.json", '{"run_id": "x"}', "run.json is damaged: it has no 'created_at'"),
        ("run.json", b"\xff\xfe", "run.json is damaged: "),
        ("metrics.json", "[" * 200_000, "metrics.json is damaged: maximum recursion depth"),
    ],
)
def test_a_damaged_folder_is_one_line_and_stops_no_other(
    out: Path, file: str, content: str | bytes | None, words: str
) -> None:
    folder = find_run("ffff", out).folder
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    runs, problems = read_runs(out)
    assert [run.run_id for run in runs] == ["abcd0002", "abcd0001"]
    (line,) = problems
    assert words in line
    assert str(folder) in line
    assert "\n" not in line
    with pytest.raises(DataInvalidError, match=file):
        find_run(folder.name, out)


def test_what_never_ends_in_place_of_a_document_keeps_nobody_waiting(out: Path) -> None:
    pipe, endless, large = (made_run(out, f"eeee000{n}") / "metrics.json" for n in range(3))
    for path in (pipe, endless, large):
        path.unlink()
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    with large.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    runs, problems = read_runs(out)
    assert len(runs) == 3
    assert [line.partition("cannot be read: ")[2] for line in problems] == [
        "it is no file", "it is no file", "it has 68,157,440 bytes",
    ]  # fmt: skip


def test_a_folder_that_may_not_be_read_is_one_line(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = find_run("ffff", out).folder
    stat, opened = Path.stat, os.open

    def look(path: Path, **more: bool) -> os.stat_result:
        refuse(path)
        return stat(path, **more)

    def read(path: Path, *more: int) -> int:
        refuse(path)
        return opened(path, *more)

    def refuse(path: Path) -> None:
        if Path(path).parent == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", look)
    monkeypatch.setattr(os, "open", read)
    runs, problems = read_runs(out)
    assert [run.run_id for run in runs] == ["abcd0002", "abcd0001"]
    assert problems == [f"{closed / 'run.json'} cannot be read: Permission denied"]
    assert read_audits(out) == ([], [])


def test_a_run_that_is_being_written_is_said(out: Path) -> None:
    (out / ".part-x1").mkdir()
    assert "is being written, or was left by a run that was killed" in read_runs(out)[1][0]


def test_a_run_is_found_by_id_beginning_name_and_path(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = next(out.glob("*ffff0003"))
    for name in ("ffff0003", "ff", folder.name, "20250202T", str(folder)):
        assert find_run(name, out).folder == folder, name
    monkeypatch.chdir(out.parent)
    assert find_run(f"{out.name}/{folder.name}", Path("nowhere")).run_id == "ffff0003"


def test_a_whole_id_is_found_though_another_one_begins_with_it(out: Path) -> None:
    made_run(out, "abcd00021")
    assert find_run("abcd0002", out).run_id == "abcd0002"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("abcd", r"'abcd' could be .*-abcd0001, .*-abcd0002; write more of its name"),
        ("abcd0009", r"there is no run 'abcd0009' in .*; did you mean 'abcd000\d'\?"),
        ("zzz", r"there is no run 'zzz' in .*; `cryptobt runs list` shows what there is"),
        ("", r"there is no run '' in "),
    ],
)
def test_a_name_that_fits_no_run_or_several_is_a_usage_mistake(
    out: Path, name: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find_run(name, out)


def test_a_folder_that_is_not_there_is_a_usage_mistake(tmp_path: Path) -> None:
    for call in (lambda: read_runs(tmp_path / "no"), lambda: find_run("a", tmp_path / "no")):
        with pytest.raises(UsageError, match=r"there is no folder .*say with --out"):
            call()


def test_a_folder_of_another_kind_is_no_backtest(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"run_id": "x", "created_at": "y"}))
    (tmp_path / "evaluation.json").write_text("{}")
    with pytest.raises(DataInvalidError, match=r"is no backtest: it has no metrics\.json"):
        read_run(tmp_path)
