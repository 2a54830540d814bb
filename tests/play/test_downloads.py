import asyncio
import contextlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from playworld.data.record.actions import read_actions
from playworld.play.downloads import Download

from .conftest import SOCKET, make_client
from .test_conversation import ask, join


@pytest.fixture
def game(client):
    """A client, the session's header, and the frames of a game with a branch: 0-1-2-3, 1-4."""
    with client.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket)}
        frames = [ask(socket, "start", 1, pictures=["prompt:0"], seed=5)]
        frames += [ask(socket, "press", 2 + k, button=k) for k in range(3)]
        ask(socket, "go", 8, node=1)
        frames.append(ask(socket, "press", 9, button=7))
        yield client, headers, frames


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_every_frame_of_the_timeline_can_be_fetched(game):
    client, headers, frames = game
    timeline = client.get("/api/v1/timeline", headers=headers).json()
    assert timeline["nodes"] == [[None, None, 0], [0, 0, 1], [1, 1, 2], [2, 2, 3], [1, 7, 2]]
    assert (timeline["at"], timeline["seed"], timeline["prompt"]) == (4, 5, ["prompt:0"])
    for k, frame in enumerate(frames):
        assert client.get(f"/api/v1/frames/{k}", headers=headers).content == frame


def strip(frames: list[bytes], numbers: list[int]) -> np.ndarray:
    """These frames side by side, with white between them."""
    gap = np.full((64, 2, 3), 255, np.uint8)
    parts = [part for k in numbers for part in (picture(frames[k]), gap)]
    return np.concatenate(parts[:-1], axis=1)


def test_a_strip_goes_from_the_start_to_where_the_player_is(game):
    client, headers, frames = game
    answer = client.get("/api/v1/download/png?scale=1", headers=headers)
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny-5.png"'
    np.testing.assert_array_equal(picture(answer.content), strip(frames, [0, 1, 4]))


def test_a_strip_shows_the_branch_that_was_asked_for(game):
    client, headers, frames = game
    answer = client.get("/api/v1/download/png?from=1&to=3&scale=2", headers=headers)
    shown = strip(frames, [1, 2, 3]).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(picture(answer.content), shown)


def test_a_recording_names_the_buttons_that_were_pressed(game, tmp_path):
    client, headers, _ = game
    answer = client.get("/api/v1/download/zip?to=3&scale=9", headers=headers)
    assert answer.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    actions = read_actions(tmp_path / "tiny-5.mp4")
    assert [actions.names[k] for k in actions.actions] == ["left", "right", "jump"]


@pytest.mark.parametrize(("kind", "type"), [("mp4", "video/mp4"), ("gif", "image/gif")])
def test_a_film_has_the_type_that_it_is(game, kind, type):
    client, headers, _ = game
    answer = client.get(f"/api/v1/download/{kind}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, type)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("frames/5", 404),
        ("frames/-1", 404),
        ("frames/x", 400),
        ("download/avi", 404),
        ("download/mp4?to=5", 404),
        ("download/mp4?from=-1", 404),
        ("download/mp4?from=2&to=4", 400),
        ("download/mp4?from=3&to=1", 400),
        ("download/mp4?scale=0", 400),
        ("download/mp4?scale=17", 400),
        ("download/mp4?scale=1.5", 400),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_sentence(game, path, status):
    client, headers, _ = game
    answer = client.get(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == status and list(answer.json()) == ["detail"]


@pytest.mark.parametrize("path", ["timeline", "frames/0", "download/mp4"])
def test_nobody_else_can_see_a_game(game, path):
    client, _, _ = game
    for headers in ({}, {"x-playworld-session": "A" * 32}):
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["timeline", "frames/0", "download/mp4"])
def test_before_a_start_there_is_nothing_to_see(client, path):
    with client.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket)}
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 409


def test_a_download_that_would_take_too_long_is_refused(random_world):
    with make_client(random_world) as client, client.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket)}
        ask(socket, "start", 1, pictures=["prompt:0"])
        for id in range(48):
            ask(socket, "press", id, button=0)
        answer = client.get("/api/v1/download/png?scale=16", headers=headers)
        assert answer.status_code == 413


@pytest.mark.parametrize("leaves_after", [0, 1, 99])
def test_a_download_frees_its_turn_also_when_its_reader_leaves(leaves_after):
    async def send_to_somebody() -> tuple[bytes, bool]:
        turn, got = asyncio.Lock(), []
        await turn.acquire()

        async def send(message) -> None:
            assert turn.locked()
            if len(got) == leaves_after:
                raise OSError
            got.append(message.get("body", b""))

        with contextlib.suppress(OSError):
            await Download(200_000 * b"x", turn, "film.gif", "image/gif")({}, None, send)
        return b"".join(got), turn.locked()

    read, is_held = asyncio.run(send_to_somebody())
    assert not is_held and len(read) == {0: 0, 1: 0, 99: 200_000}[leaves_after]
