"""Each network at its paper's size: seconds an epoch, share of the GEMM peak; and memory of a fit.

``python -m benchmarks.nets`` answers ``gemm`` (FLOP/s) and the name of a network (windows a second
of one epoch by TorchForecaster's own trainer); ``python -m benchmarks.nets fit NAME`` fits that
network to five-minute bars in two workers, as a run does.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.crew import ROOT, Crew, serve
from benchmarks.gemm import gemm_rate
from benchmarks.memory import EVERY_S, run_and_watch
from benchmarks.net_work import BATCH, CASES, Case, multiply_adds, noise
from benchmarks.table import NO_LIMIT, Figure, Section, spread
from cryptobt.core import columns
from cryptobt.core.settings import load_settings
from cryptobt.core.types import MarketData
from cryptobt.features.sets import FeatureTable
from cryptobt.features.volatility import MIN_ROWS
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.losses import Loss
from cryptobt.forecasters.nets.build import build_net
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.forecasters.scaled import fit_scaler
from cryptobt.forecasters.torch_forecaster import _Batches, _Trainer
from cryptobt.forecasters.walkforward import ask, make_samples
from cryptobt.records.content import ContentStore

ROUNDS, WORKERS = 3, (1, 2)
EPOCH = 10_000
TIMED = 10 * BATCH
"""Windows that are trained on to measure; an epoch of ``EPOCH`` takes as much longer."""
WINDOWS, BARS, FEATURES, HORIZONS = 100_000, 256, 16, 16
FIVE_MINUTE_NETS = ("dual_attention", "lstm", "cnn3")
FIVE_MINUTE_FIT = (
    "forecaster.target=next_return", f"forecaster.window_bars={BARS}",
    f"forecaster.horizon_bars={list(range(1, HORIZONS + 1))}", "walkforward.split=single",
    "walkforward.test_share=0.01", "walkforward.ensemble_seeds=2", "training.epochs=1",
    f"training.batch={BATCH}", "run.workers=2",
)  # fmt: skip
Rates = dict[str, list[float]]


def sections() -> list[Section]:
    """Measure every network with one and with two workers, and the five-minute fits."""
    measured = {workers: _rates(workers) for workers in WORKERS}
    return [_speed(measured), _memory()]


def _rates(workers: int) -> Rates:
    """Sums over the workers by question, one a round; the questions of a round follow closely."""
    asked = ["gemm", *(case.name for case in CASES)]
    with Crew([sys.executable, "-m", "benchmarks.nets"], workers) as crew:
        for name in asked:
            crew.measure(name)  # the first answer pays for caches and buffers
        rates: Rates = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name in asked:
                rates[name].append(sum(crew.measure(name)))
    return rates


def _speed(measured: dict[int, Rates]) -> Section:
    figures = [
        _figure(case, workers, rates) for case in CASES for workers, rates in measured.items()
    ]
    peaks = " and ".join(
        f"{statistics.median(rates['gemm']) / 1e9:.0f} GFLOP/s with {workers}"
        for workers, rates in measured.items()
    )
    note = (
        "Multiply-adds of a window's forward are counted from the layers' shapes and checked "
        "against torch's own counter; a training step counts as 3 × that × 2 FLOP. Elementwise "
        f"work, the optimiser and gathering count nothing. The GEMM peak was {peaks} workers of "
        "one thread."
    )
    return Section("The networks at the papers' sizes", figures, [note])


def _figure(case: Case, workers: int, rates: Rates) -> Figure:
    work = 6 * multiply_adds(case)
    pairs = zip(rates[case.name], rates["gemm"], strict=True)
    shares = [100 * windows * work / peak for windows, peak in pairs]
    windows = statistics.median(rates[case.name]) / workers
    return Figure(
        f"{case.name}, {case.bars} × {case.features} in, {case.outputs} out, {_workers(workers)}",
        NO_LIMIT,
        f"{EPOCH / windows:.1f} s an epoch of {EPOCH:,} windows",
        f"{statistics.median(shares):.0f} % of the GEMM peak, {spread(shares, 0)} in {ROUNDS} "
        f"rounds; {work / 6e6:.2f} M multiply-adds; {_sizes(case)}, batch {BATCH}",
    )


def _sizes(case: Case) -> str:
    design, spec = case.design, FORECASTERS[case.name]
    sizes = (key for key in ("filters", "units", "attention_heads") if key in spec.net_settings)
    return ", ".join(f"{design[key]} {key.replace('_', ' ')}" for key in sizes)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"each of {count} workers at once"


def _memory() -> Section:
    figures = [_five_minutes(name) for name in FIVE_MINUTE_NETS]
    return Section("Memory of a fit on five-minute bars", figures)


def _five_minutes(name: str) -> Figure:
    usage = run_and_watch(
        [sys.executable, "-m", "benchmarks.nets", "fit", name], {"PYTHONPATH": str(ROOT)}
    )
    return Figure(
        f"{name}, {BARS} × {FEATURES} in, {HORIZONS} out, {WINDOWS:,} windows, one epoch",
        "2 GB",
        f"{usage.peak_bytes / 1e9:.2f} GB",
        "two seeds in 2 workers, small size; summed PSS of all processes, sampled every "
        f"{EVERY_S:g} s; 15 % of the windows validate, 1 % are forecast; {usage.seconds:.0f} s",
    )


def _fit(name: str) -> None:
    """Fit a network to five-minute bars and forecast the last of them, as a run does."""
    settings = load_settings(None, FIVE_MINUTE_FIT, {})
    samples = make_samples(*_five_minute_bars(), settings)
    folds = plan_folds(samples, settings.forecaster, settings.walkforward)
    with tempfile.TemporaryDirectory() as folder:
        cache = ContentStore(Path(folder))
        ask(FORECASTERS[name], samples, folds, settings, cache, lambda _: None)


def _five_minute_bars() -> tuple[MarketData, FeatureTable]:
    """Bars that wander, and normal numbers as features; only their shape matters here."""
    stream, bars = np.random.default_rng(0), WINDOWS + BARS + MIN_ROWS
    interval = pd.Timedelta(minutes=5)
    times = pd.date_range("2022-01-01", periods=bars, freq=interval, tz="UTC", name="time")
    close = 100 * np.exp(0.001 * np.cumsum(stream.standard_normal(bars)))
    frame = pd.DataFrame(dict.fromkeys(columns.BARS, close), times)
    table = pd.DataFrame(stream.standard_normal((bars, FEATURES)), times)
    table.iloc[:MIN_ROWS] = np.nan
    market = MarketData("FIVE", interval, "simulated", frame, simulated=True)
    return market, FeatureTable(table, (), MIN_ROWS)


def _trains(case: Case) -> Callable[[], float]:
    """Measure a part of an epoch of one network, in windows a second."""
    windows, design = noise(case, TIMED), case.design
    loss = Loss(design["losses"], design["target"])
    net = build_net(design, case.features, case.outputs * loss.width)
    batches = _Batches(windows, fit_scaler(design, windows), prices=False)
    trainer = _Trainer(net, loss, design)

    def rate() -> float:
        began = time.perf_counter()
        trainer._epoch(batches)
        return len(batches) / (time.perf_counter() - began)

    return rate


def _answer_questions() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    serve({"gemm": gemm_rate} | {case.name: _trains(case) for case in CASES})


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        _fit(sys.argv[2])
    else:
        _answer_questions()
