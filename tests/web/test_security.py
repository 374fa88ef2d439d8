"""Who is let in, from where, and under what name; what every answer forbids a browser."""

import re
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cryptobt.core.errors import UsageError
from cryptobt.web.forms import local
from cryptobt.web.security import Access, Patience
from cryptobt.web.serve import Address, check_access, checked_names

from .world import TOKEN, World

BEARER = {"Authorization": f"Bearer {TOKEN}"}
CLOSED = ["/", "/accounts/one", "/accounts/one/tearsheet", "/runs", "/runs/aaaa0001",
          "/runs/aaaa0001/run.json", "/runs/compare", "/forecast", "/forecast/one/BTC-USD", "/data",
          "/audits", "/api", "/api/overview", "/api/accounts", "/api/openapi.json", "/nothing",
          "/api/nothing"]  # fmt: skip


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def guarded(home: World) -> FlaskClient:
    return home.client(TOKEN)


def csrf(client: FlaskClient, path: str = "/signin") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def sign_in(client: FlaskClient, token: str = TOKEN, **more: str) -> TestResponse:
    form = {"token": token, "csrf": csrf(client), "next": ""} | more
    return client.post("/signin", data=form)


@pytest.mark.parametrize("path", CLOSED)
def test_with_a_token_every_page_asks_for_it(guarded: FlaskClient, path: str) -> None:
    answer = guarded.get(path)
    if path.startswith("/api/"):
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    else:
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/signin")


def test_what_is_open_without_the_token_tells_nothing_of_an_account(guarded: FlaskClient) -> None:
    for path in ("/health", "/api/health", "/static/page.css", "/signin"):
        answer = guarded.get(path)
        assert answer.status_code == 200
        assert "BTC-USD" not in answer.text
        assert "/accounts/one" not in answer.text


def test_the_token_opens_a_session_whose_cookie_scripts_cannot_read(guarded: FlaskClient) -> None:
    answer = sign_in(guarded, next="/runs?text=a")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/runs?text=a")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert guarded.get("/accounts/one").status_code == 200
    assert guarded.get("/api/overview").status_code == 200


def test_behind_tls_the_cookie_is_secure(home: World) -> None:
    client = home.app(TOKEN).test_client()
    base = "https://localhost"
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/signin", base_url=base).text)
    assert found is not None
    form = {"token": TOKEN, "csrf": found[1]}
    answer = client.post("/signin", data=form, base_url=base)
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


def test_signing_out_ends_the_session(guarded: FlaskClient) -> None:
    sign_in(guarded)
    secret = csrf(guarded, "/")
    assert guarded.post("/signout", data={"csrf": "other"}).status_code == 403
    assert guarded.get("/").status_code == 200
    assert guarded.post("/signout", data={"csrf": secret}).status_code == 303
    assert guarded.get("/").status_code == 303


def test_a_copy_of_the_cookie_ends_with_the_session_it_was_taken_from(home: World) -> None:
    app = home.app(TOKEN)
    mine, thief, other = (app.test_client() for _ in range(3))
    sign_in(mine)
    sign_in(other)
    cookie = mine.get_cookie("cryptobt")
    assert cookie is not None
    thief.set_cookie("cryptobt", cookie.value)
    assert thief.get("/").status_code == 200
    mine.post("/signout", data={"csrf": csrf(mine, "/")})
    assert thief.get("/").status_code == 303
    assert other.get("/").status_code == 200


def test_a_cookie_of_another_process_opens_nothing(home: World) -> None:
    first, second = home.client(TOKEN), home.client(TOKEN)
    sign_in(first)
    cookie = first.get_cookie("cryptobt")
    assert cookie is not None
    second.set_cookie("cryptobt", cookie.value)
    assert second.get("/").status_code == 303


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 20])
def test_another_token_opens_nothing(guarded: FlaskClient, token: str) -> None:
    assert sign_in(guarded, token).status_code == 403
    assert guarded.get("/").status_code == 303
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    assert guarded.get("/api/overview", headers=headers).status_code == 401


def test_a_bearer_opens_the_api(guarded: FlaskClient) -> None:
    assert guarded.get("/api/overview", headers=BEARER).status_code == 200
    basic = {"Authorization": f"Basic {TOKEN}"}
    assert guarded.get("/api/overview", headers=basic).status_code == 401


def test_wrong_tokens_are_slowed_down_by_address_and_the_right_one_too(home: World) -> None:
    client = home.client(TOKEN)
    for _ in range(4):
        assert sign_in(client, "wrong").status_code == 403
    assert sign_in(client, "wrong").status_code == 429
    # who guesses does not learn whether this was the one
    assert sign_in(client).status_code == 429
    refused = client.get("/api/overview", headers=BEARER)
    page = sign_in(client)
    for answer in (refused, page):
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] in ("1", "2")
    assert page.text.count("Try again in") == 1
    other = {"REMOTE_ADDR": "10.0.0.9"}
    assert client.get("/api/overview", headers=BEARER, environ_base=other).status_code == 200


