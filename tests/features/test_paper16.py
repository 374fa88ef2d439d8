"""The paper's sixteen inputs against plain pandas formulas."""

import numpy as np
import pandas as pd
import pytest

from cryptobt.data.sample import simulate
from cryptobt.features.paper16 import WARM_UP_ROWS
from cryptobt.features.sets import compute

SIM = simulate("X", 400, seed=5)
CLOSE = SIM.market.bars["close"]


def ema(series: pd.Series, alpha: float) -> pd.Series:
    """Exponential mean by its recursion, started at the first value."""
    state, states = None, []
    for value in series:
        state = value if state is None else state + alpha * (value - state)
        states.append(state)
    return pd.Series(states, index=series.index)


def wilder_rsi(close: pd.Series) -> pd.Series:
    change = close.diff().fillna(0.0)  # the recursion begins with a bar that did not move
    gains, losses = ema(change.clip(lower=0), 1 / 14), ema((-change).clip(lower=0), 1 / 14)
    return 100 - 100 / (1 + gains / losses)


MACD = ema(CLOSE, 2 / 13) - ema(CLOSE, 2 / 27)
MEAN, DEVIATION = CLOSE.rolling(20).mean(), CLOSE.rolling(20).std(ddof=0)
FORMULAS = {
    "sma_20": CLOSE.rolling(20).sum() / 20,
    "ema_20": ema(CLOSE, 2 / 21),
    "rsi_14": wilder_rsi(CLOSE),
    "macd": MACD,
    # The signal line begins with the first MACD of 26 closes.
    "macd_signal": ema(MACD.iloc[25:], 2 / 10),
    "bb_upper": MEAN + 2 * DEVIATION,
    "bb_lower": MEAN - 2 * DEVIATION,
    "bb_width": 100 * 4 * DEVIATION / MEAN,
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return compute("paper16", SIM.market, [SIM.onchain]).frame


def test_there_are_sixteen_in_the_paper_s_order(frame: pd.DataFrame) -> None:
    bars = ["open", "high", "low", "close", "volume"]
    assert list(frame) == [*bars, "adractcnt", "txcnt", "feetotntv", *FORMULAS]
    assert len(frame.columns) == 16


@pytest.mark.parametrize("name", FORMULAS)
def test_an_indicator_equals_its_formula_past_the_warm_up(frame: pd.DataFrame, name: str) -> None:
    expected = FORMULAS[name].reindex(frame.index)[WARM_UP_ROWS:]
    assert expected.notna().all()
    np.testing.assert_allclose(frame[name][WARM_UP_ROWS:], expected, rtol=1e-8)


def test_bars_and_onchain_series_are_raw_levels(frame: pd.DataFrame) -> None:
    after = frame[WARM_UP_ROWS:]
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(after[name], SIM.market.bars[name][WARM_UP_ROWS:])
    # Published a day after the end of its day: row t shows the day before.
    shown = after["txcnt"].to_numpy()
    np.testing.assert_array_equal(shown, SIM.onchain.frame["txcnt"][WARM_UP_ROWS - 1 : -1])


def test_the_warm_up_is_empty_and_nothing_else_is(frame: pd.DataFrame) -> None:
    assert frame[:WARM_UP_ROWS].isna().all().all()
    assert frame[WARM_UP_ROWS:].notna().all().all()


def test_without_onchain_series_thirteen_are_left_and_the_rest_is_said() -> None:
    table = compute("paper16", SIM.market)
    assert len(table.frame.columns) == 13
    assert table.missing == ("adractcnt", "txcnt", "feetotntv")


def test_without_volume_its_column_is_left_out_and_said() -> None:
    from dataclasses import replace

    silent = replace(SIM.market, bars=SIM.market.bars.assign(volume=np.nan))
    table = compute("paper16", silent, [SIM.onchain])
    assert "volume" not in table.frame
    assert table.missing == ("volume",)
    assert table.frame[WARM_UP_ROWS:].notna().all().all()
