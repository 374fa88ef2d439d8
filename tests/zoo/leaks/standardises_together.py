"""A linear model. Inputs are standardised wherever they come from."""

import numpy as np


class Together:
    def fit(self, training, validation):
        x = self.inputs(training)
        y = training.labels()[:, 0]
        self.weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)

    def predict(self, windows):
        return (self.inputs(windows) * self.weights).sum(axis=1)

    def inputs(self, windows):
        x = windows.rows[windows.ends]
        return (x - np.nanmean(windows.rows, axis=0)) / (np.nanstd(windows.rows, axis=0) + 1e-9)
