"""A linear model whose inputs are standardised by the training rows."""

import numpy as np


class ScalesByTraining:
    def fit(self, training, validation):
        inside = training.rows[training.inner_rows()]
        self.mean, self.deviation = inside.mean(axis=0), inside.std(axis=0) + 1e-9
        x, y = self.inputs(training), training.labels()[:, 0]
        self.weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)

    def predict(self, windows):
        return (self.inputs(windows) * self.weights).sum(axis=1)

    def inputs(self, windows):
        return (windows.rows[windows.ends] - self.mean) / self.deviation
