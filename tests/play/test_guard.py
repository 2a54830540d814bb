import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from playworld.play.guard import Guard

from .conftest import SOCKET, make_client


def ask(listens_at: str = "127.0.0.1", names: tuple[str, ...] = (), **headers: str) -> int:
    guard = Guard(PlainTextResponse("in"), listens_at, names)
    return TestClient(guard).get("/", headers=headers).status_code


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


def test_a_websocket_of_a_foreign_page_is_refused(client):
    headers = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass


def test_refusals_are_counted_of_pages_and_of_websockets(client):
    client.get("/", headers={"host": "evil.example"})
    headers = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass
    assert 'playworld_requests_refused_total{status="403"} 2' in client.get("/metrics").text


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


def test_a_refusal_says_nothing_about_the_server(random_world):
    with make_client(random_world) as client:
        answer = client.get("/", headers={"host": "evil.example"})
    assert answer.json() == {"detail": "This server does not answer under this address."}
