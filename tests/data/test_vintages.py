"""Two hundred real downloads of Yahoo's last five bars, replayed as nightly syncs."""

from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.columns import BARS
from cryptobt.core.time import DAY
from cryptobt.data.csv_bars import read_bars
from cryptobt.data.store import BarStore, Series
from cryptobt.data.sync import load_stored, sync

SYMBOLS = {"BTC-USD": "btc_usd_yahoo_1d.csv", "ETH-USD": "eth_usd_yahoo_1d.csv"}


class Replayed:
    """Yahoo as it was at one download: the long history before, and the five bars it showed."""

    name = "yahoo"
    intervals = ("1d",)

    def __init__(self, history: pd.DataFrame) -> None:
        self.told = self.over = history

    def tell(self, rows: pd.DataFrame, now: pd.Timestamp) -> None:
        """Show these bars; older ones as they were shown last, and none half-formed."""
        self.told = pd.concat([self.over.drop(rows.index, errors="ignore"), rows]).sort_index()
        self.over = self.told[self.told.index + DAY <= now]

    def fetch(
        self, _symbol: str, _interval: str, since: pd.Timestamp | None, _now: pd.Timestamp
    ) -> pd.DataFrame:
        told = self.told if since is None else self.told[since:]  # type: ignore[misc]
        return told.rename_axis("time").reset_index()


@pytest.fixture(params=sorted(SYMBOLS))
def replay(request: pytest.FixtureRequest, real_data: Path) -> tuple[str, pd.DataFrame, Replayed]:
    symbol = request.param
    table = pd.read_csv(real_data / "btc_eth_yahoo_vintages.csv")
    table = table[table["symbol"] == symbol]
    table["time"] = pd.to_datetime(table["date"], utc=True).dt.as_unit("ns")
    table["vintage"] = pd.to_datetime(table["vintage_utc"], utc=True).dt.as_unit("ns")
    now = pd.Timestamp("2026-11-20", tz="UTC")
    long = read_bars(real_data / SYMBOLS[symbol], symbol, "refuse", now).bars
    return symbol, table, Replayed(long[long.index < table["time"].min()])


def test_the_store_serves_what_was_shown_last_and_logs_every_rewrite(
    replay: tuple[str, pd.DataFrame, Replayed], tmp_path: Path
) -> None:
    symbol, table, vendor = replay
    store, series = BarStore(tmp_path), Series("yahoo", symbol, "1d")
    known: dict[pd.Timestamp, list[float]] = {}
    changes: list[tuple[pd.Timestamp, float, float]] = []
    partial = 0
    for now, shown in table.groupby("vintage"):
        rows = shown.set_index("time")[list(BARS)].astype(float)
        vendor.tell(rows, pd.Timestamp(now))
        sync(store, vendor, symbol, "1d", pd.Timestamp(now))
        for time, row in rows.iterrows():
            # The bar of the day on which it was downloaded was still forming.
            if time + DAY > now:
                partial += 1
                continue
            values = row.tolist()
            if time in known and known[time] != values:
                changes.append((time, known[time][3], values[3]))
            known[time] = values
        market = load_stored(store, series, "refuse", pd.Timestamp(now))
        assert market is not None
        served = market.bars.loc[min(known) :]
        assert {time: row.tolist() for time, row in served.iterrows()} == known
    logged = [(r.time, r.old["close"], r.new["close"]) for r in store.rewrites(series)]
    assert logged == changes
    assert partial > 50
    assert bool(changes) == (symbol == "BTC-USD")  # Ether's five bars were never rewritten


def test_a_bar_that_was_shown_while_it_formed_is_never_kept(
    replay: tuple[str, pd.DataFrame, Replayed], tmp_path: Path
) -> None:
    symbol, table, vendor = replay
    store, series = BarStore(tmp_path), Series("yahoo", symbol, "1d")
    now, shown = list(table.groupby("vintage"))[-1]
    vendor.tell(shown.set_index("time")[list(BARS)].astype(float), pd.Timestamp(now))
    report = sync(store, vendor, symbol, "1d", pd.Timestamp(now))
    assert report.last + DAY <= pd.Timestamp(now)
    assert report.last == store.read(series)["time"].iloc[-1]  # type: ignore[index]
