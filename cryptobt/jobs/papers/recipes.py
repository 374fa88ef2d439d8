"""Settings of a paper's two columns: the paper's, then what the user set himself."""

from collections.abc import Mapping
from typing import Any

import pydantic

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import Settings
from cryptobt.jobs.papers.paper import HONEST, Overrides, Paper, Variant

SHAPING = frozenset({"features", "forecaster", "walkforward", "training", "net"})
"""Sections that shape a fit."""
_FIXED = frozenset(
    {
        *HONEST,
        "features.set",
        "forecaster.name",
        "forecaster.horizon_bars",
        "net.as_published",
        "net.activation",
        "walkforward.anchor",
        "walkforward.refit_days",
    }
)
"""What makes a column what it is: nobody sets it but the paper."""


class Recipes:
    """Makes the settings of every fit of a paper.

    Parameters
    ----------
    given : Settings
        As the user gave them; only what he set himself is taken.

    Raises
    ------
    UsageError
        If he set something that makes a column what it is.
    """

    def __init__(self, paper: Paper, given: Settings) -> None:
        self.paper, self.given = paper, given
        self.chosen = given.model_dump(exclude_unset=True, exclude={"strategy", "trials", "paper"})
        for key in self._keys():
            if key in _FIXED:
                raise UsageError(
                    f"'{key}' cannot be set here: `reproduce {paper.name}` sets it for each of its "
                    "columns, and it is what tells them apart; leave it out"
                )

    def own(self, variant: Variant, seed: int = 0, *, leaking: bool = True) -> Settings:
        """Settings of the paper's own recipe, or of the same without its leak."""
        without = {} if leaking else self.paper.unleaked
        return self._settings(variant, {**self.paper.recipe, **without}, seed)

    def twin(self, variant: Variant, seed: int = 0, anchor: str | None = None) -> Settings:
        """Settings of the honest twin; ``anchor`` is the instant of its first refit."""
        overrides = {
            **self.paper.recipe,
            **self.paper.twin,
            "walkforward.refit_days": self.paper.refit_days,
        }
        if anchor is not None:
            overrides["walkforward.anchor"] = anchor
        return self._settings(variant, overrides, seed)

    @property
    def seeds(self) -> int:
        """How many seeds each network is fitted with, one by one."""
        return self._settings(
            None, self.paper.recipe, 0, keep_seeds=True
        ).walkforward.ensemble_seeds

    def changed(self) -> list[str]:
        """What the user set in place of what the paper says, in words."""
        published = self._document(None, self.paper.recipe, {})
        said = []
        for key in self._keys():
            section, name = key.split(".", 1)
            before = published.get(section, {}).get(name)
            now = getattr(getattr(self.given, section), name)
            if before is not None and before != now:
                said.append(f"{key} is {now} in place of the recipe's {before}")
        return said

    def _keys(self) -> list[str]:
        return [
            f"{section}.{name}"
            for section, values in self.chosen.items()
            if section in SHAPING
            for name in values
        ]

    def _settings(
        self, variant: Variant | None, overrides: Overrides, seed: int, *, keep_seeds: bool = False
    ) -> Settings:
        document = self._document(variant, overrides, self.chosen)
        if not keep_seeds:
            base = document.setdefault("walkforward", {}).get("seed", 0)
            document["walkforward"] |= {"seed": base + seed, "ensemble_seeds": 1}
        try:
            return Settings.model_validate(document)
        except pydantic.ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"][:2])
            raise UsageError(
                f"setting '{where}' does not fit the recipe of {self.paper.name}: {problem['msg']}"
            ) from error

    def _document(
        self, variant: Variant | None, overrides: Overrides, chosen: Mapping[str, Any]
    ) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for key, value in {**overrides, **(variant.overrides if variant else {})}.items():
            section, name = key.split(".", 1)
            document.setdefault(section, {})[name] = value
        for section, values in chosen.items():
            document[section] = {**document.get(section, {}), **values}
        return document
