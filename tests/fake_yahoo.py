"""A Yahoo of our own on the loopback interface: cookie, crumb and the v8 chart, errors included."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CRUMB = "crumb123"


def chart(symbol: str, rows: list[tuple[int, list[float | None]]]) -> dict[str, Any]:
    """Write rows (epoch seconds, [open, high, low, close, volume]) as Yahoo's chart answer."""
    names = ("open", "high", "low", "close", "volume")
    quote = {name: [row[i] for _, row in rows] for i, name in enumerate(names)}
    meta = {
        "currency": "USD", "symbol": symbol, "instrumentType": "CRYPTOCURRENCY",
        "exchangeTimezoneName": "UTC", "timezone": "UTC", "gmtoffset": 0, "priceHint": 2,
        "dataGranularity": "1d", "validRanges": ["1d", "5d", "1mo", "1y", "max"],
        "firstTradeDate": rows[0][0] if rows else None, "regularMarketPrice": 1.0,
        "currentTradingPeriod": {
            part: {"timezone": "UTC", "start": 0, "end": 86400, "gmtoffset": 0}
            for part in ("pre", "regular", "post")
        },
    }  # fmt: skip
    indicators = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
    result = {"meta": meta, "timestamp": [at for at, _ in rows], "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


def failure(code: str, words: str) -> dict[str, Any]:
    """Write Yahoo's error answer."""
    return {"chart": {"result": None, "error": {"code": code, "description": words}}}


class FakeYahoo:
    """Answers chart requests with ``status`` and ``body``; records the paths it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = failure("Not Found", "nothing was prepared")
        self.delay_seconds = 0.0
        self.asked: list[str] = []
        self.crumbs: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "FakeYahoo":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, path: str) -> tuple[int, bytes]:
        time.sleep(self.delay_seconds)
        if path.endswith("/getcrumb"):
            return 200, CRUMB.encode()
        if "/v8/finance/chart/" in path:
            body = self.body if isinstance(self.body, str) else json.dumps(self.body)
            return self.status, body.encode()
        return (200, b"<html></html>") if path in {"/", "/consent"} else (404, b"{}")


def _handler(yahoo: FakeYahoo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            yahoo.asked.append(parts.path)
            if "crumb=" in parts.query:
                yahoo.crumbs.append(parts.query.split("crumb=")[1].split("&")[0])
            status, body = yahoo.reply(parts.path)
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Set-Cookie", "A3=cookie; Path=/; Max-Age=31536000")
                self.end_headers()
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: the terminal belongs to the tests."""

    return Handler
