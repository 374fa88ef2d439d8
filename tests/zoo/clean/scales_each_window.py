"""Each window is measured by its own mean and deviation."""

import numpy as np


class ScalesEachWindow:
    def fit(self, training, validation):
        x, y = self.inputs(training), training.labels()[:, 0]
        self.slope = (x * y).sum() / (x**2).sum()

    def predict(self, windows):
        return self.slope * self.inputs(windows)

    def inputs(self, windows):
        places = windows.ends[:, None] - np.arange(windows.length)
        logs = windows.log_close[places]
        return (logs[:, 0] - logs.mean(axis=1)) / (logs.std(axis=1) + 1e-9)
