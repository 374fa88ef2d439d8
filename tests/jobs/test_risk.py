"""The risk of an account as it stands in ``metrics.json``."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.core import columns
from cryptobt.core.time import DAY
from cryptobt.core.types import BacktestResult
from cryptobt.jobs.risk import risk_document

KEYS = {
    "realised", "quantile", "trailing", "drawdowns", "worst_day", "best_day", "worst_month",
    "best_month", "tail_ratio", "time_under_water", "longest_under_water_bars", "invested",
}  # fmt: skip
METRIC = {"value", "unit", "low", "high", "level", "reason"}
NOTHING = pd.Series(dtype=float)


def days(rows: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, tz="UTC", name="time")


def lived(returns: list[float], held: list[float] | None = None) -> BacktestResult:
    """An account whose first row is its first decision, with return 0."""
    rows = len(returns) + 1
    equity = pd.DataFrame(0.0, index=range(rows), columns=list(columns.EQUITY[1:]))
    equity.insert(0, "time", days(rows))
    equity["return"] = [0.0, *returns]
    equity["equity_quote"] = 1_000 * np.cumprod([1.0, *(1 + np.array(returns))])
    equity["gross_weight"] = held or 0.0
    empty = pd.DataFrame()
    return BacktestResult(equity, empty, empty, empty, empty, empty, [])


def forecast(
    quantiles: list[float], horizon: int = 1, symbols: tuple[str, ...] = ("X",)
) -> pd.DataFrame:
    frame = pd.DataFrame({"q05": quantiles, "horizon_bars": horizon}, index=days(len(quantiles)))
    return pd.concat(dict.fromkeys(symbols, frame))


def came(outcomes: list[float], symbols: tuple[str, ...] = ("X",)) -> pd.Series:
    return pd.concat(dict.fromkeys(symbols, pd.Series(outcomes, index=days(len(outcomes)))))


def risk(
    result: BacktestResult,
    forecasts: pd.DataFrame | None = None,
    realised: pd.Series = NOTHING,
    interval: pd.Timedelta = DAY,
) -> dict[str, Any]:
    document = risk_document(result, forecasts, realised, interval, 0.95)
    # It is what stands in the file: nothing in it is NaN or no JSON.
    read: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return read


def noise(rows: int) -> list[float]:
    return np.random.default_rng(2).normal(0.001, 0.03, rows).tolist()


def test_the_document_has_the_keys_of_the_contract() -> None:
    found = risk(lived(noise(400)), forecast([-0.05] * 300), came(noise(300)))
    assert set(found) == KEYS
    assert set(found["realised"]) == {"var_95", "es_95", "var_99", "es_99"}
    for name in ("quantile", "trailing"):
        assert set(found[name]) == {
            "n", "hits", "rate", "kupiec", "christoffersen", "conditional", "es",
        }  # fmt: skip
        assert set(found[name]["rate"]) == METRIC
        assert set(found[name]["kupiec"]) == {"statistic", "p_value"}
        assert set(found[name]["kupiec"]["p_value"]) == METRIC
    assert len(found["drawdowns"]) == 5
    assert set(found["drawdowns"][0]) == {
        "start", "bottom", "recovered", "depth", "bars", "bars_down",
    }  # fmt: skip
    assert set(found["worst_day"]) == {"value", "at"}


def test_a_short_account_by_hand() -> None:
    # 1,000 → 1,100 → 880 → 968, held at two of the three closes
    found = risk(lived([0.1, -0.2, 0.1], [0.0, 1.0, 0.5, 0.0]))
    (fall,) = found["drawdowns"]
    assert fall["depth"] == pytest.approx(-0.2)
    assert (fall["start"], fall["bottom"]) == ("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z")
    assert (fall["recovered"], fall["bars"], fall["bars_down"]) == (None, 2, 1)
    assert found["worst_day"]["at"] == "2024-01-03"
    assert found["worst_day"]["value"]["value"] == pytest.approx(-0.2)
    assert found["worst_month"]["at"] == found["best_month"]["at"] == "2024-01"
    assert found["best_month"]["value"]["value"] == pytest.approx(-0.032)
    assert found["time_under_water"]["value"] == pytest.approx(2 / 3)
    assert found["longest_under_water_bars"]["value"] == 2
    assert found["invested"]["value"] == pytest.approx(2 / 3)


def test_the_first_decision_is_no_day_of_the_account() -> None:
    # Its row has a return of 0, which would be the worst of two gains.
    assert risk(lived([0.1, 0.2]))["worst_day"]["at"] == "2024-01-02"


def test_the_forecast_quantile_is_held_against_the_return_of_its_own_row() -> None:
    outcomes = [-0.06, 0.0, -0.04, -0.08] + [0.0] * 26
    found = risk(lived(noise(5)), forecast([-0.05] * 30), came([*outcomes, np.nan]))["quantile"]
    assert (found["n"], found["hits"]) == (30, 2)
    assert found["es"] == {
        "value": pytest.approx(-0.07), "unit": "log return", "low": None, "high": None,
        "level": None, "reason": None,
    }  # fmt: skip


def test_a_hit_of_one_symbol_does_not_follow_that_of_another() -> None:
    # X ends with a hit, and on the day after Y begins with one: 29 pairs of each.
    realised = came([0.0] * 29 + [-0.1, -0.1] + [0.0] * 29, ("X", "Y"))
    both = forecast([-0.05] * 60, symbols=("X", "Y"))
    found = risk(lived([]), both.iloc[[*range(30), *range(90, 120)]], realised)["quantile"]
    assert (found["n"], found["hits"]) == (60, 2)
    # After no hit 1 of 57, after a hit 0 of 1; alike 1 of 58
    apart = np.log(1 / 57) + 56 * np.log(56 / 57)
    alike = np.log(1 / 58) + 57 * np.log(57 / 58)
    assert found["christoffersen"]["statistic"]["value"] == pytest.approx(2 * (apart - alike))


def test_a_missing_bar_parts_its_neighbours() -> None:
    outcomes = [0.0, -0.1, 0.0, -0.1] + [0.0] * 26
    whole = forecast([-0.05] * 30)
    found = risk(lived([]), whole.drop(index=whole.index[2]), came(outcomes))["quantile"]
    assert (found["n"], found["hits"]) == (29, 2)
    # None, hit, gap, hit, none …: 27 pairs, after none 1 hit of 26, after a hit none of 1
    apart = np.log(1 / 26) + 25 * np.log(25 / 26)
    alike = np.log(1 / 27) + 26 * np.log(26 / 27)
    assert found["christoffersen"]["statistic"]["value"] == pytest.approx(2 * (apart - alike))


def test_of_forecasts_over_several_bars_those_that_overlap_are_left_out() -> None:
    # One fall inside three forecasts over three bars is one hit.
    outcomes = [0.0] * 4 + [-0.1] * 3 + [0.0] * 53
    found = risk(lived([]), forecast([-0.05] * 60, horizon=3), came(outcomes))["quantile"]
    assert (found["n"], found["hits"]) == (20, 1)
    # Rows three bars apart follow each other: 1 of 18 after none, 0 of 1 after the hit.
    apart = np.log(1 / 18) + 17 * np.log(17 / 18)
    alike = np.log(1 / 19) + 18 * np.log(18 / 19)
    assert found["christoffersen"]["statistic"]["value"] == pytest.approx(2 * (apart - alike))


def test_a_gap_does_not_move_the_forecasts_that_are_taken() -> None:
    whole = forecast([-0.05] * 60, horizon=3)
    outcomes = came(list(range(60)))
    found = risk(lived([]), whole.drop(index=whole.index[4]), outcomes)["quantile"]
    assert found["n"] == 20
    assert risk(lived([]), whole.drop(index=whole.index[3]), outcomes)["quantile"]["n"] == 19


@pytest.mark.parametrize(
    ("forecasts", "realised", "expected"),
    [
        (None, NOTHING, "no forecast of a quantile"),
        (forecast([]), came([]), "no forecast of a quantile"),
        (forecast([np.nan] * 30), came([0.0] * 30), "no quantile with a known outcome"),
        (forecast([-0.05] * 30), came([np.nan] * 30), "no quantile with a known outcome"),
    ],
)
def test_without_quantiles_or_outcomes_there_is_a_reason(
    forecasts: pd.DataFrame | None, realised: pd.Series, expected: str
) -> None:
    found = risk(lived(noise(30)), forecasts, realised)["quantile"]
    assert (found["n"], found["hits"]) == (0, 0)
    for metric in (found["rate"], found["es"], *found["conditional"].values()):
        assert (metric["value"], metric["reason"]) == (None, expected)


def test_the_trailing_quantile_is_known_before_the_return_it_is_held_against() -> None:
    # After 250 returns of −1 % a 251st of −2 % is below the quantile, and another of −1 % is not.
    found = risk(lived([-0.01] * 250 + [-0.02]))["trailing"]
    assert (found["n"], found["hits"], found["es"]["unit"]) == (1, 1, "ratio")
    assert found["es"]["value"] == pytest.approx(-0.02)
    assert risk(lived([-0.01] * 251))["trailing"]["hits"] == 0
    short = risk(lived([-0.01] * 250))["trailing"]
    assert short["rate"]["reason"] == "no more than 250 bars after the first decision"


def test_returns_across_a_missing_bar_do_not_follow_each_other() -> None:
    # Two hits in a row, and a bar missing between them: no hit follows a hit.
    whole = lived([-0.01] * 250 + [-0.02, -0.03] + [0.0] * 28)
    parted = whole.equity.copy()
    parted.loc[252:, "time"] += DAY
    apart = risk(replace(whole, equity=parted))["trailing"]
    together = risk(whole)["trailing"]
    assert (apart["n"], apart["hits"]) == (together["n"], together["hits"]) == (30, 2)
    # None of the 28 pairs that are left ends with a hit.
    assert apart["christoffersen"]["statistic"]["value"] == pytest.approx(0.0)
    # Of 29 pairs two begin with a hit, and one of them ends with one: ln ½ twice
    alike = np.log(1 / 29) + 28 * np.log(28 / 29)
    found = together["christoffersen"]["statistic"]["value"]
    assert found == pytest.approx(2 * (2 * np.log(1 / 2) - alike))


ACCOUNTS = {
    "no bar": lived([]),
    "one bar": lived([0.01]),
    "nothing at all": lived([0.0] * 300),
    "constant": lived([0.001] * 300),
    "lost": lived([*noise(150), -1.0, *[0.0] * 200]),
    "lost and more": lived([*noise(150), -1.5, *[0.0] * 200]),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_account_has_a_number_or_a_reason(name: str) -> None:
    found = risk(ACCOUNTS[name], forecast([-0.05] * 5), came([0.0] * 5))
    assert set(found) == KEYS

    def check(part: Any) -> None:
        if isinstance(part, dict) and set(part) == METRIC:
            assert (part["value"] is None) == bool(part["reason"])
        elif isinstance(part, dict | list):
            for child in part.values() if isinstance(part, dict) else part:
                check(child)

    check(found)


def test_an_account_without_rows_has_reasons() -> None:
    nothing = lived([0.1])
    empty = BacktestResult(nothing.equity.iloc[:0], *[pd.DataFrame()] * 5, [])
    found = risk(empty)
    assert found["drawdowns"] == []
    assert found["invested"]["reason"] == "no bar after the first decision"
    assert found["worst_month"]["at"] is None
