"""The synthetic run and its page, made once."""

import pytest

from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet

from .synthetic import make_sheet


@pytest.fixture(scope="session")
def sheet() -> Sheet:
    return make_sheet()


@pytest.fixture(scope="session")
def page(sheet: Sheet) -> str:
    return render_tearsheet(sheet)
