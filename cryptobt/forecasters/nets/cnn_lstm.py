"""Convolution and LSTM, without attention: the dual-attention paper's baseline."""

from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import CausalConv, NetOutput, PaperConv, dense_head


class CnnLstm(nn.Module):
    """Convolution over time, LSTM, two dense layers on its last state.

    Source: "Deep Learning Approaches for Cryptocurrency Price Prediction" (2025), section 3.3.1.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    filters, units : int
        Convolution filters, LSTM units.
    as_published : bool
        The paper's padding on both sides and BatchNorm.
    """

    def __init__(
        self, features: int, outputs: int, filters: int, units: int, as_published: bool = False
    ) -> None:
        super().__init__()
        convolution = PaperConv if as_published else CausalConv
        self.convolution = convolution(features, filters)
        self.lstm = nn.LSTM(filters, units)
        self.head = dense_head(units, outputs)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        states, _ = self.lstm(self.convolution(x))  # (T, B, H)
        return NetOutput(self.head(states[-1]))
