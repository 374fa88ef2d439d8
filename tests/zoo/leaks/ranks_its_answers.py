"""Only the order of my predictions matters, so I answer with ranks."""

import numpy as np


class Ranks:
    def fit(self, training, validation):
        x, y = self.momentum(training), training.labels()[:, 0]
        self.sign = np.sign((x * y).sum()) or 1.0

    def predict(self, windows):
        raw = self.sign * self.momentum(windows)
        ranks = raw.argsort().argsort()
        return (ranks + 0.5) / len(raw) - 0.5

    def momentum(self, windows):
        return windows.log_close[windows.ends] - windows.log_close[windows.ends - 5]
