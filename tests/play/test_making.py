"""Worlds that are made over the API: videos, the command at work, and the worlds themselves."""

import shutil
import sys
import time
from pathlib import Path

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from playworld.cli.command import Ended, endings
from playworld.cli.label import naming_page
from playworld.config import InputError
from playworld.play import PlayOptions, create_app
from playworld.play.making import Making
from playworld.play.making.jobs import Busy, Job, Jobs
from playworld.play.making.options import MakingOptions
from playworld.play.making.project import Project
from playworld.play.making.videos import safe_name
from playworld.play.world_list import figures_line
from playworld.train.preview import is_run, world_of_run
from playworld.world import Button, World
from playworld.world.stub import StubWorld

API = "/api/v1/making"
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def load(source: str) -> World:
    """As the commands do."""
    folder = Path(source)
    return world_of_run(folder) if is_run(folder) else World.load(source)


def make_client(folder, server=None, **options) -> TestClient:
    making = Making(MakingOptions(worlds_folder=folder / "worlds", **options), load, naming_page)
    app = create_app(StubWorld(0.0), server or PlayOptions(), making=making)
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def client(tmp_path):
    """Of a server that does not run, as no world is opened."""
    return make_client(tmp_path, max_video_mb=0.001, max_videos_mb=0.0015)


@pytest.fixture
def running(tmp_path):
    with make_client(tmp_path) as client:
        yield client


@pytest.fixture
def at_work(tmp_path):
    """A command at work on a world, begun by a server that is gone."""
    folder = tmp_path / "worlds" / "a"
    Project.begin(folder, "A")
    jobs = Jobs(tmp_path / "worlds")
    jobs.start(Job("a", "train", 1.0), SLEEP, folder / "log.txt")
    yield
    jobs.end("a", 10.0)
    jobs.current()


def begin(client, title: str = "My game") -> str:
    return client.post(API, params={"title": title}).json()["name"]


def send(client, name: str, content: bytes, file: str = "a.mp4", **query):
    query = {"file": file, "size": len(content), **query}
    return client.put(f"{API}/{name}/video", params=query, content=content)


def until(client, name: str, *states: str, seconds: float = 120.0) -> dict:
    end = time.monotonic() + seconds
    while (found := client.get(f"{API}/{name}").json())["state"] not in states:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_a_video_arrives_in_slices(client):
    name = begin(client)
    send(client, name, b"abc", size=5)
    assert client.get(f"{API}/{name}").json()["files"] == [
        {"name": "a.mp4", "bytes": 3, "whole": False}
    ]
    assert send(client, name, b"xx", size=5, at=1).json()["detail"].startswith("So far 3 bytes")
    assert send(client, name, b"de", size=5, at=3).json()["whole"]
    folder = client.get(API).json()["folder"]
    with open(f"{folder}/{name}/videos/a.mp4", "rb") as file:
        assert file.read() == b"abcde"


@pytest.mark.parametrize(
    "content, query, status",
    [
        (b"abcd", {"size": 3}, 400),  # longer than was said
        (b"abc", {"size": 2000}, 413),
        (b"abc", {"size": 0}, 400),
        (b"abc", {"at": 7, "size": 10}, 409),
        (b"abc", {"file": "..."}, 400),
        (b"abc", {"file": "a.actions.json"}, 400),
    ],
)
def test_what_cannot_be_a_video_is_refused_and_leaves_nothing(client, content, query, status):
    name = begin(client)
    assert send(client, name, content, **query).status_code == status
    assert client.get(f"{API}/{name}").json()["files"] == []


def test_the_videos_of_a_world_are_limited_in_all(client):
    name = begin(client)
    assert send(client, name, bytes(900)).status_code == 200
    assert send(client, name, bytes(900), "b.mp4").status_code == 413
    assert send(client, name, bytes(100)).status_code == 409, "there is one of that name"
    assert client.delete(f"{API}/{name}/video", params={"file": "a.mp4"}).status_code == 204
    assert send(client, name, bytes(900), "b.mp4").status_code == 200


