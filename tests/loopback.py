"""A vendor of our own on the loopback interface, with every bad manner that a server can have."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from cryptobt.data.sources.patience import Patience

HASTY = Patience(
    connect_seconds=2, read_seconds=2, total_seconds=5, attempts=3, sleep=lambda _: None
)
"""Patience for tests: no wait is waited."""

HTML = b"<!DOCTYPE html><html><body>Attention Required!</body></html>"


class Pauses(list[float]):
    """Notes every wait instead of waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@dataclass(frozen=True)
class Reply:
    """What is sent: a document, or text or bytes as they are, and how.

    Manners: ``hang`` sends nothing, ``drip`` and ``drip headers`` one byte at a time without an
    end, ``slow`` the body so, ``cut`` half of the body of the length that it names, ``chunked`` in
    pieces of 7 bytes.
    """

    body: Any = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "plain"

    @property
    def content(self) -> bytes:
        text = self.body if isinstance(self.body, str | bytes) else json.dumps(self.body)
        return text.encode() if isinstance(text, str) else text


@dataclass(frozen=True)
class Asked:
    """One request: path, query (last value of each name), headers."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Loopback:
    """Says what is ``queued``, one each, then what is said ``always``, else its own ``answer``.

    The first two take the place of an answer to a question that ``is_data``. Records the requests.
    """

    def __init__(self, always: Reply | None = None) -> None:
        self.queued: list[Reply] = []
        self.always = always
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.vendor = self
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def is_data(self, asked: Asked) -> bool:
        """Whether bars, a series or a quote is asked for, and not what a client needs before."""
        return True

    def answer(self, asked: Asked) -> Reply:
        return Reply(status=404)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.is_data(asked):
            if self.queued:
                return self.queued.pop(0)
            if self.always:
                return self.always
        return self.answer(asked)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    vendor: Loopback


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        reply = self.server.vendor.reply(Asked(parts.path, query, dict(self.headers)))
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):
            self._send(reply)

    do_POST = do_GET  # noqa: N815

    def _send(self, reply: Reply) -> None:
        if reply.manner == "hang":
            self.server.vendor.over.wait(5)
            return
        if reply.manner == "drip headers":
            self._one_by_one(b"HTTP/1.1 200 OK\r\nX-Drip: " + b"." * 60_000, 0.02)
            return
        self.send_response_only(reply.status)
        for name, value in (self._usual_headers(reply) | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._send_body(reply)

    def _usual_headers(self, reply: Reply) -> dict[str, str]:
        length = 60_000 if reply.manner == "drip" else len(reply.content)
        chunked = reply.manner == "chunked"
        return {
            "Date": self.date_time_string(),
            "Connection": "close",
            "Content-Type": "application/json",
            **({"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(length)}),
        }

    def _send_body(self, reply: Reply) -> None:
        content = reply.content
        if reply.manner == "drip":
            self._one_by_one(b" " * 60_000, 0.02)
        elif reply.manner == "slow":
            self._one_by_one(content, 0.002)
        elif reply.manner == "chunked":
            for first in range(0, len(content), 7):
                piece = content[first : first + 7]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(content[: len(content) // 2] if reply.manner == "cut" else content)

    def _one_by_one(self, content: bytes, seconds: float) -> None:
        for place in range(len(content)):
            self.wfile.write(content[place : place + 1])
            if self.server.vendor.over.wait(seconds):
                return

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the tests."""
