import io
import json
import struct
from pathlib import Path

import pytest
from PIL import Image
from starlette.websockets import WebSocketDisconnect

from playworld.play.conversation import MESSAGES_PER_SECOND
from playworld.play.messages import REASONS, Close

from .conftest import SOCKET, make_client, make_world, picture_bytes


def join(socket, session: str | None = None) -> str:
    socket.send_json({"type": "join", "session": session})
    return socket.receive_json()["session"]


def ask(socket, type: str, id: int, **fields) -> bytes:
    """Send a request and return the picture that answers it."""
    socket.send_json({"type": type, "id": id, **fields})
    message = socket.receive_bytes()
    assert struct.unpack("<I", message[:4]) == (id,)
    return message[8:]


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
    picture = Image.open(io.BytesIO(ask(socket, "start", 1, prompt=0)))
    assert (picture.format, picture.size) == ("PNG", (64, 64))


def test_frames_are_counted_from_the_start(socket):
    join(socket)
    socket.send_json({"type": "start", "id": 1, "prompt": 0})
    counts = [struct.unpack("<II", socket.receive_bytes()[:8])]
    for id in (2, 3):
        socket.send_json({"type": "press", "id": id, "button": 0})
        counts.append(struct.unpack("<II", socket.receive_bytes()[:8]))
    assert counts == [(1, 0), (2, 1), (3, 2)]


def test_another_button_gives_another_picture(socket):
    join(socket)
    pictures = set()
    for button in range(4):
        ask(socket, "start", 10 * button, prompt=0, seed=7)
        pictures.add(ask(socket, "press", 10 * button + 1, button=button))
    assert len(pictures) == 4


def test_a_reset_brings_the_same_world_again(socket):
    join(socket)
    first = [ask(socket, "start", 1, prompt=1)]
    first += [ask(socket, "press", 2 + k, button=k) for k in range(4)]
    again = [ask(socket, "reset", 11)]
    again += [ask(socket, "press", 12 + k, button=k) for k in range(4)]
    assert first == again


def test_a_seed_names_a_world_and_without_one_it_is_left_to_chance(client):
    def play(**seed):
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
            ask(socket, "start", 1, prompt=0, **seed)
            return [ask(socket, "press", 2 + k, button=1) for k in range(6)]

    assert play(seed=3) == play(seed=3)
    assert play() != play()


def test_an_uploaded_picture_can_be_played(client, socket):
    headers = {"x-playworld-session": join(socket)}
    shown = ask(socket, "start", 1, prompt=0)
    data = picture_bytes(9, (200, 100), "JPEG")
    assert client.post("/api/v1/picture", content=data, headers=headers).status_code == 204
    assert ask(socket, "start", 2, prompt=None) != shown


def test_a_broken_line_is_taken_up_where_the_game_was(client):
    with client.websocket_connect(SOCKET) as socket:
        session = join(socket)
        ask(socket, "start", 1, prompt=0)
        newest = ask(socket, "press", 2, button=1)
    with client.websocket_connect(SOCKET) as socket:
        assert join(socket, session) == session
        assert socket.receive_bytes() == struct.pack("<II", 0, 1) + newest
        ask(socket, "press", 1, button=1)


def test_a_second_connection_takes_the_game_over(client, socket):
    session = join(socket)
    ask(socket, "start", 1, prompt=0)
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
        '{"type": "start", "id": 1, "prompt": 3}',
        '{"type": "start", "id": 1, "prompt": -1}',
        '{"type": "start", "id": 1, "prompt": null}',
        '{"type": "start", "id": 1, "prompt": 0, "seed": -1}',
        '{"type": "join"}',
    ],
)
def test_a_message_that_makes_no_sense_ends_the_conversation(socket, text):
    join(socket)
    ask(socket, "start", 1, prompt=0)
    socket.send_text(text)
    assert close_code(socket) == Close.BAD_MESSAGE


def test_a_binary_message_ends_the_conversation(socket):
    join(socket)
    socket.send_bytes(b"{}")
    assert close_code(socket) == Close.BAD_MESSAGE


def test_the_first_message_must_be_a_join(socket):
    socket.send_json({"type": "start", "id": 1, "prompt": 0})
    assert close_code(socket) == Close.BAD_MESSAGE


@pytest.mark.parametrize("message", [{"type": "press", "button": 0}, {"type": "reset"}])
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
            assert close_code(socket) == Close.IDLE
        with client.websocket_connect(SOCKET) as socket:
            socket.send_json({"type": "join", "session": session})
            assert close_code(socket) == Close.UNKNOWN_SESSION


def test_one_player_too_many_is_told_to_come_back(random_world):
    with (
        make_client(random_world, max_players=1) as client,
        client.websocket_connect(SOCKET) as first,
        client.websocket_connect(SOCKET) as second,
    ):
        join(first)
        second.send_json({"type": "join"})
        assert close_code(second) == Close.FULL
        ask(first, "start", 1, prompt=0)


def test_a_flood_of_messages_ends_the_conversation(socket):
    join(socket)
    for id in range(10 * MESSAGES_PER_SECOND):
        socket.send_text(json.dumps({"type": "start", "id": id, "prompt": 0}))
    messages = iter(socket.receive, None)
    closing = next(message for message in messages if message["type"] == "websocket.close")
    assert closing["code"] == Close.TOO_FAST


def test_a_world_that_fails_ends_one_conversation_and_not_the_server():
    world = make_world()
    with make_client(world) as client:
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
            ask(socket, "start", 1, prompt=0)
            del world.dynamics
            socket.send_json({"type": "press", "id": 2, "button": 0})
            assert close_code(socket) == Close.MODEL_FAILED
        assert client.get("/healthz").status_code == 200


def test_every_close_code_has_a_reason_and_stands_in_the_docs():
    docs = (Path(__file__).parents[2] / "docs" / "play.md").read_text()
    assert set(REASONS) == set(Close)
    assert [code for code in Close if f"| {code.value} |" not in docs] == []
