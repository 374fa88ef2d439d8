"""A page in a headless Chromium, driven by the DevTools protocol over a socket of this machine."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0",
)  # fmt: skip
_WAIT_SECONDS = 60.0
_REQUESTED = "Network.requestWillBeSent"
_COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


def chromium() -> str | None:
    """Where the browser is; None where there is none."""
    return shutil.which("chromium")


class Page:
    """One tab: what it asked for, what it complained of, and what it can be told."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._session: str | None = None
        self._calls = 0
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = self._receive()
            if answer.get("id") == self._calls:
                assert "error" not in answer, f"{method}: {answer}"
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        answer = json.loads(self._socket.recv(_WAIT_SECONDS))
        if "method" in answer:
            self.events.append((answer["method"], answer["params"]))
        return answer

    def open(self, file: Path, *, width: int, dark: bool = False) -> None:
        """Open a file from the disk at a width in pixels."""
        self.visit(file.as_uri(), width=width, dark=dark)

    def visit(self, address: str, *, width: int, dark: bool = False) -> None:
        """Open an address at a width in pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for_load()

    def wait_for_load(self) -> None:
        """Wait until a page is there that was asked for since the events were cleared."""
        while not any(name == "Page.loadEventFired" for name, _ in self.events):
            self._receive()

    def ask(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened, but for what lies in itself."""
        asked = [params["request"]["url"] for name, params in self.events if name == _REQUESTED]
        return [url for url in asked if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """Errors, warnings and words in the console since the page was opened."""
        return [json.dumps(params) for name, params in self.events if name in _COMPLAINTS]

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Move, press or release the mouse."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key: str, **more: Any) -> None:
        """Press and release a key."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def tabulate(self) -> None:
        """Go to the next link or field, as the tabulator key does."""
        self.press("Tab", code="Tab", windowsVirtualKeyCode=9)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Put fingers on the page, move them, or lift them all."""
        placed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=placed)

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])


@contextmanager
def opened(program: str, profile: Path) -> Iterator[Page]:
    """Start a browser with a fresh profile, and end it."""
    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={profile}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port, path = _door(profile, process)
        address = f"ws://127.0.0.1:{port}{path}"
        with connect(address, max_size=None, proxy=None, open_timeout=_WAIT_SECONDS) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait()


def _door(profile: Path, process: "subprocess.Popen[bytes]") -> tuple[str, str]:
    """Wait until the browser has written where it listens."""
    file, until = profile / "DevToolsActivePort", time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        time.sleep(0.05)
    raise RuntimeError("the browser did not start")
