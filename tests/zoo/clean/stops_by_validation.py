"""Chooses the strength of a ridge on the validation windows, as they are there for that."""

import numpy as np


class StopsByValidation:
    def fit(self, training, validation):
        x, y = training.rows[training.ends], training.labels()[:, 0]
        v, w = validation.rows[validation.ends], validation.labels()[:, 0]
        errors = {}
        for strength in (0.1, 1.0, 10.0):
            weights = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ y)
            errors[((v * weights).sum(axis=1) - w).var()] = weights
        self.weights = errors[min(errors)]

    def predict(self, windows):
        return (windows.rows[windows.ends] * self.weights).sum(axis=1)
