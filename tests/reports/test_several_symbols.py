"""The page of a run that trades several symbols in one account, long and short."""

import hashlib
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cryptobt.core.types import BacktestResult, Forecasts
from cryptobt.reports.account_figures import equity_panel
from cryptobt.reports.canvas import FAINT, SYMBOL_COLOURS
from cryptobt.reports.forecast_figures import matched_forecasts
from cryptobt.reports.network_figures import network_panels
from cryptobt.reports.position_figures import (
    margin_calls,
    position_panel,
    symbol_colours,
    wanted_weights,
)
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet

from .reading import Reader, digest_elsewhere, holds_only_our_script
from .synthetic import SYMBOL, metric, without_quantstats
from .synthetic_many import DIES, LATE, NAMES, make_many_sheet

HOSTILE = '<script>alert("x")</script> $x_{1}$ & \' </title> ${css}'


@pytest.fixture(scope="module")
def ten() -> Sheet:
    return without_quantstats(make_many_sheet(10))


@pytest.fixture(scope="module")
def shorts() -> Sheet:
    return without_quantstats(make_many_sheet(2, shorts=True))


@pytest.fixture(scope="module")
def ten_page(ten: Sheet) -> str:
    return render_tearsheet(ten)


@pytest.fixture(scope="module")
def shorts_page(shorts: Sheet) -> str:
    return render_tearsheet(shorts)


def table_rows(page: str) -> list[list[str]]:
    """Cells of the table by symbol, without their tags."""
    section = page[page.index('id="symbols"') :]
    body = section[section.index("<tbody>") : section.index("</tbody>")]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_one_symbol_has_no_table_by_symbol(page: str) -> None:
    assert "By symbol" not in page
    assert "all symbols together" not in page.lower()


def test_every_symbol_has_a_row_in_the_order_in_which_it_was_named(ten_page: str) -> None:
    rows = table_rows(ten_page)
    assert [row[0] for row in rows] == list(NAMES)
    assert rows[0][1] == '50.5%<span class="interval">47.5 to 53.5%</span>'
    assert rows[0][2:7] == ["1,234", "6.0%", "121", "61", "2020-04-10"]


def test_late_and_dead_symbols_show_their_dates_and_missed_bars(ten_page: str) -> None:
    dead, late = table_rows(ten_page)[-2:]
    assert dead[0] == DIES
    assert dead[-2:] == ['400<span class="interval">2020-01-01 to 2021-02-03</span>', "400"]
    assert late[0] == LATE
    assert late[-3] == "2021-02-04"
    assert late[-1] == "0"


def test_absent_numbers_of_a_symbol_are_dashes_with_their_reason(shorts: Sheet) -> None:
    metrics = make_many_sheet(2).metrics
    metrics["per_symbol"][LATE]["direction"]["accuracy"] = metric(None, reason="no call was made")
    metrics["per_symbol"][LATE]["joined"] = None
    del metrics["per_symbol"][SYMBOL]
    page = render_tearsheet(replace(shorts, metrics=metrics))
    assert '<td title="no call was made">—<span class="unseen"> no call was made<' in page
    assert '<td title="at no decision could it be traded">—<' in page
    name, *cells = table_rows(page)[0]
    assert name == SYMBOL
    assert [cell[0] for cell in cells] == ["—"] * 8


def test_the_page_of_ten_symbols_is_whole_and_asks_for_nothing(ten_page: str) -> None:
    reader = Reader(ten_page)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    used = {link[1:] for link in reader.links if link.startswith("#")}
    assert used | {url[1:] for url in re.findall(r"url\((#[^)]*)", ten_page)} <= set(reader.ids)
    assert not {"iframe", "object", "embed", "base"} & set(reader.tags)
    assert holds_only_our_script(ten_page)
    assert len(ten_page.encode()) < 2_000_000


def test_ten_symbols_give_equal_bytes_in_another_process(ten_page: str) -> None:
    expected = hashlib.sha256(ten_page.encode()).hexdigest()
    made = "without_quantstats(make_many_sheet(10))"
    assert digest_elsewhere(made) == expected


