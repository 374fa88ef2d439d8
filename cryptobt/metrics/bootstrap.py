"""Resampled histories: whole stretches drawn together, so that dependence in time survives."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np

MIN_ROWS = 20
_BLOCK_CELLS = 4_000_000
_KEPT_CELLS = 16_000_000


class Resampler:
    """Row numbers of resampled histories, the same for everything that is measured.

    Because every series of a run is resampled with the same draws, differences are paired.

    Parameters
    ----------
    rows : int
        Length of a history (n).
    block_bars : float
        Mean length of a drawn stretch.
    draws : int
        Resampled histories.
    seed : int
        Of the draws.

    Source: stationary bootstrap, Politis & Romano (1994).
    """

    def __init__(self, rows: int, block_bars: float, draws: int, seed: int) -> None:
        self.rows, self.block_bars, self.draws, self.seed = rows, block_bars, draws, seed
        self._kept: list[np.ndarray] | None = None
        if rows * draws <= _KEPT_CELLS:
            self._kept = list(self._blocks())

    def apply(self, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Compute a statistic of every draw.

        Parameters
        ----------
        statistic : callable
            From row numbers, shape (d, n), to values, shape (d, …).

        Returns
        -------
        ndarray, shape (draws, …)
        """
        blocks = self._blocks() if self._kept is None else self._kept
        return np.concatenate([statistic(rows) for rows in blocks])

    def _blocks(self) -> Iterator[np.ndarray]:
        """Draws in blocks that fit into memory whatever the length of the history."""
        from arch.bootstrap import StationaryBootstrap

        # arch types the block length as int, and documents and computes with a mean length.
        length: int = self.block_bars  # type: ignore[assignment]
        numbers = np.arange(self.rows, dtype=np.int32)
        bootstrap = StationaryBootstrap(length, numbers, seed=self.seed)
        size, block = max(1, _BLOCK_CELLS // self.rows), []
        for sample in bootstrap.bootstrap(self.draws):
            block.append(sample[0][0])
            if len(block) == size:
                yield np.stack(block)
                block = []
        if block:
            yield np.stack(block)


def make_resampler(series: np.ndarray, draws: int, seed: int) -> Resampler | None:
    """Choose the block length for some series, and resample by it.

    Parameters
    ----------
    series : ndarray, shape (n, k)
        Finite columns whose dependence the blocks must keep; the longest of their optimal
        lengths is used, at least 1 and at most n/3.

    Returns
    -------
    Resampler or None
        None with fewer than 20 rows: an interval from so few would mean nothing.

    Source: Politis & White (2004), corrected by Patton, Politis & White (2009).
    """
    from arch.bootstrap import optimal_block_length

    if len(series) < MIN_ROWS:
        return None
    lengths = [1.0]
    for column in series.T:
        if column.std() > 0:
            with warnings.catch_warnings():
                # arch divides by zero on a series that hardly moves, and answers NaN.
                warnings.simplefilter("ignore", RuntimeWarning)
                lengths.append(float(optimal_block_length(column)["stationary"].iloc[0]))
    return Resampler(len(series), min(float(np.nanmax(lengths)), len(series) / 3), draws, seed)
