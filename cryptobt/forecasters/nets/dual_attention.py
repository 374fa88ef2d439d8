"""CNN-LSTM with attention over features and over time."""

from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import (
    CausalConv,
    FeatureGate,
    LastStateAttention,
    NetOutput,
    PaperConv,
    dense_head,
)


class DualAttention(nn.Module):
    """Feature gate, causal convolution, LSTM, attention over time, one linear head a target.

    The paper ("Deep Learning Approaches for Cryptocurrency Price Prediction", 2025) prints its
    layers but no forward pass; docs/architecture.md has ours. We deviate in four places: the
    gate is 2·sigmoid so that it starts as identity, the convolution is padded on the past side
    alone, LayerNorm takes the place of BatchNorm, whose statistics mix the batch's dates, and one
    linear layer answers.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    filters, units, attention_heads : int
        Convolution filters, LSTM units, attention heads; heads divide units.
    dropout : float
        On the attention's context.
    as_published : bool
        The paper's gate, padding, BatchNorm and two dense layers at the end.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        filters: int,
        units: int,
        attention_heads: int,
        dropout: float,
        as_published: bool = False,
    ) -> None:
        super().__init__()
        self.gate = FeatureGate(features, largest=1.0 if as_published else 2.0)
        convolution = PaperConv if as_published else CausalConv
        self.convolution = convolution(features, filters)
        self.lstm = nn.LSTM(filters, units)
        self.attention = LastStateAttention(units, attention_heads)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(units)
        self.head = dense_head(units, outputs) if as_published else nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        gates = self.gate(x)  # (T, B, F)
        states, _ = self.lstm(self.convolution(gates * x))  # (T, B, H)
        context, weights = self.attention(states)
        summary = self.norm(states[-1] + self.dropout(context))  # (B, H)
        return NetOutput(self.head(summary), gates, weights)
