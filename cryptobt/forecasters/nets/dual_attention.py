"""CNN-LSTM with attention over features and over time."""

from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import CausalConv, FeatureGate, LastStateAttention, NetOutput


class DualAttention(nn.Module):
    """Feature gate, causal convolution, LSTM, attention over time, one linear head a target.

    The paper ("Deep Learning Approaches for Cryptocurrency Price Prediction", 2025) prints its
    layers but no forward pass; docs/architecture.md has ours. We deviate in three places: the
    gate is 2·sigmoid so that it starts as identity, the convolution is padded on the past side
    alone, and LayerNorm takes the place of BatchNorm, whose statistics mix the batch's dates.

    Parameters
    ----------
    features, targets : int
        Columns in and out.
    filters, units, heads : int
        Convolution filters, LSTM units, attention heads; heads divide units.
    dropout : float
        On the attention's context.
    """

    def __init__(
        self, features: int, targets: int, filters: int, units: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.gate = FeatureGate(features)
        self.convolution = CausalConv(features, filters)
        self.lstm = nn.LSTM(filters, units)
        self.attention = LastStateAttention(units, heads)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(units)
        self.head = nn.Linear(units, targets)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        gates = self.gate(x)  # (T, B, F)
        states, _ = self.lstm(self.convolution(gates * x))  # (T, B, H)
        context, weights = self.attention(states)
        summary = self.norm(states[-1] + self.dropout(context))  # (B, H)
        return NetOutput(self.head(summary), gates, weights)
