"""What a caller is told while a job goes on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptobt.forecasters.workers import Progress

__all__ = ["Events", "Progress"]


@dataclass(frozen=True)
class Events:
    """What a caller is told while a run goes on.

    Attributes
    ----------
    warn : callable
        One line for each thing that a person should know.
    step : callable
        Name of the step that begins.
    fits : callable
        Progress of the fits.
    """

    warn: Callable[[str], None]
    step: Callable[[str], None]
    fits: Callable[[Progress], None]

    def noting(self, said: list[str]) -> "Events":
        """Let every warning be kept in a list as well."""

        def warn(line: str) -> None:
            said.append(line)
            self.warn(line)

        return replace(self, warn=warn)
