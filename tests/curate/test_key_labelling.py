"""The server behind the page for naming buttons."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from playworld.config import InputError
from playworld.curate.key_labelling import KeyDesk, Moments, key_page
from playworld.curate.labelling import app_of


class Log:
    """What the page has asked for: the keys kept last, those named, and whether it has ended."""

    def __init__(self) -> None:
        self.kept, self.named, self.stopped, self.problem = {}, None, False, None

    def keep(self, given):
        self.kept = dict(given)

    def stop(self):
        self.stopped = True

    def end(self, given):
        if self.problem:
            raise self.problem
        self.named = dict(given)
        return [{"arrow": "←", "label": "left", "keys": "left 1"}]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def desk(log) -> KeyDesk:
    films = [np.full((8, 4, 6, 3), k, np.uint8) for k in range(3)]
    moments = Moments("mine", films, 3, 10.0, {"x": "attack"}, log.keep, log.end)
    return KeyDesk(lambda: moments)


@pytest.fixture
def client(desk, log) -> TestClient:
    """What its page asks for."""
    app = app_of(key_page(desk, log.stop), "127.0.0.1")
    client = TestClient(app, base_url="http://127.0.0.1")
    client.params = {"id": desk.id}
    return client


def press(client, place, key, **query):
    return client.put(f"/api/v1/stretches/{place}/key", json={"key": key}, params=query)


def test_every_key_is_kept_under_its_name_when_it_is_answered(client, log):
    for place, (key, name) in enumerate([("←", "left"), (" ", "jump"), ("x", "attack")]):
        assert press(client, place, key).json() == {"name": name, "total": 3, "given": place + 1}
        assert log.kept[place] == name
    press(client, 1, None)
    assert log.kept == {0: "left", 2: "attack"}
    assert client.get("/api/v1/stretches/2").json()["label"] == "attack"
    assert "label" not in client.get("/api/v1/stretches/1").json()


@pytest.mark.parametrize(
    "place, key, code", [(3, "x", 404), (0, "\t", 400), (0, "", 400), (0, "ab", 400)]
)
def test_what_is_no_key_or_no_moment_is_refused(place, key, code, client, log):
    assert press(client, place, key).status_code == code and log.kept == {}


def test_the_end_names_the_buttons_and_stops_the_server(client, log):
    assert client.post("/api/v1/end").status_code == 400 and not log.stopped
    press(client, 0, "←")
    assert client.post("/api/v1/end").json()["buttons"][0]["label"] == "left"
    assert log.named == {0: "left"} and log.stopped


def test_a_world_that_cannot_be_saved_is_said_and_the_page_goes_on(client, log):
    log.problem = InputError("the folder is gone")
    press(client, 0, "←")
    answer = client.post("/api/v1/end")
    assert (answer.status_code, answer.json()["detail"]) == (400, "the folder is gone")
    assert not log.stopped


def test_keys_for_the_moments_of_an_earlier_server_are_refused(client, log):
    answer = press(client, 0, "←", id="earlier")
    assert answer.status_code == 409 and "load this page again" in answer.json()["detail"]
    assert log.kept == {}


def test_moments_that_cannot_be_chosen_are_said():
    def choose():
        raise InputError("no scene is as long as 8 frames")

    client = TestClient(app_of(key_page(KeyDesk(choose)), "127.0.0.1"), base_url="http://127.0.0.1")
    answer = client.get("/api/v1/moments")
    assert (answer.status_code, answer.json()["detail"]) == (400, "no scene is as long as 8 frames")


def test_the_page_is_that_of_keys_and_shares_film_and_style(client):
    assert "Which key was pressed?" in client.get("/").text
    for name in ("keys.js", "keys.css", "film.js", "style.css"):
        assert client.get(f"/page/{name}").status_code == 200
