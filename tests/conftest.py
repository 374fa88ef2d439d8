"""What every test may rely on: a home of its own, no network, and real data only where it is."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from cryptobt.data.sources import yahoo

from .fake_yahoo import FakeYahoo

# Hypothesis must not judge by the clock: the machines that run these tests are shared.
settings.register_profile("cryptobt", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("cryptobt")

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
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


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a connection of Python's own sockets to anywhere but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert str(address[0]) in LOOPBACK, f"a test connects to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market files; a test that asks for it is also marked ``real_data``."""
    folder = os.environ.get("CRYPTOBT_REAL_DATA")
    if not folder:
        pytest.skip("CRYPTOBT_REAL_DATA is not set: there are no real prices to test with")
    return Path(folder)


@pytest.fixture
def aim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Send every request of the client, whatever host it names, to one loopback address."""
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    from curl_cffi import requests
    from yfinance import cache
    from yfinance.data import SingletonMeta

    monkeypatch.setattr(SingletonMeta, "_instances", {})
    for manager, attribute in (
        (cache._TzCacheManager, "_tz_cache"),
        (cache._CookieCacheManager, "_Cookie_cache"),
    ):
        monkeypatch.setattr(manager, attribute, None)
    yahoo._client.cache_clear()
    original = requests.Session.request

    def at(address: str) -> None:
        def redirected(self: Any, method: str, url: str, **options: Any) -> Any:
            return original(self, method, address + urlsplit(url).path, **options)

        monkeypatch.setattr(requests.Session, "request", redirected)

    yield at
    cache._TzDBManager.close_db()
    cache._CookieDBManager.close_db()


@pytest.fixture
def server(aim: Any) -> Iterator[FakeYahoo]:
    with FakeYahoo() as fake:
        aim(fake.address)
        yield fake
