"""A person visits `cryptobt serve`: by mouse, by keys alone, with a token; real models answer."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest

from cryptobt.reports.tearsheet import render_tearsheet
from tests.jobs.tiny import TINY, command, environment
from tests.reports.browser import Page, chromium, opened
from tests.reports.synthetic import make_sheet

from .accessibility import PROBLEMS
from .world import TOKEN, World, world

pytestmark = pytest.mark.slow
NO_BROWSER = "chromium is not installed on this machine"
ENTER = {"text": "\r", "code": "Enter", "windowsVirtualKeyCode": 13}
PATIENCE_SECONDS = 90.0
SETTINGS = TINY | {
    "features": {"set": "ath5"},
    "forecaster": {"name": "dual_attention"},
    "strategy": {"name": "attn_signal"},
}


def as_toml(sections: dict[str, dict[str, Any]]) -> str:
    """Settings as a file."""
    written = {
        name: "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
        for name, section in sections.items()
    }
    return "\n".join(f"[{name}]\n{lines}" for name, lines in written.items())


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    made = world(folder)
    (folder / "mine.toml").write_text(as_toml(SETTINGS))
    page = render_tearsheet(make_sheet(), lambda: "")
    for run in made.out.glob("*-*"):
        (run / "tearsheet.html").write_text(page, encoding="utf-8")
    return made


@contextmanager
def serving(there: World, *arguments: str, **more: str) -> Iterator[str]:
    """Run the command until the end of the block, and give the address that it says."""
    env = environment(there.home, **more) | {"CRYPTOBT_HOME": str(there.home)}
    process = subprocess.Popen(
        command(["serve", "--port", "0", "--out", str(there.out), *arguments]),
        env=env, cwd=there.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.partition(": ")[2].partition("/ (")[0]
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def house(there: World) -> Iterator[str]:
    with serving(there, "-c", os.fspath(there.home.parent / "mine.toml")) as address:
        yield address


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip(NO_BROWSER)
    with opened(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


def until(tab: Page, expression: str) -> Any:
    """Wait until an expression is true in whatever page is there by then."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = tab.ask(f"(() => {{ try {{ return {expression} }} catch {{ return null }} }})()")
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"never: {expression}; the page says {said(tab)[:600]}")


def said(tab: Page) -> str:
    return str(tab.ask("document.body.innerText"))


def click(tab: Page, finder: str) -> None:
    """Click in the middle of an element with the mouse, and wait for the page that follows."""
    tab.ask(f"{finder}.scrollIntoView({{block: 'center'}})")
    x, y = tab.ask(
        f"(() => {{ const r = {finder}.getBoundingClientRect();"
        " return [r.x + Math.min(r.width / 2, 40), r.y + r.height / 2] })()"
    )
    tab.events.clear()
    for kind in ("mousePressed", "mouseReleased"):
        tab.mouse(kind, x, y, button="left", clickCount=1)
    tab.wait_for_load()


def link(text: str) -> str:
    wanted = json.dumps(text)
    return f"[...document.querySelectorAll('a')].find((a) => a.textContent.trim() === {wanted})"


def quiet(tab: Page, house: str) -> None:
    """Nothing was complained of, and nobody else was asked."""
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(house)] == []


def type_in(tab: Page, selector: str, text: str) -> None:
    """Replace what stands in a field."""
    tab.ask(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.focus(); e.select() })()")  # fmt: skip
    tab.call("Input.insertText", text=text)


def test_a_person_clicks_from_the_alarm_through_the_account_to_two_runs_side_by_side(
    tab: Page, house: str
) -> None:
    tab.visit(house + "/", width=390)
    until(tab, "document.body.innerText.includes('No: 1 alarm')")
    assert "cryptobt paper run one" in said(tab)
    click(tab, link("one"))
    until(tab, "document.querySelector('.linked') !== null")
    assert tab.ask("document.querySelector('h1').textContent") == "one"
    assert {"What does it hold?", "What happens at the next open?"} <= set(said(tab).splitlines())
    quiet(tab, house)

    click(tab, link("Runs"))
    until(tab, "document.querySelectorAll('tbody tr').length === 2")
    tab.ask("document.querySelector('#strategy').value = 'sma_trend'")
    click(tab, "document.querySelector('.filter button')")
    assert tab.ask("document.querySelectorAll('tbody tr').length") == 1
    click(tab, link("Show all"))
    assert tab.ask("document.querySelectorAll('tbody tr').length") == 2
    click(tab, "document.querySelector('.sticky button')")
    until(tab, "document.body.innerText.includes('Numbers on the dates in common')")
    assert "A less B" in said(tab)
    assert tab.ask(PROBLEMS) == []
    quiet(tab, house)


def test_a_run_opens_and_its_tearsheet_reads_values_though_it_is_shut_in(
    tab: Page, house: str
) -> None:
    tab.visit(house + "/runs", width=1280)
    until(tab, "document.querySelector('tbody th a') !== null")
    click(tab, "document.querySelector('tbody th a')")
    until(tab, f"{link('Open the tearsheet')} !== undefined")
    click(tab, link("Open the tearsheet"))
    assert tab.ask("document.querySelector('#verdict') !== null")
    assert str(tab.ask("document.querySelector('.reader').textContent")).startswith("At the end")
    quiet(tab, house)