def test_the_wait_doubles_up_to_five_minutes_and_ends() -> None:
    clock = Clock()
    patience = Patience(clock)
    waits = []
    for _ in range(14):
        patience.failed("a")
        waits.append(patience.seconds_left("a"))
        clock.seconds += 301
    assert waits == [0, 0, 0, 0, 3, 5, 9, 17, 33, 65, 129, 257, 301, 301]
    assert patience.seconds_left("a") == 0
    patience.passed("a")
    patience.failed("a")
    assert patience.seconds_left("a") == 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8017", 200), ("127.0.0.1:8017", 200), ("[::1]:8017", 200),
        ("LOCALHOST.", 200), ("home.example", 200), ("evil.example", 421),
        ("localhost.evil.example", 421), ("10.0.0.1", 421), ("127.0.0.1.evil.example", 421),
        ("", 421), ("[::1", 421), ("localhost@evil.example", 421), ("evil.example:localhost", 421),
        ("user@localhost", 421), ("localhost/x", 421), ("localhost:8017x", 421),
        ("evil.example\\@localhost", 421), ("localhost, evil.example", 421),
    ],
)  # fmt: skip
def test_the_server_answers_under_its_own_names_alone(
    home: World, host: str, status: int
) -> None:  # fmt: skip
    client = home.client(names=("home.example",))
    for path in ("/api/health", "/"):
        assert client.get(path, headers={"Host": host}).status_code == status


def test_bound_to_every_address_it_answers_to_addresses_but_to_no_other_name() -> None:
    access = Access("0.0.0.0", token=TOKEN)
    assert access.knows("192.168.1.5:8017")
    assert not access.knows("evil.example")
    assert not Access("127.0.0.1").knows("192.168.1.5")
    assert Access("home.example").knows("home.example:8017")
    assert not Access("home.example").knows("192.168.1.5")


def test_an_address_that_is_open_to_others_needs_a_token_of_some_length() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_access(host, "")
    for host in ("0.0.0.0", "::", "192.168.1.5", "home.example"):
        with pytest.raises(UsageError, match="CRYPTOBT_SERVE_TOKEN"):
            check_access(host, "")
        check_access(host, TOKEN)
        with pytest.raises(UsageError, match="has 15 letters; expected 16"):
            check_access(host, "x" * 15)
        with pytest.raises(UsageError, match="has letters that a header cannot carry"):
            check_access(host, "é" * 16)


@pytest.mark.parametrize("name", ["http://a.example/", "a.example/", "", "a b", "a@b", "ü.example"])
def test_what_is_no_host_name_is_refused_rather_than_never_met(name: str) -> None:
    with pytest.raises(UsageError, match="is no host name"):
        checked_names(Address(names=("trader.example", name)))


@pytest.mark.parametrize("proxy", ["*", "localhost", "127.0.0.1:80", "10.0.0.0/8"])
def test_only_an_address_is_believed_as_a_proxy(proxy: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        checked_names(Address(proxy=proxy))


def test_a_name_may_be_given_as_the_browser_shows_it() -> None:
    given = Address(names=("Trader.example:8017", "trader.local."), proxy="::1")
    assert checked_names(given) == ("trader.example", "trader.local")


def test_the_token_does_not_show_where_an_access_is_printed() -> None:
    assert TOKEN not in repr(Access(token=TOKEN))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://["},
        {"Origin": "localhost"},
        {"Origin": ""},
    ],
)
def test_a_form_from_another_site_is_refused_with_its_secret_too(
    home: World, headers: dict[str, str]
) -> None:
    client = home.client(TOKEN)
    form = {"token": TOKEN, "csrf": csrf(client)}
    assert client.post("/signin", data=form, headers=headers).status_code == 403
    assert (
        client.post("/signin", data=form, headers={"Origin": "http://localhost"}).status_code == 303
    )


def test_a_form_without_its_secret_is_refused(home: World, client: FlaskClient) -> None:
    for form in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "é"}):
        answer = client.post("/forecast/one/BTC-USD", data=form | {"field:RSI": "5"})
        assert answer.status_code == 403, form
        assert "load the page again" in answer.text
    assert home.client(TOKEN).post("/signin", data={"token": TOKEN}).status_code == 403


def test_another_site_may_link_here_but_not_read_or_embed(client: FlaskClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    for mode in ("no-cors", "cors"):
        read = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert client.get("/api/overview", headers=read).status_code == 403


@pytest.mark.parametrize("path", ["/", "/accounts/one", "/nothing", "/api/overview", "/api/nothing",
                                  "/static/page.css", "/signin", "/accounts/none"])  # fmt: skip
def test_every_answer_forbids_what_no_page_of_ours_does(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("/runs?text=a", True), ("", False), ("//evil.example", False), ("/\\evil.example", False),
        ("https://evil.example", False), ("javascript:alert(1)", False), ("/\n/evil", False),
        ("\\\\evil.example", False), ("evil", False), ("/%0d%0aSet-Cookie: a", True),
        ("//[", False), ("/\\[", False), ("http://[", False),
    ],
)  # fmt: skip
def test_after_signing_in_one_goes_on_within_this_server(address: str, own: bool) -> None:
    assert local(address) == (address if own else "")
