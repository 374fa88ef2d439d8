"""One trainer for all torch networks: Adam, plateau, clipping, early stopping, best weights."""

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from cryptobt.features.scaling import Scaler
from cryptobt.forecasters.losses import Loss
from cryptobt.forecasters.nets.build import build_net
from cryptobt.forecasters.nets.layers import NetOutput
from cryptobt.forecasters.protocol import Prediction, Windows
from cryptobt.forecasters.scaled import fit_scaler

PREDICT_BATCH = 128


class TorchForecaster:
    """A network, the scaler fitted to its training rows, and how it was trained.

    Everything runs on one thread. Prediction runs in one fixed, zero-padded batch shape with each
    window at its own place, because the same network answers with other last bits at another
    batch size.

    Parameters
    ----------
    design : mapping
        ``net`` (name), the keys of :class:`~cryptobt.core.settings.NetSettings` that it takes and
        those of :class:`~cryptobt.core.settings.TrainingSettings`, ``target``, ``scaling``,
        ``clip``, ``explain_every``.
    seed : int
        Of weights, dropout and the order of batches.
    """

    def __init__(self, design: Mapping[str, Any], seed: int) -> None:
        self.design = design
        self.seed = seed
        self.losses: list[tuple[float, float]] = []
        self.loss = Loss(design["losses"], design["target"])
        self._net: nn.Module | None = None
        self._outputs = 0
        self._scaler: Scaler | None = None

    @property
    def parameters(self) -> int | None:
        """Weights of the network; None before it is built."""
        return None if self._net is None else sum(p.numel() for p in self._net.parameters())

    def fit(self, training: Windows, validation: Windows) -> Self:
        """Train until the validation loss has not improved for ``patience`` epochs."""
        torch.manual_seed(self.seed)
        self._scaler = fit_scaler(self.design, training)
        if self._net is None:  # a warm start has restored its parent's weights
            self._outputs = training.labels().shape[1] * self.loss.width
            self._net = build_net(self.design, training.rows.shape[1], self._outputs)
        trainer = _Trainer(self._net, self.loss, self.design)
        learn, check = self._batches(training), self._batches(validation)
        self.losses = trainer.run(learn, check)
        return self

    def predict(self, windows: Windows) -> Prediction:
        """Predict in fixed batches; explain every ``explain_every``-th bar of the fold."""
        if not len(windows):  # a fold that falls into a gap
            return Prediction.unexplained(np.zeros((0, self._targets)), windows)
        self._fitted()[0].eval()
        batches = self._batches(windows)
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
        answers = batches.in_own_unit(answers)
        return Prediction(answers, np.flatnonzero(shown), gates, attention)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Weights (``net.…``), their inputs and outputs, and the scaler (``scaler.…``)."""
        net, scaler = self._fitted()
        weights = {f"net.{k}": v.numpy() for k, v in net.state_dict().items()}
        return weights | scaler.arrays() | {"outputs": np.array([self._outputs])}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild the network and scaler from :meth:`arrays`."""
        weights = {
            k.removeprefix("net."): torch.from_numpy(v.copy())
            for k, v in arrays.items()
            if k.startswith("net.")
        }
        self._scaler = Scaler.restore(self.design["scaling"], arrays, self.design["clip"])
        self._outputs = int(arrays["outputs"][0])
        self._net = build_net(self.design, len(self._scaler.centre), self._outputs)
        self._net.load_state_dict(weights)
        return self

    @property
    def _targets(self) -> int:
        return self._outputs // self.loss.width

    def _fitted(self) -> tuple[nn.Module, Scaler]:
        assert self._net is not None, "not fitted"
        assert self._scaler is not None, "not fitted"
        return self._net, self._scaler

    def _batches(self, windows: Windows) -> "_Batches":
        return _Batches(windows, self._fitted()[1], prices=self.design["target"] == "scaled_close")

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
        attention = np.zeros((len(explained), 0, batches.length), np.float32)
        if output.attention is not None:
            attention = output.attention[explained].numpy()
        return self.loss.answer(output.prediction)[places].numpy(), gates, attention


def _fixed_groups(slots: np.ndarray) -> list[np.ndarray]:
    """Positions of the windows that share a batch: slots 0 to 127, 128 to 255 and so on."""
    batch = slots // PREDICT_BATCH
    return [np.flatnonzero(batch == number) for number in np.unique(batch)]


class _Batches:
    """Scaled rows as one tensor, from which windows are gathered."""

    def __init__(self, windows: Windows, scaler: Scaler, *, prices: bool) -> None:
        self.scaler, self.prices = scaler, prices
        self.rows = torch.from_numpy(np.nan_to_num(scaler.transform(windows.rows)))
        self.first = torch.from_numpy(windows.ends - windows.length + 1)
        self.offsets = torch.arange(windows.length)[:, None]
        self.slots, self.length = windows.slots, windows.length
        self.features = windows.rows.shape[1]
        self.base = windows.first_close
        self.targets = None if windows.targets is None else self._scaled(windows.targets)

    def __len__(self) -> int:
        return len(self.first)

    def inputs(self, chosen: Tensor) -> Tensor:
        """Windows at these positions, shape (T, B, F)."""
        gathered = self.rows[self.first[chosen][None] + self.offsets]
        if self.scaler.kind != "window":
            return gathered
        return torch.from_numpy(self.scaler.windows(gathered.numpy()))

    def labels(self, chosen: Tensor) -> Tensor:
        """Targets of the windows at these positions, shape (B, K)."""
        assert self.targets is not None, "these windows have no targets"
        return self.targets[chosen]

    def in_own_unit(self, answers: np.ndarray) -> np.ndarray:
        """Scale answers to all windows back to prices, where the target is one."""
        return self.scaler.prices(answers, self.base) if self.prices else answers

    def _scaled(self, targets: np.ndarray) -> Tensor:
        labels = self.scaler.labels(targets, self.base) if self.prices else targets
        return torch.from_numpy(labels.astype(np.float32))


class _Trainer:
    """The loop over epochs of one fit."""

    def __init__(self, net: nn.Module, loss: Loss, design: Mapping[str, Any]) -> None:
        self.net, self.loss, self.design = net, loss, design
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
            loss = self._loss(learn, chosen)
            self.optimizer.zero_grad()
            (loss + self._penalty()).backward()
            nn.utils.clip_grad_norm_(self.parameters, self.design["clip_norm"])
            self.optimizer.step()
            total += loss.item() * len(chosen)
        return total / len(learn)

    def _validate(self, check: _Batches) -> float:
        self.net.eval()
        total = 0.0
        with torch.no_grad():
            for chosen in torch.arange(len(check)).split(PREDICT_BATCH * 4):
                total += self._loss(check, chosen).item() * len(chosen)
        return total / len(check)

    def _loss(self, batches: _Batches, chosen: Tensor) -> Tensor:
        output: NetOutput = self.net(batches.inputs(chosen))
        return self.loss(output.prediction, batches.labels(chosen))

    def _penalty(self) -> Tensor | float:
        """Give ``l1`` times the sum of all absolute weights, biases aside."""
        if not self.design["l1"]:
            return 0.0
        sizes = [weight.abs().sum() for weight in self.parameters if weight.dim() > 1]
        return torch.stack(sizes).sum() * float(self.design["l1"])
