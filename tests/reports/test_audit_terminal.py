"""The end of an audit in the terminal, from documents made by hand."""

from typing import Any

import pytest

from cryptobt.reports.audit_terminal import audit_summary
from tests.reports.audit_documents import (
    CODE,
    EVERY,
    agreeing,
    check,
    clean,
    common,
    differing,
    leaking,
    null,
    planted,
)


def summary(document: dict[str, Any]) -> str:
    return audit_summary(document, run_folder="runs/x", page="runs/x/audit.html")


def crowded() -> dict[str, Any]:
    """More of everything than a terminal takes, each as long as users write."""
    long = "what was seen, said at such length that no terminal would hold it in one line, " * 5
    leaks = [
        check(f"check {n}", "features", "leak", long, time="2019-03-02T05:15:00Z", column="c" * 200,
              file="f" * 90 + ".py", line=n, code=long, mend=long, symbol="BTC-USD")
        for n in range(12)
    ]  # fmt: skip
    others = [check(f"other {n}", "data", "noted", long) for n in range(12)]
    return leaking(headline=long[:300], checks=[*leaks, *others], warnings=[long, long])


@pytest.mark.parametrize("document", [*EVERY.values(), crowded()])
def test_every_summary_has_fewer_than_30_lines_that_fit_a_terminal(
    document: dict[str, Any],
) -> None:
    lines = summary(document).splitlines()
    assert len(lines) < 30
    assert max(len(line) for line in lines) <= 118
    assert lines[-2:] == ["Run folder  runs/x", "Page        runs/x/audit.html"]


def test_what_leaked_comes_first_with_its_line_and_how_to_mend_it() -> None:
    lines = summary(leaking()).splitlines()
    assert lines[0] == "Leak: column 'ma' of 2019-03-02 knows later bars"
    assert lines[3] == "✗ future cut away: column 'ma', first at 2019-03-02"
    assert lines[5].strip() == f"columns.py:12   {CODE['code']}"
    assert lines[6].strip() == f"Mend: {CODE['mend']}"
    assert lines[7].strip() == "The same line fails: another future"


def test_the_first_leak_is_told_however_many_there_are() -> None:
    said = summary(crowded())
    assert "✗ check 0: column 'ccc" in said
    assert "more on the page" in said


def test_passed_checks_are_one_line_by_part() -> None:
    said = summary(clean())
    assert "Passed: settings 1, features 2, forecasts 1, orders and fills 1" in said
    assert "Noted: history begins later: column 'obv' moves by 3e-4 of its scale" in said
    assert "Not asked: published late: there are no series beside the bars" in said


def test_a_leak_is_dated_to_the_minute_where_bars_are_shorter_than_a_day() -> None:
    leak = check("cut", "features", "leak", "it moved", time="2019-03-02T05:15:00Z")
    assert "first at 2019-03-02 05:15" in summary(leaking(checks=[leak]))


def test_what_a_leak_would_be_worth_is_a_table() -> None:
    said = summary(EVERY["clean"])
    assert "correlation 0.1                54.8%    2.10  6,100.0%" in said
    assert "scaler sees everything             —    0.64         —" in said


def test_found_rates_stand_beside_the_nominal_ones() -> None:
    said = summary(null())
    assert "Sharpe interval above 0  4 of 20 (20.0%)  [8.6%, 43.7%]     2.5%" in said
    assert "20 simulated markets like it: 3,759 bars, 45.0% drift a year" in said


def test_each_edge_is_a_line() -> None:
    said = summary(planted())
    assert any(line.split()[:2] == ["0.10", "40.0%"] for line in said.splitlines())
    assert "At 0.1 it is seen." in said


def test_accounts_that_agree_say_what_was_compared() -> None:
    said = summary(agreeing())
    assert "Compared: orders 103, fills 102, equity 2,922" in said
    assert "largest relative gap 3.1e-14" in said
    assert "run fb0b39b3: strategy attn_signal" in said
    assert "✗" not in said


def test_the_first_difference_is_named_and_the_rest_counted() -> None:
    said = summary(differing())
    assert "✗ fills.csv row 12, fee_quote (BTC-USD at 2019-03-02): recorded 9.5, not 9.512" in said
    assert "✗ and 1,729 more on the page" in said
    assert "Not judged: 3 cancelled orders" in said


def test_nothing_of_a_user_s_moves_the_cursor() -> None:
    evil = "\x1b[2J\r\nclean"
    leak = check(evil, "features", "leak", evil) | dict.fromkeys(
        ("column", "file", "code", "mend", "symbol"), evil
    )
    said = summary(leaking(headline=evil, strategy=evil, warnings=[evil], checks=[leak]))
    assert "\x1b" not in said
    assert "\r" not in said


def test_a_path_of_a_user_s_file_is_shortened_to_its_name() -> None:
    document = common("leakage", "clean", "No leak found", deep=False, cuts=[], checks=[])
    assert "features columns.py:columns" in summary(document)
    assert "/home/me" not in summary(document)
    assert "Passed: none" in summary(document)
