"""The command line called in this process, in folders of its own, without a network."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from cryptobt.cli.main import main
from cryptobt.data.sample import sample_market
from tests.jobs.tiny import DEAD_PROXY


class Said(NamedTuple):
    """What a command left on the terminal, and its exit code."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "cryptobt"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD_PROXY)
        monkeypatch.setenv(name.lower(), DEAD_PROXY)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    log = logging.getLogger("cryptobt")
    handlers, level = log.handlers, log.level
    yield
    log.handlers = handlers
    log.setLevel(level)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run ``cryptobt`` with these arguments."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["cryptobt", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        return Said(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture
def bars_csv(tmp_path: Path) -> Callable[[pd.DataFrame | int], Path]:
    """Write bars, or the first n of the sample market, as a file of a user's."""

    def write(bars: pd.DataFrame | int) -> Path:
        if isinstance(bars, int):
            bars = sample_market("BTC-USD").market.bars.iloc[:bars]
        path = tmp_path / "bars.csv"
        bars.reset_index().to_csv(path, index=False)
        return path

    return write
