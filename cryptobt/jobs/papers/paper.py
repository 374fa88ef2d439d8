"""What is known of a paper: what it claims, how it got there, and how it should have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Overrides = Mapping[str, Any]
"""``section.key`` of :class:`~cryptobt.core.settings.Settings` to its value."""


@dataclass(frozen=True)
class Claim:
    """One number of the text, and what it is set beside.

    Attributes
    ----------
    variant : str
        Key of the model that it is about.
    measure : str
        Name in :data:`cryptobt.jobs.papers.measures.MEASURES`, with what it is asked of behind a
        colon, as in ``importance:high``.
    label : str
        What it is, in words.
    value : float, str or None
        As the text has it; a word where the text ranks; None where the text has no number and the
        row is there for completeness.
    unit : str
        Of the value.
    where : str
        Place in the text.
    """

    variant: str
    measure: str
    label: str
    value: float | str | None
    unit: str
    where: str


@dataclass(frozen=True)
class Variant:
    """One model of a paper: a forecaster with settings of its own."""

    key: str
    label: str
    forecaster: str
    overrides: Overrides = field(default_factory=dict)


class Numbers(Protocol):
    """The numbers of a run, as :class:`cryptobt.jobs.papers.found.Found` reads them."""

    def claim(self, variant: str, measure: str) -> float | None:
        """Value in the text."""
        ...

    def own(self, variant: str, measure: str) -> float | None:
        """Value of the paper's own recipe, the median of its seeds."""
        ...

    def spread(self, variant: str, measure: str) -> tuple[float, float] | None:
        """Lowest and highest value of the own recipe's seeds."""
        ...

    def twin(self, variant: str, measure: str) -> float | None:
        """Value of the honest twin."""
        ...

    def fact(self, name: str) -> float | None:
        """A number of the test days that no model is needed for, or of the leak."""
        ...

    @property
    def unit(self) -> str:
        """What prices are in."""
        ...


@dataclass(frozen=True)
class Paper:
    """One paper.

    Attributes
    ----------
    name, title, source : str
        As the command knows it; what it is called; a citation.
    interval : str
        Of its bars.
    first, last : str or None
        First and last day of its data, where the text tells or the data prove it.
    rows : int or None
        Rows of its data; without dates the newest so many are taken; None: all there are.
    history : str
        Whether the twin learns from all earlier bars, or from the paper's rows alone.
    refit_days : int
        Of the twin, from the first test bar on.
    recipe, twin : mapping
        Settings of both columns; what a variant or the user sets comes on top.
    unleaked : mapping
        What is changed in the recipe to take the leak out and leave the rest.
    leak : str
        The leak in words.
    lead : str
        Key of the variant that the paper is about.
    onchain_lag_hours : float
        Publication lag in the paper's own recipe; the twin keeps that of the settings.
    notes : tuple of str
        What the text leaves open, and what was chosen.
    verdict : callable
        The paragraph, from the numbers of a run.
    """

    name: str
    title: str
    source: str
    system: str
    interval: str
    recipe: Overrides
    twin: Overrides
    unleaked: Overrides
    leak: str
    leak_measure: str
    variants: tuple[Variant, ...]
    lead: str
    claims: tuple[Claim, ...]
    baselines: tuple[str, ...]
    notes: tuple[str, ...]
    verdict: Callable[[Numbers], list[str]]
    first: str | None = None
    last: str | None = None
    rows: int | None = None
    history: Literal["all", "paper"] = "all"
    refit_days: int = 90
    onchain_lag_hours: float | None = None
    importances: tuple[str, ...] = ()
    """Variants whose features are permuted."""

    def variant(self, key: str) -> Variant:
        """Look a model up."""
        return next(one for one in self.variants if one.key == key)


BASELINES = ("persistence", "drift", "always_up", "last_sign", "momentum", "linear")
"""Rows that are printed beside any model."""

HONEST: Overrides = {
    "features.scaling": "standard",
    "features.scaler_sees": "training",
    "forecaster.target": "next_return",
    "walkforward.split": "folds",
    "walkforward.validation": "latest",
}
"""What every twin does: scaled by training rows, the next return as target, walk-forward."""
