"""The section on a paper account: its words, marks and escapes, from synthetic records."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.reports.live_figures import live_panel
from cryptobt.reports.live_record import LiveFill, LiveNight, LiveRecord, LiveRewrite
from cryptobt.reports.live_section import contradiction, live_section
from cryptobt.reports.live_tables import MOST_LINES
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet

from .reading import Reader, holds_only_our_script
from .synthetic import SYMBOL, make_bars, make_metrics, make_result, metric, without_quantstats
from .test_tearsheet import HOSTILE

DAY = pd.Timedelta(days=1)


def make_nights(times: pd.DatetimeIndex, **marks: Any) -> tuple[LiveNight, ...]:
    on_time = {"late": False, "missed": False, "simulated": False} | marks
    return tuple(LiveNight(time, time + DAY, **on_time) for time in times)


def make_record(sheet: Sheet, **changes: Any) -> LiveRecord:
    times = sheet.results["strategy"].times
    record = LiveRecord(
        name="one",
        deadline_hours=4.0,
        nights=make_nights(times),
        without=(),
        fills=(),
        absent=(),
        rewrites=(),
        before=None,
        expected=np.empty((0, 2)),
    )
    return replace(record, **changes)


def before_of(sheet: Sheet) -> Any:
    """An account that ends with the first night's bar."""
    bars = make_bars(400, seed=9)
    bars.index = pd.date_range(end=sheet.results["strategy"].times[0], periods=400, name="time")
    return make_result(bars, np.full(400, 0.5))


def live_metrics(**before: Any) -> dict[str, Any]:
    shortfall = {"mean": None, "quoted": 0, "of": 0}
    return make_metrics() | {"live": {"shortfall_bps": shortfall, "before": before}}


def rendered(sheet: Sheet, record: LiveRecord, metrics: dict[str, Any] | None = None) -> str:
    told = metrics or live_metrics(reason="there is none here")
    return render_tearsheet(replace(without_quantstats(sheet), live=record, metrics=told))


def ranged(low: float, high: float) -> dict[str, Any]:
    return metric(0.0) | {"low": low, "high": high, "level": 0.95}


def test_a_backtest_s_page_has_no_live_section(page: str) -> None:
    assert "The live record" not in page
    assert "SIMULATED NIGHTS" not in page


def test_hostile_names_are_escaped(sheet: Sheet) -> None:
    first = sheet.results["strategy"].times[0]
    fill = LiveFill(first, first + DAY, HOSTILE, "buy", 1.0, 2.0, None, None, late=True)
    record = make_record(
        sheet,
        name=HOSTILE,
        fills=(fill,),
        absent=((first, HOSTILE),),
        rewrites=(LiveRewrite(HOSTILE, first, 1.0, None, first),),
    )
    page = rendered(sheet, record, live_metrics(reason=HOSTILE))
    assert holds_only_our_script(page)
    assert "<script>alert" not in page
    assert page.count("</title>") == 1


def test_the_section_asks_for_nothing_outside_and_its_ids_are_its_own(sheet: Sheet) -> None:
    record = make_record(sheet, before=before_of(sheet))
    reader = Reader(rendered(sheet, record))
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert len(reader.ids) == len(set(reader.ids))


def test_equal_records_give_equal_pages(sheet: Sheet) -> None:
    record = make_record(sheet, before=before_of(sheet))
    assert rendered(sheet, record) == rendered(sheet, record)


def test_the_backtest_goes_on_into_the_record(sheet: Sheet) -> None:
    page = rendered(sheet, make_record(sheet, before=before_of(sheet)))
    assert "live from here" in page
    assert "backtest before</li>" in page
    alone = rendered(sheet, make_record(sheet))
    assert "live from here" in alone
    assert "backtest before</li>" not in alone
    assert "There is none: there is none here." in alone


def test_one_night_alone_is_not_drawn(sheet: Sheet) -> None:
    bars = sheet.bars[SYMBOL].iloc[:1]
    one = replace(sheet, results={"strategy": make_result(bars, np.ones(1))})
    page = rendered(one, make_record(one))
    assert "one night is a point and no line" in page


def test_a_record_lost_in_full_is_not_drawn(sheet: Sheet) -> None:
    ours = sheet.results["strategy"]
    equity = ours.equity.assign(equity_quote=0.0)
    gone = replace(ours, equity=equity)
    lost = replace(sheet, results={**sheet.results, "strategy": gone})
    assert "was lost in full" in rendered(lost, make_record(lost))
    assert "was lost in full" in live_panel(make_record(sheet, before=gone), sheet.results).absent


def test_absent_symbols_and_rewritten_bars_are_listed(sheet: Sheet) -> None:
    times = sheet.results["strategy"].times
    record = make_record(
        sheet,
        absent=((times[1], "OLD"), (times[2], "OLD")),
        rewrites=(LiveRewrite("COIN", times[0], 10.0, 11.5, times[3]),),
        without=(times[4],),
    )
    page = rendered(sheet, record)
    assert f"<td>OLD</td><td>2</td><td>{times[1]:%Y-%m-%d} to {times[2]:%Y-%m-%d}</td>" in page
    assert "<td>10</td><td>11.5</td>" in page
    assert f"<dd>1 ({times[4]:%Y-%m-%d})</dd>" in page


def test_a_long_list_is_cut_and_closed(sheet: Sheet) -> None:
    first = sheet.results["strategy"].times[0]
    fill = LiveFill(first, first + DAY, "COIN", "sell", 1.0, 2.0, 2.1, 476.19, late=False)
    record = make_record(sheet, fills=(fill,) * (MOST_LINES + 3))
    section = live_section(record, live_metrics(reason="none"), "")
    assert section.count("<td>sell 1 COIN</td>") == MOST_LINES
    assert "And 3 more" in section
    assert "<details><summary>Fills" in section


def test_nights_that_follow_each_other_with_one_mark_are_one_line(sheet: Sheet) -> None:
    times = sheet.results["strategy"].times[:6]
    nights = (
        *make_nights(times[:2]),
        *make_nights(times[2:5], simulated=True),
        *make_nights(times[5:], late=True, simulated=True),
    )
    section = live_section(make_record(sheet, nights=nights), live_metrics(reason="none"), "")
    assert "Late and simulated nights (2)" in section
    assert f"<td>{times[2]:%Y-%m-%d} to {times[4]:%Y-%m-%d}</td><td>3</td>" in section
    assert "simulated: decided in hindsight by --as-of; late</td>" in section


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-9.0, 9.0, "It does not contradict the backtest: sharpe lies where most"),
        (8.0, 9.0, "Unlike the backtest before it: sharpe "),
    ],
)
def test_a_contradiction_is_said_by_a_fixed_rule(low: float, high: float, said: str) -> None:
    told = live_metrics(reason="", stretches={"sharpe": ranged(low, high)})
    assert said.lower() in contradiction(told, 40).text.lower()


def test_without_stretches_nothing_is_held_against_the_backtest() -> None:
    told = live_metrics(reason="too few rows")
    finding = contradiction(told, 1)
    assert finding.tone == "warn"
    assert finding.text == (
        "The record is 1 night long: it cannot be held against a backtest yet (too few rows)."
    )


def test_every_wide_table_can_be_scrolled(sheet: Sheet) -> None:
    section = live_section(make_record(sheet), live_metrics(reason="none"), "")
    assert section.count("<table") == len(re.findall(r'class="scroll" tabindex="0"', section))
