"""Looks for the most similar days of the past and says what followed them."""

import numpy as np


class NearestDays:
    def fit(self, training, validation):
        self.days = training.rows[training.ends].copy()
        self.followed = training.labels()[:, 0].copy()

    def predict(self, windows):
        answers = []
        for end in windows.ends:
            distance = ((self.days - windows.rows[end]) ** 2).sum(axis=1)
            nearest = np.argsort(distance, kind="stable")[:15]
            answers.append(self.followed[nearest].mean())
        return np.array(answers)
