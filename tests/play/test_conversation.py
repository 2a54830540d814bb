import asyncio
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.websockets import WebSocketDisconnect

from playworld.images import QUICK, to_png
from playworld.play import PlayOptions, create_app
from playworld.play.conversation import MESSAGES_PER_SECOND
from playworld.play.messages import REASONS, Close

from .conftest import SOCKET, make_client, make_world, picture_bytes

HEADER = struct.Struct("<BxxxIII")


def join(socket, session: str | None = None) -> str:
    socket.send_json({"type": "join", "session": session})
    return socket.receive_json()["session"]


def ask_for(socket, type: str, id: int, **fields) -> tuple[tuple[int, ...], bytes]:
    """Send a request; the header (kind, id, node, frame) and the picture that answer it."""
    socket.send_json({"type": type, "id": id, **fields})
    message = socket.receive_bytes()
    header = HEADER.unpack(message[:16])
    assert header[1] == id
    return header, message[16:]


def ask(socket, type: str, id: int, **fields) -> bytes:
    """Send a request and return the picture that answers it."""
    return ask_for(socket, type, id, **fields)[1]


def close_code(socket) -> int:
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    return closed.value.code


@pytest.fixture
def socket(client):
    with client.websocket_connect(SOCKET) as socket:
        yield socket


def test_a_start_answers_with_a_picture_of_the_worlds_size(socket):
    join(socket)
    picture = Image.open(io.BytesIO(ask(socket, "start", 1, pictures=["prompt:0"])))
    assert (picture.format, picture.size) == ("PNG", (64, 64))


def test_frames_are_counted_from_the_start(socket):
    join(socket)
    headers = [ask_for(socket, "start", 1, pictures=["prompt:0"])[0]]
    headers += [ask_for(socket, "press", id, button=0)[0] for id in (2, 3)]
    assert headers == [(0, 1, 0, 0), (0, 2, 1, 1), (0, 3, 2, 2)]


def test_a_rewind_shows_that_frame_and_a_press_there_begins_a_branch(socket):
    join(socket)
    ask(socket, "start", 1, pictures=["prompt:0"])
    frames = [ask(socket, "press", 2 + k, button=k) for k in range(3)]
    assert ask_for(socket, "go", 9, node=2) == ((0, 9, 2, 2), frames[1])
    header, branch = ask_for(socket, "press", 10, button=5)
    assert (header, branch != frames[2]) == ((0, 10, 4, 3), True)
    assert ask_for(socket, "go", 11, node=3) == ((0, 11, 3, 3), frames[2])


def test_the_same_press_at_the_same_place_gives_the_same_frame(socket):
    join(socket)
    ask(socket, "start", 1, pictures=["prompt:0"])
    frames = [ask(socket, "press", 2 + k, button=1) for k in range(3)]
    ask(socket, "go", 9, node=1)
    assert [ask(socket, "press", 10 + k, button=1) for k in range(2)] == frames[1:]


def test_another_button_gives_another_picture(socket):
    join(socket)
    pictures = set()
    for button in range(4):
        ask(socket, "start", 10 * button, pictures=["prompt:0"], seed=7)
        pictures.add(ask(socket, "press", 10 * button + 1, button=button))
    assert len(pictures) == 4


def test_going_to_node_0_brings_the_same_world_again(socket):
    join(socket)
    first = [ask(socket, "start", 1, pictures=["prompt:1"])]
    first += [ask(socket, "press", 2 + k, button=k) for k in range(4)]
    again = [ask(socket, "go", 11, node=0)]
    again += [ask(socket, "press", 12 + k, button=k) for k in range(4)]
    assert first == again


def test_a_seed_names_a_world_and_without_one_it_is_left_to_chance(client):
    def play(**seed):
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
            ask(socket, "start", 1, pictures=["prompt:0"], **seed)
            return [ask(socket, "press", 2 + k, button=1) for k in range(6)]

    assert play(seed=3) == play(seed=3)
    assert play() != play()


def test_an_uploaded_picture_can_be_played(client, socket):
    headers = {"x-playworld-session": join(socket)}
    shown = {ask(socket, "start", 0, pictures=["prompt:0"])}
    for k in range(2):
        data = picture_bytes(9 + k, (200, 100), "JPEG")
        answer = client.post("/api/v1/picture", content=data, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"picture": k})
        shown.add(ask(socket, "start", 1 + k, pictures=[f"upload:{k}"]))
    assert len(shown) == 3