def renamed(sheet: Sheet, old: str, new: str) -> Sheet:
    """Give a symbol another name wherever the sheet has it."""
    assert sheet.forecasts is not None

    def name(symbol: str) -> str:
        return new if symbol == old else symbol

    def rename(result: BacktestResult) -> BacktestResult:
        weights = result.weights
        return replace(result, weights=weights.assign(symbol=weights["symbol"].map(name)))

    frame, found = sheet.forecasts.frame, sheet.forecasts.explanations
    per_symbol = {name(symbol): one for symbol, one in sheet.metrics["per_symbol"].items()}
    symbols = [name(symbol) for symbol in sheet.metrics["symbols"]]
    return replace(
        sheet,
        metrics={**sheet.metrics, "per_symbol": per_symbol, "symbols": symbols},
        bars={name(symbol): bars for symbol, bars in sheet.bars.items()},
        forecasts=Forecasts(
            frame.assign(symbol=frame["symbol"].map(name)),
            {name(symbol): one for symbol, one in found.items()},
        ),
        results={row: rename(result) for row, result in sheet.results.items()},
    )


def test_a_hostile_symbol_is_escaped_in_table_legend_and_titles(shorts: Sheet) -> None:
    page = render_tearsheet(renamed(shorts, LATE, HOSTILE))
    assert holds_only_our_script(page)
    assert "<script>alert" not in page
    assert page.count("</title>") == 1
    assert "lets in: &lt;script&gt;" in page
    assert '<th scope="row">&lt;script&gt;' in page


def test_symbols_held_most_have_a_colour_of_their_own(ten: Sheet) -> None:
    colours = symbol_colours(list(NAMES), ten.results["strategy"])
    assert list(colours) == list(NAMES)
    assert sorted(colours.values()).count(FAINT) == 2
    assert set(colours.values()) == {*SYMBOL_COLOURS, FAINT}
    held = ten.results["strategy"].weights.groupby("symbol")["weight"].sum()
    grey = {symbol for symbol, colour in colours.items() if colour == FAINT}
    assert grey == set(held.sort_values().index[:2])


# Machado, Oliveira and Fernandes (2009), table 1, severity 1: what is seen of linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    coded = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(TO_XYZ @ light.clip(0, 1) / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_symbols_stay_apart_for_every_sight(sight: str) -> None:
    seen = np.array([lab(SIGHT[sight] @ linear(colour)) for colour in SYMBOL_COLOURS])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert apart[np.triu_indices(len(seen), 1)].min() > 14


def test_without_an_opinion_the_weight_held_is_drawn(ten: Sheet) -> None:
    result = ten.results["strategy"]
    wanted = wanted_weights(result, list(NAMES))
    assert wanted.notna().all(axis=None)
    dead = result.weights[result.weights["symbol"] == DIES]
    assert np.isnan(dead["target_weight"].iloc[-1])
    assert wanted[DIES].iloc[-1] == dead["weight"].iloc[-1] > 0
    assert (wanted[LATE].iloc[:100] == 0).all()


def test_the_position_figure_names_growth_and_the_grey_symbols(ten_page: str) -> None:
    assert "close since its first bar in view" in ten_page
    assert "The 2 symbols held least are grey." in ten_page
    assert ">2 others</li>" in ten_page


def test_short_weights_are_drawn_below_zero_and_said(shorts_page: str, ten_page: str) -> None:
    assert "longs above zero, shorts below" in shorts_page
    assert "long above the moving average, short below" in shorts_page
    assert "shorts" not in ten_page
    assert "short below" not in ten_page


def test_one_symbol_held_short_is_said(sheet: Sheet) -> None:
    strategy = sheet.results["strategy"]
    weights = strategy.weights.assign(target_weight=-0.4)
    results = {**sheet.results, "strategy": replace(strategy, weights=weights)}
    panel = position_panel(replace(sheet, results=results))
    assert "below zero short, decided at each close" in panel.caption
    assert "−40%" in panel.svg


