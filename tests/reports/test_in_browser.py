"""The page as a person has it: in a browser, from the disk, narrow, dark, printed, explored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cryptobt.reports.sheet import Sheet
from cryptobt.reports.tearsheet import render_tearsheet

from .browser import Page, chromium, opened
from .synthetic import make_sheet
from .synthetic_many import make_many_sheet

NO_BROWSER = "chromium is not installed on this machine"
FIRST = "document.querySelector('.linked')"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip(NO_BROWSER)
    with opened(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "tearsheet.html"
    file.write_text(page, encoding="utf-8")
    return file


def written(sheet: Sheet, folder: Path) -> Path:
    file = folder / "other.html"
    file.write_text(render_tearsheet(sheet, lambda: ""), encoding="utf-8")
    return file


def box_of(tab: Page, selector: str) -> tuple[float, float, float, float]:
    """Scroll to an element and tell where it lies: x, y, width, height."""
    tab.ask(f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}})")
    rectangle = f"document.querySelector('{selector}').getBoundingClientRect()"
    x, y, width, height = tab.ask(
        f"(() => {{const r = {rectangle}; return [r.x, r.y, r.width, r.height]}})()"
    )
    return x, y, width, height


def read_out(tab: Page) -> str:
    """What the reader above the first figure says."""
    return tab.ask(f"{FIRST}.querySelector('.reader').textContent")


def key_values(tab: Page) -> list[str]:
    return tab.ask(f"[...{FIRST}.querySelectorAll('.key b')].map((b) => b.textContent)")


def view(tab: Page) -> list[float]:
    """What part of the first plot is in view, in thousandths."""
    text = tab.ask(f"{FIRST}.querySelector('.ink').getAttribute('viewBox')")
    return [float(number) for number in text.split()]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_without_a_request_or_complaint_and_does_not_scroll_sideways(
    tab: Page, file: Path, width: int, dark: bool
) -> None:
    tab.open(file, width=width, dark=dark)
    assert tab.requests == [file.as_uri()]
    assert tab.complaints == []
    across = tab.ask("document.documentElement.scrollWidth")
    assert across <= tab.ask("document.documentElement.clientWidth") <= width


def test_ten_symbols_with_shorts_fit_a_telephone(tab: Page, tmp_path: Path) -> None:
    tab.open(written(make_many_sheet(10, shorts=True), tmp_path), width=390)
    assert tab.complaints == []
    assert tab.ask("document.documentElement.scrollWidth") <= 390


def test_a_dark_reader_gets_a_dark_page_with_figures_to_match(tab: Page, file: Path) -> None:
    colours = (
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.plot .l')).stroke]"
    )
    tab.open(file, width=1280)
    ground, line = tab.ask(colours)
    tab.open(file, width=1280, dark=True)
    dark_ground, dark_line = tab.ask(colours)
    assert brightness(ground) > 200 > 60 > brightness(dark_ground)
    assert line != dark_line
    assert brightness(dark_line) > brightness(dark_ground) + 60


def brightness(colour: str) -> float:
    """Mean of red, green and blue of ``rgb(r, g, b)``."""
    parts = colour[colour.index("(") + 1 : -1].split(",")[:3]
    return sum(float(part) for part in parts) / 3


def test_it_prints(tab: Page, file: Path) -> None:
    tab.open(file, width=1280, dark=True)
    printed = tab.pdf()
    assert printed.startswith(b"%PDF")
    assert len(printed) > 100_000


def test_the_crosshair_follows_the_mouse(tab: Page, file: Path) -> None:
    tab.open(file, width=1280)
    at_end = key_values(tab)
    assert read_out(tab).startswith("At the end")
    x, y, width, height = box_of(tab, ".linked .ink")
    tab.mouse("mouseMoved", x + width / 2, y + height / 2)
    # 700 bars from 2020-04-10 on: half way lies 349.5 bars later.
    assert read_out(tab) in ("2021-03-25", "2021-03-26")
    assert key_values(tab) != at_end
    assert tab.ask(f"{FIRST}.querySelectorAll('line.cross').length") == 2
    tab.mouse("mouseMoved", 2, 2)
    assert key_values(tab) == at_end


def test_the_arrow_keys_read_value_by_value(tab: Page, file: Path) -> None:
    tab.open(file, width=1280)
    tab.ask(f"{FIRST}.querySelector('.reader').focus()")
    tab.press("Home")
    assert read_out(tab) == "2020-04-10"
    tab.press("ArrowRight")
    assert read_out(tab) == "2020-04-11"
    said = tab.ask(f"{FIRST}.querySelector('.reader').getAttribute('aria-valuetext')")
    assert said.startswith("2020-04-11: strategy ")
    tab.press("End")
    assert read_out(tab) == "2022-03-10"


def test_dragging_looks_closer_and_a_double_click_goes_back(tab: Page, file: Path) -> None:
    tab.open(file, width=1280)
    whole = view(tab)
    x, y, width, height = box_of(tab, ".linked .ink")
    tab.mouse("mousePressed", x + 0.25 * width, y + 9, button="left", clickCount=1)
    tab.mouse("mouseMoved", x + 0.5 * width, y + 9, button="left", buttons=1)
    tab.mouse("mouseReleased", x + 0.5 * width, y + 9, button="left", clickCount=1)
    left, _, across, _ = view(tab)
    assert left == pytest.approx(250, abs=3)
    assert across == pytest.approx(250, abs=3)
    assert tab.ask(f"{FIRST}.classList.contains('closer')")
    for clicks in (1, 2):
        tab.mouse("mousePressed", x + 5, y + height / 2, button="left", clickCount=clicks)
        tab.mouse("mouseReleased", x + 5, y + height / 2, button="left", clickCount=clicks)
    assert view(tab) == pytest.approx(whole, abs=0.1)


def test_plus_looks_closer_and_escape_goes_back(tab: Page, file: Path) -> None:
    tab.open(file, width=1280)
    whole = view(tab)
    tab.ask(f"{FIRST}.querySelector('.reader').focus()")
    tab.press("Home")
    tab.press("+", text="+")
    assert view(tab)[2] < 0.6 * whole[2]
    assert not tab.ask(f"{FIRST}.querySelector('button').hidden")
    tab.press("Escape")
    assert view(tab) == pytest.approx(whole, abs=0.1)
    assert tab.ask(f"{FIRST}.querySelector('button').hidden")


def test_two_fingers_look_closer(tab: Page, file: Path) -> None:
    tab.open(file, width=390)
    tab.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    whole = view(tab)
    x, y, width, height = box_of(tab, ".linked .ink")
    middle = y + height / 2
    tab.touch("touchStart", (x + 0.4 * width, middle), (x + 0.6 * width, middle))
    tab.touch("touchMove", (x + 0.2 * width, middle), (x + 0.8 * width, middle))
    tab.touch("touchEnd")
    tab.call("Emulation.setTouchEmulationEnabled", enabled=False)
    assert view(tab)[2] == pytest.approx(whole[2] / 3, rel=0.1)


def test_hostile_names_run_nothing(tab: Page, tmp_path: Path, sheet: Sheet) -> None:
    hostile = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    trades = sheet.results["strategy"].trades.assign(symbol=hostile)
    results = {**sheet.results, "strategy": replace(sheet.results["strategy"], trades=trades)}
    bars = {hostile: next(iter(sheet.bars.values()))}
    tab.open(
        written(replace(sheet, title=hostile, bars=bars, results=results), tmp_path), width=390
    )
    assert tab.complaints == []
    assert len(tab.requests) == 1
    assert tab.ask("document.querySelectorAll('img').length") == 0
    assert "script" in tab.ask("document.title")


def test_a_page_without_any_history_opens_without_complaint(tab: Page, tmp_path: Path) -> None:
    bare = replace(make_sheet(130), results={}, metrics={}, forecasts=None)
    tab.open(written(bare, tmp_path), width=390)
    assert tab.complaints == []