def test_a_deleted_picture_is_gone_and_its_number_is_not_given_again(client, socket):
    headers = {"x-playworld-session": join(socket)}

    def upload(seed: int) -> int:
        content = picture_bytes(seed)
        return client.post("/api/v1/picture", content=content, headers=headers).json()["picture"]

    assert [upload(1), upload(2)] == [0, 1]
    begun = ask(socket, "start", 1, pictures=["upload:1"], seed=3)
    assert client.delete("/api/v1/picture/1", headers=headers).status_code == 204
    assert client.delete("/api/v1/picture/1", headers=headers).status_code == 404
    assert upload(3) == 2
    ask(socket, "press", 2, button=0)
    assert ask(socket, "go", 3, node=0) == begun  # the game goes on
    socket.send_json({"type": "start", "id": 4, "pictures": ["upload:1"]})
    assert close_code(socket) == Close.BAD_MESSAGE


def test_deleting_makes_room_for_a_seventeenth_picture(client, socket):
    headers = {"x-playworld-session": join(socket)}
    statuses = [
        client.post("/api/v1/picture", content=picture_bytes(k), headers=headers).status_code
        for k in range(17)
    ]
    assert statuses == [200] * 16 + [409]
    client.delete("/api/v1/picture/3", headers=headers)
    answer = client.post("/api/v1/picture", content=picture_bytes(17), headers=headers)
    assert answer.json() == {"picture": 16}


def test_several_pictures_are_one_prompt_oldest_first(socket, random_world):
    join(socket)
    names, pictures = ["prompt:2", "prompt:0"], dict(random_world.prompts())
    video = torch.stack([pictures["03"], pictures["01"]])
    frame, _ = random_world.start(video[None], [5])
    assert ask(socket, "start", 1, pictures=names, seed=5) == to_png(frame[0], QUICK)


def test_settings_hold_for_the_frames_from_then_on(socket):
    def frames(first: int) -> list[bytes]:
        ask(socket, "start", first, pictures=["prompt:0"], seed=1)
        return [ask(socket, "press", first + k, button=2) for k in (1, 2, 3)]

    join(socket)
    usual = frames(10)
    socket.send_json({"type": "settings", "id": 1, "steps": 8, "temperature": 10.0})
    assert frames(20) != usual
    socket.send_json({"type": "settings", "id": 2, "steps": None, "temperature": None})
    assert frames(30) == usual


def test_trying_shows_what_each_button_would_do_and_stays_there(socket):
    join(socket)
    ask(socket, "start", 1, pictures=["prompt:0"], seed=1)
    header, png = ask_for(socket, "try", 2, presses=2)
    sheet = np.asarray(Image.open(io.BytesIO(png)))
    assert (header, sheet.shape) == ((1, 2, 0, 0), (8 * 64, 2 * 64, 3))
    for button in (0, 7):
        for column in range(2):
            shown = np.asarray(Image.open(io.BytesIO(ask(socket, "press", 3, button=button))))
            cell = sheet[64 * button : 64 * button + 64, 64 * column : 64 * column + 64]
            np.testing.assert_array_equal(cell, shown)
        ask(socket, "go", 4, node=0)


def test_a_full_game_takes_no_more_presses_but_can_be_walked(random_world):
    with (
        make_client(random_world, max_nodes=3) as client,
        client.websocket_connect(SOCKET) as socket,
    ):
        join(socket)
        ask(socket, "start", 1, pictures=["prompt:0"])
        first = [ask(socket, "press", 2, button=0) for _ in range(2)][0]
        socket.send_json({"type": "press", "id": 3, "button": 0})
        assert socket.receive_json() == {"type": "full", "id": 3}
        assert ask(socket, "go", 4, node=1) == first


def test_a_broken_line_is_taken_up_where_the_game_was(client):
    with client.websocket_connect(SOCKET) as socket:
        session = join(socket)
        ask(socket, "start", 1, pictures=["prompt:0"])
        newest = ask(socket, "press", 2, button=1)
    with client.websocket_connect(SOCKET) as socket:
        socket.send_json({"type": "join", "session": session})
        joined = {"type": "joined", "session": session, "playing": True, "at": 1}
        assert socket.receive_json() == joined
        assert socket.receive_bytes() == HEADER.pack(0, 0, 1, 1) + newest
        ask(socket, "press", 1, button=1)


