"""What the figures are computed from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cryptobt.reports.account_figures import drawdown
from cryptobt.reports.canvas import MAX_POINTS, thin
from cryptobt.reports.forecast_figures import matched_forecasts
from cryptobt.reports.network_figures import MAX_COLUMNS, attention_columns
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.svg import inline_svg

from .synthetic import SYMBOL


def test_a_forecast_is_matched_with_the_return_after_its_bar(sheet: Sheet) -> None:
    matched = matched_forecasts(sheet)
    time = matched.index[10]
    close = sheet.bars[SYMBOL]["close"]
    after = np.log(close[time + sheet.interval] / close[time])
    assert matched["realised"].iloc[10] == pytest.approx(after)
    assert close.index[-1] not in matched.index


def test_a_forecast_whose_target_is_a_gap_is_left_out(sheet: Sheet) -> None:
    bars = sheet.bars[SYMBOL]
    gap = bars.index[300]
    matched = matched_forecasts(replace(sheet, bars={SYMBOL: bars.drop(index=gap)}))
    assert gap not in matched.index
    assert gap - sheet.interval not in matched.index
    assert len(matched) == len(matched_forecasts(sheet)) - 2


def test_attention_is_averaged_over_heads_and_time_newest_bar_first() -> None:
    times = pd.date_range("2020-01-01", periods=1000, tz="UTC")
    attention = np.zeros((1000, 2, 5))
    attention[:, 0, 4] = 1.0
    attention[:, 1, 3] = 1.0
    columns = attention_columns(times, attention)
    assert columns.shape == (5, MAX_COLUMNS)
    assert columns[:, 0].tolist() == [0.5, 0.5, 0.0, 0.0, 0.0]


def test_a_stretch_without_forecasts_is_a_hole_in_the_attention() -> None:
    times = pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-11"], tz="UTC")
    columns = attention_columns(times, np.full((3, 1, 2), 0.5))
    assert np.isnan(columns[0, 1])
    assert columns[0, 2] == 0.5


def test_thinning_keeps_the_last_point_and_the_deepest_loss() -> None:
    times = pd.date_range("2020-01-01", periods=10_000, freq="5min", tz="UTC")
    loss = pd.Series(0.0, times)
    loss.iloc[4321] = -0.5
    thinned = thin(loss, "min")
    assert len(thinned) <= MAX_POINTS
    assert thinned.min() == -0.5
    assert thinned.index[-1] == times[-1]
    assert thin(loss.iloc[:100]).equals(loss.iloc[:100])


def test_drawdown_is_the_loss_since_the_highest_equity() -> None:
    assert drawdown(pd.Series([100.0, 120.0, 90.0, 120.0])).tolist() == [0.0, 0.0, -0.25, 0.0]


def test_an_inline_figure_has_its_own_ids_and_no_metadata() -> None:
    document = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "http://w3.org/d"><svg width="3pt" '
        'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 3"><metadata>2024</metadata>'
        '<defs>\n  <style type="text/css">*{stroke-linecap: butt}</style>\n </defs>'
        '<g id="figure_1"><path id="a" d="M 1.23456 2\nL 3.1 4"/><use xlink:href="#a" '
        'clip-path="url(#a)"/></g></svg>'
    )
    expected = (
        '<svg role="img" aria-label="&lt;b&gt;" viewBox="0 0 3 3"><g><path id="p-0" '
        'd="M 1.2 2 L 3.1 4"/><use xlink:href="#p-0" clip-path="url(#p-0)"/></g></svg>'
    )
    assert inline_svg(document, "p", "<b>") == expected
