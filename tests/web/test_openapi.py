"""The OpenAPI document, and the application held to it by requests that nobody thought of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from cryptobt.core.settings import load_settings
from cryptobt.web.application import create_app
from cryptobt.web.house import House
from cryptobt.web.openapi import ENDPOINTS, document

from .world import Here, World

PATHS = [(one.path, one.method) for one in ENDPOINTS]
FEW = [("/api/runs", "GET"), ("/api/accounts/{name}", "GET"),
       ("/api/forecasts/{source}/{symbol}/what-if", "POST")]  # fmt: skip
KNOWN = {"name": ["one"], "run_id": ["aaaa0001", "bbbb0002"], "source": ["one"],
         "symbol": ["BTC-USD"]}  # fmt: skip
"""Values of parameters behind which there is something: chance would never find them."""


def asked_of(app: Flask, path: str, method: str, examples: int) -> None:
    """Send requests that the document allows, and that it does not, and check every answer."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    schema.config.generation.update(modes=list(GenerationMode))
    operation = schema[path][method]

    @settings(max_examples=examples, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(), data=st.data())
    def hold(case: Any, data: st.DataObject) -> None:
        if case.meta is None or case.meta.generation.mode.is_positive:
            for name, values in KNOWN.items():
                if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                    case.path_parameters[name] = data.draw(st.sampled_from(values))
        case.call_and_validate()

    hold()


@pytest.fixture
def app(home: World, made_app: Flask) -> Flask:
    return made_app


def test_the_document_names_every_address_of_the_api(app: Flask) -> None:
    routes = {
        str(rule).replace("<path:", "{").replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/")
    }
    assert routes == {one.path for one in ENDPOINTS} | {"/api/openapi.json"}


def test_a_token_is_named_where_it_is_asked_for() -> None:
    assert "security" not in document(token=False)
    told = document(token=True)
    assert told["security"] == [{"token": []}]
    assert told["paths"]["/api/health"]["get"]["security"] == []
    assert told["openapi"].startswith("3.1")


def test_every_reference_leads_to_a_model() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if "$ref" in part:
                yield part["$ref"].rpartition("/")[2]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    told = document(token=True)
    assert set(references(told)) <= set(told["components"]["schemas"])


def test_the_page_shows_a_command_for_every_address(home: World, made_app: Flask) -> None:
    text = made_app.test_client().get("/api").text
    assert all(one.path in text for one in ENDPOINTS)
    assert text.count("curl") >= len(ENDPOINTS)


@pytest.mark.parametrize(("path", "method"), FEW)
def test_answers_are_as_documented(app: Flask, path: str, method: str) -> None:
    asked_of(app, path, method, 6)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), PATHS)
def test_answers_are_as_documented_long(app: Flask, path: str, method: str) -> None:
    asked_of(app, path, method, 400)


@pytest.fixture(scope="module")
def forecasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A house with no account and settings whose forecaster learns: its form has fields."""
    folder: Path = tmp_path_factory.mktemp("forecasting")
    chosen = load_settings(
        None,
        [],
        {
            "data.source": "sample", "data.symbols": ["BTC-USD"], "data.end": "2017-06-01",
            "forecaster.name": "linear", "features.set": "ath5",
        },
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(folder / "home"))
        yield create_app(House(folder / "runs", chosen, desk=Here))


@pytest.mark.slow
def test_the_form_of_a_forecaster_that_learns_is_answered(forecasting: Flask) -> None:
    client = forecasting.test_client()
    path = "/api/forecasts/_settings/BTC-USD"
    told = client.get(path).get_json()
    assert (told["state"], told["form"]["state"]) == ("ready", "ready"), told["problem"]
    names = [field["name"] for field in told["form"]["fields"]]
    plain = client.post(f"{path}/what-if", json={"edits": {}}).get_json()["document"]
    (forecast,) = [one for one in told["document"]["forecasts"] if one["forecaster"] == "linear"]
    assert plain["answer"]["score"] == plain["before"]["score"] == forecast["score"]
    field = told["form"]["fields"][1]
    edited = client.post(f"{path}/what-if", json={"edits": {names[1]: field["high"]}}).get_json()
    assert edited["document"]["edited"][names[1]]["is"] == pytest.approx(field["high"])
    for wrong in ({"nothing": 1.0}, {names[0]: 1e308}, {names[0]: -1.0}):
        answer = client.post(f"{path}/what-if", json={"edits": wrong})
        assert answer.status_code in (200, 422), wrong
        assert answer.status_code == 422 or "nothing" not in wrong
    asked_of(forecasting, "/api/forecasts/{source}/{symbol}/what-if", "POST", 200)


@pytest.mark.slow
def test_the_form_is_sent_and_answered_as_a_browser_does(forecasting: Flask) -> None:
    client = forecasting.test_client()
    path = "/forecast/_settings/BTC-USD"
    client.get(path)
    with client.session_transaction() as session:
        secret = session["csrf"]
    form = client.get("/api/forecasts/_settings/BTC-USD").get_json()["form"]
    typed = {f"field:{field['name']}": field["value"] for field in form["fields"]}
    sent = client.post(path, data=typed | {"csrf": secret})
    assert sent.status_code == 303
    page = client.get(sent.headers["Location"])
    assert page.status_code == 200
    assert any(word in page.text for word in ("UP", "DOWN", "No call"))
    first = form["fields"][1]["name"]
    for wrong in ("NaN", "1e308x", "a lot", "", "inf"):
        answer = client.post(path, data=typed | {"csrf": secret, f"field:{first}": wrong})
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.text
        assert f'value="{wrong}"' in answer.text
