"""Break-even: the cost at which a lead is used up."""

import numpy as np

from cryptobt.metrics.metric import Metric, absent, measured

BPS = "bps a fill"
OUTLASTS = "do not use it up"
"""How the reason ends where no cost uses a lead up."""
_NOTHING = 1e-12
"""A lead of rounding alone."""


def break_even(bps: np.ndarray, lead: np.ndarray) -> Metric:
    """Cost of a fill at which a lead that costs use up is zero.

    Parameters
    ----------
    bps : ndarray, shape (n,)
        Costs of a fill, rising from 0.
    lead : ndarray, shape (n,)
        What is left at each cost, such as a Sharpe ratio, or a return beyond another's.

    Returns
    -------
    Metric
        In bps of a fill, by a straight line between the two costs around it. None where there is
        no lead even without costs, and where it is not used up by the largest cost.
    """
    known = np.isfinite(lead)
    bps, lead = bps[known], lead[known]
    if not len(lead):
        return absent(BPS, "there is nothing to compare")
    if lead[0] <= _NOTHING:
        return absent(BPS, "nothing is left even without costs")
    gone = np.flatnonzero(lead <= 0)
    if not len(gone):
        return absent(BPS, f"{bps[-1]:,.0f} bps a fill {OUTLASTS}")
    after = gone[0]
    share = lead[after - 1] / (lead[after - 1] - lead[after])
    return measured(float(bps[after - 1] + share * (bps[after] - bps[after - 1])), BPS)
