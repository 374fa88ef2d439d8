"""What a run loads, as its settings say."""

from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import DataSettings
from cryptobt.core.types import ExtraSeries
from cryptobt.data import extras as series_beside
from cryptobt.data import load
from cryptobt.data.load import load_markets

NOW = pd.Timestamp("2025-06-01T00:00:00Z")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_coin.csv"
    rows = [f"2024-01-{day:02},10,12,9,11,5" for day in range(1, 11)]
    path.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    return path


@pytest.fixture
def onchain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.csv"
    path.write_text("date,txcnt\n2024-01-01,1\n2024-01-02,2\n")
    return path


def load_extras(settings: DataSettings) -> dict[str, tuple[ExtraSeries, ...]]:
    return series_beside.load_extras(settings, load_markets(settings, NOW), NOW)


def symbols(settings: DataSettings) -> list[str]:
    return [market.symbol for market in load_markets(settings, NOW)]


def test_a_file_is_named_by_itself_or_the_symbol_or_its_own_prefix(file: Path) -> None:
    assert symbols(DataSettings(csv=(str(file),))) == ["my_coin"]
    assert symbols(DataSettings(csv=(str(file),), symbols=("ETH-USD",))) == ["ETH-USD"]
    both = (f"A-USD={file}", f"B-USD={file}")
    assert symbols(DataSettings(csv=both)) == ["A-USD", "B-USD"]


def test_a_file_name_may_hold_an_equals_sign(file: Path) -> None:
    odd = file.rename(file.with_name("a=b.csv"))
    assert symbols(DataSettings(csv=(str(odd),))) == ["a=b"]


def test_files_that_do_not_fit_the_symbols_are_usage_errors(file: Path) -> None:
    with pytest.raises(UsageError, match="two files for symbol 'my_coin'"):
        load_markets(DataSettings(csv=(str(file), str(file))), NOW)
    with pytest.raises(UsageError, match="no file for symbol 'B-USD'; give --csv B-USD=FILE"):
        load_markets(DataSettings(csv=(f"A-USD={file}",), symbols=("A-USD", "B-USD")), NOW)
    with pytest.raises(UsageError, match="source csv needs a file"):
        load_markets(DataSettings(source="csv"), NOW)
    with pytest.raises(UsageError, match="no such file"):
        load_markets(DataSettings(csv=("none.csv",)), NOW)


def test_the_sample_is_bitcoin_unless_said() -> None:
    assert symbols(DataSettings(source="sample")) == ["BTC-USD"]
    asked = DataSettings(source="sample", symbols=("SOL-USD", "ETH-USD"))
    assert symbols(asked) == ["SOL-USD", "ETH-USD"]


def test_what_the_sample_lacks_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no 'DOGE-USD'"):
        load_markets(DataSettings(source="sample", symbols=("DOGE-USD",)), NOW)
    with pytest.raises(UsageError, match="bars of 1d only, not 1h"):
        load_markets(DataSettings(source="sample", interval="1h"), NOW)
    with pytest.raises(UsageError, match="named twice"):
        load_markets(DataSettings(source="sample", symbols=("BTC-USD", "BTC-USD")), NOW)


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2024-01-05", "2024-01-05"),
        ("2024-01-05T00:00:00Z", "2024-01-05"),
        ("2024-01-05T23:00:00", "2024-01-05"),
        ("2024-01-04T23:59:59", "2024-01-04"),
        ("2030-01-01", "2024-01-10"),
    ],
)
def test_bars_after_the_end_are_cut(end: str, last: str, file: Path) -> None:
    (market,) = load_markets(DataSettings(csv=(str(file),), end=end), NOW)
    assert market.times[-1] == pd.Timestamp(last, tz="UTC")


