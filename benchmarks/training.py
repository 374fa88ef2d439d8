"""Training in all workers at once: share of the GEMM peak, and windows a second beside a peer."""

import os
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.crew import Crew
from benchmarks.paper_fit import Work, training_windows, window_work
from benchmarks.table import Figure, Section, skipped, spread
from cryptobt.core.processes import usable_cores

ROUNDS = 9
PEER_PYTHON = "CRYPTOBT_PEER_PYTHON"
LAYERS = {"peer": "2", "peer, one layer": "1"}
_NO_PEER = (
    f"skipped: {PEER_PYTHON} names no interpreter with the packages of `benchmarks/peers.txt`"
)
Rounds = dict[str, list[float]]


def section() -> Section:
    """Measure training and its peer, interleaved, in as many processes as there are cores."""
    workers = usable_cores()
    work = window_work(training_windows())
    rounds = _measure(workers, os.environ.get(PEER_PYTHON))
    title = f"Training, {workers} workers of one thread at once"
    return Section(title, [*_ours(rounds, work), *_against_peer(rounds)], [_arithmetic(work)])


def _measure(workers: int, peer: str | None) -> Rounds:
    """Sums over the workers by question, one a round; the questions of a round follow closely."""
    ours = [sys.executable, "-m", "benchmarks.paper_fit"]
    with ExitStack() as stack:
        crew = stack.enter_context(Crew(ours, workers))
        asked = {"gemm": crew, "train": crew}
        if peer:
            for name, layers in LAYERS.items():
                command = [peer, "-m", "benchmarks.peer_lstm", layers]
                asked[name] = stack.enter_context(Crew(command, workers))
        for name, members in asked.items():
            members.measure(name)  # the first answer pays for caches and buffers
        rounds: Rounds = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name, members in asked.items():
                rounds[name].append(sum(members.measure(name)))
        return rounds


def _ours(rounds: Rounds, work: Work) -> list[Figure]:
    flops = 3 * 2 * work.multiply_adds
    shares = [
        100 * windows * flops / peak
        for windows, peak in zip(rounds["train"], rounds["gemm"], strict=True)
    ]
    peaks = [peak / 1e9 for peak in rounds["gemm"]]
    return [
        Figure(
            "fp32 GEMM, 2048³",
            "—",
            f"{statistics.median(peaks):.0f} GFLOP/s",
            f"all workers together; a round is the median of five; rounds {spread(peaks, 0)}",
        ),
        Figure(
            "paper-size dual attention, batch 64",
            "—",
            f"{statistics.median(rounds['train']):,.0f} windows/s",
            f"one epoch of TorchForecaster's trainer on {work.features} features; "
            f"rounds {spread(rounds['train'], 0)}",
        ),
        Figure(
            "… of the GEMM peak",
            "at least 60 %",
            f"{statistics.median(shares):.0f} %",
            f"median of {ROUNDS} rounds of both in turn; rounds {spread(shares, 0)}",
        ),
    ]


def _against_peer(rounds: Rounds) -> list[Figure]:
    name, limit = "… against neuralforecast's LSTM", "at least 1.5 ×"
    if "peer" not in rounds:
        return [skipped(name, limit, _NO_PEER)]
    settings = "hidden 128, input 30, 15 exogenous, 32 windows a batch; training steps alone"
    return [
        _ratio(name, limit, rounds, "peer", f"{settings}; two layers, its default"),
        _ratio(f"{name} of one layer, as ours", "—", rounds, "peer, one layer", "for comparison"),
    ]


def _ratio(name: str, limit: str, rounds: Rounds, peer: str, how: str) -> Figure:
    ratios = [a / b for a, b in zip(rounds["train"], rounds[peer], strict=True)]
    theirs: Sequence[float] = rounds[peer]
    return Figure(
        name,
        limit,
        f"{statistics.median(ratios):.2f} ×",
        f"{how}; it made {statistics.median(theirs):,.0f} windows/s; rounds {spread(ratios, 2)}",
    )


def _arithmetic(work: Work) -> str:
    return (
        f"The forward of one window of {work.bars} bars takes {work.multiply_adds:,} "
        "multiply-adds, counted from the layers' shapes and checked against torch's own counter; "
        f"a training step counts as 3 × that × 2 = {6 * work.multiply_adds / 1e6:.1f} MFLOP a "
        "window. Elementwise work, the optimiser and gathering the windows take time and count "
        "nothing."
    )
