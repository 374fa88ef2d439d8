"""One trainer for all torch networks: Adam, plateau, clipping, early stopping, best weights."""

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cryptobt.features.windows import Standardiser
from cryptobt.forecasters.nets.attention_bilstm import AttentionBiLstm
from cryptobt.forecasters.nets.dual_attention import DualAttention
from cryptobt.forecasters.nets.layers import NetOutput
from cryptobt.forecasters.protocol import Prediction, Windows

PREDICT_BATCH = 128


class TorchForecaster:
    """A network, the scaler fitted to its training rows, and how it was trained.

    Everything runs on one thread. Prediction runs in one fixed, zero-padded batch shape with each
    window at its own place, because the same network answers with other last bits at another
    batch size.

    Parameters
    ----------
    design : mapping
        ``net`` (name), ``filters``, ``units``, ``attention_heads``, ``clip``, ``explain_every`` and
        the keys of :class:`~cryptobt.core.settings.TrainingSettings`.
    seed : int
        Of weights, dropout and the order of batches.
    """

    def __init__(self, design: Mapping[str, Any], seed: int) -> None:
        self.design = design
        self.seed = seed
        self.losses: list[tuple[float, float]] = []
        self._net: nn.Module | None = None
        self._scaler: Standardiser | None = None

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Train until the validation loss has not improved for ``patience`` epochs."""
        torch.manual_seed(self.seed)
        self._scaler = self._fit_scaler(training)
        if self._net is None:  # a warm start has restored its parent's weights
            self._net = build_net(self.design, training.rows.shape[1], _targets(training).shape[1])
        trainer = _Trainer(self._net, self.design)
        learn, check = _Batches(training, self._scaler), _Batches(validation, self._scaler)
        self.losses = trainer.run(learn, check)
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Predict in fixed batches; explain every ``explain_every``-th bar of the fold."""
        net, scaler = self._fitted()
        net.eval()
        batches = _Batches(windows, scaler)
        groups = _fixed_groups(windows.slots)
        shown = windows.slots % self.design["explain_every"] == 0
        # What explains a forecast is far larger than the forecast: it is dropped batch by batch.
        outputs = [self._predict_batch(batches, group, shown[group]) for group in groups]
        order = np.concatenate(groups)
        places = (np.argsort(order), *[np.argsort(order[shown[order]])] * 2)
        answers, gates, attention = (
            np.concatenate([output[k] for output in outputs])[place]
            for k, place in enumerate(places)
        )
        return Prediction(answers, np.flatnonzero(shown), gates, attention)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Weights (``net.…``) and scaler (``scaler.…``)."""
        net, scaler = self._fitted()
        weights = {f"net.{k}": v.numpy() for k, v in net.state_dict().items()}
        return weights | {
            "scaler.mean": scaler.mean,
            "scaler.deviation": scaler.deviation,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild the network and scaler from :meth:`arrays`."""
        mean = arrays["scaler.mean"]
        weights = {
            k.removeprefix("net."): torch.from_numpy(v.copy())
            for k, v in arrays.items()
            if k.startswith("net.")
        }
        self._scaler = Standardiser(mean, arrays["scaler.deviation"], self.design["clip"])
        self._net = build_net(self.design, len(mean), len(weights["head.bias"]))
        self._net.load_state_dict(weights)
        return self

    def _fitted(self) -> tuple[nn.Module, Standardiser]:
        assert self._net is not None, "not fitted"
        assert self._scaler is not None, "not fitted"
        return self._net, self._scaler

    def _fit_scaler(self, training: Windows) -> Standardiser:
        used = np.zeros(len(training.rows), dtype=bool)
        for back in range(training.length):
            used[training.ends - back] = True
        return Standardiser.fit(training.rows[used], self.design["clip"])

    def _predict_batch(
        self, batches: "_Batches", group: np.ndarray, shown: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Answers of a group of windows, and the gates and attention of those that are shown."""
        places = torch.from_numpy(batches.slots[group] % PREDICT_BATCH)
        x = torch.zeros(batches.length, PREDICT_BATCH, batches.features)
        x[:, places] = batches.inputs(torch.from_numpy(group))
        with torch.no_grad():
            output: NetOutput = self._fitted()[0](x)
        explained = places[torch.from_numpy(shown)]
        gates = np.full((len(explained), batches.features), np.nan, np.float32)
        if output.gates is not None:
            gates = output.gates.mean(dim=0)[explained].numpy()
        return output.prediction[places].numpy(), gates, output.attention[explained].numpy()


def build_net(design: Mapping[str, Any], features: int, targets: int) -> nn.Module:
    """Build a network of the design's name and sizes."""
    if design["net"] == "attention_bilstm":
        return AttentionBiLstm(features, targets, design["units"], design["dropout"])
    return DualAttention(
        features,
        targets,
        design["filters"],
        design["units"],
        design["attention_heads"],
        design["dropout"],
    )


def _fixed_groups(slots: np.ndarray) -> list[np.ndarray]:
    """Positions of the windows that share a batch: slots 0 to 127, 128 to 255 and so on."""
    batch = slots // PREDICT_BATCH
    return [np.flatnonzero(batch == number) for number in np.unique(batch)]


def _targets(windows: Windows) -> np.ndarray:
    assert windows.targets is not None, "these windows have no targets"
    return windows.targets


class _Batches:
    """Scaled rows as one tensor, from which windows are gathered."""

    def __init__(self, windows: Windows, scaler: Standardiser) -> None:
        self.rows = torch.from_numpy(np.nan_to_num(scaler.transform(windows.rows)))
        self.first = torch.from_numpy(windows.ends - windows.length + 1)
        self.offsets = torch.arange(windows.length)[:, None]
        self.slots, self.length = windows.slots, windows.length
        self.features = windows.rows.shape[1]
        targets = windows.targets
        self.targets = None if targets is None else torch.from_numpy(targets.astype(np.float32))

    def __len__(self) -> int:
        return len(self.first)

    def inputs(self, chosen: Tensor) -> Tensor:
        """Windows at these positions, shape (T, B, F)."""
        return self.rows[self.first[chosen][None] + self.offsets]

    def loss(self, net: nn.Module, chosen: Tensor) -> Tensor:
        """Mean squared error over windows and targets."""
        assert self.targets is not None
        output: NetOutput = net(self.inputs(chosen))
        return functional.mse_loss(output.prediction, self.targets[chosen])


class _Trainer:
    """The loop over epochs of one fit."""

    def __init__(self, net: nn.Module, design: Mapping[str, Any]) -> None:
        self.net, self.design = net, design
        self.parameters = list(net.parameters())
        self.optimizer = torch.optim.Adam(
            self.parameters,
            design["learning_rate"],
            weight_decay=design["weight_decay"],
            fused=True,
        )
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=design["plateau_factor"], patience=design["plateau_patience"]
        )

    def run(self, learn: _Batches, check: _Batches) -> list[tuple[float, float]]:
        """Train, leave the best weights in the network, return the losses by epoch."""
        losses: list[tuple[float, float]] = []
        best, best_weights, waited = float("inf"), copy.deepcopy(self.net.state_dict()), 0
        for _ in range(self.design["epochs"]):
            losses.append((self._epoch(learn), self._validate(check)))
            self.plateau.step(losses[-1][1])
            waited += 1
            if losses[-1][1] < best:
                best, waited = losses[-1][1], 0
                best_weights = copy.deepcopy(self.net.state_dict())
            if waited >= self.design["patience"]:
                break
        self.net.load_state_dict(best_weights)
        return losses

    def _epoch(self, learn: _Batches) -> float:
        self.net.train()
        total = 0.0
        for chosen in torch.randperm(len(learn)).split(self.design["batch"]):
            loss = learn.loss(self.net, chosen)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters, self.design["clip_norm"])
            self.optimizer.step()
            total += loss.item() * len(chosen)
        return total / len(learn)

    def _validate(self, check: _Batches) -> float:
        self.net.eval()
        total = 0.0
        with torch.no_grad():
            for chosen in torch.arange(len(check)).split(PREDICT_BATCH * 4):
                total += check.loss(self.net, chosen).item() * len(chosen)
        return total / len(check)
