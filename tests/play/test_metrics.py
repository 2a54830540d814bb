import re

from .conftest import SOCKET
from .test_conversation import ask, close_code, join


def read(client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


def test_every_line_is_in_the_text_format(client):
    client.get("/api/v1/prompts/99")
    value = r'playworld_[a-z_]+(\{[a-z]+="[^"]+"\})? [0-9.]+'
    note = r"# (HELP playworld_[a-z_]+ .+|TYPE playworld_[a-z_]+ (counter|gauge))"
    text = client.get("/metrics").text
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if not re.fullmatch(f"{value}|{note}", line)] == []


def test_every_metric_says_its_type_once(client):
    types = re.findall(r"# TYPE (\S+)", client.get("/metrics").text)
    names = {re.sub(r"(\{.*)?$", "", name) for name in read(client)}
    assert len(types) == len(set(types)) and names <= set(types)


def test_frames_and_players_are_counted(client):
    with client.websocket_connect(SOCKET) as socket:
        join(socket)
        ask(socket, "start", 1, pictures=["prompt:0"])
        for id in (2, 3):
            ask(socket, "press", id, button=0)
        seen = read(client)
    assert seen["playworld_frames_total"] == 2
    assert (seen["playworld_sessions"], seen["playworld_players"]) == (1, 1)
    assert seen["playworld_ready"] == 1
    assert seen['playworld_ticks_total{size="1"}'] >= 3  # the warm-up, the start, the presses


def test_what_was_refused_is_counted(client):
    client.get("/api/v1/prompts/99")
    with client.websocket_connect(SOCKET) as socket:
        socket.send_text("hello")
        assert close_code(socket) == 4400
    seen = read(client)
    assert seen['playworld_requests_refused_total{status="404"}'] == 1
    assert seen['playworld_sockets_closed_total{code="4400"}'] == 1
