"""Three bidirectional LSTM layers of w, 2w and w units."""

import torch
from torch import Tensor, nn

from cryptobt.forecasters.nets.layers import NetOutput


class BiLstm(nn.Module):
    """Reads the window in both directions, three times over; it ends at the deciding bar.

    Source: the nine-step guide to a bidirectional LSTM that docs/studies describes, step 2.

    Parameters
    ----------
    features, outputs : int
        Columns in and out.
    units : int
        LSTM units in each direction of the first and the third layer; the second has twice that.
    dropout : float
        Between the layers.
    """

    def __init__(self, features: int, outputs: int, units: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.LSTM(features, units, bidirectional=True)
        self.second = nn.LSTM(2 * units, 2 * units, bidirectional=True)
        self.third = nn.LSTM(4 * units, units, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * units, outputs)

    def forward(self, x: Tensor) -> NetOutput:
        """Predict from windows x of shape (T, B, F)."""
        states = self.dropout(self.first(x)[0])  # (T, B, 2H)
        states = self.dropout(self.second(states)[0])  # (T, B, 4H)
        _, (last, _) = self.third(states)  # (2, B, H)
        return NetOutput(self.head(torch.cat((last[0], last[1]), dim=-1)))
