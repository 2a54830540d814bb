import asyncio
import time

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from playworld.play.origin_check import OriginCheck
from playworld.play.request_rate import AT_ONCE, RateLimiter

from .conftest import SOCKET, make_client


def ask(listens_at: str = "127.0.0.1", names: tuple[str, ...] = (), **headers: str) -> int:
    check = OriginCheck(PlainTextResponse("in"), listens_at, names)
    return TestClient(check).get("/", headers=headers).status_code


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_this_machine_is_welcome_under_all_its_names(host):
    assert ask(host=host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "10.0.0.5:8000", "", "localhost:x", "a@localhost"],
)
def test_a_foreign_host_is_refused(host):
    assert ask(host=host) == 403


def test_a_name_can_be_allowed():
    assert ask(names=("Play.Example",), host="play.example:80") == 200


@pytest.mark.parametrize(
    ("host", "status"), [("192.168.1.5:8000", 200), ("[fe80::1]:8000", 200), ("evil.example", 403)]
)
def test_a_server_that_listens_everywhere_answers_to_addresses_but_not_to_names(host, status):
    assert ask("0.0.0.0", host=host) == status


@pytest.mark.parametrize("origin", ["http://localhost:8000", "https://localhost:8000"])
def test_the_page_itself_is_a_welcome_origin(origin):
    assert ask(host="localhost:8000", origin=origin) == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:9000", "http://127.0.0.1:8000", "null"]
)
def test_a_foreign_origin_is_refused(origin):
    assert ask(host="localhost:8000", origin=origin) == 403


def test_the_files_of_the_page_load_under_any_origin_so_that_it_can_say_what_is_wrong(client):
    headers = {"origin": "http://evil.example"}
    assert client.get("/page/play.js", headers=headers).status_code == 200
    assert client.post("/page/play.js", headers=headers).status_code == 403
    assert client.get("/api/v1/world", headers=headers).status_code == 403


def test_a_websocket_of_a_foreign_page_is_refused(client):
    headers = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass


def test_refusals_are_counted_of_pages_and_of_websockets(client):
    client.get("/", headers={"host": "evil.example"})
    headers = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass
    text = client.get("/metrics").text
    for header in ("host", "origin"):
        assert f'requests_refused_total{{reason="{header}",status="403"}} 1' in text


def test_a_websocket_to_a_foreign_name_is_refused(client):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://evil.example/api/v1/socket"),
    ):
        pass


@pytest.mark.parametrize("path", ["/", "/page/play.js", "/api/v1/world", "/nowhere"])
def test_every_answer_forbids_what_the_page_does_not_need(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


ALLOWED = ("play.example.com",)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("play.example.com", "https://play.example.com"),
        ("play.example.com:443", "https://play.example.com"),
        ("play.example.com", "https://play.example.com:8443"),
        ("play.example.com:8443", "https://play.example.com:8443"),
        ("127.0.0.1:8000", "https://play.example.com"),
        ("PLAY.example.com.", "https://Play.Example.com"),
    ],
)
def test_an_allowed_name_works_behind_a_proxy_whatever_it_makes_of_host_and_port(host, origin):
    assert ask(names=ALLOWED, host=host, origin=origin) == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("play.example.com", "https://evil.example.com"),
        ("localhost:8000", "https://abc-8000.app.example"),
        ("localhost:8000", "http://localhost:8443"),
        ("play.example.com", "ftp://play.example.com"),
        ("play.example.com", "https://play.example.com@evil.example"),
        ("play.example.com", "https://play.example.com.evil.example"),
        ("play.example.com", ""),
    ],
)
def test_no_other_page_comes_in_with_an_allowed_name(host, origin):
    assert ask(names=ALLOWED, host=host, origin=origin) == 403


def test_a_forwarded_name_is_not_believed():
    headers = {
        "host": "evil.example",
        "x-forwarded-host": "localhost",
        "forwarded": "host=localhost",
    }
    check = OriginCheck(PlainTextResponse("in"), "127.0.0.1", ())
    assert TestClient(check).get("/", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_may_ask_for_health_by_address(client, path):
    assert client.get(path, headers={"host": "10.0.0.5:8000"}).status_code == 200
    assert client.get(path, headers={"origin": "http://evil.example"}).status_code == 403


def test_a_refusal_says_what_came_what_was_expected_and_what_to_do(random_world):
    with make_client(random_world) as client:
        host = client.get("/", headers={"host": "play.example"}).json()
        origin = client.post("/api/v1/welcome", headers={"origin": "https://a.example:1"}).json()
    assert host["detail"] == (
        "The server refused this request: its Host is 'play.example', expected is localhost or a "
        "name that was allowed. If that name is yours, start the server with --allow-hosts "
        "play.example."
    )
    assert (origin["received"], origin["expected"], origin["option"]) == (
        "https://a.example:1",
        "http://127.0.0.1, as in its Host",
        "--allow-hosts a.example",
    )


def test_a_websocket_is_refused_in_the_same_words(client):
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(SOCKET, headers={"origin": "http://evil.example"}),
    ):
        pass
    assert refused.value.status_code == 403 and "evil.example" in refused.value.json()["detail"]


def test_each_refused_value_is_logged_once_printable_and_cut(caplog):
    client = TestClient(OriginCheck(PlainTextResponse("in"), "127.0.0.1", ()))
    for host in (b"evil.example", b"evil.example", b"\xff\x1b[31m" + 1000 * b"x"):
        client.get("/", headers={"host": host})
    assert len(caplog.messages) == 2 and "--allow-hosts evil.example" in caplog.messages[0]
    assert "\x1b" not in caplog.text and max(map(len, caplog.messages)) < 300


def test_a_scanner_cannot_fill_the_log(caplog):
    client = TestClient(OriginCheck(PlainTextResponse("in"), "127.0.0.1", ()))
    for number in range(110):
        client.get("/", headers={"host": f"{number}.example"})
    assert len(caplog.messages) == 101


@pytest.mark.parametrize("path", ["/", "/healthz", "/page/play.js", "/api/v1/prompts/0"])
def test_head_is_answered_wherever_get_is(client, path):
    asked, got = client.head(path), client.get(path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/", {"GET", "HEAD", "OPTIONS"}), ("/api/v1/picture", {"POST", "OPTIONS"})],
)
def test_options_are_said(client, path, methods):
    answer = client.options(path)
    assert answer.status_code == 204 and methods <= set(answer.headers["allow"].split(", "))


def test_what_is_not_there_is_said_in_a_sentence(client):
    assert client.get("/nowhere").json() == {"detail": "There is nothing under this address."}
    assert client.post("/").json() == {"detail": "This address is not asked in this way."}


def test_who_asks_too_often_waits_and_nobody_else_does():
    async def ask_often() -> tuple[float, float]:
        limiter = RateLimiter()
        began = time.monotonic()
        await asyncio.gather(*(limiter.turn("192.0.2.1") for _ in range(AT_ONCE + 20)))
        slow = time.monotonic() - began
        await limiter.turn("192.0.2.2")
        return slow, time.monotonic() - began - slow

    slow, other = asyncio.run(ask_often())
    assert 0.09 < slow < 5 and other < 0.05
