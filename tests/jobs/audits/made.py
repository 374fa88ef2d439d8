"""Files as users write them, and small worlds to look at them in."""

from pathlib import Path
from typing import Any

from cryptobt.core.settings import Settings, load_settings
from cryptobt.data.sample import simulate
from cryptobt.jobs.audits.futures import World
from cryptobt.jobs.audits.leakage import leakage_document
from cryptobt.jobs.events import Events

QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
FEATURES = '''"""My features."""

import numpy as np
import pandas as pd

SEEN = {}


def z_score(x):
    return (x - x.mean()) / x.std()


def smallest(bars):
    close = bars["close"]
    newest = close.iloc[-1]
    print("newest close", newest)
    lowest, highest = close.min(), close.max()
    out = pd.DataFrame(index=bars.index)
    out["change"] = close.pct_change()
    out["place"] = (close - lowest) / (highest - lowest)
    return out


def from_below(bars):
    change = bars["close"].pct_change()
    return pd.DataFrame({
        "change": change,
        "z": z_score(change),
    })


def centred(bars):
    df = bars[["close"]].copy()
    df["mean"] = df["close"].rolling(21, center=True).mean()
    df["distance"] = df["close"] / df["mean"]
    return df[["distance"]]


def pivots(bars):
    close = bars["close"].to_numpy()
    out = np.zeros(len(close))
    for i in range(1, len(close) - 1):
        if close[i] > close[i - 1] and close[i] > close[i + 1]:
            out[i] = 1.0
    return pd.DataFrame({"pivot": out}, index=bars.index)


def filled(bars, extras):
    transactions = extras["txcnt"].interpolate()
    return pd.DataFrame({"transactions": transactions.pct_change(fill_method=None)})


def kept(bars):
    if len(bars) not in SEEN:
        SEEN[len(bars)] = bars["close"].pct_change(5)
    return SEEN[len(bars)].to_frame("momentum")


def drawn(bars):
    noise = np.random.default_rng().normal(size=len(bars))
    return pd.DataFrame({"noise": noise}, index=bars.index)


def honest(bars):
    close = bars["close"]
    weekly = close.resample("W").last().shift(1).reindex(bars.index, method="ffill")
    lowest, highest = close.expanding().min(), close.expanding().max()
    place = ((close - lowest) / (highest - lowest)).where(highest > lowest)
    flow = (np.sign(close.diff()) * bars["volume"]).cumsum()
    return pd.DataFrame({"place": place, "to_week": close / weekly, "flow": flow})
'''
STRATEGIES = '''"""My strategies."""

import backtrader as bt


class Peek(bt.Strategy):
    def next(self):
        if self.data.close[1] > self.data.close[0] and not self.position:
            self.buy()


class Careful(bt.Strategy):
    def next(self):
        try:
            rises = self.data.close[1] > self.data.close[0]
        except IndexError:
            rises = False
        if rises and not self.position:
            self.buy()
        elif not rises and self.position:
            self.close()


class Cheat(bt.Strategy):
    def __init__(self):
        self.broker.set_coc(True)

    def next(self):
        self.buy()


class Wraps(bt.Strategy):
    def next(self):
        if self.data.close[0] > self.data.close[-30] and not self.position:
            self.buy()


class Survivors(bt.Strategy):
    def __init__(self):
        ends = max(data.datetime.array[-1] for data in self.datas)
        self.alive = [data for data in self.datas if data.datetime.array[-1] == ends]

    def next(self):
        for data in self.alive:
            if len(data) and not self.getposition(data):
                self.buy(data=data, size=0.001)


class Honest(bt.Strategy):
    def __init__(self):
        self.mean = bt.indicators.SMA(self.data.close, period=20)

    def next(self):
        if self.data.close[0] > self.mean[0] and not self.position:
            self.buy()
        elif self.data.close[0] < self.mean[0] and self.position:
            self.close()


class Waits(bt.Strategy):
    def next(self):
        if self.data.close[0] > 1e12:
            self.buy()


class Broken(bt.Strategy):
    def next(self):
        self.buy(size=self.missing)
'''
FORECASTERS = '''"""My forecasters."""

import numpy as np


class Honest:
    def fit(self, training, validation):
        x = self.moves(training)
        self.weights = np.linalg.solve(x.T @ x + 10 * np.eye(3), x.T @ training.labels())

    def predict(self, windows):
        return (self.moves(windows)[:, :, None] * self.weights).sum(axis=1)

    def moves(self, windows):
        back = windows.ends[:, None] - np.arange(3)
        return windows.log_close[back] - windows.log_close[back - 1]


class Together(Honest):
    def predict(self, windows):
        answers = super().predict(windows)
        return answers - answers.mean(axis=0)


class Crowd(Honest):
    def predict(self, windows):
        answers = super().predict(windows)
        return answers if len(answers) > 1 else answers * np.nan


class Unseeded(Honest):
    def predict(self, windows):
        return super().predict(windows) + np.random.default_rng().normal()
'''


def write(folder: Path) -> Path:
    """Write the files into a folder."""
    for name, text in (("f", FEATURES), ("s", STRATEGIES), ("m", FORECASTERS)):
        (folder / f"{name}.py").write_text(text)
    return folder


def small_world(bars: int = 320, seed: int = 5, symbol: str = "X") -> World:
    """A simulated coin with its series."""
    coin = simulate(symbol, bars, seed=seed)
    return World(coin.market, (coin.onchain, coin.sentiment))


def settings_of(*assignments: str) -> Settings:
    """Settings with which everything takes a moment."""
    small = (
        "strategy.name=sma_trend", "features.set=close", "walkforward.refit_days=90",
        "walkforward.min_train_rows=60", "walkforward.ensemble_seeds=1", "run.workers=1",
        "forecaster.target=next_return", "forecaster.window_bars=5", "training.epochs=1",
    )  # fmt: skip
    return load_settings(None, [*small, *assignments], {})


def document_of(settings: Settings, *worlds: World) -> dict[str, Any]:
    """The document of an audit of these worlds."""
    given = worlds or (small_world(),)
    extras = {world.market.symbol: world.extras for world in given}
    return leakage_document(settings, [world.market for world in given], extras, QUIET)


def outcomes(document: dict[str, Any], outcome: str) -> list[dict[str, Any]]:
    """The checks of one outcome."""
    return [check for check in document["checks"] if check["outcome"] == outcome]
