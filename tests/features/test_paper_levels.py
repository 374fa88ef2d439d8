"""The inputs of papers that learn from levels, worked by hand."""

import numpy as np
import pandas as pd

from cryptobt.data.sample import simulate
from cryptobt.features.paper_levels import ath5, levels
from cryptobt.features.sets import compute

from .test_paper16 import ema, wilder_rsi

SIM = simulate("X", 200, seed=5)
CLOSE = SIM.market.bars["close"]
NONE = pd.DataFrame(index=SIM.market.bars.index)


def test_close_is_the_close_alone_from_the_first_bar_on() -> None:
    frame = compute("close", SIM.market).frame
    assert list(frame) == ["close"]
    np.testing.assert_array_equal(frame["close"], CLOSE)


def test_levels_are_the_bars_and_every_further_series() -> None:
    frame = compute("levels", SIM.market, [SIM.onchain, SIM.sentiment]).frame
    bars = ["open", "high", "low", "close", "volume"]
    assert list(frame) == [*bars, "adractcnt", "txcnt", "feetotntv", "value"]
    np.testing.assert_array_equal(frame[bars], SIM.market.bars)


def test_levels_replace_a_zero_by_the_row_before_and_keep_what_is_missing() -> None:
    bars = SIM.market.bars.iloc[:6].copy()
    bars["volume"] = [0.0, 5.0, 0.0, 0.0, np.nan, 7.0]
    # Nothing came before the first zero; a missing value is no zero.
    expected = [np.nan, 5.0, 5.0, 5.0, np.nan, 7.0]
    np.testing.assert_array_equal(levels(bars, NONE.iloc[:6])["volume"], expected)


def test_levels_leave_a_volume_out_that_is_nowhere() -> None:
    bars = SIM.market.bars.assign(volume=np.nan)
    assert list(levels(bars, NONE)) == ["open", "high", "low", "close"]


def test_ath5_has_the_five_fields_of_the_page_by_their_formulas() -> None:
    frame = compute("ath5", SIM.market, [SIM.sentiment]).frame
    assert list(frame) == ["close", "rsi", "macd", "volatility", "sentiment"]
    assert frame.iloc[:60].isna().all(axis=None)
    assert frame.iloc[60:].notna().all(axis=None)
    late = frame.iloc[60:]
    np.testing.assert_allclose(late["rsi"], wilder_rsi(CLOSE)[60:], rtol=1e-8)
    macd = ema(CLOSE, 2 / 13) - ema(CLOSE, 2 / 27)
    np.testing.assert_allclose(late["macd"], macd[60:], rtol=1e-8)
    deviation = [CLOSE.iloc[t - 9 : t + 1].std(ddof=1) for t in range(60, 200)]
    np.testing.assert_allclose(late["volatility"], deviation)
    np.testing.assert_array_equal(late["sentiment"], SIM.sentiment.frame["value"].iloc[60:] / 100)


def test_ath5_without_an_index_counts_the_rises_of_fourteen_bars() -> None:
    sentiment = ath5(SIM.market.bars, NONE)["sentiment"]
    rises = sum(bool(CLOSE.iloc[t] > CLOSE.iloc[t - 1]) for t in range(186, 200))
    assert sentiment.iloc[-1] == rises / 14
