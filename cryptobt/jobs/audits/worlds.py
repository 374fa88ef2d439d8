"""The whole pipeline on many simulated worlds, several at a time."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from cryptobt.backtests.run import Trader
from cryptobt.core.errors import CryptobtError
from cryptobt.core.processes import (
    behave_as_worker,
    end_workers,
    usable_cores,
    worker_context,
)
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, MarketData
from cryptobt.jobs.audits.audited import Audited
from cryptobt.jobs.audits.judged import Judgement, judge
from cryptobt.jobs.audits.like import World, world_like
from cryptobt.jobs.events import Events
from cryptobt.jobs.forecasts import Forecasting
from cryptobt.jobs.trader import trader_of

BESIDE = ("buy_and_hold",)
Row = dict[str, Any]
Measure = Callable[[Judgement, World], Row]


class Wanted(NamedTuple):
    """A simulated world to be traded; see :func:`~cryptobt.jobs.audits.like.world_like`."""

    number: int
    strength: float = 0.0
    drifts: bool = True


class _Given(NamedTuple):
    """What a worker needs beside the worlds' numbers; user code is found anew by its reference."""

    settings: Settings
    markets: Sequence[MarketData]
    extras: Mapping[str, Sequence[ExtraSeries]]
    measure: Measure


def judge_worlds(audited: Audited, wanted: Sequence[Wanted], measure: Measure) -> list[Row]:
    """Judge the pipeline on every world, and measure each judgement.

    The results do not depend on the number of workers. An interrupt ends them at once; the folds
    that were fitted are kept, so that the same command goes on from there.

    Parameters
    ----------
    measure : callable
        Of a module, so that other processes find it.

    Returns
    -------
    list of dict
        In the order of ``wanted``.
    """
    workers = audited.settings.run.workers or usable_cores()
    count = min(workers, len(wanted))
    tell = _Told(audited.events, len(wanted))
    if count == 1:
        given = _Given(audited.settings, audited.markets, audited.extras, measure)
        return list(_one_by_one(given, audited, wanted, tell))
    run = audited.settings.run.model_copy(update={"workers": max(1, workers // count)})
    settings = audited.settings.model_copy(update={"run": run})
    given = _Given(settings, audited.markets, audited.extras, measure)
    return _at_once(given, wanted, count, tell)


def _one_by_one(
    given: _Given, audited: Audited, wanted: Sequence[Wanted], tell: "_Told"
) -> Iterator[Row]:
    for number, one in enumerate(wanted):
        tell.begun(number)
        yield _measured(given, audited.trader, one, audited.events)


def _at_once(given: _Given, wanted: Sequence[Wanted], count: int, tell: "_Told") -> list[Row]:
    context = worker_context("cryptobt.jobs.evidence")
    with ProcessPoolExecutor(count, context, _start_worker, (given,)) as pool:
        try:
            waiting = [pool.submit(_in_worker, one) for one in wanted]
            return _collected(waiting, tell)
        except BrokenProcessPool as error:
            raise CryptobtError(
                "a worker process died (out of memory, or killed); fitted folds are kept: run the "
                "same command again, with fewer --workers if memory was short"
            ) from error
        except BaseException:
            end_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _collected(waiting: Sequence[Future[Row]], tell: "_Told") -> list[Row]:
    tell.begun(0)
    for done, future in enumerate(as_completed(waiting), start=1):
        future.result()
        if done < len(waiting):
            tell.begun(done)
    return [future.result() for future in waiting]


class _Told:
    """Says how many worlds are done, and how long the rest will take."""

    def __init__(self, events: Events, total: int) -> None:
        self.events, self.total, self.began = events, total, time.perf_counter()

    def begun(self, done: int) -> None:
        """Say that so many are done and others begin."""
        left = ""
        if done:
            seconds = (time.perf_counter() - self.began) / done * (self.total - done)
            left = f", about {seconds / 60:.0f} minutes left" if seconds >= 90 else ", nearly done"
        self.events.step(f"simulated markets: {done} of {self.total} judged{left}")


_given: _Given
_trader: Trader


def _start_worker(given: _Given) -> None:
    global _given, _trader
    behave_as_worker()
    with redirect_stdout(sys.stderr):
        _given, _trader = given, trader_of(given.settings)


def _in_worker(wanted: Wanted) -> Row:
    quiet = Events(lambda _: None, lambda _: None, lambda _: None)
    with redirect_stdout(sys.stderr):
        return _measured(_given, _trader, wanted, quiet)


def _measured(given: _Given, trader: Trader, wanted: Wanted, events: Events) -> Row:
    """Forecast, trade and judge one world; what is said of each is said of the real data once."""
    world = world_like(
        given.markets,
        given.extras,
        wanted.number,
        strength=wanted.strength,
        drifts=wanted.drifts,
    )
    quiet = Events(lambda _: None, lambda _: None, events.fits)
    forecasting = Forecasting(world.markets, world.extras, trader, given.settings, quiet)
    forecasts = forecasting.forecasts(forecasting.features())
    # On one thread: the last bits of a matrix product depend on how many share it.
    with threadpool_limits(1):
        judgement = judge(world.markets, forecasts, trader, given.settings, BESIDE)
        return given.measure(judgement, world)
