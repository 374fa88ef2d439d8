"""Forecasters without gates or attention leave figures out of the page, and say so."""

from dataclasses import replace

import numpy as np

from cryptobt.core.types import Explanation, Forecasts
from cryptobt.reports.network_figures import network_panels, stretches_of_time
from cryptobt.reports.sheet import Sheet

from .synthetic import SYMBOL


def with_explanation(sheet: Sheet, explanation: Explanation | None) -> Sheet:
    assert sheet.forecasts is not None
    found = {} if explanation is None else {SYMBOL: explanation}
    return replace(sheet, forecasts=Forecasts(sheet.forecasts.frame, found))


def as_lstm(sheet: Sheet) -> Explanation:
    """What an LSTM leaves behind: loss curves, NaN gates and attention without heads."""
    assert sheet.forecasts is not None
    whole = sheet.forecasts.explanations[SYMBOL]
    count, _, window = whole.attention.shape
    return replace(
        whole, gates=np.full_like(whole.gates, np.nan), attention=np.zeros((count, 0, window))
    )


def test_a_network_without_attention_has_loss_curves_alone(sheet: Sheet) -> None:
    gates, attention, losses = network_panels(with_explanation(sheet, as_lstm(sheet)))
    assert gates.absent == "Not drawn: this network has no feature gates."
    assert attention.absent == "Not drawn: this network has no attention over time."
    assert "<svg" in losses.svg


def test_a_network_that_explains_no_bar_from_the_start_on_has_loss_curves_alone(
    sheet: Sheet,
) -> None:
    whole = as_lstm(sheet)
    empty = replace(
        whole, times=whole.times[:0], gates=whole.gates[:0], attention=whole.attention[:0]
    )
    panels = network_panels(with_explanation(sheet, empty))
    assert [bool(panel.absent) for panel in panels] == [True, True, False]


def test_what_is_no_network_has_none_of_the_figures(sheet: Sheet) -> None:
    panels = network_panels(with_explanation(sheet, None))
    assert {panel.absent for panel in panels} == {
        "Not drawn: no network that explains itself took part in this run."
    }


def test_values_are_averaged_over_stretches_of_time(sheet: Sheet) -> None:
    times = sheet.bars[SYMBOL].index[:4]
    assert stretches_of_time(times, np.arange(8.0).reshape(4, 2)).tolist() == [
        [0.0, 2.0, 4.0, 6.0], [1.0, 3.0, 5.0, 7.0]]  # fmt: skip
