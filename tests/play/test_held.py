"""A held button: its pace, its window, and what remains after its release."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from playworld.play.held import MAX_AHEAD, MAX_BEYOND, Held

from .conftest import SOCKET
from .test_conversation import HEADER, ask, ask_for, join


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def play(held: Held, clock: Clock, seconds: float, round_trip: float) -> list[float]:
    """When frames were made by a world that needs no time, each acknowledged a round trip later."""
    held.add()
    made, shown = [0.0], 0
    while clock.now < seconds:
        while shown < len(made) and made[shown] + round_trip <= clock.now:
            shown += 1
            held.acknowledge(shown)
        if held.wait() == 0:
            held.add()
            made.append(clock.now)
        clock.now += 0.005
    return made


@pytest.mark.parametrize(("round_trip", "frames"), [(0.0, 10), (0.15, 10), (0.4, 10), (2.0, 6)])
def test_frames_keep_their_rate_over_a_network_as_long_as_the_window_allows(round_trip, frames):
    clock = Clock()
    assert len(play(Held(10.0, clock), clock, 0.98, round_trip)) == frames


def test_the_window_is_the_round_trip_and_one_frame():
    clock = Clock()
    held = Held(10.0, clock)
    play(held, clock, 3.0, 0.15)
    before = held.made
    while held.wait() is not None:  # nothing is acknowledged any more
        clock.now += held.wait()
        held.add()
    assert held.made - before <= 3


def test_a_single_press_has_one_frame():
    held = Held()
    held.add()
    assert held.wait() is None


def test_two_frames_remain_of_those_that_the_player_had_not_received():
    held = Held(80.0)
    for _ in range(MAX_AHEAD):
        held.add()
    held.acknowledge(1)
    held.release(2)
    assert held.made - held.beyond == 2 + MAX_BEYOND


@pytest.fixture
def socket(client):
    with client.websocket_connect(SOCKET) as socket:
        join(socket)
        ask(socket, "start", 1, pictures=["prompt:0"], seed=7)
        yield socket


def nodes(socket, id: int, frames: int) -> list[int]:
    """Nodes of the next frames, all of press `id`."""
    headers = [HEADER.unpack(socket.receive_bytes()[:16]) for _ in range(frames)]
    assert {header[1] for header in headers} == {id}
    return [header[2] for header in headers]


def say(socket, type: str, id: int, **fields) -> None:
    socket.send_json({"type": type, "id": id, **fields})


def test_a_held_button_makes_as_many_frames_as_fit_the_window_and_waits(socket):
    say(socket, "press", 2, button=1, fps=80)
    assert nodes(socket, 2, MAX_AHEAD) == [1, 2, 3, 4, 5, 6]
    ask(socket, "try", 3, presses=1)  # no frame comes before its answer
    say(socket, "shown", 2, frames=1)
    assert nodes(socket, 2, 1) == [7]


def test_a_released_button_stops_within_two_frames_and_the_next_press_follows_them(socket):
    say(socket, "press", 2, button=1, fps=80)
    assert len(nodes(socket, 2, MAX_AHEAD)) > 1 + MAX_BEYOND
    say(socket, "release", 2, frames=1)  # the others were still under way
    assert socket.receive_json() == {"type": "released", "id": 2, "frames": 3}
    (_, _, node, frame), held_then = ask_for(socket, "press", 3, button=4)
    assert (node, frame) == (4, 4)
    ask(socket, "go", 4, node=0)
    for k in range(3):
        ask(socket, "press", 5 + k, button=1)
    assert ask(socket, "press", 9, button=4) == held_then  # as if pressed one by one


def test_a_tap_makes_a_frame_though_its_release_comes_before_it(socket):
    say(socket, "press", 2, button=1, fps=0.1)
    say(socket, "release", 2, frames=0)
    assert nodes(socket, 2, 1) == [1]
    assert socket.receive_json() == {"type": "released", "id": 2, "frames": 1}


def test_another_press_takes_the_place_of_a_held_one(socket):
    say(socket, "press", 2, button=1, fps=0.1)
    assert nodes(socket, 2, 1) == [1]
    assert ask_for(socket, "press", 3, button=2)[0][2] == 2
    say(socket, "release", 2, frames=1)  # too late to mean anything
    assert ask_for(socket, "go", 4, node=1)[0][2] == 1


def test_going_elsewhere_ends_a_held_button_and_keeps_its_frames(socket):
    say(socket, "press", 2, button=1, fps=80)
    assert nodes(socket, 2, MAX_AHEAD)[-1] == 6
    ask(socket, "go", 3, node=2)
    say(socket, "shown", 2, frames=6)
    assert ask_for(socket, "press", 4, button=0)[0][2:] == (7, 3)


@contextlib.asynccontextmanager
async def delayed(port: int, seconds: float) -> AsyncIterator[str]:
    """The address of a server's socket behind a network that takes so many seconds each way.

    For one connection, which is to end within the block.
    """
    ended = asyncio.Event()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(2**16):
            loop.call_later(seconds, writer.write, data)
        await asyncio.sleep(seconds)
        writer.close()
        await writer.wait_closed()

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, outer), pipe(inner, writer), return_exceptions=True)
        ended.set()

    async with await asyncio.start_server(admit, "127.0.0.1", 0) as proxy:
        yield f"ws://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/api/v1/socket"
        await ended.wait()


def test_over_a_slow_network_frames_come_ahead_of_their_answers_and_stop_after_a_release(served):
    async def play() -> int:
        async with delayed(served.port, 0.075) as address, connect(address) as socket:

            async def say(**message) -> None:
                await socket.send(json.dumps(message))

            await say(type="join")
            await say(type="start", id=1, pictures=["prompt:0"], seed=7)
            await say(type="press", id=2, button=1, fps=10)
            joined, start = await socket.recv(), await socket.recv()
            assert isinstance(joined, str) and HEADER.unpack(start[:16])[1] == 1
            for frames in range(1, 13):
                await socket.recv()
                await say(type="shown", id=2, frames=frames)
            for _ in range(3):  # the round trip has room for two, and there is one more
                assert HEADER.unpack((await socket.recv())[:16])[1] == 2
            await say(type="release", id=2, frames=15)
            while not isinstance(answer := await socket.recv(), str):
                pass
            return json.loads(answer)["frames"]

    assert 15 <= asyncio.run(asyncio.wait_for(play(), 60)) <= 15 + MAX_BEYOND
