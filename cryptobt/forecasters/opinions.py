"""From predicted targets to what they say of each horizon: an opinion, and a return."""

from collections.abc import Sequence

import numpy as np

from cryptobt.forecasters.protocol import Windows

# A network may answer a price below zero: it says "as low as can be", not an error.
_LOWEST_SHARE = 1e-6


def opinions(
    target: str, horizons: Sequence[int], answers: np.ndarray, windows: Windows
) -> np.ndarray:
    """Turn answers, shape (w, K), into opinions: unitless, positive for up.

    Returns
    -------
    ndarray, shape (w, 1) or (w, horizons)
        One for all horizons where the target is the trend, else one for each.
    """
    if target == "trend":
        return np.asarray(answers.mean(axis=1, keepdims=True), dtype=float)
    if target == "scaled_close":
        returns = predicted_returns(target, horizons, answers, windows)
        return np.asarray(returns / _deviations(horizons, windows))
    return np.asarray(answers, dtype=float)


def predicted_returns(
    target: str,
    horizons: Sequence[int],
    answers: np.ndarray,
    windows: Windows,
    losses: Sequence[str] = (),
) -> np.ndarray:
    """Turn answers, shape (w, K), into log returns over each horizon, shape (w, horizons).

    NaN for a target that is no return: the smoothed trend, and the direction. So are the answers
    of a network that are log odds of up.
    """
    if target == "next_return" and not are_log_odds(target, losses):
        return np.asarray(answers * _deviations(horizons, windows))
    if target == "scaled_close":
        ratio = answers.astype(float) / windows.last_close[:, None]
        return np.asarray(np.log(np.maximum(ratio, _LOWEST_SHARE)))
    return np.full((len(windows), len(horizons)), np.nan)


def are_log_odds(target: str, losses: Sequence[str]) -> bool:
    """Whether a network answers the log odds of a target above 0: the first that its losses have.

    Parameters
    ----------
    losses : sequence of str
        Empty for the target's own, see :class:`~cryptobt.forecasters.losses.Loss`.
    """
    names = set(losses) or {"bce" if target == "direction" else "mse"}
    return "bce" in names and not names & {"mse", "huber"}


def _deviations(horizons: Sequence[int], windows: Windows) -> np.ndarray:
    return np.asarray(windows.deviation[:, None] * np.sqrt(np.array(horizons)))
