"""Jumpy predictions cost fees: smooth them over five bars."""

import numpy as np


class Smoothed:
    def fit(self, training, validation):
        x, y = self.last_move(training), training.labels()[:, 0]
        self.slope = (x * y).sum() / (x**2).sum()

    def predict(self, windows):
        raw = self.slope * self.last_move(windows)
        padded = np.pad(raw, 2, mode="edge")
        return np.convolve(padded, np.ones(5) / 5, mode="valid")

    def last_move(self, windows):
        return windows.log_close[windows.ends] - windows.log_close[windows.ends - 1]
