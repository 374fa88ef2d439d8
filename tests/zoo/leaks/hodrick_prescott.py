"""Trend and cycle by the Hodrick-Prescott filter, as economists do it."""

import numpy as np
import pandas as pd
from statsmodels.tsa.filters.hp_filter import hpfilter


def columns(bars):
    log = np.log(bars["close"])
    cycle, _ = hpfilter(log, lamb=129600)
    return pd.DataFrame({"ret": log.diff(), "cycle": cycle})
