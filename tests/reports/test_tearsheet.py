import hashlib
import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.types import Forecasts
from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet

from .reading import Reader, digest_elsewhere, holds_only_our_script
from .synthetic import SYMBOL, make_metrics, make_result, make_sheet, without_quantstats

HOSTILE = '<script>alert("x")</script> $x_{1}$ & \' </title> ${css}'


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    reader = Reader(page)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert not {"iframe", "object", "embed", "base"} & set(reader.tags)
    assert holds_only_our_script(page)
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert all(url.startswith("#") for url in re.findall(r"url\([\"']?([^)]*)", page))


def test_the_script_is_small_and_makes_no_code_of_text(page: str) -> None:
    code = page[page.rindex("<script>") : page.rindex("</script>")]
    assert len(code) < 8_200
    assert not re.search(r"\b(eval|Function|innerHTML|fetch|import)\b", code)


def test_ids_are_unique_and_references_resolve(page: str) -> None:
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    used = {link[1:] for link in reader.links if link.startswith("#")}
    used |= {url[1:] for url in re.findall(r"url\((#[^)]*)", page)}
    assert used <= set(reader.ids)


def test_equal_sheets_give_equal_bytes_in_another_process(page: str) -> None:
    assert digest_elsewhere("make_sheet()") == hashlib.sha256(page.encode()).hexdigest()


def test_matplotlib_settings_of_the_caller_change_nothing(sheet: Sheet) -> None:
    import matplotlib as mpl

    quiet = without_quantstats(sheet)
    plain = render_tearsheet(quiet)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert render_tearsheet(quiet) == plain
        assert mpl.rcParams["font.size"] == 30


def test_hostile_text_is_escaped_everywhere(sheet: Sheet) -> None:
    metrics = make_metrics()
    metrics["pending_orders"][0]["symbol"] = HOSTILE
    metrics["data"]["warnings"] = [HOSTILE]
    metrics["orders"]["by_reason"] = {HOSTILE: 1}
    metrics["rows"]["strategy"]["performance"]["cagr"] = {"value": None, "reason": HOSTILE}
    assert sheet.forecasts is not None
    explanation = sheet.forecasts.explanations[SYMBOL]
    names = (HOSTILE, *explanation.feature_names[1:])
    shown = replace(
        without_quantstats(sheet),
        title=HOSTILE,
        bars={HOSTILE: sheet.bars[SYMBOL]},
        command=HOSTILE,
        assumptions=((HOSTILE, HOSTILE),),
        metrics=metrics,
        forecasts=Forecasts(
            sheet.forecasts.frame.assign(symbol=HOSTILE),
            {HOSTILE: replace(explanation, feature_names=names)},
        ),
    )
    page = render_tearsheet(shown)
    assert holds_only_our_script(page)
    assert "<script>alert" not in page
    assert page.count("</title>") == 1


def test_the_simulated_market_cannot_be_missed(sheet: Sheet, page: str) -> None:
    assert "SIMULATED MARKET — not real prices" in page
    assert re.search(r"\.simulated \{[^}]*position: sticky", page)
    assert page.index("SIMULATED MARKET") < page.index("<h1>")
    real = render_tearsheet(replace(without_quantstats(sheet), simulated=False))
    assert "SIMULATED MARKET" not in real


def test_sections_come_in_order(page: str) -> None:
    heads = [
        "Verdict", "Assumptions", "Against simpler rules", "How sure is that?", "The account",
        "Up and down calls", "The forecasts", "What the model looked at", "Robustness",
        "From gross to net", "Risk", "quantstats’ tearsheet", "Trades and orders",
    ]  # fmt: skip
    places = [page.index(f">{head}</h2>") for head in heads]
    places.append(page.index("To repeat this run"))
    assert places == sorted(places)
    assert "not financial advice" in page


def test_the_row_to_beat_is_marked_and_absent_numbers_are_dashes_with_reasons(page: str) -> None:
    assert '<tr class="beat"><th scope="row">trend_only<span class="badge">the row to beat' in page
    assert 'title="flat">—<span class="unseen"> flat</span></td>' in page
    said = "Without numbers here: buy_and_hold, buy_and_hold_vol_target (this row makes no calls)."
    assert said in page
    assert '52.1%<span class="interval">50.1 to 54.1%' in page


def test_every_figure_has_a_role_a_text_and_a_caption(page: str) -> None:
    # Inside each drawing of ours lies a second element that stretches.
    svgs = [tag for tag in re.findall(r"<svg[^>]*>", page) if 'class="ink"' not in tag]
    assert len(svgs) == 17 + 13
    assert all('role="img"' in tag and re.search(r'aria-label="[^"]+"', tag) for tag in svgs)
    assert page.count("<figcaption>") == page.count("<figure class=") == 14


def test_every_table_of_ours_has_a_caption_and_every_head_a_scope(page: str) -> None:
    ours = page[: page.index('id="quantstats"')] + page[page.index('id="trades"') :]
    assert ours.count("<table") == ours.count("<caption") >= 20
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", page))


