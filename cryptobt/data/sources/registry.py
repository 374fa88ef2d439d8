"""Sources of bars by name: ours, an exchange's, or one that another package offers."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

import pandas as pd

from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.settings import secret
from cryptobt.data.sources.source import BarSource, Quote, SeriesSource

GROUP = "cryptobt.sources"


def _yahoo() -> BarSource:
    from cryptobt.data.sources.yahoo import YahooSource

    return YahooSource()


def _alphavantage() -> BarSource:
    from cryptobt.data.sources.alphavantage import KEY_VARIABLE, AlphaVantageSource

    return AlphaVantageSource(secret(KEY_VARIABLE))


def _feargreed() -> SeriesSource:
    from cryptobt.data.sources.feargreed import FearGreedSource

    return FearGreedSource()


def _macro() -> SeriesSource:
    from cryptobt.data.sources.macro import MacroSource

    return MacroSource()


VENDORS: dict[str, Callable[[], BarSource]] = {"yahoo": _yahoo, "alphavantage": _alphavantage}
SERIES: dict[str, Callable[[], SeriesSource]] = {"feargreed": _feargreed, "macro": _macro}
"""Series of the whole market, whatever the symbol."""
EXCHANGES = "ccxt:"
# Not vendors: a file, the simulated market, and Yahoo with the latter to fall back on.
OTHERS = ("auto", "csv", "sample")


def find_source(name: str) -> BarSource:
    """Look a source of bars up: a vendor, ``ccxt:EXCHANGE``, or an installed one.

    Raises
    ------
    UsageError
        With the nearest known name, or what an installed one fails with.
    """
    if name.startswith(EXCHANGES):
        from cryptobt.data.sources.exchanges import ExchangeSource

        return ExchangeSource(name.removeprefix(EXCHANGES))
    if name in VENDORS:
        return VENDORS[name]()
    installed = installed_sources()
    if name in installed:
        return _installed(installed[name])
    vendors = [*VENDORS, *installed, f"{EXCHANGES}EXCHANGE"]
    if name in OTHERS:
        raise UsageError(f"'{name}' is no vendor that can be asked; there are {', '.join(vendors)}")
    if "/" in name or "." in name:
        raise UsageError(f"{name}: there is no such file, and no source of that name")
    known = [*OTHERS, *VENDORS, *installed, f"{EXCHANGES}binance"]
    raise UsageError(f"unknown source '{name}'; {did_you_mean(name, known)}")


def find_quotes(name: str) -> Callable[[str, pd.Timestamp], Quote] | None:
    """Look up what asks a source for the latest price of a symbol; None where it tells none.

    An exchange pushes it where it can.

    Raises
    ------
    UsageError
        If there is no such source.
    """
    if name in OTHERS:
        return None
    source: object = find_source(name)
    for way in ("live_quote", "quote"):
        ask: Callable[[str, pd.Timestamp], Quote] | None = getattr(source, way, None)
        if ask is not None:
            return ask
    return None


def find_series(name: str) -> SeriesSource:
    """Look a source of series for the whole market up.

    Raises
    ------
    UsageError
        With the nearest known name.
    """
    if name not in SERIES:
        raise UsageError(
            f"unknown series '{name}'; {did_you_mean(name, SERIES)}, or give NAME=FILE"
        )
    return SERIES[name]()


def installed_sources() -> dict[str, EntryPoint]:
    """Sources that other packages offer under the entry point ``cryptobt.sources``."""
    return {point.name: point for point in entry_points(group=GROUP)}


def _installed(point: EntryPoint) -> BarSource:
    try:
        source: BarSource = point.load()()
    except Exception as error:
        raise UsageError(f"source '{point.name}' ({point.value}): {error}") from error
    missing = [name for name in ("name", "intervals", "fetch") if not hasattr(source, name)]
    if missing:
        raise UsageError(
            f"source '{point.name}' ({point.value}) has no {missing[0]}; "
            "see the protocol BarSource in docs/data.md"
        )
    return source