def called_out(result: BacktestResult) -> BacktestResult:
    """An account whose positions were closed twice by a margin call."""
    first, second = result.equity["time"].iloc[[200, 300]]
    orders = pd.DataFrame(
        {
            "time": [first, first, first, second, second],
            "reason": ["margin call"] * 4 + [None],
            "status": ["filled", "filled", "cancelled", "pending", "filled"],
        }
    )
    return replace(result, orders=orders)


def test_margin_calls_are_marked_and_counted(shorts: Sheet) -> None:
    strategy = called_out(shorts.results["strategy"])
    assert len(margin_calls(strategy)) == 2
    panel = position_panel(replace(shorts, results={**shorts.results, "strategy": strategy}))
    assert "Red: margin calls, 2 in all" in panel.caption


def drained(result: BacktestResult) -> BacktestResult:
    """An account that owes from its 301st bar on."""
    owes = np.arange(len(result.equity)) >= 300
    equity = result.equity["equity_quote"].mask(owes, -250.0)
    returns = equity.pct_change(fill_method=None).fillna(0.0)
    return replace(result, equity=result.equity.assign(equity_quote=equity, **{"return": returns}))


def test_an_account_that_owes_renders_with_its_losses(shorts: Sheet) -> None:
    gone = drained(shorts.results["strategy"])
    page = render_tearsheet(replace(shorts, results={**shorts.results, "strategy": gone}))
    assert "Lost in full, and not drawn: strategy." in page
    assert "The account was lost in full, which quantstats cannot draw." in page
    assert re.search(r"the deepest of the strategy is -10\d\.\d%", page)


def test_where_every_account_was_lost_none_is_drawn(shorts: Sheet) -> None:
    gone = drained(shorts.results["strategy"])
    panel = equity_panel(replace(shorts, results={"strategy": gone}))
    assert panel.absent == "Not drawn: every account was lost in full."


def test_forecasts_of_all_symbols_are_matched_in_time_order(ten: Sheet) -> None:
    together = matched_forecasts(ten)
    alone = [
        matched_forecasts(replace(ten, bars={symbol: bars})) for symbol, bars in ten.bars.items()
    ]
    assert len(together) == sum(len(one) for one in alone)
    assert together.index.is_monotonic_increasing
    assert together["realised"].sum() == pytest.approx(sum(one["realised"].sum() for one in alone))


def test_the_captions_say_that_forecasts_are_pooled(ten_page: str, page: str) -> None:
    assert "All symbols together. Each cell counts forecasts" in ten_page
    assert "luck carries it further than the grey" in ten_page
    assert "Without skill the line ends inside the grey." in page
    assert "Without skill the line ends inside the grey." not in ten_page


def test_four_networks_are_drawn_and_the_others_named(ten: Sheet) -> None:
    assert ten.forecasts is not None
    found = {name: one for name, one in ten.forecasts.explanations.items() if name != LATE}
    panels = network_panels(replace(ten, forecasts=Forecasts(ten.forecasts.frame, found)))
    drawn = [panel for panel in panels if panel.svg]
    assert len(drawn) == 4 * 3
    assert drawn[0].title == "Which features the network lets in: BTC-USD"
    assert drawn[3].caption == "Read as that of BTC-USD."
    left = ", ".join(NAMES[4:-1])
    assert panels[-1].absent == (
        f"Not drawn, to keep the page short: {left}. "
        f"Without a network that explains itself: {LATE}."
    )


def test_without_any_explanation_one_reason_a_figure_is_given(ten: Sheet) -> None:
    assert ten.forecasts is not None
    panels = network_panels(replace(ten, forecasts=Forecasts(ten.forecasts.frame)))
    assert len(panels) == 3
    assert all("no network that explains itself" in panel.absent for panel in panels)


def test_a_symbol_without_a_bar_or_forecast_in_view_is_left_out(ten: Sheet) -> None:
    assert ten.forecasts is not None
    bars = {**ten.bars, DIES: ten.bars[DIES].iloc[:50]}
    frame = ten.forecasts.frame
    forecasts = replace(ten.forecasts, frame=frame[frame["symbol"] != DIES])
    assert "<svg" in render_tearsheet(replace(ten, bars=bars, forecasts=forecasts))
