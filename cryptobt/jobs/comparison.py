"""How good forecasts were, for each forecaster and horizon: numbers of ``evaluation.json``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.settings import Settings
from cryptobt.metrics.accuracy import (
    LOG_RETURN,
    absent_errors,
    price_errors,
    return_errors,
    skill_draws,
)
from cryptobt.metrics.bootstrap import Resampler, make_resampler
from cryptobt.metrics.direction import direction, lead_over_always_up
from cryptobt.metrics.metric import Metric, absent, measured, with_interval
from cryptobt.metrics.significance import (
    NAMES,
    binomial_band,
    brier,
    clark_west,
    diebold_mariano,
    pesaran_timmermann,
    pinball,
)

ALWAYS_UP = "always_up"
QUANTILES = {"q05": 0.05, "q50": 0.50, "q95": 0.95}
ONLY_CALLS = "it calls a direction and predicts no number"
UNCALIBRATED = "too few past forecasts to turn its score into a return"
SEVERAL_PRICES = "prices of several symbols have no mean; per_symbol has each"
SEVERAL_SYMBOLS = "symbols move together and the test takes calls as independent; see per_symbol"


def measure(frame: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """Measure every forecaster of a frame over the same bars, each horizon for itself.

    Numbers are compared over the bars for which every forecaster that predicts numbers has one.
    Tests of significance see every h-th bar of a horizon of h, so that outcomes do not overlap;
    errors and scores see all, and their bootstrap draws stretches of 2h bars or more.

    Parameters
    ----------
    frame : DataFrame
        As :class:`cryptobt.jobs.side_by_side.SideBySide` has it.

    Returns
    -------
    dict
        ``{forecaster: {horizon: {...}}}`` as ``docs/contract.md`` describes under
        ``evaluation.json``, the horizon as text; plain values, ready for JSON.
    """
    document: dict[str, Any] = {str(name): {} for name in frame["forecaster"].unique()}
    symbols = list(frame["symbol"].unique())
    for horizon, rows in frame.groupby("horizon_bars"):
        numbered = _comparable(rows)
        whole = _Measuring(numbered, int(str(horizon)), settings)
        alone = {}
        if len(symbols) > 1:
            alone = {
                symbol: _Measuring(own, whole.horizon, settings)
                for symbol, own in numbered.groupby("symbol")
            }
        for name in document:
            one = whole.document(name)
            one["per_symbol"] = {str(s): part.document(name) for s, part in alone.items()}
            document[name][str(horizon)] = one
    return document


def _comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """Take predicted numbers away where some forecaster that predicts numbers has none."""
    having = rows.groupby("forecaster")["predicted_return"].transform("count") > 0
    numbers = rows[having]
    complete = numbers.groupby(["symbol", "time"])["predicted_return"].transform(
        lambda predicted: predicted.notna().all()
    )
    lacking = numbers.index[~complete.astype(bool)]
    shown = rows.copy()
    shown.loc[lacking, ["predicted", "predicted_return"]] = np.nan
    return shown


class _Measuring:
    """The rows of one horizon, of some symbols, and the bootstrap draws that they share."""

    def __init__(self, rows: pd.DataFrame, horizon: int, settings: Settings) -> None:
        self.rows, self.horizon, self.level = rows, horizon, settings.metrics.confidence
        self.symbols = pd.Index(rows["symbol"].unique()).sort_values()
        self.times = pd.Index(rows["time"].unique()).sort_values()
        outcomes = self._wide(rows.drop_duplicates(["symbol", "time"]), "actual_return")
        self.resampler = _resampler(outcomes, horizon, settings)

    def document(self, name: str) -> dict[str, Any]:
        """Everything measured of one forecaster."""
        rows = self.rows[self.rows["forecaster"] == name]
        actual, predicted, call = (
            self._wide(rows, column) for column in ("actual_return", "predicted_return", "call")
        )
        called = direction(call, actual, self.resampler, self.level)
        return {
            "n": int(np.isfinite(actual).sum()),
            "price": _plain(self._price(rows)),
            "return": _plain(self._return(rows, actual, predicted)),
            "direction": _plain(called),
            "lead_over_always_up": self._lead(name, call, actual).to_json(),
            "coin_band": self._band(called["n"]),
            **self._significance(rows, actual, predicted, call),
            **_calibration(rows),
        }

    def _lead(self, name: str, call: np.ndarray, actual: np.ndarray) -> Metric:
        if name == ALWAYS_UP:
            return absent("ratio", "it is always_up")
        return lead_over_always_up(call, actual, self.resampler, self.level)

    def _wide(self, rows: pd.DataFrame, column: str) -> np.ndarray:
        """One column as times by symbols; NaN where a symbol has no bar."""
        wide = np.full((len(self.times), len(self.symbols)), np.nan)
        places = self.times.get_indexer(rows["time"]), self.symbols.get_indexer(rows["symbol"])
        wide[places] = rows[column]
        return wide

    def _price(self, rows: pd.DataFrame) -> Mapping[str, Metric | int]:
        unit = str(rows["unit"].iloc[0]) if len(self.symbols) == 1 else "quote"
        if reason := _without_numbers(rows):
            return absent_errors(reason, unit)
        if len(self.symbols) > 1:
            return absent_errors(SEVERAL_PRICES, unit)
        before, actual, predicted = (
            rows[column].to_numpy() for column in ("last_close", "actual", "predicted")
        )
        return price_errors(before, actual, predicted, unit)

    def _return(
        self, rows: pd.DataFrame, actual: np.ndarray, predicted: np.ndarray
    ) -> Mapping[str, Metric | int]:
        if reason := _without_numbers(rows):
            return absent_errors(reason, LOG_RETURN)
        errors = return_errors(actual.ravel(), predicted.ravel())
        skill = errors["skill"]
        if self.resampler is not None and isinstance(skill, Metric):
            draws = skill_draws(actual, predicted, self.resampler)
            errors["skill"] = with_interval(skill, draws, self.level)
        return errors

    def _band(self, calls: Metric | int) -> dict[str, Any]:
        """Accuracies that a coin reaches over that many calls."""
        count = calls if isinstance(calls, int) else 0
        reason = SEVERAL_SYMBOLS if len(self.symbols) > 1 else None if count else "no call was made"
        if self.horizon > 1 and reason is None:
            count = -(-count // self.horizon)  # as many as do not overlap
        low, high = (None, None) if reason else binomial_band(count, self.level)
        return {"low": low, "high": high, "level": self.level, "calls": count, "reason": reason}

    def _significance(
        self, rows: pd.DataFrame, actual: np.ndarray, predicted: np.ndarray, call: np.ndarray
    ) -> dict[str, Any]:
        # Outcomes that overlap are not independent: every h-th has none in common with the next.
        actual, predicted, call = (part[:: self.horizon] for part in (actual, predicted, call))
        several, reason = len(self.symbols) > 1, _without_numbers(rows)
        tests = {
            "pesaran_timmermann": _untested(SEVERAL_SYMBOLS)
            if several
            else pesaran_timmermann(call[:, 0], actual[:, 0]),
            "diebold_mariano": _untested(reason)
            if reason
            else diebold_mariano(_size(actual - predicted), _size(_beside(actual, predicted)), 1),
            "clark_west": _untested(reason or SEVERAL_SYMBOLS)
            if reason or several
            else clark_west(actual[:, 0], predicted[:, 0], 1),
        }
        return {name: _plain(test) for name, test in tests.items()}


def _without_numbers(rows: pd.DataFrame) -> str:
    """Why a forecaster has no errors; empty where it has."""
    if rows["predicted_return"].notna().any():
        return ""
    return ONLY_CALLS if rows["answers"].iloc[0] == "direction" else UNCALIBRATED


def _resampler(actual: np.ndarray, horizon: int, settings: Settings) -> Resampler | None:
    """Draws of the times, in stretches that keep what outcomes have in common with the next."""
    chosen = settings.metrics
    known = np.nan_to_num(actual)
    moves = known.mean(axis=1)
    series = np.column_stack([moves, (known**2).mean(axis=1)])
    made = make_resampler(series, chosen.bootstrap_draws, chosen.bootstrap_seed)
    least = min(2.0 * horizon, len(moves) / 3)
    if made is None or horizon == 1 or made.block_bars >= least:
        return made
    return Resampler(len(moves), least, made.draws, made.seed)


def _beside(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Errors of persistence where there is a forecast to compare it with."""
    return np.where(np.isfinite(predicted), actual, np.nan)


