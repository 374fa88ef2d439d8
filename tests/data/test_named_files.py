"""Files that belong to symbols: what is the symbol, and what the file."""

from pathlib import Path

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.data.named_files import pair_files, split_entry


@pytest.mark.parametrize(
    ("entry", "symbol", "file"),
    [
        ("BTC-USD=bars.csv", "BTC-USD", "bars.csv"),
        ("bars.csv", "", "bars.csv"),
        (" BTC =bars.csv", "BTC", "bars.csv"),
        ("BTC=coins.h5::btc", "BTC", "coins.h5::btc"),
        ("BTC=odd=name.csv", "BTC", "odd=name.csv"),
        ("BTC=" + 300 * "a", "BTC", 300 * "a"),
    ],
)
def test_the_sign_parts_symbol_and_file(entry: str, symbol: str, file: str) -> None:
    assert split_entry(entry) == (symbol, Path(file))


def test_a_file_that_carries_the_sign_in_its_name_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("close=5.csv").touch()
    assert split_entry("close=5.csv") == ("", Path("close=5.csv"))
    Path("close=5.h5").touch()
    assert split_entry("close=5.h5::btc") == ("", Path("close=5.h5::btc"))


def test_the_tilde_is_the_home_also_behind_a_symbol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert split_entry("~/bars.csv") == ("", tmp_path / "bars.csv")
    assert split_entry("BTC=~/bars.csv") == ("BTC", tmp_path / "bars.csv")


@pytest.mark.parametrize("entry", ["~nosuchuser/bars.csv", "BTC=~nosuchuser/bars.csv"])
def test_the_home_of_nobody_is_a_usage_error(entry: str) -> None:
    words = "^'~nosuchuser/bars.csv' begins with the folder of a user who is not known here; give"
    with pytest.raises(UsageError, match=words):
        split_entry(entry)


def test_without_a_name_the_symbol_set_or_the_stem_is_taken() -> None:
    assert pair_files(["a/btc.csv.gz"], [], "csv") == {"btc": Path("a/btc.csv.gz")}
    assert pair_files(["coins.h5::eth"], [], "csv") == {"coins": Path("coins.h5::eth")}
    assert pair_files(["bars.csv"], ["BTC-USD"], "csv") == {"BTC-USD": Path("bars.csv")}


def test_two_files_of_one_symbol_and_a_symbol_without_a_file_are_refused() -> None:
    with pytest.raises(UsageError, match="--csv gives two files for symbol 'A'; write each as"):
        pair_files(["A=1.csv", "A=2.csv"], [], "csv")
    with pytest.raises(UsageError, match="no file for symbol 'B'; give --csv B=FILE"):
        pair_files(["A=1.csv"], ["A", "B"], "csv")
    with pytest.raises(UsageError, match="--csv 'A=' is not a regular file; give a file"):
        pair_files(["A="], [], "csv")