def test_no_video_is_taken_where_the_disk_is_nearly_full(tmp_path):
    answer = make_client(tmp_path, keep_free_mb=9e8).post(API, params={"title": "x"})
    assert answer.status_code == 507 and "nearly full" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name, kept",
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d.mp4", "a-b-c-d.mp4"),
        (".hidden.mp4", "hidden.mp4"),
        ("x\x00\n.mp4", "x--.mp4"),
        ("ü" * 200 + ".webm", "ü" * 57 + ".webm"),
    ],
)
def test_the_name_of_a_file_is_no_path(name, kept):
    assert safe_name(name) == kept


def test_a_name_of_nothing_is_refused():
    with pytest.raises(HTTPException):
        safe_name("../..")


def test_worlds_of_one_title_get_names_of_their_own(client):
    assert (begin(client), begin(client), begin(client, "CoinRun")) == (
        "my-game",
        "my-game-2",
        "coinrun-2",
    )
    assert client.post(API, params={"title": " "}).status_code == 400
    assert client.get(f"{API}/..").status_code == 404


def test_where_others_reach_the_server_no_worlds_are_made(tmp_path):
    assert not MakingOptions().allowed(PlayOptions(host="0.0.0.0"))
    assert not MakingOptions().allowed(PlayOptions(allow_hosts=("play.example.com",)))
    assert MakingOptions(allow_making=True).allowed(PlayOptions(host="0.0.0.0"))
    app = create_app(StubWorld(0.0), PlayOptions(host="0.0.0.0"))
    client = TestClient(app, base_url="http://127.0.0.1")
    for answer in (client.get("/make/"), client.get(API), client.post(f"{API}/x/train")):
        assert answer.status_code == 403 and "--allow-making" in answer.json()["detail"]


def test_another_page_and_whoever_lacks_the_token_make_no_worlds(tmp_path):
    server = PlayOptions(token="open-sesame-42")
    client = make_client(tmp_path, server)
    assert client.post(API, params={"title": "x"}).status_code == 401
    client.headers["authorization"] = "Bearer open-sesame-42"
    foreign = {"origin": "http://evil.example"}
    assert client.post(API, params={"title": "x"}, headers=foreign).status_code == 403
    assert client.post(API, params={"title": "x"}).status_code == 201


def test_without_a_video_nothing_begins(client):
    name = begin(client)
    assert client.post(f"{API}/{name}/read").json()["detail"] == "There is no video yet."
    assert client.post(f"{API}/{name}/train", params={"minutes": 1e9}).status_code == 400
    assert client.post(f"{API}/{name}/stop").status_code == 409


def test_gravity_is_asked_for_on_the_page(tmp_path):
    """A world of whole frames cannot have it, and says so."""
    client = make_client(tmp_path, making_from="coinrun")
    name = begin(client)
    send(client, name, b"abc")
    asked = {"minutes": 1, "gravity": True}
    begun = client.post(f"{API}/{name}/train", params=asked).json()
    assert begun["state"] == "training" and begun["gravity"] is True
    assert "--gravity needs a world of changes" in until(client, name, "videos")["said"]


def test_a_command_outlives_its_server_and_another_finds_and_stops_it(at_work, client, tmp_path):
    found = client.get(f"{API}/a").json()
    assert found["state"] == "training" and client.get(API).json()["at_work"] == "a"
    with pytest.raises(Busy):
        Jobs(tmp_path / "worlds").start(Job("b", "read", 2.0), SLEEP, tmp_path / "log")
    assert send(client, "a", b"abc").json()["detail"].startswith("This is being worked on")
    assert client.post(f"{API}/a/stop").status_code == 202
    assert until(client, "a", "videos")["said"] == ""


def test_one_world_is_made_at_a_time(at_work, client):
    name = begin(client)
    send(client, name, b"abc")
    assert client.post(f"{API}/{name}/read").json()["detail"].startswith("Another world is being")


def test_a_command_that_does_not_end_is_killed(tmp_path):
    deaf = "import signal as s, time; s.signal(15, s.SIG_IGN); print(flush=True); time.sleep(60)"
    jobs = Jobs(tmp_path)
    jobs.start(Job("a", "train", 1.0), [sys.executable, "-c", deaf], tmp_path / "log")
    while not (tmp_path / "log").exists() or not (tmp_path / "log").read_text():
        time.sleep(0.01)
    jobs.end("a", 0.1)
    assert jobs.current() is None  # it was killed