def _size(errors: np.ndarray) -> np.ndarray:
    """Root mean square over the symbols of each time: its square is their mean loss."""
    counts = np.isfinite(errors).sum(axis=1)
    sums = np.nansum(errors**2, axis=1)
    mean = np.divide(sums, counts, out=np.full(len(errors), np.nan), where=counts > 0)
    return np.asarray(np.sqrt(mean))


def _calibration(rows: pd.DataFrame) -> dict[str, Any]:
    """How true the probabilities and the quantiles were."""
    actual = rows["actual_return"].to_numpy()
    q = {name: rows[name].to_numpy() for name in QUANTILES}
    known = np.isfinite(actual) & np.isfinite(q["q05"]) & np.isfinite(q["q95"])
    inside = ((actual >= q["q05"]) & (actual <= q["q95"]))[known]
    share = float(inside.mean()) if len(inside) else np.nan
    covered = measured(share, "ratio", "no calibrated forecast with a known outcome")
    losses = {name: pinball(q[name], tau, actual) for name, tau in QUANTILES.items()}
    return {
        "brier": brier(rows["p_up"].to_numpy(), actual).to_json(),
        "interval_coverage": covered.to_json(),
        "pinball": _plain(losses),
    }


def _untested(reason: str) -> dict[str, Metric]:
    units = ("standard errors", "probability")
    return {name: absent(unit, reason) for name, unit in zip(NAMES, units, strict=True)}


def _plain(metrics: Mapping[str, Metric | int]) -> dict[str, Any]:
    return {k: v.to_json() if isinstance(v, Metric) else v for k, v in metrics.items()}
