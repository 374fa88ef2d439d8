"""Networks by name."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from cryptobt.forecasters.nets.attention_bilstm import AttentionBiLstm
from cryptobt.forecasters.nets.bilstm import BiLstm
from cryptobt.forecasters.nets.cnn import Cnn
from cryptobt.forecasters.nets.cnn_lstm import CnnLstm
from cryptobt.forecasters.nets.dual_attention import DualAttention
from cryptobt.forecasters.nets.gru import Gru
from cryptobt.forecasters.nets.lstm import Lstm

NETS: Mapping[str, Callable[..., nn.Module]] = {
    "dual_attention": DualAttention,
    "cnn_lstm": CnnLstm,
    "attention_bilstm": AttentionBiLstm,
    "bilstm": BiLstm,
    "lstm": Lstm,
    "gru": Gru,
    "cnn3": partial(Cnn, layers=3),
    "cnn4": partial(Cnn, layers=4),
}


def build_net(design: Mapping[str, Any], features: int, outputs: int) -> nn.Module:
    """Build the network of the design's name, with those of its settings that it takes."""
    net = NETS[design["net"]]
    taken = [name for name in inspect.signature(net).parameters if name in design]
    return net(features, outputs, **{name: design[name] for name in taken})
