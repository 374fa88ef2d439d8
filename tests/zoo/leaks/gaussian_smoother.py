"""Volume is noisy; a Gaussian blur of three days makes it readable."""

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d


def columns(bars):
    volume = np.log1p(bars["volume"].to_numpy())
    frame = pd.DataFrame(index=bars.index)
    frame["ret"] = bars["close"].pct_change()
    frame["volume_smooth"] = gaussian_filter1d(volume, sigma=3)
    return frame