def test_what_died_is_no_longer_at_work_and_its_last_sentence_is_shown(tmp_path, client):
    name = begin(client)
    send(client, name, b"abc")
    folder = tmp_path / "worlds" / name
    said = f"import sys; sys.exit('playworld: {folder}/videos holds no video that can be used')"
    jobs = Jobs(tmp_path / "worlds")
    jobs.start(Job(name, "read", 1.0), [sys.executable, "-c", said], folder / "log.txt")
    found = until(client, name, "videos")
    assert found["said"] == "videos holds no video that can be used" and jobs.current() is None


def test_a_stopped_command_says_nothing_of_terminals(tmp_path):
    with pytest.raises(Ended) as ended, endings():
        raise KeyboardInterrupt
    (tmp_path / "log.txt").write_text(f"playworld: {ended.value}\n")
    assert Project(tmp_path).last_words() == ""


def test_a_deleted_world_is_gone_with_its_command(at_work, client, tmp_path):
    assert client.delete(f"{API}/a").status_code == 204
    assert client.get(API).json()["at_work"] is None
    assert [path.name for path in (tmp_path / "worlds").iterdir()] == [".job"]


def test_a_world_whose_folder_was_deleted_keeps_no_other_from_being_made(at_work, client, tmp_path):
    shutil.rmtree(tmp_path / "worlds" / "a")
    assert client.get(API).json()["at_work"] == "a"
    name = begin(client)
    assert client.get(API).json()["at_work"] is None
    assert client.get(f"{API}/{name}").json()["state"] == "videos"


def test_a_world_that_is_put_into_the_folder_can_be_chosen_without_a_restart(
    tmp_path, running, tiny_world
):
    client = running

    def known() -> dict[str, str]:
        worlds = client.get("/api/v1/worlds").json()["worlds"]
        return {world["name"]: world.get("kind", "") for world in worlds}

    assert known() == {"stub": "", **dict.fromkeys(("any", "coinrun", "platformer"), "built-in")}
    shutil.copytree(tiny_world, tmp_path / "worlds" / "My world!")
    assert known()["my-world"] == "folder"
    assert 'href="../w/my-world/"' in client.get("/worlds/").text
    assert client.get("/api/v1/worlds/my-world/picture").headers["content-type"] == "image/png"
    assert "<title>Playworld</title>" in client.get("/w/my-world/").text
    about = client.get("/w/my-world/api/v1/world").json()
    assert about["places"] == {"worlds": "/worlds/", "make": "/make/"}
    with client.websocket_connect("ws://127.0.0.1/w/my-world/api/v1/socket") as socket:
        socket.send_json({"type": "join"})
        assert socket.receive_json()["type"] == "joined"
    assert 'playworld_sessions{world="my-world"} 1' in client.get("/metrics").text


def test_who_opens_a_world_gets_its_newest_state(tmp_path, running, tiny_world):
    client = running
    folder = tmp_path / "worlds" / "w"
    World.load(tiny_world).renamed("first").save(folder)
    client.get("/w/w/")
    World.load(tiny_world).renamed("second").save(folder)
    assert client.get("/w/w/api/v1/world").json()["name"] == "first", "the page is open"
    client.get("/w/w/")
    assert client.get("/w/w/api/v1/world").json()["name"] == "second"


def test_a_server_of_several_worlds_lists_all_and_leads_to_the_page_that_makes_some(tmp_path):
    making = Making(MakingOptions(worlds_folder=tmp_path), load, naming_page)
    app = create_app([StubWorld(0.0), StubWorld(0.0)], PlayOptions(), making=making)
    client = TestClient(app, base_url="http://127.0.0.1")
    for page, back in (("/", ""), ("/worlds/", "../")):
        text = client.get(page).text
        for path in ("w/stub/", "w/stub-2/", "w/any/", "make/"):
            assert f'href="{back}{path}"' in text
    assert "Make a world" in client.get("/make/").text


def test_a_damaged_world_is_refused_in_a_sentence(tmp_path, client, tiny_world):
    shutil.copytree(tiny_world, tmp_path / "worlds" / "w")
    (tmp_path / "worlds" / "w" / "dynamics.safetensors").write_bytes(b"no")
    answer = client.get("/w/w/")
    assert answer.status_code == 503 and "cannot be opened" in answer.json()["detail"]


def test_figures_of_a_card_stand_beside_a_copy():
    assert figures_line(World.load("coinrun").card) == "frame 4: 22.92 dB, a copy 12.60"
    assert figures_line("# A card\n\n## Measured\n\nnothing") == ""


