"""A function of the user's own file, from ``features.set`` to the run folder."""

from pathlib import Path

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.hashing import hash_bytes

from .tiny import run_in_process, tiny

CODE = """
def columns(bars):
    close = bars["close"]
    return (close / close.shift(1)).to_frame("move").assign(week=close / close.shift(7))
"""
LINEAR = {"name": "linear", "target": "next_return"}


def settings(reference: str, out: Path) -> dict[str, dict[str, object]]:
    return tiny(
        features={"set": reference},
        forecaster=LINEAR,
        robustness={"enabled": False},
        run={"out": str(out)},
    )


@pytest.mark.slow
def test_a_forecaster_learns_from_them_and_run_json_has_their_hash(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CODE)
    run = run_in_process(settings(f"{file}:columns", tmp_path / "runs"))
    assert run.manifest["features"] == {
        "name": "mine.columns", "file_hash": hash_bytes(file.read_bytes())
    }  # fmt: skip
    assert len(run.table("forecasts.csv").query("forecaster == 'linear'")) > 100
    # the file is named, not the folder that it lies in
    page = run.files["tearsheet.html"].decode()
    assert "mine.columns" in page
    assert str(tmp_path) not in page


def test_a_function_that_fails_leaves_no_run_folder(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CODE.replace('"close"', '"Close"'))
    with pytest.raises(UsageError, match=r"mine\.py, line 3, in columns: KeyError"):
        run_in_process(settings(f"{file}:columns", tmp_path / "runs"))
    assert list((tmp_path / "runs").glob("*")) == []
