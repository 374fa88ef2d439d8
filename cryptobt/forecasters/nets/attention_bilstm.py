"""Bidirectional LSTM with additive attention over time (ATH-CryptoNet)."""

import torch
from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import AdditiveAttention, NetOutput


class AttentionBiLstm(nn.Module):
    """Both reading directions stay inside the window, which ends at the deciding bar.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    units : int
        LSTM units in each direction.
    dropout : float
        On the attention's context.
    as_published : bool
        The attention's context alone, as the paper has it: no last states, no LayerNorm.
    """

    def __init__(
        self, features: int, outputs: int, units: int, dropout: float, as_published: bool = False
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, units, bidirectional=True)
        self.attention = AdditiveAttention(2 * units)
        self.dropout = nn.Dropout(dropout)
        self.norm = None if as_published else nn.LayerNorm(2 * units)
        self.head = nn.Linear(2 * units, outputs)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        states, (last, _) = self.lstm(x)  # (T, B, 2H), (2, B, H)
        context, weights = self.attention(states)
        summary = self.dropout(context)
        if self.norm is not None:
            final = torch.cat((last[0], last[1]), dim=-1)  # (B, 2H): each direction's last state
            summary = self.norm(final + summary)
        return NetOutput(self.head(summary), None, weights)
