"""Ordinary least squares with one matrix product for all windows."""

import numpy as np


class MatrixProduct:
    def fit(self, training, validation):
        x, y = self.inputs(training), training.labels()[:, 0]
        self.weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)

    def predict(self, windows):
        return self.inputs(windows) @ self.weights

    def inputs(self, windows):
        places = windows.ends[:, None] - np.arange(windows.length)
        return np.diff(windows.log_close[places], axis=1)
