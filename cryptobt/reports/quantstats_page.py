"""The only door to quantstats: its tables and plots, as a part of our page."""

import importlib
import itertools
import logging
import multiprocessing
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pandas as pd

from cryptobt.core.processes import behave_as_worker, end_workers
from cryptobt.core.time import DAY, naive_utc
from cryptobt.core.types import BacktestResult
from cryptobt.reports.canvas import style
from cryptobt.reports.svg import inline_svg

MIN_DAYS = 10
_VARIABLES = {
    "#494949": "soft",
    "#98a2ab": "faint",
    "#5f6b76": "stroke",
    "#808080": "stroke",
    "#000000": "ink",
    "#ffffff": "card",
    "#348dc1": "blue",
    "#fedd78": "row-buy-and-hold",
}
"""Colours that quantstats draws in, as variables of the page's style sheet."""
_ROW_HEAD = re.compile(r"<tr><td>(.*?)</td>")
_FIGURE = re.compile(r'<figure data-label="([^"]*)">(.*?)</figure>', re.DOTALL)


def daily_returns(result: BacktestResult) -> pd.Series:
    """Compound an account's returns to calendar days.

    Returns
    -------
    Series
        Simple returns; index every day in UTC from the first to the last, naive. A day without a
        bar has return 0: the move over it is in the next bar, as it is in the account.
    """
    returns = result.returns.astype(float).fillna(0.0)
    days = naive_utc(pd.DatetimeIndex(returns.index)).floor("D")
    # Never below nothing: two losses beyond all in one day would multiply to a gain.
    growth = (1.0 + returns).clip(lower=0.0)
    daily = growth.groupby(days.to_numpy()).prod() - 1.0
    if daily.empty:
        return daily
    calendar = pd.date_range(daily.index[0], daily.index[-1], freq=DAY)
    return daily.reindex(calendar, fill_value=0.0)


def why_not(returns: pd.Series) -> str:
    """Say why quantstats cannot be asked about these daily returns; empty text where it can."""
    if len(returns) < MIN_DAYS:
        return f"{len(returns)} days are too few to draw; {MIN_DAYS} are needed."
    if returns.nunique() < 2:
        return "No trades, nothing to draw."
    if not np.isfinite(returns).all() or returns.min() <= -1.0:
        return "The account was lost in full, which quantstats cannot draw."
    if looks_like_prices(returns):
        return "Without one losing day and with a doubling, quantstats would take these for prices."
    return ""


def looks_like_prices(returns: pd.Series) -> bool:
    """Whether quantstats would silently take returns for prices and difference them."""
    return bool(returns.min() >= 0 and returns.max() > 1)


class QuantstatsProcess:
    """Draws quantstats' part of the page in a process of its own, while this one measures.

    Importing quantstats and drawing its thirteen plots takes as long as everything else after the
    backtests. The page is the same, byte for byte, as when it is drawn here.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, behave_as_worker)
        self._drawing: Future[str] | None = None

    def __enter__(self) -> "QuantstatsProcess":
        self._pool.submit(_import_quantstats)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            end_workers()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def begin(self, strategy: BacktestResult, held: BacktestResult) -> None:
        """Begin to draw the strategy's account against buying and holding."""
        self._accounts = strategy, held
        self._drawing = self._pool.submit(quantstats_section, strategy, held)

    def section(self) -> str:
        """Wait for the drawing; draw here if the process was lost."""
        assert self._drawing is not None, "nothing was begun"
        try:
            return self._drawing.result()
        except BrokenProcessPool:
            return quantstats_section(*self._accounts)


def quantstats_section(strategy: BacktestResult | None, held: BacktestResult | None) -> str:
    """Draw quantstats' tearsheet of the strategy against buying and holding.

    Returns
    -------
    str
        Part of an HTML page, or a paragraph that says why there is none. It never raises: the rest
        of the page does not depend on quantstats.
    """
    returns = daily_returns(strategy) if strategy else pd.Series(dtype=float)
    reason = why_not(returns)
    if reason:
        return f'<p class="absent">{reason}</p>'
    try:
        return _tidy(_report(returns, _benchmark(returns, held)))
    except Exception as error:  # quantstats raises whatever its statistics run into
        return f'<p class="absent">quantstats could not draw this ({type(error).__name__}).</p>'


def _benchmark(returns: pd.Series, held: BacktestResult | None) -> pd.Series | None:
    if held is None:
        return None
    # Same days to the last one: quantstats fills any other index with values of its own.
    benchmark = daily_returns(held).reindex(returns.index, fill_value=0.0)
    return None if why_not(benchmark) else benchmark


def _report(returns: pd.Series, benchmark: pd.Series | None) -> str:
    with (
        as_file(files("cryptobt.reports") / "quantstats.html") as template,
        tempfile.TemporaryDirectory() as folder,
        _quiet(),
        style(),
    ):
        page = Path(folder) / "page.html"
        importlib.import_module("quantstats.reports").html(
            returns,
            benchmark=benchmark,
            title="",
            strategy_title="strategy",
            benchmark_title="buy_and_hold",
            periods_per_year=365,
            match_dates=False,
            template_path=str(template),
            output=str(page),
        )
        return page.read_text(encoding="utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what quantstats and seaborn say about themselves, and leave no figure open."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        _import_quantstats()
        from matplotlib import pyplot as plt

        fonts = logging.getLogger("matplotlib.font_manager")
        level, before = fonts.level, set(plt.get_fignums())
        fonts.setLevel(logging.ERROR + 1)
        try:
            yield
        finally:
            fonts.setLevel(level)
            for number in set(plt.get_fignums()) - before:
                plt.close(number)


def _import_quantstats() -> None:
    """Import it without a window system, and without its change of matplotlib's global style."""
    import matplotlib as mpl

    if "matplotlib.pyplot" not in sys.modules:
        mpl.use("Agg")
    with mpl.rc_context():
        importlib.import_module("quantstats.reports")


def _tidy(page: str) -> str:
    """Make quantstats' fragment fit: figures with labels, tables with row and column heads."""
    numbers = itertools.count(1)

    def inlined(figure: re.Match[str]) -> str:
        label, document = figure[1], figure[2]
        if "<svg" not in document:
            return ""
        return f"<figure>{inline_svg(document, f'qs{next(numbers)}', label, _VARIABLES)}</figure>"

    drawn = _FIGURE.sub(inlined, page).replace("<th>", '<th scope="col">')
    # A small-form per cent sign that many fonts lack.
    drawn = drawn.replace("\N{SMALL PERCENT SIGN}", "")
    return _ROW_HEAD.sub(r'<tr><th scope="row">\1</th>', drawn)
