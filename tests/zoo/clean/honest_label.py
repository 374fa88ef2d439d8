"""Makes its own labels in fit: the move to the next close, which is known there."""

import numpy as np


class HonestLabel:
    def fit(self, training, validation):
        following = training.log_close[training.ends + 1] - training.log_close[training.ends]
        x = self.last_move(training)
        self.slope = (x * following).sum() / (x**2).sum()

    def predict(self, windows):
        return self.slope * self.last_move(windows)

    def last_move(self, windows):
        before = np.maximum(windows.ends - 1, 0)
        return windows.log_close[windows.ends] - windows.log_close[before]
