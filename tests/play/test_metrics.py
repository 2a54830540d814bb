import json
import re
from pathlib import Path

from starlette.testclient import TestClient

from playworld.play import PlayOptions, create_app
from playworld.play.connection_limits import ConnectionLimits
from playworld.play.metrics import Histogram

from .conftest import SOCKET
from .test_conversation import ask, close_code, join

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"


def read(client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


def test_every_line_is_in_the_text_format(client):
    client.get("/api/v1/prompts/99")
    label = r'[a-z]+="[^"]+"'
    value = rf"playworld_[a-z_]+(\{{{label}(,{label})*\}})? [0-9.e-]+"
    note = r"# (HELP playworld_[a-z_]+ .+|TYPE playworld_[a-z_]+ (counter|gauge|histogram))"
    text = client.get("/metrics").text
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if not re.fullmatch(f"{value}|{note}", line)] == []


def test_every_metric_says_its_type_once(client):
    types = re.findall(r"# TYPE (\S+)", client.get("/metrics").text)
    names = {re.sub(r"(_(bucket|sum|count))?(\{.*)?$", "", name) for name in read(client)}
    assert len(types) == len(set(types)) and names <= set(types)


def test_frames_and_players_are_counted(client):
    with client.websocket_connect(SOCKET) as socket:
        join(socket)
        ask(socket, "start", 1, pictures=["prompt:0"])
        for id in (2, 3):
            ask(socket, "press", id, button=0)
        seen = read(client)
    own = '{world="tiny"}'
    assert seen[f"playworld_frames_total{own}"] == 2
    assert (seen[f"playworld_sessions{own}"], seen[f"playworld_players{own}"]) == (1, 1)
    assert seen["playworld_ready"] == 1
    warmed_up_started_pressed = seen['playworld_ticks_total{world="tiny",size="1"}']
    assert warmed_up_started_pressed >= 3
    for name in ("press", "step"):
        assert seen[f"playworld_{name}_seconds_count{own}"] == 2
        assert seen[f'playworld_{name}_seconds_bucket{{world="tiny",le="+Inf"}}'] == 2
        assert seen[f"playworld_{name}_seconds_sum{own}"] > 0


def test_what_was_refused_is_counted(client):
    client.get("/api/v1/prompts/99")
    with client.websocket_connect(SOCKET) as socket:
        socket.send_text("hello")
        assert close_code(socket) == 4400
    seen = read(client)
    assert seen['playworld_requests_refused_total{reason="not_found",status="404"}'] == 1
    assert seen['playworld_sockets_closed_total{world="tiny",code="4400"}'] == 1


def test_a_histogram_counts_each_time_in_every_bucket_that_holds_it():
    histogram = Histogram()
    for seconds in (0.004, 0.1, 0.11, 99.0):
        histogram.observe(seconds)
    buckets = {labels.get("le"): value for _, labels, value in histogram.samples()}
    assert [buckets[end] for end in (0.005, 0.1, 0.15, 10.0, "+Inf")] == [1, 2, 3, 3, 4]


def test_every_metric_of_the_dashboard_exists(random_world):
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [variable["query"] for variable in dashboard["templating"]["list"]]
    named = set(re.findall(r"playworld_\w+", " ".join(queries)))
    app = create_app(random_world, PlayOptions(), limits=ConnectionLimits(9, 9))
    text = TestClient(app, base_url="http://127.0.0.1").get("/metrics").text
    known = set(re.findall(r"# TYPE (\S+) (?:counter|gauge)", text))
    known |= {f"{name}_bucket" for name in re.findall(r"# TYPE (\S+) histogram", text)}
    assert len(named) > 8 and named <= known
