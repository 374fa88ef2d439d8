"""A ridge of my own for scikit-learn that centres what it is given."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class CentredRidge(RegressorMixin, BaseEstimator):
    def __init__(self, alpha=10.0):
        self.alpha = alpha

    def fit(self, x, y):
        z = self._centred(x)
        ridge = self.alpha * np.eye(z.shape[1])
        self.coef_ = np.linalg.solve(z.T @ z + ridge, z.T @ (y - y.mean()))
        return self

    def predict(self, x):
        return (self._centred(x) * self.coef_).sum(axis=1)

    def _centred(self, x):
        return x - x.mean(axis=0)