def test_limits_that_are_none_are_refused():
    with pytest.raises(ValueError, match="max_video_mb"):
        MakingOptions(max_video_mb=0)


def test_without_a_home_a_folder_must_be_given(monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "nowhere")
    with pytest.raises(InputError, match="--worlds-folder"):
        MakingOptions().folder()


def test_a_world_is_played_while_it_trains_and_then_as_it_was_finished(
    tmp_path, running, tiny_world
):
    folder, run = tmp_path / "worlds" / "w", tiny_world.parent / "run"
    Project.begin(folder, "W")
    assert running.get("/w/w/").status_code == 404, "there is nothing to play yet"
    for part in ("preview", "world"):
        shutil.copytree(run / part, folder / "run" / part)
    budget = folder / "run" / "budget.json"
    start = World.load(tiny_world)
    start.save(folder / "run" / "round-0" / "world")
    budget.write_text('{"world_steps": 30, "best": 0, "round": 1}')
    assert running.get("/w/w/").status_code == 200
    about = running.get("/w/w/api/v1/world").json()
    assert about["name"] == "tiny"
    assert [b["label"] for b in about["buttons"]] == [b.label for b in start.buttons]
    start.renamed("finished").save(folder / "world")
    budget.write_text('{"world_steps": 30, "best": 1, "round": 1, "finished": true}')
    running.get("/w/w/")
    assert running.get("/w/w/api/v1/world").json()["name"] == "finished"


@pytest.fixture
def finished(tmp_path, tiny_world, clips):
    """A world that was made, in its folder."""
    folder = tmp_path / "worlds" / "w"
    Project.begin(folder, "W")
    shutil.copytree(tiny_world, folder / "world")
    (folder / "run").mkdir()
    (folder / "run" / "clips").symlink_to(clips)
    (folder / "run" / "budget.json").write_text('{"world_steps": 30, "best": 1, "finished": true}')
    return folder


def test_the_buttons_of_a_finished_world_are_named_and_the_page_shows_the_names(running, finished):
    assert 'href="../buttons/w/"' in running.get("/worlds/").text
    running.get("/w/w/")
    assert running.get("/w/w/api/v1/world").json()["places"]["buttons"] == "/buttons/w/"
    assert "Which key was pressed?" in running.get("/buttons/w/").text
    about = running.get("/buttons/w/api/v1/moments").json()
    here = {"id": about["desk"]}
    for place in range(about["total"]):
        address = f"/buttons/w/api/v1/stretches/{place}/key"
        running.put(address, json={"key": "x"}, params=here).raise_for_status()
    named = running.post("/buttons/w/api/v1/end", params=here).json()["buttons"]
    assert "x" in {button["label"] for button in named}
    running.get(f"/buttons/w/{about['play']}").raise_for_status()
    shown = running.get("/w/w/api/v1/world").json()["buttons"]
    assert [b["label"] for b in shown] == [b["label"] for b in named]
    later = running.get("/buttons/w/api/v1/moments").json()
    assert later["desk"] != about["desk"] and (finished / "world.keys.json").exists()


def test_a_world_that_is_trained_further_keeps_its_names_meanwhile(running, finished, tiny_world):
    named = [Button(f"key {k}") for k in range(8)]
    World.load(tiny_world).renamed(buttons=named).save(finished / "world")
    for part in ("preview", "world"):
        shutil.copytree(tiny_world.parent / "run" / part, finished / "run" / part)
    shutil.copytree(tiny_world, finished / "run" / "round-1" / "world")
    (finished / "run" / "budget.json").write_text('{"world_steps": 30, "best": 1, "round": 2}')
    running.get("/w/w/")
    shown = running.get("/w/w/api/v1/world").json()["buttons"]
    assert [b["label"] for b in shown] == [b.label for b in named]


def test_buttons_are_named_once_the_world_is_finished(running, finished):
    assert running.get("/buttons/nowhere/").status_code == 404
    (finished / "run" / "budget.json").write_text('{"world_steps": 30, "best": 1}')
    answer = running.get("/buttons/w/")
    assert answer.status_code == 409 and "once it is finished" in answer.json()["detail"]
    assert "Name its buttons" not in running.get("/worlds/").text
