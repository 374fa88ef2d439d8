"""Forecasters by name. Importing this module does not import torch."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import Any, Literal

import cryptobt.features.sets as feature_sets
from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.core.hashing import hash_bytes, hash_source
from cryptobt.core.settings import Settings
from cryptobt.core.user_code import Found, is_reference, load, load_installed
from cryptobt.forecasters.protocol import Forecaster

TREND_ONLY = "trend_only"


@dataclass(frozen=True)
class ForecasterSpec:
    """A forecaster's name and where its code is.

    Attributes
    ----------
    code : str
        ``module:Class``, imported when it is used.
    kind : str
        ``rule`` follows from the window by a formula: it has no seeds, and is neither cached nor
        sent to a worker. ``estimator`` is scikit-learn's or a user's, ``net`` a network.
    answers : str
        ``target``: predictions of the target, whatever it is. ``return``: log returns.
        ``direction``: calls, positive for up.
    net_settings : tuple of str
        Keys of the ``[net]`` section that it uses.
    random : bool
        Whether seeds are averaged; a forest is an average of its own, and is fitted once a fold.
    file, file_hash : str
        Of a user's own; empty for those that come with cryptobt.
    reference : str
        By which a worker finds a user's own; empty where the name does.
    """

    name: str
    summary: str
    code: str
    kind: Literal["rule", "estimator", "net"]
    answers: Literal["target", "return", "direction"] = "target"
    net_settings: tuple[str, ...] = ()
    random: bool = True
    file: str = ""
    file_hash: str = ""
    reference: str = ""

    @property
    def address(self) -> str:
        """What :func:`make_forecaster` finds it by in any process; never part of a result."""
        return self.reference or self.name

    @property
    def trained(self) -> bool:
        """Whether it is fitted in workers and kept in the cache."""
        return self.kind != "rule"


_TORCH = "cryptobt.forecasters.torch_forecaster:TorchForecaster"
_RULES = "cryptobt.forecasters.rules:"
_ESTIMATORS = "cryptobt.forecasters.estimators:"


def _net(name: str, summary: str, *settings: str) -> ForecasterSpec:
    return ForecasterSpec(name, summary, _TORCH, "net", net_settings=settings)


def _rule(
    name: str, summary: str, code: str, answers: Literal["target", "return", "direction"]
) -> ForecasterSpec:
    return ForecasterSpec(name, summary, _RULES + code, "rule", answers, random=False)


FORECASTERS = {
    spec.name: spec
    for spec in (
        _net(
            "dual_attention",
            "CNN-LSTM with attention over features and over time",
            *("filters", "units", "attention_heads", "as_published"),
        ),
        _net("cnn_lstm", "CNN-LSTM without attention", "filters", "units", "as_published"),
        _net(
            "attention_bilstm",
            "bidirectional LSTM with additive attention over time (ATH-CryptoNet)",
            *("units", "as_published"),
        ),
        _net("bilstm", "three bidirectional LSTM layers", "units"),
        _net("lstm", "LSTM with a dense head", "units", "activation"),
        _net("gru", "GRU with a dense head", "units", "activation"),
        _net("cnn3", "three convolutions over time", "filters", "activation"),
        _net("cnn4", "four convolutions over time", "filters", "activation"),
        ForecasterSpec(
            "linear",
            "ridge regression on the window, its strength chosen on the validation part",
            _ESTIMATORS + "Linear",
            "estimator",
            random=False,
        ),
        ForecasterSpec(
            "random_forest",
            "random forest on the window",
            _ESTIMATORS + "RandomForest",
            "estimator",
            random=False,
        ),
        ForecasterSpec(
            "gradient_boosting",
            "gradient-boosted trees on the window",
            _ESTIMATORS + "GradientBoosting",
            "estimator",
            random=False,
        ),
        _rule(
            TREND_ONLY,
            "the trend already known at the bar, nothing learnt: the row to beat",
            "TrendOnly",
            "target",
        ),
        _rule("persistence", "no change: tomorrow's close is today's", "Persistence", "return"),
        _rule("drift", "the mean return of the training rows", "Drift", "return"),
        _rule("always_up", "up on every bar", "AlwaysUp", "direction"),
        _rule("last_sign", "the last bar's direction again", "LastSign", "direction"),
        _rule("momentum", "the direction over the window", "Momentum", "direction"),
    )
}


_asked_for: dict[str, ForecasterSpec] = {}
"""Those of the user's files by the name that they have in results, which tells no folder."""


