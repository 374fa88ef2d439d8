"""Pages as a person has them: on a telephone and a desk, light and dark, by keys and by ear."""

import threading
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from werkzeug.serving import make_server

from tests.reports.browser import Page, chromium, opened

from .accessibility import PROBLEMS
from .render import app
from .views import every

NO_BROWSER = "chromium is not installed on this machine"
VIEWS = sorted(every())
FEW = ["account", "forecast-answered"]


@pytest.fixture(scope="module")
def house() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip(NO_BROWSER)
    with opened(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


def looked_at(tab: Page, house: str, name: str, *, width: int, dark: bool) -> None:
    """Open a page; nothing it does may be complained of, asked of others, or wider than it."""
    tab.visit(f"{house}/view/{name}", width=width, dark=dark)
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(house)] == []
    across = tab.ask("document.documentElement.scrollWidth")
    assert across <= tab.ask("document.documentElement.clientWidth") <= width
    tab.ask("for (const one of document.querySelectorAll('details')) one.open = true")
    assert tab.ask(PROBLEMS) == []


def test_a_page_fits_a_telephone_and_keeps_what_readers_need(tab: Page, house: str) -> None:
    for name, dark in product(FEW, (False, True)):
        looked_at(tab, house, name, width=390, dark=dark)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_every_page_fits_every_width_light_and_dark(tab: Page, house: str, name: str) -> None:
    for width, dark in product((320, 390, 768, 1280), (False, True)):
        looked_at(tab, house, name, width=width, dark=dark)


@pytest.mark.slow
def test_a_reader_without_scripts_gets_the_whole_page(tab: Page, house: str) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.visit(f"{house}/view/account", width=390)
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
    text = tab.ask("document.body.innerText")
    assert "What happens at the next open?" in text
    assert "account 9,368" in text
    assert tab.ask("document.querySelectorAll('.plot path').length") >= 4


@pytest.mark.slow
def test_every_link_and_field_is_reached_by_the_tabulator_and_shows_it(
    tab: Page, house: str
) -> None:
    tab.visit(f"{house}/view/forecast-answered", width=1280)
    reached: list[list[Any]] = []
    for _ in range(40):
        tab.tabulate()
        at = tab.ask(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.id || e.textContent.trim(), s.outlineStyle,"
            " parseFloat(s.outlineWidth)] })()"
        )
        if tab.ask("document.activeElement === document.body"):
            break
        reached.append(at)
    names = [name for name, _, _ in reached]
    assert names[0] == "Skip to the content"
    assert [f"field-{number}" for number in range(1, 6)] == [n for n in names if n[:6] == "field-"]
    assert {"Ask", "Back to the last bar", "The same as JSON"} <= set(names)
    assert [one for one in reached if one[1] == "none" or one[2] < 2] == []


@pytest.mark.slow
def test_the_first_key_leads_past_the_navigation(tab: Page, house: str) -> None:
    tab.visit(f"{house}/view/account", width=390)
    tab.tabulate()
    tab.press("Enter", text="\r", windowsVirtualKeyCode=13)
    assert tab.ask("document.activeElement.id") == "main"


@pytest.mark.slow
def test_a_column_is_sorted_by_its_heading_and_what_is_unknown_stays_last(
    tab: Page, house: str
) -> None:
    tab.visit(f"{house}/view/runs", width=1280)
    column = "[...document.querySelectorAll('tbody tr')].map((r) => r.cells[4].textContent)"
    heading = "[...document.querySelectorAll('th button.sort')][4]"
    tab.ask(f"{heading}.click()")
    assert tab.ask(column) == ["0.40", "1.55", "—"]
    assert tab.ask(f"{heading}.closest('th').ariaSort") == "ascending"
    tab.ask(f"{heading}.click()")
    assert tab.ask(column) == ["1.55", "0.40", "—"]


@pytest.mark.slow
def test_a_changed_field_says_so_and_the_figure_is_read_by_keys(tab: Page, house: str) -> None:
    tab.visit(f"{house}/view/forecast", width=1280)
    tab.ask("document.querySelector('#field-2').focus()")
    tab.call("Input.insertText", text="9")
    assert tab.ask("document.querySelector('#field-2').closest('.field').className") == (
        "field changed"
    )
    tab.visit(f"{house}/view/account", width=390)
    tab.ask("document.querySelector('.reader').focus()")
    tab.press("Home")
    assert tab.ask("document.querySelector('.reader').textContent") == "2026-03-07"


@pytest.mark.slow
def test_the_page_prints_without_its_navigation(tab: Page, house: str) -> None:
    tab.visit(f"{house}/view/account", width=1280, dark=True)
    assert tab.pdf().startswith(b"%PDF")
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.ask("getComputedStyle(document.querySelector('.top')).display") == "none"
    tab.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.slow
def test_a_name_of_three_hundred_letters_stays_in_its_box(tab: Page, house: str) -> None:
    long = "n" * 300
    tab.visit(f"{house}/view/overview", width=390)
    tab.ask(
        "for (const e of document.querySelectorAll('h1, h3 a, td.words, tbody th, dd, p, li > a'))"
        f" e.append('{long}')"
    )
    across = tab.ask("document.documentElement.scrollWidth")
    assert across <= tab.ask("document.documentElement.clientWidth")
