"""Small settings, and fits made in this process instead of a pool of workers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch

from cryptobt.core.settings import Settings, load_settings
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.data.sample import SimulatedMarket
from cryptobt.features.sets import compute
from cryptobt.forecasters import walkforward, workers
from cryptobt.forecasters.folds import Samples
from cryptobt.forecasters.tasks import FitTask
from cryptobt.forecasters.walkforward import forecast
from cryptobt.forecasters.workers import Progress
from cryptobt.records.content import ContentStore

SMALL = (
    "training.epochs=2",
    "walkforward.ensemble_seeds=1",
    "walkforward.refit_days=180",
    "net.units=8",
    "net.filters=8",
    "net.attention_heads=2",
)


def small(*assignments: str) -> Settings:
    """Settings with which a fold is fitted in a fraction of a second."""
    return load_settings(None, [*SMALL, *assignments], {})


def first_bars(coin: SimulatedMarket, count: int) -> MarketData:
    """A market as it was when it had this many bars."""
    market = coin.market
    return MarketData(market.symbol, market.interval, market.source, market.bars.iloc[:count])


def forecast_of(
    market: MarketData,
    name: str,
    settings: Settings,
    cache: ContentStore,
    report: Callable[[Progress], None] = lambda _: None,
) -> Forecasts:
    """Features and forecasts of a market."""
    features = compute(settings.features.set, market)
    return forecast(market, features, name, settings, cache, report)


def _run_here(
    tasks: Sequence[FitTask],
    samples: Samples,
    cache: ContentStore,
    _workers: int,
    report: Callable[[Progress], None],
) -> None:
    """Do what the workers do, one task after the other; a test pins it to the pool's answer."""
    missing = [t for t in tasks if t.predict_key not in cache or t.fit_key not in cache]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_samples", samples, raising=False)
        patch.setattr(workers, "_cache", cache, raising=False)
        for done, task in enumerate(missing, start=1):
            report(Progress(done, len(missing), *workers._fit_and_predict(task)))


@contextmanager
def in_process() -> Iterator[None]:
    """Fit in this process, on one thread as a worker does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walkforward, "run_tasks", _run_here)
            yield
    finally:
        torch.set_num_threads(threads)
