"""Bidirectional LSTM with additive attention over time (ATH-CryptoNet)."""

import torch
from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import AdditiveAttention, NetOutput


class AttentionBiLstm(nn.Module):
    """Both reading directions stay inside the window, which ends at the deciding bar.

    Parameters
    ----------
    features, targets : int
        Columns in and out.
    units : int
        LSTM units in each direction.
    dropout : float
        On the attention's context.
    """

    def __init__(self, features: int, targets: int, units: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, units, bidirectional=True)
        self.attention = AdditiveAttention(2 * units)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(2 * units)
        self.head = nn.Linear(2 * units, targets)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        states, (last, _) = self.lstm(x)  # (T, B, 2H), (2, B, H)
        context, weights = self.attention(states)
        final = torch.cat((last[0], last[1]), dim=-1)  # (B, 2H): each direction's last state
        summary = self.norm(final + self.dropout(context))
        return NetOutput(self.head(summary), None, weights)