def test_a_second_connection_takes_the_game_over(client, socket):
    session = join(socket)
    ask(socket, "start", 1, pictures=["prompt:0"])
    with client.websocket_connect(SOCKET) as second:
        assert join(second, session) == session
        assert close_code(socket) == Close.TAKEN_OVER
        second.receive_bytes()
        ask(second, "press", 1, button=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        "[" * 4000,
        '{"type": "dance"}',
        '{"type": ["press"]}',
        '{"type": "press", "id": 1}',
        '{"type": "press", "id": 1, "button": "2"}',
        '{"type": "press", "id": 1, "button": true}',
        '{"type": "press", "id": 1, "button": 1.0}',
        '{"type": "press", "id": 1, "button": 8}',
        '{"type": "press", "id": 1, "button": -1}',
        '{"type": "press", "id": 1, "button": NaN}',
        '{"type": "press", "id": -1, "button": 1}',
        '{"type": "press", "id": 4294967296, "button": 1}',
        '{"type": "press", "id": 1, "button": 1, "then": 2}',
        '{"type": "press", "id": 1, "button": 1, "fps": 0}',
        '{"type": "press", "id": 1, "button": 1, "fps": 81}',
        '{"type": "release", "id": 1}',
        '{"type": "start", "id": 1, "pictures": ["prompt:3"]}',
        '{"type": "start", "id": 1, "pictures": ["prompt:-1"]}',
        '{"type": "start", "id": 1, "pictures": ["upload:0"]}',
        '{"type": "start", "id": 1, "pictures": ["file:0"]}',
        '{"type": "start", "id": 1, "pictures": ["prompt:\u0663"]}',
        '{"type": "start", "id": 1, "pictures": [0]}',
        '{"type": "start", "id": 1, "pictures": "prompt:0"}',
        '{"type": "start", "id": 1, "pictures": []}',
        json.dumps({"type": "start", "id": 1, "pictures": 17 * ["prompt:0"]}),
        '{"type": "start", "id": 1, "pictures": ["prompt:0"], "seed": -1}',
        '{"type": "start", "id": 1, "pictures": ["prompt:0"], "seed": 4294967296}',
        '{"type": "go", "id": 1, "node": 1}',
        '{"type": "go", "id": 1, "node": -1}',
        '{"type": "settings", "id": 1, "steps": 0, "temperature": null}',
        '{"type": "settings", "id": 1, "steps": 65, "temperature": null}',
        '{"type": "settings", "id": 1, "steps": 1.5, "temperature": null}',
        '{"type": "settings", "id": 1, "steps": null, "temperature": -0.1}',
        '{"type": "settings", "id": 1, "steps": null, "temperature": 10.1}',
        '{"type": "settings", "id": 1, "steps": null, "temperature": NaN}',
        '{"type": "settings", "id": 1, "steps": null}',
        '{"type": "try", "id": 1, "presses": 0}',
        '{"type": "try", "id": 1, "presses": 9}',
        '{"type": "reset", "id": 1}',
        '{"type": "join"}',
    ],
)
def test_a_message_that_makes_no_sense_ends_the_conversation(socket, text):
    join(socket)
    ask(socket, "start", 1, pictures=["prompt:0"])
    socket.send_text(text)
    assert close_code(socket) == Close.BAD_MESSAGE


def test_a_binary_message_ends_the_conversation(socket):
    join(socket)
    socket.send_bytes(b"{}")
    assert close_code(socket) == Close.BAD_MESSAGE


def test_the_first_message_must_be_a_join(socket):
    socket.send_json({"type": "start", "id": 1, "pictures": ["prompt:0"]})
    assert close_code(socket) == Close.BAD_MESSAGE


@pytest.mark.parametrize(
    "message", [{"type": "press", "button": 0}, {"type": "go", "node": 0}, {"type": "try"}]
)
def test_a_press_needs_a_start(socket, message):
    join(socket)
    socket.send_json({"id": 1, **message})
    assert close_code(socket) == Close.NOT_STARTED


def test_a_strangers_session_is_unknown(socket):
    socket.send_json({"type": "join", "session": "A" * 32})
    assert close_code(socket) == Close.UNKNOWN_SESSION


def test_who_presses_nothing_is_put_away(random_world):
    with make_client(random_world, idle_minutes=0.001) as client:
        with client.websocket_connect(SOCKET) as socket:
            session = join(socket)
            assert socket.receive_json() == {"type": "idle", "seconds": 0.03}
            assert close_code(socket) == Close.IDLE
        with client.websocket_connect(SOCKET) as socket:
            socket.send_json({"type": "join", "session": session})
            assert close_code(socket) == Close.UNKNOWN_SESSION


def test_who_says_so_after_the_warning_stays(random_world):
    with (
        make_client(random_world, idle_minutes=0.01) as client,
        client.websocket_connect(SOCKET) as socket,
    ):
        join(socket)
        for id in range(3):
            assert socket.receive_json() == {"type": "idle", "seconds": 0.3}
            socket.send_json({"type": "stay", "id": id})
        ask(socket, "start", 9, pictures=["prompt:0"])


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, None),
        ({"host": "localhost"}, None),
        ({"host": "::1"}, None),
        ({"host": "0.0.0.0"}, 600.0),
        ({"host": "192.0.2.1"}, 600.0),
        ({"host": "play.example"}, 600.0),
        ({"allow_hosts": ("play.example",)}, 600.0),
        ({"idle_minutes": 2.0}, 120.0),
    ],
)
def test_there_is_an_idle_limit_where_others_can_play(options, seconds):
    assert PlayOptions(**options).idle_seconds == seconds


