"""How numbers, instants and names are written."""

import math
from typing import Any

import pytest

from cryptobt.web.filters import FILTERS

NOW = "2026-06-05T02:10:00Z"


@pytest.mark.parametrize(
    ("name", "given", "written"),
    [
        ("number", (1234.5,), "1,234.50"),
        ("number", (-0.001,), "0.00"),
        ("number", (None,), "—"),
        ("number", (math.nan,), "—"),
        ("plain", (0.0353297123,), "0.0353297"),
        ("plain", (True,), "—"),
        ("money", (9220.7, "USD"), "9,220.70 USD"),
        ("money", (None, "USD"), "—"),
        ("price", (63801.574, "USD"), "63,801.57 USD"),
        ("price", (0.000012345678,), "1.23457e−05"),
        ("percent", (0.5213,), "52.1%"),
        ("change", (0.012,), "+1.2%"),
        ("change", (-0.012,), "−1.2%"),
        ("change", (-0.00001,), "0.0%"),
        ("points", (0.053,), "+5.3 points"),
        ("points", (math.inf,), "—"),
        ("utc", ("2026-06-05T00:20:59Z",), "2026-06-05 00:20 UTC"),
        ("utc", (None,), "—"),
        ("day", ("2026-06-05T00:20:59Z",), "2026-06-05"),
        ("ago", ("2026-06-05T02:10:30Z", NOW), "just now"),
        ("ago", ("2026-06-05T01:00:00Z", NOW), "1 h ago"),
        ("ago", ("2026-06-03T00:00:00Z", NOW), "2 days ago"),
        ("ago", ("2026-06-06T00:00:00Z", NOW), "in 21 h"),
        ("ago", (None, NOW), "—"),
        ("delay", ("2026-06-05T00:20:00Z", "2026-06-04T00:00:00Z"), "20 min"),
        ("span", (7200,), "2 h"),
        ("hours", (2.2,), "2 h"),
        ("size", (812345,), "812 kB"),
        ("size", (12,), "12 B"),
        ("size", (2_500_000,), "2.5 MB"),
        ("grade", ("none",), "no evidence of skill"),
        ("grade", (None,), "—"),
        ("outcome", ("leak",), "leak found"),
        ("tone", ("leak",), "bad"),
        ("tone", (None,), "plain"),
        ("spark", ([1.0],), ""),
        ("spark", ([1.0, None, 3.0],), "0.0,26.0 100.0,2.0"),
    ],
)
def test_it_is_written_so(name: str, given: tuple[Any, ...], written: str) -> None:
    assert FILTERS[name](*given) == written


def test_shares_are_of_the_largest_and_leave_a_row_as_it_was() -> None:
    rows = [{"weight": 0.5}, {"weight": 0.25}, {"weight": None}]
    assert [row["share"] for row in FILTERS["shares"](rows)] == [100.0, 50.0, 0.0]
    assert rows[0] == {"weight": 0.5}
