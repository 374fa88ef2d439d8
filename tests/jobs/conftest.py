"""One tiny run, made once, and the home whose cache later runs may use."""

from pathlib import Path

import pytest

from .tiny import RunFolder, run_in_process, tiny


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def tiny_run(warm_home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(warm_home))
        return run_in_process(tiny(run={"out": str(tmp_path_factory.mktemp("runs"))}))


@pytest.fixture(autouse=True)
def _own_folders(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test writes to the user's folders."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    if "warm_home" in request.fixturenames:
        monkeypatch.setenv("CRYPTOBT_HOME", str(request.getfixturevalue("warm_home")))
    else:
        monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "cryptobt"))
