"""Settings: their names, ranges and defaults, read from TOML, ``--set`` and flags, in that order.

The environment is read here and in the command line alone.
"""

import datetime
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from cryptobt.core.errors import UsageError, did_you_mean


def _one_as_many(value: Any) -> Any:
    """Let a single name or file stand for a list of one."""
    return (value,) if isinstance(value, str) else value


def _date_as_text(value: Any) -> Any:
    """Let a date of TOML stand for its ISO text."""
    return value.isoformat() if isinstance(value, datetime.date) else value


Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_one_as_many)]
Date = Annotated[str, pydantic.BeforeValidator(_date_as_text)]
# Strict: true is not 1, and "5" is not 5.
Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Count = Annotated[Whole, Field(ge=1, le=1_000_000)]
Days = Annotated[Whole, Field(ge=1, le=36_500)]
Horizon = Annotated[Whole, Field(ge=1, le=1000)]
Loss = Literal["mse", "huber", "bce", "pinball"]
Losses = Annotated[tuple[Loss, ...], pydantic.BeforeValidator(_one_as_many)]


class Section(pydantic.BaseModel):
    """A section of the settings file: unknown keys are refused, values cannot be changed."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSettings(Section):
    """What is loaded, from where, and what happens to a row that cannot be true."""

    source: str = "auto"
    symbols: Names = ()
    interval: str = "1d"
    resample: str | None = None
    csv: Names = ()
    onchain: Names = ()
    extras: Names = ()
    start: Date | None = None
    end: Date | None = None
    on_bad_row: Literal["refuse", "quarantine"] = "refuse"
    onchain_lag_hours: Annotated[Number, Field(ge=0, le=100_000)] = 24.0
    cross_check: str | None = None
    cross_check_threshold: Annotated[Number, Field(gt=0, lt=1)] = 0.01


class FeatureSettings(Section):
    """Which columns a forecaster sees, how they are scaled, and where they are clipped.

    ``scaler_sees = "everything"`` lets the scaler see the future, as some papers do: it is there
    to show what that is worth, and is warned of wherever it is used.
    """

    set: str = "stationary"
    clip: Positive = 4.0
    scaling: Literal["standard", "minmax", "window"] = "standard"
    scaler_sees: Literal["training", "everything"] = "training"


class ForecasterSettings(Section):
    """What is forecast, from how much of the past."""

    name: str | None = None
    preset: Literal["small", "paper"] = "small"
    target: Literal["trend", "next_return", "direction", "scaled_close"] = "trend"
    target_heads: tuple[tuple[Count, Count], ...] = Field(
        ((5, 20), (10, 50), (10, 100)), min_length=1
    )
    window_bars: Annotated[Whole, Field(ge=2, le=10_000)] = 30
    horizon_bars: Horizon | tuple[Horizon, ...] = 1
    purge_bars: Annotated[Whole, Field(ge=0, le=1_000_000)] = 10
    trend_share: Fraction = 0.5

    @pydantic.field_validator("horizon_bars")
    @classmethod
    def _rising(cls, value: int | tuple[int, ...]) -> int | tuple[int, ...]:
        if isinstance(value, tuple) and (not value or list(value) != sorted(set(value))):
            raise ValueError("a number of bars, or different ones from the nearest to the farthest")
        return value

    @property
    def horizons(self) -> tuple[int, ...]:
        """Bars ahead that are forecast, from the nearest, which is the one that is traded."""
        return self.horizon_bars if isinstance(self.horizon_bars, tuple) else (self.horizon_bars,)


class WalkforwardSettings(Section):
    """When forecasters are refitted and on what part of the past.

    ``split = "single"`` and ``validation = "shuffled"`` are the ways of papers: one fit for the
    last ``test_share`` of the windows, validation windows drawn among the training ones, which
    share most of their rows with them. They are warned of wherever they are used.
    """

    refit_days: Days = 90
    anchor: Date = "2000-01-01"
    history: Literal["expanding"] | Days = "expanding"
    split: Literal["folds", "single"] = "folds"
    test_share: Annotated[Number, Field(gt=0, lt=1)] = 0.15
    min_train_rows: Annotated[Whole, Field(ge=20)] = 250
    validation_share: Annotated[Number, Field(gt=0, lt=1)] = 0.15
    validation: Literal["latest", "shuffled"] = "latest"
    stride_bars: Count = 1
    warm_start: bool = False
    seed: Annotated[Whole, Field(ge=0)] = 0
    ensemble_seeds: Count = 3


class TrainingSettings(Section):
    """How a network learns."""

    epochs: Count = 30
    patience: Count = 6
    batch: Annotated[Whole, Field(ge=2)] = 64
    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 1e-3
    weight_decay: NotNegative = 1e-5
    plateau_factor: Annotated[Number, Field(gt=0, lt=1)] = 0.5
    plateau_patience: Annotated[Whole, Field(ge=0)] = 3
    clip_norm: Positive = 1.0
    dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.2
    losses: Losses = ()
    l1: NotNegative = 0.0


class NetSettings(Section):
    """How large a network is."""

    filters: Count = 32
    units: Count = 32
    attention_heads: Count = 4
    activation: Literal["tanh", "relu", "leaky_relu"] = "leaky_relu"
    as_published: Annotated[bool, Field(strict=True)] = False

    @pydantic.model_validator(mode="after")
    def _heads_divide_units(self) -> "NetSettings":
        if self.units % self.attention_heads:
            raise ValueError("net.units to be a multiple of net.attention_heads")
        return self


class StrategySettings(Section):
    """Which strategy trades, and its own parameters."""

    name: str = "attn_signal"
    params: dict[str, Any] = {}


class SizingSettings(Section):
    """How a signal becomes a position."""

    volatility_target: Positive = 0.40
    max_weight: Annotated[Number, Field(gt=0, le=1)] = 1.0
    max_gross: Annotated[Number, Field(gt=0, le=10)] = 1.0
    allow_short: Annotated[bool, Field(strict=True)] = False
    rebalance_band: Fraction = 0.10
    lot_step: Annotated[Number, Field(ge=1e-18, le=1e12)] = 1e-8
    min_notional_quote: NotNegative = 10.0
    gap_reserve: Annotated[Number, Field(ge=0, lt=1)] = 0.01


class CostSettings(Section):
    """What trading and holding cost."""

    fee_bps: Annotated[Number, Field(ge=0, le=1000)] = 10.0
    slippage_bps: Annotated[Number, Field(ge=0, le=1000)] = 5.0
    funding_bps_per_day: Annotated[Number, Field(ge=-100, le=100)] = 0.0
    borrow_bps_per_day: Annotated[Number, Field(ge=0, le=100)] = 0.0


class AccountSettings(Section):
    """What the account starts with, and what a margin account has to keep."""

    cash_quote: Annotated[Number, Field(gt=0, le=1e15)] = 10_000.0
    initial_margin: Annotated[Number, Field(ge=0.1, le=1)] = 1.0
    maintenance_margin: Annotated[Number, Field(ge=0, lt=1)] = 0.25

    @pydantic.model_validator(mode="after")
    def _call_after_opening(self) -> "AccountSettings":
        if self.maintenance_margin >= self.initial_margin:
            raise ValueError("account.maintenance_margin below account.initial_margin")
        return self


class MetricSettings(Section):
    """How results are measured; periods a year come from the interval."""

    risk_free: Annotated[Number, Field(ge=-1, le=10)] = 0.0
    confidence: Annotated[Number, Field(gt=0.5, lt=1)] = 0.95
    bootstrap_draws: Annotated[Whole, Field(ge=100, le=100_000)] = 2000
    bootstrap_seed: Annotated[Whole, Field(ge=0)] = 0


class RobustnessSettings(Section):
    """Whether a result is tried under other conditions, and how many random strategies are made."""

    enabled: Annotated[bool, Field(strict=True)] = True
    random_strategies: Annotated[Whole, Field(ge=100, le=100_000)] = 1000


class TrialSettings(Section):
    """How many settings were tried before this one, at the least (None: known for the recipe).

    ``ledger`` counts each run in the trial ledger; without it the floor is all there is.
    """

    floor: Count | None = None
    ledger: Annotated[bool, Field(strict=True)] = True


class PaperSettings(Section):
    """When a night of a paper account is on time, and what is asked besides its bars."""

    decision_deadline_hours: Annotated[Number, Field(gt=0, le=24)] = 4.0
    wait_minutes: Annotated[Number, Field(ge=0, le=720)] = 30.0
    quote_source: str | None = None
    absent_after_hours: Annotated[Number, Field(ge=0, le=8760)] = 24.0


class RunSettings(Section):
    """Where and with how many processes a run is made; never part of a hash."""

    out: str = "runs"
    workers: Annotated[Whole, Field(ge=0)] = 0


class Settings(Section):
    """All settings of one run."""

    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    forecaster: ForecasterSettings = ForecasterSettings()
    walkforward: WalkforwardSettings = WalkforwardSettings()
    training: TrainingSettings = TrainingSettings()
    net: NetSettings = NetSettings()
    strategy: StrategySettings = StrategySettings()
    sizing: SizingSettings = SizingSettings()
    costs: CostSettings = CostSettings()
    account: AccountSettings = AccountSettings()
    metrics: MetricSettings = MetricSettings()
    robustness: RobustnessSettings = RobustnessSettings()
    trials: TrialSettings = TrialSettings()
    paper: PaperSettings = PaperSettings()
    run: RunSettings = RunSettings()

    @pydantic.model_validator(mode="after")
    def _losses_fit_target(self) -> "Settings":
        if self.forecaster.target == "scaled_close" and "bce" in self.training.losses:
            raise ValueError(
                "setting 'training.losses' has 'bce', which asks for up or down; expected 'mse', "
                "'huber' or 'pinball' with forecaster.target 'scaled_close', or another target"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _gross_within_margin(self) -> "Settings":
        gross, margin = self.sizing.max_gross, self.account.initial_margin
        if gross > 1 and not self.sizing.allow_short:
            raise ValueError(
                f"setting 'sizing.max_gross' is {gross:g}; expected at most 1 in a long/flat "
                "account: more is borrowed, set sizing.allow_short=true for a margin account"
            )
        if gross > 1 / margin + 1e-9:
            raise ValueError(
                f"setting 'sizing.max_gross' is {gross:g}; expected at most {1 / margin:g} with "
                f"account.initial_margin {margin:g}: lower that to {1 / gross:g} or less"
            )
        return self


PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "small": {},
    "paper": {
        "net": {"filters": 64, "units": 128, "attention_heads": 4},
        "training": {"batch": 32, "epochs": 100, "patience": 10},
        "forecaster": {"window_bars": 30},
    },
}
"""What a preset changes; a key that the user sets himself wins over it."""


def load_settings(
    file: Path | None, assignments: Iterable[str], flags: Mapping[str, Any]
) -> Settings:
    """Resolve the settings of a run: defaults, preset, file, ``--set``, then flags.

    Parameters
    ----------
    file : Path or None
        A TOML file with the sections of :class:`Settings`.
    assignments : iterable of str
        ``section.key=value``, the value in TOML, or plain text where it is not TOML.
    flags : mapping
        ``section.key`` to value, already typed; None is "not given".

    Raises
    ------
    UsageError
        Naming the file or key, the value, and what was expected.
    """
    document = _read_toml(file) if file else {}
    for assignment in assignments:
        _assign(document, *_split(assignment))
    for key, value in flags.items():
        if value is not None:
            _assign(document, key, value)
    return _validate(_with_preset(document))


def home(kind: Literal["cache", "data"]) -> Path:
    """Folder for files that outlive a run: CRYPTOBT_HOME, else the XDG folder of that kind."""
    own = os.environ.get("CRYPTOBT_HOME")
    if own:
        return Path(own)
    fallback = {"cache": "~/.cache", "data": "~/.local/share"}[kind]
    return Path(os.environ.get(f"XDG_{kind.upper()}_HOME") or fallback).expanduser() / "cryptobt"


def secret(name: str) -> str:
    """Read a secret of the user's, which no file or flag may hold; empty where it is not set."""
    return os.environ.get(name, "").strip()


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"settings file {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"settings file {file} is not valid TOML: {error}") from error


