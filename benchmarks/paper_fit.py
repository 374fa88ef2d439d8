"""The paper-size dual attention on the sample market: its work, and one process that trains it.

``python -m benchmarks.paper_fit`` answers ``gemm`` (FLOP/s) and ``train`` (windows a second of one
epoch by TorchForecaster's own trainer, on the largest fold of the main job).
"""

import time
from typing import NamedTuple

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.crew import serve
from benchmarks.gemm import gemm_rate
from cryptobt.core.settings import DataSettings, load_settings
from cryptobt.data.load import load_markets
from cryptobt.features.sets import compute
from cryptobt.forecasters.folds import plan_folds
from cryptobt.forecasters.losses import Loss
from cryptobt.forecasters.nets.build import build_net
from cryptobt.forecasters.nets.dual_attention import DualAttention
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import FORECASTERS, design_of
from cryptobt.forecasters.scaled import fit_scaler
from cryptobt.forecasters.torch_forecaster import _Batches, _Trainer
from cryptobt.forecasters.walkforward import make_samples

SETTINGS = load_settings(None, ["forecaster.preset=paper", "training.batch=64"], {})
DESIGN = design_of(FORECASTERS["dual_attention"], SETTINGS, 1)


class Work(NamedTuple):
    """Multiply-adds of one window's forward, and the sizes that they come from."""

    multiply_adds: int
    bars: int
    features: int


def training_windows() -> Windows:
    """Windows of the last fold of the sample market, with their targets."""
    now = pd.Timestamp("2025-01-01", tz="UTC")
    (market,) = load_markets(DataSettings(source="sample"), now)
    samples = make_samples(market, compute(SETTINGS.features.set, market), SETTINGS)
    folds = plan_folds(samples, SETTINGS.forecaster, SETTINGS.walkforward)
    return folds[-1].learning(samples)[0]


def window_work(windows: Windows) -> Work:
    """Count the forward's multiply-adds of one window from the layers' shapes.

    A linear layer or an LSTM gate multiplies each of its weights once a row. At every bar: gate,
    convolution (one product over three shifted rows) and LSTM. Once a window: the attention's query
    q, the probe q·W_k of all heads and the values W_v, one weight each; and for every head and bar
    one product over the units for its logit, one for the mix of states; and the target heads.
    Raises if torch counts otherwise.
    """
    net = _net(windows)
    attention = net.attention
    each_bar = (
        net.gate.squeeze.weight.numel()
        + net.gate.expand.weight.numel()
        + net.convolution.kernel.weight.numel()
        + sum(weight.numel() for weight in net.lstm.parameters() if weight.dim() == 2)
    )
    once = sum(layer.weight.numel() for layer in (attention.query, attention.key, attention.value))
    each_state = 2 * attention.heads * net.lstm.hidden_size
    total = windows.length * (each_bar + each_state) + once + net.head.weight.numel()
    counted = _counted_by_torch(net, windows)
    if total != counted:
        raise RuntimeError(f"{total} multiply-adds by the shapes, {counted} by torch's counter")
    return Work(total, windows.length, windows.rows.shape[1])


def _net(windows: Windows) -> DualAttention:
    assert windows.targets is not None, "training windows have targets"
    net = build_net(DESIGN, windows.rows.shape[1], windows.targets.shape[1])
    assert isinstance(net, DualAttention), "the design names it"
    return net


def _counted_by_torch(net: DualAttention, windows: Windows) -> int:
    batch = 8
    # In float64 the LSTM runs as matrix products, which torch's counter knows.
    x = torch.zeros(windows.length, batch, windows.rows.shape[1], dtype=torch.float64)
    with FlopCounterMode(display=False) as counter:
        net.double()(x)
    return int(counter.get_total_flops()) // 2 // batch


def _answer_questions() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    windows = training_windows()
    batches = _Batches(windows, fit_scaler(DESIGN, windows), prices=False)
    trainer = _Trainer(_net(windows), Loss(DESIGN["losses"], DESIGN["target"]), DESIGN)

    def train() -> float:
        began = time.perf_counter()
        trainer._epoch(batches)
        return len(batches) / (time.perf_counter() - began)

    serve({"gemm": gemm_rate, "train": train})


if __name__ == "__main__":
    _answer_questions()