def test_headings_go_down_one_step_at_a_time(page: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_page_can_be_used_without_a_mouse(page: str) -> None:
    assert '<a class="skip" href="#main">' in page
    assert page.count('class="scroll"') == page.count('class="scroll" tabindex="0" role="region"')
    links = re.findall(r'<li><a href="#([^"]+)">', page)
    assert links == re.findall(r'<h2 id="([^"]+)">', page)


def test_ten_years_of_days_stay_under_3_megabytes() -> None:
    big = make_sheet(3750)
    # quantstats' thirteen plots take up to 0.6 megabytes more.
    assert len(render_tearsheet(big, lambda: "").encode()) < 1_500_000


def one_trade(sheet: Sheet) -> Sheet:
    bars = sheet.bars[SYMBOL].iloc[100:]
    weight = np.zeros(len(bars))
    weight[200:260] = 1.0
    return replace(sheet, results={"strategy": make_result(bars, weight)})


def test_one_trade_renders_without_other_accounts(sheet: Sheet) -> None:
    assert "could not draw" not in render_tearsheet(one_trade(sheet))


def test_no_trades_render_with_a_sentence_instead(sheet: Sheet) -> None:
    bars = sheet.bars[SYMBOL].iloc[100:]
    flat = {"strategy": make_result(bars, np.zeros(len(bars)))}
    assert "No trades, nothing to draw." in render_tearsheet(replace(sheet, results=flat))


def test_one_bar_renders() -> None:
    whole = make_sheet(130)
    bars = whole.bars[SYMBOL].iloc[:1]
    assert whole.forecasts is not None
    nothing = Forecasts(whole.forecasts.frame.iloc[:0])
    sheet = replace(
        whole,
        bars={SYMBOL: bars},
        forecasts=nothing,
        results={"strategy": make_result(bars, np.ones(1))},
    )
    page = render_tearsheet(sheet)
    assert "fewer than two bars" in page
    assert "1 days are too few" in page or "1 day" in page


def test_without_a_forecaster_the_reasons_are_given(sheet: Sheet) -> None:
    page = render_tearsheet(replace(without_quantstats(sheet), forecaster=None, forecasts=None))
    assert "trades without a forecaster" in page
    assert "no network that explains itself" in page


def test_without_any_result_or_metric_the_page_still_renders(sheet: Sheet) -> None:
    page = render_tearsheet(replace(sheet, results={}, metrics={}, forecasts=None))
    assert "It cannot be said whether this is worth anything" in page
    assert "This run holds no tests of significance" in page
    assert "This run holds no tests of robustness" in page
    assert "This run holds no measures of risk" in page
    assert "This run was not taken apart" in page


def changed_forecasts(sheet: Sheet, **values: Any) -> Sheet:
    assert sheet.forecasts is not None
    frame = sheet.forecasts.frame.assign(**values)
    return replace(without_quantstats(sheet), forecasts=replace(sheet.forecasts, frame=frame))


def test_without_any_mean_the_score_is_drawn(sheet: Sheet) -> None:
    page = render_tearsheet(changed_forecasts(sheet, mean=np.nan))
    assert "score (no expected return was calibrated)" in page


def test_a_forecaster_of_signs_is_drawn(sheet: Sheet) -> None:
    signs = np.where(np.arange(len(sheet.bars[SYMBOL]) - 100) % 3, 1.0, -1.0)
    assert "Forecasts against the log" in render_tearsheet(changed_forecasts(sheet, mean=signs))


def test_equal_forecasts_are_not_drawn(sheet: Sheet) -> None:
    page = render_tearsheet(changed_forecasts(sheet, mean=0.0, score=0.0))
    assert "every forecast is the same" in page


def test_a_network_without_gates_or_losses_says_so(sheet: Sheet) -> None:
    assert sheet.forecasts is not None
    explanation = sheet.forecasts.explanations[SYMBOL]
    bare = replace(explanation, gates=np.full_like(explanation.gates, np.nan), losses={})
    forecasts = replace(sheet.forecasts, explanations={SYMBOL: bare})
    page = render_tearsheet(replace(without_quantstats(sheet), forecasts=forecasts))
    assert "has no feature gates" in page
    assert "no loss curves" in page


def test_intraday_bars_render() -> None:
    hourly = make_sheet(800, pd.Timedelta(hours=1))
    assert "could not draw" not in render_tearsheet(hourly)


def test_an_account_lost_in_full_is_named(sheet: Sheet) -> None:
    gone = sheet.results["momentum"]
    equity = gone.equity.assign(equity_quote=gone.equity["equity_quote"].where(lambda e: e < 0, 0))
    quiet = without_quantstats(sheet)
    results = {**quiet.results, "momentum": replace(gone, equity=equity)}
    page = render_tearsheet(replace(quiet, results=results))
    assert "Lost in full, and not drawn: momentum." in page
