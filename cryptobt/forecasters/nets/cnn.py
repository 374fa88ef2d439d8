"""One-dimensional convolutions over time, three or four layers of them."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from cryptobt.forecasters.nets.layers import NetOutput, activation_named

_KERNEL, _STRIDE = 5, 2


class Cnn(nn.Module):
    """Convolutions that look back only and halve the time axis each, then one linear layer.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    window_bars : int
        Bars in a window (T).
    filters : int
        Of every convolution.
    layers : int
        Convolutions.
    dropout : float
        After each.
    activation : str
        tanh, relu or leaky_relu.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        window_bars: int,
        filters: int,
        layers: int,
        dropout: float,
        activation: str,
    ) -> None:
        super().__init__()
        widths = [features, *[filters] * layers]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, _KERNEL, _STRIDE) for before, after in pairwise(widths)
        )
        self.activation = activation_named(activation)
        self.dropout = nn.Dropout(dropout)
        length = window_bars
        for _ in range(layers):
            length = -(-length // _STRIDE)
        self.head = nn.Linear(filters * length, outputs)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        signal = x.permute(1, 2, 0)  # (B, F, T)
        for convolution in self.convolutions:
            # Padded so that the newest bar always ends a kernel, and the length is halved upwards.
            short = _KERNEL - 1 - (signal.shape[-1] - 1) % _STRIDE
            signal = functional.pad(signal, (short, 0))
            signal = self.dropout(self.activation(convolution(signal)))  # (B, C, ceil(T/2))
        return NetOutput(self.head(signal.flatten(1)))