@pytest.mark.parametrize("path", ["/forecast", "/data", "/audits", "/api"])
def test_every_other_page_is_reached_by_a_link_and_needs_nothing(
    tab: Page, house: str, path: str
) -> None:
    tab.visit(house + "/", width=390)
    click(tab, f"document.querySelector('a[href=\"{path}\"]')")
    until(tab, "document.querySelector('h1').textContent !== 'Being computed'")
    assert tab.ask("location.pathname") == path
    assert tab.ask(PROBLEMS) == []
    quiet(tab, house)


def test_the_form_is_asked_by_keys_alone_and_answers_as_the_document_does(
    tab: Page, house: str
) -> None:
    """As in the paper: change a field, press Enter, read a price and UP or DOWN."""
    tab.visit(house + "/forecast/_settings/BTC-USD", width=1280)
    until(tab, "document.querySelector('#field-1') !== null")
    for _ in range(60):
        tab.tabulate()
        if tab.ask("document.activeElement.labels?.[0]?.textContent") == "RSI":
            break
    field = tab.ask("document.activeElement.id")
    was = float(tab.ask("document.activeElement.value"))
    type_in(tab, f"#{field}", "91.5")
    tab.press("Enter", **ENTER)
    until(tab, "document.querySelector('#answer-box .call') !== null")
    assert tab.ask(f"document.querySelector('#{field}').value") == "91.5"
    answered = tab.ask("document.querySelector('#answer-box').innerText")
    key = tab.ask("new URLSearchParams(location.search).get('answer')")
    with urlopen(f"{house}/api/answers/{key}") as response:
        told = json.load(response)
    document = told.get("document", told)
    assert document["answer"]["direction"] in answered
    assert document["distance"]["text"] in answered
    assert document["edited"]["rsi"]["is"] == 91.5
    assert document["edited"]["rsi"]["was"] == pytest.approx(was, rel=1e-4)
    assert tab.ask("document.querySelectorAll('#answer-box .bars li').length") == 5
    columns = tab.ask("document.querySelectorAll('#answer-box .columns rect').length")
    assert columns == len(document["looked_at"]["bars"])
    assert tab.ask("document.activeElement.id") == "answer"
    assert tab.ask(PROBLEMS) == []
    quiet(tab, house)


def test_a_word_in_a_field_of_numbers_is_refused_beside_the_field_and_kept(
    tab: Page, house: str
) -> None:
    tab.visit(house + "/forecast/_settings/BTC-USD", width=390)
    until(tab, "document.querySelector('#field-1') !== null")
    type_in(tab, "#field-2", "<script>alert(1)</script>")
    tab.events.clear()
    tab.press("Enter", **ENTER)
    tab.wait_for_load()
    assert tab.ask("document.querySelector('#field-2').value") == "<script>alert(1)</script>"
    assert tab.ask("document.querySelector('#field-2').ariaInvalid") == "true"
    assert tab.ask("document.querySelector('#error-2').textContent.length") > 10
    assert tab.ask("document.querySelectorAll('.error').length") == 1
    assert tab.ask("document.activeElement.id") == "field-2"
    assert tab.ask(PROBLEMS) == []


def test_the_pages_are_walked_by_keys_alone(tab: Page, house: str) -> None:
    tab.visit(house + "/", width=1280)
    for name in ("Forecast", "Runs", "Audits", "Data"):
        for _ in range(12):
            tab.tabulate()
            if tab.ask("document.activeElement.textContent.trim()") == name:
                break
        tab.events.clear()
        tab.press("Enter", **ENTER)
        tab.wait_for_load()
        until(tab, f"document.querySelector('nav [aria-current]').textContent.trim() === '{name}'")
    quiet(tab, house)


def test_who_has_no_token_sees_a_form_and_who_has_it_everything_until_signing_out(
    tab: Page, there: World
) -> None:
    with serving(there, CRYPTOBT_SERVE_TOKEN=TOKEN) as house:
        tab.visit(house + "/runs", width=390)
        assert tab.ask("document.querySelector('h1').textContent") == "Sign in"
        assert tab.ask(PROBLEMS) == []
        for given in ("not-the-token-at-all", TOKEN):
            type_in(tab, "#token", given)
            tab.events.clear()
            tab.press("Enter", **ENTER)
            tab.wait_for_load()
            if given != TOKEN:
                assert tab.ask("document.querySelector('[role=alert]') !== null")
                time.sleep(3)
        until(tab, "document.querySelector('h1').textContent === 'Runs'")
        assert "document.cookie" not in said(tab)
        assert tab.ask("document.cookie") == ""
        click(tab, "document.querySelector('footer button')")
        tab.visit(house + "/runs", width=390)
        assert tab.ask("document.querySelector('h1').textContent") == "Sign in"