def test_an_end_on_the_last_day_there_is_keeps_all_bars(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the settings refuse it by themselves; the cut must not rely on it
    monkeypatch.setattr(load, "parse_day", lambda text, _: pd.Timestamp(text, tz="UTC"))
    (market,) = load_markets(DataSettings(csv=(str(file),), end="2262-04-11"), NOW)
    assert len(market.bars) == 10


@pytest.mark.parametrize("source", ["sample", "yahoo"])
def test_a_file_beside_another_source_is_a_usage_error(source: str, file: Path) -> None:
    contradictory = DataSettings(source=source, csv=(str(file),))
    words = "--csv gives the bars: leave --source out, or say --source csv"
    with pytest.raises(UsageError, match=words):
        load_markets(contradictory, NOW)
    assert symbols(DataSettings(source="csv", csv=(str(file),))) == ["my_coin"]


@pytest.mark.parametrize("source", ["auto", "sample", "yahoo"])
def test_an_empty_symbol_is_a_usage_error(source: str, file: Path) -> None:
    for csv in ((str(file),), ()) if source == "auto" else ((),):
        with pytest.raises(UsageError, match="a symbol is empty; write it like BTC-USD"):
            load_markets(DataSettings(source=source, symbols=("",), csv=csv), NOW)


@pytest.mark.parametrize("entry", ["", ".", "BTC-USD="])
def test_an_entry_without_a_file_is_a_usage_error(entry: str) -> None:
    with pytest.raises(UsageError, match=f"--csv '{entry}' is not a regular file; give a file"):
        load_markets(DataSettings(csv=(entry,)), NOW)
    with pytest.raises(UsageError, match=f"--onchain '{entry}' is not a regular file"):
        load_extras(DataSettings(source="sample", onchain=(entry,)))


def test_an_unknown_sample_symbol_lists_the_known_ones_once() -> None:
    with pytest.raises(UsageError) as caught:
        load_markets(DataSettings(source="sample", symbols=("XQZ",)), NOW)
    assert str(caught.value).count("ETH-USD") == 1


def test_the_start_is_not_applied_here(file: Path) -> None:
    (market,) = load_markets(DataSettings(csv=(str(file),), start="2024-01-05"), NOW)
    assert market.times[0] == pd.Timestamp("2024-01-01", tz="UTC")


def test_an_end_before_the_bars_is_refused(file: Path) -> None:
    with pytest.raises(DataInvalidError, match=r"my_coin: 0 bar\(s\) of 1d until 2020-01-01"):
        load_markets(DataSettings(csv=(str(file),), end="2020-01-01"), NOW)


def test_the_sample_brings_its_series_and_a_file_takes_the_place_of_its_onchain(
    onchain: Path,
) -> None:
    extras = load_extras(DataSettings(source="sample", onchain_lag_hours=6))
    assert [series.name for series in extras["BTC-USD"]] == ["onchain", "sentiment"]
    assert extras["BTC-USD"][0].lag_hours == 6
    extras = load_extras(DataSettings(source="sample", onchain=(str(onchain),)))
    assert [series.source for series in extras["BTC-USD"]] == ["csv", "sample"]


def test_onchain_files_belong_to_their_symbol(file: Path, onchain: Path) -> None:
    one = DataSettings(csv=(str(file),), onchain=(str(onchain),), onchain_lag_hours=5)
    assert load_extras(one)["my_coin"][0].lag_hours == 5
    csv = (f"A={file}", f"B={file}")
    extras = load_extras(DataSettings(csv=csv, onchain=(f"B={onchain}",)))
    assert [len(extras[symbol]) for symbol in "AB"] == [0, 1]
    with pytest.raises(UsageError, match="say which of A, B"):
        load_extras(DataSettings(csv=csv, onchain=(str(onchain),)))
    with pytest.raises(UsageError, match="no bars of 'C'"):
        load_extras(DataSettings(csv=csv, onchain=(f"C={onchain}",)))


def test_without_files_real_bars_have_no_series(file: Path) -> None:
    assert load_extras(DataSettings(csv=(str(file),))) == {"my_coin": ()}


def test_loading_needs_no_network_client_before_it_is_used() -> None:
    import subprocess
    import sys

    code = "import sys, cryptobt.data.load; print({'yfinance', 'curl_cffi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_series_of_the_users_comes_with_its_own_instants_of_publication(
    file: Path, tmp_path: Path
) -> None:
    news = tmp_path / "news.csv"
    news.write_text(
        "time,available_at,mood\n2024-01-02,2024-01-02T09:30:00Z,0.5\n"
        "2024-01-03,2024-01-04T07:00:00Z,-0.5\n"
    )
    (series,) = load_extras(DataSettings(csv=(str(file),), extras=(f"news={news}",)))["my_coin"]
    assert (series.name, list(series.frame.columns)) == ("news", ["mood", "available_at"])
    assert series.frame["available_at"].iloc[1] == pd.Timestamp("2024-01-04T07:00:00Z")


def test_an_unknown_series_is_a_usage_error(file: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'feargreed'"):
        load_extras(DataSettings(csv=(str(file),), extras=("fergreed",)))


def test_coinmetrics_stands_alone(file: Path) -> None:
    entries = ("coinmetrics", f"my_coin={file}")
    with pytest.raises(UsageError, match="give no file beside it"):
        load_extras(DataSettings(csv=(str(file),), onchain=entries))


@pytest.fixture
def hourly(tmp_path: Path) -> Path:
    """Nine whole days of hours, and half of the tenth; each close is its number."""
    path = tmp_path / "hourly.csv"
    times = pd.date_range("2024-01-01", periods=9 * 24 + 12, freq="h")
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{n},{n},{n},{n},1" for n, at in enumerate(times, 1)]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return path


def test_resampled_bars_are_of_whole_days_only_and_the_rest_is_said(hourly: Path) -> None:
    settings = DataSettings(csv=(str(hourly),), resample="1d")
    (market,) = load_markets(settings, NOW)
    assert market.interval == pd.Timedelta(days=1)
    assert market.bars["close"].tolist() == [24.0 * day for day in range(1, 10)]
    assert "2024-01-10T00:00:00Z, is not complete" in market.quality.warnings[-1]


def test_an_interval_that_is_no_multiple_is_a_usage_error(hourly: Path) -> None:
    with pytest.raises(UsageError, match="90m is no multiple of the bars' 1h"):
        load_markets(DataSettings(csv=(str(hourly),), resample="90m"), NOW)


def test_closes_that_another_file_tells_otherwise_are_said_and_kept(
    hourly: Path, tmp_path: Path
) -> None:
    days = pd.date_range("2024-01-01", periods=9, freq="D")
    closes = [24.0 * day for day in range(1, 10)]
    closes[4] = 100.0
    rows = [f"{day:%Y-%m-%d},{c},{c},{c},{c},1" for day, c in zip(days, closes, strict=True)]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    settings = DataSettings(csv=(f"X={other}",), cross_check=str(hourly))
    (market,) = load_markets(settings, NOW)
    # 100 against 120: |100 / 120 - 1| = 16.67 %
    assert market.quality.warnings == (
        "closes of X (csv) and X (hourly.csv) are apart by more than 1.00% on 1 of 9 bars, at most "
        "16.67% (2024-01-05T00:00:00Z)",
    )
    assert market.bars["close"].iloc[4] == 100.0
    (loose,) = load_markets(settings.model_copy(update={"cross_check_threshold": 0.2}), NOW)
    assert not loose.quality.warnings