def test_a_reload_finds_its_game_after_newcomers_came_and_went(random_world):
    with make_client(random_world, max_players=2) as client:
        with client.websocket_connect(SOCKET) as socket:
            session = join(socket)
            ask(socket, "start", 1, pictures=["prompt:0"])
        codes = []
        for _ in range(3):
            with client.websocket_connect(SOCKET) as newcomer:
                newcomer.send_json({"type": "join"})
                joined = newcomer.receive()
                codes.append(joined.get("code"))
                if joined["type"] == "websocket.send":
                    ask(newcomer, "start", 1, pictures=["prompt:1"])
        assert codes == [None, Close.FULL, Close.FULL]
        with client.websocket_connect(SOCKET) as socket:
            assert join(socket, session) == session


def test_one_player_too_many_is_told_to_come_back(random_world):
    with (
        make_client(random_world, max_players=1) as client,
        client.websocket_connect(SOCKET) as first,
        client.websocket_connect(SOCKET) as second,
    ):
        join(first)
        second.send_json({"type": "join"})
        assert close_code(second) == Close.FULL
        ask(first, "start", 1, pictures=["prompt:0"])


def test_a_flood_of_messages_ends_the_conversation(socket):
    join(socket)
    for id in range(10 * MESSAGES_PER_SECOND):
        socket.send_text(json.dumps({"type": "start", "id": id, "pictures": ["prompt:0"]}))
    messages = iter(socket.receive, None)
    closing = next(message for message in messages if message["type"] == "websocket.close")
    assert closing["code"] == Close.TOO_FAST


def test_a_slow_reader_gets_the_newest_frame_and_never_a_queue(random_world):
    inbox, reads, sent = asyncio.Queue(), asyncio.Event(), []

    def say(**message) -> None:
        inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def send(event) -> None:
        if "bytes" in event:  # as uvicorn does when the player does not read
            await reads.wait()
        sent.append(event)

    async def play() -> None:
        headers = [(b"host", b"127.0.0.1")]
        scope = {"type": "websocket", "path": "/api/v1/socket", "headers": headers}
        scope |= {"query_string": b"", "subprotocols": []}
        app = create_app(random_world, PlayOptions())
        line = asyncio.create_task(app(scope, inbox.get, send))
        inbox.put_nowait({"type": "websocket.connect"})
        say(type="join")
        say(type="start", id=1, pictures=["prompt:0"])
        for id in range(2, 42):
            say(type="press", id=id, button=0)
        while not inbox.empty():
            await asyncio.sleep(0)
        reads.set()
        while len([event for event in sent if "bytes" in event]) < 2:
            await asyncio.sleep(0)
        inbox.put_nowait({"type": "websocket.disconnect"})
        await line

    asyncio.run(asyncio.wait_for(play(), 60))
    pictures = [event["bytes"] for event in sent if "bytes" in event]
    assert [HEADER.unpack(picture[:16])[1:3] for picture in pictures] == [(1, 0), (41, 1)]


def test_a_flood_over_a_line_that_breaks_ends_without_an_error(random_world):
    inbox, sending = asyncio.Queue(), asyncio.Event()

    async def send(event) -> None:
        if "bytes" in event:
            sending.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise OSError  # as uvicorn does when the player is gone

    async def play() -> None:
        scope = {"type": "websocket", "path": "/api/v1/socket", "subprotocols": []}
        scope |= {"query_string": b"", "headers": [(b"host", b"127.0.0.1")]}
        app = create_app(random_world, PlayOptions())
        line = asyncio.create_task(app(scope, inbox.get, send))
        inbox.put_nowait({"type": "websocket.connect"})
        for message in ({"type": "join"}, {"type": "start", "id": 1, "pictures": ["prompt:0"]}):
            inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        await sending.wait()
        for id in range(2 * MESSAGES_PER_SECOND + 2):
            stay = json.dumps({"type": "stay", "id": id})
            inbox.put_nowait({"type": "websocket.receive", "text": stay})
        await line

    asyncio.run(asyncio.wait_for(play(), 60))


def test_a_world_that_fails_ends_one_conversation_and_not_the_server():
    world = make_world()
    with make_client(world) as client:
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
            ask(socket, "start", 1, pictures=["prompt:0"])
            del world.models.dynamics
            socket.send_json({"type": "press", "id": 2, "button": 0})
            assert close_code(socket) == Close.MODEL_FAILED
        assert client.get("/healthz").status_code == 200


def test_every_close_code_has_a_reason_and_stands_in_the_docs():
    docs = (Path(__file__).parents[2] / "docs" / "serve.md").read_text()
    assert set(REASONS) == set(Close)
    assert [code for code in Close if f"| {code.value} |" not in docs] == []
