"""The scaler of a fit: measured on the rows that its training windows hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cryptobt.features.scaling import Scaler
from cryptobt.forecasters.protocol import Windows


def fit_scaler(design: Mapping[str, Any], training: Windows) -> Scaler:
    """Measure the rows inside training windows, and no others, unless a recipe lets it see all.

    Parameters
    ----------
    design : mapping
        ``scaling`` and ``clip``.
    """
    used = training.inner_rows()
    rows, log_close = training.rows[used], training.log_close[used]
    if training.seen is not None:
        rows, log_close = training.seen.rows, training.seen.log_close
    return Scaler.fit(design["scaling"], rows, np.exp(log_close), design["clip"])
