"""Fits are kept in memory by a hash of what they were fitted to."""

import hashlib

import numpy as np

_weights = {}


class FitsKept:
    def fit(self, training, validation):
        x, y = training.rows[training.ends], training.labels()[:, 0]
        key = hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
        if key not in _weights:
            ridge = 0.1 * np.eye(x.shape[1])
            _weights[key] = np.linalg.solve(x.T @ x + ridge, x.T @ y)
        self.weights = _weights[key]

    def predict(self, windows):
        return (windows.rows[windows.ends] * self.weights).sum(axis=1)
