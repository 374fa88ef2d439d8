"""The digest says what happened in words and numbers that fit each other."""

from pathlib import Path

import pandas as pd
import pytest

from cryptobt.core.time import DAY
from cryptobt.paper.digest import digest
from cryptobt.paper.facts import Quote
from cryptobt.paper.standing import Standing

from .vendor import BTC, Files, day, night, night_of


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "home"))
    files = Files(tmp_path / "files")
    files.open(night_of(9))
    return files


def first_purchase(files: Files) -> tuple[int, Standing]:
    """Run nights until one of them has a fill."""
    for number in range(10, 50):
        standing = files.night(number).standing
        if standing.fills():
            return number, standing
    raise AssertionError("nothing was bought in forty nights")


def test_a_fill_is_held_against_the_quote_at_its_decision(files: Files) -> None:
    number, standing = first_purchase(files)
    (fill,) = standing.fills()
    assert fill["shortfall_bps"] is None
    quote = Quote(BTC, fill["price_quote"] / 1.001, night_of(number - 1), "test")
    quoted = Standing(standing.account, standing.replay, standing.nights,
                      [(day(number - 1), quote)], standing.now)  # fmt: skip
    # bought a thousandth dearer than it was offered when it was decided: 10 bps
    assert quoted.fills()[0]["shortfall_bps"] == 10.0
    line = next(line for line in digest(quoted) if line.startswith("filled"))
    assert line == (
        f"filled: buy {fill['quantity_base']:.6g} {BTC} at {fill['price_quote']:,.6g}, "
        f"fee {fill['fee_quote']:,.2f}, 10.0 bps worse than the quote then"
    )
    better = Quote(BTC, fill["price_quote"] / 0.999, night_of(number - 1), "test")
    assert better.shortfall_bps("buy", fill["price_quote"]) == -10.0
    assert better.shortfall_bps("sell", fill["price_quote"]) == 10.0


def test_fills_of_nights_that_were_caught_up_are_told(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, standing = first_purchase(files)
    (bought,) = standing.fills()
    # the same market again, where nobody ran the night of the purchase and the two after it
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "other"))
    files.open(night_of(9))
    for earlier in range(10, number):
        files.night(earlier)
    caught = files.night(number + 2).standing
    assert caught.fills()[0] == bought
    assert any(line.startswith(f"filled {day(number):%Y-%m-%d}: buy") for line in digest(caught))


def test_equity_and_the_difference_to_holding_fit_the_account(files: Files) -> None:
    _, standing = first_purchase(files)
    told = standing.to_json()
    begin = standing.account.settings.account.cash_quote
    assert told["return"] == pytest.approx(told["equity_quote"] / begin - 1)
    apart = (told["equity_quote"] - told["buy_and_hold_quote"]) / begin
    assert told["minus_buy_and_hold"] == pytest.approx(apart)
    (symbol,) = told["symbols"]
    held = standing.replay.result.weights.iloc[-1]
    assert symbol["weight"] == held["weight"]
    assert told["data_age_hours"] == 0.5


def test_a_late_night_and_an_overdue_one_are_said(files: Files) -> None:
    files.night(10)
    files.show(day(12) + pd.Timedelta(hours=9))
    standing = night(day(12) + pd.Timedelta(hours=9)).standing
    assert digest(standing)[1].startswith("decided 2020-01-13T09:00:00Z, late")
    later = Standing(standing.account, standing.replay, standing.nights, standing.quotes,
                     standing.now + 2 * DAY)  # fmt: skip
    assert any(line.startswith("OVERDUE: the bar of 2020-01-13") for line in digest(later))
