"""What a tearsheet is made from: one run, already measured."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.reports.live_record import LiveRecord


@dataclass(frozen=True)
class Sheet:
    """Everything one tearsheet shows; equal sheets give equal pages, byte for byte.

    Attributes
    ----------
    title : str
        Strategy, symbols and interval, e.g. ``attn_signal on BTC-USD, 1d``.
    simulated : bool
        Whether the prices come from the sample market instead of a real one.
    assumptions : tuple of (str, str)
        Label and text: data, dates, costs, refits, seeds, versions.
    metrics : dict
        The ``metrics.json`` document.
    bars : dict of DataFrame
        Symbol to its bars, all history, index ``time`` (open, aware UTC); in the order in which the
        symbols were named.
    interval : Timedelta
        Spacing of the bars.
    forecaster : str or None
        Name in ``forecasts.frame["forecaster"]`` that the strategy trades on.
    forecasts : Forecasts or None
        With the explanations of the networks, where there are any.
    results : dict
        Row name to account: ``strategy``, ``trend_only``, ``buy_and_hold``, and the others.
    command : str
        The command that repeats the run; settings only, no path of the machine.
    live : LiveRecord or None
        The nights of a paper account, where it is one that the page is about.
    """

    title: str
    simulated: bool
    assumptions: tuple[tuple[str, str], ...]
    metrics: dict[str, Any]
    bars: dict[str, pd.DataFrame]
    interval: pd.Timedelta
    forecaster: str | None
    forecasts: Forecasts | None
    results: dict[str, BacktestResult]
    command: str
    live: LiveRecord | None = None
