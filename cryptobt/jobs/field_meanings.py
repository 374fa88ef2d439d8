"""What the features of the last bar are called on a form, and what they mean in a few words."""

from cryptobt.core.columns import ONCHAIN
from cryptobt.features.stationary import MEAN_BARS, MOMENTUM_BARS

_PAPER_S = {
    "close": ("Close", "the close of the bar, in units of price"),
    "rsi": ("RSI", "relative strength index of the last 14 bars, 0 to 100"),
    "macd": ("MACD", "mean of span 12 less mean of span 26 of the close, in units of price"),
    "volatility": ("Volatility", "deviation of the last 10 closes, in units of price"),
    "sentiment": (
        "Sentiment",
        "0 is fear, 1 is greed; without a series, share of rises in 14 bars",
    ),
}
_STATIONARY = {
    "return_1": "log return of the bar, over its expected size σ",
    **{
        f"momentum_{bars}": f"log return over {bars} bars, over its expected size"
        for bars in MOMENTUM_BARS
    },
    **{
        f"mean_distance_{bars}": f"close against the mean of {bars} bars, over its expected size"
        for bars in MEAN_BARS
    },
    "rsi_14": "relative strength of the last 14 bars: −0.5 all falls, 0.5 all rises",
    "macd_histogram": "MACD against its own mean, over close and σ",
    "volatility_ratio": "recent volatility against that of the last 100 bars, as a logarithm",
    "volatility_z": "volatility against the last 365 bars, in deviations",
    "range": "log of high over low, over σ",
    "close_place": "where in its range the bar closed: −0.5 at the low, 0.5 at the high",
    "high_distance_90": "close against the highest high of 90 bars, over 10 σ; 0 at the high",
    "volume_z": "volume against the last 30 bars, in deviations",
}
_LEVELS = {
    "open": "first price of the bar",
    "high": "highest price of the bar",
    "low": "lowest price of the bar",
    "close": "last price of the bar",
    "volume": "volume of the bar",
    "sma_20": "mean of the last 20 closes, in units of price",
    "ema_20": "exponential mean of the close, span 20, in units of price",
    "rsi_14": "relative strength index of the last 14 bars, 0 to 100",
    "macd": "mean of span 12 less mean of span 26 of the close, in units of price",
    "macd_signal": "mean of span 9 of MACD, in units of price",
    "bb_upper": "20-bar mean of the close and two deviations above it",
    "bb_lower": "20-bar mean of the close and two deviations below it",
    "bb_width": "distance of the two bands, in per cent of the mean",
    "adractcnt": "addresses active in a day, as published by the close",
    "txcnt": "transactions in a day, as published by the close",
    "feetotntv": "fees of a day in the coin itself, as published by the close",
}
_ENDINGS = {
    "_growth": "mean of 7 bars against mean of 90, as logarithms, of {}",
    "_level_z": "level against the last 90 bars, in deviations, of {}",
    "_change_z": "change over 5 bars, in deviations, of {}",
}


def describe_field(feature_set: str, name: str) -> tuple[str, str]:
    """Give a feature's label and meaning.

    Parameters
    ----------
    feature_set : str
        Name of the set: the same column may be a level in one and a ratio in another.

    Returns
    -------
    tuple of str
        The label: the name itself but for the fields of the paper's form; and the meaning, empty
        where it is not known, as of a user's own columns.
    """
    if feature_set == "ath5" and name in _PAPER_S:
        return _PAPER_S[name]
    if not feature_set.startswith("stationary"):
        return name, _LEVELS.get(name, "")
    if name in _STATIONARY:
        return name, _STATIONARY[name]
    for ending, meaning in _ENDINGS.items():
        if name.endswith(ending):
            return name, meaning.format(name.removesuffix(ending))
    series = name.removesuffix("_z")
    known = series in ONCHAIN and series != name
    return name, f"against the last 30 bars, in deviations, of {series}" if known else ""
