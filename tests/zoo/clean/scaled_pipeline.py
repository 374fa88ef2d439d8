"""Scaler, principal components and ridge in one pipeline, fitted together."""

from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

model = make_pipeline(StandardScaler(), PCA(5), Ridge(alpha=10.0))
