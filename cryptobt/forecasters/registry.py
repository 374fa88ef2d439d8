"""Forecasters by name. Importing this module does not import torch."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cryptobt.features.sets as feature_sets
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.hashing import hash_bytes, hash_source
from cryptobt.core.settings import Settings
from cryptobt.forecasters.protocol import Forecaster

TREND_ONLY = "trend_only"


@dataclass(frozen=True)
class ForecasterSpec:
    """A forecaster's name and where its code is.

    Attributes
    ----------
    code : str
        ``module:Class``, imported when it is used.
    net_settings : tuple of str
        Keys of the ``[net]`` section that it uses; None for what is not trained: it has no
        seeds, and is neither cached nor sent to a worker.
    """

    name: str
    summary: str
    code: str
    net_settings: tuple[str, ...] | None

    @property
    def trained(self) -> bool:
        """Whether it learns, and therefore has seeds, workers and a cache."""
        return self.net_settings is not None


_TORCH = "cryptobt.forecasters.torch_forecaster:TorchForecaster"
FORECASTERS = {
    spec.name: spec
    for spec in (
        ForecasterSpec(
            "dual_attention",
            "CNN-LSTM with attention over features and over time",
            _TORCH,
            ("filters", "units", "attention_heads"),
        ),
        ForecasterSpec(
            "attention_bilstm",
            "bidirectional LSTM with additive attention over time (ATH-CryptoNet)",
            _TORCH,
            ("units",),
        ),
        ForecasterSpec(
            TREND_ONLY,
            "the trend already known at the bar, nothing learnt: the row to beat",
            "cryptobt.forecasters.trend:TrendOnly",
            None,
        ),
    )
}


def find_forecaster(name: str) -> ForecasterSpec:
    """Look a forecaster up.

    Raises
    ------
    UsageError
        With the nearest known name.
    """
    if name not in FORECASTERS:
        raise UsageError(f"unknown forecaster '{name}'; {did_you_mean(name, FORECASTERS)}")
    return FORECASTERS[name]


def make_forecaster(name: str, design: Mapping[str, Any], seed: int) -> Forecaster:
    """Make an unfitted forecaster."""
    module, _, attribute = find_forecaster(name).code.partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    forecaster: Forecaster = factory(design, seed)
    return forecaster


def design_of(spec: ForecasterSpec, settings: Settings, explain_every: int) -> dict[str, Any]:
    """Everything in the settings that shapes a fit, as plain values."""
    if spec.net_settings is None:
        return {}
    net = settings.net.model_dump(include=set(spec.net_settings))
    training = settings.training.model_dump()
    own = {"net": spec.name, "clip": settings.features.clip, "explain_every": explain_every}
    return own | net | training


def code_hash() -> str:
    """Hash the code of features, trainer and nets, and the libraries that do their arithmetic.

    What else decides a fit is in its arrays and its design, which are hashed beside this.
    """
    here, features = Path(__file__).parent, Path(feature_sets.__file__).parent
    trainer = [here / name for name in ("protocol.py", "torch_forecaster.py", "workers.py")]
    sources = [*trainer, *here.glob("nets/*.py"), *features.glob("*.py")]
    libraries = " ".join(f"{name}=={version(name)}" for name in ("torch", "numpy"))
    return hash_bytes(hash_source(sources).encode(), libraries.encode())
