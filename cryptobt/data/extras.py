"""The series beside the bars that a run loads: on-chain, sentiment, macro, and any file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import DataSettings, home
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.data.csv_series import read_series
from cryptobt.data.extra_sync import extra_up_to_date
from cryptobt.data.named_files import pair_files, split_entry
from cryptobt.data.sample import sample_market
from cryptobt.data.sources.registry import find_series
from cryptobt.data.sources.source import SeriesSource
from cryptobt.data.store import Extra, ExtraStore

COINMETRICS = "coinmetrics"


def load_extras(
    settings: DataSettings, markets: Sequence[MarketData], now: pd.Timestamp
) -> dict[str, tuple[ExtraSeries, ...]]:
    """Load the series beside the bars of every symbol; symbols without any have an empty tuple.

    Those of vendors are stored, and a vendor is asked only for rows that are not there yet; where
    it cannot be reached, what is stored is used, and said in the ``warnings`` of the series. The
    sample market brings its own simulated on-chain and sentiment series.

    Parameters
    ----------
    markets : sequence of MarketData
        What :func:`cryptobt.data.load.load_markets` gave.
    now : Timestamp
        Aware; what was published after it is left out.

    Raises
    ------
    UsageError
        Missing file, an unknown series, a symbol without bars, or an unnamed on-chain file beside
        several symbols.
    DataUnavailableError
        If a vendor fails, and if it cannot be reached and nothing is stored.
    DataInvalidError
        If a row is bad.
    """
    shared = tuple(_shared(entry, settings, now) for entry in settings.extras)
    onchain = _onchain(settings, [market.symbol for market in markets], now)
    extras = {}
    for market in markets:
        own = _simulated(market.symbol, settings) if market.source == "sample" else ()
        if market.symbol in onchain:
            others = tuple(series for series in own if series.name != "onchain")
            own = (onchain[market.symbol], *others)
        extras[market.symbol] = (*own, *shared)
    return extras


def extra_store() -> ExtraStore:
    """The store of vendors' series beside the bars, in the user's data folder."""
    return ExtraStore(home("data") / "store")


def extra_source(extra: Extra) -> SeriesSource:
    """Look up the source of rows that are stored.

    Raises
    ------
    UsageError
        With the nearest known name, or a metric that cannot be one.
    """
    if extra.source == COINMETRICS:
        from cryptobt.data.sources.coinmetrics import METRICS, CoinMetricsSource

        named = extra.key.partition(":")[2]
        metrics = tuple(named.split(",")) if named else METRICS
        # The lag is added when rows are loaded: another one needs no new answer.
        return CoinMetricsSource(metrics, lag_hours=0.0)
    return find_series(extra.source)


def vendors_extras(settings: DataSettings, symbols: Sequence[str]) -> Iterator[tuple[Extra, float]]:
    """Name every series that the settings want of a vendor, with the lag that is added to it.

    Raises
    ------
    UsageError
        If a file is given beside ``--onchain coinmetrics``.
    """
    for entry in settings.extras:
        if "=" not in entry:
            extra = _vendors(entry)
            yield extra, _lag(extra, settings)
    if _of_coinmetrics(settings):
        for coin in dict.fromkeys(map(_coin, symbols)):
            yield coin, settings.onchain_lag_hours


def _of_coinmetrics(settings: DataSettings) -> bool:
    if COINMETRICS in settings.onchain and len(settings.onchain) > 1:
        raise UsageError("--onchain coinmetrics is for all symbols; give no file beside it")
    return COINMETRICS in settings.onchain


def _shared(entry: str, settings: DataSettings, now: pd.Timestamp) -> ExtraSeries:
    """One of ``data.extras``: NAME=FILE, or SOURCE or SOURCE:KEY."""
    name, sign, path = entry.partition("=")
    if sign:
        return read_series(Path(path).expanduser(), name.strip(), 0.0, own_publication=True)
    extra = _vendors(entry)
    return _stored(extra, _lag(extra, settings), now)


def _vendors(entry: str) -> Extra:
    source, _, key = entry.partition(":")
    return Extra(source, key)


def _lag(extra: Extra, settings: DataSettings) -> float:
    """Hours until a row is published; other sources tell the instant themselves."""
    return settings.onchain_lag_hours if extra.source == COINMETRICS else 0.0


def _coin(symbol: str) -> Extra:
    # A coin's chain is the same whatever it is quoted in.
    return Extra(COINMETRICS, symbol.partition("-")[0].strip().lower())


def _stored(extra: Extra, lag_hours: float, now: pd.Timestamp) -> ExtraSeries:
    source = extra_source(extra)
    return extra_up_to_date(extra_store(), source, extra, now, lag_hours)


def _onchain(
    settings: DataSettings, symbols: list[str], now: pd.Timestamp
) -> dict[str, ExtraSeries]:
    if _of_coinmetrics(settings):
        lag = settings.onchain_lag_hours
        return {symbol: _stored(_coin(symbol), lag, now) for symbol in symbols}
    return {
        symbol: read_series(path, "onchain", settings.onchain_lag_hours)
        for symbol, path in _onchain_files(settings, symbols).items()
    }


def _onchain_files(settings: DataSettings, known: list[str]) -> dict[str, Path]:
    unnamed = [entry for entry in settings.onchain if not split_entry(entry)[0]]
    if unnamed and len(known) > 1:
        raise UsageError(
            f"--onchain {unnamed[0]}: say which of {', '.join(known)} it belongs to, "
            f"as {known[0]}={unnamed[0]}"
        )
    files = pair_files(settings.onchain, known, "onchain")
    for symbol in files:
        if symbol not in known:
            raise UsageError(f"--onchain: there are no bars of '{symbol}'; {', '.join(known)} only")
    return files


def _simulated(symbol: str, settings: DataSettings) -> tuple[ExtraSeries, ...]:
    coin = sample_market(symbol, lag_hours=settings.onchain_lag_hours)
    return (coin.onchain, coin.sentiment)
