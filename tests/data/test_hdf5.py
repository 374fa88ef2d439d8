"""HDF5 files are read in a process of their own, which may crash or hang and harms nobody."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.data import frames
from cryptobt.data.csv_bars import read_bars

tables = pytest.importorskip("tables", reason="tables is not installed: no HDF5 files to read")

NOW = pd.Timestamp("2024-06-01T00:00:00Z")
# twenty scattered bytes, found by trying: see test_a_file_that_crashes_the_library_is_refused
CRASHING = 18
SLEEPS = "import os, pathlib, sys, time; pathlib.Path({!r}).write_text(str(os.getpid()))"


def bars() -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=40, tz="UTC", name="time")
    close = 100 + np.arange(40.0)
    frame = pd.DataFrame({"open": close, "high": close + 2, "low": close - 2}, days)
    return frame.assign(close=close + 1, volume=close * 3)


def good(folder: Path, layout: str = "fixed") -> Path:
    bars().to_hdf(folder / "bars.h5", key="bars", mode="w", format=layout)
    return folder / "bars.h5"


def load(file: Path) -> pd.DataFrame:
    return read_bars(file, "X", "refuse", NOW).bars


def damage(content: bytes, seed: int) -> bytes:
    """Cut, flip a bit, scatter bytes, or blank a stretch."""
    chance, changed = random.Random(seed), bytearray(content)
    at = chance.randrange(len(changed))
    if seed % 4 == 0:
        return content[:at]
    if seed % 4 == 1:
        changed[at] ^= 1 << chance.randrange(8)
    if seed % 4 == 2:
        for place in chance.sample(range(len(changed)), 20):
            changed[place] = chance.randrange(256)
    if seed % 4 == 3:
        changed[at : at + 16] = b"\xff" * len(changed[at : at + 16])
    return bytes(changed)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "+05:30"])
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_another_process_reads_the_file_as_it_was_written(
    layout: str, zone: str | None, tmp_path: Path
) -> None:
    bars().tz_convert(zone).to_hdf(tmp_path / "bars.h5", key="bars", format=layout)
    found = load(tmp_path / "bars.h5")
    pd.testing.assert_frame_equal(found, bars(), check_freq=False, check_index_type=False)
    assert [file.name for file in tmp_path.iterdir()] == ["bars.h5"]


def test_its_words_arrive_as_the_error_that_they_are(tmp_path: Path) -> None:
    file = good(tmp_path)
    with pytest.raises(UsageError, match=r"there is no table 'doge'; the keys are bars$"):
        load(Path(f"{file}::doge"))
    file.write_text("time,open\n")
    with pytest.raises(DataInvalidError, match="this is no HDF5 file of pandas that can be read"):
        load(file)


@pytest.mark.parametrize("layout", ["fixed", "table"])
@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_ends_in_bars_or_in_one_line(
    seed: int, layout: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = good(tmp_path, layout)
    file.write_bytes(damage(file.read_bytes(), seed))
    try:
        assert len(load(file)) > 1
    except DataInvalidError as error:
        said = str(error)
        assert said.startswith(str(file))
        assert "\n" not in said
    assert [left.name for left in tmp_path.iterdir()] == ["bars.h5"]
    assert capfd.readouterr() == ("", "")


def test_a_file_that_crashes_the_library_is_refused(tmp_path: Path) -> None:
    file = good(tmp_path)
    file.write_bytes(damage(file.read_bytes(), CRASHING))
    bare = f"import pandas; pandas.read_hdf({str(file)!r})"
    with subprocess.Popen([sys.executable, "-c", bare], stderr=subprocess.DEVNULL) as process:
        pass
    if process.returncode >= 0:
        pytest.skip("this version of the HDF5 library survives the damage made here")
    words = r"bars.h5: the file is damaged: the library for HDF5 crashed \(SIGSEGV\) on it; write"
    with pytest.raises(DataInvalidError, match=words):
        load(file)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.abort()", r"damaged: the library for HDF5 crashed \(SIGABRT\) on it"),
        ("import os; os.kill(os.getpid(), 9)", "what read it was killed, perhaps for want of mem"),
        ("import sys; sys.exit(3)", r"damaged: the library for HDF5 failed \(exit code 3\) on it"),
        ("import sys; sys.exit(2)", r"damaged: the library for HDF5 failed \(exit code 2\) on it"),
        ("print('half')", r"damaged: the library for HDF5 failed \(exit code 0\) on it"),
        ("", r"damaged: the library for HDF5 failed \(exit code 0\) on it"),
    ],
)
def test_every_other_end_of_it_is_one_line(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = good(tmp_path)
    monkeypatch.setattr(frames, "_READER", program)
    with pytest.raises(DataInvalidError, match=words):
        load(file)


def is_running(number: int) -> bool:
    """Tell whether a process lives; one that is dead and not asked after is listed all the same."""
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() != "" and not told.stdout.startswith("Z")


def number_in(file: Path) -> int:
    while not (file.exists() and file.read_text()):
        time.sleep(0.01)
    return int(file.read_text())


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, number = good(tmp_path), tmp_path / "number"
    monkeypatch.setattr(frames, "_READER", SLEEPS.format(str(number)) + "; time.sleep(600)")
    monkeypatch.setattr(frames, "_SECONDS", 2)
    with pytest.raises(DataInvalidError, match="or too large: it was not read within 2 seconds"):
        load(file)
    assert not is_running(number_in(number))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_behind(sent: signal.Signals, tmp_path: Path) -> None:
    file, number = good(tmp_path), tmp_path / "number"
    reader = SLEEPS.format(str(number)) + "; time.sleep(600)"
    program = (
        # a test run in the background ignores interrupts, and this would inherit that
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"from cryptobt.data import frames; frames._READER = {reader!r}\n"
        "from cryptobt.cli.main import main\n"
        f"import sys; sys.argv = ['cryptobt', 'data', 'verify', '--csv', {str(file)!r}]; main()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as process:
        child = number_in(number)
        process.send_signal(sent)
    assert process.returncode == 130
    assert not is_running(child)


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="this system has no alarms")
def test_it_ends_by_itself_also_while_it_is_lost_in_the_library() -> None:
    # a sum is one call: no handler of Python's would be asked before its end
    lost = (
        "import sys; from cryptobt.data import hdf5\n"
        "sys.argv = ['', 'bars.h5', '', '2']; hdf5.answer = lambda *_: sum(range(10**13))\n"
        "hdf5.main()"
    )
    with subprocess.Popen([sys.executable, "-c", lost]) as process:
        pass
    assert process.returncode == -signal.SIGALRM


def test_files_of_the_working_folder_are_not_taken_for_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = good(tmp_path)
    for name in ("tables", "pandas", "pickle", "cryptobt"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    assert len(load(file)) == 40
