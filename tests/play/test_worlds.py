"""Several worlds behind one address."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from starlette.testclient import TestClient

from playworld.play import PlayOptions, create_app
from playworld.play.logs import Asked, JsonLines, Lines, asked
from playworld.play.world_list import about_line

from .conftest import make_world
from .test_conversation import ask, close_code, join


@pytest.fixture(scope="module")
def worlds(random_world):
    """The same world twice, under names of their own."""
    other = make_world()
    return [random_world, other]


@pytest.fixture
def client(worlds):
    app = create_app(worlds, PlayOptions(max_players=1), ["http://192.0.2.7:8000/"])
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def socket(client, name: str):
    return client.websocket_connect(f"ws://127.0.0.1/w/{name}/api/v1/socket")


def test_the_page_names_each_world_with_its_picture_and_buttons(client):
    page = client.get("/").text
    for name in ("tiny", "tiny-2"):
        assert f'href="w/{name}/"' in page and f'src="w/{name}/api/v1/prompts/0"' in page
        assert client.get(f"/w/{name}/api/v1/prompts/0").headers["content-type"] == "image/png"
    assert page.count("</span>jump</li>") == 2


def test_programs_find_the_worlds_in_a_list(client):
    first, second = client.get("/api/v1/worlds").json()["worlds"]
    assert (first["path"], second["path"]) == ("/w/tiny/", "/w/tiny-2/")
    about = client.get(second["path"] + "api/v1/world").json()
    assert (about["name"], about["addresses"]) == ("tiny", ["http://192.0.2.7:8000/w/tiny-2/"])
    assert client.get(about["prompts"][1]["url"]).status_code == 200


def test_an_address_without_its_last_slash_leads_to_the_world(client):
    assert "<title>Playworld</title>" in client.get("/w/tiny").text
    assert client.get("/w/no-such-world/").status_code == 404


def test_each_world_has_games_and_limits_of_its_own(client):
    with socket(client, "tiny") as one, socket(client, "tiny-2") as other:
        session = join(one)
        join(other)
        ask(one, "start", 1, pictures=["prompt:0"])
        with socket(client, "tiny") as third:
            third.send_json({"type": "join"})
            assert close_code(third) == 4503
        headers = {"x-playworld-session": session}
        assert client.get("/w/tiny/api/v1/timeline", headers=headers).status_code == 200
        assert client.get("/w/tiny-2/api/v1/timeline", headers=headers).status_code == 404
        metrics = client.get("/metrics").text
    assert 'playworld_sessions{world="tiny"} 1' in metrics
    assert 'playworld_sockets_closed_total{world="tiny",code="4503"} 1' in metrics


def test_one_world_lies_at_the_root_and_is_listed_too(random_world):
    client = TestClient(create_app(random_world, PlayOptions()), base_url="http://127.0.0.1")
    assert [world["path"] for world in client.get("/api/v1/worlds").json()["worlds"]] == ["/"]
    assert "<title>Playworld</title>" in client.get("/").text


def test_the_line_about_a_world_is_the_first_sentence_of_its_card():
    card = "---\nlicense: x\n---\n\n# T\n\nMade with [P](https://p) on 1.\n\n| a |\n|---|\n\n"
    sentence = "It [saw](https://x) **one** game (`playworld record`) of Cobbe et al. 2020."
    assert about_line(f"{card}{sentence} More.") == "It saw one game of Cobbe et al. 2020."
    assert about_line(card) == about_line("") == about_line("```sh\nx\n```\n\n- a\n- b") == ""
    assert about_line("# T\n\n**Bold** it begins.") == "Bold it begins."
    assert len(about_line("word " * 100)) < 210


def test_what_a_card_says_stays_text(worlds):
    worlds[1].card = "<script>alert(1)</script> & more."
    page = TestClient(create_app(worlds, PlayOptions()), base_url="http://127.0.0.1").get("/").text
    assert "<script>alert" not in page


@pytest.fixture
def record():
    token = asked.set(Asked("ab12", "192.0.2.1"))
    fields = {"world": "a b", "port": 1}
    what = {"name": "play", "msg": "it\nfailed", "levelname": "ERROR", "fields": fields}
    yield logging.makeLogRecord(what)
    asked.reset(token)


def test_a_json_line_has_time_level_event_request_and_peer(record):
    said = json.loads(JsonLines().format(record))
    assert said.pop("time").endswith("Z")
    known = {"world": "a b", "port": 1, "request": "ab12", "peer": "192.0.2.1"}
    assert said == {"level": "error", "logger": "play", "event": "it\nfailed", **known}


@pytest.fixture
def written(caplog):
    """What the access log writes as JSON."""
    caplog.set_level(logging.INFO, "playworld.access")
    handler = logging.StreamHandler(text := io.StringIO())
    handler.setFormatter(JsonLines())
    logging.getLogger("playworld.access").addHandler(handler)
    yield text
    logging.getLogger("playworld.access").removeHandler(handler)


def test_each_request_is_logged_under_the_id_of_its_answer(client, written):
    answer = client.get("/w/tiny/api/v1/prompts/9")
    with socket(client, "tiny"):
        pass
    client.get("/page/play.js")
    client.get("/healthz")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["request", "connected", "disconnected"]
    path, status, peer = lines[0]["path"], lines[0]["status"], lines[0]["peer"]
    assert (path, status, peer) == ("/w/tiny/api/v1/prompts/9", 404, "testclient")
    assert lines[0]["request"] == answer.headers["x-request-id"]


def test_a_text_line_is_one_line(record):
    line = Lines().format(record)
    assert line.endswith('ERROR   it failed world="a b" port=1 request=ab12 peer=192.0.2.1')


@pytest.mark.slow
def test_the_command_serves_worlds_writes_json_and_ends_on_sigterm():
    command = "serve a b --stub-model 1 --port 0 --log-format json --access-log".split()
    secret = "from-the-environment"
    process = subprocess.Popen(
        [sys.executable, "-m", "playworld", *command],
        env={**os.environ, "PLAYWORLD_TOKEN": secret},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = [json.loads(process.stderr.readline()) for _ in range(3)]
        request = Request(lines[-1]["address"] + "api/v1/worlds")
        with pytest.raises(HTTPError) as refused:
            urlopen(request)
        refused.value.close()
        request.add_header("Authorization", f"Bearer {secret}")
        with urlopen(request) as answer:
            served = json.load(answer)["worlds"]
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert [world["path"] for world in served] == ["/w/stub/", "/w/stub-2/"]
    lines += [json.loads(line) for line in rest.splitlines()]
    assert [line["event"] for line in lines[-3:]] == ["request", "request", "ended"]
    assert (process.returncode, refused.value.code, secret in rest) == (0, 401, False)
