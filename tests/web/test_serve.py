"""``cryptobt serve`` as a process: from its first page to its end, with bad manners between."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from waitress.adjustments import Adjustments

from cryptobt.cli.main import cli
from cryptobt.core.errors import UsageError
from cryptobt.paper.clock import stopped_clock
from cryptobt.web.serve import Connection
from tests.paper import vendor

from .world import LAST, TOKEN, World

WAIT = 60.0


class Server:
    """A server of its own, and how to ask it."""

    def __init__(self, home: Path, out: Path, *more: str, token: str = "") -> None:
        environment = os.environ | {"CRYPTOBT_HOME": str(home)}
        environment |= {"CRYPTOBT_SERVE_TOKEN": token} if token else {}
        command = [sys.executable, "-c", "from cryptobt.cli.main import main; main()", "serve",
                   "--port", "0", "--out", str(out), *more]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # a shell lets what it starts in the background ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.port = int(self.said.split(":")[3].split("/")[0]) if self.said else 0

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.headers)
        finally:
            connection.close()

    def ready(self, path: str) -> str:
        """Ask until nothing of it is being computed."""
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            status, text, _ = self.get(path)
            if status == 200 and '"computing"' not in text:
                return text
            time.sleep(0.1)
        raise AssertionError(f"{path} is still being computed")

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as connection:
            connection.sendall(request)
            return connection.recv(65_536)

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=WAIT)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def server(made_world: World) -> Iterator[Server]:
    made = Server(made_world.home, made_world.out)
    yield made
    code, said = made.end()
    assert (code, said) == (0, ""), "asked to end, it ends cleanly"


def test_it_says_where_it_is_and_its_first_page_is_there(server: Server) -> None:
    status, text, headers = server.get("/")
    assert status == 200
    assert server.said == f"cryptobt serve: http://127.0.0.1:{server.port}/ (Ctrl-C ends it)\n"
    assert "<h1" in text
    assert "Server" not in headers


def test_accounts_are_read_in_a_process_of_their_own(server: Server) -> None:
    told = json.loads(server.ready("/api/accounts/one"))
    assert (told["state"], told["nights"]) == ("ready", 4)


def test_who_sends_slowly_keeps_nobody_waiting(server: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(b"POST /forecast/one/BTC-USD HTTP/1.1\r\nHost: localhost\r\nConte")
        assert server.get("/api/health")[0] == 200
        for connection in slow:
            # nothing came and nobody hung up: they are still waited for
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ],
)
def test_what_no_browser_sends_is_refused_by_its_status(
    server: Server, request_: bytes, status: int
) -> None:
    answer = server.raw(request_)
    assert answer.startswith(f"HTTP/1.{request_[:200].count(b'HTTP/1.1')} {status}".encode()) or (
        f" {status} ".encode() in answer[:20]
    ), answer[:200]
    assert b"waitress" not in answer.lower()
    assert b"Traceback" not in answer


@pytest.mark.slow
def test_it_ends_cleanly_when_it_is_asked_to(made_world: World) -> None:
    made = Server(made_world.home, made_world.out)
    assert made.get("/")[0] == 200
    assert made.end(signal.SIGINT) == (0, "")


def test_a_port_that_is_taken_is_one_line(made_world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli, ["serve", "--port", str(port)])
    assert isinstance(result.exception, UsageError)
    said = str(result.exception)
    assert said.startswith(f"cannot listen at 127.0.0.1, port {port}: Address already in use; ")
    assert "--port" in said


def test_without_flask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cryptobt.web.serve", raising=False)
    monkeypatch.setitem(sys.modules, "waitress", None)
    monkeypatch.setitem(sys.modules, "waitress.server", None)
    result = CliRunner().invoke(cli, ["serve"])
    assert isinstance(result.exception, UsageError)
    assert 'pip install "cryptobt[web]"' in str(result.exception)


def test_an_open_address_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRYPTOBT_SERVE_TOKEN", raising=False)
    result = CliRunner().invoke(cli, ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert isinstance(result.exception, UsageError)
    assert "set CRYPTOBT_SERVE_TOKEN in the environment" in str(result.exception)


@pytest.mark.slow
def test_with_a_token_the_process_asks_for_it_and_keeps_it_to_itself(made_world: World) -> None:
    made = Server(made_world.home, made_world.out, token=TOKEN)
    try:
        assert made.get("/")[0] == 303
        assert made.get("/api/accounts")[0] == 401
        assert made.get("/api/accounts", Authorization=f"Bearer {TOKEN}")[0] in (200, 202)
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(made.process.pid)], capture_output=True, text=True
        ).stdout.split()
        assert children
        for child in children:
            assert TOKEN.encode() not in Path(f"/proc/{child}/environ").read_bytes()
    finally:
        assert made.end() == (0, "")


@pytest.mark.slow
def test_forwarded_addresses_are_believed_of_the_proxy_alone(made_world: World) -> None:
    for more, secure in (((), False), (("--behind-proxy", "127.0.0.1"), True)):
        made = Server(made_world.home, made_world.out, *more)
        try:
            headers = made.get("/", **{"X-Forwarded-Proto": "https"})[2]
            assert ("Strict-Transport-Security" in headers) is secure
        finally:
            made.end()


@pytest.mark.slow
def test_pages_are_there_while_night_after_night_is_written(own: World) -> None:
    made = Server(own.home, own.out)
    try:
        made.ready("/api/accounts/one")
        seen = []
        for number in range(LAST + 1, LAST + 6):
            own.files.show(vendor.night_of(number))
            vendor.night(stopped_clock(vendor.night_of(number)))
            status, text, _ = made.get("/api/accounts/one")
            assert status == 200
            told = json.loads(text)
            assert told["state"] == "ready", told["problem"]
            seen.append(told["nights"])
        assert seen == sorted(seen)
        until = time.monotonic() + WAIT
        while json.loads(made.get("/api/accounts/one")[1])["nights"] != 9:
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        assert made.end() == (0, "")


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(own: World) -> None:
    made = Server(own.home, own.out)
    try:
        made.ready("/api/accounts/one")
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
        below, every = {made.process.pid}, [tuple(map(int, line.split())) for line in
                                            listed.splitlines()]  # fmt: skip
        for _ in range(3):
            below |= {pid for pid, parent in every if parent in below}
        for pid in below - {made.process.pid}:
            os.kill(pid, signal.SIGKILL)
        own.files.night(LAST + 1)
        until = time.monotonic() + WAIT
        while json.loads(made.get("/api/accounts/one")[1])["nights"] != 5:
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        assert made.end()[0] == 0


def test_a_request_that_comes_a_letter_at_a_time_is_no_activity() -> None:
    ours, theirs = socket.socketpair()
    server = SimpleNamespace(active_channels={}, add_task=lambda asked: None)
    made = Connection(server, ours, ("127.0.0.1", 1), Adjustments(), map={})

    def active_after(sent: bytes) -> bool:
        theirs.sendall(sent)
        made.last_activity = 1.0
        made.handle_read()
        return bool(made.last_activity > 1.0)

    try:
        assert active_after(b"GET / HTTP/1.1\r\n"), "a request begins"
        assert not active_after(b"X: a")
        assert not active_after(b"a")
        assert active_after(b"\r\n\r\n"), "it is there"
        assert active_after(b"GET"), "the next one begins"
    finally:
        theirs.close()
        made.close()
