"""What every test may rely on: a home of its own, no network, and real data only where it is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Hypothesis must not judge by the clock: the machines that run these tests are shared.
settings.register_profile("cryptobt", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("cryptobt")

DEAD_PROXY = "http://127.0.0.1:9"


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's caches out of reach, and every client that honours proxies off the net."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.setenv(name, DEAD_PROXY)
            patch.setenv(name.lower(), DEAD_PROXY)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market files; a test that asks for it is also marked ``real_data``."""
    folder = os.environ.get("CRYPTOBT_REAL_DATA")
    if not folder:
        pytest.skip("CRYPTOBT_REAL_DATA is not set: there are no real prices to test with")
    return Path(folder)
