"""A user's own feature set: found, called on copies, and its columns checked at one door."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.data.sample import simulate
from cryptobt.features.own import FeatureError
from cryptobt.features.sets import compute, find_feature_set

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
(CODE,) = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"))
COIN = simulate("X", 120, seed=5)

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of a user's, and give the reference to its function ``columns``."""

    def put(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return f"{path}:columns"

    return put


def function(body: str, given: str = "bars") -> str:
    return f"import pandas as pd\n\n\ndef columns({given}):\n    {body}\n"


def test_the_page_s_own_example_is_computed_and_its_warm_up_is_seen(write: Write) -> None:
    table = compute(write(CODE), COIN.market)
    assert list(table.frame.columns) == ["day", "week", "range", "place"]
    # 30 closes for the month's place: rows 0 to 28 have none
    assert table.warm_up_bars == 29
    moves = np.diff(np.log(COIN.market.bars["close"].to_numpy()))
    np.testing.assert_allclose(table.frame["day"].to_numpy()[1:], moves, rtol=0, atol=1e-14)


def test_it_is_named_by_file_and_function_and_told_apart_by_content(write: Write) -> None:
    found = find_feature_set(write(CODE))
    other = find_feature_set(write(CODE + "\n"))
    assert found.name == other.name == "mine.columns"
    assert found.file_hash != other.file_hash
    assert found.summary.startswith("Moves of a day")


def test_a_function_of_two_is_given_what_had_been_published(write: Write) -> None:
    reference = write(function("return extras[['txcnt']]", "bars, extras"))
    shown = compute(reference, COIN.market, (COIN.onchain,)).frame["txcnt"].to_numpy()
    told = COIN.onchain.frame["txcnt"].to_numpy()
    # published a day after its period's end: the close of bar t knows the row of t - 1
    np.testing.assert_array_equal(shown[1:], told[:-1])
    assert np.isnan(shown[0])


def test_what_it_writes_into_the_bars_reaches_nobody(write: Write) -> None:
    before = COIN.market.bars.copy()
    compute(write(function("bars['close'] = 1.0; return bars[['close']]")), COIN.market)
    pd.testing.assert_frame_equal(COIN.market.bars, before)


def test_infinite_values_count_as_missing_and_bools_are_numbers(write: Write) -> None:
    body = "return pd.DataFrame({'up': bars['close'] > 0, 'inf': bars['close'] / 0})"
    frame = compute(write(function(body)), COIN.market).frame
    assert (frame["up"] == 1.0).all()
    assert frame["inf"].isna().all()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return bars.dropna().iloc[5:]", "115 rows for 120 bars"),
        ("return bars[::-1]", "rows in another order or at other times"),
        ("return bars['close'].to_numpy()", "a ndarray; expected a DataFrame"),
        ("return bars[[]]", "no columns; expected"),
        ("return bars.assign(note='x')", "column 'note' of type str; expected numbers"),
        ("return bars.set_axis(list('aabcd'), axis=1)", "two columns 'a'; expected each name once"),
        ("return bars[['Close']]", "line 5, in columns: KeyError"),
        ("raise SystemExit(1)", "line 5, in columns: SystemExit: 1"),
    ],
)
def test_columns_that_cannot_be_used_are_refused_in_a_line(
    write: Write, body: str, told: str
) -> None:
    with pytest.raises(FeatureError, match=re.escape(told)) as caught:
        compute(write(function(body)), COIN.market)
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_the_file_does_not_have_is_told_with_the_nearest(write: Write) -> None:
    reference = write(CODE).replace(":columns", ":colums")
    with pytest.raises(FeatureError, match="did you mean 'columns'"):
        find_feature_set(reference)


def test_a_file_without_a_feature_set_says_what_one_is(write: Write) -> None:
    with pytest.raises(FeatureError, match=r"a function of \(bars\), or of \(bars, extras\)"):
        find_feature_set(write("X = 1\n"))


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'stationary'"):
        find_feature_set("stationry")


def test_it_prints_to_stderr(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    compute(write(function("print('here'); return bars[['close']]")), COIN.market)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "here\n")
