"""The tiny run of the jobs' tests, and one over data that end earlier."""

from pathlib import Path

import pytest

from tests.jobs.tiny import RunFolder, run_in_process, tiny


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """Two runs of the same settings: whole, and cut ten weeks earlier."""
    folder: Path = tmp_path_factory.mktemp("contract")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        whole = run_in_process(tiny(run={"out": str(folder / "whole")}))
        shorter = {"source": "sample", "end": "2017-10-22"}
        cut = run_in_process(tiny(data=shorter, run={"out": str(folder / "cut")}))
    return whole, cut


@pytest.fixture(scope="session")
def run(runs: tuple[RunFolder, RunFolder]) -> RunFolder:
    return runs[0]
