"""A Yahoo of our own on the loopback interface: cookie, crumb and the v8 chart, errors included."""

from typing import Any

from .loopback import HTML, Asked, Loopback, Reply

CRUMB = "crumb123"


def chart(
    symbol: str,
    rows: list[tuple[int, list[float | None]]],
    traded: tuple[float, int] | None = None,
) -> dict[str, Any]:
    """Write rows (epoch seconds, [open, high, low, close, volume]) as Yahoo's chart answer.

    ``traded`` is the price of the last trade, and its time in epoch seconds.
    """
    names = ("open", "high", "low", "close", "volume")
    quote = {name: [row[i] for _, row in rows] for i, name in enumerate(names)}
    meta = {
        "currency": "USD", "symbol": symbol, "instrumentType": "CRYPTOCURRENCY",
        "exchangeTimezoneName": "UTC", "timezone": "UTC", "gmtoffset": 0, "priceHint": 2,
        "dataGranularity": "1d", "validRanges": ["1d", "5d", "1mo", "1y", "max"],
        "firstTradeDate": rows[0][0] if rows else None,
        "currentTradingPeriod": {
            part: {"timezone": "UTC", "start": 0, "end": 86400, "gmtoffset": 0}
            for part in ("pre", "regular", "post")
        },
    }  # fmt: skip
    if traded is not None:
        meta |= {"regularMarketPrice": traded[0], "regularMarketTime": traded[1]}
    indicators = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
    result = {"meta": meta, "timestamp": [at for at, _ in rows], "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


def failure(code: str, words: str) -> dict[str, Any]:
    """Write Yahoo's error answer."""
    return {"chart": {"result": None, "error": {"code": code, "description": words}}}


class FakeYahoo(Loopback):
    """Answers chart requests with ``status`` and ``body``, others as a browser would be."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: Any = failure("Not Found", "nothing was prepared")

    @property
    def crumbs(self) -> set[str]:
        """What charts were asked for with."""
        return {asked.query["crumb"] for asked in self.asked if "crumb" in asked.query}

    def is_data(self, asked: Asked) -> bool:
        return "/v8/finance/chart/" in asked.path

    def answer(self, asked: Asked) -> Reply:
        if self.is_data(asked):
            return Reply(self.body, self.status)
        if asked.path.endswith("/getcrumb"):
            return Reply(CRUMB)
        if asked.path in {"/", "/consent"}:
            return Reply(HTML, headers={"Set-Cookie": "A3=cookie; Path=/; Max-Age=31536000"})
        return Reply(status=404)
