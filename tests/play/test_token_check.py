"""The token: who has it comes in, by header or by the form; nobody else does."""

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from playworld.config import InputError
from playworld.play import PlayOptions
from playworld.play.token_check import TRIES_AT_ONCE

from .conftest import SOCKET, make_client
from .test_conversation import join

TOKEN = "open-sesame-42"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(random_world):
    with make_client(random_world, token=TOKEN) as client:
        yield client


def log_in(client: TestClient, token: str, **headers: str):
    return client.post("/", data={"token": token}, headers=headers, follow_redirects=False)


def test_without_the_token_there_are_only_health_checks_and_files_of_the_page(client):
    for path in ("/healthz", "/readyz", "/page/style.css"):
        assert client.get(path).status_code == 200
    for path in ("/", "/api/v1/world", "/api/v1/worlds", "/api/v1/prompts/0", "/metrics", "/x"):
        assert client.get(path).status_code == 401, path
    assert client.post("/api/v1/picture").status_code == 401
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(SOCKET):
        pass
    assert refused.value.status_code == 401
    assert (
        'refused_total{reason="token",status="401"}' in client.get("/metrics", headers=BEARER).text
    )


def test_a_program_sends_the_token_in_a_header(client):
    assert client.get("/api/v1/world", headers=BEARER).status_code == 200
    with client.websocket_connect(SOCKET, headers=BEARER) as socket:
        assert join(socket)
    for wrong in ("Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer", f"Bearer {TOKEN}x"):
        assert client.get("/api/v1/world", headers={"authorization": wrong}).status_code == 401


def test_a_browser_gives_the_token_to_a_form_and_gets_a_cookie_that_is_not_the_token(client):
    form = client.get("/")
    assert 'type="password"' in form.text and form.headers["referrer-policy"] == "same-origin"
    answer = log_in(client, TOKEN)
    cookie = answer.headers["set-cookie"]
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    assert "HttpOnly; SameSite=Strict" in cookie and "Path=/;" in cookie
    assert "Secure" not in cookie and TOKEN not in cookie
    assert "<canvas" in client.get("/").text
    with client.websocket_connect(SOCKET) as socket:
        assert join(socket)


def test_a_wrong_token_asks_again_and_says_so(client):
    answer = log_in(client, "something-else")
    assert answer.status_code == 401 and "not the token" in answer.text
    assert "set-cookie" not in answer.headers and client.get("/").status_code == 401


def test_after_many_wrong_tokens_none_is_looked_at_for_a_while(client):
    codes = [log_in(client, f"guess-number-{n}").status_code for n in range(TRIES_AT_ONCE + 5)]
    assert codes[:TRIES_AT_ONCE] == [401] * TRIES_AT_ONCE and codes[-1] == 429
    assert log_in(client, TOKEN).status_code == 429


def test_a_form_of_any_size_gets_an_answer(random_world):
    with make_client(random_world, token=TOKEN, max_upload_mb=0.001) as client:
        for size in (0, 900, 2_000, 100_000):
            assert log_in(client, "x" * size).status_code == 401


def test_no_other_page_can_send_the_form(client):
    assert log_in(client, TOKEN, origin="http://evil.example").status_code == 403


def test_a_cookie_of_another_token_is_worthless(client, random_world):
    log_in(client, TOKEN)
    name, value = next(iter(client.cookies.items()))
    with make_client(random_world, token="another-secret") as other:
        for cookie in (f"{name}={value}", f"{name}=", "a=b; c", f"playworld={TOKEN}"):
            assert other.get("/api/v1/world", headers={"cookie": cookie}).status_code == 401


def test_the_token_comes_from_a_file_and_is_shown_nowhere(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert PlayOptions(token_file=file).secret() == TOKEN
    assert TOKEN not in repr(PlayOptions(token=TOKEN))
    file.write_text("short")
    with pytest.raises(InputError, match="8 to 512") as refused:
        PlayOptions(token_file=file).secret()
    assert "short" not in str(refused.value)
    with pytest.raises(InputError, match="cannot read the token"):
        PlayOptions(token_file=tmp_path / "none").secret()
    with pytest.raises(ValueError, match="not both"):
        PlayOptions(token=TOKEN, token_file=file)
