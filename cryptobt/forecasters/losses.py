"""What a network is trained to make small: one loss, or the sum of several."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

QUANTILES = (0.05, 0.50, 0.95)


class Loss:
    """Sum of named losses, each on outputs of its own; a network answers with the first of them.

    ``mse`` and ``huber`` share one output a target: the predicted target. ``bce`` has the log odds
    of a target above 0, ``pinball`` the 5 %, 50 % and 95 % quantiles of the target.

    Parameters
    ----------
    names : sequence of str
        Empty for the target's own: ``bce`` for the direction, else ``mse``.
    target : str
        What is forecast.
    """

    def __init__(self, names: Sequence[str], target: str) -> None:
        self.names = tuple(names) or (("bce",) if target == "direction" else ("mse",))
        self.places: dict[str, slice] = {}
        self.width = 0
        for kind, outputs in (("point", 1), ("bce", 1), ("pinball", len(QUANTILES))):
            if any(_kind(name) == kind for name in self.names):
                self.places[kind] = slice(self.width, self.width + outputs)
                self.width += outputs

    def __call__(self, prediction: Tensor, labels: Tensor) -> Tensor:
        """Sum the losses of outputs (B, K·width) for labels (B, K)."""
        parts = [
            _LOSSES[name](self._of(prediction, _kind(name)), labels[..., None])
            for name in self.names
        ]
        return torch.stack(parts).sum()

    def answer(self, prediction: Tensor) -> Tensor:
        """Pick the answers (B, K): the predicted target, else its log odds, else its median."""
        kind = next(iter(self.places))
        outputs = self._of(prediction, kind)  # (B, K, outputs of this kind)
        return outputs[..., outputs.shape[-1] // 2]

    def _of(self, prediction: Tensor, kind: str) -> Tensor:
        grouped = prediction.unflatten(-1, (-1, self.width))  # (B, K, width)
        return grouped[..., self.places[kind]]


def _kind(name: str) -> str:
    return name if name in ("bce", "pinball") else "point"


def _bce(log_odds: Tensor, labels: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(log_odds, (labels > 0).to(log_odds.dtype))


def _pinball(quantiles: Tensor, labels: Tensor) -> Tensor:
    """Mean of max(τ·e, (τ − 1)·e) with e = label − quantile (Koenker & Bassett, 1978)."""
    levels = torch.tensor(QUANTILES, dtype=quantiles.dtype)
    error = labels - quantiles
    return torch.maximum(levels * error, (levels - 1) * error).mean()


_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": functional.mse_loss,
    "huber": functional.huber_loss,
    "bce": _bce,
    "pinball": _pinball,
}
