"""Every page, in every state: whole, escaped, named for those who hear it, true to its policy."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask

from cryptobt.web.assets import asset

from .render import app, render, rendered
from .views import HOSTILE, every, poisoned

VIEWS = sorted(every())
_VOID = {"meta", "link", "input", "br", "hr", "img"}


class Read(HTMLParser):
    """Elements of a page in their order, and what is not closed as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.unclosed: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(f"{tag} at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def made() -> Iterator[Flask]:
    made = app()
    with made.test_request_context():
        yield made


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_closes_what_it_opens_and_keeps_its_policy(made: Flask, name: str) -> None:
    page = Read(rendered(name))
    assert (page.unclosed, page.open) == ([], [])
    for tag, attributes in page.elements:
        forbidden = [key for key in attributes if key == "style" or key.startswith("on")]
        assert not forbidden, (tag, attributes)
    assert not page.all("style")
    runs = [one for one in page.all("script") if one.get("type") != "application/json"]
    assert [one["src"] for one in runs] == ["/static/page.js"]


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_has_one_heading_a_way_past_the_links_and_says_it_is_no_advice(
    made: Flask, name: str
) -> None:
    page = Read(rendered(name))
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    assert "This is not financial advice." in page.text
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", VIEWS)
def test_no_text_of_a_file_becomes_markup(made: Flask, name: str) -> None:
    template, view = every()[name]
    calm, hostile = Read(render(template, view)), Read(render(template, poisoned(view)))
    assert HOSTILE not in (text := render(template, poisoned(view)))
    assert "<script>alert" not in text
    assert [tag for tag, _ in hostile.elements if tag == "script"] == [
        tag for tag, _ in calm.elements if tag == "script"
    ]
    assert not [key for _, one in hostile.elements for key in one if key.startswith("on")]


@pytest.mark.parametrize("name", VIEWS)
def test_a_form_that_changes_something_carries_its_token(made: Flask, name: str) -> None:
    text = rendered(name, token=True, signed_in=True)
    forms = re.findall(r'<form method="post".*?</form>', text, re.DOTALL)
    assert forms
    assert all('name="csrf" value="c"' in form for form in forms)


def test_a_page_that_asks_for_the_token_shows_nothing_of_the_house(made: Flask) -> None:
    page = Read(rendered("signin"))
    assert not page.all("nav")
    assert {one.get("href") for one in page.all("a")} == {"#main", "/overview"}


def test_alarms_stand_before_everything_else_with_what_to_type(made: Flask) -> None:
    text = Read(rendered("overview")).text
    assert text.index("No: 1 alarm") < text.index("Paper accounts")
    assert "cryptobt paper run forgotten" in text


def test_an_account_says_what_it_holds_and_what_the_next_open_brings(made: Flask) -> None:
    text = " ".join(Read(rendered("account")).text.split())
    assert "SELL 0.0353297 BTC-USD" in text
    assert "9,220.70 USD −7.8% since its start" in text
    assert "The next bar closes in 21 h" in text
    assert "Nothing: no order waits." in Read(rendered("account-idle")).text


def test_an_account_that_is_damaged_is_still_a_page(made: Flask) -> None:
    text = Read(rendered("account-bad")).text
    assert "No: this account cannot be shown" in text
    assert "The replay differs from what was recorded." in text


def test_an_empty_house_says_what_to_type(made: Flask) -> None:
    assert "cryptobt backtest --strategy attn_signal --source sample" in rendered("overview-empty")
    assert "cryptobt paper init btc" in rendered("forecasts-none")
    assert "cryptobt data sync" in rendered("data-none")
    assert "cryptobt audit leakage" in rendered("audits-none")


def test_a_field_that_was_refused_keeps_its_value_and_says_why_beside_it(made: Flask) -> None:
    page = Read(rendered("forecast-refused"))
    wrong = [one for one in page.all("input") if one.get("aria-invalid")]
    assert [(one["name"], one["value"]) for one in wrong] == [("field:RSI", "many")]
    assert "error-2" in wrong[0]["aria-describedby"].split()
    assert "'many' is not a number" in page.text


def test_the_answer_is_said_in_words_and_beside_the_forecast_without_the_change(
    made: Flask,
) -> None:
    text = " ".join(Read(rendered("forecast-answered")).text.split())
    assert "UP 64,127.80" in text
    assert "Direction UP DOWN" in text
    assert "Farther than 99.7 % of the training rows" in text
    assert "Changed: RSI from 48.25 to 88." in text


def test_what_is_being_made_is_looked_for_again(made: Flask) -> None:
    for name in ("account-waits", "forecast-waits", "pending"):
        assert re.search(r'<meta http-equiv="refresh" content="[23]">', rendered(name))
    assert "http-equiv" not in rendered("account")


def test_a_simulated_market_is_said_across_the_page(made: Flask) -> None:
    assert "SIMULATED MARKET" in rendered("account-idle")
    assert "SIMULATED MARKET" not in rendered("account")


def test_every_class_that_a_figure_uses_is_in_the_style_sheet(made: Flask) -> None:
    style = asset("page.css")
    assert style is not None
    text = style.content.decode()
    said = " ".join(re.findall(r'class="([^"]+)"', rendered("account") + rendered("compare")))
    used = set(re.findall(r"\b(?:high|left|shade|fill)-[\w-]+", said))
    assert {"high-260", "high-110", "left-58", "high-300", "shade-blue", "fill-orange"} <= used
    assert not {one for one in used if f".{one}" not in text}


def test_nothing_of_the_style_or_the_script_asks_another_host() -> None:
    for name in ("page.css", "page.js", "icon.svg"):
        found = asset(name)
        assert found is not None
        text = found.content.decode()
        assert not re.search(r"(?:url\(|import|src=|href=)\W*(?:https?:)?//", text)


def test_only_files_that_are_named_are_served() -> None:
    assert asset("../filters.py") is None
    assert asset("serve.css") is None
