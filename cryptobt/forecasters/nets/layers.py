"""What every network here returns, and the layers they share. Tensors are time-major: (T, B, F)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class NetOutput(NamedTuple):
    """A network's answer and what it looked at.

    Attributes
    ----------
    prediction : Tensor, shape (B, outputs)
    gates : Tensor, shape (T, B, F), or None
        Feature gates; 1 leaves a feature as it is.
    attention : Tensor, shape (B, attention heads, T), or None
        Weights over the window; they sum to 1 over T.
    """

    prediction: Tensor
    gates: Tensor | None = None
    attention: Tensor | None = None


def activation_named(name: str) -> nn.Module:
    """Make the activation of this name."""
    return {"tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}[name]()


def dense_head(units: int, outputs: int, activation: str = "relu") -> nn.Sequential:
    """Make two dense layers with an activation between them."""
    hidden = max(1, units // 2)
    return nn.Sequential(
        nn.Linear(units, hidden), activation_named(activation), nn.Linear(hidden, outputs)
    )


class FeatureGate(nn.Module):
    """A gate for each feature and time step: ``largest·sigmoid(W2·ReLU(W1·x_t))``.

    The factor 2 lets the gate start near 1, where it passes everything through; the paper has 1.
    """

    def __init__(self, features: int, largest: float = 2.0) -> None:
        super().__init__()
        self.largest = largest
        hidden = max(1, features // 2)
        self.squeeze = nn.Linear(features, hidden)
        self.expand = nn.Linear(hidden, features)

    def forward(self, x: Tensor) -> Tensor:
        """Gates in (0, largest), shape as x: (T, B, F)."""
        return self.largest * torch.sigmoid(self.expand(torch.relu(self.squeeze(x))))


class CausalConv(nn.Module):
    """A convolution over time with kernel 3 that looks back only, then ReLU and LayerNorm.

    Written as one matrix product over three shifted copies: on one CPU thread and at these sizes
    that is faster than Conv1d, and the same arithmetic.
    """

    def __init__(self, features: int, filters: int) -> None:
        super().__init__()
        self.kernel = nn.Linear(3 * features, filters)
        self.norm = nn.LayerNorm(filters)

    def forward(self, x: Tensor) -> Tensor:
        """Filter responses, shape (T, B, filters)."""
        padded = functional.pad(x, (0, 0, 0, 0, 2, 0))  # (T+2, B, F)
        shifted = torch.cat((padded[:-2], padded[1:-1], padded[2:]), dim=-1)  # (T, B, 3F)
        return self.norm(torch.relu(self.kernel(shifted)))


class PaperConv(nn.Module):
    """A convolution over time with kernel 3, padded on both sides, then ReLU and BatchNorm.

    As the dual-attention paper prints it: steps see one step ahead inside the window, and the
    batch statistics of the training mix the dates of a batch.
    """

    def __init__(self, features: int, filters: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(features, filters, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm1d(filters)

    def forward(self, x: Tensor) -> Tensor:
        """Filter responses, shape (T, B, filters)."""
        responses = self.norm(torch.relu(self.convolution(x.permute(1, 2, 0))))  # (B, C, T)
        return responses.permute(2, 0, 1)


class LastStateAttention(nn.Module):
    """Multi-head attention over time whose one query is the last hidden state.

    With a single query, ``q·(W_k h_t)`` equals ``(q W_k)·h_t`` and ``Σ w_t (W_v h_t)`` equals
    ``W_v Σ w_t h_t``: keys and values of all time steps are never formed (a factor T less work).
    """

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(units, units, bias=False)
        self.key = nn.Linear(units, units, bias=False)
        self.value = nn.Linear(units, units, bias=False)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Context (B, H) and weights (B, heads, T) from states (T, B, H)."""
        _, batch, units = states.shape
        size = units // self.heads
        query = self.query(states[-1]).view(batch, self.heads, size)  # (B, heads, d)
        key = self.key.weight.view(self.heads, size, units)  # (heads, d, H)
        value = self.value.weight.view(self.heads, size, units)  # (heads, d, H)
        probe = torch.einsum("bnd,ndh->bnh", query, key)  # (B, heads, H)
        logits = torch.bmm(probe, states.permute(1, 2, 0)) / size**0.5  # (B, heads, T)
        weights = torch.softmax(logits, dim=-1)
        mixed = torch.bmm(weights, states.transpose(0, 1))  # (B, heads, H)
        context = torch.einsum("bnh,ndh->bnd", mixed, value).reshape(batch, units)  # (B, H)
        return context, weights


class AdditiveAttention(nn.Module):
    """Additive attention over time: weights are softmax of ``v·tanh(W h_t)``.

    Source: Bahdanau, Cho & Bengio (2015), without a query.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.project = nn.Linear(units, units)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Context (B, H) and weights (B, 1, T) from states (T, B, H)."""
        logits = self.score(torch.tanh(self.project(states)))  # (T, B, 1)
        weights = torch.softmax(logits, dim=0)
        context = (weights * states).sum(dim=0)  # (B, H)
        return context, weights.permute(1, 2, 0)
