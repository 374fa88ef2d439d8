"""The networks at the papers' sizes: what they are trained on here, and their multiply-adds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cryptobt.core.settings import load_settings
from cryptobt.forecasters.nets.build import build_net
from cryptobt.forecasters.nets.layers import LastStateAttention
from cryptobt.forecasters.protocol import Windows
from cryptobt.forecasters.registry import FORECASTERS, design_of

BATCH = 64


class Case(NamedTuple):
    """A network at the size of its paper, or at ours where the paper names none."""

    name: str
    bars: int
    features: int
    outputs: int
    sizes: tuple[str, ...]

    @property
    def design(self) -> Mapping[str, Any]:
        """What the settings make of it."""
        given = (
            f"forecaster.window_bars={self.bars}",
            f"forecaster.horizon_bars={list(range(1, self.outputs + 1))}",
            "forecaster.target=next_return",
            f"training.batch={BATCH}",
        )
        settings = load_settings(None, [*given, *self.sizes], {})
        return design_of(FORECASTERS[self.name], settings, 1)


_DUAL = ("net.filters=64", "net.units=128", "net.attention_heads=4")
_INTRADAY = ("net.filters=64", "net.units=64")
CASES = (
    Case("dual_attention", 30, 16, 1, _DUAL),
    Case("cnn_lstm", 30, 16, 1, _DUAL),
    Case("attention_bilstm", 10, 5, 1, ("net.units=64",)),
    Case("bilstm", 49, 1, 1, ("net.units=49", "net.attention_heads=7")),
    *(Case(name, 256, 1, 16, _INTRADAY) for name in ("lstm", "gru", "cnn3", "cnn4")),
)


def noise(case: Case, count: int) -> Windows:
    """Windows that follow one another over normal numbers; only their shape matters here."""
    stream = np.random.default_rng(0)
    bars = count + case.bars
    ends = np.arange(case.bars, bars)
    return Windows(
        stream.standard_normal((bars, case.features)),
        0.02 * np.cumsum(stream.standard_normal(bars)),
        ends,
        case.bars,
        np.zeros((count, 1)),
        np.full(count, 0.02),
        stream.standard_normal((count, case.outputs)),
        ends,
    )


def multiply_adds(case: Case) -> int:
    """Count the forward's multiply-adds of one window from the layers' shapes.

    A linear layer, a convolution or the gates of a recurrent layer multiply each of their weights
    once a row, step of the output, or bar. Attention with one query takes its key and value weights
    once a window, and for every head and bar one product over the units for its logit, one for the
    mix of states. Raises if torch counts otherwise.
    """
    net = build_net(case.design, case.features, case.outputs).double().eval()
    counted: list[int] = []
    for layer in net.modules():
        layer.register_forward_hook(
            lambda layer, given, out: counted.append(_once(layer, given[0], out))
        )
    # In float64 recurrent layers run as matrix products, which torch's counter knows.
    x = torch.zeros(case.bars, BATCH, case.features, dtype=torch.float64)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(x)
    total, theirs = sum(counted) // BATCH, int(counter.get_total_flops()) // 2 // BATCH
    if total != theirs:
        raise RuntimeError(f"{case.name}: {total} multiply-adds by the shapes, {theirs} by torch")
    return total


def _once(layer: nn.Module, given: Tensor, out: Any) -> int:
    """Multiply-adds of one call of a layer on a batch; those of layers inside it not included."""
    if isinstance(layer, nn.Linear):
        return layer.weight.numel() * (out.numel() // layer.out_features)
    if isinstance(layer, nn.Conv1d):
        return layer.weight.numel() * out.shape[-1] * len(out)
    if isinstance(layer, nn.RNNBase):
        weights = sum(weight.numel() for weight in layer.parameters() if weight.dim() == 2)
        return weights * given.shape[0] * given.shape[1]
    if isinstance(layer, LastStateAttention):
        bars, batch, units = given.shape
        once = layer.key.weight.numel() + layer.value.weight.numel()
        return batch * (once + 2 * layer.heads * units * bars)
    return 0
