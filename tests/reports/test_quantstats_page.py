"""The traps of quantstats, each pinned, and what stands against it."""

import logging
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import BacktestResult
from cryptobt.reports import quantstats_page
from cryptobt.reports.quantstats_page import daily_returns, quantstats_section, why_not
from cryptobt.reports.sheet import Sheet

from .synthetic import make_bars, make_result

DAYS = 60


def account(returns: np.ndarray, freq: str = "D", start: str = "2021-01-01") -> BacktestResult:
    bars = make_bars(len(returns))
    bars.index = pd.date_range(start, periods=len(returns), freq=freq, tz="UTC", name="time")
    result = make_result(bars, np.ones(len(returns)))
    return replace(result, equity=result.equity.assign(**{"return": returns}))


@pytest.fixture(scope="module")
def moves() -> np.ndarray:
    return np.random.default_rng(5).normal(0.001, 0.02, DAYS)


class Call:
    """Stands in for quantstats and keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: dict[str, object] = {}
        quantstats_page._import_quantstats()
        monkeypatch.setattr("quantstats.reports.html", self)

    def __call__(self, returns: pd.Series, *, output: str, **asked: object) -> None:
        self.asked = {"returns": returns, **asked}
        Path(output).write_text("<th>drawn</th>", encoding="utf-8")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    return Call(monkeypatch)


def test_hours_are_compounded_to_days() -> None:
    daily = daily_returns(account(np.full(48, 0.01), freq="h"))
    assert len(daily) == 2
    assert daily.iloc[0] == pytest.approx(1.01**24 - 1)


def test_a_day_without_a_bar_has_no_return() -> None:
    result = account(np.array([0.0, 0.1, 0.2]))
    gap = replace(result, equity=result.equity.drop(index=1))
    assert daily_returns(gap).tolist() == pytest.approx([0.0, 0.0, 0.2])
    weekly = daily_returns(account(np.array([0.0, 0.1]), freq="7D"))
    assert len(weekly) == 8


def test_two_losses_beyond_all_in_one_day_are_no_gain() -> None:
    returns = np.full(48, 0.0)
    returns[[5, 6]] = -1.5, -3.0
    daily = daily_returns(account(returns, freq="h"))
    assert daily.tolist() == [-1.0, 0.0]


def test_it_gets_naive_utc_days_365_a_year_and_a_series(call: Call, moves: np.ndarray) -> None:
    quantstats_section(account(moves), account(moves[::-1]))
    returns, benchmark = call.asked["returns"], call.asked["benchmark"]
    assert isinstance(returns, pd.Series)
    assert isinstance(benchmark, pd.Series)
    assert pd.DatetimeIndex(returns.index).tz is None
    assert returns.index.equals(benchmark.index)
    assert call.asked["periods_per_year"] == 365
    assert call.asked["match_dates"] is False


def test_leading_days_without_a_position_are_kept(call: Call, moves: np.ndarray) -> None:
    late = np.where(np.arange(DAYS) < 30, 0.0, moves)
    quantstats_section(account(late), account(moves))
    returns = call.asked["returns"]
    assert isinstance(returns, pd.Series)
    assert len(returns) == DAYS


def test_quantstats_would_trim_them(moves: np.ndarray) -> None:
    quantstats_page._import_quantstats()
    from quantstats.reports import _match_dates

    late = pd.Series(np.where(np.arange(DAYS) < 30, 0.0, moves))
    trimmed, _ = _match_dates(late, pd.Series(moves))
    assert len(trimmed) == 30


def test_quantstats_takes_rising_returns_for_prices_and_is_not_asked(call: Call) -> None:
    from quantstats.utils import _prepare_returns

    rising = np.where(np.arange(DAYS) == 30, 1.5, 0.01)
    mistaken = _prepare_returns(pd.Series(rising))
    assert mistaken.iloc[1] == 0.0
    said = quantstats_section(account(rising), None)
    assert "take these for prices" in said
    assert not call.asked


def test_a_benchmark_like_prices_or_a_constant_one_is_left_out(
    call: Call, moves: np.ndarray
) -> None:
    for benchmark in (np.where(np.arange(DAYS) == 30, 1.5, 0.01), np.zeros(DAYS)):
        quantstats_section(account(moves), account(benchmark))
        assert call.asked["benchmark"] is None


def test_constant_few_or_ruined_returns_get_a_sentence() -> None:
    days = pd.date_range("2021-01-01", periods=DAYS)
    assert "No trades" in why_not(pd.Series(0.0, days))
    assert "9 days are too few" in why_not(pd.Series(np.arange(9.0), days[:9]))
    ruined = pd.Series(np.linspace(-1.0, 0.1, DAYS), days)
    assert "lost in full" in why_not(ruined)
    assert why_not(pd.Series(np.linspace(-0.1, 0.1, DAYS), days)) == ""


def test_nothing_of_ours_can_stand_unescaped_in_its_page(
    call: Call, moves: np.ndarray, tmp_path: Path
) -> None:
    quantstats_section(account(moves), account(moves[::-1]))
    texts = {key: text for key, text in call.asked.items() if isinstance(text, str)}
    assert texts.pop("template_path").endswith("quantstats.html")
    assert texts == {"title": "", "strategy_title": "strategy", "benchmark_title": "buy_and_hold"}


def test_a_failure_inside_quantstats_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, moves: np.ndarray
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    quantstats_page._import_quantstats()
    monkeypatch.setattr("quantstats.reports.html", fail)
    assert "could not draw this (ZeroDivisionError)" in quantstats_section(account(moves), None)


def test_it_stays_quiet_and_leaves_no_figure_or_style_behind(
    sheet: Sheet, caplog: pytest.LogCaptureFixture
) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = (plt.get_fignums(), dict(mpl.rcParams))
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = quantstats_section(sheet.results["strategy"], None)
    assert drawn.count("<svg") == 11
    assert "<figure></figure>" not in drawn
    assert "http" not in drawn
    assert "favicon" not in drawn
    assert not caplog.records
    assert (plt.get_fignums(), dict(mpl.rcParams)) == before


def test_its_chart_of_years_is_left_out_for_it_names_the_wrong_year(page: str) -> None:
    assert "EOY Returns" not in page
    assert "Calendar years (returns in %)" in page


def test_its_tables_have_row_and_column_heads(page: str) -> None:
    section = page[page.index("quantstats’ own measures") :]
    assert '<th scope="col">buy_and_hold' in section
    assert '<th scope="row">Sharpe' in section
    assert "<th>" not in section
    assert "{{" not in section


def test_quantstats_does_not_escape_a_title(moves: np.ndarray, tmp_path: Path) -> None:
    template = tmp_path / "title.html"
    template.write_text("{{title}}", encoding="utf-8")
    returns = daily_returns(account(moves))
    with quantstats_page._quiet(), quantstats_page.style():
        import quantstats

        output = tmp_path / "out.html"
        quantstats.reports.html(
            returns, title="<b>", template_path=str(template), output=str(output)
        )
    assert "<b>" in output.read_text(encoding="utf-8")
