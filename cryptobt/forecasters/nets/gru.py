"""GRU over the window, and a dense head on its last state."""

from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import NetOutput, dense_head


class Gru(nn.Module):
    """One GRU layer; two dense layers with an activation between them answer.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    units : int
        GRU units.
    dropout : float
        On the last state.
    activation : str
        Of the head: tanh, relu or leaky_relu.
    """

    def __init__(
        self, features: int, outputs: int, units: int, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.recurrent = nn.GRU(features, units)
        self.dropout = nn.Dropout(dropout)
        self.head = dense_head(units, outputs, activation)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        states, _ = self.recurrent(x)  # (T, B, H)
        return NetOutput(self.head(self.dropout(states[-1])))