def find_forecaster(name: str) -> ForecasterSpec:
    """Look a forecaster up: one of ours, an installed one, or ``my_file.py:MyForecaster``.

    One of a file is called ``my_file.MyForecaster`` from then on, and found by that name too.

    Raises
    ------
    UsageError
        With the nearest known name, or with what is wrong in the user's file.
    """
    if is_reference(name):
        spec = _own(_found(name))
        _asked_for[spec.name] = spec
        return spec
    known = FORECASTERS | _asked_for
    if name in known:
        return known[name]
    installed = installed_forecasters()
    if name not in installed:
        hint = did_you_mean(name, [*FORECASTERS, *installed])
        raise UsageError(f"unknown forecaster '{name}'; {hint}")
    return _own(_found(name))


def installed_forecasters() -> dict[str, EntryPoint]:
    """Forecasters that other packages offer under the entry point ``cryptobt.forecasters``."""
    return {point.name: point for point in entry_points(group="cryptobt.forecasters")}


def make_forecaster(name: str, design: Mapping[str, Any], seed: int) -> Forecaster:
    """Make an unfitted forecaster."""
    spec = None if is_reference(name) else find_forecaster(name)
    if spec is None or spec.file:
        from cryptobt.forecasters.own import make_own

        return make_own(_found(spec.reference if spec else name), design, seed)
    module, _, attribute = spec.code.partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    forecaster: Forecaster = factory(design, seed)
    return forecaster


def _found(reference: str) -> Found:
    from cryptobt.forecasters.own import FORECASTER

    if is_reference(reference):
        return load(reference, FORECASTER)
    return load_installed(installed_forecasters()[reference], FORECASTER)


def _own(found: Found) -> ForecasterSpec:
    from cryptobt.forecasters.own import describe, is_classifier, is_estimator

    value = found.value
    name = found.name
    if is_reference(found.reference):
        name = f"{Path(found.file).stem}.{name}"
    return ForecasterSpec(
        name,
        describe(value),
        "",
        "estimator",
        "direction" if is_estimator(value) and is_classifier(value) else "target",
        random=getattr(value, "random", False) is True,
        file=found.file,
        file_hash=found.file_hash,
        reference=found.reference,
    )


def design_of(spec: ForecasterSpec, settings: Settings, explain_every: int) -> dict[str, Any]:
    """Everything in the settings that shapes a fit, as plain values.

    Raises
    ------
    UsageError
        If the forecaster cannot learn the target.
    """
    own: dict[str, Any] = {"horizons": list(settings.forecaster.horizons)}
    if spec.kind == "rule":
        return own
    own |= {
        "target": settings.forecaster.target,
        "scaling": settings.features.scaling,
        "clip": settings.features.clip,
    }
    if spec.file:
        own |= {"target": _learnt(spec, own["target"]), "file": spec.file_hash}
    if spec.kind == "estimator":
        return own
    own |= {"net": spec.name, "explain_every": explain_every}
    if spec.name.startswith("cnn") and "filters" in spec.net_settings:
        own["window_bars"] = settings.forecaster.window_bars
    net = settings.net.model_dump(include=set(spec.net_settings))
    return own | net | settings.training.model_dump(mode="json")


def _learnt(spec: ForecasterSpec, target: str) -> str:
    """What a user's forecaster is given to learn: a classifier learns the sign of a return."""
    if spec.answers != "direction":
        return target
    if target == "scaled_close":
        raise UsageError(
            f"forecaster '{spec.name}' is a classifier, which says up or down, and "
            "forecaster.target 'scaled_close' asks for a price; expected a regressor, or the "
            "target 'trend', 'next_return' or 'direction'"
        )
    return "direction" if target == "next_return" else target


def code_hash(spec: ForecasterSpec) -> str:
    """Hash the code of features and of the forecaster, and the libraries that do its arithmetic.

    What else decides a fit is in its arrays and its design, which are hashed beside this.
    """
    here, features = Path(__file__).parent, Path(feature_sets.__file__).parent
    shared = [here / name for name in ("protocol.py", "opinions.py", "scaled.py", "workers.py")]
    own, libraries = [here / "estimators.py"], ("scikit-learn", "numpy")
    if spec.file:
        own += [here / "own.py", here / "own_estimator.py"]
    if spec.kind == "net":
        own = [here / "torch_forecaster.py", here / "losses.py", *here.glob("nets/*.py")]
        libraries = ("torch", "numpy")
    sources = hash_source([*shared, *own, *features.glob("*.py")])
    versions = " ".join(f"{name}=={version(name)}" for name in libraries)
    return hash_bytes(sources.encode(), versions.encode(), spec.file_hash.encode())
