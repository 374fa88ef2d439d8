"""docs/ledger.md names every table and column that there is."""

import re
import sqlite3
from pathlib import Path

import pytest

from cryptobt.paper import schema

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")


def tables() -> dict[str, set[str]]:
    with sqlite3.connect(":memory:") as database:
        for statement in schema.statements():
            database.execute(statement)
        return {
            name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
            for name in ("account", "nights", *schema.FACTS)
        }


def test_every_table_has_its_section() -> None:
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == list(tables())


@pytest.mark.parametrize("table", list(tables()))
def test_every_column_is_explained(table: str) -> None:
    section = PAGE.partition(f"### {table}\n")[2].partition("\n#")[0]
    if table == "forecasts":
        named = set(re.findall(r"`(\w+)`", section))
    else:
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == tables()[table]
