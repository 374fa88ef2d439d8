"""The pages of audits, from documents made by hand."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryptobt.reports.audit_page import render_audit
from tests.reports.audit_documents import (
    CODE,
    EVERY,
    check,
    clean,
    differing,
    leaking,
    null,
    planted,
)
from tests.reports.browser import Page, chromium, opened
from tests.reports.reading import Reader

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip("chromium is not installed on this machine")
    with opened(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("kind", EVERY)
def test_a_page_fetches_nothing_and_no_two_elements_share_an_id(kind: str) -> None:
    reader = Reader(render_audit(EVERY[kind]))
    assert [link for link in reader.links if not link.startswith(("#", "data:,"))] == []
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))


@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_no_page_asks_complains_or_scrolls_sideways(
    tab: Page, tmp_path: Path, width: int
) -> None:
    for kind, document in EVERY.items():
        file = tmp_path / f"{kind}.html"
        file.write_text(render_audit(document), encoding="utf-8")
        tab.open(file, width=width, dark=width == 390)
        assert tab.requests == [file.as_uri()]
        assert tab.complaints == []
        assert tab.ask("document.documentElement.scrollWidth") <= width, kind


@pytest.mark.parametrize("kind", EVERY)
def test_the_verdict_stands_before_everything_else(kind: str) -> None:
    page = render_audit(EVERY[kind])
    headline = EVERY[kind]["headline"].replace("'", "&#x27;")
    assert page.index(headline) < page.index("<section", page.index("</section>"))


def test_a_leak_is_told_with_its_time_column_line_and_how_to_mend_it() -> None:
    page = render_audit(leaking())
    told = page[page.index("What leaked") : page.index("Every check")]
    assert "column &#x27;ma&#x27;, first at 2019-03-02" in told
    assert "In columns.py:12:" in told
    assert "rolling(5, center=True)" in told
    assert f"Mend: {CODE['mend']}" in told


def test_checks_that_fail_by_the_same_line_are_one_leak() -> None:
    page = render_audit(leaking())
    assert page.count('<div class="leak">') == 2
    assert "The same line fails: another future" in page


def test_leaks_that_name_no_line_stand_each_for_itself() -> None:
    found = [check(name, "process", "leak", "it moved") for name in ("one", "two")]
    assert render_audit(leaking(checks=found)).count('<div class="leak">') == 2


def test_every_check_is_listed_with_its_outcome() -> None:
    page = render_audit(leaking())
    listed = page[page.index("Every check") :]
    for one in leaking()["checks"]:
        assert one["name"] in listed
    assert [listed.count(f">{mark}<") for mark in ("✓ passed", "✗ leaked", "! noted")] == [2, 3, 1]
    assert "there are no series beside the bars" in listed


def test_what_a_leak_would_be_worth_is_shown_where_it_was_measured() -> None:
    assert "What a leak would be worth" not in render_audit(clean())
    page = render_audit(EVERY["clean"])
    assert "correlation 0.1" in page
    assert "6,100.0%" in page


def test_found_rates_stand_beside_the_nominal_ones() -> None:
    page = render_audit(null())
    assert "4 of 20 (20.0%)" in page
    assert "[8.6%, 43.7%]" in page
    assert "Rates found: Sharpe interval above 0 20.0%;" in page
    assert "<td>2.5%</td>" in page
    assert "<td>—</td>" in page


def test_the_share_of_each_edge_has_its_interval() -> None:
    page = render_audit(planted())
    assert '<td>40.0%<span class="interval">[20.0%, 60.0%]</span></td>' in page
    assert "6 of 20 (30.0%)" in page


def test_a_rate_of_no_market_is_a_dash() -> None:
    rates = [{**null()["rates"][0], "found": 0, "of": 0, "low": None, "high": None}]
    assert "0 of 0 (—)" in render_audit(null(rates=rates, rows=[]))


def test_differences_show_both_values_and_how_many_are_left() -> None:
    page = render_audit(differing())
    assert "<td>9.5</td><td>9.512</td>" in page
    assert "1,731 values differ" in page
    assert "And 1,729 more." in page
    assert "3 cancelled orders" in page


@pytest.mark.parametrize("kind", EVERY)
def test_text_of_users_is_escaped(kind: str) -> None:
    document = EVERY[kind] | {"headline": EVIL, "warnings": [EVIL], "strategy": f"a.py:{EVIL}"}
    document |= {"symbols": [EVIL], "run": EVIL, "not_judged": [EVIL]}
    if "checks" in document:
        parts = ("seen", "column", "file", "code", "mend", "symbol")
        leak = check(EVIL, "features", "leak") | dict.fromkeys(parts, EVIL) | {"line": 1}
        others = [check(EVIL, EVIL, each, EVIL) for each in ("passed", "noted", "not asked")]
        document["checks"] = [leak, *others]
    page = render_audit(document)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_simulated_market_is_said_loudly() -> None:
    page = render_audit(clean(simulated=True))
    assert "SIMULATED MARKET" in page
    assert "<title>SIMULATED" in page
    assert "SIMULATED" not in render_audit(clean())


def test_equal_documents_give_equal_pages_in_any_process() -> None:
    code = (
        "import hashlib\n"
        "from cryptobt.reports.audit_page import render_audit\n"
        "from tests.reports.audit_documents import EVERY\n"
        "pages = ''.join(render_audit(one) for one in EVERY.values())\n"
        "print(hashlib.sha256(pages.encode()).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    environment = {
        **os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "PYTHONPATH": str(root),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True
    )
    pages = "".join(render_audit(one) for one in EVERY.values())
    assert done.stdout.strip() == hashlib.sha256(pages.encode()).hexdigest()