def _split(assignment: str) -> tuple[str, Any]:
    key, sign, text = assignment.partition("=")
    if not sign or not key.strip():
        raise UsageError(f"--set {assignment}: write it as section.key=value")
    try:
        return key.strip(), tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()


def _assign(document: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    node = document
    for part in path:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise UsageError(f"setting '{key}': '{part}' is {node!r}; expected a section")
    node[last] = value


def _with_preset(document: dict[str, Any]) -> dict[str, Any]:
    section = document.get("forecaster")
    name = section.get("preset", "small") if isinstance(section, dict) else "small"
    merged = dict(document)
    for section_name, values in PRESETS.get(str(name), {}).items():
        given = document.get(section_name, {})
        merged[section_name] = {**values, **given} if isinstance(given, dict) else given
    return merged


def _validate(document: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(document)
    except pydantic.ValidationError as error:
        raise UsageError(_explain(error.errors())) from error


def _explain(problems: list[Any]) -> str:
    """One line about the first key that is wrong, with all that would have been accepted."""
    first = problems[0]
    path = [str(part) for part in first["loc"]]
    if not path:  # about two sections: the message says all
        return str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        key = ".".join(path)
        return f"unknown setting '{key}'; {did_you_mean(key, _known_keys(path[0]))}"
    key = ".".join(path[:2])  # what follows is a place inside the value
    if first["type"] == "model_type":
        return f"setting '{key}' is {first['input']!r}; expected a section with its own keys"
    same = [p["msg"] for p in problems if p["loc"][:2] == first["loc"][:2]]
    words = (msg.removeprefix("Input should be ").removeprefix("Value error, ") for msg in same)
    return f"setting '{key}' is {first['input']!r}; expected {' or '.join(dict.fromkeys(words))}"


def _known_keys(section: str) -> list[str]:
    """Keys of a section; the sections, where there is no such one."""
    known = Settings.model_fields.get(section)
    if known is None:
        return list(Settings.model_fields)
    return [f"{section}.{key}" for key in known.annotation.model_fields]  # type: ignore[union-attr]
