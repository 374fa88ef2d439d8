"""Backtest and paper-trade deep-learning forecasts of crypto prices."""

__version__ = "0.1.0"
